//! What people say to a run while it sends.

use dawncast_core::{ids::RunId, report::SlaVerdict};
use dawncast_store::run::{Advanced, Hold};
use serde_json::json;

use crate::world::{World, calm, window};

/// From `called` on, by Redis' clock, nothing was begun, and what was on the wire has ended.
async fn stands_still(world: &World, run: &RunId, called: i64) {
    world.until(run, "the wire is empty", |totals| totals.sending == 0).await;
    let begun = world.rows(run).await.iter().filter_map(|row| row.record.last_begun).max();
    assert!(begun.unwrap() <= called, "begun after the call had returned");
    let accepted = world.sim.ledger().totals.accepted;
    world.passes(1_200).await;
    assert_eq!(world.sim.ledger().totals.accepted, accepted);
    assert_eq!(world.report(run).await.totals.imbalance(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn pause_pool_pause_and_stop_hold_a_run_from_the_moment_they_return() {
    let world = World::start(calm()).await;
    let run = world.submit(&world.audience(300).await, json!({ "window": window("+5s", "+40s") })).await;
    let _crew = (world.scheduler(), world.worker());
    let (store, pool) = (&world.store, "advisors".parse().unwrap());
    world.until_accepted(30).await;

    assert!(store.hold_run(&run, Hold::Run, true).await.unwrap());
    stands_still(&world, &run, store.time().await.unwrap()).await;
    store.hold_run(&run, Hold::Run, false).await.unwrap();
    world.until_accepted(world.sim.ledger().totals.accepted + 20).await;

    store.set_pool_paused(&pool, true).await.unwrap();
    stands_still(&world, &run, store.time().await.unwrap()).await;
    store.set_pool_paused(&pool, false).await.unwrap();
    world.until_accepted(world.sim.ledger().totals.accepted + 20).await;

    store.stop(world.clock.now()).await.unwrap();
    stands_still(&world, &run, store.time().await.unwrap()).await;
    store.start().await.unwrap();

    let report = world.closed(&run).await;
    assert_eq!(report.sla.verdict, SlaVerdict::Pass);
    world.everyone_once(300);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_run_ends_with_everyone_accounted_for() {
    let world = World::start(calm()).await;
    let run = world.submit(&world.audience(300).await, json!({ "window": window("+6s", "+40s") })).await;
    let _crew = (world.scheduler(), world.worker());
    world.until_accepted(30).await;
    assert_eq!(world.store.cancel_run(&run, world.clock.now()).await.unwrap(), Advanced::Moved);
    stands_still(&world, &run, world.store.time().await.unwrap()).await;
    let report = world.closed(&run).await;
    let accepted = world.sim.ledger().totals.accepted;
    assert_eq!(report.totals.delivered + report.totals.read, accepted);
    assert_eq!(report.totals.cancelled, 300 - accepted);
    assert_eq!(report.sla.verdict, SlaVerdict::Cancelled);
}
