//! A number's condition: how far it is used, decided from what Meta says of it and from how its messages are answered. A
//! number that Meta starts to dislike stops before it is banned, comes back with less, and then with all.
//!
//! One explicit machine: fit, cooldown, paused. It goes up at once, by the worst sign there is, and down one step at a time
//! and only when the time of the step is over: nothing flaps. Pure; who watches the number brings the signs and the time.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Playbook, Rates, Reading, playbook::MINUTE_MS};
use crate::{UnixMs, campaign::Priority, fault::word};

word! {
    /// How far a number is used; greater is worse.
    pub enum Stage {
        /// As ever.
        Fit = "fit",
        /// Less, and for what is urgent alone.
        Cooldown = "cooldown",
        /// Not at all.
        Paused = "paused",
    }
}

word! {
    /// Why a number is in its condition.
    pub enum Cause {
        /// Nothing is known against it.
        Nothing = "nothing",
        /// Recipients rate it medium (Meta: quality rating YELLOW).
        QualityYellow = "quality_yellow",
        /// Recipients rate it low (Meta: quality rating RED).
        QualityRed = "quality_red",
        /// It may send no more for now, because recipients have blocked or reported it (Meta: error 131048).
        SpamLimit = "spam_limit",
        /// Its account is restricted for a violation of the rules (Meta: error 368).
        AccountBlocked = "account_blocked",
        /// Its account is locked (Meta: error 131031).
        AccountLocked = "account_locked",
        /// It is not registered (Meta: errors 133010, 131045 and 33).
        NotRegistered = "not_registered",
        /// A larger share of its messages fails than of the others of its pool.
        Failing = "failing",
        /// Many recipients tell it that they want no more.
        OptOuts = "opt_outs",
        /// It has served its time.
        Recovering = "recovering",
        /// A person has said so.
        Person = "person",
    }
}

/// An answer to a message that tells against its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Heard {
    /// Meta's error code.
    pub code: u32,
    /// When it came last.
    pub at: UnixMs,
}

/// The error codes that tell against a number, each with what it means.
const TELLING_CODES: [(u32, Cause); 6] = [
    (131_048, Cause::SpamLimit),
    (368, Cause::AccountBlocked),
    (131_031, Cause::AccountLocked),
    (133_010, Cause::NotRegistered),
    (131_045, Cause::NotRegistered),
    (33, Cause::NotRegistered),
];

/// All that speaks for or against a number.
#[derive(Debug, Clone, Copy, Default)]
pub struct Signs<'a> {
    /// What Meta said of it last.
    pub reading: Option<&'a Reading>,
    /// What its messages were answered with.
    pub heard: &'a [Heard],
    /// What was counted of it of late.
    pub rates: Rates,
}

/// How far a number is used, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Condition {
    /// How far.
    pub stage: Stage,
    /// Since when.
    pub since: UnixMs,
    /// It gets no better before.
    pub until: Option<UnixMs>,
    /// Why.
    pub cause: Cause,
    /// What was seen, in words.
    pub evidence: String,
    /// How often it has offended recipients of late.
    pub offences: u32,
    /// When it did last.
    pub offended_at: Option<UnixMs>,
    /// Answers that came until then have been dealt with.
    pub heard_until: UnixMs,
    /// A person has set the stage, until then or for good (`None` within).
    pub pin: Option<Pin>,
}

/// A person's word on a number's stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pin {
    /// Which.
    pub stage: Stage,
    /// Until when; for good when none.
    pub until: Option<UnixMs>,
}

impl Default for Condition {
    fn default() -> Self {
        Self {
            stage: Stage::Fit,
            since: 0,
            until: None,
            cause: Cause::Nothing,
            evidence: String::new(),
            offences: 0,
            offended_at: None,
            heard_until: 0,
            pin: None,
        }
    }
}

/// How a number may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Leave {
    /// The least urgent whom it serves; nobody when none.
    pub serves: Option<Priority>,
    /// Its speed, in thousandths of its pace.
    pub pace_milli: u32,
}

impl Leave {
    /// Its whole pace, for everybody.
    pub const ALL: Self = Self { serves: Some(Priority::Bulk), pace_milli: 1_000 };
}

/// A sign against a number: what it calls for.
pub(super) struct Sign {
    pub(super) stage: Stage,
    pub(super) cause: Cause,
    pub(super) evidence: String,
    /// When it was given.
    pub(super) at: UnixMs,
}

impl Cause {
    /// What an error code of Meta's tells against the number whose message was answered with it, if anything.
    pub fn of_code(code: u32) -> Option<Self> {
        TELLING_CODES.into_iter().find(|(telling, _)| *telling == code).map(|(_, cause)| cause)
    }

    /// Whether it is how recipients rate the number.
    fn is_rating(self) -> bool {
        matches!(self, Self::QualityYellow | Self::QualityRed)
    }

    /// Whether it is reckoned from counts, and no word of Meta's or a person's.
    fn is_reckoned(self) -> bool {
        matches!(self, Self::Failing | Self::OptOuts)
    }

    /// Whether recipients are offended, and not only the papers out of order.
    fn is_offence(self) -> bool {
        matches!(self, Self::QualityRed | Self::SpamLimit | Self::AccountBlocked)
    }
}

impl Signs<'_> {
    /// The worst sign there is against a number in the condition `held`, of the answers only those that were not dealt with,
    /// and none so old that its pause would be over. Of signs of one stage the latest, and what Meta says before what is
    /// reckoned.
    fn worst(&self, held: &Condition, now: UnixMs, playbook: &Playbook) -> Option<Sign> {
        let rated = self.reading.and_then(|reading| {
            let (stage, cause) = match reading.quality.as_deref()? {
                "RED" => (Stage::Paused, Cause::QualityRed),
                "YELLOW" => (Stage::Cooldown, Cause::QualityYellow),
                _ => return None,
            };
            let evidence = format!("Meta rates its quality {}", reading.quality.as_deref().unwrap_or_default());
            Some(Sign { stage, cause, evidence, at: reading.read_at })
        });
        let told = self.heard.iter().filter(|heard| heard.at > held.heard_until).filter_map(|heard| {
            let cause = Cause::of_code(heard.code)?;
            let shortest = if cause.is_offence() { playbook.pauses_ms.first() } else { Some(&playbook.refused_ms) };
            if now - heard.at >= *shortest? {
                return None;
            }
            let evidence = format!("a message was answered with {}", heard.code);
            Some(Sign { stage: Stage::Paused, cause, evidence, at: heard.at })
        });
        let reckoned = self.rates.signs(held.stage, now, &playbook.rates);
        let signs = rated.into_iter().chain(told).chain(reckoned);
        signs.max_by_key(|sign| (sign.stage, !sign.cause.is_reckoned(), sign.at))
    }
}

impl Condition {
    /// How the number may be used, as `playbook` has it.
    pub fn leave(&self, playbook: &Playbook) -> Leave {
        match self.stage {
            Stage::Fit => Leave::ALL,
            Stage::Cooldown => {
                Leave { serves: Some(playbook.cooldown_serves), pace_milli: playbook.cooldown_pace_milli }
            }
            Stage::Paused => Leave { serves: None, pace_milli: 0 },
        }
    }

    /// The condition at `now`, by the signs of that moment.
    #[must_use]
    pub fn step(&self, signs: &Signs<'_>, now: UnixMs, playbook: &Playbook) -> Self {
        let mut next = Self { pin: self.pin.filter(|pin| pin.until.is_none_or(|until| now < until)), ..self.clone() };
        let heard = signs.heard.iter().map(|heard| heard.at.min(now));
        next.heard_until = heard.fold(self.heard_until, UnixMs::max);
        if let Some(pin) = next.pin {
            return next.pinned(pin, now);
        }
        if self.pin.is_some() {
            // What a person held is let go of, and served as if its time began now.
            next.until = Some(now);
        }
        if !playbook.on {
            return Self { heard_until: next.heard_until, ..Self::default() };
        }
        match signs.worst(self, now, playbook) {
            Some(sign) if sign.stage >= next.stage => next.struck(sign, now, playbook),
            Some(sign) => next.eased(sign.stage, now, playbook),
            // As long as nobody has read how it is rated now, it is rated as it was.
            None if next.cause.is_rating() && signs.reading.is_none() => next,
            None => next.eased(Stage::Fit, now, playbook),
        }
    }

    /// The condition that a person has set.
    #[must_use]
    pub fn pinned_by(&self, pin: Pin, now: UnixMs) -> Self {
        Self { pin: Some(pin), ..self.clone() }.pinned(pin, now)
    }

    /// The condition when a person lets go of it: the monitor goes on from the stage that it is in.
    #[must_use]
    pub fn unpinned(&self, now: UnixMs) -> Self {
        let until = if self.pin.is_some() { Some(now) } else { self.until };
        Self { pin: None, until, ..self.clone() }
    }

    fn pinned(mut self, pin: Pin, now: UnixMs) -> Self {
        if self.stage != pin.stage || self.cause != Cause::Person {
            self.since = now;
        }
        (self.stage, self.until, self.cause) = (pin.stage, pin.until, Cause::Person);
        self.evidence = "a person has pinned it".to_owned();
        self
    }

    /// Something speaks against it as much as ever, or more.
    fn struck(mut self, sign: Sign, now: UnixMs, playbook: &Playbook) -> Self {
        let rises = sign.stage > self.stage;
        // An offence is not forgotten over papers that are out of order as well; and what comes of one is one offence.
        let is_worse = sign.cause.is_offence() && !self.cause.is_offence() && sign.stage == Stage::Paused;
        // How Meta rates it weighs more than what was reckoned.
        let is_word = sign.stage == self.stage && self.cause.is_reckoned() && sign.cause.is_rating();
        let is_news = rises || is_worse || is_word;
        if is_news {
            if sign.cause.is_offence() {
                let remembered = self.offended_at.is_some_and(|at| now - at < playbook.forgets_ms);
                self.offences = if remembered { self.offences + 1 } else { 1 };
                self.offended_at = Some(now);
            }
            if rises {
                // What it was held for before counts no more: it is held for this.
                (self.since, self.until) = (now, None);
            }
            (self.stage, self.cause, self.evidence) = (sign.stage, sign.cause, sign.evidence);
        }
        let hold = now + self.hold_ms(sign.cause, playbook);
        // A rating that goes on holds it as long as it goes on, and for its time after it.
        let lasts = sign.cause == Cause::QualityYellow || is_news;
        let until = if lasts { hold } else { now };
        // Not at each look: what is kept of it is written anew.
        if is_news || self.until.is_none_or(|before| until - before >= MINUTE_MS) {
            self.until = self.until.max(Some(until));
        }
        self
    }

    fn hold_ms(&self, cause: Cause, playbook: &Playbook) -> i64 {
        match cause {
            Cause::QualityYellow | Cause::Recovering | Cause::OptOuts => playbook.cooldown_ms,
            Cause::Failing => playbook.rates.failing_ms,
            cause if cause.is_offence() => {
                let place = (self.offences.max(1) as usize - 1).min(playbook.pauses_ms.len().saturating_sub(1));
                playbook.pauses_ms.get(place).copied().unwrap_or_default()
            }
            _ => playbook.refused_ms,
        }
    }

    /// Nothing speaks against it beyond `least`: one step down, when its time is over.
    fn eased(mut self, least: Stage, now: UnixMs, playbook: &Playbook) -> Self {
        if self.stage == Stage::Fit || self.until.is_some_and(|until| now < until) {
            return self;
        }
        let is_failing = self.cause == Cause::Failing;
        let with_care = self.cause.is_offence() || self.cause == Cause::Person || is_failing;
        let stage = if self.stage == Stage::Paused && with_care { Stage::Cooldown.max(least) } else { least };
        let span = if is_failing { playbook.rates.failing_ms } else { playbook.cooldown_ms };
        let hold = (stage == Stage::Cooldown).then(|| now + span);
        let evidence = format!("its time in {} is over", self.stage);
        let cause = if stage == Stage::Fit { Cause::Nothing } else { Cause::Recovering };
        (self.stage, self.since, self.until, self.cause, self.evidence) = (stage, now, hold, cause, evidence);
        self
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}: {})", self.stage, self.cause, self.evidence)
    }
}

#[cfg(test)]
#[path = "condition_tests.rs"]
mod tests;
