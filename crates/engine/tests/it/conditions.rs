//! The quality monitor: a number that Meta starts to dislike stops, others stand in for it, and it comes back with care.

use std::time::Duration;

use dawncast_cloud_sim::NumberOrder;
use dawncast_core::{
    health::{Cause, Pin, Stage},
    ids::NumberId,
    report::SlaVerdict,
};
use dawncast_store::records::{Number, NumberRole};
use dawncast_testkit::until;
use serde_json::json;

use crate::{
    metrics::watch,
    world::{NUMBERS, PATIENCE, World, calm, window},
};

async fn attentive() -> World {
    let mut world = World::start(calm()).await;
    world.ctx.settings.numbers_every = Duration::from_millis(200);
    world
}

fn id(place: usize) -> NumberId {
    NUMBERS[place].parse().unwrap()
}

/// Meta rates a number so from now on.
fn rate(world: &World, place: usize, quality: &str) {
    let order = NumberOrder { quality_rating: Some(quality.to_owned()), ..NumberOrder::default() };
    world.sim.order_number(NUMBERS[place], order).unwrap();
}

/// Waits until the number has come to `stage`.
async fn comes_to(world: &World, place: usize, stage: Stage) -> Number {
    let what = format!("number {place} is {stage}");
    let there = async || world.store.number(&id(place)).await.unwrap().filter(|number| number.condition.stage == stage);
    until(&what, PATIENCE, there).await
}

/// How many messages the simulator accepted from a number.
fn sent_by(world: &World, place: usize) -> usize {
    let ledger = world.sim.ledger();
    let attempts = ledger.recipients.values().flat_map(|known| &known.attempts);
    attempts.filter(|attempt| attempt.number == NUMBERS[place]).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_that_is_rated_low_in_mid_run_stops_and_everybody_hears_once() {
    let world = attentive().await;
    let _watch = watch(&world);
    let run = world.submit(&world.audience(300).await, json!({ "window": window("+8s", "+40s") })).await;
    let _crew = (world.scheduler(), world.worker());
    world.until_accepted(40).await;
    rate(&world, 0, "RED");
    let stopped = comes_to(&world, 0, Stage::Paused).await;
    assert_eq!(stopped.condition.cause, Cause::QualityRed);
    let report = world.closed(&run).await;
    assert_eq!((report.sla.verdict, report.totals.failed), (SlaVerdict::Pass, 0));
    world.everyone_once(300);
    let rows = world.rows(&run).await;
    let begun = rows.iter().filter(|row| row.number == Some(id(0))).filter_map(|row| row.record.last_begun);
    let after = begun.max().unwrap() - stopped.condition.since;
    assert!(after < 500, "it began a message {after} ms after it was stopped");
    assert_eq!(report.numbers[0].health, "paused");
    // The next run has no home there.
    let (before, next) = (sent_by(&world, 0), world.submit(&world.audience(60).await, json!({})).await);
    assert_eq!(world.closed(&next).await.sla.verdict, SlaVerdict::Pass);
    assert_eq!(sent_by(&world, 0), before);
    let changes = world.store.changes(&id(0)).await.unwrap();
    assert_eq!((changes.len(), changes[0].from.as_str(), changes[0].to.stage), (1, "fit", Stage::Paused));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_spam_limit_stops_its_number_and_is_not_asked_for_again() {
    let world = attentive().await;
    let _watch = watch(&world);
    let limited = json!({ "kind": "error", "code": 131_048 });
    world.faults(json!([{ "match": { "number": NUMBERS[1] }, "fault": limited }]));
    let run = world.submit(&world.audience(150).await, json!({ "window": window("+5s", "+40s") })).await;
    let _crew = (world.scheduler(), world.worker());
    let stopped = comes_to(&world, 1, Stage::Paused).await;
    assert_eq!((stopped.condition.cause, stopped.condition.offences), (Cause::SpamLimit, 1));
    let report = world.closed(&run).await;
    assert_eq!((report.sla.verdict, report.totals.failed), (SlaVerdict::Pass, 0));
    world.everyone_once(150);
    // A burst that was on the wire, and no trial every half minute after it.
    let refused = world.sim.ledger().totals.rejected.values().sum::<u64>();
    assert!(refused < 30, "{refused} messages were refused");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_that_is_rated_medium_serves_what_is_critical_alone() {
    let world = attentive().await;
    rate(&world, 2, "YELLOW");
    let _watch = watch(&world);
    comes_to(&world, 2, Stage::Cooldown).await;
    let run = world.submit(&world.audience(90).await, json!({})).await;
    let _crew = (world.scheduler(), world.worker());
    assert_eq!(world.closed(&run).await.sla.verdict, SlaVerdict::Pass);
    assert_eq!(sent_by(&world, 2), 0, "the usual goes out elsewhere");
    let critical = world.submit(&world.audience(90).await, json!({ "priority": "critical" })).await;
    assert_eq!(world.closed(&critical).await.sla.verdict, SlaVerdict::Pass);
    assert!(sent_by(&world, 2) > 0, "what is critical finds its home there");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_standby_is_home_in_the_place_of_a_number_that_is_kept_back() {
    let world = attentive().await;
    world.store.change_number(&id(2), |number| number.role = NumberRole::Standby).await.unwrap();
    rate(&world, 0, "RED");
    let _watch = watch(&world);
    comes_to(&world, 0, Stage::Paused).await;
    let run = world.submit(&world.audience(90).await, json!({})).await;
    let _crew = (world.scheduler(), world.worker());
    assert_eq!(world.closed(&run).await.sla.verdict, SlaVerdict::Pass);
    let homes = world.run(&run).await.frozen.unwrap().senders.into_iter().filter(|sender| !sender.standby);
    assert_eq!(homes.map(|sender| sender.number).collect::<Vec<_>>(), [id(1), id(2)]);
    assert!(sent_by(&world, 2) > 20 && sent_by(&world, 0) == 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_whose_every_number_is_kept_back_is_held_with_the_reason_until_a_person_pins_one() {
    let world = attentive().await;
    (0..3).for_each(|place| rate(&world, place, "RED"));
    let _watch = watch(&world);
    for place in 0..3 {
        comes_to(&world, place, Stage::Paused).await;
    }
    let run = world.submit(&world.audience(30).await, json!({ "window": window("+20s", "+60s") })).await;
    let _crew = (world.scheduler(), world.worker());
    let held = until("the run is held", PATIENCE, async || world.run(&run).await.waits_for).await;
    assert!(held.starts_with("no number of the pool advisors can send: number 100000000000"), "{held}");
    assert!(
        held.contains("the monitor keeps it back, it is in paused (quality_red: Meta rates its quality RED)"),
        "{held}"
    );
    assert_eq!(world.sim.ledger().totals.accepted, 0);
    let pin = Pin { stage: Stage::Fit, until: None };
    let now = world.clock.now();
    let pinned =
        world.store.change_number(&id(0), |number| number.condition = number.condition.pinned_by(pin, now)).await;
    world.store.apply_condition(&pinned.unwrap().unwrap(), &world.ctx.settings.playbook).await.unwrap();
    assert_eq!(world.closed(&run).await.sla.verdict, SlaVerdict::Pass, "it goes on by itself");
    assert_eq!(sent_by(&world, 0), 30);
}
