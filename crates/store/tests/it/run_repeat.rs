//! Repeat is harmless: every script may run twice, because its reply was lost and its caller asked again.

use std::time::Duration;

use dawncast_core::{
    campaign::Priority,
    canary::{CanaryVerdict, Seen},
    consent::Scope,
    delivery::{Applied, Outcome, Standing},
    desk::Intent,
    ids::{NumberId, PageRef},
    pair::{INTERVAL_MS, Pair},
    schedule::Zones,
};
use dawncast_store::{
    Contact, PairAsked, Store, StoreError,
    archive::Marked,
    credit::Rate,
    lane::{Leased, Put},
    page::{Begun, Claim, Finish, Owner, Recorded, Written},
    records::Campaign,
    run::{Advanced, CanaryJudged, DroppedRow, Hold, Moved, Notice},
};
use dawncast_testkit::{Proxy, Upstream};

use crate::{
    archive::{open_archive, unexplained},
    run_scene::{DEADLINE, OPENS, Scene, TOKEN, fact, frozen, lane, new_page},
    scripts,
};

const LEASE: Duration = Duration::from_secs(4);
const RATE: Rate = Rate { mps: 80, headroom: 0.9, priority: Priority::Critical };

fn dropped_row() -> DroppedRow {
    let reason = dawncast_core::report::DropReason::Duplicate;
    DroppedRow { phone: 919_800_000_001, id: String::new(), reason, detail: String::new(), row: Some(2) }
}

fn number() -> NumberId {
    "1".parse().unwrap()
}

async fn lease(scene: &Scene, page: &PageRef) -> Leased {
    scene.store.put_pages(&lane(), Put::Keep, &[(page.clone(), OPENS)]).await.unwrap();
    scene.store.lease(&lane(), 1, LEASE, "a").await.unwrap().pages.remove(0)
}

/// Orders the loss of the reply of `what`: a script by its path, which Redis then knows, or a command by its name.
pub(crate) async fn order_loss(store: &Store, proxy: &Proxy, what: &str) {
    if !what.ends_with(".lua") {
        return proxy.drop_reply_to(vec![what.to_owned()]);
    }
    let mut hashes = Vec::new();
    for form in scripts::forms(what) {
        // Not every form makes a script.
        let _ = form.load_async(&mut store.connection()).await;
        hashes.push(form.get_hash().to_owned());
    }
    proxy.drop_reply_to(hashes);
}

/// Makes a call and loses the reply of `what`. The connection does not repeat it by itself: the caller hears of the loss.
async fn lose<T>(scene: &Scene, what: &str, call: &impl AsyncFn(&Store) -> Result<T, StoreError>) {
    let proxy = Proxy::start(Upstream::of(&scene.redis.url())).await;
    let store = scene.connect(Some(proxy.redis_url())).await;
    order_loss(&scene.store, &proxy, what).await;
    assert!(matches!(call(&store).await, Err(StoreError::Unavailable(_))), "the reply of {what} was lost");
    assert_eq!(proxy.dropped_replies(), 1);
}

/// Makes a call again that lost the reply of `what`.
pub(crate) async fn twice<T>(scene: &Scene, what: &str, call: impl AsyncFn(&Store) -> Result<T, StoreError>) -> T {
    lose(scene, what, &call).await;
    call(&scene.store).await.unwrap()
}

/// The same, for a call that changes something: the second time, nothing.
pub(crate) async fn check<T>(scene: &Scene, what: &str, call: impl AsyncFn(&Store) -> Result<T, StoreError>) -> T {
    let before = scene.contents().await;
    lose(scene, what, &call).await;
    let once = scene.contents().await;
    assert_ne!(once.changes(&before), [""; 0], "{what} ran");
    let answer = call(&scene.store).await.unwrap();
    assert_eq!(scene.contents().await.changes(&once), [""; 0], "the second time {what} changed something");
    answer
}

/// An owner of a page of two, whose first delivery is on the wire.
async fn sending(scene: &Scene) -> Owner {
    let owner = scene.owned(2).await;
    scene.begin(&owner, &[0], 1, Standing::Planned).await;
    owner
}

#[tokio::test]
async fn a_repeated_claim_is_the_same_claim() {
    let scene = Scene::set().await;
    let owner = sending(&scene).await;
    let claim = check(&scene, "page/claim.lua", async |store| store.claim(&owner.page, [2; 8]).await).await;
    assert!(matches!(claim, Claim::Claimed { owner, .. } if owner.epoch == 2));
}

#[tokio::test]
async fn a_repeated_begin_is_granted_again() {
    let scene = Scene::set().await;
    let owner = sending(&scene).await;
    let intents = [(Intent { index: 1, attempt: 1, expected: Standing::Planned }, 0)];
    let begun = check(&scene, "page/begin.lua", async |store| store.begin(&owner, &intents).await).await;
    assert_eq!(begun, Begun::Granted { at: OPENS, granted: vec![true], list: 0 });
}

#[tokio::test]
async fn a_repeated_fact_is_a_duplicate() {
    let scene = Scene::set().await;
    let owner = sending(&scene).await;
    let facts = [fact(0, 1, Outcome::Accepted)];
    let applied = |recorded| match recorded {
        Recorded::Settled(settlement) => settlement.transitions[0].applied,
        Recorded::Foreign => panic!("the page is there"),
    };
    let committed = check(&scene, "page/commit.lua", async |store| store.commit(&owner, &facts).await).await;
    assert_eq!(applied(committed), Applied::Duplicate);
    let facts = [fact(0, 1, Outcome::Sent)];
    let received = check(&scene, "page/receipt.lua", async |store| store.receipt(&owner.page, &facts).await).await;
    assert_eq!(applied(received), Applied::Duplicate);
}

#[tokio::test]
async fn the_verdict_of_a_former_owner_is_news_once() {
    let scene = Scene::set().await;
    let frozen = sending(&scene).await;
    scene.claim(&frozen.page, 2).await;
    let facts = [fact(0, 1, Outcome::Accepted)];
    check(&scene, "page/commit.lua", async |store| store.commit(&frozen, &facts).await).await;
}

#[tokio::test]
async fn a_page_whose_reopening_was_not_heard_of_is_not_reopened_twice() {
    let scene = Scene::set().await;
    let owner = scene.owned(1).await;
    scene.attempt(&owner, 0, Outcome::Accepted).await;
    scene.store.finish(&owner, &[]).await.unwrap();
    let facts = [fact(0, 1, Outcome::FailedRetryable)];
    let recorded = check(&scene, "page/receipt.lua", async |store| store.receipt(&owner.page, &facts).await).await;
    // Nobody was told that it is open again: reconcile finds it by its missing mark.
    assert!(matches!(recorded, Recorded::Settled(settlement) if !settlement.reopened));
    assert!(!scene.store.ledger(&owner.page).await.unwrap().unwrap().header.finished);
}

#[tokio::test]
async fn a_repeated_finish_is_finished() {
    let scene = Scene::set().await;
    let owner = scene.owned(1).await;
    scene.attempt(&owner, 0, Outcome::Accepted).await;
    let finish = check(&scene, "page/finish.lua", async |store| store.finish(&owner, &[]).await).await;
    assert_eq!(finish, Finish::Finished);
}

#[tokio::test]
async fn renewing_again_renews() {
    let scene = Scene::set().await;
    let owner = sending(&scene).await;
    let leased = lease(&scene, &owner.page).await;
    twice(&scene, "page/renew.lua", async |store| store.renew(&owner).await).await;
    scene.at(OPENS + 1_000);
    assert!(check(&scene, "lane/hold.lua", async |store| store.renew_lease(&leased, LEASE).await).await);
}

#[tokio::test]
async fn a_lease_nobody_heard_of_costs_one_lease_term() {
    let scene = Scene::set().await;
    let page = scene.page(1).await;
    scene.store.put_pages(&lane(), Put::Keep, &[(page.clone(), OPENS)]).await.unwrap();
    let found = check(&scene, "lane/lease.lua", async |store| store.lease(&lane(), 1, LEASE, "a").await).await;
    assert_eq!((found.pages.len(), found.next_due), (0, Some(OPENS + 4_000)));
    scene.at(OPENS + 4_000);
    let found = scene.store.lease(&lane(), 1, LEASE, "b").await.unwrap();
    assert_eq!(found.pages[0].page, page);
}

#[tokio::test]
async fn a_page_is_given_back_or_taken_out_once() {
    let scene = Scene::set().await;
    let page = scene.page(1).await;
    let leased = lease(&scene, &page).await;
    let released = check(&scene, "lane/hold.lua", async |store| store.release_lease(&leased, OPENS).await).await;
    assert!(!released, "the lease is no longer held");
    let leased = scene.store.lease(&lane(), 1, LEASE, "b").await.unwrap().pages.remove(0);
    assert!(!check(&scene, "lane/hold.lua", async |store| store.end_lease(&leased).await).await);
}

#[tokio::test]
async fn pages_are_put_once() {
    let scene = Scene::set().await;
    let pages: Vec<_> = (0..3).map(|page| (PageRef { run: "r".parse().unwrap(), page }, OPENS)).collect();
    for put in [Put::Keep, Put::Hurry] {
        let pages: Vec<_> =
            pages.iter().map(|(page, due)| (page.clone(), due - i64::from(put == Put::Hurry))).collect();
        assert_eq!(check(&scene, "lane/put.lua", async |store| store.put_pages(&lane(), put, &pages).await).await, 0);
    }
}

#[tokio::test]
async fn a_grant_nobody_heard_of_is_lost_credit_and_never_a_burst() {
    let scene = Scene::set().await;
    let granted = twice(&scene, "credit/grant.lua", async |store| store.grant(&number(), RATE, 5).await).await;
    assert_eq!(granted.count, 2, "seven are a tenth of a second's, five are lost");
}

#[tokio::test]
async fn room_that_nobody_heard_of_is_lost_and_never_a_burst() {
    let scene = Scene::set().await;
    let asked = [PairAsked { person: 7, untold: 1 }];
    let taken = twice(&scene, "pairs.lua", async |store| store.take_pairs(&number(), &asked, OPENS).await).await;
    assert_eq!(taken, [(true, Pair { tat: OPENS + 4 * INTERVAL_MS })], "counted twice");
}

#[tokio::test]
async fn a_throttle_halves_once() {
    let scene = Scene::set().await;
    assert_eq!(check(&scene, "credit/slow.lua", async |store| store.throttled(&number(), LEASE).await).await, 500);
    let other: NumberId = "3".parse().unwrap();
    check(&scene, "credit/slow.lua", async |store| store.rest(&other, LEASE).await).await;
}

#[tokio::test]
async fn a_page_is_written_once() {
    let scene = Scene::set().await;
    let run = scene.frozen(None).await;
    let written =
        check(&scene, "page/write.lua", async |store| store.write_page(&run, TOKEN, &new_page(0, 9)).await).await;
    assert_eq!(written, Written::Present);
}

#[tokio::test]
async fn every_step_of_a_run_is_there_when_it_is_taken_again() {
    let scene = Scene::set().await;
    let (store, run) = (&scene.store, scene.draft());
    store.create_run(&run).await.unwrap();
    let (run, frozen) = (&run.id, &frozen());
    let present = async |advanced| assert_eq!(advanced, Advanced::Present);
    present(
        check(&scene, "run/advance.lua", async |store| store.freeze_run(run, 0, frozen, Some(DEADLINE), None).await)
            .await,
    )
    .await;
    present(check(&scene, "run/advance.lua", async |store| store.planned_run(run, TOKEN, 1, None).await).await).await;
    present(check(&scene, "run/advance.lua", async |store| store.ready_run(run, &[]).await).await).await;
    present(check(&scene, "run/advance.lua", async |store| store.open_run(run, OPENS, None).await).await).await;
    let judged = CanaryJudged { verdict: CanaryVerdict::Failed, at: OPENS, seen: Seen::default() };
    let judge = async |store: &Store| store.judge_canary(run, &judged, "too many failed", None, OPENS).await;
    present(check(&scene, "run/canary.lua", judge).await).await;
    assert!(check(&scene, "run/hold.lua", async |store| store.hold_run(run, Hold::Pool, true).await).await);
    assert!(check(&scene, "run/hold.lua", async |store| store.hold_run(run, Hold::Run, false).await).await);
    present(check(&scene, "run/advance.lua", async |store| store.cancel_run(run, OPENS).await).await).await;
    twice(&scene, "run/advance.lua", async |store| store.close_run(run, "cancelled", OPENS, None).await).await;
    twice(&scene, "SREM", async |store| store.retire_run(run).await).await;
    assert!(store.active_runs().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_run_is_created_once_however_far_the_first_try_came() {
    let scene = Scene::set().await;
    let run = scene.draft();
    for part in ["ZADD", "SADD"] {
        lose(&scene, part, &async |store| store.create_run(&run).await).await;
        assert_eq!(scene.store.run(&run.id).await.unwrap(), None, "only index entries are there");
    }
    assert!(!check(&scene, "run/create.lua", async |store| store.create_run(&run).await).await, "it was there");
}

#[tokio::test]
async fn dropped_rows_beats_and_receipts_are_noted_once() {
    let scene = Scene::set().await;
    let run = scene.frozen(None).await;
    let row = dropped_row();
    check(&scene, "run/dropped.lua", async |store| store.put_dropped(&run, TOKEN, std::slice::from_ref(&row)).await)
        .await;
    assert_eq!(scene.store.dropped(&run).await.unwrap(), [row]);
    scene.store.close_run(&run, "fail", OPENS, None).await.unwrap();
    assert!(!scene.store.put_dropped(&run, TOKEN, &[dropped_row()]).await.unwrap(), "a closed run waits for no plan");
    check(&scene, "beat.lua", async |store| store.beat_webhook(OPENS + 9_000).await).await;
    check(&scene, "beat.lua", async |store| store.restart_webhook(OPENS + 9_500).await).await;
    check(&scene, "HMSET", async |store| store.note_receipts(&[number()], OPENS).await).await;
}

#[tokio::test]
async fn a_notice_is_listed_once_and_a_claim_of_it_that_nobody_heard_of_ends() {
    let scene = Scene::set().await;
    let run = scene.frozen(None).await;
    let notice = Notice { name: "opened".into(), body: "{}".into() };
    // The step itself is refused, so that only the list changes.
    let open = async |store: &Store| store.open_run(&run, OPENS, Some(&notice)).await;
    assert_eq!(check(&scene, "run/list_notice.lua", open).await, Advanced::Refused);
    let claim = async |store: &Store| store.claim_notices(OPENS, OPENS + 9, 16).await;
    assert_eq!(check(&scene, "run/claim_notices.lua", claim).await, []);
    assert_eq!(scene.store.claim_notices(OPENS + 9, OPENS + 18, 16).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_connection_that_lost_a_reply_mends_itself() {
    let scene = Scene::set().await;
    let owner = sending(&scene).await;
    let proxy = Proxy::start(Upstream::of(&scene.redis.url())).await;
    let store = scene.connect(Some(proxy.redis_url())).await;
    proxy.drop_next_reply();
    store.renew(&owner).await.unwrap_err();
    store.renew(&owner).await.unwrap();
}

#[tokio::test]
async fn a_run_hears_once_of_a_change_of_the_suppression_list() {
    let scene = Scene::set().await;
    let owner = sending(&scene).await;
    let run = &owner.page.run;
    assert!(check(&scene, "run/relist.lua", async |store| store.relist_run(run, 7).await).await);
    assert!(!scene.store.relist_run(&"gone".parse().unwrap(), 7).await.unwrap());
    let intents = [(Intent { index: 1, attempt: 1, expected: Standing::Planned }, 0)];
    assert!(matches!(scene.store.begin(&owner, &intents).await.unwrap(), Begun::Granted { list: 7, .. }));
}

#[tokio::test]
async fn a_person_is_counted_once_for_a_run() {
    let scene = Scene::set().await;
    let run = "run_1".parse().unwrap();
    let cap = "1/24h".parse().unwrap();
    let contact = Contact { scope: Scope::Marketing, run: &run, at: OPENS, cap };
    let count = async |store: &Store| store.count_contacts(&contact, &[1, 2], OPENS).await;
    assert_eq!(check(&scene, "contact.lua", count).await, [true, true]);
}

#[tokio::test]
async fn a_run_is_taken_marked_and_freed_once() {
    let folder = tempfile::tempdir().unwrap();
    let scene = Scene::set().await;
    let run = scene.closed(2).await;
    let archive = open_archive(&folder);
    let written = scene.store.clone().with_archive(archive).write_archive(&run, 1, OPENS, unexplained).await.unwrap();
    let written = written.expect("nothing moves");
    let id = &run.record.id;
    assert!(check(&scene, "archive/claim.lua", async |store| store.claim_archive(id, 1, 60_000).await).await);
    assert!(!scene.store.claim_archive(id, 2, 60_000).await.unwrap());
    let marked = check(&scene, "archive/mark.lua", async |store| store.mark_archived(&run, &written).await).await;
    assert_eq!(marked, Marked::Done);
    assert!(check(&scene, "archive/free.lua", async |store| store.free_pages(&run, &written).await).await);
    scene.store.forget_archivable(id).await.unwrap();
    assert!(check(&scene, "archive/freed.lua", async |store| store.free_run(&run, &written, OPENS).await).await);
}

#[tokio::test]
async fn a_repeated_edit_is_the_same_edit() {
    let scene = Scene::set().await;
    let draft = scene.draft();
    let campaign = Campaign::new(draft.campaign, draft.spec, OPENS - 60_000, &Zones::default()).unwrap();
    scene.store.add_campaign(&campaign).await.unwrap();
    scene.store.derive_runs(campaign.clone(), OPENS - 60_000).await.unwrap();
    let run = scene.store.run(&campaign.run()).await.unwrap();
    let mut to = Moved { spec: campaign.spec.clone(), latest: campaign.latest.clone() };
    to.spec.name = "another".into();
    let edit = async |store: &Store| store.edit_run(&campaign, run.as_ref(), to.clone(), OPENS - 60_000).await;
    // The campaign follows its run once the reply has come: the second call does that, and edits the run no more.
    let edited = twice(&scene, "run/edit.lua", edit).await.expect("it waits for freeze");
    assert_eq!(edited.spec.name, "another");
    let run = scene.store.run(&campaign.run()).await.unwrap().unwrap();
    assert_eq!((run.edits, run.record.spec.name.as_str()), (1, "another"));
    assert_eq!(scene.store.freeze_run(&run.record.id, 0, &frozen(), None, None).await.unwrap(), Advanced::Refused);
    assert_eq!(scene.store.freeze_run(&run.record.id, 1, &frozen(), None, None).await.unwrap(), Advanced::Moved);
}
