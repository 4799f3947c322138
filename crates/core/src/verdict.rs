//! What an answer of the Cloud API means for the attempt and for its number. The engine translates the answer; what
//! follows from it is decided here.

use crate::{
    UnixMs,
    delivery::{Attempt, Fact, Outcome},
};

/// The code of an attempt that was not POSTed because its recipient is suppressed. None of Meta's.
pub const SUPPRESSED: u32 = 990_001;
/// The code of an attempt that was not POSTed because Meta withholds such messages from its recipient. None of Meta's.
pub const WITHHELD: u32 = 990_002;

/// What became of a POST. A verdict is a fact about its attempt, whoever owns the page by now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The Cloud API took the message.
    Accepted,
    /// The number went over its rate: not accepted. Slows the number; keeps the attempt.
    Throttled(u32),
    /// Too many messages to this recipient from this number: not accepted. Keeps the attempt.
    PairLimited(u32),
    /// The number, its token or its account cannot send now: not accepted. Stops the number; keeps the attempt.
    NumberDown(u32),
    /// The template cannot be sent from this number's account now: not accepted. Stops it there; keeps the attempt.
    TemplateDown(u32),
    /// Begun, and taken back before its POST: it never left. Keeps the attempt.
    Withdrawn,
    /// Begun, and not POSTed because the recipient is suppressed: neither is any other attempt.
    Suppressed,
    /// Begun, and not POSTed because Meta withholds such messages from the recipient: neither is any other attempt.
    Withheld,
    /// Certainly not sent, and another attempt may be.
    Transient(u32),
    /// Refused for good.
    Rejected(u32),
    /// Perhaps sent: waits for its receipt.
    Unknown,
}

impl Verdict {
    /// The verdict's name, as metrics and logs carry it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Throttled(_) => "throttled",
            Self::PairLimited(_) => "pair_limited",
            Self::NumberDown(_) => "number_down",
            Self::TemplateDown(_) => "template_down",
            Self::Withdrawn => "withdrawn",
            Self::Suppressed => "suppressed",
            Self::Withheld => "withheld",
            Self::Transient(_) => "transient",
            Self::Rejected(_) => "rejected",
            Self::Unknown => "unknown",
        }
    }

    /// All names, for metrics that start at zero.
    pub const NAMES: [&'static str; 11] = [
        "accepted",
        "throttled",
        "pair_limited",
        "number_down",
        "template_down",
        "withdrawn",
        "suppressed",
        "withheld",
        "transient",
        "rejected",
        "unknown",
    ];

    /// The error code, where Meta gave one, or [`SUPPRESSED`] or [`WITHHELD`]; 0 otherwise.
    pub fn code(self) -> u32 {
        match self {
            Self::Throttled(code)
            | Self::PairLimited(code)
            | Self::NumberDown(code)
            | Self::TemplateDown(code)
            | Self::Transient(code)
            | Self::Rejected(code) => code,
            Self::Suppressed => SUPPRESSED,
            Self::Withheld => WITHHELD,
            Self::Accepted | Self::Withdrawn | Self::Unknown => 0,
        }
    }

    /// True when the attempt does not count against the policy: it was turned away before it was looked at.
    pub fn keeps_attempt(self) -> bool {
        matches!(
            self,
            Self::Throttled(_) | Self::PairLimited(_) | Self::NumberDown(_) | Self::TemplateDown(_) | Self::Withdrawn
        )
    }

    /// The fact to record about `attempt`.
    pub fn fact(self, attempt: Attempt, at: UnixMs) -> Fact {
        let outcome = match self {
            Self::Accepted => Outcome::Accepted,
            Self::Unknown => Outcome::Unsure,
            Self::Rejected(_) | Self::Suppressed | Self::Withheld => Outcome::Failed,
            Self::Throttled(_)
            | Self::PairLimited(_)
            | Self::NumberDown(_)
            | Self::TemplateDown(_)
            | Self::Withdrawn
            | Self::Transient(_) => Outcome::FailedRetryable,
        };
        Fact { attempt, outcome, throttled: self.keeps_attempt(), code: self.code(), at }
    }
}
