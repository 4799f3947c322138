//! Rule 9, when Redis loses acknowledged writes: what may have gone out though the ledger does not know of it.

use crate::{
    UnixMs,
    campaign::Then,
    delivery::{Outcome, Record, Standing},
    desk::{Intent, Rules},
};

/// Clocks that differ by less are taken for equal, here as at boot.
const MARGIN_MS: i64 = 1_000;

/// Up to when attempts may have been begun on a server that is gone: until another one took its place. Where nobody
/// knows when that `started`, as with a replica that was up all the time, until now.
pub fn doubt_until(now: UnixMs, started: Option<UnixMs>) -> UnixMs {
    started.map_or(now, |started| started.min(now)) + MARGIN_MS
}

/// The next attempts that may have been begun by `until` without the ledger's knowledge: of whoever was due by then, of
/// whoever was to be tried again, and of the unsure whom the policy may have sent to again. What was begun after `until`
/// is in the ledger, and nothing followed it unseen. `dues` are the planned times. What is marked counts as begun by
/// [`marked_at`]: whoever was marked is not named again, unless a receipt tells that the marked attempt failed and another
/// may not, since that one may be lost as well.
pub fn suspects(records: &[Record], dues: &[UnixMs], rules: &Rules, until: UnixMs) -> Vec<Intent> {
    let mut intents = Vec::new();
    for (index, (record, due)) in records.iter().zip(dues).enumerate() {
        let expected = record.standing(&rules.terms);
        let open = match expected {
            Standing::Planned => *due <= until,
            Standing::Retrying => begun_by(record, marked_at(until)),
            Standing::Unconfirmed => begun_by(record, until) && rules.may_resend(record),
            _ => false,
        };
        if open {
            intents.push(Intent { index: index as u16, attempt: record.outcomes.used() + 1, expected });
        }
    }
    intents
}

/// When suspects of a doubt count as begun: right after it, and before whatever was begun since.
pub fn marked_at(until: UnixMs) -> UnixMs {
    until + 1
}

/// A record that does not know when its latest attempt was begun has it from a receipt alone.
fn begun_by(record: &Record, until: UnixMs) -> bool {
    record.last_begun.is_none_or(|at| at <= until)
}

impl Rules {
    /// Whether the policy ever sends an unsure delivery again. Not once any attempt has failed for good: every other
    /// would.
    pub(crate) fn may_resend(&self, record: &Record) -> bool {
        let refused_for_good = record.outcomes.iter().any(|outcome| outcome == Outcome::Failed);
        self.unconfirmed == Then::Resend && !refused_for_good && record.attempts_remain(&self.terms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        delivery::{Fact, Terms},
        retry::RetryPolicy,
    };

    const TERMS: Terms = Terms { max_attempts: 3, counts: Outcome::Sent, deadline: 300_000 };
    const UNTIL: UnixMs = 10_000;

    fn rules(unconfirmed: Then) -> Rules {
        let retry = RetryPolicy { max_attempts: 3, base_ms: 1_000, cap_ms: 30_000 };
        Rules { terms: TERMS, retry, unconfirmed, grace_ms: 5_000, late: false }
    }

    /// A record whose attempts came to these outcomes, the latest begun at `at`.
    fn record(outcomes: &[Outcome], at: UnixMs) -> Record {
        let mut record = Record::default();
        for (attempt, outcome) in (1..).zip(outcomes) {
            record.begin(attempt, 0, at);
            record.apply(&Fact { attempt, outcome: *outcome, throttled: false, code: 0, at }, &TERMS);
        }
        record
    }

    /// The attempt that is suspected, if any.
    fn suspected(record: Record, due: UnixMs, then: Then) -> Option<u8> {
        suspects(&[record], &[due], &rules(then), UNTIL).first().map(|intent| intent.attempt)
    }

    #[test]
    fn whoever_was_due_by_then_is_suspected_and_nobody_later() {
        for (due, attempt) in [(0, Some(1)), (UNTIL, Some(1)), (UNTIL + 1, None)] {
            assert_eq!(suspected(Record::default(), due, Then::GiveUp), attempt, "due at {due}");
        }
    }

    #[test]
    fn what_was_to_be_tried_again_may_have_been() {
        use Outcome::{FailedRetryable, Unsure};
        assert_eq!(suspected(record(&[FailedRetryable], 9_000), 0, Then::GiveUp), Some(2));
        assert_eq!(suspected(record(&[FailedRetryable], UNTIL + 2), 0, Then::GiveUp), None, "all after the loss");
        assert_eq!(suspected(record(&[Unsure], 9_000), 0, Then::Resend), Some(2));
        assert_eq!(suspected(record(&[Unsure], 9_000), 0, Then::GiveUp), None, "nobody would have sent again");
        assert_eq!(suspected(record(&[Unsure; 3], 9_000), 0, Then::Resend), None, "no attempt was left");
        assert_eq!(suspected(record(&[Unsure, Outcome::Failed], 9_000), 0, Then::Resend), None);
    }

    #[test]
    fn what_is_settled_is_not_suspected() {
        for outcome in [Outcome::Accepted, Outcome::Sent, Outcome::Failed, Outcome::Delivered, Outcome::Read] {
            assert_eq!(suspected(record(&[outcome], 9_000), 0, Then::Resend), None, "{outcome:?}");
        }
    }

    #[test]
    fn whoever_was_marked_is_not_named_again() {
        let records =
            [Record::default(), record(&[Outcome::FailedRetryable], 9_000), record(&[Outcome::Unsure], 9_000)];
        let (dues, rules) = ([0; 3], rules(Then::Resend));
        let named = suspects(&records, &dues, &rules, UNTIL);
        let mut marked = records;
        for intent in &named {
            let record = &mut marked[usize::from(intent.index)];
            record.begin(intent.attempt, 0, marked_at(UNTIL));
            record.take_over();
        }
        assert_eq!((named.len(), suspects(&marked, &dues, &rules, UNTIL)), (3, vec![]));
        assert!(marked.iter().all(|record| record.standing(&TERMS) == Standing::Unconfirmed));
    }

    #[test]
    fn a_marked_attempt_that_turns_out_to_have_failed_may_have_been_followed_by_another() {
        let mut record = Record::default();
        record.begin(1, 0, marked_at(UNTIL));
        record.take_over();
        assert_eq!(suspected(record, 0, Then::GiveUp), None);
        let failed = Fact { attempt: 1, outcome: Outcome::FailedRetryable, throttled: false, code: 0, at: UNTIL };
        record.apply(&failed, &TERMS);
        assert_eq!(suspected(record, 0, Then::GiveUp), Some(2));
    }

    #[test]
    fn a_server_that_started_later_began_nothing_before() {
        assert_eq!(doubt_until(50_000, Some(20_000)), 20_000 + MARGIN_MS);
        assert_eq!(doubt_until(50_000, Some(50_900)), 50_000 + MARGIN_MS, "seconds are rounded up");
        assert_eq!(doubt_until(50_000, None), 50_000 + MARGIN_MS);
    }
}
