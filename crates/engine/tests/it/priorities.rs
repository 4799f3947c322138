//! A critical run beside a bulk run, on the same numbers and the same worker.

use dawncast_core::{delivery::Standing, report::SlaVerdict};
use dawncast_testkit::until;
use serde_json::json;

use crate::world::{PATIENCE, World, calm, person, window};

#[tokio::test(flavor = "multi_thread")]
async fn a_bulk_backlog_does_not_keep_a_critical_run_out() {
    let mut world = World::start(calm()).await;
    // Fewer places than the bulk run has pages: each is kept for as long as its page is being sent.
    world.ctx.settings.pages = 2;
    let bulk = json!({ "priority": "bulk", "window": window("+25s", "+60s") });
    let bulk = world.submit(&world.audience(300).await, bulk).await;
    let (_scheduler, _worker) = (world.scheduler(), world.worker());
    let begun = async || (world.store.run_tallies(&bulk).await.unwrap().tallies.attempts > 0).then_some(());
    until("the bulk run is under way", PATIENCE, begun).await;
    let others = world.audience_of((2_000..2_100).map(person)).await;
    let critical = world.submit(&others, json!({ "priority": "critical", "window": window("+2s", "+15s") })).await;
    let served = async || {
        let tallies = world.store.run_tallies(&critical).await.unwrap().tallies;
        (tallies.within == 100).then_some(())
    };
    until("everybody of the critical run is served", PATIENCE, served).await;
    let waiting = world.store.run_tallies(&bulk).await.unwrap().tallies.count(Standing::Planned);
    assert!(waiting > 0, "the bulk run was over before the critical one");
    assert_eq!(world.closed(&critical).await.sla.verdict, SlaVerdict::Pass);
    let report = world.closed(&bulk).await;
    assert_eq!(report.totals.delivered + report.totals.read, 300, "the bulk run goes on afterwards");
    world.everyone_once(400);
}
