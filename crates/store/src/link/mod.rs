//! The connections to Redis, wherever it is at the moment. A connection that is lost, or that leads to a server which is
//! no longer the master, is replaced; whoever sends a command meanwhile waits for the new one.

mod pool;
mod pulse;
mod source;

use std::{
    slice,
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use futures::{
    FutureExt,
    future::{BoxFuture, Shared},
};
use redis::{
    Cmd, ErrorKind, Pipeline, RedisError, RedisFuture, RedisResult, Value,
    aio::{ConnectionLike, MultiplexedConnection},
};
use source::{Opened, Source};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

pub(crate) use pool::{Pool, Pooled};
pub use pulse::Pulse;

/// Between the tries of one opening.
const PAUSES: [Duration; 2] = [Duration::from_millis(100), Duration::from_millis(200)];
/// A server that refuses writes is left for another at most so often.
const LEAVE_EVERY: Duration = Duration::from_secs(1);
/// Sentinel is asked so often whether the master has moved.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// What a server says that is not the master, or not any more.
const NO_MASTER: [&str; 2] = ["READONLY", "MASTERDOWN"];

type Opening = Shared<BoxFuture<'static, RedisResult<Opened>>>;

/// The one connection of the hot path: cheap to clone, and shared by all clones. It mends itself; a command that was
/// under way when it broke has failed, and nobody knows whether it took place.
#[derive(Clone)]
pub struct Link(Arc<Inner>);

struct Inner {
    source: Source,
    current: Mutex<Arc<Current>>,
    /// The connection is lost, and that is said; not with every try to open another.
    lost: AtomicBool,
}

/// A connection that is being opened, or is open.
struct Current {
    opening: Opening,
    since: Instant,
    /// Its server is the master no more: nothing that was asked of it is waited for.
    deposed: CancellationToken,
}

impl Current {
    fn open(inner: Weak<Inner>) -> Arc<Self> {
        let opening = async move {
            let inner = inner.upgrade().ok_or_else(|| RedisError::from(std::io::Error::other("the store is gone")))?;
            open(&inner.source).await
        };
        let opening = opening.boxed().shared();
        Arc::new(Self { opening, since: Instant::now(), deposed: CancellationToken::new() })
    }

    async fn opened(&self) -> RedisResult<Opened> {
        match self.opening.peek() {
            Some(opened) => opened.clone(),
            None => self.opening.clone().await,
        }
    }
}

async fn open(source: &Source) -> RedisResult<Opened> {
    for pause in PAUSES {
        match source.open().await {
            Ok(opened) => return Ok(opened),
            Err(error) if error.is_io_error() || error.code().is_some() => tokio::time::sleep(pause).await,
            Err(error) => return Err(error),
        }
    }
    source.open().await
}

impl Link {
    /// Connects to what `redis.url` names. Fails when that cannot be reached now.
    pub(crate) async fn connect(url: &str) -> RedisResult<Self> {
        let source = Source::parse(url)?;
        let link = Self(Arc::new_cyclic(|inner| Inner {
            source,
            current: Mutex::new(Current::open(inner.clone())),
            lost: AtomicBool::new(false),
        }));
        link.0.current().opened().await?;
        if link.is_sentinel() {
            tokio::spawn(follow(Arc::downgrade(&link.0)));
        }
        Ok(link)
    }

    /// Whether Sentinel says where Redis is.
    pub(crate) fn is_sentinel(&self) -> bool {
        self.0.source.is_sentinel()
    }

    async fn run<'a, T>(
        &'a self,
        command: impl AsyncFnOnce(MultiplexedConnection) -> RedisResult<T> + 'a,
        values: impl FnOnce(&T) -> &[Value],
    ) -> RedisResult<T> {
        let current = self.0.current();
        let answering = async {
            let opened = current.opened().await?;
            command(opened.connection).await
        };
        let answer = match current.deposed.run_until_cancelled(answering).await {
            Some(answer) => answer,
            None => Err(RedisError::from((ErrorKind::Io, "the master has moved before it answered"))),
        };
        match &answer {
            Ok(answer) => self.0.heard(&current, values(answer)),
            Err(error) => self.0.failed(&current, error),
        }
        answer
    }
}

impl Inner {
    fn current(&self) -> Arc<Current> {
        Arc::clone(&self.current.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// A command failed: was it for the connection?
    fn failed(self: &Arc<Self>, current: &Arc<Current>, error: &RedisError) {
        let never_opened = current.opening.peek().is_some_and(Result::is_err);
        if never_opened || error.is_unrecoverable_error() {
            self.replace(current, &error.to_string());
        }
    }

    /// The server answered: was it that it is no master?
    fn heard(self: &Arc<Self>, current: &Arc<Current>, values: &[Value]) {
        let is_refusal = |value: &Value| matches!(value, Value::ServerError(said) if NO_MASTER.contains(&said.code()));
        if values.iter().any(is_refusal) && current.since.elapsed() >= LEAVE_EVERY {
            self.replace(current, "the server takes no writes, as a replica does");
        }
    }

    /// Opens another connection in place of `current`, unless somebody has already.
    fn replace(self: &Arc<Self>, current: &Arc<Current>, why: &str) {
        let mut slot = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if !Arc::ptr_eq(&slot, current) {
            return;
        }
        *slot = Current::open(Arc::downgrade(self));
        let opening = slot.opening.clone();
        drop(slot);
        if !self.lost.swap(true, Ordering::Relaxed) {
            warn!("the connection to Redis is lost and opened anew: {why}");
        }
        let inner = Arc::clone(self);
        tokio::spawn(async move {
            if let Ok(opened) = opening.await
                && inner.lost.swap(false, Ordering::Relaxed)
            {
                info!("connected to Redis at {}", opened.address);
            }
        });
    }

    /// Leaves a server that Sentinel does not name any more. It may still answer, or be silent without being gone.
    async fn look(self: &Arc<Self>) {
        let current = self.current();
        let Some(Ok(opened)) = current.opening.peek() else { return };
        if let Some(named) = self.source.named().await
            && named != *opened.address
        {
            self.replace(&current, &format!("Sentinel names {named} as the master"));
            current.deposed.cancel();
        }
    }
}

/// Follows the master while the link lives.
async fn follow(inner: Weak<Inner>) {
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        let Some(inner) = inner.upgrade() else { return };
        inner.look().await;
    }
}

impl ConnectionLike for Link {
    fn req_packed_command<'a>(&'a mut self, command: &'a Cmd) -> RedisFuture<'a, Value> {
        self.run(async |mut connection| connection.send_packed_command(command).await, slice::from_ref).boxed()
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        pipeline: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        let send = async move |mut connection: MultiplexedConnection| {
            connection.send_packed_commands(pipeline, offset, count).await
        };
        self.run(send, Vec::as_slice).boxed()
    }

    fn get_db(&self) -> i64 {
        self.0.source.database()
    }
}
