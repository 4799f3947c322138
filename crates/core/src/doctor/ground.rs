//! What everything stands on: Redis, and clocks.

use super::{Check, Finding, words::megabytes};

/// Memory in use above this share is told of; above the other, it fails. When it is full nothing more begins.
const FULL_WARN: f64 = 0.75;
const FULL_FAIL: f64 = 0.9;

/// Clocks this far apart are unsafe, in milliseconds: processes refuse to start.
const SKEW_FAIL_MS: i64 = 1_000;
const SKEW_WARN_MS: i64 = 250;

/// What a Redis says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RedisState {
    /// `redis_version`.
    pub version: String,
    /// It keeps an append-only file.
    pub append_only: bool,
    /// `appendfsync`, where it may be asked.
    pub fsync: Option<String>,
    /// The last write of the append-only file, or the last snapshot, failed.
    pub disk_fails: bool,
    /// `maxmemory_policy`.
    pub policy: String,
    /// Bytes in use.
    pub used: u64,
    /// `maxmemory` in bytes; 0 is no limit.
    pub limit: u64,
    /// The machine's memory in bytes; 0 where Redis does not tell.
    pub machine: u64,
    /// It takes writes.
    pub is_master: bool,
    /// Replicas that follow.
    pub replicas: u32,
    /// Its address names Sentinels.
    pub sentinel: bool,
    /// With Sentinel: `min-replicas-to-write` is set.
    pub waits_for_replicas: bool,
}

/// Judges a Redis, one finding for each of what it must be.
pub fn redis(state: &RedisState) -> Vec<Finding> {
    vec![version(state), persistence(state), eviction(state), memory(state), replication(state)]
}

fn version(state: &RedisState) -> Finding {
    let evidence = format!("Redis {}", state.version);
    match state.version.split('.').next().and_then(|major| major.parse::<u32>().ok()) {
        Some(7..) => Finding::ok(Check::Redis, "version", evidence),
        _ => Finding::fail(Check::Redis, "version", evidence, "install Redis 7.0 or newer, or set redis.url to one"),
    }
}

fn persistence(state: &RedisState) -> Finding {
    let subject = "persistence";
    match (state.append_only, state.fsync.as_deref()) {
        _ if state.disk_fails => {
            let evidence = "its last write to disk failed: it may take no more writes, and lose what it has";
            Finding::fail(Check::Redis, subject, evidence, "its log says why; a full disk is the usual cause")
        }
        (false, _) => {
            let evidence = "it keeps no append-only file: a crash loses what it has acknowledged";
            Finding::fail(
                Check::Redis,
                subject,
                evidence,
                "set `appendonly yes` and `appendfsync always` in redis.conf",
            )
        }
        (true, Some("always")) => Finding::ok(Check::Redis, subject, "append-only file, appendfsync always"),
        (true, Some(fsync)) => {
            let evidence = format!("append-only file, appendfsync {fsync}: a crash loses the last second or more");
            Finding::warn(
                Check::Redis,
                subject,
                evidence,
                "set `appendfsync always`, or see docs/promises.md for what it costs",
            )
        }
        (true, None) => {
            let evidence = "append-only file; whether writes are on disk when they are acknowledged it does not tell";
            Finding::warn(Check::Redis, subject, evidence, "allow the user `CONFIG GET` (`+config|get`)")
        }
    }
}

fn eviction(state: &RedisState) -> Finding {
    let evidence = format!("maxmemory-policy {}", state.policy);
    match state.policy.as_str() {
        "noeviction" => Finding::ok(Check::Redis, "eviction", evidence),
        _ => {
            let evidence = format!("{evidence}: deliveries would vanish when memory is short");
            Finding::fail(Check::Redis, "eviction", evidence, "set `maxmemory-policy noeviction` in redis.conf")
        }
    }
}

/// Judges how full a Redis is.
pub fn memory(state: &RedisState) -> Finding {
    let (room, name) =
        if state.limit > 0 { (state.limit, "maxmemory") } else { (state.machine, "the machine's memory") };
    let used = megabytes(state.used);
    if room == 0 {
        return Finding::ok(Check::Redis, "memory", format!("{used} in use, without a limit"));
    }
    let share = state.used as f64 / room as f64;
    let evidence = format!("{used} in use, {:.0} % of {name} ({})", share * 100.0, megabytes(room));
    let remedy =
        "raise maxmemory, or archive closed runs (docs/going-live.md, Archive): when it is full, nothing begins";
    match share {
        FULL_FAIL.. => Finding::fail(Check::Redis, "memory", evidence, remedy),
        FULL_WARN.. => Finding::warn(Check::Redis, "memory", evidence, remedy),
        _ => Finding::ok(Check::Redis, "memory", evidence),
    }
}

fn replication(state: &RedisState) -> Finding {
    let subject = "replication";
    let replicas = format!("{} replica{}", state.replicas, if state.replicas == 1 { "" } else { "s" });
    if !state.is_master {
        let evidence = "it is a replica and takes no writes";
        return Finding::fail(Check::Redis, subject, evidence, "point redis.url at the master, or at the Sentinels");
    }
    match state.sentinel {
        true if !state.waits_for_replicas => {
            let evidence = format!("master of a Sentinel set, {replicas}; it takes writes that no replica gets");
            let remedy = "set `min-replicas-to-write 1` and `min-replicas-max-lag 10` in redis.conf of every server";
            Finding::fail(Check::Redis, subject, evidence, remedy)
        }
        true if state.replicas == 0 => {
            let evidence = "master of a Sentinel set without a replica: nobody can take over";
            Finding::warn(Check::Redis, subject, evidence, "start a replica")
        }
        true => Finding::ok(Check::Redis, subject, format!("master of a Sentinel set, {replicas}")),
        false => Finding::ok(Check::Redis, subject, format!("a single server, {replicas}")),
    }
}

/// Judges whether the Cloud API answered this machine.
pub fn cloud_api(is_there: bool) -> Finding {
    if is_there {
        return Finding::ok(Check::CloudApi, "", "the Cloud API answers this machine");
    }
    let evidence = "the Cloud API does not answer this machine: nothing can be sent, and no token be looked at";
    let remedy = "see cloud_api.base_url, name resolution and firewall; https://metastatus.com tells of Meta's outages";
    Finding::fail(Check::CloudApi, "", evidence, remedy)
}

/// How exactly an answer's `Date` tells the time of whom it comes from: it has whole seconds, and takes a while.
pub const DATE_TELLS_TO_MS: i64 = 1_000;

/// Judges the time of `whose` against this machine's, `ahead_ms` by which it is ahead as far as that can be told: to
/// `tells_to_ms`.
pub fn clock(whose: &str, ahead_ms: i64, tells_to_ms: i64) -> Finding {
    let side = if ahead_ms < 0 { "behind" } else { "ahead of" };
    let evidence = format!("{whose} is {:.2} s {side} this machine", ahead_ms.unsigned_abs() as f64 / 1_000.0);
    let remedy = "have every machine keep time by NTP (`timedatectl set-ntp true`)";
    match (ahead_ms.abs() - tells_to_ms).max(0) {
        SKEW_FAIL_MS.. => Finding::fail(Check::Clock, whose, evidence, remedy),
        SKEW_WARN_MS.. => Finding::warn(Check::Clock, whose, evidence, remedy),
        _ if tells_to_ms > 0 => {
            Finding::ok(Check::Clock, whose, format!("{whose} keeps this machine's time to a second or two"))
        }
        _ => Finding::ok(Check::Clock, whose, evidence),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::{Outcome, worst};

    fn good() -> RedisState {
        RedisState {
            version: "7.2.4".into(),
            append_only: true,
            fsync: Some("always".into()),
            policy: "noeviction".into(),
            used: 100,
            limit: 1_000,
            is_master: true,
            ..RedisState::default()
        }
    }

    fn check(change: impl FnOnce(&mut RedisState), expected: Outcome, words: &str) {
        let mut state = good();
        change(&mut state);
        let found = redis(&state);
        assert_eq!(worst(&found), expected, "{found:?}");
        let bad = found.iter().find(|it| it.outcome == expected).expect("there is one");
        assert!(bad.evidence.contains(words) || expected == Outcome::Ok, "`{words}` is not in {bad:?}");
    }

    #[test]
    fn a_good_redis_is_well_and_each_fault_is_named() {
        check(|_| (), Outcome::Ok, "");
        check(|it| it.version = "6.2.14".into(), Outcome::Fail, "6.2.14");
        check(|it| it.append_only = false, Outcome::Fail, "no append-only file");
        check(|it| it.disk_fails = true, Outcome::Fail, "write to disk failed");
        check(|it| it.fsync = Some("everysec".into()), Outcome::Warn, "everysec");
        check(|it| it.fsync = None, Outcome::Warn, "does not tell");
        check(|it| it.policy = "allkeys-lru".into(), Outcome::Fail, "allkeys-lru");
        check(|it| it.is_master = false, Outcome::Fail, "is a replica");
    }

    #[test]
    fn memory_is_held_against_its_limit_or_the_machine() {
        check(|it| it.used = 749, Outcome::Ok, "");
        check(|it| it.used = 750, Outcome::Warn, "75 % of maxmemory");
        check(|it| it.used = 900, Outcome::Fail, "90 % of maxmemory");
        check(|it| (it.limit, it.machine) = (0, 110), Outcome::Fail, "the machine's memory");
        check(|it| it.limit = 0, Outcome::Ok, "");
    }

    #[test]
    fn a_sentinel_set_has_to_wait_for_replicas() {
        check(|it| it.sentinel = true, Outcome::Fail, "no replica gets");
        check(|it| (it.sentinel, it.waits_for_replicas) = (true, true), Outcome::Warn, "nobody can take over");
        check(|it| (it.sentinel, it.waits_for_replicas, it.replicas) = (true, true, 2), Outcome::Ok, "");
    }

    #[test]
    fn clocks_may_differ_a_little() {
        let skew = [0, 249, -250, 999, -1_000].map(|ms| clock("Redis", ms, 0).outcome);
        assert_eq!(skew, [Outcome::Ok, Outcome::Ok, Outcome::Warn, Outcome::Warn, Outcome::Fail]);
        assert_eq!(clock("Redis", -1_500, 0).evidence, "Redis is 1.50 s behind this machine");
    }

    #[test]
    fn a_clock_that_is_told_to_the_second_is_judged_beyond_that() {
        let skew = [0, 1_249, -1_250, 2_000].map(|ms| clock("the Cloud API", ms, DATE_TELLS_TO_MS).outcome);
        assert_eq!(skew, [Outcome::Ok, Outcome::Ok, Outcome::Warn, Outcome::Fail]);
    }
}
