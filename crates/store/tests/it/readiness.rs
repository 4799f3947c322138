//! What keeps Redis from taking a write is told apart.

use dawncast_store::{
    Store,
    restore::{Seen, Unready},
};
use dawncast_testkit::TestRedis;

async fn tell(store: &Store, words: &[&str]) {
    redis::cmd(words[0]).arg(&words[1..]).exec_async(&mut store.connection()).await.unwrap();
}

#[tokio::test]
async fn a_full_memory_and_a_replica_are_told_apart_and_pass() {
    let redis = TestRedis::start().await;
    let store = redis.store("t:").await;
    assert_eq!(store.unready().await, None);
    tell(&store, &["CONFIG", "SET", "maxmemory", "1"]).await;
    assert_eq!(store.unready().await, Some(Unready::RedisFull));
    let refused = store.compare(&Seen::nothing("")).await.unwrap_err();
    assert_eq!(Unready::of(&refused), Unready::RedisFull);
    tell(&store, &["CONFIG", "SET", "maxmemory", "0"]).await;
    tell(&store, &["REPLICAOF", "127.0.0.1", "1"]).await;
    assert_eq!(store.unready().await, Some(Unready::RedisReadOnly));
    let refused = store.compare(&Seen::nothing("")).await.unwrap_err();
    assert_eq!(Unready::of(&refused), Unready::RedisReadOnly);
    tell(&store, &["CONFIG", "SET", "replica-serve-stale-data", "no"]).await;
    assert_eq!(store.unready().await, Some(Unready::RedisReadOnly), "its master is down");
    tell(&store, &["REPLICAOF", "NO", "ONE"]).await;
    tell(&store, &["CONFIG", "SET", "min-replicas-to-write", "1"]).await;
    assert_eq!(store.unready().await, Some(Unready::RedisReadOnly), "it misses its replicas");
    tell(&store, &["CONFIG", "SET", "min-replicas-to-write", "0"]).await;
    assert_eq!(store.unready().await, None);
}

#[tokio::test]
async fn a_redis_that_is_gone_is_unreachable_and_a_restored_one_waits() {
    let mut redis = TestRedis::start().await;
    let store = redis.store("t:").await;
    let known = store.compare(&Seen::nothing("")).await.unwrap().seen;
    let known = Seen { beat: known.beat + 60_000, ..known };
    store.compare(&known).await.unwrap();
    assert_eq!(store.unready().await, Some(Unready::Restored));
    redis.kill9();
    assert_eq!(store.unready().await, Some(Unready::RedisUnreachable));
    redis.restart().await;
    assert_eq!(redis.store("t:").await.unready().await, Some(Unready::Restored), "the mark is durable");
}
