//! When a process trusts the database that it works on.

use std::time::Duration;

use dawncast_engine::Vigil;
use dawncast_store::{ServerId, Store, restore::Seen};
use dawncast_testkit::{TestRedis, until};

const SOON: Duration = Duration::from_secs(10);

async fn tell(store: &Store, words: &[&str]) {
    redis::cmd(words[0]).arg(&words[1..]).exec_async(&mut store.connection()).await.unwrap();
}

async fn trusts(vigil: &Vigil, expected: bool) {
    let what = if expected { "it trusts" } else { "it does not trust" };
    until(what, SOON, async || (vigil.trusts() == expected).then_some(())).await;
}

#[tokio::test]
async fn nothing_is_trusted_while_redis_takes_no_writes_and_it_is_again_by_itself() {
    let redis = TestRedis::start().await;
    let store = redis.store("t:").await;
    let vigil = Vigil::start(&store, None).await.unwrap();
    assert!(vigil.trusts());
    for (trouble, remedy) in [
        (&["CONFIG", "SET", "maxmemory", "1"], &["CONFIG", "SET", "maxmemory", "0"][..]),
        (&["CONFIG", "SET", "min-replicas-to-write", "1"], &["CONFIG", "SET", "min-replicas-to-write", "0"][..]),
    ] {
        tell(&store, trouble).await;
        trusts(&vigil, false).await;
        tell(&store, remedy).await;
        trusts(&vigil, true).await;
    }
}

#[tokio::test]
async fn a_process_that_starts_while_redis_is_full_waits_until_it_is_not() {
    let redis = TestRedis::start().await;
    let store = redis.store("t:").await;
    tell(&store, &["CONFIG", "SET", "maxmemory", "1"]).await;
    let vigil = Vigil::start(&store, None).await.unwrap();
    assert!(!vigil.trusts());
    tell(&store, &["CONFIG", "SET", "maxmemory", "0"]).await;
    trusts(&vigil, true).await;
}

#[tokio::test]
async fn another_server_is_verified_as_soon_as_it_is_compared_and_one_that_is_gone_never() {
    let mut redis = TestRedis::start().await;
    let store = redis.store("t:").await;
    let vigil = Vigil::start(&store, None).await.unwrap();
    let first = store.server_id().await.unwrap();
    assert!(vigil.verify(first).await);
    redis.restart().await;
    let second = until("Redis answers", SOON, async || store.server_id().await.ok()).await;
    assert_ne!(second, first);
    assert!(vigil.verify(second).await);
    assert!(!vigil.verify(first).await && !vigil.verify(ServerId([9; 8])).await);
}

#[tokio::test]
async fn a_process_remembers_over_its_end_how_far_it_has_seen_the_database_come() {
    let redis = TestRedis::start().await;
    let (store, notes) = (redis.store("t:").await, tempfile::tempdir().unwrap());
    drop(Vigil::start(&store, Some(notes.path())).await.unwrap());
    let database = store.compare(&Seen::nothing("")).await.unwrap().seen.database;
    let note = notes.path().join(format!("{database}.json"));
    let seen: Seen = serde_json::from_slice(&std::fs::read(&note).unwrap()).unwrap();
    // As if it had gone on for longer than the database knows.
    let seen = Seen { beat: seen.beat + 60_000, ..seen };
    std::fs::write(&note, serde_json::to_vec(&seen).unwrap()).unwrap();
    let vigil = Vigil::start(&store, Some(notes.path())).await.unwrap();
    assert!(!vigil.trusts());
    assert_eq!(store.restored().await.unwrap().unwrap().highest_beat, seen.beat);
    let newcomer = Vigil::start(&store, None).await.unwrap();
    assert!(!newcomer.trusts(), "one process's knowledge holds all");
    store.acknowledge_restore(seen.beat).await.unwrap();
    trusts(&vigil, true).await;
    trusts(&newcomer, true).await;
}

#[tokio::test]
async fn an_emptied_database_is_another_one_and_holds_nothing() {
    let redis = TestRedis::start().await;
    let (store, notes) = (redis.store("t:").await, tempfile::tempdir().unwrap());
    drop(Vigil::start(&store, Some(notes.path())).await.unwrap());
    tell(&store, &["FLUSHALL"]).await;
    let vigil = Vigil::start(&store, Some(notes.path())).await.unwrap();
    assert!(vigil.trusts());
    assert_eq!(std::fs::read_dir(notes.path()).unwrap().count(), 2);
}
