//! What is wrong with a message, in words for people.

use std::fmt;

/// A rule of Meta's that a message breaks. Reads "`field`: give `limit`, not `given`".
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Where, as the request body has it: `interactive.action.buttons[0].reply.title`.
    pub field: String,
    /// What Meta takes there: `1 to 20 characters`.
    pub limit: String,
    /// What was given: `23 characters`. Never the text itself, which may tell of a person.
    pub given: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`: give {}, not {}", self.field, self.limit, self.given)
    }
}

/// A message that Meta would refuse. It was not sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidMessage {
    /// Everything that is wrong with it; at least one.
    pub violations: Vec<Violation>,
}

impl fmt::Display for InvalidMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the message is not as Meta takes it")?;
        self.violations.iter().try_for_each(|violation| write!(f, "; {violation}"))
    }
}

impl std::error::Error for InvalidMessage {}
