//! A network that fails to order: a proxy on loopback TCP, before Redis or an HTTP server.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

/// What a proxy stands before.
#[derive(Debug, Clone)]
pub enum Upstream {
    /// A TCP address.
    Tcp(SocketAddr),
    /// A Unix socket.
    Unix(PathBuf),
}

impl Upstream {
    /// The Redis or HTTP server at a URL (`redis+unix:///path`, `redis://127.0.0.1:6379`, `http://127.0.0.1:8080`).
    ///
    /// # Panics
    /// When the URL names neither a Unix socket nor a numeric address with a port.
    pub fn of(url: &str) -> Self {
        let (scheme, rest) = url.split_once("://").expect("a URL has a scheme");
        if scheme.ends_with("unix") {
            return Self::Unix(rest.into());
        }
        let address = rest.split('/').next().unwrap_or(rest);
        Self::Tcp(address.parse().unwrap_or_else(|_| panic!("{url} has no numeric address and port")))
    }
}

/// The state of the network, the same for all connections.
#[derive(Debug, Clone, Copy, Default)]
struct Weather {
    delay: Duration,
    blackhole: bool,
    cut: bool,
}

/// Replies to lose, and how many have been lost.
#[derive(Debug, Default)]
struct Losses {
    ordered: AtomicUsize,
    /// The reply to a request that contains one of these is to be lost.
    awaited: Mutex<Vec<String>>,
    done: AtomicUsize,
}

impl Losses {
    /// Takes up one order that fits the request, if there is one.
    fn claim(&self, request: &[u8]) -> bool {
        let mut awaited = self.awaited.lock().unwrap();
        let contains = |part: &String| request.windows(part.len()).any(|window| window == part.as_bytes());
        if awaited.iter().any(contains) {
            awaited.clear();
            return true;
        }
        self.ordered.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok()
    }
}

/// A proxy in fair weather until told otherwise. Gone when dropped.
pub struct Proxy {
    address: SocketAddr,
    weather: watch::Sender<Weather>,
    losses: Arc<Losses>,
    accept: JoinHandle<()>,
}

impl Proxy {
    /// Listens on a free loopback port.
    pub async fn start(upstream: Upstream) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (weather, seen) = watch::channel(Weather::default());
        let losses = Arc::new(Losses::default());
        let accept = tokio::spawn(accept(listener, upstream, seen, Arc::clone(&losses)));
        Self { address, weather, losses, accept }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its address as Redis clients want it.
    pub fn redis_url(&self) -> String {
        format!("redis://{}", self.address)
    }

    /// Closes all connections, and new ones at once, until [`heal`](Self::heal).
    pub fn cut(&self) {
        self.weather.send_modify(|weather| weather.cut = true);
    }

    /// Delays what passes, by `delay` in each direction, until [`heal`](Self::heal).
    pub fn delay(&self, delay: Duration) {
        self.weather.send_modify(|weather| weather.delay = delay);
    }

    /// Accepts everything and passes nothing until [`heal`](Self::heal), which lets through what was held.
    pub fn blackhole(&self) {
        self.weather.send_modify(|weather| weather.blackhole = true);
    }

    /// Fair weather again.
    pub fn heal(&self) {
        self.weather.send_replace(Weather::default());
    }

    /// The next request passes; its reply does not, and its connection is closed instead. The client cannot know
    /// whether the request was carried out: it was. Orders add up. Give it when no request is under way.
    pub fn drop_next_reply(&self) {
        self.losses.ordered.fetch_add(1, Ordering::SeqCst);
    }

    /// The same for the next request that contains one of `parts`, such as the hash of a script: calls before it are
    /// answered.
    pub fn drop_reply_to(&self, parts: Vec<String>) {
        *self.losses.awaited.lock().unwrap() = parts;
    }

    /// How many replies have been lost.
    pub fn dropped_replies(&self) -> usize {
        self.losses.done.load(Ordering::SeqCst)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accept.abort();
    }
}

async fn accept(listener: TcpListener, upstream: Upstream, weather: watch::Receiver<Weather>, losses: Arc<Losses>) {
    let mut connections = JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        if weather.borrow().cut {
            continue;
        }
        // A server that is down closes the connection, as it would without a proxy.
        match &upstream {
            Upstream::Tcp(address) => {
                if let Ok(server) = TcpStream::connect(address).await {
                    connections.spawn(connect(client, server, weather.clone(), Arc::clone(&losses)));
                }
            }
            Upstream::Unix(path) => {
                if let Ok(server) = UnixStream::connect(path).await {
                    connections.spawn(connect(client, server, weather.clone(), Arc::clone(&losses)));
                }
            }
        }
        while connections.try_join_next().is_some() {}
    }
}

/// Carries one connection until an end closes it, a cut does, or a reply is to be lost.
async fn connect<S>(client: TcpStream, server: S, weather: watch::Receiver<Weather>, losses: Arc<Losses>)
where
    S: AsyncRead + AsyncWrite,
{
    let _ = client.set_nodelay(true);
    let (client_in, client_out) = client.into_split();
    let (server_in, server_out) = tokio::io::split(server);
    let (lose, losing) = watch::channel(false);
    let mut cut = weather.clone();
    let requests = carry(client_in, server_out, weather.clone(), |request| {
        if losses.claim(request) {
            lose.send_replace(true);
        }
        true
    });
    let replies = carry(server_in, client_out, weather, |_| {
        let lost = *losing.borrow();
        losses.done.fetch_add(usize::from(lost), Ordering::SeqCst);
        !lost
    });
    tokio::select! {
        () = requests => {}
        () = replies => {}
        _ = cut.wait_for(|weather| weather.cut) => {}
    }
}

/// Carries bytes one way, through the weather, as long as `admit` lets the next lot pass.
async fn carry(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    mut weather: watch::Receiver<Weather>,
    mut admit: impl FnMut(&[u8]) -> bool,
) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(length @ 1..) = from.read(&mut buffer).await {
        if weather.wait_for(|weather| !weather.blackhole).await.is_err() {
            return;
        }
        let delay = weather.borrow().delay;
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
        }
        if !admit(&buffer[..length]) || to.write_all(&buffer[..length]).await.is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use ::redis::aio::MultiplexedConnection;
    use ::redis::{AsyncConnectionConfig, RedisResult, cmd};

    use super::*;
    use crate::TestRedis;

    struct Scene {
        redis: TestRedis,
        proxy: Proxy,
    }

    impl Scene {
        async fn set() -> Self {
            let redis = TestRedis::start().await;
            let proxy = Proxy::start(Upstream::of(&redis.url())).await;
            Self { redis, proxy }
        }

        async fn connect(&self, url: &str) -> RedisResult<MultiplexedConnection> {
            let config = AsyncConnectionConfig::new().set_response_timeout(Some(Duration::from_millis(300)));
            ::redis::Client::open(url)?.get_multiplexed_async_connection_with_config(&config).await
        }

        async fn through(&self) -> MultiplexedConnection {
            self.connect(&self.proxy.redis_url()).await.unwrap()
        }

        async fn count(&self) -> Option<u32> {
            let mut straight = self.connect(&self.redis.url()).await.unwrap();
            cmd("GET").arg("n").query_async(&mut straight).await.unwrap()
        }
    }

    async fn incr(connection: &mut MultiplexedConnection) -> RedisResult<u32> {
        cmd("INCR").arg("n").query_async(connection).await
    }

    #[tokio::test]
    async fn a_lost_reply_loses_no_request() {
        let scene = Scene::set().await;
        let mut connection = scene.through().await;
        scene.proxy.drop_next_reply();
        incr(&mut connection).await.unwrap_err();
        assert_eq!((scene.count().await, scene.proxy.dropped_replies()), (Some(1), 1));
        assert_eq!(incr(&mut scene.through().await).await.unwrap(), 2, "one order, one loss");
    }

    #[tokio::test]
    async fn the_reply_to_a_chosen_request_is_lost_and_those_before_it_are_not() {
        let scene = Scene::set().await;
        let mut connection = scene.through().await;
        scene.proxy.drop_reply_to(vec!["nothing like it".to_owned(), "INCRBY".to_owned()]);
        assert_eq!(incr(&mut connection).await.unwrap(), 1);
        let chosen: RedisResult<u32> = cmd("INCRBY").arg("n").arg(10).query_async(&mut connection).await;
        chosen.unwrap_err();
        assert_eq!((scene.count().await, scene.proxy.dropped_replies()), (Some(11), 1));
        assert_eq!(incr(&mut scene.through().await).await.unwrap(), 12);
    }

    #[tokio::test]
    async fn a_cut_closes_what_is_open_and_refuses_what_is_new() {
        let scene = Scene::set().await;
        let mut connection = scene.through().await;
        scene.proxy.cut();
        assert!(!incr(&mut connection).await.unwrap_err().is_timeout());
        scene.connect(&scene.proxy.redis_url()).await.map(drop).unwrap_err();
        scene.proxy.heal();
        assert_eq!(incr(&mut scene.through().await).await.unwrap(), 1);
    }

    #[tokio::test]
    async fn a_blackhole_holds_what_it_swallows() {
        let scene = Scene::set().await;
        let mut connection = scene.through().await;
        scene.proxy.blackhole();
        assert!(incr(&mut connection).await.unwrap_err().is_timeout());
        assert_eq!(scene.count().await, None);
        scene.proxy.heal();
        assert_eq!(incr(&mut connection).await.unwrap(), 2, "the held request was let through first");
    }

    #[tokio::test]
    async fn a_delay_counts_in_each_direction() {
        let scene = Scene::set().await;
        let mut connection = scene.through().await;
        scene.proxy.delay(Duration::from_millis(40));
        let started = Instant::now();
        incr(&mut connection).await.unwrap();
        assert!(started.elapsed() >= Duration::from_millis(80));
    }

    #[test]
    fn an_upstream_is_read_from_a_url() {
        let unix = Upstream::of("redis+unix:///d/redis.sock");
        assert!(matches!(&unix, Upstream::Unix(path) if path == "/d/redis.sock"), "{unix:?}");
        let tcp = Upstream::of("http://127.0.0.1:80/v1");
        assert!(matches!(&tcp, Upstream::Tcp(address) if address.port() == 80), "{tcp:?}");
    }
}
