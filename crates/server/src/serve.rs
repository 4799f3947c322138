//! Serving a router on a listener until told to stop.

use std::{future::Future, io};

use axum::{Router, serve::ListenerExt};
use tokio::net::TcpListener;

/// Serves `router` until `shutdown` resolves, then takes nothing new and ends when what is under way is answered.
///
/// # Errors
/// When the listener cannot be used.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    // Answers are small and whole: waiting to fill a segment would only delay them.
    let listener = listener.tap_io(|stream| {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(error = %error, "a connection keeps its delay: {error}");
        }
    });
    axum::serve(listener, router).with_graceful_shutdown(shutdown).await
}
