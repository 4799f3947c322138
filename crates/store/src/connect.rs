//! The connections: one multiplexed for the hot path, a pool for the rest.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use dawncast_core::UnixMs;
use redis::aio::{ConnectionManager, ConnectionManagerConfig};

use crate::{Keys, StoreError};

/// How to reach Redis.
#[derive(Debug, Clone)]
pub struct StoreConfig {
    /// `redis://`, `rediss://` or `redis+unix://`.
    pub url: String,
    /// Put before every key, so that several deployments, or tests, can share one Redis.
    pub prefix: String,
}

/// How full Redis is, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Memory {
    /// In use.
    pub used: u64,
    /// `maxmemory`; 0 is no limit.
    pub limit: u64,
}

/// Dawncast's storage. Cheap to clone; clones share their connections.
#[derive(Clone)]
pub struct Store {
    pub(crate) hot: ConnectionManager,
    pool: deadpool_redis::Pool,
    pub(crate) keys: Keys,
    clock: Option<Arc<AtomicI64>>,
}

impl Store {
    /// Connects. Fails when Redis cannot be reached now; afterwards the connections mend themselves.
    pub async fn connect(config: &StoreConfig) -> Result<Self, StoreError> {
        let client = redis::Client::open(config.url.as_str())?;
        let manager = ConnectionManagerConfig::new()
            .set_connection_timeout(Some(Duration::from_secs(2)))
            .set_response_timeout(Some(Duration::from_secs(2)))
            .set_number_of_retries(2)
            .set_max_delay(Duration::from_millis(500));
        let hot = client.get_connection_manager_with_config(manager).await?;
        let pool = deadpool_redis::Config::from_url(config.url.as_str())
            .create_pool(Some(deadpool_redis::Runtime::Tokio1))
            .map_err(|error| StoreError::Unfit(format!("redis.url: {error}")))?;
        Ok(Self { hot, pool, keys: Keys::new(&config.prefix), clock: None })
    }

    /// The same store on a clock of the test's own, in Unix milliseconds. Scripts otherwise ask Redis for the time.
    #[must_use]
    pub fn with_clock(&self, clock: Arc<AtomicI64>) -> Self {
        Self { clock: Some(clock), ..self.clone() }
    }

    /// What scripts take as the time: nothing, for Redis' own.
    pub(crate) fn now_argument(&self) -> String {
        self.clock.as_ref().map_or_else(String::new, |clock| clock.load(Ordering::SeqCst).to_string())
    }

    /// A connection of its own, from the pool: for reads so large that they would hold up the hot path.
    pub(crate) async fn admin(&self) -> Result<deadpool_redis::Connection, StoreError> {
        Ok(self.pool.get().await?)
    }

    /// Redis' time.
    pub async fn time(&self) -> Result<UnixMs, StoreError> {
        let (seconds, micros): (i64, i64) = redis::cmd("TIME").query_async(&mut self.hot.clone()).await?;
        Ok(seconds * 1_000 + micros / 1_000)
    }

    /// How full Redis is.
    pub async fn memory(&self) -> Result<Memory, StoreError> {
        let info: redis::InfoDict = redis::cmd("INFO").arg("memory").query_async(&mut self.admin().await?).await?;
        let bytes = |field: &str| info.get::<u64>(field).unwrap_or_default();
        Ok(Memory { used: bytes("used_memory"), limit: bytes("maxmemory") })
    }

    /// The table of keys of this deployment.
    pub fn keys(&self) -> &Keys {
        &self.keys
    }

    /// The shared connection, for libraries that bring their own commands (the chore queue).
    pub fn connection(&self) -> ConnectionManager {
        self.hot.clone()
    }
}
