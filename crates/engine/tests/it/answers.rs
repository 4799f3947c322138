//! Sends whose answer says nothing: lost, nonsense, or never given.

use dawncast_core::ids::RunId;
use serde_json::json;

use crate::{
    postbox::Mode,
    world::{World, calm, person, phone, window},
};

/// When each attempt of recipient `n` was begun.
async fn begun(world: &World, run: &RunId, n: u64) -> Vec<i64> {
    let row = world.row(run, n).await;
    let (_, story) = world.store.delivery(&row.id, world.clock.now()).await.unwrap().unwrap();
    story.into_iter().map(|attempt| attempt.begun_at.unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_whose_answer_is_lost_is_settled_by_its_receipt_and_not_sent_twice() {
    let world = World::start(calm()).await;
    world.faults(json!([
        { "match": { "phone": phone(0) }, "fault": { "kind": "accept_then_drop_response" } },
        { "match": { "phone": phone(1) }, "fault": { "kind": "accept_then_500" } },
        { "match": { "phone": phone(2) }, "fault": { "kind": "ok_with_html" } },
    ]));
    let run = world.submit(&world.audience(3).await, json!({})).await;
    let _crew = (world.scheduler(), world.worker());
    let report = world.closed(&run).await;
    assert_eq!((report.attempts, report.resends), (3, 0));
    assert_eq!(report.totals.delivered + report.totals.read, 3);
    world.everyone_once(3);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_never_accepted_goes_out_again_after_its_grace() {
    let world = World::start(calm()).await;
    world.faults(json!([{ "match": { "phone": phone(0) }, "fault": { "kind": "reset_before_read" }, "times": 1 }]));
    // Recipient 0 goes out first, and receipts of the others flow while it waits.
    let patch = json!({ "tiers": ["pro"], "window": window("+6s", "+40s") });
    let run = world.submit(&world.audience(100).await, patch).await;
    let _crew = (world.scheduler(), world.worker());
    let report = world.closed(&run).await;
    assert_eq!((report.attempts, report.resends, report.known_duplicates), (101, 1, 0));
    let begun = begun(&world, &run, 0).await;
    let waited = begun[1] - begun[0];
    assert!((3_000..9_000).contains(&waited), "one grace, not three: {waited} ms");
    world.everyone_once(100);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_gives_up_never_sends_again_yet_a_late_receipt_settles() {
    let world = World::start(calm()).await;
    world.faults(json!([
        { "match": { "phone": phone(0) }, "fault": { "kind": "reset_before_read" } },
        { "match": { "phone": phone(1) }, "fault": { "kind": "accept_then_drop_response" } },
    ]));
    world.postbox.set(Mode::Refuse);
    let patch = json!({ "unconfirmed": { "then": "give_up", "grace": "1s" } });
    let run = world.submit(&world.audience(2).await, patch).await;
    let _crew = (world.scheduler(), world.worker());
    world.finished(&run).await;
    assert_eq!(world.totals(&run).await.unconfirmed, 2);
    world.postbox.set(Mode::Apply);
    let totals = world.until(&run, "the receipt is in", |totals| totals.delivered + totals.read == 1).await;
    assert_eq!((totals.unconfirmed, totals.imbalance()), (1, 0));
    assert_eq!((world.accepted(0), world.accepted(1)), (0, 1));
    assert_eq!(world.report(&run).await.attempts, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn where_no_webhook_is_up_the_policy_decides_all_the_same() {
    let world = World::start(calm()).await;
    world.sim.set_webhook(None).unwrap();
    world.beat.cancel();
    world.faults(json!([{ "match": { "attempts_matching": 1 }, "fault": { "kind": "reset_before_read" } }]));
    let patch = json!({ "unconfirmed": { "then": "resend", "grace": "1s" } });
    let run = world.submit(&world.audience(1).await, patch).await;
    let _crew = (world.scheduler(), world.worker());
    world.until_accepted(1).await;
    let begun = begun(&world, &run, 0).await;
    let waited = begun[1] - begun[0];
    assert!((3_000..8_000).contains(&waited), "three graces: {waited} ms");
}

#[tokio::test(flavor = "multi_thread")]
async fn where_no_receipt_comes_the_policy_decides_in_time() {
    let world = World::start(calm()).await;
    world.sim.set_webhook(None).unwrap();
    world.faults(json!([{ "match": { "attempts_matching": 1 }, "fault": { "kind": "reset_before_read" } }]));
    let grace = |grace: &str| json!({ "then": "resend", "grace": grace });
    let patient = json!({ "unconfirmed": grace("1s") });
    let patient = world.submit(&world.audience_of([person(0)]).await, patient).await;
    let hurried = json!({ "unconfirmed": grace("4s"), "window": window("+3s", "+7s") });
    let hurried = world.submit(&world.audience_of([person(1)]).await, hurried).await;
    let _crew = (world.scheduler(), world.worker());
    world.until_accepted(2).await;
    let waited = begun(&world, &patient, 0).await;
    let waited = waited[1] - waited[0];
    assert!((3_000..6_000).contains(&waited), "three graces: {waited} ms");
    let waited = begun(&world, &hurried, 1).await;
    assert!(waited[1] - waited[0] >= 2_000, "never before half the grace: {waited:?}");
    let deadline = world.run(&hurried).await.record.opening.deadline_at;
    assert!(waited[1] < deadline, "in time");
}
