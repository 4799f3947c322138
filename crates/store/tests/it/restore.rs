//! A database that is behind what a process has seen of it is a restored snapshot, and waits for a person.

use dawncast_core::{UnixMs, ids::RunId};
use dawncast_store::{
    Store,
    restore::{Compared, Restored, Seen},
    run::{Hold, RunState},
};

use crate::run_scene::{OPENS, Scene, new_page};

/// How much a crash may lose without being taken for a snapshot.
const TOLERANCE: i64 = 10_000;

/// What a process knows that has just come to this database.
async fn newcomer(store: &Store) -> Seen {
    let answer = store.compare(&Seen::nothing("")).await.unwrap();
    assert_eq!(answer.compared, Compared::Other);
    Seen::nothing(answer.seen.database)
}

async fn compare(store: &Store, known: &Seen) -> Compared {
    store.compare(known).await.unwrap().compared
}

/// A database that has beaten until [`OPENS`], and what a process saw of it `later` ms after.
async fn seen(scene: &Scene, later: i64) -> Seen {
    let known = newcomer(&scene.store).await;
    let answer = scene.store.compare(&known).await.unwrap();
    assert_eq!((answer.compared, answer.seen.beat), (Compared::Beats, OPENS));
    Seen { beat: OPENS + later, ..answer.seen }
}

async fn restored(store: &Store) -> Restored {
    store.restored().await.unwrap().expect("a restored snapshot")
}

async fn doubt_until(store: &Store, run: &RunId) -> Option<UnixMs> {
    store.run(run).await.unwrap().unwrap().doubt_until
}

#[tokio::test]
async fn a_database_is_named_once_and_its_beat_never_falls() {
    let scene = Scene::set().await;
    let known = newcomer(&scene.store).await;
    let beat = async |at| {
        scene.at(at);
        scene.store.compare(&known).await.unwrap()
    };
    let first = beat(OPENS).await;
    assert_eq!((first.seen.beat, first.server), (OPENS, scene.store.server_id().await.unwrap()));
    assert_eq!(beat(OPENS + 1_000).await.seen.beat, OPENS + 1_000);
    assert_eq!(beat(OPENS - 60_000).await.seen.beat, OPENS + 1_000);
    assert_eq!(newcomer(&scene.store).await, known);
}

#[tokio::test]
async fn a_database_that_is_behind_by_more_than_a_crash_can_lose_is_a_restored_snapshot() {
    let scene = Scene::set().await;
    let known = seen(&scene, TOLERANCE).await;
    scene.at(OPENS + 60_000);
    assert_eq!(compare(&scene.store, &known).await, Compared::Beats);
    let known = Seen { beat: OPENS + 60_001 + TOLERANCE, ..known };
    assert_eq!(compare(&scene.store, &known).await, Compared::Restored);
    let found = restored(&scene.store).await;
    assert_eq!((found.since, found.snapshot_beat, found.highest_beat), (OPENS + 60_000, OPENS + 60_000, known.beat));
}

#[tokio::test]
async fn while_a_restored_snapshot_waits_nobody_beats_and_the_last_beat_of_all_counts() {
    let scene = Scene::set().await;
    let known = seen(&scene, 20_000).await;
    scene.at(OPENS + 30_000);
    assert_eq!(compare(&scene.store, &known).await, Compared::Restored);
    let newcomer = newcomer(&scene.store).await;
    let answer = scene.store.compare(&newcomer).await.unwrap();
    assert_eq!((answer.compared, answer.seen.beat), (Compared::Restored, OPENS));
    let further = Seen { beat: OPENS + 25_000, ..known.clone() };
    assert_eq!(compare(&scene.store, &further).await, Compared::Restored);
    assert_eq!(compare(&scene.store, &known).await, Compared::Restored);
    let found = restored(&scene.store).await;
    assert_eq!((found.since, found.highest_beat), (OPENS + 30_000, OPENS + 25_000));
}

#[tokio::test]
async fn a_process_that_knows_no_better_and_beats_first_does_not_hide_a_restore() {
    let scene = Scene::set().await;
    let known = seen(&scene, 20_000).await;
    scene.at(OPENS + 30_000);
    assert_eq!(compare(&scene.store, &newcomer(&scene.store).await).await, Compared::Beats);
    assert_eq!(compare(&scene.store, &known).await, Compared::Restored);
    assert_eq!(restored(&scene.store).await.snapshot_beat, OPENS);
}

#[tokio::test]
async fn a_database_that_merely_stood_still_goes_on() {
    let scene = Scene::set().await;
    let known = seen(&scene, 0).await;
    scene.at(OPENS + 600_000);
    assert_eq!(compare(&scene.store, &newcomer(&scene.store).await).await, Compared::Beats);
    assert_eq!(compare(&scene.store, &known).await, Compared::Beats);
}

#[tokio::test]
async fn a_lower_generation_tells_a_snapshot_however_young_it_is() {
    let scene = Scene::set().await;
    let known = Seen { generation: 1, ..seen(&scene, 0).await };
    assert_eq!(compare(&scene.store, &known).await, Compared::Restored);
    scene.store.acknowledge_restore(OPENS).await.unwrap();
    let answer = scene.store.compare(&known).await.unwrap();
    assert_eq!((answer.compared, answer.seen.generation), (Compared::Beats, 2));
}

#[tokio::test]
async fn another_database_is_not_compared() {
    let scene = Scene::set().await;
    let elsewhere = Seen { database: "elsewhere".to_owned(), generation: 9, beat: OPENS * 2 };
    assert_eq!(compare(&scene.store, &elsewhere).await, Compared::Other);
    assert_eq!(scene.store.restored().await.unwrap(), None);
}

/// Marks the database as behind by a minute.
async fn restore(scene: &Scene) -> (Seen, Restored) {
    let known = seen(scene, 60_000).await;
    scene.at(OPENS + 120_000);
    assert_eq!(compare(&scene.store, &known).await, Compared::Restored);
    (known, restored(&scene.store).await)
}

#[tokio::test]
async fn every_run_is_held_until_a_person_acknowledges_and_then_knows_what_is_in_doubt() {
    let scene = Scene::set().await;
    let (open, frozen) = (scene.open(&[new_page(0, 3)]).await, scene.frozen(None).await);
    let (_, found) = restore(&scene).await;
    scene.store.line_up_holds().await.unwrap();
    let later = scene.draft();
    scene.store.create_run(&later).await.unwrap();
    for run in [&open, &frozen, &later.id] {
        assert_eq!(scene.store.run(run).await.unwrap().unwrap().holds, [Hold::Restore]);
    }
    let mut doubts = scene.store.runs_in_doubt(&found).await.unwrap();
    doubts.sort_by_key(|doubt| doubt.run.state);
    let told: Vec<_> = doubts.iter().map(|it| (&it.run.record.id, it.deliveries, it.will_be_cancelled())).collect();
    assert_eq!(told, [(&later.id, None, true), (&frozen, None, false), (&open, Some(3), false)]);

    assert_eq!(scene.store.acknowledge_restore(OPENS + 120_000).await.unwrap(), Some(found));
    for (run, until, state) in [
        (&open, Some(found.doubt_until()), RunState::Open),
        (&frozen, Some(found.doubt_until()), RunState::Frozen),
        (&later.id, None, RunState::Cancelled),
    ] {
        let run = scene.store.run(run).await.unwrap().unwrap();
        assert_eq!((run.doubt_until, run.state), (until, state));
        assert!(run.holds.is_empty() || state == RunState::Cancelled);
    }
    let cancelled = scene.store.run(&later.id).await.unwrap().unwrap();
    assert!(cancelled.remarks[0].contains("Submit the campaign anew"), "{:?}", cancelled.remarks);
    assert_eq!(scene.store.acknowledge_restore(OPENS + 120_000).await.unwrap(), None);
}

#[tokio::test]
async fn what_was_due_later_is_not_in_doubt() {
    let scene = Scene::set().await;
    let run = scene.open(&[new_page(0, 3)]).await;
    let found = Restored { since: OPENS, snapshot_beat: OPENS - 90_000, highest_beat: OPENS - 2_999 };
    // They are due a millisecond apart.
    assert_eq!(scene.store.runs_in_doubt(&found).await.unwrap()[0].deliveries, Some(2));
    let found = Restored { highest_beat: OPENS - 3_001, ..found };
    assert_eq!(scene.store.runs_in_doubt(&found).await.unwrap(), []);
    scene.store.close_run(&run, "pass", OPENS, None).await.unwrap();
    let found = Restored { highest_beat: OPENS + 60_000, ..found };
    assert_eq!(scene.store.runs_in_doubt(&found).await.unwrap(), []);
}

#[tokio::test]
async fn whoever_dies_while_acknowledging_leaves_nothing_that_cannot_be_said_again() {
    let scene = Scene::set().await;
    let run = scene.open(&[new_page(0, 1)]).await;
    let (known, found) = restore(&scene).await;
    scene.store.line_up_holds().await.unwrap();
    scene.store.acknowledge_restore(OPENS).await.unwrap();
    // As if it had died between the mark and the holds.
    scene.store.hold_run(&run, Hold::Restore, true).await.unwrap();
    assert_eq!(compare(&scene.store, &known).await, Compared::Beats);
    scene.store.acknowledge_restore(OPENS).await.unwrap();
    assert_eq!(scene.store.run(&run).await.unwrap().unwrap().holds, []);
    assert_eq!(doubt_until(&scene.store, &run).await, Some(found.doubt_until()));
}

#[tokio::test]
async fn a_process_that_comes_late_with_news_holds_everything_again_and_one_without_does_not() {
    let scene = Scene::set().await;
    let (known, found) = restore(&scene).await;
    let run = scene.open(&[new_page(0, 1)]).await;
    scene.store.acknowledge_restore(OPENS).await.unwrap();
    let late = |beat| Seen { beat, ..known.clone() };
    assert_eq!(compare(&scene.store, &late(found.doubt_until() + TOLERANCE)).await, Compared::Beats);
    let news = late(found.doubt_until() + TOLERANCE + 1);
    assert_eq!(compare(&scene.store, &news).await, Compared::Restored);
    let again = restored(&scene.store).await;
    assert_eq!((again.snapshot_beat, again.highest_beat), (found.doubt_until(), news.beat));
    scene.store.acknowledge_restore(OPENS).await.unwrap();
    assert_eq!(doubt_until(&scene.store, &run).await, Some(again.doubt_until()));
    assert_eq!(compare(&scene.store, &news).await, Compared::Beats);
}
