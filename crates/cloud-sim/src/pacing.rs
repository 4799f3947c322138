//! Pacing: some messages of a template are accepted and held back until Meta thinks well enough of it; then all go out, or all are
//! dropped (Meta: template pacing). The same of all templates of a portfolio together, whose messages go out batch by batch (Meta:
//! business portfolio pacing).

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

use crate::clock::micros;
use crate::cloud::Cloud;
use crate::graph::fate;
use crate::limits::DAY_US;
use crate::message::{Leg, Message};
use crate::templates::{MARKETING, Template, UTILITY};

/// Meta: how long the utility templates of an account are subject to pacing after one of them was paused.
const UTILITY_SPAN_US: u64 = 7 * DAY_US;

/// What is ordered of a template's messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum PacingOrder {
    /// They are accepted and held back from now on, until another order.
    Held,
    /// Those held back go out, and so do all that follow.
    Released,
    /// Those held back fail with 132015, and the template is paused until it is unpaused by hand.
    Dropped,
}

/// What is paced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Paced {
    /// A template, by its id.
    Template(u64),
    /// All templates together.
    Portfolio,
}

/// A message that was held back, the `nth` to its user.
struct HeldBack {
    message: Arc<Message>,
    nth: u32,
}

/// How much goes out before anything is held back.
#[derive(Clone, Copy)]
struct Pace {
    first: u32,
    /// What went out before this time does not count, and what Meta thought then is forgotten.
    since_us: u64,
}

/// How far Meta is with what is paced.
#[derive(Default)]
struct Trial {
    began_us: u64,
    /// How many messages went out before any was held back.
    went_out: u32,
    is_holding: bool,
    /// Meta has thought well of it.
    has_passed: bool,
    /// Oldest first.
    held: VecDeque<HeldBack>,
}

/// The trials of the portfolio and of all templates.
#[derive(Default)]
pub(crate) struct Pacing(Mutex<HashMap<Paced, Trial>>);

impl Pacing {
    fn lock(&self) -> MutexGuard<'_, HashMap<Paced, Trial>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the next message is held back; and whether it is the first.
    fn holds(&self, paced: Paced, pace: Option<Pace>, now_us: u64) -> Option<bool> {
        let mut all = self.lock();
        if pace.is_none() && !all.contains_key(&paced) {
            return None;
        }
        let trial = all.entry(paced).or_default();
        if trial.is_holding {
            return Some(false);
        }
        let Pace { first, since_us } = pace?;
        if trial.began_us < since_us {
            *trial = Trial { began_us: now_us, ..Trial::default() };
        }
        if trial.has_passed && paced != Paced::Portfolio {
            return None;
        }
        if trial.went_out < first {
            trial.went_out += 1;
            return None;
        }
        trial.is_holding = true;
        Some(true)
    }

    /// Keeps a message, unless it was decided on meanwhile: then whether Meta thought well of it.
    fn keep(&self, paced: Paced, held: HeldBack) -> Result<(), (HeldBack, bool)> {
        let mut all = self.lock();
        let trial = all.entry(paced).or_default();
        if !trial.is_holding {
            return Err((held, trial.has_passed));
        }
        trial.held.push_back(held);
        Ok(())
    }

    /// Ends a trial; what was held back.
    fn end(&self, paced: Paced, has_passed: bool, now_us: u64) -> VecDeque<HeldBack> {
        let trial = Trial { began_us: now_us, has_passed, ..Trial::default() };
        self.lock().insert(paced, trial).unwrap_or_default().held
    }

    /// Takes what of the portfolio may go out next, so many at most; and whether more is held back. When nothing is, what was taken
    /// counts as what went out first.
    fn take_batch(&self, most: usize, now_us: u64) -> (VecDeque<HeldBack>, bool) {
        let mut all = self.lock();
        let trial = all.entry(Paced::Portfolio).or_default();
        let rest = trial.held.split_off(most.min(trial.held.len()));
        let batch = std::mem::replace(&mut trial.held, rest);
        if trial.held.is_empty() {
            let went_out = u32::try_from(batch.len()).unwrap_or(u32::MAX);
            *trial = Trial { began_us: now_us, went_out, has_passed: true, ..Trial::default() };
        }
        (batch, trial.is_holding)
    }

    fn begin(&self, paced: Paced) {
        self.lock().entry(paced).or_default().is_holding = true;
    }

    /// A template that was unpaused is new again.
    pub(crate) fn forget(&self, template: u64) {
        let (mut all, paced) = (self.lock(), Paced::Template(template));
        if all.get(&paced).is_some_and(|trial| !trial.is_holding) {
            all.remove(&paced);
        }
    }
}

impl Cloud {
    /// By what a message of the template is held back, if it is. The first that is begins the time after which Meta decides.
    pub(crate) fn holds_back(&self, template: &Template) -> Option<Paced> {
        let (rules, now_us, id) = (self.rules.get(), self.clock.now_us(), template.id);
        let since =
            rules.paced_after.and_then(|first| Some(Pace { first, since_us: self.paced_since(template, now_us)? }));
        if let Some(is_first) = self.pacing.holds(Paced::Template(id), since, now_us) {
            if is_first {
                self.after(rules.held_for, move |cloud| cloud.decide(id));
            }
            return Some(Paced::Template(id));
        }
        let since_us = now_us.saturating_sub(micros(rules.held_for));
        let pace = rules.portfolio_paced_after.map(|first| Pace { first, since_us });
        let is_first = self.pacing.holds(Paced::Portfolio, pace, now_us)?;
        if is_first {
            self.decide_on_portfolio_at(now_us.saturating_add(micros(rules.held_for)));
        }
        Some(Paced::Portfolio)
    }

    /// From when on the messages of a template count, if it is subject to pacing (Meta: template pacing). A utility template is for
    /// seven days after any of its account was paused, unless it is an old one that is rated well.
    fn paced_since(&self, template: &Template, now_us: u64) -> Option<u64> {
        let is_recent = |at_us: &u64| now_us.saturating_sub(*at_us) < UTILITY_SPAN_US;
        match template.category {
            MARKETING => Some(0),
            UTILITY => {
                let paused_us = self.templates.last_utility_pause(template.waba).filter(is_recent)?;
                let is_unproven =
                    template.quality != "GREEN" || template.utility_pause().as_ref().is_some_and(is_recent);
                is_unproven.then_some(paused_us)
            }
            _ => None,
        }
    }

    /// Keeps a message that was accepted until it is decided on.
    pub(crate) fn hold_back(&self, paced: Paced, message: Arc<Message>, nth: u32) {
        self.webhooks.expect_nothing_yet(&message);
        match self.pacing.keep(paced, HeldBack { message, nth }) {
            Ok(()) => {}
            Err((held, true)) => self.release(held),
            Err((held, false)) => self.drop_held(held),
        }
    }

    /// Meta decides by how the template is rated by then.
    fn decide(&self, id: u64) {
        let is_low = self.templates.by_id(id).is_some_and(|template| template.quality == "RED");
        self.pace(id, if is_low { PacingOrder::Dropped } else { PacingOrder::Released });
    }

    fn decide_on_portfolio_at(&self, at_us: u64) {
        self.agenda.at(at_us, move |cloud| cloud.decide_on_portfolio(at_us));
    }

    /// All that is held back is dropped if a number is rated low by then; else the next batch goes out, and the rest waits as long again
    /// (Meta: business portfolio pacing).
    fn decide_on_portfolio(&self, due_us: u64) {
        let (rules, now_us) = (self.rules.get(), self.clock.now_us());
        if self.numbers.iter().any(|number| self.standings.of(number.place).quality_rating == "RED") {
            return self.pacing.end(Paced::Portfolio, false, now_us).into_iter().for_each(|held| self.drop_held(held));
        }
        let most = rules.portfolio_paced_after.map_or(usize::MAX, |most| most as usize);
        let (batch, is_holding) = self.pacing.take_batch(most, now_us);
        batch.into_iter().for_each(|held| self.release(held));
        if is_holding {
            self.decide_on_portfolio_at(due_us.saturating_add(micros(rules.held_for)));
        }
    }

    /// Does as ordered with a template's messages.
    pub(crate) fn pace(&self, id: u64, order: PacingOrder) {
        let (paced, now_us) = (Paced::Template(id), self.clock.now_us());
        match order {
            PacingOrder::Held => self.pacing.begin(paced),
            PacingOrder::Released => {
                self.pacing.end(paced, true, now_us).into_iter().for_each(|held| self.release(held))
            }
            PacingOrder::Dropped => {
                let told = self.templates.change(id, |template| template.pause_for_pacing(now_us));
                told.flatten().into_iter().for_each(|told| self.webhooks.tell(told));
                self.pacing.end(paced, false, now_us).into_iter().for_each(|held| self.drop_held(held));
            }
        }
    }

    /// A message goes out after all. What becomes of it is decided only now.
    fn release(&self, HeldBack { message, nth }: HeldBack) {
        let now_us = self.clock.now_us();
        let message = self.users.with(message.user, |user| {
            let failure = fate(self, user, &message, nth, now_us);
            let leg = user.leg(failure);
            let released = Message { failure, leg, held_by: None, went_out_us: now_us, ..Message::clone(&message) };
            let message = user.replace(released);
            user.wait(&message, nth);
            message
        });
        self.conversations.went_on(&message, self.go_out(&message, nth));
    }

    fn drop_held(&self, HeldBack { message, nth }: HeldBack) {
        let (failure, went_out_us) = (Some(132_015), self.clock.now_us());
        let dropped = Message { failure, leg: Leg::Whole, held_by: None, went_out_us, ..Message::clone(&message) };
        let message = self.users.with(message.user, |user| user.replace(dropped));
        self.conversations.went_on(&message, self.webhooks.announce(&message, nth));
    }
}
