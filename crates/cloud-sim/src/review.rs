//! The review of templates: comes after a while, with the verdict that is ordered (`POST /_sim/reviews`), and is told by webhook.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::error::SimError;
use crate::templates::{CATEGORIES, TemplateOrder, one_of};

/// What reviews come to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Verdict {
    /// `APPROVED`, `REJECTED`, or `PENDING`: it never ends.
    pub status: String,
    /// Why they are rejected, such as `INVALID_FORMAT`.
    pub reason: Option<String>,
    /// The category that they get, whatever was asked for.
    pub category: Option<String>,
}

impl Default for Verdict {
    fn default() -> Self {
        Self { status: "APPROVED".to_owned(), reason: None, category: None }
    }
}

/// See the module.
pub(crate) struct Review {
    takes: Duration,
    verdict: Mutex<Verdict>,
}

impl Review {
    pub(crate) fn new(takes: Duration) -> Self {
        Self { takes, verdict: Mutex::default() }
    }

    pub(crate) fn order(&self, verdict: Verdict) -> Result<(), SimError> {
        one_of("status", Some(&verdict.status), &["APPROVED", "REJECTED", "PENDING"])?;
        one_of("category", verdict.category.as_deref(), &CATEGORIES)?;
        *self.verdict.lock().unwrap_or_else(PoisonError::into_inner) = verdict;
        Ok(())
    }

    /// How long a review that begins now takes, and what it comes to, if it ends.
    pub(crate) fn begin(&self) -> Option<(Duration, TemplateOrder)> {
        let Verdict { status, reason, category } = self.verdict.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let order = TemplateOrder { status: Some(status), reason, category, ..TemplateOrder::default() };
        (order.status.as_deref() != Some("PENDING")).then_some((self.takes, order))
    }
}
