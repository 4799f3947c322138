//! What users tell of themselves: messages to our numbers, and their wish to hear no marketing. Read loosely: what cannot
//! be understood of one costs no other.

use std::fmt;

use serde::Deserialize;
use serde_json::{Value, value::RawValue};

use super::{
    content::{Answered, Content, Referral},
    payload::{ErrorItem, seconds},
};
use crate::Personal;

/// A user's message to one of our numbers. `Debug` leaves out what it says.
#[derive(Clone, PartialEq)]
pub struct Inbound {
    /// Id of the business phone number that it was sent to; `None` when the webhook does not say.
    pub phone_number_id: Option<String>,
    /// The user's WhatsApp id, digits without `+`; `None` for a user whose number is not shown (Meta: business-scoped
    /// user ids).
    pub from: Option<Personal>,
    /// The user's business-scoped user id, the key that is always there since 2026.
    pub from_user_id: Option<Personal>,
    /// The same for a parent portfolio, where there is one.
    pub from_parent_user_id: Option<Personal>,
    /// The user's name, as set in WhatsApp.
    pub profile_name: Option<Personal>,
    /// The user's name on WhatsApp that others find them by, where they have one.
    pub username: Option<Personal>,
    /// Another value than last time: the user's phone or account is another one (Meta: identity change check).
    pub identity_key_hash: Option<String>,
    /// Its id.
    pub id: String,
    /// When it was sent, in Unix seconds.
    pub timestamp: i64,
    /// What it holds.
    pub content: Content,
    /// Which message it answers.
    pub context: Option<Answered>,
    /// The advertisement that the user came by.
    pub referral: Option<Box<Referral>>,
    /// The group that it was written in.
    pub group_id: Option<String>,
    /// What is wrong with it, or why it holds nothing.
    pub errors: Vec<ErrorItem>,
}

impl Inbound {
    /// What it says in words: what the user wrote, or the label of what was tapped; `None` for anything else.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        self.content.text()
    }
}

impl fmt::Debug for Inbound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (from, content) = (&self.from, &self.content);
        f.debug_struct("Inbound")
            .field("from", from)
            .field("id", &self.id)
            .field("content", content)
            .finish_non_exhaustive()
    }
}

/// What a user wishes of our marketing messages, set in WhatsApp itself (Meta: webhook field `user_preferences`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preference {
    /// Id of the business phone number that it was told of; `None` when the webhook does not say.
    pub phone_number_id: Option<String>,
    /// The user's WhatsApp id; `None` for a user whose number is not shown.
    pub from: Option<Personal>,
    /// The user's business-scoped user id.
    pub user_id: Option<Personal>,
    /// `marketing_messages`.
    pub category: String,
    /// In words.
    pub detail: Option<String>,
    /// To be left alone (`stop`), or not any more (`resume`).
    pub stops: bool,
    /// Since when, in Unix seconds.
    pub timestamp: i64,
}

#[derive(Deserialize)]
struct MessageBody {
    from: Option<String>,
    from_user_id: Option<Personal>,
    from_parent_user_id: Option<Personal>,
    id: String,
    #[serde(with = "seconds")]
    timestamp: i64,
}

#[derive(Deserialize)]
struct PreferenceBody {
    wa_id: Option<String>,
    user_id: Option<Personal>,
    #[serde(default)]
    category: String,
    detail: Option<String>,
    value: String,
    #[serde(with = "seconds")]
    timestamp: i64,
}

/// A member of `contacts`, as far as it names a user.
#[derive(Deserialize)]
pub(super) struct Contact {
    wa_id: Option<Personal>,
    user_id: Option<Personal>,
    parent_user_id: Option<Personal>,
    profile: Option<Profile>,
    identity_key_hash: Option<String>,
}

#[derive(Deserialize)]
struct Profile {
    name: Option<Personal>,
    username: Option<Personal>,
}

/// Digits alone are a WhatsApp id: courier's fixtures show a business-scoped user id inside `from`.
fn is_wa_id(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn wa_id(text: Option<String>) -> Option<Personal> {
    text.filter(|text| is_wa_id(text)).map(Personal::from)
}

/// A user among `contacts`.
fn contact_of<'a>(contacts: &'a [Contact], from: Option<&Personal>, user_id: Option<&Personal>) -> Option<&'a Contact> {
    let is_it = |it: &&Contact| {
        let same = |one: Option<&Personal>, other: Option<&Personal>| one.is_some() && one == other;
        same(it.wa_id.as_ref(), from) || same(it.user_id.as_ref(), user_id)
    };
    contacts.iter().find(is_it)
}

/// Reads a member of `messages`.
pub(super) fn message(body: &RawValue, phone_number_id: Option<&str>, contacts: &[Contact]) -> Option<Inbound> {
    let message: Value = serde_json::from_str(body.get()).ok()?;
    let MessageBody { from, from_user_id, from_parent_user_id, id, timestamp } =
        MessageBody::deserialize(&message).ok()?;
    // It may stand where the WhatsApp id does.
    let elsewhere = from.clone().filter(|text| !is_wa_id(text)).map(Personal::from);
    let (from, from_user_id) = (wa_id(from), from_user_id.or(elsewhere));
    let contact = contact_of(contacts, from.as_ref(), from_user_id.as_ref());
    let profile = contact.and_then(|contact| contact.profile.as_ref());
    let errors = message["errors"].as_array().map_or(&[][..], Vec::as_slice);
    Some(Inbound {
        phone_number_id: phone_number_id.map(str::to_owned),
        from,
        from_user_id,
        from_parent_user_id: from_parent_user_id.or_else(|| contact?.parent_user_id.clone()),
        profile_name: profile.and_then(|profile| profile.name.clone()),
        username: profile.and_then(|profile| profile.username.clone()),
        identity_key_hash: contact.and_then(|contact| contact.identity_key_hash.clone()),
        id,
        timestamp,
        content: Content::read(&message),
        context: Option::deserialize(&message["context"]).ok().flatten(),
        referral: Option::deserialize(&message["referral"]).ok().flatten(),
        group_id: message["group_id"].as_str().map(str::to_owned),
        errors: errors.iter().filter_map(|error| ErrorItem::deserialize(error).ok()).collect(),
    })
}

/// Reads a member of `user_preferences`.
pub(super) fn preference(body: &RawValue, phone_number_id: Option<&str>) -> Option<Preference> {
    let PreferenceBody { wa_id: from, user_id, category, detail, value, timestamp } =
        serde_json::from_str(body.get()).ok()?;
    let stops = match value.as_str() {
        "stop" => true,
        "resume" => false,
        _ => return None,
    };
    let phone_number_id = phone_number_id.map(str::to_owned);
    Some(Preference { phone_number_id, from: wa_id(from), user_id, category, detail, stops, timestamp })
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
            assert_eq!((parsed.unknown.len(), parsed.skipped), (0, 0));
            let inbound = parsed.inbound.into_iter().next().unwrap();
            assert_eq!(inbound.from.as_ref().map(Personal::as_str), Some("919876543210"));
            assert_eq!((inbound.phone_number_id.as_deref(), inbound.timestamp), (Some("106"), 1_780_000_000));
            inbound.text().map(str::to_owned)
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
                {"from": "1", "id": "3", "timestamp": "1", "type": "system", "system": {"type": "user_changed_number", "wa_id": "2"}},
                {"id": "4"}, 7]),
        );
        assert_eq!(parsed.inbound.iter().map(|inbound| inbound.from.is_none()).collect::<Vec<_>>(), [true, true]);
        let keys = parsed.inbound.iter().map(|inbound| inbound.from_user_id.as_ref().map(Personal::as_str));
        assert_eq!(keys.collect::<Vec<_>>(), [Some("US.13491"); 2]);
        assert_eq!((parsed.systems.len(), parsed.unknown.len()), (1, 2));
    }

    #[test]
    fn whoever_wrote_is_known_by_all_that_meta_tells_of_them() {
        let contact = json!({"profile": {"name": "Ana", "username": "ana.s"}, "wa_id": "919876543210", "user_id": "US.1",
                             "parent_user_id": "US.ENT.1", "identity_key_hash": "DF2lS5v2W6x="});
        let message = json!({"from": "919876543210", "from_user_id": "US.1", "id": "w", "timestamp": "1", "type": "unsupported",
                             "errors": [{"code": 131_051, "title": "Message type unknown"}]});
        let value = json!({"messaging_product": "whatsapp", "contacts": [contact], "messages": [message]});
        let body = json!({"object": "whatsapp_business_account",
                          "entry": [{"id": "1", "changes": [{"field": "messages", "value": value}]}]});
        let told = parse(body.to_string().as_bytes()).unwrap().inbound.remove(0);
        let known = [&told.from_user_id, &told.from_parent_user_id, &told.profile_name, &told.username];
        let known = known.map(|it| it.as_ref().map(Personal::as_str));
        assert_eq!(known, [Some("US.1"), Some("US.ENT.1"), Some("Ana"), Some("ana.s")]);
        assert_eq!((told.identity_key_hash.as_deref(), told.errors[0].code), (Some("DF2lS5v2W6x="), 131_051));
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
        assert_eq!(parsed.unknown.len(), 1);
    }

    #[test]
    fn what_a_user_wrote_is_not_printed() {
        let message =
            json!({"from": "919876543210", "id": "w", "timestamp": "1", "type": "text", "text": {"body": "secret"}});
        let printed = format!("{:?}", read("messages", "messages", json!([message])).inbound);
        assert!(!printed.contains("secret") && !printed.contains("9876543"), "{printed}");
    }
}
