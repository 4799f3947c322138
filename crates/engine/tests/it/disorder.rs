//! Receipts in every disorder, as signed webhooks: too early, twice, shuffled, too late, and one against the other.

use std::time::Duration;

use dawncast_core::{delivery::Outcome, ids::RunId};
use dawncast_store::run::RunState;
use dawncast_testkit::{Proxy, Upstream, until};
use rand::{Rng, RngExt, SeedableRng, rngs::SmallRng, seq::SliceRandom};
use serde_json::{Value, json};

use crate::{
    notices::{again, notice},
    postbox::Mode,
    world::{PATIENCE, World, calm, phone, window},
};

/// The outcomes of recipient `n`'s attempts.
async fn outcomes(world: &World, run: &RunId, n: u64) -> Vec<Outcome> {
    world.row(run, n).await.record.outcomes.iter().collect()
}

/// An answer that comes so late that receipts overtake it.
fn late_answer(ms: u64) -> Value {
    json!([{ "match": { "phone": phone(0) }, "fault": { "kind": "slow", "ms": ms } }])
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_before_the_response_settles_and_the_response_changes_nothing() {
    let world = World::start(calm()).await;
    world.faults(late_answer(2_000));
    let (run, _crew) = world.untold(1, json!({})).await;
    world.until_accepted(1).await;
    assert_eq!(world.totals(&run).await.sending, 1);
    world.tell(0, "delivered").await;
    world.tell(0, "sent").await;
    let totals = world.totals(&run).await;
    assert_eq!((totals.sending, totals.delivered), (0, 1));
    world.finished(&run).await;
    let row = world.row(&run, 0).await;
    assert_eq!(outcomes(&world, &run, 0).await, [Outcome::Delivered]);
    let (_, story) = world.store.delivery(&row.id, world.clock.now()).await.unwrap().unwrap();
    assert_eq!(story[0].message_id.as_ref(), Some(&world.messages(0)[0].wamid));
    assert!(row.record.sent_at.is_some() && row.record.delivered_at.is_some());
    assert_eq!((world.report(&run).await.attempts, world.accepted(0)), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_before_the_commit_settles_and_the_commit_changes_nothing() {
    let world = World::start(calm()).await;
    world.sim.set_webhook(None).unwrap();
    let proxy = Proxy::start(Upstream::of(&world.redis.url())).await;
    world.faults(late_answer(500));
    let run = world.submit(&world.audience(1).await, json!({})).await;
    let _crew = (world.scheduler(), world.worker_at(proxy.redis_url()));
    world.until_accepted(1).await;
    proxy.blackhole();
    // The answer is there by then; it cannot be written.
    world.passes(1_000).await;
    assert_eq!(world.totals(&run).await.sending, 1);
    world.tell(0, "read").await;
    assert_eq!(world.totals(&run).await.read, 1);
    proxy.heal();
    world.finished(&run).await;
    assert_eq!(outcomes(&world, &run, 0).await, [Outcome::Read]);
    assert_eq!((world.report(&run).await.known_duplicates, world.accepted(0)), (0, 1));
}

/// `statuses` shuffled, some of them twice or three times, in calls of all sizes.
fn shuffled(statuses: &[Value], rng: &mut impl Rng) -> Vec<Vec<Value>> {
    let mut all = Vec::new();
    for status in statuses {
        all.extend(vec![status.clone(); rng.random_range(1..=3)]);
    }
    all.shuffle(rng);
    let mut calls = Vec::new();
    while !all.is_empty() {
        let size = rng.random_range(1..=20).min(all.len());
        calls.push(all.split_off(all.len() - size));
    }
    calls
}

#[tokio::test(flavor = "multi_thread")]
async fn however_receipts_are_shuffled_and_repeated_the_end_is_the_same() {
    const PEOPLE: u64 = 60;
    let world = World::start(calm()).await;
    world.postbox.set(Mode::Keep);
    let failing = json!({ "kind": "async_error", "code": 131_026 });
    world.faults(json!([{ "match": { "phone": phone(3) }, "fault": failing }]));
    let mut ends = Vec::new();
    for seed in 0..3 {
        let people = (PEOPLE * seed..PEOPLE * (seed + 1)).map(crate::world::person);
        let run = world.submit(&world.audience_of(people).await, json!({})).await;
        let _crew = (world.scheduler(), world.worker());
        world.until_accepted(PEOPLE * (seed + 1)).await;
        world.finished(&run).await;
        until("everything is told", PATIENCE, async || (world.sim.pending_webhooks() == 0).then_some(())).await;
        let statuses: Vec<Value> = world.postbox.take_kept().iter().flatten().map(again).collect();
        world.postbox.set(Mode::Apply);
        let mut rng = SmallRng::seed_from_u64(seed);
        let mut seen = None;
        for _ in 0..3 {
            for call in shuffled(&statuses, &mut rng) {
                assert_eq!(world.postbox.post(&call).await, 200);
            }
            let end = (world.totals(&run).await, world.report(&run).await.sla.within_deadline);
            assert_eq!(*seen.get_or_insert(end), end, "told again");
        }
        world.postbox.set(Mode::Keep);
        ends.extend(seen);
    }
    assert_eq!(ends.iter().map(|(totals, _)| totals.failed).collect::<Vec<_>>(), [1, 0, 0]);
    for (totals, within) in ends {
        assert_eq!((totals.delivered + totals.read + totals.failed, totals.imbalance()), (PEOPLE, 0), "{totals:?}");
        assert_eq!(within, PEOPLE - totals.failed);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn receipts_that_come_hours_late_are_recorded_and_wake_nobody() {
    let mut world = World::start(calm()).await;
    world.ctx.settings.close_after = Duration::from_secs(1);
    let (run, _crew) = world.untold(3, json!({ "window": window("+1s", "+3s") })).await;
    world.reaches(&run, RunState::Closed).await;
    assert_eq!(world.totals(&run).await.accepted, 3);
    let deadline = world.run(&run).await.record.opening.deadline_at;
    let (in_time, hours_later) = (deadline - 1_000, deadline + 6 * 3_600_000);
    let message = |n| world.messages(n).pop().unwrap();
    let late = [
        notice(&message(0), "sent", in_time),
        notice(&message(1), "delivered", hours_later),
        notice(&message(2), "failed:131000", hours_later),
    ];
    assert_eq!(world.postbox.post(&late).await, 200);
    let report = world.report(&run).await;
    assert_eq!((report.totals.sent, report.totals.delivered, report.totals.failed), (1, 1, 1));
    assert_eq!(report.sla.within_deadline, 1, "what was sent in time counts, whenever it is told");
    world.passes(1_500).await;
    assert_eq!((world.report(&run).await.attempts, world.sim.ledger().totals.accepted), (3, 3));
    assert_eq!(world.run(&run).await.state, RunState::Closed);
}

#[tokio::test(flavor = "multi_thread")]
async fn failed_after_delivered_and_delivered_after_failed_are_delivered() {
    let world = World::start(calm()).await;
    let (run, _crew) = world.untold(4, json!({})).await;
    world.finished(&run).await;
    for (n, first, then) in [
        (0, "delivered", "failed:131026"),
        (1, "failed:131026", "delivered"),
        (2, "read", "failed:131000"),
        (3, "delivered", "failed:131000"),
    ] {
        world.tell(n, first).await;
        world.tell(n, then).await;
    }
    // Long enough for a page that was reopened to send again.
    world.passes(2_000).await;
    let report = world.report(&run).await;
    assert_eq!((report.totals.delivered, report.totals.read, report.totals.imbalance()), (3, 1, 0));
    assert_eq!((report.attempts, report.known_duplicates), (4, 0));
    world.everyone_once(4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retryable_failure_goes_out_again_and_a_late_word_of_delivery_makes_a_known_duplicate() {
    let world = World::start(calm()).await;
    let (run, _crew) = world.untold(1, json!({ "retry": { "max_attempts": 3, "base": "100ms", "cap": "1s" } })).await;
    world.finished(&run).await;
    let first = world.messages(0).pop().unwrap();
    world.tell(0, "failed:131000").await;
    world.until_accepted(2).await;
    world.until(&run, "the second is settled", |totals| totals.accepted == 1).await;
    world.tell(0, "delivered").await;
    assert_eq!(world.report(&run).await.known_duplicates, 0);
    assert_eq!(world.postbox.post(&[notice(&first, "delivered", world.clock.now())]).await, 200);
    let report = world.report(&run).await;
    assert_eq!((report.known_duplicates, report.totals.delivered, report.resends), (1, 1, 0));
}
