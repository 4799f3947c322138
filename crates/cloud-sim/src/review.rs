//! The review of templates: comes after a while, with the verdict that is ordered (`POST /_sim/reviews`), and is told by webhook.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::error::SimError;
use crate::templates::{CATEGORIES, TemplateOrder, Templates, one_of};
use crate::webhooks::{Teller, Webhooks};

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
    teller: Teller,
}

impl Review {
    pub(crate) fn new(takes: Duration, webhooks: &Webhooks) -> Self {
        Self { takes, verdict: Mutex::default(), teller: webhooks.teller() }
    }

    pub(crate) fn order(&self, verdict: Verdict) -> Result<(), SimError> {
        one_of("status", Some(&verdict.status), &["APPROVED", "REJECTED", "PENDING"])?;
        one_of("category", verdict.category.as_deref(), &CATEGORIES)?;
        *self.verdict.lock().unwrap_or_else(PoisonError::into_inner) = verdict;
        Ok(())
    }

    /// Reviews a template: the verdict is the one that holds when it begins.
    pub(crate) fn begin(&self, templates: Arc<Templates>, id: u64) {
        let (takes, teller) = (self.takes, self.teller.clone());
        let Verdict { status, reason, category } = self.verdict.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if status == "PENDING" {
            return;
        }
        let order = TemplateOrder { status: Some(status), reason, category, ..TemplateOrder::default() };
        tokio::spawn(async move {
            tokio::time::sleep(takes).await;
            let told = templates.change(id, |template| template.obey(&order)).unwrap_or_default();
            told.into_iter().for_each(|told| teller.tell(told));
        });
    }
}
