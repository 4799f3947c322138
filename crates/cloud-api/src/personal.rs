//! Text that identifies a person and must not reach a log.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A phone number, WhatsApp id or business-scoped user id: `Debug` and `Display` show its last two characters only;
/// serde and [`as_str`](Personal::as_str) give the whole.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Personal(String);

impl Personal {
    /// The text itself. Do not log it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<T: Into<String>> From<T> for Personal {
    fn from(text: T) -> Self {
        Self(text.into())
    }
}

impl fmt::Display for Personal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = if self.0.chars().count() >= 8 { 2 } else { 0 };
        let cut = self.0.char_indices().rev().take(shown).last().map_or(self.0.len(), |(at, _)| at);
        write!(f, "***{}", &self.0[cut..])
    }
}

impl fmt::Debug for Personal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_end_of_a_long_number_is_shown() {
        assert_eq!(Personal::from("+919812345678").to_string(), "***78");
        assert_eq!(format!("{:?}", Personal::from("US.é134é")), "***4é");
        assert_eq!(Personal::from("12345").to_string(), "***");
        assert_eq!(Personal::from("").to_string(), "***");
    }
}
