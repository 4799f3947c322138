//! A run's steps: each once, in order, under its guard.

use dawncast_core::ids::RunId;
use dawncast_store::run::{Advanced, Frozen, RunState};

use crate::run_scene::{DEADLINE, OPENS, Scene, TOKEN, frozen};

/// Takes a step by its name.
async fn step(scene: &Scene, run: &RunId, name: &str) -> Advanced {
    let store = &scene.store;
    let advanced = match name {
        "freeze" => store.freeze_run(run, 0, &frozen(), Some(DEADLINE), None).await,
        "plan" => store.planned_run(run, TOKEN, 3, None).await,
        "ready" => store.ready_run(run, &[]).await,
        "open" => store.open_run(run, OPENS, None).await,
        "cancel" => store.cancel_run(run, OPENS).await,
        _ => store.close_run(run, "pass", OPENS, None).await,
    };
    advanced.unwrap()
}

const STEPS: [&str; 6] = ["freeze", "plan", "ready", "open", "cancel", "close"];

/// Takes `taken`, then every step in turn on a run of its own: which move it on.
async fn check(taken: &[&str], moves: &[&str]) {
    let scene = Scene::set().await;
    for next in STEPS {
        let run = scene.draft();
        scene.store.create_run(&run).await.unwrap();
        for name in taken {
            assert_eq!(step(&scene, &run.id, name).await, Advanced::Moved, "{taken:?}");
        }
        let before = scene.contents().await;
        let expected = match next {
            _ if moves.contains(&next) => Advanced::Moved,
            _ if taken.last() == Some(&next) => Advanced::Present,
            _ => Advanced::Refused,
        };
        assert_eq!(step(&scene, &run.id, next).await, expected, "{next} after {taken:?}");
        if expected != Advanced::Moved {
            assert_eq!(scene.contents().await.changes(&before), [""; 0], "{next} after {taken:?}");
        }
    }
}

#[tokio::test]
async fn every_step_is_taken_once_and_in_order() {
    check(&[], &["freeze", "cancel", "close"]).await;
    check(&["freeze"], &["plan", "cancel", "close"]).await;
    check(&["freeze", "plan"], &["ready", "cancel", "close"]).await;
    check(&["freeze", "plan", "ready"], &["open", "cancel", "close"]).await;
    check(&["freeze", "plan", "ready", "open"], &["cancel", "close"]).await;
    check(&["freeze", "plan", "ready", "open", "cancel"], &["close"]).await;
    check(&["freeze", "plan", "ready", "open", "close"], &[]).await;
}

#[tokio::test]
async fn the_first_freeze_pins_the_run() {
    let scene = Scene::set().await;
    let run = scene.frozen(None).await;
    let other = Frozen { seed: 8, plan_token: "plan-2".to_owned(), ..frozen() };
    assert_eq!(scene.store.freeze_run(&run, 0, &other, None, None).await.unwrap(), Advanced::Present);
    assert_eq!(scene.store.run(&run).await.unwrap().unwrap().frozen, Some(frozen()));
}

#[tokio::test]
async fn a_plan_under_another_token_does_not_count() {
    let scene = Scene::set().await;
    let run = scene.frozen(None).await;
    assert_eq!(scene.store.planned_run(&run, "plan-2", 9, None).await.unwrap(), Advanced::Refused);
    let stored = scene.store.run(&run).await.unwrap().unwrap();
    assert_eq!((stored.state, stored.pages), (RunState::Frozen, 0));
}

#[tokio::test]
async fn a_run_is_created_once_and_indexed() {
    let scene = Scene::set().await;
    let draft = scene.draft();
    assert!(scene.store.create_run(&draft).await.unwrap());
    scene.store.freeze_run(&draft.id, 0, &frozen(), None, None).await.unwrap();
    let mut changed = draft.clone();
    changed.created_at += 1;
    assert!(!scene.store.create_run(&changed).await.unwrap());
    let stored = scene.store.run(&draft.id).await.unwrap().unwrap();
    assert_eq!((stored.state, &stored.record), (RunState::Frozen, &draft));
    assert_eq!(scene.store.active_runs().await.unwrap(), std::slice::from_ref(&draft.id));
    assert_eq!(scene.store.runs_page(9, None).await.unwrap().items, [stored]);
    scene.store.close_run(&draft.id, "pass", OPENS, None).await.unwrap();
    assert!(!scene.store.active_runs().await.unwrap().is_empty(), "there is something left to do for it");
    scene.store.retire_run(&draft.id).await.unwrap();
    assert!(scene.store.active_runs().await.unwrap().is_empty());
}

#[tokio::test]
async fn an_unknown_run_cannot_be_moved_or_held() {
    let scene = Scene::set().await;
    let run = scene.draft().id;
    for name in STEPS {
        assert_eq!(step(&scene, &run, name).await, Advanced::Refused, "{name}");
    }
    assert!(!scene.store.hold_run(&run, dawncast_store::run::Hold::Run, true).await.unwrap());
    assert!(scene.contents().await.is_empty());
    assert!(scene.store.run(&run).await.unwrap().is_none());
}

#[tokio::test]
async fn a_person_cancels_though_memory_is_full() {
    let scene = Scene::set().await;
    let run = scene.open(&[]).await;
    let mut connection = scene.store.connection();
    redis::cmd("CONFIG").arg("SET").arg("maxmemory").arg("1").exec_async(&mut connection).await.unwrap();
    let draft = scene.draft();
    assert!(scene.store.create_run(&draft).await.is_err(), "memory is full");
    assert_eq!(scene.store.cancel_run(&run, OPENS).await.unwrap(), Advanced::Moved);
}
