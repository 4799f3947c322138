//! Messages that are neither files nor taps: texts, places, visiting cards, reactions. What is missing is refused with
//! code 100, a value that Meta does not take with 131009.

use serde::Deserialize;
use serde_json::Value;

use super::error::{GraphError, too_long};

/// Meta: longest body of a text message, in characters.
const TEXT_CHARS: usize = 4096;
/// Meta: most contacts of a message.
const CONTACTS: usize = 257;

#[derive(Deserialize)]
pub(crate) struct Text {
    body: Option<String>,
}

#[derive(Deserialize)]
pub(crate) struct Location {
    latitude: Option<Value>,
    longitude: Option<Value>,
    name: Option<String>,
    address: Option<String>,
}

#[derive(Deserialize)]
pub(crate) struct Reaction {
    message_id: Option<String>,
    emoji: Option<String>,
}

#[derive(Deserialize)]
pub(crate) struct Contact {
    name: Option<Name>,
    birthday: Option<String>,
    phones: Option<Vec<Phone>>,
}

#[derive(Deserialize)]
struct Name {
    formatted_name: Option<String>,
    first_name: Option<String>,
    last_name: Option<String>,
    middle_name: Option<String>,
    prefix: Option<String>,
    suffix: Option<String>,
}

#[derive(Deserialize)]
struct Phone {
    phone: Option<String>,
}

pub(crate) fn is_given(text: Option<&String>) -> bool {
    text.is_some_and(|text| !text.is_empty())
}

impl Text {
    pub(crate) fn check(&self) -> Result<(), GraphError> {
        let body = self.body.as_deref().filter(|body| !body.is_empty());
        match body.ok_or_else(|| GraphError::required("text['body']"))?.chars().count() {
            0..=TEXT_CHARS => Ok(()),
            _ => Err(too_long("text['body']", TEXT_CHARS)),
        }
    }
}

impl Location {
    /// In a template's header the place needs its name and address too.
    pub(crate) fn check(&self, what: &str, in_header: bool) -> Result<(), GraphError> {
        degrees(self.latitude.as_ref(), what, "latitude", 90.0)?;
        degrees(self.longitude.as_ref(), what, "longitude", 180.0)?;
        for (text, field) in [(&self.name, "name"), (&self.address, "address")] {
            if in_header && !is_given(text.as_ref()) {
                return Err(GraphError::required(&format!("{what}['{field}']")));
            }
        }
        Ok(())
    }
}

/// Clients write degrees as text or as numbers.
fn degrees(given: Option<&Value>, what: &str, field: &str, most: f64) -> Result<(), GraphError> {
    let given = given.ok_or_else(|| GraphError::required(&format!("{what}['{field}']")))?;
    let degrees = given.as_f64().or_else(|| given.as_str()?.parse().ok());
    match degrees.is_some_and(|degrees: f64| degrees.abs() <= most) {
        true => Ok(()),
        false => Err(GraphError::invalid(format!("{what} {field} must be a number from -{most} to {most}"))),
    }
}

impl Reaction {
    /// The id of the message that it is put on.
    pub(crate) fn check(&self) -> Result<&str, GraphError> {
        if self.emoji.is_none() {
            return Err(GraphError::required("reaction['emoji']"));
        }
        let target = self.message_id.as_deref().filter(|id| !id.is_empty());
        target.ok_or_else(|| GraphError::required("reaction['message_id']"))
    }
}

pub(crate) fn contacts(contacts: &[Contact]) -> Result<(), GraphError> {
    if !(1..=CONTACTS).contains(&contacts.len()) {
        let words = format!("Invalid contacts count. Min allowed contacts: 1, Max allowed contacts: {CONTACTS}");
        return Err(GraphError::invalid(words));
    }
    contacts.iter().enumerate().try_for_each(|(nth, contact)| contact.check(nth))
}

impl Contact {
    fn check(&self, nth: usize) -> Result<(), GraphError> {
        let required = |field: &str| GraphError::required(&format!("contacts[{nth}]{field}"));
        let name = self.name.as_ref().ok_or_else(|| required("['name']"))?;
        if !is_given(name.formatted_name.as_ref()) {
            return Err(required("['name']['formatted_name']"));
        }
        let others = [&name.first_name, &name.last_name, &name.middle_name, &name.prefix, &name.suffix];
        if !others.into_iter().any(|part| is_given(part.as_ref())) {
            return Err(GraphError::invalid("Contact name needs formatted_name and at least one other name"));
        }
        if self.phones.iter().flatten().any(|phone| !is_given(phone.phone.as_ref())) {
            return Err(required("['phones'][0]['phone']"));
        }
        match self.birthday.as_deref().map(|birthday| birthday.parse::<chrono::NaiveDate>()) {
            Some(Err(_)) => Err(GraphError::invalid("Contact birthday must be YYYY-MM-DD")),
            _ => Ok(()),
        }
    }
}
