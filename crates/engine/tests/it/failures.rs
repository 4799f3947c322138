//! Messages that are accepted and fail later.

use std::time::Duration;

use dawncast_cloud_sim::{Receipts, SimConfig, Span};
use dawncast_core::report::Failure;
use dawncast_engine::explain;
use serde_json::json;

use crate::world::{World, calm, phone, window};

/// A simulator that tells of every message after `ms`.
fn telling_after(ms: u64) -> SimConfig {
    let calm = calm();
    SimConfig { receipts: Receipts { sent: Span::millis(ms, ms), early_share: 0.0, ..calm.receipts }, ..calm }
}

#[tokio::test(flavor = "multi_thread")]
async fn someone_out_of_reach_has_failed_at_the_recipient() {
    let world = World::start(calm()).await;
    world.faults(json!([{ "match": { "phone": phone(0) }, "fault": { "kind": "undeliverable" } }]));
    let run = world.submit(&world.audience(4).await, json!({})).await;
    let _crew = (world.scheduler(), world.worker());
    let report = world.closed(&run).await;
    assert_eq!(report.failures, [Failure::of(131_026, explain(131_026), 1)]);
    assert_eq!((report.totals.failed, report.attempts), (1, 4));
    let meaning = report.failures[0].meaning.as_deref().unwrap();
    assert!(meaning.contains("WhatsApp"), "{meaning}");
    let part = &report.by_country[0].part;
    assert_eq!((part.totals.submitted, part.totals.failed, part.within_deadline), (4, 1, 3));
    assert_eq!((part.failures[0].code, part.failures[0].count), (131_026, 1));
    let tiers: u64 = report.by_tier.iter().map(|line| line.part.totals.submitted).sum();
    let failed: u64 = report.by_tier.iter().map(|line| line.part.totals.failed).sum();
    assert_eq!((tiers, failed), (4, 1), "every delivery is of some tier, or of none");
    assert_eq!(report.by_country[0].country.as_deref(), Some("IN"));
    let by_number = report.numbers.iter().map(|line| (line.home, line.part.totals.submitted, line.part.totals.failed));
    let sum = by_number.fold((0, 0, 0), |sum, line| (sum.0 + line.0, sum.1 + line.1, sum.2 + line.2));
    assert_eq!(sum, (4, 4, 1), "every delivery is some number's");
    assert_eq!((report.sla.attained, report.sla.excluding_recipient_faults), (0.75, 1.0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_send_that_fails_later_goes_out_again_even_from_a_finished_page() {
    let world = World::start(telling_after(1_500)).await;
    world.faults(json!([{ "match": { "attempts_matching": 1 }, "fault": { "kind": "async_error", "code": 131_000 } }]));
    let run = world.submit(&world.audience(1).await, json!({})).await;
    let _crew = (world.scheduler(), world.worker());
    world.finished(&run).await;
    assert_eq!(world.totals(&run).await.accepted, 1, "finished before its receipt came");
    let report = world.closed(&run).await;
    assert_eq!((report.attempts, report.known_duplicates, report.totals.failed), (2, 0, 0));
    assert_eq!(report.totals.delivered + report.totals.read, 1);
    assert_eq!(world.accepted(0), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_send_that_fails_after_the_deadline_stays_failed() {
    let mut world = World::start(telling_after(2_500)).await;
    world.ctx.settings.close_after = Duration::from_secs(20);
    world.faults(json!([{ "fault": { "kind": "async_error", "code": 131_000 } }]));
    let run = world.submit(&world.audience(1).await, json!({ "window": window("+2s", "+3s") })).await;
    let _crew = (world.scheduler(), world.worker());
    let report = world.closed(&run).await;
    assert_eq!(report.failures, [Failure::of(131_000, explain(131_000), 1)]);
    assert_eq!((report.totals.failed, report.attempts), (1, 1));
}
