use chrono::{DateTime, TimeDelta, Utc};
use dawncast_store::{Durability, Store, StoreConfig, StoreError, Volatility};
use dawncast_testkit::TestRedis;

/// Sets a Redis up by `CONFIG SET`, and tells how it was refused, if it was.
async fn check(settings: &[(&str, &str)], volatility: Volatility, clock: impl Fn() -> DateTime<Utc>) -> Option<String> {
    let redis = TestRedis::start().await;
    let store = redis.store("").await;
    for (name, value) in settings {
        let mut connection = store.connection();
        redis::cmd("CONFIG").arg("SET").arg(name).arg(value).exec_async(&mut connection).await.unwrap();
    }
    match store.check_fit(volatility, clock).await {
        Ok(()) => None,
        Err(StoreError::Unfit(reason)) => Some(reason),
        Err(other) => panic!("{other}"),
    }
}

#[tokio::test]
async fn the_private_redis_is_fit() {
    assert_eq!(check(&[], Volatility::Refused, Utc::now).await, None);
}

#[tokio::test]
async fn no_append_only_file_is_refused_unless_waived() {
    let settings = [("appendonly", "no")];
    let refusal = check(&settings, Volatility::Refused, Utc::now).await.unwrap();
    assert!(refusal.contains("`appendonly yes`") && refusal.contains("redis.allow_volatile"), "{refusal}");
    assert_eq!(check(&settings, Volatility::Allowed, Utc::now).await, None);
}

#[tokio::test]
async fn an_eviction_policy_is_refused_unless_waived() {
    let settings = [("maxmemory-policy", "allkeys-lru")];
    let refusal = check(&settings, Volatility::Refused, Utc::now).await.unwrap();
    assert!(refusal.contains("allkeys-lru") && refusal.contains("`maxmemory-policy noeviction`"), "{refusal}");
    assert_eq!(check(&settings, Volatility::Allowed, Utc::now).await, None);
}

#[tokio::test]
async fn a_clock_over_a_second_off_is_refused_either_way_and_cannot_be_waived() {
    for offset in [TimeDelta::milliseconds(-3200), TimeDelta::milliseconds(3200)] {
        let refusal = check(&[], Volatility::Allowed, || Utc::now() + offset).await.unwrap();
        assert!(refusal.contains("differ by 3.2 s") && refusal.contains("NTP"), "{refusal}");
    }
}

async fn check_strict(settings: &[(&str, &str)]) -> Result<(), String> {
    let redis = TestRedis::start().await;
    let mut connection = redis.store("").await.connection();
    for (name, value) in settings {
        redis::cmd("CONFIG").arg("SET").arg(name).arg(value).exec_async(&mut connection).await.unwrap();
    }
    let config = StoreConfig::new(redis.url(), "").with_durability(Durability::Strict);
    let store = Store::connect(&config).await.unwrap();
    assert_eq!(store.may_lose(), !settings.is_empty());
    store.check_fit(Volatility::Allowed, Utc::now).await.map_err(|error| error.to_string())
}

#[tokio::test]
async fn strict_demands_that_a_server_without_replicas_writes_at_once_and_cannot_be_waived() {
    assert_eq!(check_strict(&[]).await, Ok(()));
    let refusal = check_strict(&[("appendfsync", "everysec")]).await.unwrap_err();
    assert!(refusal.contains("`appendfsync always`") && refusal.contains("\"standard\""), "{refusal}");
}
