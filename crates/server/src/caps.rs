//! A number's caps and its warm-up, as they are given and answered.

use dawncast_core::{
    UnixMs,
    health::{Playbook, Warmup},
};
use dawncast_store::records::Number;
use serde::{Deserialize, Serialize};

use crate::{form::Form, time::rfc3339};

/// More than any number can send in a day (Meta: throughput, 1000 a second).
const MOST: u32 = 100_000_000;

/// What is said of a number's caps and warm-up.
pub(crate) struct Given {
    /// `None` leaves it as it is, `Some(None)` lifts it.
    per_hour: Option<Option<u32>>,
    per_day: Option<Option<u32>>,
    warmup: Option<Order>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Order {
    Start,
    Stop,
}

impl Given {
    pub(crate) fn read(form: &mut Form) -> Self {
        Self {
            per_hour: read_cap(form, "max_per_hour"),
            per_day: read_cap(form, "max_per_day"),
            warmup: form.optional("warmup"),
        }
    }

    /// A warm-up that is under way goes on when it is started again.
    pub(crate) fn apply(&self, number: &mut Number, now: UnixMs) {
        number.caps.per_hour = self.per_hour.unwrap_or(number.caps.per_hour);
        number.caps.per_day = self.per_day.unwrap_or(number.caps.per_day);
        number.warmup = match self.warmup {
            Some(Order::Start) => number.warmup.or(Some(Warmup::starting(now))),
            Some(Order::Stop) => None,
            None => number.warmup,
        };
    }
}

fn read_cap(form: &mut Form, name: &'static str) -> Option<Option<u32>> {
    let is_lifted = form.is_null(name);
    let cap = form.optional(name);
    if cap.is_some_and(|cap| !(1..=MOST).contains(&cap)) {
        form.fault(
            name,
            format!("must lie between 1 and {MOST}; null lifts it, and a pause lets a number send nothing."),
        );
    }
    cap.map(Some).or(is_lifted.then_some(None))
}

/// A warm-up as it is answered.
#[derive(Serialize)]
pub(crate) struct WarmupView {
    /// From one.
    step: usize,
    steps: usize,
    max_per_day: Option<u32>,
    since: String,
}

impl WarmupView {
    pub(crate) fn of(number: &Number, playbook: &Playbook) -> Option<Self> {
        let (warmup, plan) = (number.warmup?, &playbook.warmup);
        let (step, max_per_day) = (warmup.day(plan), warmup.cap(plan));
        Some(Self { step, steps: plan.len(), max_per_day, since: rfc3339(warmup.since) })
    }
}
