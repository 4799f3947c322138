//! Reading a batch of updates so that one strange update never costs another.
//!
//! Nearly every batch has exactly the documented shape and is read in one pass. One that has not is read a second time,
//! member by member: what can be understood is kept, the rest is counted.

use std::{collections::HashMap, fmt};

use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, value::RawValue};

use super::{
    account::{self, AccountUpdate},
    content::Content,
    inbound::{Contact, Inbound, Preference, message, preference},
    payload::{
        Change, ErrorItem, MESSAGES, MessagesValue, Metadata, Notification, StatusUpdate, USER_PREFERENCES, seconds,
    },
};

/// A batch of updates.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Parsed {
    /// The statuses of our messages, in the order they came in.
    pub statuses: Vec<ReceivedStatus>,
    /// What users wrote to our numbers.
    pub inbound: Vec<Inbound>,
    /// What users wish of our marketing messages.
    pub preferences: Vec<Preference>,
    /// What WhatsApp tells of users, such as a new number. No message of theirs.
    pub systems: Vec<Inbound>,
    /// What became of accounts, numbers and templates.
    pub accounts: Vec<AccountUpdate>,
    /// Errors that belong to no message.
    pub errors: Vec<NumberError>,
    /// Updates of kinds that this version does not know, and messages and wishes of another shape, as they came.
    pub unknown: Vec<Unknown>,
    /// Parts that could not be understood.
    pub skipped: usize,
}

/// A status and the number that it belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceivedStatus {
    /// Id of the business phone number that sent the message; `None` when the webhook does not say.
    pub phone_number_id: Option<String>,
    /// What became of the message.
    pub status: StatusUpdate,
}

/// An error that belongs to no message, and the number that it is told of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NumberError {
    /// Id of the business phone number; `None` when the webhook does not say.
    pub phone_number_id: Option<String>,
    /// What is wrong.
    pub error: ErrorItem,
}

/// An update that this version does not know. `Debug` leaves out what it holds.
#[derive(Clone, PartialEq)]
pub struct Unknown {
    /// The field that it came in.
    pub field: String,
    /// All of it: the value of a change, or the member of a list that could not be read.
    pub value: Value,
}

impl Unknown {
    fn of(field: &str, value: &RawValue) -> Self {
        Self { field: field.to_owned(), value: serde_json::from_str(value.get()).unwrap_or_default() }
    }
}

impl fmt::Debug for Unknown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Unknown").field("field", &self.field).finish_non_exhaustive()
    }
}

/// The body is no JSON object: not from Meta, or cut off. Says where, never what, for bodies hold phone numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the webhook body is not a JSON object: fault at line {line}, column {column}")]
pub struct ParseError {
    /// From 1.
    pub line: usize,
    /// From 1; 0 when the body is JSON of another kind.
    pub column: usize,
}

/// Reads the body of a webhook.
///
/// # Errors
/// Only when the body as a whole is no JSON object. Anything strange inside it is skipped and counted.
pub fn parse(body: &[u8]) -> Result<Parsed, ParseError> {
    // serde would take a list for an object, member by member.
    if let Ok(text) = str::from_utf8(body)
        && text.trim_start().starts_with('{')
        && let Ok(batch) = serde_json::from_str::<Notification>(text)
        && batch.entry.iter().flat_map(|entry| &entry.changes).all(|change| is_read(&change.field))
    {
        return Ok(Parsed::from(batch));
    }
    parse_loosely(&String::from_utf8_lossy(body))
}

impl From<Notification> for Parsed {
    fn from(notification: Notification) -> Self {
        let mut parsed = Self::default();
        for Change { field, value } in notification.entry.into_iter().flat_map(|entry| entry.changes) {
            parsed.add(&field, value);
        }
        parsed
    }
}

impl Parsed {
    /// Whether nothing of it is to be stored.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let users = self.inbound.is_empty() && self.preferences.is_empty();
        self.statuses.is_empty() && users && self.accounts.is_empty()
    }

    fn add(&mut self, field: &str, value: MessagesValue) {
        let number = value.metadata.as_ref().map(|metadata| metadata.phone_number_id.as_str());
        self.add_messages(field, number, &value);
        for body in &value.user_preferences {
            match preference(body, number) {
                Some(wish) => self.preferences.push(wish),
                None => self.unknown.push(Unknown::of(field, body)),
            }
        }
        for body in &value.errors {
            let phone_number_id = number.map(str::to_owned);
            match serde_json::from_str(body.get()) {
                Ok(error) => self.errors.push(NumberError { phone_number_id, error }),
                Err(_) => self.unknown.push(Unknown::of(field, body)),
            }
        }
        let received = |status| ReceivedStatus { phone_number_id: number.map(str::to_owned), status };
        self.statuses.extend(value.statuses.into_iter().map(received));
    }

    fn add_messages(&mut self, field: &str, number: Option<&str>, value: &MessagesValue) {
        let contacts: Vec<Contact> = match value.messages.is_empty() {
            // Statuses name them too, and nobody asks.
            true => Vec::new(),
            false => value.contacts.iter().filter_map(|contact| serde_json::from_str(contact.get()).ok()).collect(),
        };
        for body in &value.messages {
            match message(body, number, &contacts) {
                Some(told) if matches!(told.content, Content::System(_)) => self.systems.push(told),
                Some(inbound) => self.inbound.push(inbound),
                None => self.unknown.push(Unknown::of(field, body)),
            }
        }
    }
}

/// Whether changes of this field are read.
fn is_read(field: &str) -> bool {
    [MESSAGES, USER_PREFERENCES].contains(&field)
}

pub(crate) fn parse_loosely(body: &str) -> Result<Parsed, ParseError> {
    let root = serde_json::from_str(body)
        .map_err(|error| ParseError { line: error.line(), column: error.column() })
        .map(Members)?;
    let mut parsed = Parsed::default();
    for entry in root.objects("entry", &mut parsed.skipped) {
        for change in entry.objects("changes", &mut parsed.skipped) {
            add_change(&entry, &change, &mut parsed);
        }
    }
    Ok(parsed)
}

fn add_change(entry: &Members<'_>, change: &Members<'_>, parsed: &mut Parsed) {
    match (change.get::<String>("field").as_deref(), change.object("value")) {
        (Some(field), Some(value)) if is_read(field) => {
            let value = value.messages_value(&mut parsed.skipped);
            parsed.add(field, value);
        }
        (Some(field), _) if !is_read(field) => match account_update(entry, field, change) {
            Some(update) => parsed.accounts.push(update),
            None => parsed.unknown.extend(change.0.get("value").map(|value| Unknown::of(field, value))),
        },
        _ => parsed.skipped += 1,
    }
}

fn account_update(entry: &Members<'_>, field: &str, change: &Members<'_>) -> Option<AccountUpdate> {
    let value = change.get("value")?;
    let event = account::event(field, &value)?;
    Some(AccountUpdate { waba_id: entry.get("id")?, time: entry.get("time"), event, value })
}

/// The members of a JSON object, none of them looked into yet. Of members with the same name the last one counts.
struct Members<'a>(HashMap<String, &'a RawValue>);

impl<'a> Members<'a> {
    fn read(object: &'a RawValue) -> Option<Self> {
        serde_json::from_str(object.get()).ok().map(Self)
    }

    /// A member, unless it is absent or of another type.
    fn get<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        serde_json::from_str(self.0.get(name)?.get()).ok()
    }

    fn object(&self, name: &str) -> Option<Self> {
        Self::read(self.0.get(name)?)
    }

    /// The elements of a list; none if it is absent or null.
    fn list(&self, name: &str, skipped: &mut usize) -> Vec<&'a RawValue> {
        let Some(list) = self.0.get(name) else { return Vec::new() };
        serde_json::from_str::<Option<Vec<&RawValue>>>(list.get()).map_or_else(
            |_| {
                *skipped += 1;
                Vec::new()
            },
            Option::unwrap_or_default,
        )
    }

    /// The elements of a list that are objects.
    fn objects(&self, name: &str, skipped: &mut usize) -> Vec<Self> {
        let list = self.list(name, skipped);
        let objects: Vec<_> = list.iter().copied().filter_map(Self::read).collect();
        *skipped += list.len() - objects.len();
        objects
    }

    /// What can be understood of a value of field `messages`.
    fn messages_value(&self, skipped: &mut usize) -> MessagesValue {
        let phone_number_id = self.object("metadata").and_then(|metadata| metadata.get("phone_number_id"));
        let ours = |phone_number_id| Metadata { display_phone_number: String::new(), phone_number_id };
        MessagesValue {
            messaging_product: String::new(),
            metadata: phone_number_id.map(ours),
            contacts: self.verbatim("contacts", &mut 0),
            messages: self.verbatim("messages", skipped),
            statuses: self.statuses(skipped),
            errors: self.verbatim("errors", skipped),
            user_preferences: self.verbatim("user_preferences", skipped),
        }
    }

    fn verbatim(&self, name: &str, skipped: &mut usize) -> Vec<Box<RawValue>> {
        self.list(name, skipped).into_iter().map(ToOwned::to_owned).collect()
    }

    fn statuses(&self, skipped: &mut usize) -> Vec<StatusUpdate> {
        let objects = self.objects("statuses", skipped);
        let statuses: Vec<_> = objects.iter().filter_map(Self::status).collect();
        *skipped += objects.len() - statuses.len();
        statuses
    }

    /// A status needs an id, a status and a time; the rest is dropped where it is strange.
    fn status(&self) -> Option<StatusUpdate> {
        #[derive(Deserialize)]
        struct Seconds(#[serde(with = "seconds")] i64);

        let errors = self.list("errors", &mut 0).into_iter();
        Some(StatusUpdate {
            id: self.get("id")?,
            status: self.get("status")?,
            timestamp: self.get::<Seconds>("timestamp")?.0,
            recipient_id: self.get("recipient_id"),
            recipient_user_id: self.get("recipient_user_id"),
            recipient_type: self.get("recipient_type"),
            recipient_participant_id: self.get("recipient_participant_id"),
            biz_opaque_callback_data: self.get("biz_opaque_callback_data"),
            pricing: self.get("pricing"),
            conversation: self.get("conversation"),
            errors: errors.filter_map(|error| serde_json::from_str(error.get()).ok()).collect(),
        })
    }
}

#[cfg(test)]
#[path = "parse_tests.rs"]
mod tests;
