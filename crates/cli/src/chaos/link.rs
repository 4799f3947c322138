//! A way over the network that can be cut and made long: loopback TCP before Redis or an HTTP server.

use std::{io, net::SocketAddr, path::PathBuf, time::Duration};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream, UnixStream},
    sync::watch,
    task::{AbortHandle, JoinSet},
    time::sleep,
};

/// What a link leads to.
#[derive(Debug, Clone)]
pub(super) enum Far {
    Tcp(SocketAddr),
    Unix(PathBuf),
}

/// How things stand, for all connections. Troubles add up, so that one's end does not end another.
#[derive(Debug, Clone, Copy, Default)]
struct Weather {
    cuts: u32,
    /// Before each piece, in each direction.
    delay: Duration,
}

/// A link. Gone when dropped.
#[derive(Debug)]
pub(super) struct Link {
    address: SocketAddr,
    weather: watch::Sender<Weather>,
    accept: AbortHandle,
}

impl Link {
    /// Listens on a free port of loopback.
    pub(super) async fn open(far: Far) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let (weather, seen) = watch::channel(Weather::default());
        let accept = tokio::spawn(accept(listener, far, seen)).abort_handle();
        Ok(Self { address, weather, accept })
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Closes all connections, and new ones at once, until mended as often as cut.
    pub(super) fn cut(&self) {
        self.weather.send_modify(|weather| weather.cuts += 1);
    }

    pub(super) fn mend(&self) {
        self.weather.send_modify(|weather| weather.cuts -= 1);
    }

    /// Makes the way longer, in each direction.
    pub(super) fn lengthen(&self, by: Duration) {
        self.weather.send_modify(|weather| weather.delay += by);
    }

    pub(super) fn shorten(&self, by: Duration) {
        self.weather.send_modify(|weather| weather.delay -= by);
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.accept.abort();
    }
}

async fn accept(listener: TcpListener, far: Far, weather: watch::Receiver<Weather>) {
    let mut connections = JoinSet::new();
    while let Ok((near, _)) = listener.accept().await {
        if weather.borrow().cuts == 0 {
            connections.spawn(connect(near, far.clone(), weather.clone()));
        }
        while connections.try_join_next().is_some() {}
    }
}

/// Who is not there closes the connection, as without a link.
async fn connect(near: TcpStream, far: Far, weather: watch::Receiver<Weather>) {
    // Without it small pieces wait for each other; should it fail, they do.
    let _ = near.set_nodelay(true);
    match far {
        Far::Tcp(address) => {
            if let Ok(far) = TcpStream::connect(address).await {
                let _ = far.set_nodelay(true);
                join(near, far, weather).await;
            }
        }
        Far::Unix(path) => {
            if let Ok(far) = UnixStream::connect(path).await {
                join(near, far, weather).await;
            }
        }
    }
}

/// Carries a connection until one end closes it, or a cut does.
async fn join(near: TcpStream, far: impl AsyncRead + AsyncWrite, mut weather: watch::Receiver<Weather>) {
    let (near_in, near_out) = near.into_split();
    let (far_in, far_out) = tokio::io::split(far);
    let (there, back) = (weather.clone(), weather.clone());
    tokio::select! {
        () = carry(near_in, far_out, there) => {}
        () = carry(far_in, near_out, back) => {}
        _ = weather.wait_for(|weather| weather.cuts > 0) => {}
    }
}

async fn carry(mut from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin, weather: watch::Receiver<Weather>) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(length @ 1..) = from.read(&mut buffer).await {
        let delay = weather.borrow().delay;
        if !delay.is_zero() {
            sleep(delay).await;
        }
        if to.write_all(&buffer[..length]).await.is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    /// A link to a server that says back what it hears.
    async fn link() -> Link {
        let echo = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let far = Far::Tcp(echo.local_addr().unwrap());
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = echo.accept().await {
                tokio::spawn(async move {
                    let (mut from, mut to) = stream.split();
                    tokio::io::copy(&mut from, &mut to).await
                });
            }
        });
        Link::open(far).await.unwrap()
    }

    async fn ask(stream: &mut TcpStream) -> io::Result<u8> {
        stream.write_u8(7).await?;
        stream.read_u8().await
    }

    #[tokio::test]
    async fn a_cut_ends_what_is_open_refuses_what_is_new_and_lasts_until_every_cut_is_mended() {
        let link = link().await;
        let mut stream = TcpStream::connect(link.address()).await.unwrap();
        assert_eq!(ask(&mut stream).await.unwrap(), 7);
        link.cut();
        link.cut();
        link.mend();
        ask(&mut stream).await.unwrap_err();
        ask(&mut TcpStream::connect(link.address()).await.unwrap()).await.unwrap_err();
        link.mend();
        assert_eq!(ask(&mut TcpStream::connect(link.address()).await.unwrap()).await.unwrap(), 7);
    }

    #[tokio::test]
    async fn a_longer_way_takes_longer_there_and_back() {
        let link = link().await;
        let mut stream = TcpStream::connect(link.address()).await.unwrap();
        link.lengthen(Duration::from_millis(40));
        let started = Instant::now();
        ask(&mut stream).await.unwrap();
        assert!(started.elapsed() >= Duration::from_millis(80));
        link.shorten(Duration::from_millis(40));
        assert_eq!(ask(&mut stream).await.unwrap(), 7);
    }

    #[tokio::test]
    async fn who_is_not_there_closes_the_connection() {
        let link = Link::open(Far::Unix("/nowhere".into())).await.unwrap();
        ask(&mut TcpStream::connect(link.address()).await.unwrap()).await.unwrap_err();
    }
}
