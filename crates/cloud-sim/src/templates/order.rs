//! What can be ordered of templates (`POST /_sim/templates/{name}`).

use serde::{Deserialize, Serialize};

use super::CATEGORIES;
use crate::error::SimError;
use crate::pacing::PacingOrder;

const STATUSES: [&str; 7] = ["APPROVED", "PENDING", "REJECTED", "PAUSED", "DISABLED", "IN_APPEAL", "ARCHIVED"];
const QUALITIES: [&str; 4] = ["GREEN", "YELLOW", "RED", "UNKNOWN"];

/// What is ordered of a template; what is left out stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TemplateOrder {
    /// Which language; every one when none.
    pub language: Option<String>,
    /// The account's id; every one when none.
    pub waba: Option<String>,
    /// `APPROVED`, `PAUSED`, `DISABLED`, `REJECTED` and the like.
    pub status: Option<String>,
    /// Why it was rejected, such as `INVALID_FORMAT`.
    pub reason: Option<String>,
    /// `GREEN`, `YELLOW`, `RED`, `UNKNOWN`.
    pub quality_score: Option<String>,
    /// `UTILITY`, `MARKETING`, `AUTHENTICATION`.
    pub category: Option<String>,
    /// No webhook tells of it.
    pub silent: bool,
    /// Whether its messages are held back until it is decided on.
    pub pacing: Option<PacingOrder>,
}

impl TemplateOrder {
    pub(crate) fn check(&self) -> Result<(), SimError> {
        one_of("status", self.status.as_deref(), &STATUSES)?;
        one_of("quality_score", self.quality_score.as_deref(), &QUALITIES)?;
        one_of("category", self.category.as_deref(), &CATEGORIES)
    }
}

/// Refuses a word that is not known.
pub(crate) fn one_of(field: &'static str, given: Option<&str>, known: &[&str]) -> Result<(), SimError> {
    match given {
        Some(given) if !known.contains(&given) => {
            Err(SimError::Order { field, remedy: format!("give one of {}", known.join(", ")) })
        }
        _ => Ok(()),
    }
}
