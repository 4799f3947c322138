//! Whole broadcasts: the ordinary morning, and the very bad one.

use dawncast_cloud_sim::{FaultProfile, SimConfig};
use dawncast_core::report::SlaVerdict;
use serde_json::json;

use crate::world::{World, calm, window};

#[tokio::test(flavor = "multi_thread")]
async fn e2e_two_thousand_recipients_are_served_once_and_on_time() {
    let world = World::start(calm()).await;
    let run = world.submit(&world.audience(2_000).await, json!({ "window": window("+20s", "+40s") })).await;
    let _crew = (world.scheduler(), world.worker());
    let report = world.closed(&run).await;
    println!("lateness of 2,000 in ms: {:?}", report.lateness_ms);
    world.everyone_once(2_000);
    assert!(world.sim.ledger().totals.rejected.is_empty(), "no number was ever too fast");
    assert_eq!((report.attempts, report.resends, report.known_duplicates), (2_000, 0, 0));
    assert_eq!((report.sla.verdict, report.sla.within_deadline), (SlaVerdict::Pass, 2_000));
    // Usually under 30 ms; on a machine that has no time for the test, a stretch of it may stall.
    assert!(report.lateness_ms.unwrap().p50 < 500.0);
}

/// Sends to 600 on a very bad day: everyone is accounted for, and nobody had a message too many that is not known.
async fn survives(seed: u64) {
    let world = World::start(SimConfig { faults: FaultProfile::Harsh, seed, ..calm() }).await;
    let run = world.submit(&world.audience(600).await, json!({ "window": window("+6s", "+40s") })).await;
    let _crew = (world.scheduler(), world.worker(), world.worker());
    let report = world.closed(&run).await;
    let ledger = world.sim.ledger();
    let surplus: u64 = ledger.recipients.values().map(|known| known.accepted - 1).sum();
    assert_eq!(surplus, report.known_duplicates, "seed {seed}");
    let totals = report.totals;
    assert_eq!(totals.delivered + totals.read + totals.failed, 600, "seed {seed}: {totals:?}");
    let undeliverable = report.failures.iter().filter(|failure| failure.code == 131_026).map(|failure| failure.count);
    assert_eq!(totals.failed, undeliverable.sum::<u64>(), "seed {seed}: {:?}", report.failures);
}

#[tokio::test(flavor = "multi_thread")]
async fn e2e_a_very_bad_day_leaves_nobody_out_and_nobody_twice_unknown() {
    tokio::join!(survives(1), survives(2), survives(3));
}
