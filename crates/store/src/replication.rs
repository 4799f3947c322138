//! What an acknowledged write is worth: how this Redis keeps it, and waiting until a replica keeps it too.

use std::time::Duration;

use redis::{ErrorKind, FromRedisValue, InfoDict, RedisError, RedisResult, ScriptInvocation};

use crate::{
    Durability, StoreError,
    link::{Link, Pooled},
};

/// A replica confirms within this, or the write counts as unanswered. Far less than a begin is good for.
const CONFIRMED_WITHIN: Duration = Duration::from_millis(500);

/// How many replicas have to confirm. With one, two machines have to be lost at once for the write to be.
const REPLICAS: u32 = 1;

/// How this Redis keeps what it acknowledges, as found when the store was connected.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Replication {
    /// Writes are on the disk before they are acknowledged; none where Redis does not tell.
    pub(crate) always: Option<bool>,
    /// There are replicas, or Sentinel will have some.
    pub(crate) replicated: bool,
    pub(crate) durability: Durability,
}

impl Replication {
    pub(crate) async fn read(link: &Link, durability: Durability) -> RedisResult<Self> {
        let mut connection = link.clone();
        let info: InfoDict = redis::cmd("INFO").arg("replication").query_async(&mut connection).await?;
        let replicas: u32 = info.get("connected_slaves").unwrap_or_default();
        let always = match settings(&mut connection).await {
            Ok(settings) => Some(settings.iter().all(|(name, value)| match name.as_str() {
                "appendonly" => value == "yes",
                _ => value == "always",
            })),
            Err(error) if error.is_io_error() => return Err(error),
            Err(_) => None,
        };
        Ok(Self { always, replicated: replicas > 0 || link.is_sentinel(), durability })
    }

    /// Whether what has been acknowledged can be lost. A master that is started again before anybody has missed it goes on
    /// from its own disk, whatever its replicas have: so they alone are not enough.
    pub(crate) fn may_lose(&self) -> bool {
        let outlives_failover = !self.replicated || self.waits();
        self.always != Some(true) || !outlives_failover
    }

    /// Whether a replica has to confirm what the caller acts upon.
    pub(crate) fn waits(&self) -> bool {
        self.replicated && self.durability == Durability::Strict
    }
}

async fn settings(connection: &mut Link) -> RedisResult<Vec<(String, String)>> {
    redis::cmd("CONFIG").arg("GET").arg("appendonly").arg("appendfsync").query_async(connection).await
}

impl Pooled {
    /// Runs the script, then waits until a replica has what it wrote. On one connection, that is, one server: a failover in
    /// between fails it.
    pub(crate) async fn invoke_replicated<T: FromRedisValue>(
        &mut self,
        call: &ScriptInvocation<'_>,
        mark: &str,
    ) -> Result<T, StoreError> {
        // Written each time, for `WAIT` looks at the connection's own last write, and a script that is repeated may find
        // that all is written already, by a connection whose wait was in vain.
        const MARK: &str = "#!lua flags=allow-oom\nreturn redis.call('INCR', KEYS[1])";
        let answer = call.invoke_async(self).await?;
        let mut wait = redis::pipe();
        wait.cmd("EVAL").arg(MARK).arg(1).arg(mark).ignore();
        wait.cmd("WAIT").arg(REPLICAS).arg(CONFIRMED_WITHIN.as_millis() as u64);
        let (confirmed,): (u32,) = wait.query_async(self).await?;
        if confirmed < REPLICAS {
            let why = "no replica has confirmed a write in time (redis.durability = \"strict\")";
            return Err(StoreError::Unavailable(RedisError::from((ErrorKind::Io, why))));
        }
        Ok(answer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_on_the_disk_and_on_a_replica_where_there_are_some_is_not_lost() {
        use Durability::{Standard, Strict};
        for (always, replicated, durability, may_lose) in [
            (Some(true), false, Standard, false),
            (Some(false), false, Standard, true),
            (None, false, Standard, true),
            (Some(true), true, Standard, true),
            (Some(true), true, Strict, false),
            (Some(false), true, Strict, true),
            (None, true, Strict, true),
        ] {
            let replication = Replication { always, replicated, durability };
            assert_eq!(replication.may_lose(), may_lose, "{replication:?}");
            assert_eq!(replication.waits(), replicated && durability == Strict);
        }
    }
}
