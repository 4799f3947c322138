//! One attempt is sent by one number, and a number that was stopped gets no credit: random histories of two owners in
//! changing epochs, each choosing among three numbers, whose replies are lost, who are taken over from and told by receipts,
//! while people, the monitor and Meta stop numbers and let them go.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use dawncast_core::{
    campaign::Priority,
    delivery::{Attempt, Fact, Outcome, Terms},
    desk::Intent,
    health::{Playbook, Stage},
    ids::{NumberId, PageRef},
    verdict::Verdict,
};
use dawncast_store::{
    credit::Rate,
    page::{AttemptFact, Begun, Claim, NewPage, Owner, TailNote},
    records::{Number, NumberRole, Secret, TokenChange},
};
use proptest::{prelude::*, test_runner::TestCaseError};

use crate::{
    run_scene::{OPENS, Scene, TERMS, new_page},
    run_seeded,
};

const OWNERS: usize = 2;
const NUMBERS: usize = 3;
const COUNT: u16 = 3;
/// As many attempts as there may be: a delivery goes on for long.
const LONG: Terms = Terms { max_attempts: 8, ..TERMS };
/// So fast that credit is scarce for no other reason than those that are played.
const RATE: Rate = Rate { mps: 1_000, headroom: 0.9, priority: Priority::Normal };

/// Numbers of their own for each history.
static NEXT: AtomicU64 = AtomicU64::new(1);

#[derive(Debug, Clone)]
enum Step {
    Tick(i64),
    /// Takes the page over, from the other or from itself.
    Claim(usize),
    /// Asks a number for credit.
    Grant(usize, usize),
    /// Begins an attempt of a delivery on the number that has given credit; the reply may be lost.
    Begin {
        who: usize,
        index: u8,
        skew: i8,
        lost: bool,
    },
    /// Begins again what was not answered, on whichever number has given credit since.
    Again {
        who: usize,
        lost: bool,
    },
    /// Looks what became of that, and takes back what was begun and never left.
    Look(usize),
    /// Tells what became of an attempt that it has sent.
    Commit(usize, u8, Outcome),
    Receipt(u8, Attempt, Outcome),
    /// A person pauses a number, or resumes it.
    Person(usize, bool),
    Monitor(usize, Stage),
    /// Meta lets it send nothing for so many milliseconds.
    Ban(usize, u64),
    /// A person pauses a number while owners ask it for credit and another person resumes it.
    Race(usize),
}

fn steps() -> impl Strategy<Value = Step> {
    let (who, number, index) = (0..OWNERS, 0..NUMBERS, 0..COUNT as u8);
    let known = prop::sample::select(vec![Outcome::Accepted, Outcome::FailedRetryable, Outcome::Failed]);
    let told = prop::sample::select(vec![Outcome::Sent, Outcome::Delivered, Outcome::FailedRetryable, Outcome::Failed]);
    let skew = prop_oneof![6 => Just(0_i8), 2 => Just(-1), 1 => Just(1)];
    let lost = prop::bool::weighted(0.4);
    let begin = (who.clone(), index.clone(), skew, lost);
    prop_oneof![
        2 => (10..2_000_i64).prop_map(Step::Tick),
        2 => who.clone().prop_map(Step::Claim),
        8 => (who.clone(), number.clone()).prop_map(|(who, number)| Step::Grant(who, number)),
        8 => begin.prop_map(|(who, index, skew, lost)| Step::Begin { who, index, skew, lost }),
        4 => (who.clone(), any::<bool>()).prop_map(|(who, lost)| Step::Again { who, lost }),
        2 => who.clone().prop_map(Step::Look),
        3 => (who, index.clone(), known).prop_map(|(who, index, outcome)| Step::Commit(who, index, outcome)),
        3 => (index, 1..=8_u8, told).prop_map(|(index, attempt, outcome)| Step::Receipt(index, attempt, outcome)),
        1 => (number.clone(), any::<bool>()).prop_map(|(number, paused)| Step::Person(number, paused)),
        1 => (number.clone(), prop::sample::select(Stage::ALL)).prop_map(|(number, stage)| Step::Monitor(number, stage)),
        1 => (number.clone(), 1..5_000_u64).prop_map(|(number, hold)| Step::Ban(number, hold)),
        1 => number.prop_map(Step::Race),
    ]
}

/// What an owner process knows.
#[derive(Default)]
struct Known {
    owner: Option<Owner>,
    /// The number that has given credit for one message.
    credit: Option<usize>,
    /// Begins that were not answered.
    doubt: Vec<Intent>,
    /// Sent, and not yet told.
    sent: Vec<(u8, Attempt)>,
}

/// Why a number gives no credit.
#[derive(Default, Clone, Copy)]
struct Stopped {
    by_person: bool,
    by_monitor: bool,
    /// Until when Meta has banned it.
    until: i64,
}

struct Play<'a> {
    scene: &'a Scene,
    page: PageRef,
    numbers: Vec<NumberId>,
    owners: [Known; OWNERS],
    /// Who has claimed the page last.
    owned_by: Option<usize>,
    stopped: [Stopped; NUMBERS],
    /// Which number the ledger has granted each attempt to, whether or not the answer arrived.
    granted: BTreeMap<(u8, Attempt), usize>,
    /// Which number has sent each attempt.
    posted: BTreeMap<(u8, Attempt), usize>,
}

async fn add_number(scene: &Scene) -> NumberId {
    let id: NumberId = format!("{}", 700_000 + NEXT.fetch_add(1, Ordering::Relaxed)).parse().unwrap();
    let number = Number {
        phone_number_id: id.clone(),
        waba_id: "200".parse().unwrap(),
        display_phone_number: "1".to_owned(),
        plain_token: None,
        pool: "advisors".parse().unwrap(),
        mps: RATE.mps,
        role: NumberRole::Active,
        paused: false,
        condition: Default::default(),
        caps: Default::default(),
        warmup: None,
        created_at: 1,
    };
    scene.store.add_number(&number, &TokenChange::Give(Secret::new("T"))).await.unwrap();
    id
}

fn about(index: u8, attempt: Attempt, outcome: Outcome, at: i64) -> AttemptFact {
    let fact = Fact { attempt, outcome, throttled: false, code: 0, at };
    AttemptFact { index, fact, message_id: None }
}

impl<'a> Play<'a> {
    async fn new(scene: &'a Scene) -> Self {
        scene.at(OPENS);
        let new = NewPage { terms: LONG, ..new_page(0, COUNT) };
        let page = PageRef { run: scene.open(&[new]).await, page: 0 };
        let mut numbers = Vec::new();
        for _ in 0..NUMBERS {
            numbers.push(add_number(scene).await);
        }
        let (granted, posted) = (BTreeMap::new(), BTreeMap::new());
        let (owners, stopped) = Default::default();
        Self { scene, page, numbers, owners, owned_by: None, stopped, granted, posted }
    }

    fn is_stopped(&self, number: usize) -> bool {
        let Stopped { by_person, by_monitor, until } = self.stopped[number];
        by_person || by_monitor || self.scene.now() < until
    }

    async fn step(&mut self, step: &Step) -> Result<(), TestCaseError> {
        let (store, now) = (&self.scene.store, self.scene.now());
        match *step {
            Step::Tick(by) => self.scene.at(now + by),
            Step::Claim(who) => self.claim(who).await?,
            Step::Grant(who, number) => self.grant(who, number).await?,
            Step::Begin { who, index, skew, lost } => {
                let intent = self.intent(index, skew).await;
                self.begin(who, intent, lost).await?;
            }
            Step::Again { who, lost } => {
                let Some(intent) = self.owners[who].doubt.first().copied() else { return Ok(()) };
                self.begin(who, intent, lost).await?;
            }
            Step::Look(who) => self.look(who).await?,
            Step::Commit(who, index, outcome) => self.commit(who, index, outcome).await,
            Step::Receipt(index, attempt, outcome) if self.posted.contains_key(&(index, attempt)) => {
                store.receipt(&self.page, &[about(index, attempt, outcome, now)]).await.unwrap();
            }
            Step::Receipt(..) => {}
            Step::Person(number, paused) => {
                store.change_number(&self.numbers[number], |number| number.paused = paused).await.unwrap();
                self.stopped[number].by_person = paused;
            }
            Step::Monitor(number, stage) => {
                let change = |number: &mut Number| number.condition.stage = stage;
                let number_now = store.change_number(&self.numbers[number], change).await.unwrap().unwrap();
                store.apply_condition(&number_now, &Playbook::default()).await.unwrap();
                self.stopped[number].by_monitor = stage != Stage::Fit;
            }
            Step::Ban(number, hold) => {
                store.rest(&self.numbers[number], Duration::from_millis(hold)).await.unwrap();
                self.stopped[number].until = self.stopped[number].until.max(now + hold as i64);
            }
            Step::Race(number) => self.race(number).await?,
        }
        self.ledger_tells().await
    }

    async fn claim(&mut self, who: usize) -> Result<(), TestCaseError> {
        let nonce = rand::random();
        match self.scene.store.claim(&self.page, nonce).await.unwrap() {
            Claim::Claimed { owner, .. } => {
                self.owners[who] = Known { owner: Some(owner), ..Known::default() };
                self.owned_by = Some(who);
            }
            other => prop_assert!(matches!(other, Claim::Finished), "{other:?}"),
        }
        Ok(())
    }

    /// *A number is stopped while it is asked*: what is asked after the stop has returned gives nothing.
    async fn grant(&mut self, who: usize, number: usize) -> Result<(), TestCaseError> {
        let granted = self.scene.store.grant(&self.numbers[number], RATE, 1).await.unwrap();
        prop_assert!(granted.count == 0 || !self.is_stopped(number), "number {number} is stopped and gives credit");
        if granted.count > 0 {
            self.owners[who].credit = Some(number);
        }
        Ok(())
    }

    /// What an owner would begin of a delivery, or thinks that it would.
    async fn intent(&self, index: u8, skew: i8) -> Intent {
        let ledger = self.scene.store.ledger(&self.page).await.unwrap().unwrap();
        let record = ledger.records[usize::from(index)];
        let attempt = (record.outcomes.used() + 1).saturating_add_signed(skew).max(1);
        Intent { index: index.into(), attempt, expected: record.standing(&LONG) }
    }

    async fn begin(&mut self, who: usize, intent: Intent, lost: bool) -> Result<(), TestCaseError> {
        let (Some(owner), Some(place)) = (self.owners[who].owner.clone(), self.owners[who].credit) else {
            return Ok(());
        };
        let attempt = (intent.index as u8, intent.attempt);
        if self.owners[who].sent.contains(&attempt) {
            // An owner knows what it has on the wire.
            return Ok(());
        }
        self.owners[who].credit = None;
        let begun = self.scene.store.begin(&owner, &[(intent, place as u8)]).await.unwrap();
        let is_granted = matches!(&begun, Begun::Granted { granted, .. } if granted[0]);
        if is_granted {
            prop_assert_eq!(self.owned_by, Some(who), "whoever was outranked begins");
            let first = *self.granted.entry(attempt).or_insert(place);
            prop_assert_eq!(first, place, "{:?} is granted to two numbers", attempt);
        }
        let known = &mut self.owners[who];
        if lost {
            known.doubt.retain(|doubted| *doubted != intent);
            known.doubt.push(intent);
        } else if is_granted {
            known.doubt.retain(|doubted| *doubted != intent);
            known.sent.push(attempt);
            prop_assert_eq!(self.posted.insert(attempt, place), None, "{:?} is sent twice", attempt);
        }
        Ok(())
    }

    /// What was begun by this very ownership and not answered never left: it is taken back.
    async fn look(&mut self, who: usize) -> Result<(), TestCaseError> {
        let Some(owner) = self.owners[who].owner.clone() else { return Ok(()) };
        let ledger = self.scene.store.ledger(&self.page).await.unwrap().unwrap();
        if (ledger.header.epoch, ledger.header.nonce) != (owner.epoch, owner.nonce) {
            return Ok(());
        }
        for intent in std::mem::take(&mut self.owners[who].doubt) {
            let outcomes = ledger.records[usize::from(intent.index)].outcomes;
            if outcomes.get(intent.attempt) == Outcome::Begun {
                let attempt = (intent.index as u8, intent.attempt);
                prop_assert!(!self.posted.contains_key(&attempt), "{attempt:?} was sent and is taken back");
                let fact = Verdict::Withdrawn.fact(intent.attempt, self.scene.now());
                let fact = AttemptFact { index: attempt.0, fact, message_id: None };
                self.scene.store.commit(&owner, &[fact]).await.unwrap();
            }
        }
        Ok(())
    }

    async fn commit(&mut self, who: usize, index: u8, outcome: Outcome) {
        let Some(owner) = self.owners[who].owner.clone() else { return };
        let Some(place) = self.owners[who].sent.iter().position(|(sent, _)| *sent == index) else { return };
        let (index, attempt) = self.owners[who].sent.swap_remove(place);
        let facts = [about(index, attempt, outcome, self.scene.now())];
        self.scene.store.commit(&owner, &facts).await.unwrap();
    }

    /// *A number is paused and resumed at once, while it is asked for credit*: what its record says afterwards, its credit
    /// does.
    async fn race(&mut self, number: usize) -> Result<(), TestCaseError> {
        let (store, id) = (&self.scene.store, &self.numbers[number]);
        let set = async |paused| store.change_number(id, |number| number.paused = paused).await.unwrap();
        let ask = async || store.grant(id, RATE, 1).await.unwrap();
        tokio::join!(set(false), ask(), set(true), ask(), set(false), set(true), ask());
        self.stopped[number].by_person = store.number(id).await.unwrap().unwrap().paused;
        self.grant(0, number).await
    }

    /// The ledger names the number that each attempt was granted to, and no other.
    async fn ledger_tells(&self) -> Result<(), TestCaseError> {
        let page = self.scene.store.page(&self.page).await.unwrap().unwrap();
        for (index, record) in page.ledger.records.iter().enumerate() {
            let latest = (index as u8, record.outcomes.used());
            if let Some(place) = self.granted.get(&latest) {
                prop_assert_eq!(usize::from(record.number), *place, "{:?}", latest);
            }
        }
        for entry in &page.tail {
            if let TailNote::Superseded { number, .. } = entry.note {
                let place = self.granted.get(&(entry.index, entry.attempt));
                prop_assert_eq!(place, Some(&usize::from(number)), "{:?}", entry);
            }
        }
        Ok(())
    }
}

#[test]
fn no_two_numbers_send_one_attempt_and_one_that_was_stopped_gets_no_credit() {
    run_seeded::play(80, prop::collection::vec(steps(), 20..100), async |scene, history| {
        let mut play = Play::new(scene).await;
        for (at, step) in history.iter().enumerate() {
            let played = play.step(step).await;
            played.map_err(|error| TestCaseError::fail(format!("step {at}, {step:?}: {error}")))?;
        }
        Ok(())
    });
}
