//! Takeover: whoever claims a page fences off everyone before, and knows nothing of what they had begun.

use std::collections::{BTreeMap, BTreeSet};

use dawncast_core::{
    delivery::{Attempt, MAX_ATTEMPTS, Outcome, Record, Standing, Terms},
    desk::Intent,
    ids::PageRef,
};
use dawncast_store::{
    Store,
    page::{Begun, Claim, NewPage, Recorded},
};

use crate::run_scene::{Scene, TERMS, fact, new_page};

#[tokio::test]
async fn a_takeover_raises_the_epoch_and_makes_what_was_begun_unsure() {
    let scene = Scene::set().await;
    let first = scene.owned(3).await;
    assert_eq!(first.epoch, 1);
    scene.begin(&first, &[0, 1], 1, Standing::Planned).await;
    scene.commit(&first, &[fact(1, 1, Outcome::Accepted)]).await;
    let claim = async || scene.store.claim(&first.page, [2; 8]).await.unwrap();
    let Claim::Claimed { owner, ledger, recipients, unconfirmed, .. } = claim().await else {
        panic!("the page is there");
    };
    assert_eq!(unconfirmed, [0], "the one that was sending");
    assert!(matches!(claim().await, Claim::Claimed { unconfirmed, .. } if unconfirmed.is_empty()), "told once");
    assert_eq!((owner.epoch, ledger.header.epoch, ledger.header.nonce), (2, 2, [2; 8]));
    let standings: Vec<_> = ledger.records.iter().map(|record| record.standing(&TERMS)).collect();
    assert_eq!(standings, [Standing::Unconfirmed, Standing::Accepted, Standing::Planned]);
    assert_eq!(recipients, new_page(0, 3).recipients);
    let tallies = scene.store.run_tallies(&first.page.run).await.unwrap().tallies;
    assert_eq!((tallies.count(Standing::Sending), tallies.count(Standing::Unconfirmed)), (0, 1));
}

#[tokio::test]
async fn a_claim_repeated_by_the_owner_changes_nothing() {
    let scene = Scene::set().await;
    let owner = scene.owned(2).await;
    scene.begin(&owner, &[0], 1, Standing::Planned).await;
    let once = scene.contents().await;
    assert_eq!(scene.claim(&owner.page, 1).await, owner);
    assert_eq!(scene.contents().await.changes(&once), [""; 0]);
}

#[tokio::test]
async fn a_finished_page_is_claimed_by_nobody() {
    let scene = Scene::set().await;
    let owner = scene.owned(1).await;
    scene.attempt(&owner, 0, Outcome::Accepted).await;
    scene.store.finish(&owner, &[]).await.unwrap();
    let before = scene.contents().await;
    assert!(matches!(scene.store.claim(&owner.page, [2; 8]).await.unwrap(), Claim::Finished));
    assert_eq!(scene.contents().await.changes(&before), [""; 0]);
}

#[tokio::test]
async fn a_page_that_is_not_there_is_foreign_to_every_script() {
    let scene = Scene::set().await;
    let mut owner = scene.owned(1).await;
    owner.page.page = 7;
    let (store, page) = (&scene.store, owner.page.clone());
    let before = scene.contents().await;
    assert!(matches!(store.claim(&page, [2; 8]).await.unwrap(), Claim::Foreign));
    assert_eq!(store.receipt(&page, &[fact(0, 1, Outcome::Sent)]).await.unwrap(), Recorded::Foreign);
    assert_eq!(store.commit(&owner, &[fact(0, 1, Outcome::Sent)]).await.unwrap(), Recorded::Foreign);
    use dawncast_store::page::{Finish, Refusal::Foreign, Renewal};
    assert_eq!(store.begin(&owner, &[]).await.unwrap(), Begun::Refused(Foreign));
    assert_eq!(store.renew(&owner).await.unwrap(), Renewal::Lost(Foreign));
    assert_eq!(store.finish(&owner, &[]).await.unwrap(), Finish::Lost(Foreign));
    assert!(store.page(&page).await.unwrap().is_none());
    assert_eq!(scene.contents().await.changes(&before), [""; 0]);
}

/// What a worker that only ever claims and begins was granted, until no attempt is left.
async fn grab(store: Store, page: PageRef, mark: u8) -> Vec<(u16, Attempt)> {
    let mut all = Vec::new();
    for turn in 0..u32::MAX {
        let mut nonce = [mark; 8];
        nonce[..4].copy_from_slice(&turn.to_le_bytes());
        let Claim::Claimed { owner, ledger, .. } = store.claim(&page, nonce).await.unwrap() else {
            panic!("the page is there");
        };
        let intent = |(index, record): (usize, &Record)| {
            let attempt = record.outcomes.used() + 1;
            (Intent { index: index as u16, attempt, expected: record.standing(&ledger.header.terms) }, mark)
        };
        let left = ledger.records.iter().enumerate().filter(|(_, record)| record.outcomes.used() < MAX_ATTEMPTS);
        let intents: Vec<_> = left.map(intent).collect();
        if intents.is_empty() {
            break;
        }
        let mut ours = BTreeSet::new();
        // In parts, so that others come in between; then as a whole, which repeats what the parts were granted.
        for some in intents.chunks(3).chain(std::iter::once(&intents[..])) {
            if let Begun::Granted { granted, .. } = store.begin(&owner, some).await.unwrap() {
                let granted = some.iter().zip(granted).filter(|(_, granted)| *granted);
                ours.extend(granted.map(|((intent, _), _)| (intent.index, intent.attempt)));
            }
        }
        all.extend(ours);
    }
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn of_racing_owners_each_attempt_is_granted_to_one() {
    let scene = Scene::set().await;
    let terms = Terms { max_attempts: MAX_ATTEMPTS, ..TERMS };
    let new = NewPage { terms, ..new_page(0, 12) };
    let page = PageRef { run: scene.open(&[new]).await, page: 0 };
    let mut workers = tokio::task::JoinSet::new();
    for mark in 1..=8 {
        workers.spawn(grab(scene.connect(None).await, page.clone(), mark));
    }
    let mut grants: BTreeMap<(u16, Attempt), u32> = BTreeMap::new();
    for granted in workers.join_all().await.into_iter().flatten() {
        *grants.entry(granted).or_default() += 1;
    }
    let shared: Vec<_> = grants.iter().filter(|(_, owners)| **owners != 1).collect();
    assert!(shared.is_empty(), "(index, attempt) and how many were granted it: {shared:?}");
    let tallies = scene.store.run_tallies(&page.run).await.unwrap().tallies;
    assert_eq!((grants.len(), tallies.attempts), (12 * 8, 12 * 8), "every attempt was granted to someone");
}
