//! The clock of a machine that Dawncast runs on is wrong, or jumps by minutes.

use std::time::Duration;

use dawncast_store::{StoreConfig, run::RunState};
use dawncast_testkit::{RedisSetup, Shim, TestRedis, until};

use crate::{
    dawncast::{Daemon, run},
    kill_scene::{Broadcast, PREFIX, Scene},
};

const SOON: Duration = Duration::from_secs(20);
const MINUTES: i64 = 300;

/// How often the busiest page was claimed.
async fn most_claims(scene: &Scene, broadcast: &Broadcast) -> u32 {
    let refs: Vec<_> = scene.run(&broadcast.run).await.page_refs().collect();
    let headers = scene.store.headers(&refs).await.unwrap();
    headers.into_iter().map(|(_, header)| header.epoch).max().unwrap()
}

/// Sets the clock so far ahead each time that so many are taken.
async fn jump(scene: &Scene, broadcast: &Broadcast, shim: &Shim, jumps: [(u64, i64); 3]) {
    for (taken, ahead) in jumps {
        until("some are taken", SOON, async || (scene.taken(broadcast).await >= taken).then_some(())).await;
        shim.set_clock(ahead);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn e2e_processes_whose_clock_jumps_send_on_time_and_once() {
    let (shim, mut scene) = (Shim::new(), Scene::split().await);
    scene.replace(Scene::SCHEDULER, shim.environment());
    scene.replace(Scene::WORKER, shim.environment());
    let broadcast = scene.order().await;
    let planned = async || (scene.run(&broadcast.run).await.state >= RunState::Planned).then_some(());
    until("the run is planned", SOON, planned).await;
    jump(&scene, &broadcast, &shim, [(1, MINUTES), (200, -MINUTES), (400, 0)]).await;
    scene.prove(&broadcast).await;
    assert!(most_claims(&scene, &broadcast).await <= 2, "pages are taken over again and again");
}

#[tokio::test(flavor = "multi_thread")]
async fn e2e_no_page_is_taken_over_when_redis_and_workers_share_a_clock_that_jumps() {
    let shim = Shim::new();
    let redis = TestRedis::start_with(RedisSetup { environment: shim.environment(), ..RedisSetup::default() }).await;
    let mut scene = Scene::over(StoreConfig::new(redis.url(), PREFIX)).await;
    scene.replace(Scene::SCHEDULER, shim.environment());
    scene.replace(Scene::WORKER, shim.environment());
    let _second = Daemon::start(scene.serve(Scene::WORKER).envs(shim.environment()));
    let broadcast = scene.order().await;
    jump(&scene, &broadcast, &shim, [(50, 2), (200, 10), (590, 0)]).await;
    scene.prove(&broadcast).await;
    assert!(most_claims(&scene, &broadcast).await <= 2, "pages are taken over again and again");
}

#[tokio::test(flavor = "multi_thread")]
async fn e2e_a_process_whose_clock_differs_from_that_of_redis_does_not_start() {
    let (shim, scene) = (Shim::new(), Scene::split().await);
    for ahead in [MINUTES, -MINUTES] {
        shim.set_clock(ahead);
        let said = run(scene.serve(Scene::WORKER).stderr(std::process::Stdio::piped()).envs(shim.environment()));
        assert_eq!(said.code, 1, "{}", said.err);
        assert!(said.err.contains("differ by") && said.err.contains("NTP"), "{}", said.err);
    }
}
