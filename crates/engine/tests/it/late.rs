//! An engine that was down when the window opened.

use std::time::Duration;

use dawncast_core::report::SlaVerdict;
use serde_json::json;

use crate::world::{World, calm};

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_that_starts_after_the_window_closed_catches_up_before_the_deadline() {
    let world = World::start(calm()).await;
    let window = json!({ "opens": "-20s", "closes": "-10s", "deadline": "+10s" });
    let run = world.submit(&world.audience(100).await, json!({ "window": window })).await;
    let _crew = (world.scheduler(), world.worker());
    let report = world.closed(&run).await;
    assert_eq!(report.sla.verdict, SlaVerdict::Pass);
    world.everyone_once(100);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_that_starts_after_the_deadline_sends_nothing_and_says_so() {
    let mut world = World::start(calm()).await;
    world.ctx.settings.close_after = Duration::from_secs(60);
    let window = json!({ "opens": "-20s", "closes": "-10s", "deadline": "-1s" });
    let run = world.submit(&world.audience(100).await, json!({ "window": window })).await;
    let _crew = (world.scheduler(), world.worker());
    let report = world.closed(&run).await;
    assert_eq!((report.totals.submitted, report.totals.expired, report.attempts), (100, 100, 0));
    assert_eq!(report.sla.verdict, SlaVerdict::Fail);
    world.everyone_once(0);
}
