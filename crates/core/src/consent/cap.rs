//! How many messages of a category one person gets in a while.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{UnixMs, window::Span};

/// A frequency cap, such as `2/24h`: at most two messages in any 24 hours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Cap {
    /// How many; at least one.
    pub messages: u32,
    /// In how long.
    pub within: Span,
}

/// Why a text is no cap.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no frequency cap: write a number from 1 and a span, such as `2/24h`")]
pub struct BadCap(String);

impl Cap {
    /// From when on messages count against one at `at`.
    pub fn counts_from(self, at: UnixMs) -> UnixMs {
        at - self.within.ms()
    }
}

impl FromStr for Cap {
    type Err = BadCap;

    fn from_str(text: &str) -> Result<Self, BadCap> {
        let read = || {
            let (messages, within) = text.split_once('/')?;
            let (messages, within) = (messages.trim().parse().ok()?, within.trim().parse::<Span>().ok()?);
            (messages > 0 && within.ms() > 0).then_some(Self { messages, within })
        };
        read().ok_or_else(|| BadCap(text.to_owned()))
    }
}

impl fmt::Display for Cap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.messages, self.within)
    }
}

impl TryFrom<String> for Cap {
    type Error = BadCap;
    fn try_from(text: String) -> Result<Self, BadCap> {
        text.parse()
    }
}

impl From<Cap> for String {
    fn from(cap: Cap) -> String {
        cap.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cap_is_a_number_and_a_span() {
        let cap: Cap = " 2 / 24h".parse().expect("a cap");
        assert_eq!((cap.messages, cap.within.ms(), cap.to_string().as_str()), (2, 86_400_000, "2/24h"));
        for text in ["", "2", "0/24h", "2/", "2/0s", "-1/1h", "2/1d", "two/1h"] {
            assert_eq!(text.parse::<Cap>(), Err(BadCap(text.to_owned())), "{text}");
        }
    }
}
