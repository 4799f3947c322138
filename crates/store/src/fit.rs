//! Whether a Redis is fit to be trusted with a campaign: asked once, at boot.

use chrono::{DateTime, TimeDelta, Utc};
use redis::InfoDict;

use crate::{Durability, Store, StoreError, replication::Replication};

/// Leases and windows are reckoned in Redis time; past this the two clocks tell different stories.
const MAX_SKEW: TimeDelta = TimeDelta::seconds(1);

const WAIVER: &str = "or set redis.allow_volatile = true to run in spite of it";

/// Whether Redis may be one that loses or evicts data by how it is set up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Volatility {
    /// It keeps an append-only file and evicts nothing.
    Refused,
    /// Whoever runs it answers for it (`redis.allow_volatile`).
    Allowed,
}

impl Store {
    /// Refuses, as [`StoreError::Unfit`] with the remedy, a Redis that is too old, that would lose or evict data unless
    /// that is waived, that cannot keep what `redis.durability` promises, or whose clock is over a second off `clock`,
    /// which tells this process's time.
    pub async fn check_fit(&self, volatility: Volatility, clock: impl Fn() -> DateTime<Utc>) -> Result<(), StoreError> {
        let mut connection = self.connection();
        let info: InfoDict = redis::cmd("INFO").query_async(&mut connection).await?;
        check_version(&info).map_err(StoreError::Unfit)?;
        if volatility == Volatility::Refused {
            check_durability(&info).map_err(StoreError::Unfit)?;
            if self.hot.is_sentinel() {
                check_replicas(&info).map_err(StoreError::Unfit)?;
            }
        }
        check_promise(&self.replication).map_err(StoreError::Unfit)?;
        let before = clock();
        let (seconds, micros): (i64, u32) = redis::cmd("TIME").query_async(&mut connection).await?;
        let after = clock();
        let theirs = DateTime::from_timestamp(seconds, micros * 1000)
            .ok_or_else(|| StoreError::Unfit(format!("Redis TIME is out of range: {seconds} s")))?;
        check_skew(before, theirs, after).map_err(StoreError::Unfit)
    }
}

fn check_version(info: &InfoDict) -> Result<(), String> {
    let version: String = info.get("redis_version").unwrap_or_else(|| "unknown".to_owned());
    let major = version.split('.').next().and_then(|major| major.parse::<u32>().ok());
    if major.is_some_and(|major| major >= 7) {
        return Ok(());
    }
    Err(format!(
        "Redis 7.0 or newer is needed, and this one is {version}. Install a newer one \
         (https://redis.io/docs/latest/operate/oss_and_stack/install/), or set redis.url to one"
    ))
}

/// A master that takes writes which no replica gets loses all of them once another is promoted, and one that was cut off
/// would go on to send beside its successor.
fn check_replicas(info: &InfoDict) -> Result<(), String> {
    // Redis tells this figure only where `min-replicas-to-write` is set.
    if info.get::<u32>("min_slaves_good_slaves").is_some() {
        return Ok(());
    }
    Err(format!(
        "the master that Sentinel names takes writes that no replica gets, so a failover would lose them. \
         Set `min-replicas-to-write 1` and `min-replicas-max-lag 10` in redis.conf of every server, {WAIVER}"
    ))
}

/// `redis.durability = "strict"` is a promise, and is not waived.
fn check_promise(found: &Replication) -> Result<(), String> {
    if found.durability == Durability::Standard || found.replicated {
        return Ok(());
    }
    const BUT: &str = "or set redis.durability = \"standard\"";
    match found.always {
        Some(true) => Ok(()),
        Some(false) => Err(format!(
            "redis.durability is \"strict\", but this Redis has no replica and acknowledges writes before they are on \
             its disk. Set `appendonly yes` and `appendfsync always` in redis.conf, {BUT}"
        )),
        None => Err(format!(
            "redis.durability is \"strict\", but this Redis has no replica and does not tell whether writes are on its \
             disk when it acknowledges them. Allow the user `CONFIG GET` (`+config|get`), {BUT}"
        )),
    }
}

fn check_durability(info: &InfoDict) -> Result<(), String> {
    if info.get::<u32>("aof_enabled") != Some(1) {
        return Err(format!(
            "Redis keeps no append-only file, so a crash would lose what it has acknowledged. \
             Set `appendonly yes` and `appendfsync always` in redis.conf, {WAIVER}"
        ));
    }
    let policy: String = info.get("maxmemory_policy").unwrap_or_else(|| "unknown".to_owned());
    if policy != "noeviction" {
        return Err(format!(
            "Redis evicts keys when memory is short (maxmemory-policy is {policy}), so deliveries would vanish. \
             Set `maxmemory-policy noeviction` in redis.conf, {WAIVER}"
        ));
    }
    Ok(())
}

/// `theirs` was read between `before` and `after`, so only what lies outside of them is certainly skew: a slow answer
/// is not taken for a wrong clock.
fn check_skew(before: DateTime<Utc>, theirs: DateTime<Utc>, after: DateTime<Utc>) -> Result<(), String> {
    let skew = (before - theirs).max(theirs - after);
    if skew <= MAX_SKEW {
        return Ok(());
    }
    Err(format!(
        "the clocks of this machine and of Redis differ by {:.1} s, and over a second is unsafe. \
         Have both machines keep time by NTP (`timedatectl set-ntp true`), then start again",
        skew.num_milliseconds() as f64 / 1000.0
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn info(text: &str) -> InfoDict {
        InfoDict::new(text)
    }

    #[test]
    fn versions_before_7_are_refused() {
        for (version, fit) in [("7.0.15", true), ("8.2.1", true), ("10.0.0", true), ("6.2.14", false), ("odd", false)] {
            assert_eq!(check_version(&info(&format!("redis_version:{version}\r\n"))).is_ok(), fit, "{version}");
        }
        assert!(check_version(&info("redis_version:6.0.16\r\n")).unwrap_err().contains("6.0.16"));
    }

    #[test]
    fn a_slow_answer_is_no_skew_and_a_wrong_clock_is() {
        let at = |ms: i64| DateTime::from_timestamp_millis(1_800_000_000_000 + ms).unwrap();
        let skewed = |before, theirs, after| check_skew(at(before), at(theirs), at(after)).is_err();
        assert!(!skewed(0, 5_000, 9_000));
        assert!(!skewed(0, 1_000, 0) && !skewed(1_000, 0, 1_000));
        assert!(skewed(0, 1_001, 0) && skewed(1_001, 0, 1_002));
    }
}
