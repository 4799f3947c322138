//! A share of a run goes out first, and the rest only if it is well received.

use dawncast_core::{canary::CanaryVerdict, delivery::DeliveryState, report::SlaVerdict};
use dawncast_store::run::{Hold, Run};
use dawncast_testkit::until;
use serde_json::{Value, json};

use crate::{
    receiver::Receiver,
    world::{PATIENCE, World, calm, phone, window},
};

const PEOPLE: u64 = 40;

/// A tenth first, watched for a second, in a window that leaves some seconds besides.
fn canary(max_failures: f64) -> Value {
    let canary = json!({ "share": 0.1, "max_failures": max_failures, "watch": "1s" });
    json!({ "window": window("+8s", "+40s"), "canary": canary })
}

/// The message for each of these fails for good.
fn failing(people: impl Iterator<Item = u64>) -> Value {
    people.map(|n| json!({ "match": { "phone": phone(n) }, "fault": { "kind": "error", "code": 131_026 } })).collect()
}

async fn judged(world: &World, run: &dawncast_core::ids::RunId) -> Run {
    let judged = async || Some(world.run(run).await).filter(|run| run.canary_judged.is_some());
    until("the canary is judged", PATIENCE, judged).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rest_follows_a_canary_that_was_well_received() {
    let world = World::start(calm()).await;
    let run = world.submit(&world.audience(PEOPLE).await, canary(0.02)).await;
    let _crew = (world.scheduler(), world.worker());
    let judged = judged(&world, &run).await;
    let (canary, verdict) = (judged.canary.unwrap(), judged.canary_judged.unwrap());
    assert_eq!((verdict.verdict, verdict.seen.deliveries, verdict.seen.reached), (CanaryVerdict::Passed, 4, 4));
    assert!(verdict.at >= canary.watched_until);
    let report = world.closed(&run).await;
    assert_eq!((report.sla.verdict, report.totals.submitted), (SlaVerdict::Pass, PEOPLE));
    for row in world.rows(&run).await {
        let (begun, is_first) = (row.record.first_begun.unwrap(), row.id.page.page < canary.pages);
        assert_eq!(begun >= verdict.at, !is_first, "{row:?}");
        assert_eq!(world.accepted(row.recipient.phone - crate::world::FIRST_PHONE), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_canary_that_fails_stops_the_run_until_a_person_lets_it_go_on() {
    let mut world = World::start(calm()).await;
    let receiver = Receiver::open([]).await;
    receiver.serve(&mut world);
    // All but three: among the four that go first somebody is always one of them.
    world.faults(failing(0..PEOPLE - 3));
    let run = world.submit(&world.audience(PEOPLE).await, canary(0.02)).await;
    let _crew = (world.scheduler(), world.scheduler(), world.worker());
    let judged = judged(&world, &run).await;
    let canary = judged.canary.unwrap();
    let verdict = judged.canary_judged.unwrap();
    assert_eq!((verdict.verdict, &judged.holds[..]), (CanaryVerdict::Failed, &[Hold::Run][..]));
    let held = receiver.hears("run.held", 1).await.remove(0);
    assert_eq!((held.data("step"), held.data("why")), (json!("canary"), json!(judged.waits_for.unwrap())));
    // Long enough for the rest to go out, were it to.
    world.passes(10_000).await;
    let waiting = world.rows(&run).await.into_iter().filter(|row| row.id.page.page >= canary.pages);
    assert!(waiting.map(|row| row.state).all(|state| state == DeliveryState::Planned));
    assert!(world.store.hold_run(&run, Hold::Run, false).await.unwrap());
    assert_eq!(world.run(&run).await.waits_for, None);
    let report = world.closed(&run).await;
    assert_eq!(report.totals.failed, PEOPLE - 3, "{report:?}");
    assert_eq!(report.totals.delivered + report.totals.read, 3);
    assert_eq!(receiver.hears("run.held", 1).await.len(), 1, "told once");
}

#[tokio::test(flavor = "multi_thread")]
async fn failures_within_the_bound_stop_nothing() {
    let world = World::start(calm()).await;
    world.faults(failing(0..PEOPLE));
    let run = world.submit(&world.audience(PEOPLE).await, canary(1.0)).await;
    let _crew = (world.scheduler(), world.worker());
    let report = world.closed(&run).await;
    assert_eq!((report.totals.failed, report.sla.verdict), (PEOPLE, SlaVerdict::Fail));
    assert_eq!(world.run(&run).await.canary_judged.unwrap().verdict, CanaryVerdict::Passed);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_canary_that_cannot_be_sent_is_not_judged_and_nothing_follows_it() {
    let world = World::start(calm()).await;
    let run = world.submit(&world.audience(PEOPLE).await, canary(0.02)).await;
    world.store.hold_run(&run, Hold::Run, true).await.unwrap();
    let _crew = (world.scheduler(), world.worker());
    let open = world.reaches(&run, dawncast_store::run::RunState::Open).await;
    world.passes(open.canary.unwrap().watched_until - world.clock.now() + 3_000).await;
    assert_eq!(world.run(&run).await.canary_judged, None);
    world.store.hold_run(&run, Hold::Run, false).await.unwrap();
    assert_eq!(world.closed(&run).await.sla.verdict, SlaVerdict::Pass);
}
