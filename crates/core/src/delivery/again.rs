//! Who of a closed run may be sent to again, by a new run.

use super::{DeliveryState, Outcome, Record};

/// Whether a recipient of a closed run may be sent to again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Again {
    /// Nothing got through, and another attempt may.
    Yes,
    /// The message got through.
    Reached,
    /// Nobody knows whether it did: another one may be the second.
    Unconfirmed,
    /// Every other attempt would fail as well.
    FailedForGood,
    /// A person did not want it sent.
    Cancelled,
}

impl Again {
    /// Decides by what a delivery of a closed run is, and what is known of its attempts.
    pub fn of(state: DeliveryState, record: &Record) -> Self {
        let safe = |outcome| matches!(outcome, Outcome::None | Outcome::FailedRetryable);
        match state {
            DeliveryState::Accepted | DeliveryState::Sent | DeliveryState::Delivered | DeliveryState::Read => {
                Self::Reached
            }
            DeliveryState::Cancelled => Self::Cancelled,
            DeliveryState::Planned | DeliveryState::Sending | DeliveryState::Unconfirmed => Self::Unconfirmed,
            DeliveryState::Failed | DeliveryState::Expired if record.outcomes.iter().all(safe) => Self::Yes,
            DeliveryState::Failed | DeliveryState::Expired => Self::FailedForGood,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
