//! Begin before POST: the intent journal says yes to one owner, once, while the run sends.

use dawncast_core::{
    delivery::{Outcome, Standing},
    desk::Intent,
};
use dawncast_store::{
    page::{Begun, Finish, Owner, Refusal, TailNote},
    run::Hold,
};

use crate::run_scene::{DEADLINE, OPENS, Scene, fact, new_page};

/// What a begin of a planned delivery is answered after `spoil`.
async fn check(spoil: impl AsyncFnOnce(&Scene, &Owner), expected: Refusal) {
    let scene = Scene::set().await;
    let owner = scene.owned(2).await;
    spoil(&scene, &owner).await;
    let before = scene.contents().await;
    assert_eq!(scene.try_begin(&owner, &[0], 1, Standing::Planned).await, Begun::Refused(expected));
    assert_eq!(scene.contents().await.changes(&before), [""; 0], "a refused begin writes nothing");
}

#[tokio::test]
async fn what_is_begun_is_in_the_ledger_and_in_the_tallies() {
    let scene = Scene::set().await;
    let owner = scene.owned(3).await;
    scene.at(OPENS + 500);
    assert_eq!(scene.begin(&owner, &[0, 2], 1, Standing::Planned).await, [true, true]);
    assert_eq!(scene.standings(&owner.page).await, [Standing::Sending, Standing::Planned, Standing::Sending]);
    let record = scene.store.ledger(&owner.page).await.unwrap().unwrap().records[2];
    assert_eq!((record.first_begun, record.last_begun), (Some(OPENS + 500), Some(OPENS + 500)));
    let tallies = scene.store.run_tallies(&owner.page.run).await.unwrap().tallies;
    assert_eq!((tallies.count(Standing::Sending), tallies.count(Standing::Planned), tallies.attempts), (2, 1, 2));
}

#[tokio::test]
async fn the_same_begin_is_granted_again_and_changes_nothing() {
    let scene = Scene::set().await;
    let owner = scene.owned(2).await;
    scene.begin(&owner, &[0, 1], 1, Standing::Planned).await;
    let once = scene.contents().await;
    scene.at(OPENS + 900);
    assert_eq!(scene.begin(&owner, &[0, 1], 1, Standing::Planned).await, [true, true]);
    assert_eq!(scene.contents().await.changes(&once), [""; 0]);
}

#[tokio::test]
async fn what_was_begun_on_one_number_is_not_granted_to_another() {
    let scene = Scene::set().await;
    let owner = scene.owned(1).await;
    let intent = Intent { index: 0, attempt: 1, expected: Standing::Planned };
    let granted = async |place| match scene.store.begin(&owner, &[(intent, place)]).await.unwrap() {
        Begun::Granted { granted, .. } => granted[0],
        other => panic!("not granted but {other:?}"),
    };
    assert_eq!([granted(2).await, granted(1).await, granted(2).await], [true, false, true]);
    assert_eq!(scene.store.ledger(&owner.page).await.unwrap().unwrap().records[0].number, 2);
}

#[tokio::test]
async fn the_ledger_knows_better_than_a_begin_that_is_behind() {
    let scene = Scene::set().await;
    let owner = scene.owned(4).await;
    scene.attempt(&owner, 0, Outcome::Accepted).await;
    scene.attempt(&owner, 1, Outcome::FailedRetryable).await;
    let granted = async |index, attempt, expected| scene.begin(&owner, &[index], attempt, expected).await[0];
    assert!(!granted(0, 2, Standing::Unconfirmed).await, "it got through");
    assert!(!granted(0, 1, Standing::Planned).await, "its first attempt has an answer");
    assert!(!granted(1, 1, Standing::Planned).await, "its first attempt failed");
    assert!(!granted(1, 3, Standing::Retrying).await, "attempts are begun in order");
    assert!(!granted(2, 0, Standing::Planned).await, "attempts count from one");
    assert!(!granted(200, 1, Standing::Planned).await, "there is no such delivery");
    assert!(granted(1, 2, Standing::Retrying).await);
    assert!(granted(3, 1, Standing::Planned).await);
}

#[tokio::test]
async fn a_ninth_attempt_is_refused() {
    let scene = Scene::set().await;
    let owner = scene.owned(1).await;
    for attempt in 1..=8 {
        let expected = if attempt == 1 { Standing::Planned } else { Standing::Retrying };
        assert_eq!(scene.begin(&owner, &[0], attempt, expected).await, [true]);
        let mut turned_away = fact(0, attempt, Outcome::FailedRetryable);
        turned_away.fact.throttled = true;
        scene.commit(&owner, &[turned_away]).await;
    }
    assert_eq!(scene.standings(&owner.page).await, [Standing::Failed]);
    assert_eq!(scene.begin(&owner, &[0], 9, Standing::Failed).await, [false]);
}

#[tokio::test]
async fn a_resend_is_counted_and_the_attempt_before_it_kept() {
    let scene = Scene::set().await;
    let owner = scene.owned(1).await;
    scene.attempt(&owner, 0, Outcome::Unsure).await;
    scene.at(OPENS + 30_000);
    assert_eq!(scene.begin(&owner, &[0], 2, Standing::Unconfirmed).await, [true]);
    let tallies = scene.store.run_tallies(&owner.page.run).await.unwrap().tallies;
    assert_eq!((tallies.resends, tallies.attempts), (1, 2));
    let tail = scene.store.page(&owner.page).await.unwrap().unwrap().tail;
    let kept = TailNote::Superseded { number: 0, code: 0, begun_at: OPENS };
    assert_eq!((tail.len(), tail[0].index, tail[0].attempt, &tail[0].note), (1, 0, 1, &kept));
}

#[tokio::test]
async fn whoever_was_outranked_begins_nothing_not_even_again() {
    let scene = Scene::set().await;
    let owner = scene.owned(1).await;
    scene.begin(&owner, &[0], 1, Standing::Planned).await;
    scene.claim(&owner.page, 2).await;
    let again = scene.try_begin(&owner, &[0], 1, Standing::Planned).await;
    assert_eq!(again, Begun::Refused(Refusal::Outranked));
    assert_eq!(scene.standings(&owner.page).await, [Standing::Unconfirmed]);
}

#[tokio::test]
async fn neither_the_nonce_nor_the_epoch_alone_owns_a_page() {
    check(async |scene, owner| drop(scene.claim(&owner.page, 2).await), Refusal::Outranked).await;
    let and_again = async |scene: &Scene, owner: &Owner| {
        scene.claim(&owner.page, 2).await;
        scene.claim(&owner.page, 1).await;
    };
    check(and_again, Refusal::Outranked).await;
    let scene = Scene::set().await;
    let impostor = Owner { nonce: [9; 8], ..scene.owned(1).await };
    let begun = scene.try_begin(&impostor, &[0], 1, Standing::Planned).await;
    assert_eq!(begun, Begun::Refused(Refusal::Outranked));
}

#[tokio::test]
async fn every_hold_refuses_until_the_last_is_lifted() {
    let scene = Scene::set().await;
    let owner = scene.owned(1).await;
    let run = &owner.page.run;
    for hold in Hold::ALL {
        assert!(scene.store.hold_run(run, hold, true).await.unwrap());
    }
    for hold in Hold::ALL {
        let refused = scene.try_begin(&owner, &[0], 1, Standing::Planned).await;
        assert_eq!(refused, Begun::Refused(Refusal::Held), "{hold:?} stands");
        scene.store.hold_run(run, hold, false).await.unwrap();
    }
    assert_eq!(scene.begin(&owner, &[0], 1, Standing::Planned).await, [true]);
}

#[tokio::test]
async fn nothing_begins_while_held_before_it_opens_or_after_it_ends() {
    for hold in Hold::ALL {
        let held = async |scene: &Scene, owner: &Owner| {
            scene.store.hold_run(&owner.page.run, hold, true).await.unwrap();
        };
        check(held, Refusal::Held).await;
    }
    check(async |scene, _| scene.at(OPENS - 1), Refusal::Early).await;
    check(async |scene, _| scene.at(DEADLINE), Refusal::Expired).await;
    let cancelled = async |scene: &Scene, owner: &Owner| {
        scene.store.cancel_run(&owner.page.run, OPENS).await.unwrap();
    };
    check(cancelled, Refusal::Cancelled).await;
    let closed = async |scene: &Scene, owner: &Owner| {
        scene.store.close_run(&owner.page.run, "fail", OPENS, None).await.unwrap();
    };
    check(closed, Refusal::Closed).await;
}

#[tokio::test]
async fn nothing_begins_on_a_finished_page() {
    let finished = async |scene: &Scene, owner: &Owner| {
        for index in [0, 1] {
            scene.attempt(owner, index, Outcome::Accepted).await;
        }
        assert_eq!(scene.store.finish(owner, &[]).await.unwrap(), Finish::Finished);
    };
    check(finished, Refusal::Finished).await;
}

#[tokio::test]
async fn a_page_may_be_in_its_lane_before_its_run_is_open_and_begins_nothing() {
    let scene = Scene::set().await;
    let run = scene.frozen(Some(DEADLINE)).await;
    scene.store.write_page(&run, crate::run_scene::TOKEN, &new_page(0, 1)).await.unwrap();
    let page = dawncast_core::ids::PageRef { run: run.clone(), page: 0 };
    let owner = scene.claim(&page, 1).await;
    let refused = async || scene.try_begin(&owner, &[0], 1, Standing::Planned).await;
    assert_eq!(refused().await, Begun::Refused(Refusal::Early), "frozen");
    scene.store.planned_run(&run, crate::run_scene::TOKEN, 1, None).await.unwrap();
    scene.store.ready_run(&run, &[]).await.unwrap();
    assert_eq!(refused().await, Begun::Refused(Refusal::Early), "ready");
    assert_eq!(scene.store.finish(&owner, &[]).await.unwrap(), Finish::Unsettled(vec![0]), "it will send");
    scene.store.open_run(&run, OPENS, None).await.unwrap();
    assert_eq!(scene.begin(&owner, &[0], 1, Standing::Planned).await, [true]);
}

#[tokio::test]
async fn a_run_that_sends_late_begins_after_its_deadline() {
    let scene = Scene::set().await;
    let run = scene.open_until(&[new_page(0, 1)], None).await;
    let owner = scene.claim(&dawncast_core::ids::PageRef { run, page: 0 }, 1).await;
    scene.at(DEADLINE + 1_000);
    assert_eq!(scene.begin(&owner, &[0], 1, Standing::Planned).await, [true]);
}
