//! What became of messages, and of the webhooks that told of it: for an audit, or after webhooks were lost.

use serde::{Deserialize, Deserializer};

use crate::{
    CallError, Client, Token,
    open_enum::open_enum,
    paging::{Page, Pages},
};

const FIELDS: &str = "id,message_id,events{id,delivery_status,webhook_update_state,timestamp,application,webhook_uri,\
                      error_description}";

const NODE: &str =
    "cursor,node{id,delivery_status,error_description,occurrence_timestamp,status_timestamp,application}";

/// What became of one message (Meta: message history). How long Meta keeps it, and how soon it is there, is not documented.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct MessageHistory {
    /// Its own id.
    pub id: String,
    /// The message's: `wamid.…`.
    pub message_id: String,
    /// What happened, as Meta orders it; where several apps are told, once for each.
    #[serde(default, deserialize_with = "listed")]
    pub events: Vec<MessageEvent>,
}

/// Something that happened to a message. What Meta leaves out is `None`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct MessageEvent {
    /// Its own id.
    pub id: String,
    /// What happened.
    pub delivery_status: DeliveryStatus,
    /// When, in seconds since 1970.
    pub timestamp: i64,
    /// How far the webhook is that tells of it.
    #[serde(default)]
    pub webhook_update_state: Option<WebhookState>,
    /// The id of the app that is told.
    #[serde(default, deserialize_with = "application_id")]
    pub application: Option<String>,
    /// Where it is told.
    #[serde(default)]
    pub webhook_uri: Option<String>,
    /// Why a message failed, in words.
    #[serde(default)]
    pub error_description: Option<String>,
}

open_enum! {
    /// What happened to a message (Meta: message history).
    DeliveryStatus {
        /// It left for the user.
        Sent = "SENT",
        /// It reached a device.
        Delivered = "DELIVERED",
        /// It was read.
        Read = "READ",
        /// It will not arrive.
        Failed = "FAILED",
        /// The user deleted it.
        Deleted = "DELETED",
    }
}

/// One entry in the list of a message's events (Meta: message history events). What Meta leaves out is `None`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct MessageOccurrence {
    /// Its own id.
    pub id: String,
    /// What happened.
    pub delivery_status: OccurrenceStatus,
    /// When it happened, in seconds since 1970.
    pub occurrence_timestamp: i64,
    /// When the status was set, in seconds since 1970. Meta does not say how the two differ.
    #[serde(default)]
    pub status_timestamp: Option<i64>,
    /// The id of the app that is told.
    #[serde(default, deserialize_with = "application_id")]
    pub application: Option<String>,
    /// Why a message failed, in words.
    #[serde(default)]
    pub error_description: Option<String>,
}

open_enum! {
    /// What happened to a message, in the words of the list of its events (Meta: message history events).
    OccurrenceStatus {
        /// Meta took it.
        Accepted = "ACCEPTED",
        /// It left for the user.
        Sent = "SENT",
        /// It reached a device.
        Delivered = "DELIVERED",
        /// It was read.
        Read = "READ",
        /// It will not arrive.
        Error = "ERROR",
    }
}

open_enum! {
    /// How far a webhook is (Meta: message history).
    WebhookState {
        /// It was not posted yet.
        Pending = "PENDING",
        /// The app answered it 200.
        Delivered = "DELIVERED",
        /// It was given up.
        Failed = "FAILED",
        /// It was posted, and will be again.
        Retrying = "RETRYING",
    }
}

#[derive(Deserialize)]
struct Edge {
    node: MessageOccurrence,
}

/// Graph wraps the list of events in an object.
fn listed<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<MessageEvent>, D::Error> {
    Ok(Option::<Page<MessageEvent>>::deserialize(deserializer)?.map(|page| page.following().0).unwrap_or_default())
}

fn application_id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    #[derive(Deserialize)]
    struct Application {
        id: String,
    }
    Ok(Option::<Application>::deserialize(deserializer)?.map(|application| application.id))
}

impl Client {
    /// What became of a message that the number sent, and of the webhooks that told of it; `None` when Meta has no history of it
    /// (Meta: message history). For an audit, or to learn what webhooks did not bring: how complete it is Meta does not say, so that
    /// what is absent here may have happened all the same. Meta lists 100 events at most.
    ///
    /// # Errors
    /// [`CallError::Invalid`] without a message id; otherwise as any call.
    pub async fn message_history(
        &self,
        phone_number_id: &str,
        token: &Token,
        message_id: &str,
    ) -> Result<Option<MessageHistory>, CallError> {
        if message_id.is_empty() {
            return Err(CallError::Invalid("message_id: give the id of a sent message, not nothing".to_owned()));
        }
        let asked = [("fields", FIELDS), ("message_id", message_id), ("limit", "100")];
        let request = self.get(&[phone_number_id, "message_history"], token).query(&asked);
        let (found, _) = self.call::<Page<MessageHistory>>(request).await?.following();
        Ok(found.into_iter().find(|history| history.message_id == message_id))
    }

    /// The events of one [`MessageHistory`] by its id, that the message was accepted included, all pages; with `status` those of
    /// this status alone (Meta: message history events).
    ///
    /// # Errors
    /// As any call: [`CallError::Api`] with 100 where there is no such history. [`CallError::Malformed`] also when paging does not
    /// advance.
    pub async fn message_events(
        &self,
        history_id: &str,
        token: &Token,
        status: Option<&OccurrenceStatus>,
    ) -> Result<Vec<MessageOccurrence>, CallError> {
        let mut pages = Pages::new();
        loop {
            let asked = [
                ("fields", Some(NODE)),
                ("limit", Some("100")),
                ("status_filter", status.map(OccurrenceStatus::as_str)),
            ];
            let asked = asked.into_iter().chain([("after", pages.after())]);
            let asked: Vec<_> = asked.filter_map(|(name, value)| value.map(|value| (name, value))).collect();
            if !pages.add(self.call(self.get(&[history_id, "events"], token).query(&asked)).await?)? {
                return Ok(pages.found.into_iter().map(|Edge { node }| node).collect());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_meta_leaves_out_is_none_and_what_is_new_is_kept() {
        let event =
            json!({ "id": "2", "delivery_status": "FORWARDED", "timestamp": 1_780_000_000, "application": null });
        let history = json!({ "id": "1", "message_id": "wamid.1", "events": { "data": [event], "paging": {} } });
        let read: MessageHistory = serde_json::from_value(history).unwrap();
        assert_eq!(read.events[0].delivery_status, DeliveryStatus::Other("FORWARDED".to_owned()));
        assert_eq!((&read.events[0].webhook_update_state, &read.events[0].application), (&None, &None));
        let bare: MessageHistory = serde_json::from_value(json!({ "id": "1", "message_id": "wamid.1" })).unwrap();
        assert!(bare.events.is_empty());
    }
}
