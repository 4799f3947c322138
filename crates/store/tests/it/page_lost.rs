//! Rule 9, when Redis loses acknowledged writes: a page on another server than before, suspects, and what is told again.

use dawncast_core::{
    delivery::{Attempt, Fact, Outcome, Record, Standing},
    desk::Intent,
    image::{Mark, Missing},
};
use dawncast_store::{
    ServerId,
    page::{Claim, ClaimedOn, Finish, Marked, Owner, Refusal},
};

use crate::run_scene::{OPENS, Scene, TERMS, fact};

fn intent(index: u16, attempt: Attempt, expected: Standing) -> Intent {
    Intent { index, attempt, expected }
}

impl Scene {
    /// Writes another server's id, and no doubt, into a page's header.
    async fn moved_from_elsewhere(&self, owner: &Owner) {
        let key = format!("t:{{run:{}}}:{}:l", owner.page.run, owner.page.page);
        let elsewhere = [7_u8; 8];
        let mut hot = self.store.connection();
        redis::cmd("SETRANGE").arg(key).arg(48).arg(&elsewhere).exec_async(&mut hot).await.unwrap();
    }

    /// Writes a field of the run.
    async fn run_field(&self, owner: &Owner, field: &str, value: i64) {
        let key = format!("t:{{run:{}}}", owner.page.run);
        let mut hot = self.store.connection();
        redis::cmd("HSET").arg(key).arg(field).arg(value).exec_async(&mut hot).await.unwrap();
    }

    async fn server_of(&self, owner: &Owner) -> ServerId {
        self.store.ledger(&owner.page).await.unwrap().unwrap().header.server
    }

    async fn claimed_on(&self, owner: &Owner, mark: u8) -> (Owner, ClaimedOn) {
        match self.store.claim(&owner.page, [mark; 8]).await.unwrap() {
            Claim::Claimed { owner, server, .. } => (owner, server),
            other => panic!("not claimed but {other:?}"),
        }
    }
}

/// On a Redis that may lose writes.
async fn losing_scene() -> Scene {
    let mut scene = Scene::set().await;
    let mut hot = scene.store.connection();
    redis::cmd("CONFIG").arg(&["SET", "appendfsync", "everysec"]).exec_async(&mut hot).await.unwrap();
    scene.store = scene.connect(None).await;
    assert!(scene.store.may_lose());
    scene
}

#[tokio::test]
async fn a_page_knows_the_server_that_it_was_written_on() {
    let scene = Scene::set().await;
    let owner = scene.owned(2).await;
    let here = scene.store.server_id().await.unwrap();
    assert_eq!(scene.server_of(&owner).await, here);
    let (_, server) = scene.claimed_on(&owner, 2).await;
    assert_eq!((server.id, server.moved), (here, false));
    let started = scene.store.server().await.unwrap().started.expect("it was never a replica");
    let now = scene.store.time().await.unwrap();
    assert!((now - 60_000..now + 2_000).contains(&started), "{started} and it is {now}");
}

#[tokio::test]
async fn a_server_that_loses_nothing_takes_over_without_a_word() {
    let scene = Scene::set().await;
    let owner = scene.owned(2).await;
    scene.moved_from_elsewhere(&owner).await;
    let (owner, server) = scene.claimed_on(&owner, 2).await;
    assert_eq!((server.moved, scene.server_of(&owner).await), (false, server.id));
}

#[tokio::test]
async fn every_claim_says_that_the_server_is_another_until_suspects_are_marked() {
    let scene = losing_scene().await;
    let owner = scene.owned(2).await;
    scene.moved_from_elsewhere(&owner).await;
    for mark in [2, 3] {
        assert!(scene.claimed_on(&owner, mark).await.1.moved, "claim {mark}");
    }
    let (owner, _) = scene.claimed_on(&owner, 4).await;
    scene.store.suspect(&owner, &[], scene.now(), None).await.unwrap();
    assert!(!scene.claimed_on(&owner, 5).await.1.moved);
}

#[tokio::test]
async fn suspects_are_unsure_once_and_the_tallies_know() {
    let scene = losing_scene().await;
    let owner = scene.owned(4).await;
    scene.attempt(&owner, 1, Outcome::FailedRetryable).await;
    scene.attempt(&owner, 2, Outcome::Unsure).await;
    let named = [
        intent(0, 1, Standing::Planned),
        intent(1, 2, Standing::Retrying),
        intent(2, 2, Standing::Unconfirmed),
        intent(3, 1, Standing::Retrying),
    ];
    let (at, doubt) = (OPENS + 9_000, OPENS + 8_000);
    let marked = scene.store.suspect(&owner, &named, at, Some(doubt)).await.unwrap();
    let Marked::Settled(ledger) = marked else { panic!("the page is ours") };
    let standings: Vec<_> = ledger.records.iter().map(|record| record.standing(&TERMS)).collect();
    use Standing::{Planned, Unconfirmed};
    assert_eq!(standings, [Unconfirmed, Unconfirmed, Unconfirmed, Planned], "of the last, the ledger knew better");
    let used: Vec<_> = ledger.records.iter().map(|record| record.outcomes.used()).collect();
    assert_eq!(used, [1, 2, 2, 0]);
    assert_eq!((ledger.records[0].last_begun, ledger.header.doubt), (Some(at), Some(doubt)));
    let tallies = scene.store.run_tallies(&owner.page.run).await.unwrap().tallies;
    assert_eq!((tallies.count(Unconfirmed), tallies.count(Planned), tallies.total()), (3, 1, 4));
    assert_eq!((tallies.attempts, tallies.resends), (5, 1));
    let once = scene.contents().await;
    scene.store.suspect(&owner, &named, at, Some(doubt)).await.unwrap();
    assert_eq!(scene.contents().await.changes(&once), [""; 0]);
}

#[tokio::test]
async fn whoever_was_outranked_suspects_nobody() {
    let scene = losing_scene().await;
    let first = scene.owned(1).await;
    scene.moved_from_elsewhere(&first).await;
    scene.claim(&first.page, 2).await;
    let before = scene.contents().await;
    let named = [intent(0, 1, Standing::Planned)];
    let answer = scene.store.suspect(&first, &named, scene.now(), Some(scene.now())).await.unwrap();
    assert_eq!(answer, Marked::Lost(Refusal::Outranked));
    assert_eq!(scene.contents().await.changes(&before), [""; 0]);
}

/// An attempt of delivery 0 on number 2, and its answer.
fn remembered(attempt: Attempt, outcome: Option<Outcome>) -> Missing {
    let mark = Mark { index: 0, attempt, number: 2, at: OPENS + 500 };
    Missing { marks: vec![mark], facts: outcome.map(|outcome| fact(0, attempt, outcome)).into_iter().collect() }
}

#[tokio::test]
async fn what_an_owner_knows_is_told_again_once() {
    let scene = losing_scene().await;
    let owner = scene.owned(2).await;
    let told = remembered(1, Some(Outcome::Accepted));
    let recalled = scene.store.recall(&owner, &told).await.unwrap().expect("the page is there");
    let mut expected = Record::default();
    expected.begin(1, 2, OPENS + 500);
    expected
        .apply(&Fact { attempt: 1, outcome: Outcome::Accepted, throttled: false, code: 0, at: OPENS + 1_000 }, &TERMS);
    assert_eq!(recalled.ledger.records, [expected, Record::default()]);
    let tallies = scene.store.run_tallies(&owner.page.run).await.unwrap();
    assert_eq!((tallies.tallies.attempts, tallies.numbers[&2].accepted), (1, 1));
    let once = scene.contents().await;
    scene.store.recall(&owner, &told).await.unwrap();
    assert_eq!(scene.contents().await.changes(&once), [""; 0]);
}

#[tokio::test]
async fn what_the_ledger_knows_already_reopens_no_finished_page() {
    let scene = losing_scene().await;
    let owner = scene.owned(1).await;
    let told = remembered(1, Some(Outcome::Accepted));
    scene.store.recall(&owner, &told).await.unwrap();
    assert_eq!(scene.store.finish(&owner, &[]).await.unwrap(), Finish::Finished);
    let recalled = scene.store.recall(&owner, &told).await.unwrap().unwrap();
    assert!(!recalled.settlement.reopened && recalled.ledger.header.finished);
}

#[tokio::test]
async fn what_is_on_the_wire_is_begun_to_its_owner_and_unsure_to_the_next() {
    let scene = losing_scene().await;
    let first = scene.owned(1).await;
    scene.store.recall(&first, &remembered(1, None)).await.unwrap();
    assert_eq!(scene.standings(&first.page).await, [Standing::Sending]);
    let next = scene.owned(1).await;
    scene.claim(&next.page, 2).await;
    let version = scene.store.ledger(&next.page).await.unwrap().unwrap().header.version;
    let recalled = scene.store.recall(&next, &remembered(1, None)).await.unwrap().unwrap();
    assert_eq!(recalled.ledger.records[0].standing(&TERMS), Standing::Unconfirmed);
    assert_eq!(recalled.ledger.header.version, version + 1, "its owner hears of it");
}

#[tokio::test]
async fn a_page_that_is_gone_takes_nothing_back() {
    let scene = losing_scene().await;
    let mut owner = scene.owned(1).await;
    owner.page.page = 7;
    assert_eq!(scene.store.recall(&owner, &remembered(1, None)).await.unwrap(), None);
    let answer = scene.store.suspect(&owner, &[], scene.now(), None).await.unwrap();
    assert_eq!(answer, Marked::Lost(Refusal::Foreign));
}

#[tokio::test]
async fn a_restored_run_is_claimed_by_nobody_until_a_person_has_spoken_and_then_with_its_doubt() {
    let scene = Scene::set().await;
    let owner = scene.owned(1).await;
    scene.run_field(&owner, "hold:restore", 1).await;
    assert!(matches!(scene.store.claim(&owner.page, [2; 8]).await.unwrap(), Claim::Held));
    let (other, until) = (scene.owned(1).await, OPENS + 4_000);
    scene.run_field(&other, "doubt_until", until).await;
    assert_eq!(scene.claimed_on(&other, 2).await.1.doubt_until, Some(until));
}
