//! Template pacing: some messages of a template are accepted and held back until Meta thinks well enough of it; then all go out, or
//! all are dropped (Meta: template pacing).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

use crate::cloud::Cloud;
use crate::graph::fate;
use crate::message::{Leg, Message};
use crate::rules::Rules;
use crate::templates::{MARKETING, Template};

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

/// A message that was held back, the `nth` to its user.
struct HeldBack {
    message: Arc<Message>,
    nth: u32,
}

/// How far Meta is with a template.
#[derive(Default)]
struct Trial {
    /// How many messages went out before any was held back.
    went_out: u32,
    is_holding: bool,
    /// Meta has thought well of it.
    has_passed: bool,
    held: Vec<HeldBack>,
}

/// The trials of all templates, by id.
#[derive(Default)]
pub(crate) struct Pacing(Mutex<HashMap<u64, Trial>>);

impl Pacing {
    fn lock(&self) -> MutexGuard<'_, HashMap<u64, Trial>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the next message of a template is held back; and whether it is the first.
    fn holds(&self, template: &Template, rules: &Rules) -> Option<bool> {
        let mut all = self.lock();
        let first = rules.paced_after.filter(|_| template.category == MARKETING);
        if first.is_none() && !all.contains_key(&template.id) {
            return None;
        }
        let trial = all.entry(template.id).or_default();
        if trial.is_holding {
            return Some(false);
        }
        let first = first.filter(|_| !trial.has_passed)?;
        if trial.went_out < first {
            trial.went_out += 1;
            return None;
        }
        trial.is_holding = true;
        Some(true)
    }

    /// Keeps a message, unless the template was decided on meanwhile: then whether Meta thought well of it.
    fn keep(&self, template: u64, held: HeldBack) -> Result<(), (HeldBack, bool)> {
        let mut all = self.lock();
        let trial = all.entry(template).or_default();
        if !trial.is_holding {
            return Err((held, trial.has_passed));
        }
        trial.held.push(held);
        Ok(())
    }

    /// Ends a trial; what was held back.
    fn end(&self, template: u64, has_passed: bool) -> Vec<HeldBack> {
        let trial = Trial { has_passed, ..Trial::default() };
        self.lock().insert(template, trial).unwrap_or_default().held
    }

    fn begin(&self, template: u64) {
        self.lock().entry(template).or_default().is_holding = true;
    }

    /// A template that was unpaused is new again.
    pub(crate) fn forget(&self, template: u64) {
        let mut all = self.lock();
        if all.get(&template).is_some_and(|trial| !trial.is_holding) {
            all.remove(&template);
        }
    }
}

impl Cloud {
    /// Whether a message of the template is held back. The first that is begins the time after which Meta decides.
    pub(crate) fn holds_back(&self, template: &Template) -> bool {
        let (rules, id) = (self.rules.get(), template.id);
        let is_first = self.pacing.holds(template, &rules);
        if is_first == Some(true) {
            self.after(rules.held_for, move |cloud| cloud.decide(id));
        }
        is_first.is_some()
    }

    /// Keeps a message that was accepted until it is decided on.
    pub(crate) fn hold_back(&self, template: u64, message: Arc<Message>, nth: u32) {
        match self.pacing.keep(template, HeldBack { message, nth }) {
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

    /// Does as ordered with a template's messages.
    pub(crate) fn pace(&self, id: u64, order: PacingOrder) {
        match order {
            PacingOrder::Held => self.pacing.begin(id),
            PacingOrder::Released => self.pacing.end(id, true).into_iter().for_each(|held| self.release(held)),
            PacingOrder::Dropped => {
                let told = self.templates.change(id, Template::pause_for_pacing);
                told.flatten().into_iter().for_each(|told| self.webhooks.tell(told));
                self.pacing.end(id, false).into_iter().for_each(|held| self.drop_held(held));
            }
        }
    }

    /// A message goes out after all. What becomes of it is decided only now.
    fn release(&self, HeldBack { message, nth }: HeldBack) {
        let now_us = self.clock.now_us();
        let message = self.users.with(message.user, |user| {
            let failure = fate(self, user, &message, nth, now_us);
            let leg = user.leg(failure);
            let released = Message { failure, leg, is_held: false, went_out_us: now_us, ..Message::clone(&message) };
            let message = user.replace(released);
            user.wait(&message, nth);
            message
        });
        self.conversations.went_on(&message, self.go_out(&message, nth));
    }

    fn drop_held(&self, HeldBack { message, nth }: HeldBack) {
        let (failure, went_out_us) = (Some(132_015), self.clock.now_us());
        let dropped = Message { failure, leg: Leg::Whole, is_held: false, went_out_us, ..Message::clone(&message) };
        let message = self.users.with(message.user, |user| user.replace(dropped));
        self.conversations.went_on(&message, self.webhooks.announce(&message, nth));
    }
}
