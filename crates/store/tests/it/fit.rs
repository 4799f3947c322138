use chrono::{DateTime, TimeDelta, Utc};
use dawncast_store::{Durability, StoreError};
use dawncast_testkit::TestRedis;

/// Sets a Redis up by `CONFIG SET`, and tells how it was refused, if it was.
async fn check(settings: &[(&str, &str)], durability: Durability, clock: impl Fn() -> DateTime<Utc>) -> Option<String> {
    let redis = TestRedis::start().await;
    let store = redis.store("").await;
    for (name, value) in settings {
        let mut connection = store.connection();
        redis::cmd("CONFIG").arg("SET").arg(name).arg(value).exec_async(&mut connection).await.unwrap();
    }
    match store.check_fit(durability, clock).await {
        Ok(()) => None,
        Err(StoreError::Unfit(reason)) => Some(reason),
        Err(other) => panic!("{other}"),
    }
}

#[tokio::test]
async fn the_private_redis_is_fit() {
    assert_eq!(check(&[], Durability::Required, Utc::now).await, None);
}

#[tokio::test]
async fn no_append_only_file_is_refused_unless_waived() {
    let settings = [("appendonly", "no")];
    let refusal = check(&settings, Durability::Required, Utc::now).await.unwrap();
    assert!(refusal.contains("`appendonly yes`") && refusal.contains("redis.allow_volatile"), "{refusal}");
    assert_eq!(check(&settings, Durability::Waived, Utc::now).await, None);
}

#[tokio::test]
async fn an_eviction_policy_is_refused_unless_waived() {
    let settings = [("maxmemory-policy", "allkeys-lru")];
    let refusal = check(&settings, Durability::Required, Utc::now).await.unwrap();
    assert!(refusal.contains("allkeys-lru") && refusal.contains("`maxmemory-policy noeviction`"), "{refusal}");
    assert_eq!(check(&settings, Durability::Waived, Utc::now).await, None);
}

#[tokio::test]
async fn a_clock_over_a_second_off_is_refused_either_way_and_cannot_be_waived() {
    for offset in [TimeDelta::milliseconds(-3200), TimeDelta::milliseconds(3200)] {
        let refusal = check(&[], Durability::Waived, || Utc::now() + offset).await.unwrap();
        assert!(refusal.contains("differ by 3.2 s") && refusal.contains("NTP"), "{refusal}");
    }
}
