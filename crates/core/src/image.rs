//! The image of a page that its owner holds in memory, against a ledger that shows less: Redis has lost writes that it
//! acknowledged, since an outcome never falls. What the ledger lacks is told to it again.

use crate::{
    UnixMs,
    delivery::{Attempt, Fact, Outcome, Record, Terms, page::AttemptFact},
};

/// An attempt that was begun and of which the ledger knows nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    /// Which delivery of the page.
    pub index: u16,
    /// Which attempt.
    pub attempt: Attempt,
    /// The number that sent it: its place in the run's table.
    pub number: u8,
    /// When it was begun.
    pub at: UnixMs,
}

/// What the ledger lacks: to be told in this order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Missing {
    /// The attempts that it does not know of, in order.
    pub marks: Vec<Mark>,
    /// What became of attempts.
    pub facts: Vec<AttemptFact>,
}

impl Missing {
    /// The ledger knows it all.
    pub fn is_empty(&self) -> bool {
        self.marks.is_empty() && self.facts.is_empty()
    }

    /// Adds what the ledger's record of a delivery lacks of the owner's. Message ids are not part of the image; receipts
    /// bring them.
    pub fn note(&mut self, index: u16, known: &Record, ledger: &Record, terms: &Terms) {
        let mut turned_away = known.throttled.saturating_sub(ledger.throttled);
        for attempt in 1..=known.outcomes.used() {
            let (outcome, stored) = (known.outcomes.get(attempt), ledger.outcomes.get(attempt));
            if attempt > ledger.outcomes.used() {
                self.marks.push(Mark { index, attempt, number: known.number, at: begun_at(known, attempt) });
            }
            if outcome <= stored.max(Outcome::Begun) {
                continue;
            }
            let throttled = outcome == Outcome::FailedRetryable && turned_away > 0;
            turned_away -= u8::from(throttled);
            let code = if attempt == known.outcomes.used() { known.code } else { 0 };
            let told = times(known, attempt, outcome, terms);
            self.facts.extend(told.into_iter().map(|(outcome, at)| AttemptFact {
                index: index as u8,
                fact: Fact { attempt, outcome, throttled, code, at },
                message_id: None,
            }));
        }
    }
}

/// When an attempt was begun, as far as the record tells: it knows the first and the latest.
fn begun_at(known: &Record, attempt: Attempt) -> UnixMs {
    let at = if attempt == 1 { known.first_begun } else { known.last_begun };
    at.unwrap_or_default()
}

/// The outcomes to tell of an attempt, the last one being what it came to, each with its time. A time that the record
/// does not keep is put on the right side of the deadline.
fn times(known: &Record, attempt: Attempt, outcome: Outcome, terms: &Terms) -> Vec<(Outcome, UnixMs)> {
    let kept =
        [(Outcome::Sent, known.sent_at), (Outcome::Delivered, known.delivered_at), (Outcome::Read, known.read_at)];
    let is_told = |step: Outcome| outcome.is_positive() && step <= outcome;
    let mut told: Vec<_> =
        kept.into_iter().filter(|(step, _)| is_told(*step)).filter_map(|(step, at)| Some((step, at?))).collect();
    if told.last().is_none_or(|(last, _)| *last != outcome) {
        let begun = begun_at(known, attempt);
        let within = known.within & (1 << (attempt - 1)) != 0;
        let counts = outcome.is_positive() && outcome >= terms.counts;
        let at = match (counts, within) {
            (true, true) => begun.min(terms.deadline),
            (true, false) => begun.max(terms.deadline + 1),
            (false, _) => begun,
        };
        told.push((outcome, at));
    }
    told
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TERMS: Terms = Terms { max_attempts: 8, counts: Outcome::Accepted, deadline: 50_000 };

    /// What an owner lived through: begins, and answers or receipts.
    fn live(record: &mut Record, (answer, throttled, at): (Outcome, bool, UnixMs)) {
        let attempt = record.outcomes.used() + 1;
        if attempt > 8 {
            return;
        }
        record.begin(attempt, 3, at);
        let throttled = throttled && answer == Outcome::FailedRetryable;
        let code = if answer >= Outcome::FailedRetryable && !answer.is_positive() { 131_000 } else { 0 };
        record.apply(&Fact { attempt, outcome: answer, throttled, code, at: at + 5 }, &TERMS);
    }

    /// Tells a record what it lacks, as the script does.
    fn tell(ledger: &mut Record, missing: &Missing) {
        for mark in &missing.marks {
            ledger.begin(mark.attempt, mark.number, mark.at);
        }
        for told in &missing.facts {
            ledger.apply(&told.fact, &TERMS);
        }
    }

    fn missing(known: &Record, ledger: &Record) -> Missing {
        let mut missing = Missing::default();
        missing.note(0, known, ledger, &TERMS);
        missing
    }

    proptest! {
        #[test]
        fn a_ledger_that_lost_its_latest_writes_is_brought_back(
            steps in prop::collection::vec((prop::sample::select(&Outcome::ALL[1..]), any::<bool>(), 0..90_000i64), 0..8),
            kept in 0..8usize,
        ) {
            let (mut known, mut ledger) = (Record::default(), Record::default());
            steps.iter().for_each(|step| live(&mut known, *step));
            steps.iter().take(kept).for_each(|step| live(&mut ledger, *step));
            let lacks = missing(&known, &ledger);
            prop_assert_eq!(lacks.is_empty(), known.outcomes == ledger.outcomes);
            tell(&mut ledger, &lacks);
            prop_assert_eq!(ledger.outcomes, known.outcomes);
            prop_assert_eq!((ledger.throttled, ledger.number, ledger.code), (known.throttled, known.number, known.code));
            prop_assert_eq!(ledger.standing(&TERMS), known.standing(&TERMS));
            prop_assert_eq!(ledger.is_within(&TERMS), known.is_within(&TERMS));
            prop_assert!(missing(&known, &ledger).is_empty(), "told once");
        }
    }

    #[test]
    fn what_the_ledger_knows_better_is_left_to_it() {
        let (mut known, mut ledger) = (Record::default(), Record::default());
        live(&mut known, (Outcome::Accepted, false, 0));
        live(&mut ledger, (Outcome::Delivered, false, 0));
        assert!(missing(&known, &ledger).is_empty());
    }

    #[test]
    fn the_times_of_receipts_are_told_again() {
        let mut known = Record::default();
        live(&mut known, (Outcome::Sent, false, 100));
        known.apply(&Fact { attempt: 1, outcome: Outcome::Read, throttled: false, code: 0, at: 900 }, &TERMS);
        let told: Vec<_> = missing(&known, &Record::default()).facts.iter().map(|told| told.fact.at).collect();
        assert_eq!(told, [105, 900]);
    }
}
