//! Who of a closed run may be sent to again, by a new run.

use super::{DeliveryState, Outcome, Record};
use crate::consent::is_wait;

/// Whether a recipient of a closed run may be sent to again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Again {
    /// Nothing got through, and another attempt may.
    Yes,
    /// The message got through.
    Reached,
    /// Nobody knows whether it did: another one may be the second.
    Unconfirmed,
    /// Meta withheld the message from its recipient: another may get through when that wait is over, and not before.
    Withheld,
    /// Every other attempt would fail as well.
    FailedForGood,
    /// A person did not want it sent.
    Cancelled,
}

impl Again {
    /// Decides by what a delivery of a closed run is, and what is known of its attempts.
    pub fn of(state: DeliveryState, record: &Record) -> Self {
        let safe = |outcome| matches!(outcome, Outcome::None | Outcome::FailedRetryable);
        let failed = |outcome| safe(outcome) || outcome == Outcome::Failed;
        match state {
            DeliveryState::Accepted | DeliveryState::Sent | DeliveryState::Delivered | DeliveryState::Read => {
                Self::Reached
            }
            DeliveryState::Cancelled => Self::Cancelled,
            DeliveryState::Planned | DeliveryState::Sending | DeliveryState::Unconfirmed => Self::Unconfirmed,
            DeliveryState::Failed | DeliveryState::Expired if record.outcomes.iter().all(safe) => Self::Yes,
            DeliveryState::Failed if is_wait(record.code) && record.outcomes.iter().all(failed) => Self::Withheld,
            DeliveryState::Failed | DeliveryState::Expired => Self::FailedForGood,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_meta_withheld_may_be_sent_again_when_its_wait_is_over() {
        let of = |code, outcomes: &[Outcome]| {
            let mut record = Record { code, ..Record::default() };
            for (attempt, outcome) in (1..).zip(outcomes) {
                record.outcomes.raise(attempt, *outcome);
            }
            Again::of(DeliveryState::Failed, &record)
        };
        assert_eq!(of(131_049, &[Outcome::Failed]), Again::Withheld);
        assert_eq!(of(990_002, &[Outcome::FailedRetryable, Outcome::Failed]), Again::Withheld);
        assert_eq!(of(131_049, &[Outcome::Unsure, Outcome::Failed]), Again::FailedForGood);
        assert_eq!(of(131_026, &[Outcome::Failed]), Again::FailedForGood);
    }

    #[test]
    fn only_what_certainly_did_not_get_through_and_may_is_sent_again() {
        let with = |outcomes: &[Outcome]| {
            let mut record = Record::default();
            for (attempt, outcome) in (1..).zip(outcomes) {
                record.outcomes.raise(attempt, *outcome);
            }
            record
        };
        for (state, outcomes, expected) in [
            (DeliveryState::Expired, &[][..], Again::Yes),
            (DeliveryState::Failed, &[Outcome::FailedRetryable, Outcome::FailedRetryable], Again::Yes),
            (DeliveryState::Failed, &[Outcome::FailedRetryable, Outcome::Failed], Again::FailedForGood),
            (DeliveryState::Failed, &[Outcome::Failed], Again::FailedForGood),
            (DeliveryState::Unconfirmed, &[Outcome::Unsure], Again::Unconfirmed),
            (DeliveryState::Failed, &[Outcome::Unsure, Outcome::FailedRetryable], Again::FailedForGood),
            (DeliveryState::Read, &[Outcome::Read], Again::Reached),
            (DeliveryState::Cancelled, &[], Again::Cancelled),
        ] {
            assert_eq!(Again::of(state, &with(outcomes)), expected, "{state:?} {outcomes:?}");
        }
    }
}
