//! What Redis says of itself, for the doctor to judge. [`crate::Store::check_fit`] refuses at boot what is judged here at any time.

use std::time::Duration;

use dawncast_core::doctor::RedisState;
use redis::InfoDict;

use crate::{Store, StoreError};

impl Store {
    /// What Redis says of itself now.
    pub async fn redis_state(&self) -> Result<RedisState, StoreError> {
        let mut connection = self.admin().await?;
        let info: InfoDict = redis::cmd("INFO").query_async(&mut connection).await?;
        let mut ask = redis::cmd("CONFIG");
        // Where `CONFIG` is forbidden, that is what is to be said.
        let asked: Result<Vec<(String, String)>, _> =
            ask.arg("GET").arg("appendfsync").query_async(&mut connection).await;
        let fsync = asked.ok().and_then(|settings| settings.into_iter().next()).map(|(_, value)| value);
        Ok(RedisState { fsync, sentinel: self.hot.is_sentinel(), ..told(&info) })
    }

    /// By how much Redis' clock is ahead of `now`, which tells this machine's time since 1970, in milliseconds. Half of the
    /// time that the answer took is taken off.
    pub async fn redis_ahead_ms(&self, now: impl Fn() -> Duration) -> Result<i64, StoreError> {
        let before = now();
        let (seconds, micros): (u64, u32) = redis::cmd("TIME").query_async(&mut self.hot.clone()).await?;
        let middle = (before + now()) / 2;
        let theirs = Duration::new(seconds, micros.saturating_mul(1_000));
        Ok(theirs.as_millis() as i64 - middle.as_millis() as i64)
    }
}

fn told(info: &InfoDict) -> RedisState {
    let text = |name: &str| info.get::<String>(name).unwrap_or_else(|| "unknown".to_owned());
    let bytes = |name: &str| info.get::<u64>(name).unwrap_or_default();
    let failed = |name: &str| info.get::<String>(name).is_some_and(|status| status != "ok");
    let append_only = info.get::<u32>("aof_enabled") == Some(1);
    RedisState {
        version: text("redis_version"),
        append_only,
        fsync: None,
        disk_fails: failed("aof_last_write_status") || failed("rdb_last_bgsave_status"),
        policy: text("maxmemory_policy"),
        used: bytes("used_memory"),
        limit: bytes("maxmemory"),
        machine: bytes("total_system_memory"),
        is_master: text("role") == "master",
        replicas: info.get("connected_slaves").unwrap_or_default(),
        sentinel: false,
        // Redis tells this figure only where `min-replicas-to-write` is set.
        waits_for_replicas: info.get::<u32>("min_slaves_good_slaves").is_some(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_redis_tells_is_read() {
        let info = InfoDict::new(
            "redis_version:7.2.4\r\naof_enabled:1\r\naof_last_write_status:ok\r\nrdb_last_bgsave_status:err\r\n\
             maxmemory_policy:noeviction\r\nused_memory:5\r\nmaxmemory:9\r\nrole:master\r\nconnected_slaves:2\r\n",
        );
        let state = told(&info);
        assert!(state.append_only && state.disk_fails && state.is_master && !state.waits_for_replicas, "{state:?}");
        assert_eq!((state.used, state.limit, state.machine, state.replicas), (5, 9, 0, 2));
    }
}
