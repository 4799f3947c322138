//! The connections: one multiplexed for the hot path, a pool for the rest.

use std::sync::{Arc, atomic::AtomicI64};

use dawncast_core::UnixMs;
use redis::{FromRedisValue, ScriptInvocation};

use crate::{
    Keyring, Keys, ProcessTime, StoreError,
    archive::Archive,
    clock::Time,
    link::{Link, Pool, Pooled, Pulse},
    replication::Replication,
};

/// What an acknowledged write is worth (`redis.durability`).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Durability {
    /// What this Redis' own settings give.
    #[default]
    Standard,
    /// It outlives the loss of a machine: on the disk of a server that stands alone, else on a replica as well.
    Strict,
}

/// How to reach Redis.
#[derive(Debug, Clone)]
pub struct StoreConfig {
    /// `redis://`, `rediss://` or `redis+unix://` and one address, or `redis+sentinel://host:port,host:port/master-name`
    /// and a database where it is not 0 (`/3`). User and password, before the hosts, are those of the servers.
    pub url: String,
    /// Put before every key, so that several deployments, or tests, can share one Redis.
    pub prefix: String,
    /// What an acknowledged write is worth.
    pub durability: Durability,
}

impl StoreConfig {
    /// The Redis at `url`, with keys under `prefix`, as durable as it is set up to be.
    pub fn new(url: impl Into<String>, prefix: impl Into<String>) -> Self {
        Self { url: url.into(), prefix: prefix.into(), durability: Durability::Standard }
    }

    /// The same with another durability.
    #[must_use]
    pub fn with_durability(self, durability: Durability) -> Self {
        Self { durability, ..self }
    }
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
    pub(crate) hot: Link,
    pool: Pool,
    pub(crate) keys: Keys,
    pub(crate) time: Time,
    pub(crate) replication: Replication,
    pub(crate) archive: Option<Archive>,
    pub(crate) keyring: Keyring,
}

impl Store {
    /// Connects. Fails when Redis cannot be reached now; afterwards the connections mend themselves.
    pub async fn connect(config: &StoreConfig) -> Result<Self, StoreError> {
        let hot = Link::connect(&config.url).await?;
        let replication = Replication::read(&hot, config.durability).await?;
        Ok(Self {
            pool: hot.pool(),
            hot,
            keys: Keys::new(&config.prefix),
            time: Time::Redis,
            replication,
            archive: None,
            keyring: Keyring::default(),
        })
    }

    /// The same store on a clock of the test's own, in Unix milliseconds.
    #[must_use]
    pub fn with_clock(&self, clock: Arc<AtomicI64>) -> Self {
        Self { time: Time::Test(clock), ..self.clone() }
    }

    /// The same store by the time of a process: scripts take it for now, whatever Redis' own clock says. Without one they
    /// ask Redis.
    #[must_use]
    pub fn by_time(&self, time: Arc<ProcessTime>) -> Self {
        Self { time: Time::Process(time), ..self.clone() }
    }

    /// The same store, which finds in `archive` what of closed runs is not in Redis any more.
    #[must_use]
    pub fn with_archive(self, archive: Archive) -> Self {
        Self { archive: Some(archive), ..self }
    }

    /// The same store, which seals and opens credentials with these keys.
    #[must_use]
    pub fn with_keyring(self, keyring: Keyring) -> Self {
        Self { keyring, ..self }
    }

    /// What seals and opens its credentials.
    pub fn keyring(&self) -> &Keyring {
        &self.keyring
    }

    /// What scripts take as the time: nothing, for Redis' own.
    pub(crate) fn now_argument(&self) -> String {
        self.time.now_argument()
    }

    /// A connection of its own, from the pool: for reads so large that they would hold up the hot path.
    pub(crate) async fn admin(&self) -> Result<Pooled, StoreError> {
        Ok(Pooled::from(self.pool.get().await?))
    }

    /// Whether a crash or a failover of this Redis can lose writes that it has acknowledged. Asked when the store was
    /// connected; a Redis that does not tell (`CONFIG` is forbidden) may.
    pub fn may_lose(&self) -> bool {
        self.replication.may_lose()
    }

    /// Runs a script whose effect the caller acts upon outside of Redis. With `redis.durability = "strict"` and replicas it
    /// is answered once a replica has it too; where none confirms it in time, nobody knows whether it will last.
    pub(crate) async fn invoke_durably<T: FromRedisValue>(&self, call: &ScriptInvocation<'_>) -> Result<T, StoreError> {
        if !self.replication.waits() {
            return Ok(call.invoke_async(&mut self.hot.clone()).await?);
        }
        let mut connection = self.admin().await?;
        match connection.invoke_replicated(call, &self.keys.replicated()).await {
            Ok(answer) => Ok(answer),
            Err(error) => {
                connection.discard();
                Err(error)
            }
        }
    }

    /// Redis' time, in microseconds.
    pub async fn time_us(&self) -> Result<i64, StoreError> {
        let (seconds, micros): (i64, i64) = redis::cmd("TIME").query_async(&mut self.hot.clone()).await?;
        Ok(seconds * 1_000_000 + micros)
    }

    /// Redis' time.
    pub async fn time(&self) -> Result<UnixMs, StoreError> {
        Ok(self.time_us().await? / 1_000)
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
    pub fn connection(&self) -> Link {
        self.hot.clone()
    }

    /// The shared connection, for a library that has to look at it all the time.
    pub fn pulse(&self) -> Pulse {
        Pulse::of(self.hot.clone())
    }
}
