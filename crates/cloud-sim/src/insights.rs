//! What is counted of templates: messages accepted by day, once an account has insights on.

use std::collections::{BTreeMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

const DAY: u64 = 86_400;

/// The counts of every template.
#[derive(Default)]
pub(crate) struct Insights {
    counts: Mutex<Counts>,
    /// Whether any account has them on: else sends count nothing.
    are_on: AtomicBool,
}

#[derive(Default)]
struct Counts {
    /// The accounts that have insights on; there is no way back.
    enabled: HashSet<usize>,
    /// By template and the day's beginning, in seconds since 1970.
    sent: BTreeMap<(u64, u64), u64>,
}

impl Insights {
    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn enable(&self, waba: usize) {
        self.lock().enabled.insert(waba);
        self.are_on.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_enabled(&self, waba: usize) -> bool {
        self.lock().enabled.contains(&waba)
    }

    /// Counts a message that was accepted, from when insights are on.
    pub(crate) fn count(&self, template: u64, now_us: u64) {
        if !self.are_on.load(Ordering::Relaxed) {
            return;
        }
        let day = now_us / 1_000_000 / DAY * DAY;
        *self.lock().sent.entry((template, day)).or_default() += 1;
    }

    /// The days of a template from `start` to `end`, each with its beginning, its end and its messages.
    pub(crate) fn days(&self, template: u64, start: u64, end: u64) -> Vec<(u64, u64, u64)> {
        let counts = self.lock();
        let days = counts.sent.range((template, start / DAY * DAY)..(template, end));
        days.map(|((_, day), sent)| (*day, day + DAY, *sent)).collect()
    }
}
