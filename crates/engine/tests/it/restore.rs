//! A Redis that was restored from an older copy sends nothing that the copy does not know of a second time.

use dawncast_core::ids::RunId;
use dawncast_store::{
    restore::{InDoubt, Restored, Unready},
    run::Hold,
};
use dawncast_testkit::{TestRedis, until};
use serde_json::json;
use tempfile::TempDir;

use crate::world::{PATIENCE, World, calm, window};

const PEOPLE: u64 = 300;

/// A backup as it is now, whose last beat is so old that it cannot be taken for a crash: to spare the test that wait.
async fn old_backup(world: &World) -> TempDir {
    let mut redis = TestRedis::start().await;
    redis.restore(world.redis.backup().path()).await;
    let mut connection = redis.store("t:").await.connection();
    redis::cmd("HINCRBY").arg("t:{database}").arg("beat").arg(-10_000).exec_async(&mut connection).await.unwrap();
    redis.backup()
}

/// A run of which a part has gone out, and a backup that knows of less.
async fn half_sent(world: &World) -> (RunId, TempDir) {
    let run = world.submit(&world.audience(PEOPLE).await, json!({ "window": window("+14s", "+60s") })).await;
    world.until_accepted(40).await;
    let backup = old_backup(world).await;
    world.until_accepted(100).await;
    (run, backup)
}

async fn restored(world: &World) -> Restored {
    until("the snapshot is noticed", PATIENCE, async || world.store.restored().await.ok().flatten()).await
}

/// Nothing goes out, and the run is listed.
async fn stands_still(world: &World, run: &RunId) -> InDoubt {
    let found = restored(world).await;
    // What was on the wire ends.
    world.passes(500).await;
    let accepted = world.sim.ledger().totals.accepted;
    world.passes(1_500).await;
    assert_eq!(world.sim.ledger().totals.accepted, accepted);
    assert_eq!(world.store.unready().await, Some(Unready::Restored));
    let mut doubts = world.store.runs_in_doubt(&found).await.unwrap();
    assert_eq!((doubts.len(), &doubts[0].run.record.id), (1, run));
    assert_eq!(doubts[0].run.holds, [Hold::Restore]);
    doubts.remove(0)
}

/// A person says go on: what was due later goes out, what may have gone out is named, and nobody hears twice.
async fn goes_on(world: &World, run: &RunId) {
    let before = world.sim.ledger().totals.accepted;
    world.store.acknowledge_restore(world.clock.now()).await.unwrap().expect("there was something to acknowledge");
    let totals = world.until(run, "everybody is served or named", |it| it.planned + it.sending == 0).await;
    let ledger = world.sim.ledger();
    assert!(ledger.totals.accepted > before, "what was due later goes out");
    let twice: Vec<_> =
        ledger.recipients.iter().filter(|(_, known)| known.accepted > 1).map(|(phone, _)| phone).collect();
    assert!(twice.is_empty(), "{twice:?} heard twice");
    assert!(totals.unconfirmed > 0, "what went out since the backup is named: {totals:?}");
    assert_eq!((totals.imbalance(), totals.failed, totals.expired), (0, 0, 0), "{totals:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_that_is_restored_while_nothing_runs_is_held_and_then_sends_nobody_anything_twice() {
    let mut world = World::start(calm()).await;
    let crew = (world.scheduler(), world.worker());
    let (run, backup) = half_sent(&world).await;
    crew.0.kill();
    crew.1.kill();
    world.redis.restore(backup.path()).await;
    let _crew = (world.scheduler(), world.worker());
    let doubt = stands_still(&world, &run).await;
    assert!(doubt.deliveries.is_some_and(|count| count >= 50), "{:?}", doubt.deliveries);
    goes_on(&world, &run).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_that_comes_back_under_a_worker_at_work_is_held_at_once() {
    let mut world = World::start(calm()).await;
    let _crew = (world.scheduler(), world.worker(), world.worker());
    let (run, backup) = half_sent(&world).await;
    world.redis.restore(backup.path()).await;
    stands_still(&world, &run).await;
    goes_on(&world, &run).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_the_snapshot_knew_before_its_freeze_is_not_sent_again() {
    let mut world = World::start(calm()).await;
    let run = world.submit(&world.audience(60).await, json!({ "window": window("+4s", "+60s") })).await;
    world.redis.restart().await;
    until("Redis answers", PATIENCE, async || world.store.time().await.ok()).await;
    // Some process has seen the database at that time.
    drop(dawncast_engine::Vigil::start(&world.store, Some(world.notes.path())).await.unwrap());
    let backup = old_backup(&world).await;
    let crew = (world.scheduler(), world.worker());
    world.until_accepted(60).await;
    crew.0.kill();
    crew.1.kill();
    world.redis.restore(backup.path()).await;
    let _crew = (world.scheduler(), world.worker());
    let doubt = stands_still(&world, &run).await;
    assert!(doubt.will_be_cancelled() && doubt.deliveries.is_none());
    world.store.acknowledge_restore(world.clock.now()).await.unwrap();
    world.reaches(&run, dawncast_store::run::RunState::Cancelled).await;
    world.passes(2_500).await;
    assert_eq!(world.sim.ledger().totals.accepted, 60);
}
