//! Webhook bodies as Meta writes them: batches, numbers as strings, everything beyond ASCII escaped.

use std::collections::HashMap;
use std::io;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::Serialize;
use serde_json::ser::{Formatter, Serializer};

use super::plan::{Status, Step};
use super::scheduler::Event;
use super::{Inbound, Says, Sender};
use crate::catalogue;
use crate::clock::micros;
use crate::cloud::waba_id;
use crate::dice::mix;
use crate::message::{Message, Price};
use crate::rules::Rules;
use crate::templates::Told as AccountTold;
use crate::wa_id::WaId;

#[derive(Serialize)]
struct Notification<'a> {
    object: &'static str,
    entry: Vec<Entry<'a>>,
}

#[derive(Serialize)]
struct Entry<'a> {
    id: String,
    /// Of what becomes of accounts alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    time: Option<u64>,
    changes: Vec<Change<'a>>,
}

#[derive(Serialize)]
struct Change<'a> {
    value: Told<'a>,
    field: &'static str,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Told<'a> {
    Messages(Value<'a>),
    Account(&'a serde_json::Value),
}

#[derive(Serialize)]
struct Value<'a> {
    messaging_product: &'static str,
    metadata: Metadata<'a>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    contacts: Vec<Contact>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    messages: Vec<InboundBody<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    statuses: Vec<StatusBody<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    user_preferences: Vec<PreferenceBody>,
}

/// Its timestamp is a number, unlike those of messages.
#[derive(Serialize)]
struct PreferenceBody {
    #[serde(flatten)]
    ids: Ids,
    detail: &'static str,
    category: &'static str,
    value: &'static str,
    timestamp: u64,
}

#[derive(Serialize)]
struct Metadata<'a> {
    display_phone_number: &'a str,
    phone_number_id: &'a str,
}

#[derive(Serialize, PartialEq, Eq)]
struct Contact {
    profile: Profile,
    #[serde(flatten)]
    ids: Ids,
}

/// How a user is named: by phone, by the business-scoped id, or by both.
#[derive(Clone, Serialize, PartialEq, Eq)]
struct Ids {
    #[serde(skip_serializing_if = "Option::is_none")]
    wa_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<String>,
}

impl Ids {
    fn of(user: WaId, shows_phone: bool, rules: &Rules) -> Self {
        let tells_id = !shows_phone || rules.user_ids;
        Self { wa_id: shows_phone.then(|| user.digits()), user_id: tells_id.then(|| user.user_id()) }
    }
}

#[derive(Serialize, PartialEq, Eq)]
struct Profile {
    name: &'static str,
}

#[derive(Serialize)]
struct InboundBody<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    from_user_id: Option<String>,
    id: &'a str,
    timestamp: String,
    r#type: &'static str,
    /// By the name of its type.
    #[serde(flatten)]
    content: HashMap<&'static str, &'a serde_json::Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    context: Option<Context<'a>>,
}

/// The message that is answered.
#[derive(Serialize)]
struct Context<'a> {
    from: &'a str,
    id: &'a str,
}

#[derive(Serialize)]
struct StatusBody<'a> {
    id: &'a str,
    status: &'static str,
    timestamp: String,
    /// Left out where the number knows the user by the business-scoped id alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    recipient_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    recipient_user_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    biz_opaque_callback_data: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    conversation: Option<Conversation>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pricing: Option<Pricing>,
    #[serde(skip_serializing_if = "Option::is_none")]
    errors: Option<[Failure; 1]>,
}

/// Up to v23 one for each message; later of free entry points alone.
#[derive(Serialize)]
struct Conversation {
    id: String,
    /// In `sent` alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    expiration_timestamp: Option<String>,
    origin: Origin,
}

#[derive(Serialize)]
struct Origin {
    r#type: String,
}

#[derive(Serialize)]
struct Pricing {
    billable: bool,
    pricing_model: &'static str,
    r#type: &'static str,
    category: String,
}

#[derive(Serialize)]
struct Failure {
    code: u32,
    title: &'static str,
    message: &'static str,
    error_data: Details,
    href: &'static str,
}

#[derive(Serialize)]
struct Details {
    details: &'static str,
}

/// The body of one POST: an entry per account, in it one change per number with its statuses in order, and one per inbound
/// message; then what becomes of accounts, each in an entry with its time.
pub(crate) fn encode(senders: &[Sender], rules: &Rules, batch: &[Event]) -> Vec<u8> {
    let mut entries: Vec<(usize, Entry<'_>)> = Vec::new();
    let mut change_of_number = vec![None; senders.len()];
    let mut accounts = Vec::new();
    for event in batch {
        match event {
            Event::Inbound(inbound) => {
                let sender = &senders[inbound.number];
                entry_of(&mut entries, sender.waba).changes.push(inbound_change(sender, inbound, rules));
            }
            Event::Status(message, step) => {
                let sender = &senders[message.number];
                let changes = &mut entry_of(&mut entries, sender.waba).changes;
                let place = *change_of_number[message.number].get_or_insert_with(|| {
                    changes.push(change(sender));
                    changes.len() - 1
                });
                if let Told::Messages(value) = &mut changes[place].value {
                    value.statuses.push(status(message, step, rules));
                    if rules.user_ids && !matches!(step.status, Status::Failed(_)) {
                        add_contact(&mut value.contacts, message, rules);
                    }
                }
            }
            Event::Account(told) => accounts.push(account_entry(told)),
        }
    }
    let entry = entries.into_iter().map(|(_, entry)| entry).chain(accounts).collect();
    let notification = Notification { object: "whatsapp_business_account", entry };
    let mut body = Vec::with_capacity(256 + batch.len() * 400);
    let mut serializer = Serializer::with_formatter(&mut body, Escaped);
    notification.serialize(&mut serializer).expect("strings and numbers always serialise into memory");
    body
}

/// The entry of an account; where there is none yet, a new one.
fn entry_of<'e, 'a>(entries: &'e mut Vec<(usize, Entry<'a>)>, waba: usize) -> &'e mut Entry<'a> {
    let place = entries.iter().position(|(of, _)| *of == waba).unwrap_or_else(|| {
        entries.push((waba, Entry { id: waba_id(waba), time: None, changes: Vec::new() }));
        entries.len() - 1
    });
    &mut entries[place].1
}

fn account_entry(told: &AccountTold) -> Entry<'_> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let change = Change { value: Told::Account(&told.value), field: told.field };
    Entry { id: waba_id(told.waba), time: Some(now.as_secs()), changes: vec![change] }
}

fn change(sender: &Sender) -> Change<'_> {
    let metadata = Metadata { display_phone_number: &sender.display, phone_number_id: &sender.id };
    let value = Value {
        messaging_product: "whatsapp",
        metadata,
        contacts: Vec::new(),
        messages: Vec::new(),
        statuses: Vec::new(),
        user_preferences: Vec::new(),
    };
    Change { value: Told::Messages(value), field: "messages" }
}

/// Each user of a change once.
fn add_contact(contacts: &mut Vec<Contact>, message: &Message, rules: &Rules) {
    let contact = contact(Ids::of(message.user, !message.by_user_id, rules));
    if !contacts.contains(&contact) {
        contacts.push(contact);
    }
}

fn contact(ids: Ids) -> Contact {
    Contact { profile: Profile { name: "Zoë" }, ids }
}

fn inbound_change<'a>(sender: &'a Sender, inbound: &'a Inbound, rules: &Rules) -> Change<'a> {
    let ids = Ids::of(inbound.user, inbound.shows_phone, rules);
    let mut change = change(sender);
    let Told::Messages(value) = &mut change.value else { return change };
    value.contacts = vec![contact(ids.clone())];
    match &inbound.says {
        Says::Message(said) => {
            let (from, from_user_id) = (ids.wa_id, ids.user_id);
            let (r#type, timestamp) = (said.kind, seconds(inbound.at_us));
            let context = said.quotes.as_deref().map(|id| Context { from: &sender.display, id });
            let content = HashMap::from([(r#type, &said.content)]);
            let id = &said.wamid;
            value.messages = vec![InboundBody { from, from_user_id, id, timestamp, r#type, content, context }];
        }
        Says::Preference { stops } => {
            value.user_preferences = vec![wish(ids, *stops, inbound.at_us)];
            change.field = "user_preferences";
        }
    }
    change
}

fn wish(ids: Ids, stops: bool, at_us: u64) -> PreferenceBody {
    let (value, detail) = match stops {
        true => ("stop", "User requested to stop marketing messages"),
        false => ("resume", "User requested to resume marketing messages"),
    };
    PreferenceBody { ids, detail, category: "marketing_messages", value, timestamp: at_us / 1_000_000 }
}

fn status<'a>(message: &'a Message, step: &Step, rules: &Rules) -> StatusBody<'a> {
    let (status, errors) = match step.status {
        Status::Sent => ("sent", None),
        Status::Delivered => ("delivered", None),
        Status::Read => ("read", None),
        Status::Failed(code) => ("failed", Some([failure(code)])),
    };
    // Meta: no user id where a message to a phone failed.
    let tells_id = message.by_user_id || (rules.user_ids && errors.is_none());
    StatusBody {
        id: &message.wamid,
        status,
        timestamp: seconds(message.went_out_us + micros(step.happened)),
        recipient_id: (!message.by_user_id).then(|| message.user.digits()),
        recipient_user_id: tells_id.then(|| message.user.user_id()),
        biz_opaque_callback_data: message.callback_data.as_deref(),
        conversation: if errors.is_none() { conversation(message, step, rules) } else { None },
        pricing: step.priced.then(|| pricing(message)),
        errors,
    }
}

/// Meta's category of a message, in small letters.
fn category(message: &Message) -> String {
    let category = if message.is_lite { Some("MARKETING_LITE") } else { message.category };
    category.unwrap_or("SERVICE").to_ascii_lowercase()
}

fn pricing(message: &Message) -> Pricing {
    let is_entry = message.price == Price::ENTRY_POINT;
    let category = if is_entry { "referral_conversion".to_owned() } else { category(message) };
    Pricing { billable: message.price.is_billable, pricing_model: "PMP", r#type: message.price.kind, category }
}

fn conversation(message: &Message, step: &Step, rules: &Rules) -> Option<Conversation> {
    let is_entry = message.price == Price::ENTRY_POINT;
    if !is_entry && !rules.has_conversations() {
        return None;
    }
    let hash = message.wamid.bytes().fold(0, |hash, byte| mix(hash ^ u64::from(byte)));
    let hours = if is_entry { 72 } else { 24 };
    let expires_us = message.went_out_us + micros(Duration::from_secs(hours * 3600));
    let kind = if is_entry { "referral_conversion".to_owned() } else { category(message) };
    Some(Conversation {
        id: format!("{hash:016x}{:016x}", mix(hash)),
        expiration_timestamp: (step.status == Status::Sent).then(|| seconds(expires_us)),
        origin: Origin { r#type: kind },
    })
}

fn failure(code: u32) -> Failure {
    let entry = catalogue::entry(code);
    Failure {
        code,
        title: entry.title,
        message: entry.title,
        error_data: Details { details: entry.details },
        href: "/documentation/business-messaging/whatsapp/support/error-codes",
    }
}

/// Meta writes the timestamps of messages and statuses as strings of whole seconds.
fn seconds(at_us: u64) -> String {
    (at_us / 1_000_000).to_string()
}

/// Escapes `/` and everything beyond ASCII, as Meta's encoder does: a receiver that checks the signature over JSON
/// that it wrote again itself must fail.
struct Escaped;

impl Formatter for Escaped {
    fn write_string_fragment<W: ?Sized + io::Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        let mut plain_from = 0;
        for (at, c) in fragment.char_indices().filter(|(_, c)| *c == '/' || !c.is_ascii()) {
            writer.write_all(&fragment.as_bytes()[plain_from..at])?;
            plain_from = at + c.len_utf8();
            if c == '/' {
                writer.write_all(b"\\/")?;
                continue;
            }
            for unit in c.encode_utf16(&mut [0; 2]) {
                write!(writer, "\\u{unit:04x}")?;
            }
        }
        writer.write_all(&fragment.as_bytes()[plain_from..])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_ascii_is_escaped_and_reads_back_the_same() {
        let text = "Zoë/Jürgen 👍 \"done\"";
        let mut out = Vec::new();
        text.serialize(&mut Serializer::with_formatter(&mut out, Escaped)).unwrap();
        let json = String::from_utf8(out).unwrap();
        assert_eq!(json, r#""Zo\u00eb\/J\u00fcrgen \ud83d\udc4d \"done\"""#);
        assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
    }
}
