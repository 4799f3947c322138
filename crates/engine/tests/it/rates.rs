//! Failure rates and opt-outs: a number that does worse than the others of its pool is used less, and they are not.

use std::time::Duration;

use dawncast_core::{
    health::{Cause, Stage},
    ids::NumberId,
    report::SlaVerdict,
};
use dawncast_store::records::Number;
use dawncast_testkit::until;
use serde_json::{Value, json};

use crate::{
    metrics::watch,
    world::{NUMBERS, PATIENCE, World, calm, phone, window},
};

fn id(place: usize) -> NumberId {
    NUMBERS[place].parse().unwrap()
}

/// Messages that are taken and then fail, as if Meta had a fault towards some numbers.
fn failing(world: &World, numbers: &[&str], probability: f64) {
    let fault = json!({ "kind": "async_error", "code": 131_000 });
    let rule = |number: &&str| json!({ "match": { "number": number }, "fault": fault, "probability": probability });
    world.faults(Value::Array(numbers.iter().map(rule).collect()));
}

async fn comes_to(world: &World, place: usize, stage: Stage) -> Number {
    let what = format!("number {place} is {stage}");
    let there = async || world.store.number(&id(place)).await.unwrap().filter(|number| number.condition.stage == stage);
    until(&what, PATIENCE, there).await
}

async fn stages(world: &World) -> Vec<Stage> {
    let numbers = world.store.numbers().await.unwrap();
    let stage = |id: NumberId| numbers.iter().find(|number| number.phone_number_id == id).unwrap().condition.stage;
    (0..NUMBERS.len()).map(|place| stage(id(place))).collect()
}

/// Every one of `count` recipients has got exactly one message, however many have failed before.
fn everyone_got_one(world: &World, count: usize) {
    let ledger = world.sim.ledger();
    let arrived =
        ledger.recipients.values().map(|known| known.attempts.iter().filter(|it| it.failed.is_none()).count());
    assert_eq!(arrived.collect::<Vec<_>>(), vec![1; count]);
}

/// A failure is repeated soon.
fn soon() -> Value {
    json!({ "window": window("+8s", "+40s"), "retry": { "max_attempts": 8, "base": "500ms", "cap": "2s" } })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_that_fails_more_than_the_others_in_mid_run_is_used_less_and_everybody_hears_once() {
    let world = World::start(calm()).await;
    let _watch = watch(&world);
    let run = world.submit(&world.audience(300).await, soon()).await;
    let _crew = (world.scheduler(), world.worker());
    world.until_accepted(60).await;
    failing(&world, &NUMBERS[..1], 0.3);
    let held = comes_to(&world, 0, Stage::Cooldown).await.condition;
    assert_eq!((held.cause, held.offences), (Cause::Failing, 0));
    assert!(held.evidence.contains(" % of its ") && held.evidence.contains("of the last 10 minutes failed"), "{held}");
    let report = world.closed(&run).await;
    assert_eq!((report.sla.verdict, report.totals.failed), (SlaVerdict::Pass, 0), "{report:?}");
    everyone_got_one(&world, 300);
    assert_eq!(stages(&world).await, [Stage::Cooldown, Stage::Fit, Stage::Fit]);
    assert_eq!(report.numbers[0].health, "cooldown");
    let changes = world.store.changes(&id(0)).await.unwrap();
    assert_eq!((changes.len(), changes[0].from.as_str(), &changes[0].to), (1, "fit", &held));
    // What is usual finds no home there any more.
    let next = world.submit(&world.audience(60).await, json!({})).await;
    assert_eq!(world.closed(&next).await.sla.verdict, SlaVerdict::Pass);
    assert!(world.rows(&next).await.iter().all(|row| row.number != Some(id(0))));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_all_numbers_of_a_pool_meet_at_once_stops_none_of_them() {
    let world = World::start(calm()).await;
    let _watch = watch(&world);
    failing(&world, &NUMBERS, 0.4);
    let run = world.submit(&world.audience(300).await, soon()).await;
    let _crew = (world.scheduler(), world.worker());
    let report = world.closed(&run).await;
    assert_eq!((report.sla.verdict, report.totals.imbalance()), (SlaVerdict::Pass, 0), "{report:?}");
    let now = world.clock.now();
    for place in 0..NUMBERS.len() {
        let minutes = world.ctx.settings.playbook.rates.window(now);
        let counts = world.store.counts(&id(place), minutes).await.unwrap();
        assert!(counts.messages >= 50 && 5 * counts.failed > counts.messages, "{counts:?}");
    }
    assert_eq!(stages(&world).await, [Stage::Fit; 3]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_that_many_tell_to_stop_is_used_less() {
    let world = World::start(calm()).await;
    let _watch = watch(&world);
    let run = world.submit(&world.audience(300).await, json!({})).await;
    let _crew = (world.scheduler(), world.worker());
    assert_eq!(world.closed(&run).await.sla.verdict, SlaVerdict::Pass);
    for n in 0..15 {
        world.stage("/_sim/reply", json!({ "from": phone(n), "number": NUMBERS[1], "text": "STOP" })).await;
    }
    let held = comes_to(&world, 1, Stage::Cooldown).await.condition;
    assert_eq!(held.cause, Cause::OptOuts);
    assert!(held.evidence.starts_with("those who want no more are "), "{held}");
    let until = held.until.unwrap() - held.since;
    assert_eq!(until, Duration::from_secs(48 * 3600).as_millis() as i64);
    assert_eq!(stages(&world).await, [Stage::Fit, Stage::Cooldown, Stage::Fit]);
}
