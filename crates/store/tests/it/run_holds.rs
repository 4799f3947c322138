//! Holds reach every run, those too that come to be meanwhile.

use dawncast_core::ids::RunId;
use dawncast_store::{Store, run::Hold};

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
    assert_eq!(holds(&scene.store, &runs[0]).await, Hold::ALL);
    assert_eq!(holds(&scene.store, &runs[1]).await, [Hold::Pool, Hold::Stop]);
    scene.store.start().await.unwrap();
    assert_eq!(holds(&scene.store, &runs[0]).await, [Hold::Run, Hold::Pool]);
    scene.store.set_pool_paused(&"advisors".parse().unwrap(), false).await.unwrap();
    assert_eq!(holds(&scene.store, &runs[0]).await, [Hold::Run]);
    assert_eq!(holds(&scene.store, &runs[1]).await, []);
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

/// Creates runs while `switch` is thrown, over and over: each must end up held exactly if `held` says so.
async fn race(switch: impl AsyncFn(&Store, bool), hold: Hold) {
    let scene = Scene::set().await;
    let (creator, switcher) = (scene.connect(None).await, scene.connect(None).await);
    let mut on = false;
    for round in 0..150 {
        on = !on;
        let run = scene.draft();
        // How the two interleave differs from round to round: the switch gets a head start of some requests.
        let create = async {
            for _ in 0..round % 6 {
                creator.time().await.unwrap();
            }
            creator.create_run(&run).await.unwrap();
        };
        tokio::join!(create, switch(&switcher, on));
        let expected = if on { vec![hold] } else { vec![] };
        assert_eq!(holds(&scene.store, &run.id).await, expected, "round {round}");
        scene.store.close_run(&run.id, "pass", OPENS).await.unwrap();
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
    let mut runs = Vec::new();
    for _ in 0..8 {
        runs.push(scene.frozen(None).await);
    }
    let (one, other) = (scene.connect(None).await, scene.connect(None).await);
    for round in 0..60 {
        let start = async {
            for _ in 0..round % 8 {
                other.time().await.unwrap();
            }
            other.start().await.unwrap();
        };
        tokio::join!(async { one.stop(OPENS).await.unwrap() }, start);
        let stopped = scene.store.stopped().await.unwrap().is_some();
        for run in &runs {
            assert_eq!(holds(&scene.store, run).await == [Hold::Stop], stopped, "round {round}");
        }
    }
}
