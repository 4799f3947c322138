//! The lines of a worker process: for each number, how its sends are answered and who waits for its credit. What one
//! owner hears of a number all owners of the process go by; it is not told to other processes, whose way to the Cloud
//! API may be another.

use std::{
    cmp::Reverse,
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use dawncast_core::{
    UnixMs,
    breaker::{Admission, Breaker},
    campaign::Priority,
    ids::{NumberId, PageRef},
    pace::Answers,
    verdict::Verdict,
};
use tracing::{info, warn};

/// A page that waited for credit and has not asked again for this long after it might have, waits no longer.
const ASKS_WITHIN: Duration = Duration::from_millis(20);
/// Who gives way looks again after this.
const GIVES_WAY_MS: i64 = 25;

/// Which page goes first when a number is short of credit: the smallest.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Urgency {
    priority: Reverse<Priority>,
    due: UnixMs,
    page: u32,
}

impl Urgency {
    /// Of a page whose first delivery was due at `due`: the urgent lanes first, in a lane what has waited longest.
    pub(super) fn new(priority: Priority, due: UnixMs, page: u32) -> Self {
        Self { priority: Reverse(priority), due, page }
    }
}

#[derive(Default)]
struct Line {
    answers: Answers,
    breaker: Breaker,
    /// Pages that wait for credit, and until when that is believed.
    waiting: HashMap<PageRef, (Urgency, Instant)>,
}

impl Line {
    /// Whether a page that is more urgent waits for credit.
    fn has_before(&mut self, urgency: &Urgency, now: Instant) -> bool {
        self.waiting.retain(|_, (_, until)| *until >= now);
        self.waiting.values().any(|(other, _)| other < urgency)
    }
}

/// See the module. Goes by the process's own time, since the clock of Redis may step.
pub(crate) struct Lines {
    started: Instant,
    by_number: Mutex<HashMap<NumberId, Line>>,
}

/// How a send was answered.
pub(super) struct Heard {
    pub(super) verdict: Verdict,
    /// A rate limit turned it away.
    pub(super) throttled: bool,
    /// When it was sent.
    pub(super) sent: Instant,
}

impl Lines {
    /// Nothing has been sent yet.
    pub(super) fn new() -> Self {
        Self { started: Instant::now(), by_number: Mutex::default() }
    }

    fn ms(&self, at: Instant) -> i64 {
        at.saturating_duration_since(self.started).as_millis() as i64
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<NumberId, Line>> {
        self.by_number.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes how a send of `number` was answered; true when the number is too fast.
    pub(super) fn heard(&self, number: &NumberId, heard: &Heard, now: Instant) -> bool {
        let (sent, now) = (self.ms(heard.sent), self.ms(now));
        let mut lines = self.lock();
        let line = match lines.get_mut(number) {
            Some(line) => line,
            None => lines.entry(number.clone()).or_default(),
        };
        let was_open = line.breaker.is_open();
        line.breaker.note(heard.verdict, sent, now, &mut rand::rng());
        match (was_open, line.breaker.is_open()) {
            (false, true) => {
                warn!(number.id = %number, "nothing that number {number} sends is served: it is held back")
            }
            (true, false) => info!(number.id = %number, "what number {number} sends is served again"),
            _ => {}
        }
        line.answers.note(heard.throttled, now * 1_000)
    }

    /// What a page of this urgency may send from `number` now.
    pub(super) fn admit(&self, number: &NumberId, urgency: &Urgency, now: Instant) -> Admission {
        let mut lines = self.lock();
        let Some(line) = lines.get_mut(number) else { return Admission::Free };
        if line.has_before(urgency, now) {
            return Admission::Wait(GIVES_WAY_MS);
        }
        line.breaker.admit(self.ms(now))
    }

    /// A page was granted no credit and asks again at `again`: those that are less urgent give way.
    pub(super) fn wait(&self, number: &NumberId, page: &PageRef, urgency: Urgency, again: Instant) {
        let until = again + ASKS_WITHIN;
        self.lock().entry(number.clone()).or_default().waiting.insert(page.clone(), (urgency, until));
    }

    /// Whether the Cloud API answers at all, asked because nothing that `number` sent was served.
    pub(super) fn probed(&self, number: &NumberId, is_there: bool, now: Instant) {
        if let Some(line) = self.lock().get_mut(number) {
            line.breaker.probed(is_there, self.ms(now), &mut rand::rng());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(page: u32) -> PageRef {
        PageRef { run: "r".parse().expect("an id"), page }
    }

    #[test]
    fn the_urgent_lane_comes_first_and_then_what_was_due_first() {
        let urgency = |priority, due, page| Urgency::new(priority, due, page);
        let mut all = [
            urgency(Priority::Bulk, 1, 0),
            urgency(Priority::Normal, 7, 3),
            urgency(Priority::Critical, 9, 0),
            urgency(Priority::Normal, 5, 4),
        ];
        all.sort();
        assert_eq!(all.map(|it| it.due), [9, 5, 7, 1]);
    }

    #[test]
    fn a_page_gives_way_to_a_more_urgent_one_that_waits_for_credit_and_to_no_other() {
        let (lines, number, now) = (Lines::new(), "1".parse().expect("an id"), Instant::now());
        let urgency = |due| Urgency::new(Priority::Normal, due, 0);
        let later = now + Duration::from_millis(10);
        lines.wait(&number, &page(1), urgency(5), later);
        assert_eq!(lines.admit(&number, &urgency(6), now), Admission::Wait(GIVES_WAY_MS));
        assert_eq!(lines.admit(&number, &urgency(5), now), Admission::Free, "itself");
        assert_eq!(lines.admit(&number, &urgency(4), now), Admission::Free);
        assert_eq!(lines.admit(&"2".parse().expect("an id"), &urgency(6), now), Admission::Free, "another number");
        assert_eq!(lines.admit(&number, &urgency(6), later + 2 * ASKS_WITHIN), Admission::Free, "it went away");
    }
}
