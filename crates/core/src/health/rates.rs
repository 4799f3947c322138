//! Rates: which share of a number's messages failed of late, and how many recipients told it that they want no more. Counted
//! by the minute over a sliding window. Meta tells of no rate of blocks; those who opt out are the nearest to it that is told.
//!
//! A failing that all numbers of a pool share is Meta's or the campaign's, and stops none of them: a number is judged against
//! the others of its pool. It never stops the last that serves everybody.

use std::{cmp::Ordering, iter::Sum, ops::RangeInclusive};

use super::{
    Cause, Stage,
    condition::Sign,
    playbook::{MINUTE_MS, RateRules},
};
use crate::UnixMs;

/// What is counted of a number, by the minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Messages that the Cloud API took, and those that it refused for a failure that counts.
    pub messages: u64,
    /// Of these, those that failed for what tells of the number, or of Meta towards it.
    pub failed: u64,
    /// Recipients who told the number that they want no more, or are told to have opted out when it wrote (Meta: error 131050).
    pub opted_out: u64,
}

impl Counts {
    /// A message that was taken.
    pub const TAKEN: Self = Self { messages: 1, failed: 0, opted_out: 0 };
    /// One that was refused.
    pub const REFUSED: Self = Self { messages: 1, failed: 1, opted_out: 0 };
    /// One that was taken before, and has failed.
    pub const FAILED: Self = Self { messages: 0, failed: 1, opted_out: 0 };
    /// Somebody wants no more.
    pub const OPTED_OUT: Self = Self { messages: 0, failed: 0, opted_out: 1 };

    /// Both together.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            messages: self.messages + other.messages,
            failed: self.failed + other.failed,
            opted_out: self.opted_out + other.opted_out,
        }
    }

    /// *The failures of a minute are told before its messages*, by another process: never more than all.
    fn failing(self) -> Share {
        Share { part: self.failed.min(self.messages), of: self.messages }
    }

    fn opting_out(self) -> Share {
        Share { part: self.opted_out.min(self.messages), of: self.messages }
    }
}

impl Sum for Counts {
    fn sum<I: Iterator<Item = Self>>(counts: I) -> Self {
        counts.fold(Self::default(), Self::plus)
    }
}

/// What was counted within the window of a number and of its pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Rates {
    /// Of the number.
    own: Counts,
    /// Of the pool's other numbers together.
    others: Counts,
    /// How many of these serve everybody, and fail less.
    spares: usize,
}

/// A number of a pool, as it was counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Member {
    /// What was counted of it.
    pub counts: Counts,
    /// Whether it serves everybody now.
    pub serves: bool,
}

/// The minute of a moment, since 1970.
pub fn minute(at: UnixMs) -> i64 {
    at.div_euclid(MINUTE_MS)
}

impl RateRules {
    /// The minutes that count at `now`: the current one, which is not over, with them.
    pub fn window(&self, now: UnixMs) -> RangeInclusive<i64> {
        let minutes = ((self.window_ms + MINUTE_MS - 1) / MINUTE_MS).max(1);
        minute(now) - minutes + 1..=minute(now)
    }
}

/// A part of something.
#[derive(Clone, Copy)]
struct Share {
    part: u64,
    of: u64,
}

impl Share {
    /// Whether it is over the bound; for who is held already, whether it is not below half of it.
    fn is_over(self, bound_milli: u32, held: bool) -> bool {
        let (part, bound) = (self.part * 1_000, u64::from(bound_milli) * self.of);
        if held { 2 * part >= bound } else { part > bound }
    }

    /// Whether it is over twice the other; for who is held already, over the other.
    fn stands_out(self, other: Self, held: bool) -> bool {
        let times = if held { 1 } else { 2 };
        self.part * other.of > times * other.part * self.of
    }

    /// By size; of nothing, it is none.
    fn compare(self, other: Self) -> Ordering {
        (self.part * other.of.max(1)).cmp(&(other.part * self.of.max(1)))
    }

    fn percent(self) -> f64 {
        100.0 * self.part as f64 / self.of.max(1) as f64
    }
}

impl Rates {
    /// The rates of the number at `place` in its pool. *Several numbers of a pool are judged in one look*: in the order of
    /// their shares, so that the one that fails least of those that serve everybody finds nobody to leave its place to.
    pub fn of(pool: &[Member], place: usize) -> Self {
        let rank = |at: usize| (pool[at].counts.failing(), at);
        let others = || (0..pool.len()).filter(|at| *at != place);
        let is_better = |at: &usize| {
            let ((share, at), (own, place)) = (rank(*at), rank(place));
            share.compare(own).then(at.cmp(&place)).is_lt()
        };
        Self {
            own: pool[place].counts,
            others: others().map(|at| pool[at].counts).sum(),
            spares: others().filter(|at| pool[*at].serves).filter(is_better).count(),
        }
    }

    /// Whether enough is known of the number.
    pub(super) fn is_judged(&self, least: u32) -> bool {
        self.own.messages >= u64::from(least.max(1))
    }

    /// Whether enough is known of the others.
    pub(super) fn is_compared(&self, least: u32) -> bool {
        self.others.messages >= u64::from(least.max(1))
    }

    /// What is to be said against a number that is in stage `held`.
    pub(super) fn signs(&self, held: Stage, now: UnixMs, rules: &RateRules) -> impl Iterator<Item = Sign> + use<> {
        let is_judged = self.is_judged(rules.least);
        let failing = self.failing(held, rules).map(|stage| self.sign(stage, Cause::Failing, now, rules));
        let is_over = self.own.opting_out().is_over(rules.opt_outs_cooldown_milli, held >= Stage::Cooldown);
        let opt_outs = is_over.then(|| self.sign(Stage::Cooldown, Cause::OptOuts, now, rules));
        failing.into_iter().chain(opt_outs).filter(move |_| is_judged)
    }

    fn failing(&self, held: Stage, rules: &RateRules) -> Option<Stage> {
        let bounds = [(Stage::Paused, rules.failing_pause_milli), (Stage::Cooldown, rules.failing_cooldown_milli)];
        let (own, others) = (self.own.failing(), self.others.failing());
        let is_compared = self.is_compared(rules.least);
        let calls_for = |(stage, bound): &(Stage, u32)| {
            let is_held = held >= *stage;
            let is_due = match is_compared {
                true => own.stands_out(others, is_held),
                false => *stage < Stage::Paused,
            };
            // Where nobody would send in its place, to stop it serves nobody.
            is_due && own.is_over(*bound, is_held) && (is_held || self.spares > 0)
        };
        bounds.iter().find(|bound| calls_for(bound)).map(|(stage, _)| *stage)
    }

    fn sign(&self, stage: Stage, cause: Cause, at: UnixMs, rules: &RateRules) -> Sign {
        let minutes = rules.window_ms / MINUTE_MS;
        let of = format!("its {} messages of the last {minutes} minutes", self.own.messages);
        let percent = |share: Share| format!("{:.1} %", share.percent());
        let evidence = match (cause, self.others.messages) {
            (Cause::OptOuts, _) => format!("those who want no more are {} of {of}", percent(self.own.opting_out())),
            (_, 0) => format!("{} of {of} failed", percent(self.own.failing())),
            (_, count) => {
                let (own, others) = (percent(self.own.failing()), percent(self.others.failing()));
                format!("{own} of {of} failed, and {others} of the {count} of others in its pool")
            }
        };
        Sign { stage, cause, evidence, at }
    }
}

#[cfg(test)]
#[path = "rates_tests.rs"]
mod tests;
