//! Real Sentinels, and a master that is lost, silent, deposed or alone. Run by `make test-live`.

use std::time::{Duration, Instant};

use chrono::Utc;
use dawncast_core::ids::PageRef;
use dawncast_store::{Durability, Store, StoreError, Volatility, page::Recorded};
use dawncast_testkit::{TestSentinel, until};

const SOON: Duration = Duration::from_secs(10);
/// A failover is noticed within this once Sentinel has promoted.
const NOTICED_WITHIN: Duration = Duration::from_secs(2);

async fn set(store: &Store, value: &str) -> Result<(), redis::RedisError> {
    redis::cmd("SET").arg("key").arg(value).exec_async(&mut store.connection()).await
}

async fn get(store: &Store) -> Option<String> {
    redis::cmd("GET").arg("key").query_async(&mut store.connection()).await.ok()
}

/// A page that does not exist: the receipt writes nothing, and is answered all the same.
async fn receipt(store: &Store) -> Result<Recorded, StoreError> {
    let page: PageRef = "run_0000000000000000.0".parse().unwrap();
    store.receipt(&page, &[]).await
}

/// How long after the promotion the store took a write.
async fn noticed(set_: &TestSentinel, store: &Store, old: u16) -> Duration {
    let new = set_.promoted(old).await;
    let promoted = Instant::now();
    until("the store writes again", SOON, async || set(store, "after").await.ok()).await;
    let noticed = promoted.elapsed();
    let value: String = set_.ask(new, &["GET", "key"]).await.unwrap();
    assert_eq!(value, "after");
    noticed
}

#[tokio::test]
#[ignore = "live: real Sentinels"]
async fn live_a_master_that_is_lost_is_left_for_the_one_that_sentinel_promotes() {
    let redis = TestSentinel::start("everysec").await;
    let store = redis.store("", Durability::Standard).await;
    assert!(store.may_lose());
    store.check_fit(Volatility::Refused, Utc::now).await.unwrap();
    set(&store, "before").await.unwrap();
    let old = redis.master().await;
    redis.kill9(old);
    let took = noticed(&redis, &store, old).await;
    assert!(took < NOTICED_WITHIN, "noticed after {took:?}");
}

#[tokio::test]
#[ignore = "live: real Sentinels"]
async fn live_a_master_that_is_silent_is_left_and_not_gone_back_to() {
    let redis = TestSentinel::start("everysec").await;
    let store = redis.store("", Durability::Standard).await;
    let old = redis.master().await;
    redis.freeze(old);
    let took = noticed(&redis, &store, old).await;
    assert!(took < NOTICED_WITHIN, "noticed after {took:?}");
    redis.thaw(old);
    until("the old master has become a replica", Duration::from_secs(60), async || {
        set(&store, "after").await.unwrap();
        let role: Vec<redis::Value> = redis.ask(old, &["ROLE"]).await.ok()?;
        (role.first() == Some(&redis::Value::BulkString(b"slave".to_vec()))).then_some(())
    })
    .await;
    assert_eq!(get(&store).await.as_deref(), Some("after"));
}

#[tokio::test]
#[ignore = "live: real Sentinels"]
async fn live_a_master_that_takes_writes_which_no_replica_gets_is_refused() {
    let redis = TestSentinel::start("everysec").await;
    let store = redis.store("", Durability::Standard).await;
    let master = redis.master().await;
    redis.ask::<()>(master, &["CONFIG", "SET", "min-replicas-to-write", "0"]).await.unwrap();
    let refusal = store.check_fit(Volatility::Refused, Utc::now).await.unwrap_err().to_string();
    assert!(refusal.contains("`min-replicas-to-write 1`") && refusal.contains("allow_volatile"), "{refusal}");
    store.check_fit(Volatility::Allowed, Utc::now).await.unwrap();
}

#[tokio::test]
#[ignore = "live: real Sentinels"]
async fn live_strict_answers_nothing_that_no_replica_has_and_repeats_do_not_slip_through() {
    let redis = TestSentinel::start("always").await;
    let store = redis.store("", Durability::Strict).await;
    assert!(!store.may_lose());
    store.check_fit(Volatility::Refused, Utc::now).await.unwrap();
    assert_eq!(receipt(&store).await.unwrap(), Recorded::Foreign);
    let master = redis.master().await;
    let replicas: Vec<u16> = redis.ports().into_iter().filter(|port| *port != master).collect();
    replicas.iter().for_each(|port| redis.freeze(*port));
    for _ in 0..3 {
        let refused = receipt(&store).await.unwrap_err();
        assert!(refused.to_string().contains("no replica has confirmed"), "{refused}");
    }
    set(&store, "others do not wait").await.unwrap();
    replicas.iter().for_each(|port| redis.thaw(*port));
    until("a replica confirms", SOON, async || receipt(&store).await.ok()).await;
}
