//! Connections of their own, for what would hold up the shared one: large reads, and waiting for replicas.

use std::time::Duration;

use deadpool::managed::{Manager, Metrics, Object, PoolConfig, RecycleError, RecycleResult, Timeouts};
use redis::{Cmd, Pipeline, RedisError, RedisFuture, RedisResult, Value, aio::ConnectionLike};

use super::{Link, source::Opened};

/// Connections at most.
const SIZE: usize = 16;
/// A caller waits at most so long for one.
const PATIENCE: Duration = Duration::from_secs(2);
/// One that has been idle for longer is asked whether it still lives.
const FRESH_FOR: Duration = Duration::from_secs(1);

/// See the module.
pub(crate) type Pool = deadpool::managed::Pool<Opener>;

/// A connection from the pool; back in it when dropped.
pub(crate) struct Pooled(Object<Opener>);

/// Opens connections to the server that the link is connected to.
pub(crate) struct Opener(Link);

impl From<Object<Opener>> for Pooled {
    fn from(object: Object<Opener>) -> Self {
        Self(object)
    }
}

impl Pooled {
    /// Closes it: it has failed, or leads to a server that is not to be trusted.
    pub(crate) fn discard(self) {
        drop(Object::take(self.0));
    }
}

impl ConnectionLike for Pooled {
    fn req_packed_command<'a>(&'a mut self, command: &'a Cmd) -> RedisFuture<'a, Value> {
        self.0.connection.req_packed_command(command)
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        pipeline: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        self.0.connection.req_packed_commands(pipeline, offset, count)
    }

    fn get_db(&self) -> i64 {
        self.0.connection.get_db()
    }
}

impl Manager for Opener {
    type Type = Opened;
    type Error = RedisError;

    async fn create(&self) -> RedisResult<Opened> {
        self.0.0.source.open().await
    }

    async fn recycle(&self, opened: &mut Opened, metrics: &Metrics) -> RecycleResult<RedisError> {
        let current = self.0.0.current().opened().await?;
        if current.address != opened.address {
            return Err(RecycleError::message("the master has moved"));
        }
        if metrics.last_used() > FRESH_FOR {
            redis::cmd("PING").exec_async(&mut opened.connection).await?;
        }
        Ok(())
    }
}

impl Link {
    /// A pool of connections to the same server.
    pub(crate) fn pool(&self) -> Pool {
        let timeouts = Timeouts { wait: Some(PATIENCE), create: Some(PATIENCE), recycle: Some(PATIENCE) };
        let config = PoolConfig { timeouts, ..PoolConfig::new(SIZE) };
        let pool = Pool::builder(Opener(self.clone())).config(config).runtime(deadpool::Runtime::Tokio1).build();
        pool.expect("a runtime is given, so timeouts are possible")
    }
}
