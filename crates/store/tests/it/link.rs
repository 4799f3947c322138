//! The connection is left for another when the server at its end takes no writes any more.

use std::{fs, os::unix::fs::symlink, time::Duration};

use dawncast_store::{Store, StoreConfig};
use dawncast_testkit::{TestRedis, until};

const SOON: Duration = Duration::from_secs(10);

#[tokio::test]
async fn a_server_that_has_become_a_replica_is_left_for_the_one_that_its_address_now_leads_to() {
    let (first, second) = (TestRedis::start().await, TestRedis::start().await);
    let folder = tempfile::tempdir().unwrap();
    let address = folder.path().join("redis.sock");
    let socket = |redis: &TestRedis| redis.url().strip_prefix("redis+unix://").unwrap().to_owned();
    symlink(socket(&first), &address).unwrap();
    let store = Store::connect(&StoreConfig::new(format!("redis+unix://{}", address.display()), "")).await.unwrap();
    let set = async || redis::cmd("SET").arg("key").arg("value").exec_async(&mut store.connection()).await;
    set().await.unwrap();
    let mut at_first = first.store("").await.connection();
    redis::cmd("REPLICAOF").arg("127.0.0.1").arg(1).exec_async(&mut at_first).await.unwrap();
    assert_eq!(set().await.unwrap_err().code(), Some("READONLY"));
    fs::remove_file(&address).unwrap();
    symlink(socket(&second), &address).unwrap();
    until("a write is taken", SOON, async || set().await.ok()).await;
    let mut at_second = second.store("").await.connection();
    let value: String = redis::cmd("GET").arg("key").query_async(&mut at_second).await.unwrap();
    assert_eq!(value, "value");
}

#[tokio::test]
async fn a_pulse_tells_for_how_long_nobody_has_heard_of_redis() {
    const LONG: Duration = Duration::from_millis(300);
    let redis = TestRedis::start().await;
    let pulse = redis.store("t:").await.pulse();
    for alive in [true, false] {
        until("it is silent", SOON, async || (pulse.silent_for() > LONG).then_some(())).await;
        if !alive {
            redis.kill9();
        }
        let silent = pulse.silent_for();
        let answer = redis::cmd("PING").exec_async(&mut pulse.clone()).await;
        assert_eq!(answer.is_ok(), alive, "a failure is a sign of life as well, of whoever asks");
        assert!(pulse.silent_for() < silent, "its clones share it");
    }
}
