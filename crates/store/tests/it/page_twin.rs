//! The fold and the record live in Lua as well as in core: random histories of a page hold the two equal.

use dawncast_core::{
    UnixMs,
    delivery::{Attempt, Fact, Outcome, Standing, Terms},
    desk::Intent,
    ids::PageRef,
};
use dawncast_store::page::{AttemptFact, Claim, NewPage, Owner, Recorded};
use proptest::{prelude::*, test_runner::TestCaseError};

use crate::{
    page_model::Model,
    run_scene::{OPENS, Scene, new_page},
    run_seeded,
};

/// Who may own the page.
const CLAIMANTS: usize = 3;
const COUNT: u16 = 24;

#[derive(Debug, Clone)]
enum Step {
    Tick(i64),
    Claim(usize),
    Begin(usize, Vec<Guess>),
    Commit(usize, Vec<Hint>),
    Receipt(Vec<Hint>),
    Finish(usize, Vec<u8>),
}

/// An intent, mostly the one that the ledger expects.
#[derive(Debug, Clone)]
struct Guess {
    index: u16,
    skew: i8,
    expected: Option<Standing>,
    number: u8,
}

/// A fact, mostly about an attempt that was begun.
#[derive(Debug, Clone)]
struct Hint {
    index: u8,
    attempt: Attempt,
    begun: bool,
    outcome: Outcome,
    throttled: bool,
    code: u32,
    at: UnixMs,
    with_id: bool,
}

#[derive(Debug)]
struct History {
    terms: Terms,
    until: Option<UnixMs>,
    steps: Vec<Step>,
}

/// Mostly a few deliveries, so that much happens to each.
fn indexes() -> impl Strategy<Value = u8> + Clone {
    prop_oneof![4 => 0..4_u8, 1 => 0..=COUNT as u8]
}

/// What a script is given: mostly little, sometimes so much that it reads the whole page.
fn lots<S: Strategy + Clone>(of: S) -> impl Strategy<Value = Vec<S::Value>> {
    prop_oneof![5 => prop::collection::vec(of.clone(), 0..5), 1 => prop::collection::vec(of, 9..30)]
}

fn guesses() -> impl Strategy<Value = Vec<Guess>> {
    let skew = prop_oneof![8 => Just(0_i8), 1 => Just(-1), 1 => Just(1)];
    let expected = prop_oneof![6 => Just(None), 1 => prop::sample::select(&Standing::ALL[..]).prop_map(Some)];
    let index = indexes().prop_map(u16::from);
    let guess = (index, skew, expected, 0..3_u8).prop_map(|(index, skew, expected, number)| Guess {
        index,
        skew,
        expected,
        number,
    });
    lots(guess)
}

fn hints() -> impl Strategy<Value = Vec<Hint>> {
    let index = indexes();
    let outcome = prop::sample::select(&Outcome::ALL[2..]);
    let code = prop_oneof![Just(0), 131_000..131_060_u32];
    let begun = prop::bool::weighted(0.95);
    let at = -2_000..40_000_i64;
    let hint = (index, 1..=8_u8, begun, outcome, any::<bool>(), code, at, any::<bool>());
    let hint = hint.prop_map(|(index, attempt, begun, outcome, throttled, code, at, with_id)| Hint {
        index,
        attempt,
        begun,
        outcome,
        throttled,
        code,
        at: OPENS + at,
        with_id,
    });
    lots(hint)
}

fn steps() -> impl Strategy<Value = Step> {
    let who = 0..CLAIMANTS;
    prop_oneof![
        2 => prop_oneof![4 => 0..3_000_i64, 1 => -4_000..0_i64].prop_map(Step::Tick),
        2 => who.clone().prop_map(Step::Claim),
        6 => (who.clone(), guesses()).prop_map(|(who, guesses)| Step::Begin(who, guesses)),
        4 => (who.clone(), hints()).prop_map(|(who, hints)| Step::Commit(who, hints)),
        4 => hints().prop_map(Step::Receipt),
        2 => (who, prop::collection::vec(0..COUNT as u8, 0..6)).prop_map(|(who, left)| Step::Finish(who, left)),
    ]
}

fn histories() -> impl Strategy<Value = History> {
    let counts = prop::sample::select(vec![Outcome::Accepted, Outcome::Sent, Outcome::Delivered, Outcome::Read]);
    let terms = (prop::sample::select(vec![1, 2, 3, 8]), counts, -1_000..30_000_i64)
        .prop_map(|(max_attempts, counts, at)| Terms { max_attempts, counts, deadline: OPENS + at });
    let until = prop::option::of((0..60_000_i64).prop_map(|at| OPENS + at));
    (terms, until, prop::collection::vec(steps(), 20..80)).prop_map(|(terms, until, steps)| History {
        terms,
        until,
        steps,
    })
}

impl Guess {
    fn intent(&self, model: &Model) -> (Intent, u8) {
        let record = model.page.records.get(usize::from(self.index)).copied().unwrap_or_default();
        let standing = record.standing(&model.page.terms);
        let attempt = (record.outcomes.used() + 1).saturating_add_signed(self.skew);
        (Intent { index: self.index, attempt, expected: self.expected.unwrap_or(standing) }, self.number)
    }
}

impl Hint {
    fn fact(&self, model: &Model) -> AttemptFact {
        let used = model.page.records.get(usize::from(self.index)).map_or(1, |record| record.outcomes.used());
        let attempt = if self.begun { (self.attempt - 1) % used.max(1) + 1 } else { self.attempt };
        let fact = Fact { attempt, outcome: self.outcome, throttled: self.throttled, code: self.code, at: self.at };
        AttemptFact { index: self.index, fact, message_id: self.with_id.then(|| format!("wamid.{attempt}")) }
    }
}

struct Stage<'a> {
    scene: &'a Scene,
    page: PageRef,
    model: Model,
    owners: [Option<Owner>; CLAIMANTS],
}

impl Stage<'_> {
    async fn step(&mut self, step: &Step) -> Result<(), TestCaseError> {
        let (store, now) = (&self.scene.store, self.scene.now());
        match step {
            Step::Tick(by) => self.scene.at(now + by),
            Step::Claim(who) => self.claim(*who).await?,
            Step::Begin(who, guesses) => {
                let Some(owner) = &self.owners[*who] else { return Ok(()) };
                let intents: Vec<_> = guesses.iter().map(|guess| guess.intent(&self.model)).collect();
                let begun = store.begin(owner, &intents).await.unwrap();
                prop_assert_eq!(begun, self.model.begin(owner, &intents, now));
            }
            Step::Commit(who, hints) => {
                let Some(owner) = &self.owners[*who] else { return Ok(()) };
                let facts: Vec<_> = hints.iter().map(|hint| hint.fact(&self.model)).collect();
                let recorded = store.commit(owner, &facts).await.unwrap();
                prop_assert_eq!(recorded, Recorded::Settled(self.model.facts(Some(owner), &facts, now)));
            }
            Step::Receipt(hints) => {
                let facts: Vec<_> = hints.iter().map(|hint| hint.fact(&self.model)).collect();
                let recorded = store.receipt(&self.page, &facts).await.unwrap();
                prop_assert_eq!(recorded, Recorded::Settled(self.model.facts(None, &facts, now)));
            }
            Step::Finish(who, left) => {
                let Some(owner) = &self.owners[*who] else { return Ok(()) };
                let finish = store.finish(owner, left).await.unwrap();
                prop_assert_eq!(finish, self.model.finish(owner, left, now));
            }
        }
        self.compare().await
    }

    async fn claim(&mut self, who: usize) -> Result<(), TestCaseError> {
        let nonce = [who as u8 + 1; 8];
        let expected = self.model.claim(nonce);
        match self.scene.store.claim(&self.page, nonce).await.unwrap() {
            Claim::Claimed { owner, ledger, .. } => {
                prop_assert_eq!(Some(ledger), expected);
                prop_assert!(self.model.owns(&owner));
                self.owners[who] = Some(owner);
            }
            Claim::Finished => prop_assert_eq!(None, expected),
            Claim::Foreign | Claim::Held => prop_assert!(false, "the page is there"),
        }
        Ok(())
    }

    async fn compare(&mut self) -> Result<(), TestCaseError> {
        let ledger = self.scene.store.ledger(&self.page).await.unwrap().unwrap();
        prop_assert_eq!(&ledger, &self.model.ledger());
        let tallies = self.scene.store.run_tallies(&self.page.run).await.unwrap();
        prop_assert_eq!(&tallies, &self.model.tallies());
        prop_assert_eq!(tallies.tallies.total(), i64::from(COUNT));
        Ok(())
    }
}

#[test]
fn a_page_in_lua_and_its_twin_in_core_never_differ() {
    run_seeded::play(64, histories(), async |scene, history| {
        scene.at(OPENS);
        let new = NewPage { terms: history.terms, ..new_page(0, COUNT) };
        let page = PageRef { run: scene.open_until(&[new], history.until).await, page: 0 };
        let header = scene.store.ledger(&page).await.unwrap().unwrap().header;
        let model = Model::new(header, history.until);
        let mut stage = Stage { scene, page, model, owners: Default::default() };
        for (at, step) in history.steps.iter().enumerate() {
            let played = stage.step(step).await;
            played.map_err(|error| TestCaseError::fail(format!("step {at}, {step:?}: {error}")))?;
        }
        Ok(())
    });
}
