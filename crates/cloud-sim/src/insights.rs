//! What is counted of templates by day, once an account has insights on.

use std::collections::{BTreeMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::wa_id::WaId;

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
    /// By template, endpoint (the Marketing Messages API, or not) and the day's beginning, in seconds since 1970.
    days: BTreeMap<(u64, bool, u64), Day>,
    /// Who has tapped which button of a template.
    tapped: HashSet<(u64, String, WaId)>,
}

/// A day of a template.
#[derive(Default, Clone)]
pub(crate) struct Day {
    pub(crate) sent: u64,
    pub(crate) delivered: u64,
    /// Those delivered that are paid for.
    pub(crate) billed: u64,
    pub(crate) read: u64,
    pub(crate) blocked: u64,
    /// By kind and label of the button.
    pub(crate) clicks: BTreeMap<(&'static str, String), u64>,
}

/// What is counted.
#[derive(Clone, Copy)]
pub(crate) enum Metric {
    Sent,
    Delivered { is_billable: bool },
    Read,
    Blocked,
}

/// Meta's words for clicks.
pub(crate) const QUICK_REPLY: &str = "quick_reply_button";
pub(crate) const URL: &str = "url_button";
const UNIQUE_URL: &str = "unique_url_button";

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

    pub(crate) fn are_on(&self) -> bool {
        self.are_on.load(Ordering::Relaxed)
    }

    /// Counts something, from when insights are on.
    pub(crate) fn count(&self, template: u64, is_lite: bool, now_us: u64, metric: Metric) {
        if !self.are_on() {
            return;
        }
        let mut counts = self.lock();
        let day = counts.days.entry((template, is_lite, day_of(now_us))).or_default();
        match metric {
            Metric::Sent => day.sent += 1,
            Metric::Delivered { is_billable } => {
                day.delivered += 1;
                day.billed += u64::from(is_billable);
            }
            Metric::Read => day.read += 1,
            Metric::Blocked => day.blocked += 1,
        }
    }

    /// Counts a tap on a button; one that opens an address also once for each user.
    pub(crate) fn click(&self, template: u64, is_lite: bool, now_us: u64, kind: &'static str, label: &str, user: WaId) {
        if !self.are_on() {
            return;
        }
        let mut counts = self.lock();
        let is_first = counts.tapped.insert((template, label.to_owned(), user));
        let day = counts.days.entry((template, is_lite, day_of(now_us))).or_default();
        *day.clicks.entry((kind, label.to_owned())).or_default() += 1;
        if kind == URL && is_first {
            *day.clicks.entry((UNIQUE_URL, label.to_owned())).or_default() += 1;
        }
    }

    /// The days of a template from `start` to `end`, each with its beginning and its end.
    pub(crate) fn days(&self, template: u64, is_lite: bool, start: u64, end: u64) -> Vec<(u64, u64, Day)> {
        let counts = self.lock();
        let days = counts.days.range((template, is_lite, start / DAY * DAY)..(template, is_lite, end));
        days.map(|((.., day), counted)| (*day, day + DAY, counted.clone())).collect()
    }
}

fn day_of(now_us: u64) -> u64 {
    now_us / 1_000_000 / DAY * DAY
}
