//! Holds reach every run, those too that come to be meanwhile.

use std::time::Duration;

use dawncast_core::{
    canary::{CanaryVerdict, Seen},
    ids::RunId,
};
use dawncast_store::{
    Store,
    run::{Advanced, CanaryJudged, Hold},
};
use dawncast_testkit::{Proxy, Upstream};

use crate::run_scene::{OPENS, Scene};

async fn holds(store: &Store, run: &RunId) -> Vec<Hold> {
    store.run(run).await.unwrap().unwrap().holds
}

#[tokio::test]
async fn a_stop_holds_every_run_and_a_start_lets_go_of_its_own_hold_alone() {
    let scene = Scene::set().await;
    let runs = [scene.open(&[]).await, scene.frozen(None).await];
    scene.store.hold_run(&runs[0], Hold::Run, true).await.unwrap();
    scene.store.stop(OPENS).await.unwrap();
    scene.store.set_pool_paused(&"advisors".parse().unwrap(), true).await.unwrap();
    assert_eq!(holds(&scene.store, &runs[0]).await, [Hold::Run, Hold::Pool, Hold::Stop]);
    assert_eq!(holds(&scene.store, &runs[1]).await, [Hold::Pool, Hold::Stop]);
    scene.store.start().await.unwrap();
    assert_eq!(holds(&scene.store, &runs[0]).await, [Hold::Run, Hold::Pool]);
    scene.store.set_pool_paused(&"advisors".parse().unwrap(), false).await.unwrap();
    assert_eq!(holds(&scene.store, &runs[0]).await, [Hold::Run]);
    assert_eq!(holds(&scene.store, &runs[1]).await, []);
}

#[tokio::test]
async fn a_canary_is_judged_once_and_one_that_failed_pauses_its_run_in_the_same_step() {
    let scene = Scene::set().await;
    let judged = |verdict| CanaryJudged { verdict, at: OPENS, seen: Seen { deliveries: 9, ..Seen::default() } };
    let (passed, failed) = (judged(CanaryVerdict::Passed), judged(CanaryVerdict::Failed));
    let early = scene.frozen(None).await;
    let judge =
        async |run: &RunId, judged| scene.store.judge_canary(run, judged, "9 failed", None, OPENS).await.unwrap();
    assert_eq!(judge(&early, &passed).await, Advanced::Refused, "nothing of it has gone out");
    let run = scene.open(&[]).await;
    assert_eq!(judge(&run, &failed).await, Advanced::Moved);
    assert_eq!(judge(&run, &passed).await, Advanced::Present);
    let seen = scene.store.run(&run).await.unwrap().unwrap();
    assert_eq!((seen.canary_judged, seen.waits_for.as_deref()), (Some(failed), Some("9 failed")));
    assert_eq!(seen.holds, [Hold::Run]);
    scene.store.hold_run(&run, Hold::Run, false).await.unwrap();
    let resumed = scene.store.run(&run).await.unwrap().unwrap();
    assert_eq!((resumed.holds, resumed.waits_for, resumed.canary_judged), (vec![], None, Some(failed)));
}

#[tokio::test]
async fn a_pool_holds_its_own_runs() {
    let scene = Scene::set().await;
    let run = scene.frozen(None).await;
    scene.store.set_pool_paused(&"another".parse().unwrap(), true).await.unwrap();
    assert_eq!(holds(&scene.store, &run).await, []);
}

#[tokio::test]
async fn a_run_created_while_everything_stands_still_is_held() {
    let scene = Scene::set().await;
    scene.store.stop(OPENS).await.unwrap();
    scene.store.set_pool_paused(&"advisors".parse().unwrap(), true).await.unwrap();
    let run = scene.draft();
    scene.store.create_run(&run).await.unwrap();
    assert_eq!(holds(&scene.store, &run.id).await, [Hold::Pool, Hold::Stop]);
}

/// A connection on which every request takes some milliseconds, so that others come in between as a test wants it.
async fn slow(scene: &Scene) -> (Proxy, Store) {
    let proxy = Proxy::start(Upstream::of(&scene.redis.url())).await;
    let store = scene.connect(Some(proxy.redis_url())).await;
    proxy.delay(Duration::from_millis(1));
    (proxy, store)
}

/// As long as `requests` take on a slow connection.
async fn wait_for(requests: u32, slow: &Store) {
    for _ in 0..requests {
        slow.time().await.unwrap();
    }
}

/// Creates runs slowly while `switch` is thrown, between every two of their requests: each must end up held exactly if
/// it is thrown on.
async fn race(switch: impl AsyncFn(&Store, bool), hold: Hold) {
    let scene = Scene::set().await;
    let (_proxies, creator, pacer) = {
        let ((one, creator), (other, pacer)) = (slow(&scene).await, slow(&scene).await);
        ([one, other], creator, pacer)
    };
    for round in 0..24 {
        let (on, requests) = (round % 2 == 0, round / 2);
        let run = scene.draft();
        let throw = async {
            wait_for(requests, &pacer).await;
            switch(&scene.store, on).await;
        };
        tokio::join!(async { creator.create_run(&run).await.unwrap() }, throw);
        let expected = if on { vec![hold] } else { vec![] };
        assert_eq!(holds(&scene.store, &run.id).await, expected, "thrown {on} after {requests} requests");
        scene.store.close_run(&run.id, "pass", OPENS, None).await.unwrap();
        scene.store.retire_run(&run.id).await.unwrap();
    }
}

#[tokio::test]
async fn a_run_created_as_everything_stops_or_starts_is_held_or_not_as_all_are() {
    let switch = async |store: &Store, on| match on {
        true => store.stop(OPENS).await.unwrap(),
        false => store.start().await.unwrap(),
    };
    race(switch, Hold::Stop).await;
}

#[tokio::test]
async fn a_run_created_as_its_pool_pauses_or_resumes_is_held_or_not_as_its_pool_is() {
    let pool = "advisors".parse().unwrap();
    race(async |store: &Store, on| store.set_pool_paused(&pool, on).await.unwrap(), Hold::Pool).await;
}

#[tokio::test]
async fn when_stop_and_start_cross_every_run_follows_what_stands_in_the_end() {
    let scene = Scene::set().await;
    let runs = [scene.frozen(None).await, scene.frozen(None).await];
    let ((_one, slow_one), (_other, pacer)) = (slow(&scene).await, slow(&scene).await);
    for round in 0..24 {
        let (on, requests) = (round % 2 == 0, round / 2);
        let overtake = async {
            wait_for(requests, &pacer).await;
            if on { scene.store.stop(OPENS).await.unwrap() } else { scene.store.start().await.unwrap() }
        };
        let overtaken =
            async { if on { slow_one.start().await.unwrap() } else { slow_one.stop(OPENS).await.unwrap() } };
        tokio::join!(overtaken, overtake);
        let stopped = scene.store.stopped().await.unwrap().is_some();
        for run in &runs {
            let held = holds(&scene.store, run).await == [Hold::Stop];
            assert_eq!(held, stopped, "overtaken by {on} after {requests} requests");
        }
    }
}
