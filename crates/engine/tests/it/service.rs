//! Free-form messages go only where the user has written to, within a day.

use std::collections::BTreeMap;

use dawncast_core::report::DropReason;
use dawncast_testkit::until;
use serde_json::{Value, json};

use crate::world::{FIRST_PHONE, NUMBERS, PATIENCE, World, calm, person, phone, window};

/// A campaign of a free-form text.
fn text() -> Value {
    json!({ "message": { "type": "text", "text": { "body": "Hello {{ first_name }}" } }, "window": window("+3s", "+30s") })
}

impl World {
    /// Recipient `n` writes to a number of ours; waits until the engine knows.
    pub(crate) async fn writes(&self, n: u64, number: &str) {
        self.stage("/_sim/reply", json!({ "from": phone(n), "number": number, "text": "when do you open?" })).await;
        let number = number.parse().unwrap();
        let known = async || self.store.service_windows(&number, &[FIRST_PHONE + n]).await.unwrap()[0];
        until("the window is open", PATIENCE, known).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_goes_to_open_windows_alone_and_by_the_number_that_was_written_to() {
    let world = World::start(calm()).await;
    for n in 0..12 {
        world.writes(n, NUMBERS[n as usize % 3]).await;
    }
    let run = world.submit(&world.audience(15).await, text()).await;
    let _crew = (world.scheduler(), world.worker());
    let report = world.closed(&run).await;
    assert_eq!(report.dropped_by_reason, BTreeMap::from([(DropReason::Compliance, 3)]));
    assert_eq!((report.sla.eligible, report.sla.within_deadline, report.attempts), (12, 12, 12));
    let dropped = world.store.dropped(&run).await.unwrap();
    assert!(dropped.iter().all(|row| row.phone >= FIRST_PHONE + 12 && row.detail.contains("no service window")));
    let ledger = world.sim.ledger();
    for n in 0..12 {
        let attempts = &ledger.recipients[&phone(n)].attempts;
        assert_eq!(attempts.iter().map(|sent| sent.number.as_str()).collect::<Vec<_>>(), [NUMBERS[n as usize % 3]]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_stands_in_for_the_number_that_was_written_to() {
    let world = World::start(calm()).await;
    for n in 0..4 {
        world.writes(n, NUMBERS[n as usize % 2]).await;
    }
    let patch = json!({ "message": text()["message"], "window": window("+2s", "+8s") });
    let run = world.submit(&world.audience(4).await, patch).await;
    let removed = NUMBERS[1].parse().unwrap();
    let _scheduler = world.scheduler();
    let planned = async || (world.run(&run).await.pages > 0).then_some(());
    until("the run is planned", PATIENCE, planned).await;
    world.store.remove_number(&removed).await.unwrap();
    let _worker = world.worker();
    let report = world.closed(&run).await;
    assert_eq!((report.totals.delivered + report.totals.read, report.totals.expired), (2, 2));
    assert!(world.accepted(0) == 1 && world.accepted(1) == 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_lacks_what_the_text_says_is_a_defect_and_the_others_hear() {
    let world = World::start(calm()).await;
    for n in 0..3 {
        world.writes(n, NUMBERS[0]).await;
    }
    let mut people: Vec<_> = (0..3).map(person).collect();
    people[1].attributes.remove("first_name");
    let mut patch = text();
    patch["max_defects"] = json!(0.5);
    let run = world.submit(&world.audience_of(people).await, patch).await;
    let _crew = (world.scheduler(), world.worker());
    let report = world.closed(&run).await;
    assert_eq!(report.dropped_by_reason, BTreeMap::from([(DropReason::MissingAttribute, 1)]));
    assert_eq!([0, 1, 2].map(|n| world.accepted(n)), [1, 0, 1]);
}
