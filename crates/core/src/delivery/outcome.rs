//! The outcome of an attempt, and the eight of a delivery packed into a word.

use serde::{Deserialize, Serialize};

/// Which attempt of a delivery, from 1.
pub type Attempt = u8;

/// How many attempts a record has room for.
pub const MAX_ATTEMPTS: Attempt = 8;

/// What is known of one attempt. Ordered: an outcome only rises.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum Outcome {
    /// Not begun.
    None = 0,
    /// The intent is written; the POST may be on the wire.
    Begun = 1,
    /// It may or may not have been sent: no answer, an answer that says nothing, or its owner is gone.
    Unsure = 2,
    /// The Cloud API took it (HTTP 200 with a message id): a promise, not a delivery.
    Accepted = 3,
    /// WhatsApp sent it on.
    Sent = 4,
    /// It certainly did not get through, and another attempt may.
    FailedRetryable = 5,
    /// It failed, and every other attempt would.
    Failed = 6,
    /// It is on the recipient's phone.
    Delivered = 7,
    /// The recipient has read it.
    Read = 8,
}

impl Outcome {
    /// All, lowest first.
    pub const ALL: [Self; 9] = [
        Self::None,
        Self::Begun,
        Self::Unsure,
        Self::Accepted,
        Self::Sent,
        Self::FailedRetryable,
        Self::Failed,
        Self::Delivered,
        Self::Read,
    ];

    /// The outcome stored as `code`, or none for a value that no version wrote.
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.get(usize::from(code)).copied()
    }

    /// Its name, as the API and the archive spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Begun => "begun",
            Self::Unsure => "unsure",
            Self::Accepted => "accepted",
            Self::Sent => "sent",
            Self::FailedRetryable => "failed_retryable",
            Self::Failed => "failed",
            Self::Delivered => "delivered",
            Self::Read => "read",
        }
    }

    /// True when the recipient got the message, or is about to.
    pub fn is_positive(self) -> bool {
        matches!(self, Self::Accepted | Self::Sent | Self::Delivered | Self::Read)
    }
}

/// The outcomes of all attempts: four bits each, attempt 1 lowest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub struct Outcomes(u32);

impl Outcomes {
    /// Reads the stored word; none when it holds a value that no version wrote.
    pub fn from_word(word: u32) -> Option<Self> {
        (0..8).all(|n| (word >> (4 * n)) & 15 <= Outcome::Read as u32).then_some(Self(word))
    }

    /// The word to store.
    pub fn word(self) -> u32 {
        self.0
    }

    /// The outcome of attempt `n`.
    pub fn get(self, n: Attempt) -> Outcome {
        debug_assert!((1..=MAX_ATTEMPTS).contains(&n), "attempts count from 1 to 8");
        let code = (self.0 >> (4 * u32::from(n - 1))) & 15;
        Outcome::from_code(code as u8).expect("only outcomes are ever written")
    }

    /// Raises attempt `n` to `outcome`; false when it stands there or above already.
    pub fn raise(&mut self, n: Attempt, outcome: Outcome) -> bool {
        if outcome <= self.get(n) {
            return false;
        }
        let shift = 4 * u32::from(n - 1);
        self.0 = (self.0 & !(15 << shift)) | ((outcome as u32) << shift);
        true
    }

    /// How many attempts were begun: the highest that has an outcome.
    pub fn used(self) -> Attempt {
        ((32 - self.0.leading_zeros()).div_ceil(4)) as Attempt
    }

    /// The outcomes of the attempts begun so far, in order.
    pub fn iter(self) -> impl Iterator<Item = Outcome> {
        (1..=self.used()).map(move |n| self.get(n))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outcome_never_falls() {
        let mut outcomes = Outcomes::default();
        assert!(outcomes.raise(2, Outcome::Delivered));
        assert!(!outcomes.raise(2, Outcome::Failed));
        assert!(!outcomes.raise(2, Outcome::Delivered));
        assert_eq!((outcomes.get(1), outcomes.get(2)), (Outcome::None, Outcome::Delivered));
        assert_eq!(outcomes.used(), 2);
    }

    #[test]
    fn an_outcome_is_written_by_its_name() {
        for outcome in Outcome::ALL {
            assert_eq!(serde_json::to_value(outcome).expect("a word"), outcome.as_str());
        }
    }

    #[test]
    fn a_word_with_a_value_nobody_wrote_is_refused() {
        assert_eq!(Outcomes::from_word(0x90), None);
        assert_eq!(Outcomes::from_word(0x18).map(Outcomes::used), Some(2));
    }

    #[test]
    fn eight_attempts_fit() {
        let mut outcomes = Outcomes::default();
        for n in 1..=MAX_ATTEMPTS {
            assert!(outcomes.raise(n, Outcome::Read));
        }
        assert_eq!(outcomes.word(), 0x8888_8888);
        assert_eq!(outcomes.used(), 8);
    }
}
