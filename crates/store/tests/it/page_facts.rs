//! Verdicts and receipts are facts: recorded whoever brings them, in any order and repetition, once.

use dawncast_core::{
    delivery::{Applied, Attempt, Outcome, Standing},
    desk::Intent,
};
use dawncast_store::{
    page::{AttemptFact, Begun, Finish, Owner, Refusal, Renewal, TailNote, Transition},
    run::NumberTally,
};

use crate::run_scene::{DEADLINE, OPENS, Scene, fact};

async fn version(scene: &Scene, owner: &Owner) -> u32 {
    scene.store.ledger(&owner.page).await.unwrap().unwrap().header.version
}

fn with_id(index: u8, attempt: Attempt, outcome: Outcome, id: &str) -> AttemptFact {
    AttemptFact { message_id: Some(id.to_owned()), ..fact(index, attempt, outcome) }
}

#[tokio::test]
async fn a_frozen_former_owner_may_record_what_it_knows_and_nothing_else() {
    let scene = Scene::set().await;
    let frozen = scene.owned(2).await;
    scene.begin(&frozen, &[0], 1, Standing::Planned).await;
    let owner = scene.claim(&frozen.page, 2).await;
    let before = version(&scene, &owner).await;

    let settled = scene.commit(&frozen, &[fact(0, 1, Outcome::Accepted)]).await;
    let risen = Transition { applied: Applied::Raised, before: Standing::Unconfirmed, after: Standing::Accepted };
    assert_eq!(settled.transitions, [risen]);
    assert_eq!(version(&scene, &owner).await, before + 1, "the owner has to hear of it");

    let begun = scene.try_begin(&frozen, &[1], 1, Standing::Planned).await;
    assert_eq!(begun, Begun::Refused(Refusal::Outranked));
    assert_eq!(scene.store.renew(&frozen).await.unwrap(), Renewal::Lost(Refusal::Outranked));
    assert_eq!(scene.store.finish(&frozen, &[0, 1]).await.unwrap(), Finish::Lost(Refusal::Outranked));
}

#[tokio::test]
async fn an_owner_hears_of_receipts_but_not_of_itself() {
    let scene = Scene::set().await;
    let owner = scene.owned(1).await;
    let renewed = async || match scene.store.renew(&owner).await.unwrap() {
        Renewal::Owned { version, finished: false, gate: None, now } if now == scene.now() => version,
        other => panic!("{other:?}"),
    };
    let first = renewed().await;
    scene.attempt(&owner, 0, Outcome::Accepted).await;
    assert_eq!(renewed().await, first);
    scene.receipt(&owner.page, &[fact(0, 1, Outcome::Sent)]).await;
    assert_eq!(renewed().await, first + 1);
    scene.receipt(&owner.page, &[fact(0, 1, Outcome::Sent)]).await;
    assert_eq!(renewed().await, first + 1, "what was known is no news");
}

#[tokio::test]
async fn renew_says_why_nothing_begins() {
    let scene = Scene::set().await;
    let owner = scene.owned(1).await;
    scene.store.cancel_run(&owner.page.run, OPENS).await.unwrap();
    let renewed = scene.store.renew(&owner).await.unwrap();
    assert!(matches!(renewed, Renewal::Owned { gate: Some(Refusal::Cancelled), .. }), "{renewed:?}");
}

#[tokio::test]
async fn what_was_known_or_outdone_moves_nothing() {
    let scene = Scene::set().await;
    let owner = scene.owned(2).await;
    scene.attempt(&owner, 0, Outcome::Accepted).await;
    let told = [fact(0, 1, Outcome::Sent), with_id(0, 1, Outcome::Delivered, "wamid.YQ==")];
    scene.receipt(&owner.page, &told).await;
    let once = scene.contents().await;
    let again = scene.receipt(&owner.page, &told).await;
    assert_eq!(
        again.transitions.iter().map(|told| told.applied).collect::<Vec<_>>(),
        [Applied::Stale, Applied::Duplicate]
    );
    scene.commit(&owner, &[fact(0, 1, Outcome::Accepted)]).await;
    assert_eq!(scene.contents().await.changes(&once), [""; 0]);
}

#[tokio::test]
async fn facts_about_nothing_on_the_page_are_stale() {
    let scene = Scene::set().await;
    let owner = scene.owned(2).await;
    let before = scene.contents().await;
    for stray in [fact(2, 1, Outcome::Read), fact(0, 0, Outcome::Read), fact(0, 9, Outcome::Read)] {
        let settled = scene.receipt(&owner.page, std::slice::from_ref(&stray)).await;
        assert_eq!(settled.transitions[0].applied, Applied::Stale, "{stray:?}");
    }
    assert_eq!(scene.contents().await.changes(&before), [""; 0]);
}

#[tokio::test]
async fn a_message_id_is_kept_once_per_attempt_and_reads_back() {
    let scene = Scene::set().await;
    let owner = scene.owned(2).await;
    let id = "wamid.HBgMOTE5ODc2NTQzMjEwFQIAERgSQTRDMEY1NzUwQ0Q5ODhERTUzAA==";
    scene.begin(&owner, &[0, 1], 1, Standing::Planned).await;
    scene.receipt(&owner.page, &[with_id(1, 1, Outcome::Sent, id)]).await;
    scene.commit(&owner, &[with_id(1, 1, Outcome::Accepted, id), with_id(0, 1, Outcome::Accepted, "other")]).await;
    scene.receipt(&owner.page, &[with_id(1, 1, Outcome::Delivered, id)]).await;
    let tail = scene.store.page(&owner.page).await.unwrap().unwrap().tail;
    let ids: Vec<_> = tail.iter().map(|entry| (entry.index, entry.note.clone())).collect();
    assert_eq!(ids, [(1, TailNote::MessageId(id.to_owned())), (0, TailNote::MessageId("other".to_owned()))]);
}

#[tokio::test]
async fn what_is_told_of_an_attempt_after_the_next_goes_to_the_tail() {
    let scene = Scene::set().await;
    let owner = scene.owned(1).await;
    scene.attempt(&owner, 0, Outcome::Unsure).await;
    scene.begin(&owner, &[0], 2, Standing::Unconfirmed).await;
    let mut failed = fact(0, 1, Outcome::Failed);
    failed.fact.code = 131_026;
    scene.receipt(&owner.page, &[failed]).await;
    let page = scene.store.page(&owner.page).await.unwrap().unwrap();
    let late = TailNote::LateFact { outcome: Outcome::Failed, code: 131_026, at: OPENS + 1_000 };
    assert_eq!(page.tail.last().unwrap().note, late);
    assert_eq!(page.ledger.records[0].code, 0, "the record speaks of the latest attempt");
}

#[tokio::test]
async fn numbers_are_credited_with_what_they_sent_themselves() {
    let scene = Scene::set().await;
    let owner = scene.owned(1).await;
    let begin = async |attempt, expected, number| {
        let intent = Intent { index: 0, attempt, expected };
        assert!(matches!(scene.store.begin(&owner, &[(intent, number)]).await.unwrap(), Begun::Granted { .. }));
    };
    begin(1, Standing::Planned, 3).await;
    let mut refused = fact(0, 1, Outcome::FailedRetryable);
    (refused.fact.throttled, refused.fact.code) = (true, 130_429);
    scene.commit(&owner, &[refused]).await;
    begin(2, Standing::Retrying, 4).await;
    let mut withdrawn = fact(0, 2, Outcome::FailedRetryable);
    withdrawn.fact.throttled = true;
    scene.commit(&owner, &[withdrawn]).await;
    begin(3, Standing::Retrying, 5).await;
    scene.commit(&owner, &[fact(0, 3, Outcome::Accepted)]).await;
    scene.receipt(&owner.page, &[fact(0, 3, Outcome::Sent), fact(0, 3, Outcome::Delivered)]).await;
    let numbers = scene.store.run_tallies(&owner.page.run).await.unwrap().numbers;
    let third = NumberTally { accepted: 0, throttled: 1 };
    let fifth = NumberTally { accepted: 1, throttled: 0 };
    assert_eq!(numbers, [(3, third), (5, fifth)].into());
}

/// A finished page whose delivery was accepted, after `meanwhile` told that it failed: was it reopened?
async fn reopened(meanwhile: impl AsyncFnOnce(&Scene, &Owner)) -> bool {
    let scene = Scene::set().await;
    let owner = scene.owned(1).await;
    scene.attempt(&owner, 0, Outcome::Accepted).await;
    assert_eq!(scene.store.finish(&owner, &[]).await.unwrap(), Finish::Finished);
    meanwhile(&scene, &owner).await;
    let settled = scene.receipt(&owner.page, &[fact(0, 1, Outcome::FailedRetryable)]).await;
    let finished = scene.store.ledger(&owner.page).await.unwrap().unwrap().header.finished;
    assert_eq!(settled.reopened, !finished, "the answer and the mark agree");
    settled.reopened
}

#[tokio::test]
async fn a_receipt_that_unsettles_a_finished_page_reopens_it_while_the_run_may_send() {
    assert!(reopened(async |_, _| {}).await);
    let held = async |scene: &Scene, owner: &Owner| {
        scene.store.hold_run(&owner.page.run, dawncast_store::run::Hold::Run, true).await.unwrap();
    };
    assert!(reopened(held).await, "a hold is lifted some time");
    assert!(!reopened(async |scene, _| scene.at(DEADLINE)).await);
    let cancelled = async |scene: &Scene, owner: &Owner| {
        scene.store.cancel_run(&owner.page.run, OPENS).await.unwrap();
    };
    assert!(!reopened(cancelled).await);
    let closed = async |scene: &Scene, owner: &Owner| {
        scene.store.close_run(&owner.page.run, "pass", OPENS, None).await.unwrap();
    };
    assert!(!reopened(closed).await);
}

#[tokio::test]
async fn a_reopened_page_is_sent_again_by_its_owner() {
    let scene = Scene::set().await;
    let owner = scene.owned(1).await;
    scene.attempt(&owner, 0, Outcome::Accepted).await;
    scene.store.finish(&owner, &[]).await.unwrap();
    assert!(scene.receipt(&owner.page, &[fact(0, 1, Outcome::FailedRetryable)]).await.reopened);
    assert!(matches!(scene.store.renew(&owner).await.unwrap(), Renewal::Owned { finished: false, .. }));
    assert_eq!(scene.begin(&owner, &[0], 2, Standing::Retrying).await, [true]);
}

#[tokio::test]
async fn a_failure_that_leaves_only_an_unsure_attempt_reopens_too() {
    let scene = Scene::set().await;
    let owner = scene.owned(1).await;
    scene.attempt(&owner, 0, Outcome::Unsure).await;
    scene.begin(&owner, &[0], 2, Standing::Unconfirmed).await;
    scene.commit(&owner, &[fact(0, 1, Outcome::Sent), fact(0, 2, Outcome::Unsure)]).await;
    assert_eq!(scene.store.finish(&owner, &[]).await.unwrap(), Finish::Finished, "one attempt got through");
    let settled = scene.receipt(&owner.page, &[fact(0, 1, Outcome::Failed)]).await;
    assert_eq!((settled.transitions[0].after, settled.reopened), (Standing::Unconfirmed, true));
}

#[tokio::test]
async fn a_delivery_that_was_left_unconfirmed_and_stays_so_reopens_nothing() {
    let scene = Scene::set().await;
    let owner = scene.owned(1).await;
    scene.attempt(&owner, 0, Outcome::Unsure).await;
    scene.begin(&owner, &[0], 2, Standing::Unconfirmed).await;
    scene.commit(&owner, &[fact(0, 2, Outcome::Unsure)]).await;
    assert_eq!(scene.store.finish(&owner, &[0]).await.unwrap(), Finish::Finished);
    assert!(!scene.receipt(&owner.page, &[fact(0, 1, Outcome::Failed)]).await.reopened);
    assert!(
        scene.receipt(&owner.page, &[fact(0, 2, Outcome::FailedRetryable)]).await.transitions[0].after
            == Standing::Failed
    );
}
