//! ETags: an edit names what it was made from, so that it overwrites nobody else's.

use axum::http::{HeaderMap, header};
use sha2::{Digest, Sha256};

use crate::problem::{Kind, Problem};

/// The name of what something says at a moment, quoted as HTTP has it.
pub(crate) struct ETag(String);

impl ETag {
    /// The name of `content`.
    pub(crate) fn of(content: &[u8]) -> Self {
        let name: String = Sha256::digest(content).iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        Self(format!("\"{name}\""))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Refuses a change that was not made from this: 428 when it does not say from what, 412 when from something else.
    pub(crate) fn must_match(&self, headers: &HeaderMap) -> Result<(), Problem> {
        let given = headers.get_all(header::IF_MATCH).iter().filter_map(|given| given.to_str().ok());
        let given: Vec<_> = given.flat_map(|given| given.split(',')).map(str::trim).collect();
        if given.is_empty() {
            let detail = "Say what the change was made from: read it, and send its `ETag` as `If-Match`.";
            return Err(Problem::new(Kind::PreconditionRequired, detail));
        }
        if given.iter().any(|given| *given == "*" || *given == self.0) {
            return Ok(());
        }
        let detail =
            format!("It was changed since: it is {} now. Read it again, and make your change from that.", self.0);
        Err(Problem::new(Kind::PreconditionFailed, detail))
    }
}
