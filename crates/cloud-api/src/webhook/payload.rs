//! The payload of a webhook, to be read and to be written. Members that no sender of messages needs are left out;
//! unknown ones are ignored.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::{ErrorEntry, Personal, Way, classify, open_enum::open_enum};

/// The field of a [`Change`] that carries statuses.
pub(super) const MESSAGES: &str = "messages";
/// The field of a [`Change`] that carries users' wishes; its value has the shape of [`MESSAGES`].
pub(super) const USER_PREFERENCES: &str = "user_preferences";

/// A whole POST: up to 1000 updates (Meta: webhooks).
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Notification {
    /// `whatsapp_business_account`.
    #[serde(default)]
    pub object: String,
    /// One per WhatsApp Business Account and moment.
    #[serde(default)]
    pub entry: Vec<Entry>,
}

/// What happened in one WhatsApp Business Account.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Entry {
    /// Id of the account.
    #[serde(default)]
    pub id: String,
    /// Unix seconds; absent for messages and their statuses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<i64>,
    /// What happened.
    #[serde(default)]
    pub changes: Vec<Change>,
}

/// One thing that happened.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Change {
    /// Which kind: `messages` for inbound messages and statuses.
    pub field: String,
    /// What, in the shape of field `messages`; empty for any other field.
    pub value: MessagesValue,
}

/// The value of field `messages`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct MessagesValue {
    /// `whatsapp`.
    #[serde(default)]
    pub messaging_product: String,
    /// Our number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Metadata>,
    /// Who is concerned, verbatim.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub contacts: Vec<Box<RawValue>>,
    /// What users wrote, verbatim.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub messages: Vec<Box<RawValue>>,
    /// What became of our messages.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub statuses: Vec<StatusUpdate>,
    /// Errors that belong to no message, verbatim.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<Box<RawValue>>,
    /// What users wish to hear of, verbatim.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub user_preferences: Vec<Box<RawValue>>,
}

/// The business phone number that an update concerns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Metadata {
    /// Digits, without `+`.
    #[serde(default)]
    pub display_phone_number: String,
    /// Its id.
    pub phone_number_id: String,
}

/// What became of one of our messages. Updates come late, twice, out of order, and before the HTTP response.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusUpdate {
    /// The message's id, as the HTTP response gave it.
    pub id: String,
    /// What became of it.
    pub status: Status,
    /// When, in Unix seconds. A string in the payload.
    #[serde(with = "seconds")]
    pub timestamp: i64,
    /// The recipient's WhatsApp id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recipient_id: Option<Personal>,
    /// The recipient's business-scoped user id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recipient_user_id: Option<Personal>,
    /// `group` where it was sent to one: `recipient_id` is the group's then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recipient_type: Option<String>,
    /// Whom in the group it is told of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recipient_participant_id: Option<Personal>,
    /// What was sent along with the message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub biz_opaque_callback_data: Option<String>,
    /// What it costs: in `sent` and in one of `delivered` and `read`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pricing: Option<Pricing>,
    /// The conversation it belongs to: mostly gone since webhooks of v24.0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversation: Option<Conversation>,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<ErrorItem>,
}

open_enum! {
    /// What became of a message. `Read` implies `Delivered`, which may never come by itself.
    Status {
        /// Left Meta's servers.
        Sent = "sent",
        /// Arrived.
        Delivered = "delivered",
        /// Opened; never comes from users who switched read receipts off.
        Read = "read",
        /// A voice message, played for the first time.
        Played = "played",
        /// Not delivered, for the reason in the errors.
        Failed = "failed",
    }
}

/// What a message costs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pricing {
    /// Whether it is charged; Meta will remove it, so derive it from type and category.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub billable: Option<bool>,
    /// `PMP`: per message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pricing_model: Option<String>,
    /// `regular`, `free_customer_service`, `free_entry_point`.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// `marketing`, `utility`, `authentication`, `service` and others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
}

/// A conversation as webhooks up to v23.0 tell it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conversation {
    /// Its id.
    pub id: String,
    /// Its end, in Unix seconds as text; in `sent` only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expiration_timestamp: Option<String>,
    /// What opened it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<ConversationOrigin>,
}

/// What opened a conversation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConversationOrigin {
    /// The category of the message that did.
    #[serde(rename = "type")]
    pub kind: String,
}

/// Why a message failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorItem {
    /// The only stable discriminator.
    pub code: i64,
    /// For people.
    #[serde(default)]
    pub title: String,
    /// Mostly the same as the title.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The real cause.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_data: Option<ErrorData>,
    /// Where Meta explains it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub href: Option<String>,
}

impl ErrorItem {
    /// The row of the error table that applies.
    #[must_use]
    pub fn entry(&self) -> &'static ErrorEntry {
        classify(Some(self.code), Way::Webhook, None)
    }
}

/// The real cause of a failure.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorData {
    /// For people; its wording changes.
    pub details: String,
}

/// Unix seconds: text when written, text or integer when read.
pub(super) mod seconds {
    use std::fmt;

    use serde::{
        Deserializer, Serializer,
        de::{Error, Unexpected, Visitor},
    };

    pub(crate) fn serialize<S: Serializer>(seconds: &i64, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(seconds)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
        deserializer.deserialize_any(Seconds)
    }

    struct Seconds;

    impl Visitor<'_> for Seconds {
        type Value = i64;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("seconds since 1970 as text or integer")
        }

        fn visit_str<E: Error>(self, text: &str) -> Result<i64, E> {
            text.parse().map_err(|_| E::invalid_value(Unexpected::Str(text), &self))
        }

        fn visit_u64<E: Error>(self, seconds: u64) -> Result<i64, E> {
            i64::try_from(seconds).map_err(|_| E::invalid_value(Unexpected::Unsigned(seconds), &self))
        }
    }
}
