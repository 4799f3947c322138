//! Webhook bodies as Meta writes them: batches, numbers as strings, everything beyond ASCII escaped.

use std::io;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::Serialize;
use serde_json::ser::{Formatter, Serializer};

use super::plan::{Status, Step};
use super::scheduler::Event;
use super::{Inbound, Says, Sender};
use crate::catalogue;
use crate::clock::micros;
use crate::cloud::waba_id;
use crate::message::Message;
use crate::templates::Told as AccountTold;

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
    wa_id: String,
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

#[derive(Serialize)]
struct Contact {
    profile: Profile,
    wa_id: String,
}

#[derive(Serialize)]
struct Profile {
    name: &'static str,
}

#[derive(Serialize)]
struct InboundBody<'a> {
    from: String,
    id: &'a str,
    timestamp: String,
    r#type: &'static str,
    text: Text<'a>,
}

#[derive(Serialize)]
struct Text<'a> {
    body: &'a str,
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
    pricing: Option<Pricing>,
    #[serde(skip_serializing_if = "Option::is_none")]
    errors: Option<[Failure; 1]>,
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
pub(crate) fn encode(senders: &[Sender], batch: &[Event]) -> Vec<u8> {
    let mut entries: Vec<(usize, Entry<'_>)> = Vec::new();
    let mut change_of_number = vec![None; senders.len()];
    let mut accounts = Vec::new();
    for event in batch {
        match event {
            Event::Inbound(inbound) => {
                let sender = &senders[inbound.number];
                entry_of(&mut entries, sender.waba).changes.push(inbound_change(sender, inbound));
            }
            Event::Status(message, step) => {
                let sender = &senders[message.number];
                let changes = &mut entry_of(&mut entries, sender.waba).changes;
                let place = *change_of_number[message.number].get_or_insert_with(|| {
                    changes.push(change(sender));
                    changes.len() - 1
                });
                if let Told::Messages(value) = &mut changes[place].value {
                    value.statuses.push(status(message, step));
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

fn inbound_change<'a>(sender: &'a Sender, inbound: &'a Inbound) -> Change<'a> {
    let from = inbound.user.digits();
    let mut change = change(sender);
    let Told::Messages(value) = &mut change.value else { return change };
    value.contacts = vec![Contact { profile: Profile { name: "Zoë" }, wa_id: from.clone() }];
    match &inbound.says {
        Says::Text { wamid, text } => {
            let (timestamp, text) = (seconds(inbound.at_us), Text { body: text });
            value.messages = vec![InboundBody { from, id: wamid, timestamp, r#type: "text", text }];
        }
        Says::Preference { stops } => {
            value.user_preferences = vec![wish(from, *stops, inbound.at_us)];
            change.field = "user_preferences";
        }
    }
    change
}

fn wish(wa_id: String, stops: bool, at_us: u64) -> PreferenceBody {
    let (value, detail) = match stops {
        true => ("stop", "User requested to stop marketing messages"),
        false => ("resume", "User requested to resume marketing messages"),
    };
    PreferenceBody { wa_id, detail, category: "marketing_messages", value, timestamp: at_us / 1_000_000 }
}

fn status<'a>(message: &'a Message, step: &Step) -> StatusBody<'a> {
    let (status, errors) = match step.status {
        Status::Sent => ("sent", None),
        Status::Delivered => ("delivered", None),
        Status::Read => ("read", None),
        Status::Failed(code) => ("failed", Some([failure(code)])),
    };
    StatusBody {
        id: &message.wamid,
        status,
        timestamp: seconds(message.went_out_us + micros(step.happened)),
        recipient_id: (!message.by_user_id).then(|| message.user.digits()),
        recipient_user_id: message.by_user_id.then(|| message.user.user_id()),
        biz_opaque_callback_data: message.callback_data.as_deref(),
        pricing: step.priced.then(|| pricing(message)),
        errors,
    }
}

fn pricing(message: &Message) -> Pricing {
    let category = if message.is_lite { Some("MARKETING_LITE") } else { message.category };
    let (billable, kind) = if category.is_some() { (true, "regular") } else { (false, "free_customer_service") };
    let category = category.unwrap_or("SERVICE").to_ascii_lowercase();
    Pricing { billable, pricing_model: "PMP", r#type: kind, category }
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
