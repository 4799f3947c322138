//! Caps and warm-up: a number sends no more than it may, others send the rest, and it grows while recipients rate it well.

use std::time::Duration;

use dawncast_cloud_sim::NumberOrder;
use dawncast_core::{
    cap::Caps,
    health::{Health, Stage, WARMUP_STEP_MS, Warmup},
    ids::{NumberId, RunId},
    report::SlaVerdict,
};
use dawncast_store::records::Number;
use dawncast_testkit::until;
use serde_json::json;

use crate::{
    metrics::watch,
    world::{NUMBERS, PATIENCE, World, calm, window},
};

fn id(place: usize) -> NumberId {
    NUMBERS[place].parse().unwrap()
}

async fn change(world: &World, place: usize, change: impl Fn(&mut Number)) {
    let number = world.store.change_number(&id(place), change).await.unwrap().unwrap();
    world.store.apply_condition(&number, &world.ctx.settings.playbook).await.unwrap();
}

fn per_day(cap: u32) -> Caps {
    Caps { per_hour: None, per_day: Some(cap) }
}

fn sent_by(world: &World, place: usize) -> usize {
    let ledger = world.sim.ledger();
    let attempts = ledger.recipients.values().flat_map(|known| &known.attempts);
    attempts.filter(|attempt| attempt.number == NUMBERS[place]).count()
}

async fn remarks(world: &World, run: &RunId) -> Vec<String> {
    world.run(run).await.remarks
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_with_a_cap_is_home_to_no_more_and_the_rest_go_out_elsewhere() {
    let world = World::start(calm()).await;
    change(&world, 0, |number| number.caps = per_day(7)).await;
    let _crew = (world.scheduler(), world.worker());
    for _ in 0..2 {
        let run = world.submit(&world.audience(90).await, json!({})).await;
        assert_eq!(world.closed(&run).await.sla.verdict, SlaVerdict::Pass);
        assert_eq!(remarks(&world, &run).await, Vec::<String>::new());
        assert!(sent_by(&world, 0) <= 7);
    }
    assert_eq!(sent_by(&world, 0), 7, "what is left is used");
    assert_eq!(world.sim.ledger().totals.accepted, 180);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cap_that_is_set_in_mid_run_holds_and_others_stand_in_at_once() {
    let world = World::start(calm()).await;
    let run = world.submit(&world.audience(200).await, json!({ "window": window("+8s", "+40s") })).await;
    let _crew = (world.scheduler(), world.worker());
    world.until_accepted(20).await;
    change(&world, 0, |number| number.caps = per_day(3)).await;
    let before = sent_by(&world, 0);
    let report = world.closed(&run).await;
    assert_eq!((report.sla.verdict, report.totals.failed), (SlaVerdict::Pass, 0));
    // Beside what was granted before, and on the wire.
    let after = sent_by(&world, 0) - before;
    assert!(after <= 3 + 8, "{after} messages went out after a cap of 3");
    world.everyone_once(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn caps_that_do_not_hold_a_run_bind_no_home_and_are_told() {
    let world = World::start(calm()).await;
    let run = world.submit(&world.audience(60).await, json!({})).await;
    for place in 0..3 {
        change(&world, place, |number| number.caps = per_day(15)).await;
    }
    let _crew = (world.scheduler(), world.worker());
    let told = until("the caps are told", PATIENCE, async || remarks(&world, &run).await.pop()).await;
    assert!(told.starts_with("its 60 recipients do not fit what the caps of its numbers leave"), "{told}");
    until("the caps are used up", PATIENCE, async || (world.sim.ledger().totals.accepted == 45).then_some(())).await;
    // Lifted, the rest go out within seconds.
    change(&world, 1, |number| number.caps = Caps::default()).await;
    world.until_accepted(60).await;
    world.everyone_once(60);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_warm_up_grows_by_the_day_while_rated_green_and_falls_back_when_rated_low() {
    let mut world = World::start(calm()).await;
    world.ctx.settings.numbers_every = Duration::from_millis(200);
    let _watch = watch(&world);
    let since = world.clock.now() - WARMUP_STEP_MS;
    change(&world, 0, |number| number.warmup = Some(Warmup::starting(since))).await;
    let at_step = async |step: u32| {
        let there = async || {
            let number = world.store.number(&id(0)).await.unwrap().unwrap();
            number.warmup.is_some_and(|warmup| warmup.step == step).then_some(number)
        };
        until("the warm-up has come to its step", PATIENCE, there).await
    };
    let grown = at_step(1).await;
    assert!(grown.warmup.unwrap().since > since);
    let left = world.store.cap_left(&grown, &world.ctx.settings.playbook, world.clock.now(), 0).await.unwrap();
    assert_eq!(left, Some(250));
    let reading = world.store.reading(&id(0)).await.unwrap();
    let health = world.store.number_health(&grown, reading.as_ref(), world.clock.now()).await.unwrap();
    assert_eq!(health, Health::Warming);
    let order = NumberOrder { quality_rating: Some("RED".to_owned()), ..NumberOrder::default() };
    world.sim.order_number(NUMBERS[0], order).unwrap();
    let fallen = at_step(0).await;
    assert_eq!(fallen.condition.stage, Stage::Paused);
    let told = async || {
        let changes = world.store.changes(&id(0)).await.unwrap();
        let told: Vec<_> = changes.into_iter().rev().filter_map(|change| change.warmup).collect();
        (told.len() == 2).then_some(told)
    };
    let told = until("both are kept", PATIENCE, told).await;
    assert_eq!(told, ["step 2 of 5, 250 messages a day", "step 1 of 5, 50 messages a day"]);
}
