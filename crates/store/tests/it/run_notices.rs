//! Notices: written with the step they tell of, listed until they are told, told once.

use dawncast_core::ids::RunId;
use dawncast_store::{
    Store,
    run::{Advanced, Notice, NoticeRef, Telling},
};

use crate::run_scene::{OPENS, Scene};

fn notice(name: &str, body: &str) -> Notice {
    Notice { name: name.to_owned(), body: body.to_owned() }
}

fn at(run: &RunId, name: &str) -> NoticeRef {
    NoticeRef { run: run.clone(), name: name.to_owned() }
}

/// What is due at `now`, claimed for a second.
async fn due(store: &Store, now: i64) -> Vec<String> {
    let due = store.claim_notices(now, now + 1_000, 16).await.unwrap();
    due.into_iter().map(|at| at.name).collect()
}

#[tokio::test]
async fn a_notice_is_written_with_its_step_and_claimed_by_one() {
    let scene = Scene::set().await;
    let (store, run) = (&scene.store, scene.open(&[]).await);
    let closed = notice("closed", "{}");
    assert_eq!(store.close_run(&run, "pass", OPENS, Some(&closed)).await.unwrap(), Advanced::Moved);
    assert_eq!(due(store, OPENS - 1).await, [""; 0], "not yet");
    assert_eq!(due(store, OPENS).await, ["closed"]);
    assert_eq!(due(store, OPENS + 999).await, [""; 0], "another has claimed it");
    assert_eq!(due(store, OPENS + 1_000).await, ["closed"], "the claim has ended");
    assert_eq!(store.telling(&at(&run, "closed")).await.unwrap(), Telling::Waiting("{}".into()));
    store.postpone_notice(&at(&run, "closed"), OPENS + 60_000).await.unwrap();
    assert_eq!(due(store, OPENS + 59_999).await, [""; 0]);
    assert_eq!(due(store, OPENS + 60_000).await, ["closed"]);
}

#[tokio::test]
async fn what_was_told_is_never_told_again() {
    let scene = Scene::set().await;
    let (store, run) = (&scene.store, scene.frozen(None).await);
    let held = notice("held-1", "no rows");
    store.note_wait(&run, "no rows", Some(&held), OPENS).await.unwrap();
    assert_eq!(store.run(&run).await.unwrap().unwrap().waits_for.as_deref(), Some("no rows"));
    store.note_wait(&run, "no rows", Some(&notice("held-1", "again")), OPENS).await.unwrap();
    assert_eq!(
        store.telling(&at(&run, "held-1")).await.unwrap(),
        Telling::Waiting("no rows".into()),
        "the first stays"
    );
    store.end_notice(&at(&run, "held-1")).await.unwrap();
    store.note_wait(&run, "no rows", Some(&held), OPENS).await.unwrap();
    assert_eq!(store.telling(&at(&run, "held-1")).await.unwrap(), Telling::Over);
    store.note_wait(&run, "no numbers", Some(&notice("held-2", "no numbers")), OPENS).await.unwrap();
    assert_eq!(store.telling(&at(&run, "held-2")).await.unwrap(), Telling::Waiting("no numbers".into()));
}

#[tokio::test]
async fn a_run_misses_its_schedule_once() {
    let scene = Scene::set().await;
    let (store, run) = (&scene.store, scene.frozen(None).await);
    assert!(store.note_missed(&run, None, OPENS).await.unwrap());
    assert!(!store.note_missed(&run, None, OPENS + 9).await.unwrap());
    assert_eq!(store.run(&run).await.unwrap().unwrap().missed_at, Some(OPENS));
    assert_eq!(due(store, OPENS + 9).await, [""; 0], "nobody wanted to be told");
}

#[tokio::test]
async fn a_notice_that_is_listed_and_not_written_is_expected_until_its_run_is_closed() {
    let scene = Scene::set().await;
    let (store, run) = (&scene.store, scene.frozen(None).await);
    // The run is not ready, so the step is refused, as when its scheduler died before it.
    let opened = notice("opened", "{}");
    assert_eq!(store.open_run(&run, OPENS, Some(&opened)).await.unwrap(), Advanced::Refused);
    assert_eq!(due(store, OPENS).await, ["opened"]);
    assert_eq!(store.telling(&at(&run, "opened")).await.unwrap(), Telling::Expected);
    store.close_run(&run, "fail", OPENS, None).await.unwrap();
    assert_eq!(store.telling(&at(&run, "opened")).await.unwrap(), Telling::Over);
    store.unlist_notice(&at(&run, "opened")).await.unwrap();
    assert_eq!(due(store, OPENS + 9_000).await, [""; 0]);
    assert_eq!(store.telling(&at(&"nobody".parse().unwrap(), "opened")).await.unwrap(), Telling::Over);
}

#[tokio::test]
async fn a_run_is_closed_and_told_of_though_memory_is_full() {
    let scene = Scene::set().await;
    let (store, run) = (&scene.store, scene.open(&[]).await);
    let mut connection = store.connection();
    redis::cmd("CONFIG").arg("SET").arg("maxmemory").arg("1").exec_async(&mut connection).await.unwrap();
    let closed = store.close_run(&run, "fail", OPENS, Some(&notice("closed", "{}"))).await.unwrap();
    assert_eq!((closed, due(store, OPENS).await), (Advanced::Moved, vec!["closed".to_owned()]));
}
