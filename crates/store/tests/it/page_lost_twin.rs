//! What an owner tells again, and what is suspected, does the same in Lua as in core: random histories, of which Redis has
//! kept a beginning.

use dawncast_core::{
    campaign::Then,
    delivery::{Attempt, Fact, MAX_ATTEMPTS, Outcome, Record, Tallies, Terms, page::Page},
    desk::{Intent, Rules},
    image::Missing,
    retry::RetryPolicy,
    suspect::{marked_at, suspects},
};
use dawncast_store::page::{AttemptFact, Marked, NewPage, Owner};
use proptest::{prelude::*, test_runner::TestCaseError};

use crate::{
    page_model::{page_of, tenure},
    run_scene::{OPENS, Scene, new_page},
    run_seeded,
};

const COUNT: u16 = 3;
const HISTORY_TERMS: Terms = Terms { max_attempts: 4, counts: Outcome::Sent, deadline: OPENS + 20_000 };

/// An attempt of a delivery and what became of it.
#[derive(Debug, Clone)]
struct Step {
    index: u8,
    number: u8,
    outcome: Outcome,
    throttled: bool,
    at: i64,
}

#[derive(Debug)]
struct History {
    steps: Vec<Step>,
    /// How many of them Redis has kept.
    kept: usize,
    /// Until when there is doubt, after the opening.
    until: i64,
}

fn histories() -> impl Strategy<Value = History> {
    let outcome = prop::sample::select(&Outcome::ALL[1..]);
    let step = (0..COUNT as u8, 0..3_u8, outcome, any::<bool>(), 0..19_000_i64);
    let step = step.prop_map(|(index, number, outcome, throttled, at)| Step {
        index,
        number,
        throttled: throttled && outcome == Outcome::FailedRetryable,
        outcome,
        at: OPENS + at,
    });
    (prop::collection::vec(step, 0..14), 0..14_usize, 0..30_000_i64).prop_map(|(mut steps, kept, until)| {
        // Attempts are begun one after the other.
        steps.sort_by_key(|step| step.at);
        History { steps, kept, until }
    })
}

impl Step {
    fn attempt(&self, records: &[Record]) -> Option<Attempt> {
        let next = records[usize::from(self.index)].outcomes.used() + 1;
        (next <= MAX_ATTEMPTS).then_some(next)
    }

    fn fact(&self, attempt: Attempt) -> Fact {
        let code = if self.outcome.is_positive() || self.outcome < Outcome::Sent { 0 } else { 131_000 };
        Fact { attempt, outcome: self.outcome, throttled: self.throttled, code, at: self.at + 40 }
    }

    /// Lived through by its owner, and by Redis as far as it keeps it.
    async fn live(&self, scene: &Scene, owner: &Owner, records: &mut [Record], kept: bool) {
        let Some(attempt) = self.attempt(records) else { return };
        let (record, fact) = (&mut records[usize::from(self.index)], self.fact(attempt));
        let expected = record.standing(&HISTORY_TERMS);
        record.begin(attempt, self.number, self.at);
        record.apply(&fact, &HISTORY_TERMS);
        if kept {
            scene.at(self.at);
            let intent = Intent { index: u16::from(self.index), attempt, expected };
            scene.store.begin(owner, &[(intent, self.number)]).await.unwrap();
            scene.commit(owner, &[AttemptFact { index: self.index, fact, message_id: None }]).await;
        }
    }
}

/// What both sides must agree on; the times of answers are not in a record.
fn known(record: &Record) -> impl PartialEq + std::fmt::Debug + use<> {
    let Record { outcomes, throttled, number, code, first_begun, last_begun, sent_at, delivered_at, read_at, .. } =
        *record;
    (outcomes, throttled, number, code, (first_begun, last_begun), (sent_at, delivered_at, read_at))
}

async fn tallies_agree(scene: &Scene, owner: &Owner, records: &[Record]) -> Result<(), TestCaseError> {
    let mut counted = Tallies::default();
    records.iter().for_each(|record| counted.add(record, &HISTORY_TERMS));
    let stored = scene.store.run_tallies(&owner.page.run).await.unwrap().tallies;
    prop_assert_eq!(stored.without_resends(), counted.without_resends());
    Ok(())
}

async fn play(scene: &Scene, history: History) -> Result<(), TestCaseError> {
    scene.at(OPENS);
    let new = NewPage { terms: HISTORY_TERMS, ..new_page(0, COUNT) };
    let page = dawncast_core::ids::PageRef { run: scene.open(&[new]).await, page: 0 };
    let owner = scene.claim(&page, 1).await;
    let mut image = vec![Record::default(); usize::from(COUNT)];
    for (n, step) in history.steps.iter().enumerate() {
        step.live(scene, &owner, &mut image, n < history.kept).await;
    }
    let stored = scene.store.ledger(&page).await.unwrap().unwrap();
    let mut missing = Missing::default();
    for (index, (known, stored)) in image.iter().zip(&stored.records).enumerate() {
        missing.note(index as u16, known, stored, &HISTORY_TERMS);
    }
    let recalled = scene.store.recall(&owner, &missing).await.unwrap().unwrap();
    let mut model = page_of(&stored);
    prop_assert_eq!(model.recall(tenure(&owner), &missing, None), recalled.settlement);
    prop_assert_eq!(&Page { tallies: page_of(&recalled.ledger).tallies, ..model.clone() }, &page_of(&recalled.ledger));
    let recalled = recalled.ledger.records;
    for (recalled, image) in recalled.iter().zip(&image) {
        prop_assert_eq!(known(recalled), known(image));
        prop_assert_eq!(recalled.is_within(&HISTORY_TERMS), image.is_within(&HISTORY_TERMS));
    }
    tallies_agree(scene, &owner, &recalled).await?;
    suspected(scene, &owner, model, OPENS + history.until).await
}

/// Suspects, in Redis and in core.
async fn suspected(scene: &Scene, owner: &Owner, mut model: Page, until: i64) -> Result<(), TestCaseError> {
    let retry = RetryPolicy { max_attempts: 4, base_ms: 1_000, cap_ms: 30_000 };
    let rules = Rules { terms: HISTORY_TERMS, retry, unconfirmed: Then::Resend, grace_ms: 5_000, late: false };
    let dues = [OPENS; COUNT as usize];
    let named = suspects(&model.records, &dues, &rules, until);
    let marked = scene.store.suspect(owner, &named, marked_at(until), Some(until)).await.unwrap();
    let Marked::Settled(ledger) = marked else { return Err(TestCaseError::fail("the page is ours")) };
    model.suspect(tenure(owner), &named, marked_at(until), ledger.header.server.0, Some(until)).unwrap();
    prop_assert_eq!(&Page { tallies: page_of(&ledger).tallies, ..model.clone() }, &page_of(&ledger));
    prop_assert_eq!(suspects(&model.records, &dues, &rules, until), vec![]);
    tallies_agree(scene, owner, &model.records).await
}

#[test]
fn what_is_told_again_and_what_is_suspected_are_the_same_in_lua_and_in_core() {
    run_seeded::play(150, histories(), play);
}
