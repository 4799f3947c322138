//! What Meta tells of numbers.

use serde::Deserialize;

use crate::{Personal, webhook::loose};

/// Something of a number changed (Meta: `phone_number_quality_update`). Its quality rating is never told, and to be asked for.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct NumberUpdate {
    /// The number, digits alone.
    #[serde(deserialize_with = "loose::digits")]
    pub display_phone_number: String,
    /// `ONBOARDING` or `THROUGHPUT_UPGRADE`; in older webhooks `UPGRADE`, `DOWNGRADE`, `FLAGGED`, `UNFLAGGED`.
    pub event: String,
    /// The messaging limit of the portfolio, such as `TIER_2K`.
    #[serde(default, deserialize_with = "loose::text")]
    pub max_daily_conversations_per_business: Option<String>,
    /// The same in older webhooks.
    #[serde(default, deserialize_with = "loose::text")]
    pub current_limit: Option<String>,
    /// What it was before; in older webhooks.
    #[serde(default, deserialize_with = "loose::text")]
    pub old_limit: Option<String>,
}

impl NumberUpdate {
    /// The messaging limit, such as `TIER_2K`, where it is told.
    #[must_use]
    pub fn limit(&self) -> Option<&str> {
        self.max_daily_conversations_per_business.as_deref().or(self.current_limit.as_deref())
    }
}

/// A number's display name was reviewed (Meta: `phone_number_name_update`).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct NumberNameUpdate {
    /// The number, digits alone.
    #[serde(deserialize_with = "loose::digits")]
    pub display_phone_number: String,
    /// `APPROVED`, `REJECTED`, `DEFERRED`, `PENDING`.
    pub decision: String,
    /// The name that was asked for.
    #[serde(default, rename = "requested_verified_name", deserialize_with = "loose::text")]
    pub name: Option<String>,
    /// Why it was rejected, such as `NAME_EMPLOYEE_ISSUE`.
    #[serde(default, rename = "rejection_reason", deserialize_with = "loose::reason")]
    pub reason: Option<String>,
}

/// Somebody is at a number's PIN (Meta: `security`).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct SecurityUpdate {
    /// The number, digits alone.
    #[serde(deserialize_with = "loose::digits")]
    pub display_phone_number: String,
    /// `PIN_CHANGED`, `PIN_RESET_REQUEST`, `PIN_REQUEST_SUCCESS`.
    pub event: String,
    /// Id of the user of Meta who did it.
    #[serde(default, deserialize_with = "loose::any")]
    pub requester: Option<Personal>,
}
