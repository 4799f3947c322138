//! An engine that was down when the window opened.

use std::time::Duration;

use dawncast_core::report::SlaVerdict;
use serde_json::json;

use crate::world::{World, calm, window};

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_that_starts_after_the_window_closed_catches_up_before_the_deadline() {
    let world = World::start(calm()).await;
    let patch = json!({ "window": window("+10s", "+21s") });
    let run = world.submitted(&world.audience(100).await, patch, 15_000).await;
    let _crew = (world.scheduler(), world.worker());
    let report = world.closed(&run).await;
    assert_eq!(report.sla.verdict, SlaVerdict::Pass);
    world.everyone_once(100);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_that_starts_after_the_deadline_sends_nothing_and_says_so() {
    let mut world = World::start(calm()).await;
    world.ctx.settings.close_after = Duration::from_secs(60);
    let patch = json!({ "window": window("+10s", "+20s") });
    let run = world.submitted(&world.audience(100).await, patch, 21_000).await;
    let _crew = (world.scheduler(), world.worker());
    let report = world.closed(&run).await;
    assert_eq!((report.totals.submitted, report.totals.expired, report.attempts), (100, 100, 0));
    assert_eq!(report.sla.verdict, SlaVerdict::Fail);
    world.everyone_once(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_that_starts_too_late_for_all_serves_as_many_as_it_can() {
    let world = World::start(calm()).await;
    let patch = json!({ "window": window("+10s", "+18s") });
    // More than the numbers have credit for in four seconds, on the quietest machine.
    let run = world.submitted(&world.audience(1_200).await, patch, 14_000).await;
    let _crew = (world.scheduler(), world.worker());
    let report = world.closed(&run).await;
    let totals = report.totals;
    assert!(totals.expired > 0 && totals.delivered + totals.read > 100, "{totals:?}");
    // *The deadline comes between begin and POST*: what was begun last is taken back, and has failed without a code. A page
    // begins 64 in one go, and each of the three numbers has two pages.
    assert!(totals.failed <= 6 * 64 && report.failures.iter().all(|failure| failure.code == 0), "{totals:?}");
    assert_eq!(totals.delivered + totals.read + totals.expired + totals.failed, 1_200);
}
