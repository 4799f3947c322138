//! Reading a batch of updates so that one strange update never costs another.
//!
//! Nearly every batch has exactly the documented shape and is read in one pass. One that has not is read a second time,
//! member by member: what can be understood is kept, the rest is counted.

use std::collections::HashMap;

use serde::{Deserialize, de::DeserializeOwned};
use serde_json::value::RawValue;

use super::{
    account::{self, AccountUpdate, is_account},
    inbound::{Inbound, Preference, message, preference},
    payload::{MESSAGES, MessagesValue, Notification, StatusUpdate, USER_PREFERENCES, seconds},
};

/// A batch of updates.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parsed {
    /// The statuses of our messages, in the order they came in.
    pub statuses: Vec<ReceivedStatus>,
    /// What users wrote to our numbers.
    pub inbound: Vec<Inbound>,
    /// What users wish of our marketing messages.
    pub preferences: Vec<Preference>,
    /// What became of accounts, numbers and templates.
    pub accounts: Vec<AccountUpdate>,
    /// Updates of other kinds: errors of numbers, changes of other fields, messages and wishes of another shape.
    pub others: usize,
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
        && !batch.entry.iter().flat_map(|entry| &entry.changes).any(|change| is_account(&change.field))
    {
        return Ok(Parsed::from(batch));
    }
    parse_loosely(&String::from_utf8_lossy(body))
}

impl From<Notification> for Parsed {
    fn from(notification: Notification) -> Self {
        let mut parsed = Self::default();
        for change in notification.entry.into_iter().flat_map(|entry| entry.changes) {
            if is_read(&change.field) {
                parsed.add(change.value);
            } else {
                parsed.others += 1;
            }
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

    fn add(&mut self, value: MessagesValue) {
        self.others += value.errors.len();
        let phone_number_id = value.metadata.map(|metadata| metadata.phone_number_id);
        let number = phone_number_id.as_deref();
        self.add_users(value.messages.iter().map(Box::as_ref), value.user_preferences.iter().map(Box::as_ref), number);
        let received = |status| ReceivedStatus { phone_number_id: phone_number_id.clone(), status };
        self.statuses.extend(value.statuses.into_iter().map(received));
    }
}

impl Parsed {
    fn add_users<'a>(
        &mut self,
        messages: impl Iterator<Item = &'a RawValue>,
        preferences: impl Iterator<Item = &'a RawValue>,
        number: Option<&str>,
    ) {
        for body in messages {
            match message(body, number) {
                Some(inbound) => self.inbound.push(inbound),
                None => self.others += 1,
            }
        }
        for body in preferences {
            match preference(body, number) {
                Some(wish) => self.preferences.push(wish),
                None => self.others += 1,
            }
        }
    }
}

/// Whether changes of this field are read.
fn is_read(field: &str) -> bool {
    [MESSAGES, USER_PREFERENCES].contains(&field)
}

fn parse_loosely(body: &str) -> Result<Parsed, ParseError> {
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
        (Some(field), _) if is_account(field) => match account_update(entry, field, change) {
            Some(update) => parsed.accounts.push(update),
            None => parsed.others += 1,
        },
        (Some(field), Some(value)) if is_read(field) => add_value(&value, parsed),
        (Some(field), _) if !is_read(field) => parsed.others += 1,
        _ => parsed.skipped += 1,
    }
}

fn account_update(entry: &Members<'_>, field: &str, change: &Members<'_>) -> Option<AccountUpdate> {
    let event = account::event(field, &change.get("value")?)?;
    Some(AccountUpdate { waba_id: entry.get("id")?, time: entry.get("time"), event })
}

fn add_value(value: &Members<'_>, parsed: &mut Parsed) {
    parsed.others += value.list("errors", &mut parsed.skipped).len();
    let phone_number_id = value.object("metadata").and_then(|metadata| metadata.get::<String>("phone_number_id"));
    let (messages, wishes) =
        (value.list("messages", &mut parsed.skipped), value.list("user_preferences", &mut parsed.skipped));
    parsed.add_users(messages.into_iter(), wishes.into_iter(), phone_number_id.as_deref());
    for status in value.objects("statuses", &mut parsed.skipped) {
        match status.status() {
            Some(status) => {
                parsed.statuses.push(ReceivedStatus { phone_number_id: phone_number_id.clone(), status });
            }
            None => parsed.skipped += 1,
        }
    }
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
