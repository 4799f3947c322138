//! What Meta tells of accounts and of the portfolio that they belong to.

use serde::Deserialize;
use serde_json::Value;

use crate::webhook::loose;

/// The account is restricted, banned, let go, shared and the like (Meta: `account_update`). What goes with an event is told
/// with that event alone.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct AccountChange {
    /// `ACCOUNT_RESTRICTION`, `ACCOUNT_VIOLATION`, `DISABLED_UPDATE`, `ACCOUNT_DELETED`, `PARTNER_ADDED` and the like.
    pub event: String,
    /// What it may not do, and until when.
    #[serde(default, rename = "restriction_info", deserialize_with = "loose::list")]
    pub restrictions: Vec<Restriction>,
    /// What was violated.
    #[serde(default, deserialize_with = "loose::any")]
    pub violation_info: Option<ViolationInfo>,
    /// Whether it is banned.
    #[serde(default, deserialize_with = "loose::any")]
    pub ban_info: Option<BanInfo>,
    /// The account that a partner was given or lost.
    #[serde(default, deserialize_with = "loose::any")]
    pub waba_info: Option<WabaInfo>,
    /// The country that the business now has its main place in, as two letters.
    #[serde(default, deserialize_with = "loose::text")]
    pub country: Option<String>,
    /// From when prices of authentication to other countries apply, as it came.
    #[serde(default)]
    pub auth_international_rate_eligibility: Option<Value>,
    /// The price tier by volume that it has reached.
    #[serde(default, deserialize_with = "loose::any")]
    pub volume_tier_info: Option<VolumeTier>,
}

/// What an account may not do.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Restriction {
    /// Such as `RESTRICTED_BIZ_INITIATED_MESSAGING`.
    #[serde(rename = "restriction_type")]
    pub kind: String,
    /// Until when, in Unix seconds; for good where it is not told.
    #[serde(default, deserialize_with = "loose::whole")]
    pub expiration: Option<i64>,
}

/// What an account violated.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct ViolationInfo {
    /// Such as `SCAM`.
    #[serde(default, deserialize_with = "loose::text")]
    pub violation_type: Option<String>,
}

/// Whether an account is banned.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct BanInfo {
    /// `DISABLE`, `REINSTATE` or `SCHEDULE_FOR_DISABLE`.
    #[serde(default, rename = "waba_ban_state", deserialize_with = "loose::text")]
    pub state: Option<String>,
    /// The day in English, such as `April 17, 2025`.
    #[serde(default, rename = "waba_ban_date", deserialize_with = "loose::text")]
    pub date: Option<String>,
}

/// An account that a partner was given or lost.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct WabaInfo {
    /// Its id.
    #[serde(default, deserialize_with = "loose::text")]
    pub waba_id: Option<String>,
    /// The portfolio that it belongs to.
    #[serde(default, deserialize_with = "loose::text")]
    pub owner_business_id: Option<String>,
}

/// A price tier by volume.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct VolumeTier {
    /// When it was reached, in Unix seconds.
    #[serde(default, deserialize_with = "loose::whole")]
    pub tier_update_time: Option<i64>,
    /// Of which category of messages, such as `UTILITY`.
    #[serde(default, deserialize_with = "loose::text")]
    pub pricing_category: Option<String>,
    /// From how many messages to how many.
    #[serde(default, deserialize_with = "loose::text")]
    pub tier: Option<String>,
    /// The month that it is for.
    #[serde(default, deserialize_with = "loose::text")]
    pub effective_month: Option<String>,
    /// Where.
    #[serde(default, deserialize_with = "loose::text")]
    pub region: Option<String>,
}

/// Meta warns of something (Meta: `account_alerts`).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct AccountAlert {
    /// What it is about: `BUSINESS`, `PHONE_NUMBER`, `CURRENT_STATUS_ID`.
    #[serde(default, deserialize_with = "loose::text")]
    pub entity_type: Option<String>,
    /// Its id.
    #[serde(default, deserialize_with = "loose::text")]
    pub entity_id: Option<String>,
    /// What it is.
    #[serde(rename = "alert_info")]
    pub info: AlertInfo,
}

/// What an alert says.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct AlertInfo {
    /// What it is, such as `OBA_REJECTED`.
    #[serde(rename = "alert_type")]
    pub kind: String,
    /// `CRITICAL`, `WARNING`, `INFORMATIONAL`.
    #[serde(default, rename = "alert_severity", deserialize_with = "loose::text")]
    pub severity: Option<String>,
    /// `ACTIVE` and the like.
    #[serde(default, rename = "alert_status", deserialize_with = "loose::text")]
    pub status: Option<String>,
    /// In words.
    #[serde(default, rename = "alert_description", deserialize_with = "loose::text")]
    pub description: Option<String>,
}

/// The account was reviewed (Meta: `account_review_update`).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct AccountReview {
    /// `APPROVED`, `REJECTED`, `PENDING`, `DEFERRED`.
    pub decision: String,
}

/// The messaging limit or another capability changed (Meta: `business_capability_update`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct CapabilityUpdate {
    /// How many users the portfolio may reach in a day: a number or a tier.
    #[serde(default, deserialize_with = "loose::text")]
    pub max_daily_conversations_per_business: Option<String>,
    /// The same of one number, in webhooks up to v23.0; `-1` is no limit.
    #[serde(default, deserialize_with = "loose::text")]
    pub max_daily_conversation_per_phone: Option<String>,
    /// How many numbers the portfolio may have.
    #[serde(default, deserialize_with = "loose::whole")]
    pub max_phone_numbers_per_business: Option<i64>,
    /// How many numbers an account may have.
    #[serde(default, deserialize_with = "loose::whole")]
    pub max_phone_numbers_per_waba: Option<i64>,
}
