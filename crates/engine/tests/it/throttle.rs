//! A number that the Cloud API finds too fast.

use dawncast_testkit::until;
use serde_json::json;

use crate::world::{NUMBERS, PATIENCE, World, calm, phone};

#[tokio::test(flavor = "multi_thread")]
async fn throttles_slow_the_number_and_cost_nobody_an_attempt() {
    let world = World::start(calm()).await;
    let throttle = json!({ "kind": "throttle" });
    let mut faults = vec![json!({ "match": { "number": NUMBERS[0] }, "fault": throttle, "times": 12 })];
    // More often than the campaign has attempts.
    faults.extend(
        (1..=4).map(|nth| json!({ "match": { "phone": phone(7), "attempts_matching": nth }, "fault": throttle })),
    );
    faults.rotate_left(1);
    world.faults(faults.into());
    let retry = json!({ "max_attempts": 3, "base": "200ms", "cap": "1s" });
    let run = world.submit(&world.audience(180).await, json!({ "retry": retry })).await;
    let _crew = (world.scheduler(), world.worker());
    let number = NUMBERS[0].parse().unwrap();
    let slowed = async || (world.store.speed_milli(&number).await.unwrap() < 1_000).then_some(());
    until("the number is slowed", PATIENCE, slowed).await;
    let report = world.closed(&run).await;
    assert_eq!(report.numbers.iter().map(|number| number.throttled).sum::<u64>(), 16);
    assert_eq!((report.attempts, report.totals.failed), (180 + 16, 0));
    world.everyone_once(180);
}
