use std::time::Duration;

use dawncast_core::report::SlaVerdict;
use serde_json::json;

use crate::world::{World, calm};

#[tokio::test(flavor = "multi_thread")]
async fn one_message_goes_out_and_its_receipts_come_back() {
    let world = World::start(calm()).await;
    let audience = world.audience(1).await;
    let run = world.submit(&audience, json!({})).await;
    let crew = [world.scheduler(), world.worker()];
    let report = world.closed(&run).await;
    assert_eq!(report.totals.submitted, 1);
    assert_eq!(report.totals.delivered + report.totals.read, 1);
    assert_eq!(report.sla.verdict, SlaVerdict::Pass);
    world.everyone_once(1);
    for process in crew {
        let took = process.stop().await;
        assert!(took < Duration::from_secs(5), "it took {took:?} to stop");
    }
}
