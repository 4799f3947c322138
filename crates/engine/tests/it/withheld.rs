//! What Meta withholds from a person is heeded by the runs that follow.

use dawncast_core::{
    consent::{Told, Withheld},
    report::DropReason,
    verdict::WITHHELD,
};
use dawncast_store::{records::WithheldChange, run::RunState};
use dawncast_testkit::until;
use serde_json::json;

use crate::{
    consent::{of, offers},
    world::{PATIENCE, World, calm, phone, window},
};

const DAY_MS: i64 = 86_400_000;

impl World {
    async fn withheld(&self, n: u64) -> Option<Withheld> {
        self.store.withheld(&[of(n)]).await.unwrap()[0]
    }

    async fn withhold(&self, n: u64, told: Told, at: i64) {
        let change = [(of(n), WithheldChange::Told(told, at))];
        self.store.change_withheld(&change, self.clock.now()).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whom_marketing_was_withheld_from_gets_none_of_the_next_run_and_utility_all_the_same() {
    let world = World::start(calm()).await;
    world.faults(json!([{ "match": { "phone": phone(1) }, "fault": { "kind": "async_error", "code": 131_049 } }]));
    let audience = world.audience(3).await;
    let first = world.submit(&audience, offers()).await;
    let _crew = (world.scheduler(), world.worker());
    let report = world.closed(&first).await;
    assert_eq!((report.totals.failed, report.failures[0].code), (1, 131_049));
    let wait = world.withheld(1).await.unwrap().marketing.unwrap();
    assert!((DAY_MS - 120_000..=DAY_MS).contains(&(wait.until - world.clock.now())), "{wait:?}");
    assert_eq!((world.withheld(0).await, world.withheld(2).await), (None, None));

    world.faults(json!([]));
    let (second, utility) = (world.submit(&audience, offers()).await, world.submit(&audience, json!({})).await);
    let report = world.closed(&second).await;
    let dropped = world.dropped(&second).await;
    assert_eq!(dropped.iter().map(|row| (row.0, row.1)).collect::<Vec<_>>(), [(1, DropReason::Withheld)]);
    assert!(dropped[0].2.starts_with("Meta withheld marketing from this recipient; not before 20"), "{dropped:?}");
    assert_eq!((report.sla.eligible, report.totals.imbalance()), (2, 0));
    let report = world.closed(&utility).await;
    assert_eq!((report.totals.dropped, report.totals.failed), (0, 0));
    assert_eq!(world.accepted(1), 2, "one that was withheld, and a utility message");
    assert!(world.withheld(1).await.is_some(), "which ends no wait of marketing's");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_heard_after_the_freeze_and_before_begin_is_heeded_too() {
    let world = World::start(calm()).await;
    let run = world.submit(&world.audience(3).await, offers()).await;
    let _scheduler = world.scheduler();
    world.reaches(&run, RunState::Open).await;
    world.withhold(1, Told::Marketing(131_049), world.clock.now()).await;
    let _worker = world.worker();
    let report = world.closed(&run).await;
    assert_eq!((world.accepted(1), world.row(&run, 1).await.record.code), (0, WITHHELD));
    assert_eq!((report.failures[0].class.as_str(), report.sla.eligible), ("withheld", 2));
    assert_eq!(report.totals.imbalance(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_withholds_is_kept_as_a_status_is() {
    let world = World::start(calm()).await;
    world.faults(json!([{ "match": { "phone": phone(1) }, "fault": { "kind": "error", "code": 131_049 } }]));
    let run = world.submit(&world.audience(3).await, offers()).await;
    let _crew = (world.scheduler(), world.worker());
    world.closed(&run).await;
    let kept = until("it is kept", PATIENCE, async || world.withheld(1).await).await;
    assert_eq!(kept.marketing.unwrap().times, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_sent_to_whom_nothing_could_be_delivered_on_two_days_and_what_arrives_forgives_one() {
    let world = World::start(calm()).await;
    for n in [0, 1] {
        world.withhold(n, Told::Undeliverable, world.clock.now() - DAY_MS).await;
    }
    world.faults(json!([{ "match": { "phone": phone(1) }, "fault": { "kind": "undeliverable" } }]));
    let audience = world.audience(3).await;
    let patch = json!({ "window": window("+1s", "+20s") });
    let first = world.submit(&audience, patch.clone()).await;
    let _crew = (world.scheduler(), world.worker());
    world.closed(&first).await;
    assert_eq!(world.withheld(1).await.unwrap().undeliverable.unwrap().days, 2);
    let forgiven = async || world.withheld(0).await.is_none().then_some(());
    until("what was delivered is noted", PATIENCE, forgiven).await;

    let second = world.submit(&audience, patch).await;
    world.closed(&second).await;
    let dropped = world.dropped(&second).await;
    assert_eq!(dropped.iter().map(|row| (row.0, row.1)).collect::<Vec<_>>(), [(1, DropReason::Undeliverable)]);
    assert!(dropped[0].2.starts_with("nothing could be delivered on 2 different days; not before 20"), "{dropped:?}");
}
