//! Accepting connections, unless the simulator is away; and connections that can be cut on order: closed without an
//! answer, or reset.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use std::{fmt, io};

use axum::extract::connect_info::Connected;
use axum::response::{IntoResponse, Response};
use axum::serve::{IncomingStream, Listener};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::sleep_until;

const OPEN: u8 = 0;
const CLOSED: u8 = 1;
const RESET: u8 = 2;

/// A handler's hold on the connection that its request came by.
#[derive(Clone, Debug, Default)]
pub(crate) struct Line(Arc<AtomicU8>);

impl Line {
    /// Closes the connection instead of answering; the response returned never gets out.
    pub(crate) fn close(&self) -> Response {
        self.0.store(CLOSED, Ordering::Release);
        ().into_response()
    }

    /// Resets the connection instead of answering; the response returned never gets out.
    pub(crate) fn reset(&self) -> Response {
        self.0.store(RESET, Ordering::Release);
        ().into_response()
    }

    fn is_cut(&self) -> bool {
        self.0.load(Ordering::Acquire) != OPEN
    }
}

/// After the system has refused, wait this long.
const AGAIN: Duration = Duration::from_millis(50);

/// A TCP listener whose connections obey their [`Line`]. While the simulator is away nobody listens at its address.
pub(crate) struct CuttingListener {
    /// None while it is away.
    listener: Option<TcpListener>,
    address: SocketAddr,
    away: watch::Receiver<Option<Instant>>,
}

impl CuttingListener {
    /// `away` tells until when nobody is to listen.
    pub(crate) fn new(listener: TcpListener, away: watch::Receiver<Option<Instant>>) -> Self {
        let address = listener.local_addr().expect("a bound socket has an address");
        Self { listener: Some(listener), address, away }
    }

    /// Stops to listen while it is to be away, and listens again afterwards.
    async fn present(&mut self) -> io::Result<()> {
        while let Some(until) = self.away_until() {
            self.listener = None;
            tokio::select! {
                () = sleep_until(until.into()) => {}
                changed = self.away.changed() => if changed.is_err() { return Ok(()) },
            }
        }
        if self.listener.is_none() {
            self.listener = Some(TcpListener::bind(self.address).await?);
        }
        Ok(())
    }

    fn away_until(&mut self) -> Option<Instant> {
        self.away.borrow_and_update().filter(|until| Instant::now() < *until)
    }

    /// The next connection; none when what is to be done has changed meanwhile.
    async fn next(&mut self) -> io::Result<Option<(TcpStream, SocketAddr)>> {
        self.present().await?;
        let Some(listener) = &self.listener else { return Ok(None) };
        tokio::select! {
            accepted = listener.accept() => accepted.map(Some),
            Ok(()) = self.away.changed() => Ok(None),
        }
    }
}

impl Listener for CuttingListener {
    type Io = Wire;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Wire, SocketAddr) {
        loop {
            match self.next().await {
                Ok(None) => {}
                Ok(Some((stream, peer))) => {
                    // Only a matter of speed: a socket that refuses the option still works.
                    let _ = stream.set_nodelay(true);
                    return (Wire { stream, line: Line::default() }, peer);
                }
                Err(reason) => {
                    tracing::warn!(%reason, "cannot accept a connection; trying again");
                    tokio::time::sleep(AGAIN).await;
                }
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.address)
    }
}

impl Connected<IncomingStream<'_, CuttingListener>> for Line {
    fn connect_info(stream: IncomingStream<'_, CuttingListener>) -> Self {
        stream.io().line.clone()
    }
}

/// A connection; once its line is cut nothing more is written, and the server lets go of it.
pub(crate) struct Wire {
    stream: TcpStream,
    line: Line,
}

impl Wire {
    fn writable(&mut self) -> io::Result<Pin<&mut TcpStream>> {
        if self.line.is_cut() { Err(io::ErrorKind::ConnectionAborted.into()) } else { Ok(Pin::new(&mut self.stream)) }
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        if self.line.0.load(Ordering::Acquire) == RESET {
            // With no time to linger, closing sends RST instead of FIN.
            let _ = self.stream.set_zero_linger();
        }
    }
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Wire").field(&self.line).finish()
    }
}

impl AsyncRead for Wire {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.writable()?.poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.writable()?.poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.writable()?.poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.writable()?.poll_shutdown(cx)
    }
}
