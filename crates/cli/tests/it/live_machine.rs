//! Everything on the one machine ends at once, Redis as well, amid sending. What a lost machine adds to that, a disk that
//! lies, no test can play. Run by `make test-live`.

use std::time::Duration;

use dawncast_testkit::until;
use rustix::process::{Pid, Signal, kill_process};

use crate::kill_scene::Scene;

const SOON: Duration = Duration::from_secs(20);

#[tokio::test(flavor = "multi_thread")]
#[ignore = "live: as long as a broadcast"]
async fn live_when_engine_and_redis_are_killed_at_once_nobody_is_lost_and_nobody_served_twice() {
    let mut scene = Scene::whole().await;
    let broadcast = scene.order().await;
    until("a third is sent", SOON, async || {
        (scene.taken(&broadcast).await >= broadcast.recipients() / 3).then_some(())
    })
    .await;
    let redis = scene.private_redis();
    assert_eq!(redis.len(), 1);
    kill_process(Pid::from_raw(redis[0] as i32).unwrap(), Signal::KILL).unwrap();
    scene.kill(Scene::WHOLE);
    let taken = scene.taken(&broadcast).await;
    assert!(taken < broadcast.recipients(), "the kill came too late");
    scene.start(Scene::WHOLE);
    until("Redis answers", SOON, async || scene.store.time().await.ok()).await;
    scene.prove(&broadcast).await;
}
