//! The ledger record of one delivery and the facts that move it. The store keeps it in 32 bytes and applies facts in
//! Lua; this is the twin that says what is right.

use super::{Attempt, MAX_ATTEMPTS, Outcome, Outcomes, Standing, fold};
use crate::UnixMs;

/// Something that is known to have happened to an attempt. A fact is not fenced: whoever learns it may record it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fact {
    /// Which attempt.
    pub attempt: Attempt,
    /// What became of it.
    pub outcome: Outcome,
    /// The attempt was turned away unread, by a limit, or withdrawn before it left: it does not use up one of the
    /// policy's attempts.
    pub throttled: bool,
    /// The error code of a failure as Meta gave it; 0 when there is none.
    pub code: u32,
    /// When it happened: a status's own timestamp, or when the answer came.
    pub at: UnixMs,
}

/// What applying a fact did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Applied {
    /// The attempt's outcome rose.
    Raised = 0,
    /// It was known.
    Duplicate = 1,
    /// More was known.
    Stale = 2,
}

impl Applied {
    /// What a script answered with `code`.
    pub fn from_code(code: u8) -> Option<Self> {
        [Self::Raised, Self::Duplicate, Self::Stale].get(usize::from(code)).copied()
    }
}

/// All that the ledger knows of one delivery. Times are none until they are known; each keeps the earliest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Record {
    /// One outcome per attempt.
    pub outcomes: Outcomes,
    /// One bit per attempt: it reached what the SLA counts by the deadline.
    pub within: u8,
    /// How many attempts were turned away by a rate limit.
    pub throttled: u8,
    /// The number of the latest attempt: its place in the run's table of numbers.
    pub number: u8,
    /// One bit per attempt: its message id is in the tail.
    pub ids: u8,
    /// The latest attempt's error code; 0 when it has none.
    pub code: u32,
    /// When the first attempt was begun.
    pub first_begun: Option<UnixMs>,
    /// When the latest attempt was begun.
    pub last_begun: Option<UnixMs>,
    /// When an attempt was sent.
    pub sent_at: Option<UnixMs>,
    /// When one was delivered.
    pub delivered_at: Option<UnixMs>,
    /// When one was read.
    pub read_at: Option<UnixMs>,
}

/// What of a campaign the ledger has to know; the same for every record of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Terms {
    /// How many attempts the retry policy allows.
    pub max_attempts: Attempt,
    /// What the SLA counts: [`Outcome::Accepted`], `Sent`, `Delivered` or `Read`.
    pub counts: Outcome,
    /// By when.
    pub deadline: UnixMs,
}

fn earliest(kept: &mut Option<UnixMs>, at: UnixMs) {
    *kept = Some(kept.map_or(at, |known| known.min(at)));
}

impl Record {
    /// What the delivery is.
    pub fn standing(&self, terms: &Terms) -> Standing {
        fold(self.outcomes, self.throttled, terms.max_attempts)
    }

    /// True while the policy allows another attempt.
    pub fn attempts_remain(&self, terms: &Terms) -> bool {
        super::fold::attempts_remain(self.outcomes, self.throttled, terms.max_attempts)
    }

    /// True when an attempt that got through reached what the SLA counts by the deadline.
    pub fn is_within(&self, terms: &Terms) -> bool {
        (1..=self.outcomes.used()).any(|n| {
            let outcome = self.outcomes.get(n);
            outcome.is_positive() && outcome >= terms.counts && self.within & (1 << (n - 1)) != 0
        })
    }

    /// How many messages reached the recipient beyond the first.
    pub fn duplicates(&self) -> u64 {
        (self.outcomes.iter().filter(|outcome| outcome.is_positive()).count() as u64).saturating_sub(1)
    }

    /// Begins attempt `n` on the number at place `number`. The caller has checked that it may.
    pub fn begin(&mut self, n: Attempt, number: u8, at: UnixMs) {
        debug_assert!(n == self.outcomes.used() + 1 && n <= MAX_ATTEMPTS, "attempts are begun in order");
        self.start(n, Outcome::Begun, number, at);
    }

    /// Attempt `n`, of which nothing was known, was started on the number at place `number`, and stands at `outcome`.
    pub(super) fn start(&mut self, n: Attempt, outcome: Outcome, number: u8, at: UnixMs) {
        self.outcomes.raise(n, outcome);
        self.number = number;
        self.code = 0;
        self.last_begun = Some(at);
        earliest(&mut self.first_begun, at);
    }

    /// Turns what was begun into unsure: its owner is gone, and with it the answer.
    pub fn take_over(&mut self) {
        for n in 1..=self.outcomes.used() {
            if self.outcomes.get(n) == Outcome::Begun {
                self.outcomes.raise(n, Outcome::Unsure);
            }
        }
    }

    /// Records a fact. Facts commute: in any order and repetition the same facts give the same standing, the same
    /// tallies and the same times.
    pub fn apply(&mut self, fact: &Fact, terms: &Terms) -> Applied {
        if fact.outcome.is_positive() {
            self.note_times(fact, terms);
        }
        let known = self.outcomes.get(fact.attempt);
        if !self.outcomes.raise(fact.attempt, fact.outcome) {
            return if known == fact.outcome { Applied::Duplicate } else { Applied::Stale };
        }
        if fact.throttled && fact.outcome == Outcome::FailedRetryable {
            self.throttled += 1;
        }
        if fact.code != 0 && fact.attempt == self.outcomes.used() {
            self.code = fact.code;
        }
        Applied::Raised
    }

    fn note_times(&mut self, fact: &Fact, terms: &Terms) {
        if fact.outcome >= terms.counts && fact.at <= terms.deadline {
            self.within |= 1 << (fact.attempt - 1);
        }
        match fact.outcome {
            Outcome::Sent => earliest(&mut self.sent_at, fact.at),
            Outcome::Delivered => earliest(&mut self.delivered_at, fact.at),
            Outcome::Read => earliest(&mut self.read_at, fact.at),
            _ => {}
        }
    }
}

#[cfg(test)]
#[path = "record_tests.rs"]
mod tests;
