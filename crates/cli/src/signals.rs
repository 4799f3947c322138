//! When a person, or whoever started this process, wants it to end.

use std::process;

use tokio::{
    io::AsyncReadExt,
    signal::unix::{Signal, SignalKind, signal},
};
use tokio_util::sync::CancellationToken;

use crate::failure::Failure;

/// What a shell reports of a process that a second Ctrl-C ended.
const ENDED_AT_ONCE: i32 = 130;

/// SIGINT and SIGTERM. From when this exists on, neither ends the process by itself.
pub(crate) struct Interrupt {
    interrupt: Signal,
    terminate: Signal,
}

impl Interrupt {
    /// Starts to listen.
    pub(crate) fn listen() -> Result<Self, Failure> {
        let listen = |kind| signal(kind).map_err(|why| Failure::new(format!("signals cannot be listened to: {why}")));
        Ok(Self { interrupt: listen(SignalKind::interrupt())?, terminate: listen(SignalKind::terminate())? })
    }

    /// Resolves with the next signal.
    pub(crate) async fn wait(&mut self) {
        tokio::select! { _ = self.interrupt.recv() => (), _ = self.terminate.recv() => () }
    }
}

/// A token that is cancelled by a signal, and with `leash` also when standard input ends. A second signal ends the
/// process at once.
pub(crate) fn stop_token(leash: bool) -> Result<CancellationToken, Failure> {
    let mut signals = Interrupt::listen()?;
    let stop = CancellationToken::new();
    let told = stop.clone();
    tokio::spawn(async move {
        signals.wait().await;
        told.cancel();
        signals.wait().await;
        process::exit(ENDED_AT_ONCE);
    });
    if leash {
        let loose = stop.clone();
        tokio::spawn(async move {
            end_of_input().await;
            loose.cancel();
        });
    }
    Ok(stop)
}

/// Resolves when standard input ends: whoever held its other end has stopped, or died.
async fn end_of_input() {
    let (mut input, mut buffer) = (tokio::io::stdin(), [0; 64]);
    while input.read(&mut buffer).await.is_ok_and(|read| read > 0) {}
}
