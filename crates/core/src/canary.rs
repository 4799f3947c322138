//! A canary: a share of a run goes out first, and the rest only if few enough of those messages fail. Pure.

use serde::{Deserialize, Serialize};

use crate::{
    campaign::read_some_time,
    delivery::Standing,
    fault::{Faults, read::Node, word},
    window::{Span, Window},
};

/// How long after its watch a canary is judged at the latest, before the rest is due: a look a second, and what finds and
/// tells the verdict.
const JUDGING_MS: i64 = 3_000;

/// What a campaign asks of its canary.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Canary {
    /// The share of the deliveries that goes out first, above 0 and below 1.
    pub share: f64,
    /// The share of them, 0 to 1, of which the failures stop the run when there are more.
    pub max_failures: f64,
    /// How long their receipts are waited for after the last of them was due.
    pub watch: Span,
}

impl Canary {
    pub(crate) fn read(node: &Node<'_>) -> Option<Self> {
        node.object(|fields| {
            let share = fields.required("share", |node| match node.number(0.0..=1.0)? {
                share if share > 0.0 && share < 1.0 => Some(share),
                _ => node.fault("must be above 0 and below 1, such as 0.05: some go out first, and some after them."),
            });
            let max_failures = fields.or("max_failures", 0.02, |node| node.number(0.0..=1.0));
            let watch = fields.or("watch", Span::seconds(60), read_some_time);
            Some(Self { share: share?, max_failures: max_failures?, watch: watch? })
        })
    }

    /// The time of the window in which nothing is planned, in milliseconds: the canary is watched, and judged.
    pub fn pause_ms(&self) -> i64 {
        self.watch.ms() + JUDGING_MS
    }

    /// What it takes of the window, to be said where something does not fit.
    pub(crate) fn takes(&self) -> String {
        format!(", and the canary's watch takes {:.1} s of the window", self.pause_ms() as f64 / 1_000.0)
    }

    /// Whether the window leaves any time to send in.
    pub(crate) fn check(&self, window: &Window, faults: &mut Faults) {
        let length = window.closes.ms() - window.opens.ms();
        if length > 0 && self.pause_ms() >= length {
            let (watch, Window { opens, closes, .. }) = (self.watch, window);
            let detail = format!(
                "{watch}, and 3s to judge, is the whole window from {opens} to {closes}: watch for less, or close later."
            );
            faults.add("/canary/watch", detail);
        }
    }

    /// How many of `deliveries` go first: at least one, and not all where there are two.
    pub fn size(&self, deliveries: usize) -> usize {
        let share = (self.share * deliveries as f64).ceil() as usize;
        share.clamp(1, deliveries.saturating_sub(1).max(1)).min(deliveries)
    }

    /// How much of a window of `length_ms` they have: their share of the time in which anything is sent.
    pub fn length_ms(&self, length_ms: i64) -> i64 {
        ((self.share * (length_ms - self.pause_ms()).max(0) as f64).ceil() as i64).max(1)
    }

    /// The verdict on what was seen; `None` while it is open. Too many failures are a verdict at any time; before the watch
    /// is over, or while any message has not been tried, there is no other.
    pub fn judge(&self, seen: &Seen, watch_is_over: bool) -> Option<CanaryVerdict> {
        let bound = self.max_failures * (seen.deliveries - seen.suppressed) as f64;
        if seen.failed as f64 > bound {
            return Some(CanaryVerdict::Failed);
        }
        if !watch_is_over || seen.waiting > 0 {
            return None;
        }
        // What was tried and has not got through by now is no good sign.
        let failures = seen.failed + seen.undecided;
        Some(if failures as f64 > bound { CanaryVerdict::Failed } else { CanaryVerdict::Passed })
    }
}

word! {
    /// Whether the rest goes out.
    pub enum CanaryVerdict {
        /// It does.
        Passed = "passed",
        /// Not before a person lets it.
        Failed = "failed",
    }
}

/// What is seen of a canary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Seen {
    /// All of it.
    pub deliveries: u64,
    /// Got through: accepted, or better.
    pub reached: u64,
    /// Failed for good.
    pub failed: u64,
    /// Suppressed after freeze: neither a failure nor a success.
    pub suppressed: u64,
    /// Tried, and not got through yet: refused for the moment, or nobody knows.
    pub undecided: u64,
    /// Not tried yet, or being tried.
    pub waiting: u64,
}

impl Seen {
    /// One more delivery, which stands there. `suppressed` says that it failed because its recipient is on the list by now.
    pub fn add(&mut self, standing: Standing, suppressed: bool) {
        self.deliveries += 1;
        *match standing {
            Standing::Failed if suppressed => &mut self.suppressed,
            Standing::Failed => &mut self.failed,
            Standing::Retrying | Standing::Unconfirmed => &mut self.undecided,
            Standing::Planned | Standing::Sending => &mut self.waiting,
            Standing::Accepted | Standing::Sent | Standing::Delivered | Standing::Read => &mut self.reached,
        } += 1;
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::fault::read::document;

    const CANARY: Canary = Canary { share: 0.1, max_failures: 0.02, watch: Span::seconds(60) };

    fn read(canary: &Value) -> Result<Canary, String> {
        document(canary, Canary::read).map_err(|faults| faults.to_string())
    }

    fn seen(standings: &[(Standing, u64)]) -> Seen {
        let mut seen = Seen::default();
        for (standing, count) in standings {
            (0..*count).for_each(|_| seen.add(*standing, false));
        }
        seen
    }

    #[test]
    fn a_canary_reads_back_as_written_and_has_a_bound_and_a_watch_by_itself() {
        assert_eq!(
            read(&json!({"share": 0.05})),
            Ok(Canary { share: 0.05, max_failures: 0.02, watch: Span::seconds(60) })
        );
        let given = json!({"share": 0.5, "max_failures": 0.0, "watch": "90s"});
        let echoed = serde_json::to_value(read(&given).expect("a canary")).expect("JSON");
        assert_eq!(read(&echoed), read(&given));
    }

    #[test]
    fn a_canary_of_none_or_all_is_refused() {
        for share in [0.0, 1.0, 2.0] {
            assert!(read(&json!({"share": share})).is_err_and(|why| why.starts_with("/share: ")), "{share}");
        }
        assert!(read(&json!({})).is_err_and(|why| why.starts_with("/share: ")));
        assert!(read(&json!({"share": 0.1, "max_failures": 1.5})).is_err());
        assert!(read(&json!({"share": 0.1, "watch": "0s"})).is_err());
    }

    #[test]
    fn some_go_first_and_some_after_them() {
        assert_eq!([0, 1, 2, 5, 100, 101].map(|all| CANARY.size(all)), [0, 1, 1, 1, 10, 11]);
        let most = Canary { share: 0.99, ..CANARY };
        assert_eq!([2, 3].map(|all| most.size(all)), [1, 2]);
    }

    #[test]
    fn a_canary_has_its_share_of_the_time_that_is_left() {
        assert_eq!(CANARY.length_ms(300_000), 23_700);
        assert_eq!(CANARY.length_ms(10), 1);
    }

    #[test]
    fn a_watch_as_long_as_the_window_is_a_fault() {
        let told = |watch| {
            let mut faults = Faults::new();
            Canary { watch: Span::seconds(watch), ..CANARY }.check(&Window::default(), &mut faults);
            faults.into_result(()).err().map(|faults| faults.to_string())
        };
        assert_eq!(told(296), None);
        assert_eq!(
            told(297).as_deref(),
            Some(
                "/canary/watch: 4m57s, and 3s to judge, is the whole window from -30s to +4m30s: watch for less, or close later."
            )
        );
    }

    #[test]
    fn too_many_failures_are_a_verdict_at_once() {
        let two = seen(&[(Standing::Failed, 2), (Standing::Planned, 98)]);
        assert_eq!(CANARY.judge(&two, false), None);
        let three = seen(&[(Standing::Failed, 3), (Standing::Planned, 97)]);
        assert_eq!(CANARY.judge(&three, false), Some(CanaryVerdict::Failed));
    }

    #[test]
    fn a_canary_passes_only_when_it_was_watched_and_everybody_was_tried() {
        let well = seen(&[(Standing::Delivered, 98), (Standing::Failed, 2)]);
        assert_eq!(CANARY.judge(&well, false), None);
        assert_eq!(CANARY.judge(&well, true), Some(CanaryVerdict::Passed));
        let unsent = seen(&[(Standing::Delivered, 99), (Standing::Planned, 1)]);
        assert_eq!(CANARY.judge(&unsent, true), None);
    }

    #[test]
    fn what_has_not_got_through_when_the_watch_is_over_counts_as_failed() {
        let unsure = seen(&[(Standing::Accepted, 97), (Standing::Unconfirmed, 2), (Standing::Retrying, 1)]);
        assert_eq!(CANARY.judge(&unsure, false), None);
        assert_eq!(CANARY.judge(&unsure, true), Some(CanaryVerdict::Failed));
    }

    #[test]
    fn who_was_suppressed_meanwhile_is_no_failure() {
        let mut seen = seen(&[(Standing::Read, 10)]);
        (0..90).for_each(|_| seen.add(Standing::Failed, true));
        assert_eq!(CANARY.judge(&seen, true), Some(CanaryVerdict::Passed));
        seen.add(Standing::Failed, false);
        assert_eq!(CANARY.judge(&seen, true), Some(CanaryVerdict::Failed), "one of eleven");
    }
}
