//! What users tell of themselves: messages to our numbers, and their wish to hear no marketing. Read loosely: what cannot
//! be understood of one costs no other.

use std::fmt;

use serde::Deserialize;
use serde_json::{Value, value::RawValue};

use super::payload::seconds;
use crate::Personal;

/// A user's message to one of our numbers. `Debug` leaves out what it says.
#[derive(Clone, PartialEq, Eq)]
pub struct Inbound {
    /// Id of the business phone number that it was sent to; `None` when the webhook does not say.
    pub phone_number_id: Option<String>,
    /// The user's WhatsApp id, digits without `+`; `None` for a user whose number is not shown (Meta: business-scoped
    /// user ids).
    pub from: Option<Personal>,
    /// Its id.
    pub id: String,
    /// When it was sent, in Unix seconds.
    pub timestamp: i64,
    /// What the user wrote, or the label of the button that was tapped; `None` for anything else.
    pub text: Option<String>,
}

impl fmt::Debug for Inbound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inbound").field("from", &self.from).field("id", &self.id).finish_non_exhaustive()
    }
}

/// What a user wishes of our marketing messages, set in WhatsApp itself (Meta: webhook field `user_preferences`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preference {
    /// Id of the business phone number that it was told of; `None` when the webhook does not say.
    pub phone_number_id: Option<String>,
    /// The user's WhatsApp id; `None` for a user whose number is not shown.
    pub from: Option<Personal>,
    /// `marketing_messages`.
    pub category: String,
    /// To be left alone (`stop`), or not any more (`resume`).
    pub stops: bool,
    /// Since when, in Unix seconds.
    pub timestamp: i64,
}

#[derive(Deserialize)]
struct MessageBody {
    from: Option<String>,
    id: String,
    #[serde(with = "seconds")]
    timestamp: i64,
    #[serde(flatten)]
    content: Value,
}

#[derive(Deserialize)]
struct PreferenceBody {
    wa_id: Option<String>,
    #[serde(default)]
    category: String,
    value: String,
    #[serde(with = "seconds")]
    timestamp: i64,
}

/// Where a message says something in words, by its type.
const WORDS: [&str; 5] = [
    "/text/body",
    "/button/text",
    "/interactive/button_reply/title",
    "/interactive/list_reply/title",
    "/interactive/nfm_reply/body",
];

/// Digits alone are a WhatsApp id: courier's fixtures show a business-scoped user id inside `from`.
fn wa_id(text: Option<String>) -> Option<Personal> {
    text.filter(|text| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())).map(Personal::from)
}

/// Reads a member of `messages`.
pub(super) fn message(body: &RawValue, phone_number_id: Option<&str>) -> Option<Inbound> {
    let MessageBody { from, id, timestamp, content } = serde_json::from_str(body.get()).ok()?;
    // Meta tells of other things in the same list, such as a user's new number.
    (content.get("type").and_then(Value::as_str) != Some("system")).then(|| Inbound {
        phone_number_id: phone_number_id.map(str::to_owned),
        from: wa_id(from),
        id,
        timestamp,
        text: WORDS.iter().find_map(|place| content.pointer(place)?.as_str()).map(str::to_owned),
    })
}

/// Reads a member of `user_preferences`.
pub(super) fn preference(body: &RawValue, phone_number_id: Option<&str>) -> Option<Preference> {
    let PreferenceBody { wa_id: from, category, value, timestamp } = serde_json::from_str(body.get()).ok()?;
    let stops = match value.as_str() {
        "stop" => true,
        "resume" => false,
        _ => return None,
    };
    let phone_number_id = phone_number_id.map(str::to_owned);
    Some(Preference { phone_number_id, from: wa_id(from), category, stops, timestamp })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::{Parsed, parse};
    use crate::Personal;

    fn read(field: &str, list: &str, members: serde_json::Value) -> Parsed {
        let value = json!({"messaging_product": "whatsapp", list: members,
                           "metadata": {"display_phone_number": "15550783881", "phone_number_id": "106"}});
        let body = json!({"object": "whatsapp_business_account",
                          "entry": [{"id": "1", "changes": [{"field": field, "value": value}]}]});
        parse(body.to_string().as_bytes()).unwrap()
    }

    #[test]
    fn a_message_is_read_with_what_it_says_in_words() {
        let said = |content: serde_json::Value| {
            let mut message = json!({"from": "919876543210", "id": "wamid.1", "timestamp": "1780000000"});
            message.as_object_mut().unwrap().extend(content.as_object().unwrap().clone());
            let parsed = read("messages", "messages", json!([message]));
            assert_eq!((parsed.others, parsed.skipped), (0, 0));
            let inbound = parsed.inbound.into_iter().next().unwrap();
            assert_eq!(inbound.from.as_ref().map(Personal::as_str), Some("919876543210"));
            assert_eq!((inbound.phone_number_id.as_deref(), inbound.timestamp), (Some("106"), 1_780_000_000));
            inbound.text
        };
        assert_eq!(said(json!({"type": "text", "text": {"body": "STOP"}})).as_deref(), Some("STOP"));
        assert_eq!(
            said(json!({"type": "button", "button": {"payload": "p", "text": "Stop"}})).as_deref(),
            Some("Stop")
        );
        let reply = json!({"type": "interactive", "interactive": {"type": "button_reply", "button_reply": {"id": "b", "title": "Yes"}}});
        assert_eq!(said(reply).as_deref(), Some("Yes"));
        assert_eq!(said(json!({"type": "image", "image": {"id": "1"}})), None);
    }

    #[test]
    fn a_user_without_a_number_is_nobody_and_a_system_message_is_no_message() {
        let parsed = read(
            "messages",
            "messages",
            json!([
                {"from": "US.13491", "id": "1", "timestamp": "1", "type": "text", "text": {"body": "x"}},
                {"from_user_id": "US.13491", "id": "2", "timestamp": "1", "type": "text", "text": {"body": "x"}},
                {"from": "1", "id": "3", "timestamp": "1", "type": "system", "system": {"type": "user_changed_number"}},
                {"id": "4"}, 7]),
        );
        assert_eq!(parsed.inbound.iter().map(|inbound| inbound.from.is_none()).collect::<Vec<_>>(), [true, true]);
        assert_eq!(parsed.others, 3);
    }

    #[test]
    fn a_wish_is_read_and_one_that_is_not_understood_costs_no_other() {
        let parsed = read(
            "user_preferences",
            "user_preferences",
            json!([
                {"wa_id": "16505551234", "detail": "d", "category": "marketing_messages", "value": "stop", "timestamp": 1_780_000_000},
                {"wa_id": "16505551234", "category": "marketing_messages", "value": "resume", "timestamp": 1_780_000_001},
                {"wa_id": "16505551234", "value": "perhaps", "timestamp": 1}]),
        );
        let stops: Vec<_> = parsed.preferences.iter().map(|wish| (wish.stops, wish.timestamp)).collect();
        assert_eq!(stops, [(true, 1_780_000_000), (false, 1_780_000_001)]);
        assert_eq!(parsed.others, 1);
    }

    #[test]
    fn what_a_user_wrote_is_not_printed() {
        let message =
            json!({"from": "919876543210", "id": "w", "timestamp": "1", "type": "text", "text": {"body": "secret"}});
        let printed = format!("{:?}", read("messages", "messages", json!([message])).inbound);
        assert!(!printed.contains("secret") && !printed.contains("9876543"), "{printed}");
    }
}
