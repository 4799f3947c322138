//! The fold: from attempts to what a delivery is. Its twin in Lua is `fold` in the store's `ledger.lua`; a test on
//! random records holds the two equal.

use serde::{Deserialize, Serialize};

use super::{Attempt, MAX_ATTEMPTS, Outcome, Outcomes};

/// What a delivery is by its attempts alone. The codes are what scripts answer and tallies count by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Standing {
    /// No attempt was made.
    Planned = 1,
    /// Every attempt failed in a way that another may not, and attempts remain.
    Retrying = 2,
    /// An attempt is begun: it may be on the wire.
    Sending = 3,
    /// An attempt may or may not have got through.
    Unconfirmed = 4,
    /// It failed for good.
    Failed = 5,
    /// The best attempt was accepted.
    Accepted = 6,
    /// The best attempt was sent.
    Sent = 7,
    /// The best attempt is on the phone.
    Delivered = 8,
    /// The best attempt was read.
    Read = 9,
}

impl Standing {
    /// All, by code.
    pub const ALL: [Self; 9] = [
        Self::Planned,
        Self::Retrying,
        Self::Sending,
        Self::Unconfirmed,
        Self::Failed,
        Self::Accepted,
        Self::Sent,
        Self::Delivered,
        Self::Read,
    ];

    /// The standing with this code.
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.get(usize::from(code.checked_sub(1)?)).copied()
    }

    /// Its name: also the field of the tallies.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Retrying => "retrying",
            Self::Sending => "sending",
            Self::Unconfirmed => "unconfirmed",
            Self::Failed => "failed",
            Self::Accepted => "accepted",
            Self::Sent => "sent",
            Self::Delivered => "delivered",
            Self::Read => "read",
        }
    }

    /// True when an attempt got through.
    pub fn is_positive(self) -> bool {
        self >= Self::Accepted
    }
}

/// What the run says to a delivery that waits for its turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gate {
    /// The run sends, or will.
    Open,
    /// The deadline has passed and the campaign does not send late.
    Expired,
    /// A person has cancelled the run.
    Cancelled,
}

/// What a delivery is, in the words of the API and the report. Disjoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DeliveryState {
    /// Waits for its time, or for another attempt.
    Planned,
    /// An attempt is on its way.
    Sending,
    /// An attempt may or may not have got through.
    Unconfirmed,
    /// Accepted by WhatsApp.
    Accepted,
    /// Sent on by WhatsApp.
    Sent,
    /// On the phone.
    Delivered,
    /// Read.
    Read,
    /// Failed for good.
    Failed,
    /// Its deadline passed before an attempt was made.
    Expired,
    /// The run was cancelled before it was served.
    Cancelled,
}

impl DeliveryState {
    /// The states that a delivery moves to by what is known of its attempts. The others follow from the run alone.
    pub const COUNTED: [Self; 8] = [
        Self::Planned,
        Self::Sending,
        Self::Unconfirmed,
        Self::Accepted,
        Self::Sent,
        Self::Delivered,
        Self::Read,
        Self::Failed,
    ];

    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Sending => "sending",
            Self::Unconfirmed => "unconfirmed",
            Self::Accepted => "accepted",
            Self::Sent => "sent",
            Self::Delivered => "delivered",
            Self::Read => "read",
            Self::Failed => "failed",
            Self::Expired => "expired",
            Self::Cancelled => "cancelled",
        }
    }

    /// What a delivery of this standing is in a run with this gate. A delivery that was tried and refused until the
    /// deadline came has failed, with a code to show; one that was never tried has expired.
    pub fn of(standing: Standing, gate: Gate) -> Self {
        match (standing, gate) {
            (Standing::Planned | Standing::Retrying, Gate::Open) => Self::Planned,
            (Standing::Planned | Standing::Retrying, Gate::Cancelled) => Self::Cancelled,
            (Standing::Planned, Gate::Expired) => Self::Expired,
            (Standing::Retrying, Gate::Expired) | (Standing::Failed, _) => Self::Failed,
            (Standing::Sending, _) => Self::Sending,
            (Standing::Unconfirmed, _) => Self::Unconfirmed,
            (Standing::Accepted, _) => Self::Accepted,
            (Standing::Sent, _) => Self::Sent,
            (Standing::Delivered, _) => Self::Delivered,
            (Standing::Read, _) => Self::Read,
        }
    }
}

/// True while a further attempt may be begun: throttled ones never left, so the policy does not count them, but the
/// record has room for eight in all.
pub(super) fn attempts_remain(outcomes: Outcomes, throttled: u8, max_attempts: Attempt) -> bool {
    let used = outcomes.used();
    used < MAX_ATTEMPTS && used.saturating_sub(throttled) < max_attempts
}

/// What a delivery is: the best positive outcome of any attempt; else sending if one is begun; else unconfirmed if
/// one is unsure; else failed if one failed for good; else it waits while attempts remain; else failed.
pub fn fold(outcomes: Outcomes, throttled: u8, max_attempts: Attempt) -> Standing {
    let has = |wanted| outcomes.iter().any(|outcome| outcome == wanted);
    match outcomes.iter().filter(|outcome| outcome.is_positive()).max() {
        Some(Outcome::Read) => Standing::Read,
        Some(Outcome::Delivered) => Standing::Delivered,
        Some(Outcome::Sent) => Standing::Sent,
        Some(_) => Standing::Accepted,
        None if has(Outcome::Begun) => Standing::Sending,
        None if has(Outcome::Unsure) => Standing::Unconfirmed,
        None if has(Outcome::Failed) => Standing::Failed,
        None if !attempts_remain(outcomes, throttled, max_attempts) => Standing::Failed,
        None if outcomes.used() == 0 => Standing::Planned,
        None => Standing::Retrying,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `"failed accepted"`: attempt 1 failed, attempt 2 was accepted.
    fn check(attempts: &str, throttled: u8, expected: Standing) {
        let mut outcomes = Outcomes::default();
        for (n, word) in attempts.split_whitespace().enumerate() {
            let outcome = match word {
                "begun" => Outcome::Begun,
                "unsure" => Outcome::Unsure,
                "accepted" => Outcome::Accepted,
                "sent" => Outcome::Sent,
                "retryable" => Outcome::FailedRetryable,
                "failed" => Outcome::Failed,
                "delivered" => Outcome::Delivered,
                "read" => Outcome::Read,
                other => panic!("no outcome `{other}`"),
            };
            outcomes.raise(n as Attempt + 1, outcome);
        }
        assert_eq!(fold(outcomes, throttled, 3), expected, "{attempts}");
    }

    #[test]
    fn a_late_failure_of_one_attempt_cannot_reopen_what_another_has_served() {
        check("failed delivered", 0, Standing::Delivered);
        check("retryable sent", 0, Standing::Sent);
    }

    #[test]
    fn a_refusal_cannot_bury_the_attempt_that_got_through() {
        check("accepted failed", 0, Standing::Accepted);
    }

    #[test]
    fn what_may_be_on_the_wire_outweighs_what_is_unsure() {
        check("unsure begun", 0, Standing::Sending);
        check("unsure failed", 0, Standing::Unconfirmed);
    }

    #[test]
    fn attempts_run_out_but_throttled_ones_do_not_count() {
        check("", 0, Standing::Planned);
        check("retryable retryable", 0, Standing::Retrying);
        check("retryable retryable retryable", 0, Standing::Failed);
        check("retryable retryable retryable", 1, Standing::Retrying);
        check(&"retryable ".repeat(8), 8, Standing::Failed);
    }

    #[test]
    fn the_run_decides_what_becomes_of_those_who_wait() {
        assert_eq!(DeliveryState::of(Standing::Planned, Gate::Expired), DeliveryState::Expired);
        assert_eq!(DeliveryState::of(Standing::Retrying, Gate::Expired), DeliveryState::Failed);
        assert_eq!(DeliveryState::of(Standing::Retrying, Gate::Cancelled), DeliveryState::Cancelled);
        assert_eq!(DeliveryState::of(Standing::Sent, Gate::Cancelled), DeliveryState::Sent);
    }
}
