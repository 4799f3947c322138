//! The state of a business phone number.

use serde::Deserialize;

use crate::{CallError, Client, Token, open_enum::open_enum};

const FIELDS: &str = "id,display_phone_number,verified_name,quality_rating,code_verification_status,status,throughput,\
                      whatsapp_business_manager_messaging_limit,health_status";

/// A business phone number as Meta sees it. What Meta leaves out is `None`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct NumberInfo {
    /// The phone number id.
    pub id: String,
    /// The business's own number, as people write it.
    #[serde(default)]
    pub display_phone_number: Option<String>,
    /// The display name that was verified.
    #[serde(default)]
    pub verified_name: Option<String>,
    /// `VERIFIED`, `NOT_VERIFIED` or `EXPIRED`: whether the ownership code was entered.
    #[serde(default)]
    pub code_verification_status: Option<String>,
    /// How recipients rate it.
    #[serde(default)]
    pub quality_rating: Option<Quality>,
    /// Whether it is connected.
    #[serde(default)]
    pub status: Option<NumberStatus>,
    /// How fast it may send.
    #[serde(default)]
    pub throughput: Option<Throughput>,
    /// Unique users in 24 hours outside a service window; shared by all numbers of the portfolio.
    #[serde(default, rename = "whatsapp_business_manager_messaging_limit")]
    pub messaging_limit: Option<MessagingLimit>,
    /// Meta's own check before sending.
    #[serde(default, rename = "health_status")]
    pub health: Option<Health>,
}

/// How fast a number may send.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Throughput {
    /// The level.
    pub level: ThroughputLevel,
}

/// Whether a number, and what it depends on, may send.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Health {
    /// The worst of the entities.
    pub can_send_message: CanSend,
    /// The number, its account, its portfolio, the app, templates.
    #[serde(default)]
    pub entities: Vec<HealthEntity>,
}

/// One of the things a number depends on.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct HealthEntity {
    /// `PHONE_NUMBER`, `WABA`, `BUSINESS`, `APP` or `MESSAGE_TEMPLATE`.
    pub entity_type: String,
    /// Its id.
    #[serde(default)]
    pub id: Option<String>,
    /// Whether it lets messages pass.
    pub can_send_message: CanSend,
    /// What is wrong with it.
    #[serde(default)]
    pub errors: Vec<HealthError>,
}

impl HealthEntity {
    /// The type of the business portfolio that a number belongs to (Meta: messaging health status).
    pub const BUSINESS: &str = "BUSINESS";
}

/// A fault found by Meta's health check.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct HealthError {
    /// The code, as in the error table.
    pub error_code: i64,
    /// What is wrong.
    #[serde(default)]
    pub error_description: Option<String>,
    /// What to do.
    #[serde(default)]
    pub possible_solution: Option<String>,
}

open_enum! {
    /// Quality rating.
    Quality {
        /// Good.
        Green = "GREEN",
        /// Getting worse.
        Yellow = "YELLOW",
        /// Bad.
        Red = "RED",
        /// Not rated yet.
        Unknown = "UNKNOWN",
        /// Not rated.
        NotAvailable = "NA",
    }
}

open_enum! {
    /// Connection state of a number. `Connected` is the normal one.
    NumberStatus {
        /// Able to send.
        Connected = "CONNECTED",
        /// Not set up completely.
        Pending = "PENDING",
        /// Deregistered.
        Disconnected = "DISCONNECTED",
        /// Reached its limits.
        RateLimited = "RATE_LIMITED",
        /// Not allowed to start conversations.
        Restricted = "RESTRICTED",
        /// Warned for quality.
        Flagged = "FLAGGED",
        /// Forbidden for good.
        Banned = "BANNED",
        /// Moved to another account.
        Migrated = "MIGRATED",
        /// Removed.
        Deleted = "DELETED",
        /// Ownership not proven.
        Unverified = "UNVERIFIED",
        /// Meta does not say.
        Unknown = "UNKNOWN",
    }
}

open_enum! {
    /// Throughput level (Meta: throughput): 80 messages a second, or up to 1,000 after Meta's upgrade.
    ThroughputLevel {
        /// 80 messages a second; 20 for numbers shared with the WhatsApp Business app.
        Standard = "STANDARD",
        /// Up to 1,000 messages a second.
        High = "HIGH",
        /// Not on the Cloud API.
        NotApplicable = "NOT_APPLICABLE",
    }
}

open_enum! {
    /// Messaging limit of the portfolio (Meta: messaging limits).
    MessagingLimit {
        /// 50 users.
        Tier50 = "TIER_50",
        /// 250 users.
        Tier250 = "TIER_250",
        /// 2,000 users.
        Tier2K = "TIER_2K",
        /// 10,000 users.
        Tier10K = "TIER_10K",
        /// 100,000 users.
        Tier100K = "TIER_100K",
        /// No limit.
        Unlimited = "TIER_UNLIMITED",
        /// No tier yet.
        Untiered = "UNTIERED",
    }
}

impl MessagingLimit {
    /// Unique users in any 24 hours; `None` when unlimited, without a tier, or of a tier that this version does not
    /// know.
    #[must_use]
    pub const fn users_per_day(&self) -> Option<u32> {
        match self {
            Self::Tier50 => Some(50),
            Self::Tier250 => Some(250),
            Self::Tier2K => Some(2_000),
            Self::Tier10K => Some(10_000),
            Self::Tier100K => Some(100_000),
            Self::Unlimited | Self::Untiered | Self::Other(_) => None,
        }
    }
}

open_enum! {
    /// Whether messages pass.
    CanSend {
        /// Yes.
        Available = "AVAILABLE",
        /// With restrictions.
        Limited = "LIMITED",
        /// No.
        Blocked = "BLOCKED",
    }
}

impl Client {
    /// Reads the state of a number, health included.
    ///
    /// # Errors
    /// [`CallError::Api`] with code 100, subcode 33 for an id that the token may not see.
    pub async fn number(&self, phone_number_id: &str, token: &Token) -> Result<NumberInfo, CallError> {
        self.call(self.get(&[phone_number_id], token).query(&[("fields", FIELDS)])).await
    }
}
