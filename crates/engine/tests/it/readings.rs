//! What Meta says of numbers: a ban, and a messaging limit.

use std::time::Duration;

use dawncast_cloud_sim::NumberOrder;
use dawncast_core::{ids::RunId, report::SlaVerdict};
use dawncast_testkit::until;
use serde_json::json;

use crate::{
    metrics::{Scrapes, watch},
    world::{NUMBERS, PATIENCE, World, calm, person, window},
};

async fn attentive() -> World {
    let mut world = World::start(calm()).await;
    world.ctx.settings.numbers_every = Duration::from_millis(200);
    world
}

fn order(world: &World, status: Option<&str>, messaging_limit: Option<&str>) {
    let text = |text: &str| text.to_owned();
    let order =
        NumberOrder { status: status.map(text), messaging_limit: messaging_limit.map(text), ..NumberOrder::default() };
    world.sim.order_number(NUMBERS[0], order).unwrap();
}

fn health(state: &str) -> String {
    format!("dawncast_number_health{{phone_number_id=\"{}\",state=\"{state}\"}}", NUMBERS[0])
}

fn remaining() -> String {
    format!("dawncast_number_daily_remaining{{phone_number_id=\"{}\"}}", NUMBERS[1])
}

#[tokio::test]
async fn a_banned_number_rests_unasked_others_stand_in_and_it_comes_back() {
    let (scrapes, world) = (Scrapes::start(), attentive().await);
    order(&world, Some("BANNED"), None);
    let _watch = watch(&world);
    scrapes.until(&health("banned"), 1.0).await;
    scrapes.until(&health("active"), 0.0).await;
    let run = world.submit(&world.audience(150).await, json!({ "window": window("+4s", "+40s") })).await;
    let _crew = (world.scheduler(), world.worker());
    let report = world.closed(&run).await;
    assert_eq!((report.sla.verdict, report.totals.failed), (SlaVerdict::Pass, 0));
    assert_eq!(
        report.numbers.iter().map(|line| line.health.as_str()).collect::<Vec<_>>(),
        ["banned", "active", "active"]
    );
    world.everyone_once(150);
    assert!(world.sim.ledger().totals.rejected.is_empty(), "nobody's message was wasted on the banned number");
    order(&world, Some("CONNECTED"), None);
    scrapes.until(&health("active"), 1.0).await;
}

#[tokio::test]
async fn what_is_left_of_the_limit_falls_with_each_user_once() {
    let (scrapes, world) = (Scrapes::start(), attentive().await);
    let _watch = watch(&world);
    scrapes.until(&remaining(), f64::INFINITY).await;
    order(&world, None, Some("TIER_250"));
    scrapes.until(&remaining(), 250.0).await;
    let audience = world.audience(40).await;
    let _crew = (world.scheduler(), world.worker());
    for _ in 0..2 {
        let run = world.submit(&audience, json!({})).await;
        world.closed(&run).await;
        scrapes.until(&remaining(), 210.0).await;
    }
    // People who hear again count once; others do not fit.
    let later = json!({ "window": { "opens": "+1h", "closes": "+2h", "deadline": "+3h" } });
    let beyond = |run: &RunId| format!("dawncast_run_over_quota_recipients{{run=\"{run}\"}}");
    let same = world.submit(&audience, later.clone()).await;
    let others = world.submit(&world.audience_of((100..330).map(person)).await, later).await;
    scrapes.until(&beyond(&others), 20.0).await;
    scrapes.until(&beyond(&same), 0.0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_beyond_the_limit_goes_as_far_as_meta_lets_it_and_says_so() {
    let world = attentive().await;
    order(&world, None, Some("TIER_50"));
    let _watch = watch(&world);
    let number = NUMBERS[0].parse().unwrap();
    until("the number is read", PATIENCE, async || world.store.reading(&number).await.unwrap()).await;
    let run = world.submit(&world.audience(60).await, json!({ "retry": { "max_attempts": 1 } })).await;
    let _crew = (world.scheduler(), world.worker());
    let report = world.closed(&run).await;
    assert_eq!((report.totals.delivered + report.totals.read, report.totals.failed), (50, 10));
    let remarks = world.run(&run).await.remarks.join(" ");
    assert!(remarks.contains("60 recipients, but Meta's messaging limit leaves 50"), "{remarks}");
}

#[tokio::test]
async fn where_the_limit_on_calls_is_nearly_used_up_numbers_are_read_less_and_not_at_all_while_meta_refuses() {
    let (scrapes, mut world) = (Scrapes::start(), attentive().await);
    world.ctx.settings.numbers_every = Duration::from_millis(100);
    let id = NUMBERS[0].parse().unwrap();
    let usage = |world: &World| {
        format!("dawncast_cloud_api_usage_ratio{{account=\"{}\"}}", world.sim.account(NUMBERS[0]).unwrap())
    };
    let _watch = watch(&world);
    scrapes.until(&usage(&world), 0.0).await;
    // 4,990 of the 5,000 calls of an hour.
    world.sim.order_calls(Some(0), 4_990);
    scrapes.until(&usage(&world), 0.99).await;
    scrapes.until(&usage(&world), 1.0).await;
    let read_at = async |world: &World| world.store.reading(&id).await.unwrap().map(|reading| reading.read_at);
    let before = read_at(&world).await;
    // Each of the three numbers is put off by an hour, and none is asked about.
    let claim = format!("t:{{num:{}}}:asked", NUMBERS[0]);
    let off = async || {
        let left: i64 = redis::cmd("PTTL").arg(&claim).query_async(&mut world.store.connection()).await.unwrap();
        (left > 3_000_000).then_some(())
    };
    until("nobody asks for an hour", PATIENCE, off).await;
    assert_eq!(read_at(&world).await, before);
}
