//! Messages that are neither files nor taps: texts, places, visiting cards, reactions.

use serde::{Deserialize, Serialize};

use super::check::Checks;

/// Meta: longest text message, in characters.
const TEXT_CHARS: usize = 4096;
/// Meta: most visiting cards of one message.
const CARDS: usize = 257;

/// A free text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Text {
    /// 1 to 4096 characters.
    pub body: String,
    /// Whether the first link in the text is shown with a preview; without an http or https address it changes nothing.
    pub preview_url: bool,
}

/// A place on the map (Meta: location messages).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Location {
    /// Degrees north, -90 to 90, as decimal text: `12.971599`.
    pub latitude: String,
    /// Degrees east, -180 to 180, as decimal text: `77.594566`.
    pub longitude: String,
    /// What it is called.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its address; shown only with a name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
}

/// An emoji on a message (Meta: reaction messages).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Reaction {
    /// The id of the message, which is at most 30 days old and no reaction itself; else code 131009 follows by webhook.
    pub message_id: String,
    /// The emoji; an empty text takes an earlier reaction away.
    pub emoji: String,
}

/// A visiting card (Meta: contacts messages).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ContactCard {
    /// Who it is.
    pub name: ContactName,
    /// Phone numbers.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub phones: Vec<ContactPhone>,
    /// Mail addresses.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub emails: Vec<ContactEmail>,
    /// Postal addresses.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<ContactAddress>,
    /// Where they work.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub org: Option<ContactOrganisation>,
    /// Websites.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub urls: Vec<ContactUrl>,
    /// Date of birth: `YYYY-MM-DD`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub birthday: Option<String>,
}

/// The name on a visiting card: `formatted_name` and at least one other part.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ContactName {
    /// The name as it is shown.
    pub formatted_name: String,
    /// First name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_name: Option<String>,
    /// Last name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_name: Option<String>,
    /// Middle name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub middle_name: Option<String>,
    /// Before the name: `Dr.`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
    /// After the name: `Jr.`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suffix: Option<String>,
}

/// A phone number on a visiting card.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ContactPhone {
    /// The number.
    pub phone: String,
    /// What it is: `CELL`, `MAIN`, `IPHONE`, `HOME`, `WORK`.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Its WhatsApp id, which turns "Invite" into "Message".
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wa_id: Option<String>,
}

/// A mail address on a visiting card.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ContactEmail {
    /// The address.
    pub email: String,
    /// What it is: `HOME`, `WORK`.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
}

/// A postal address on a visiting card.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ContactAddress {
    /// Street and house.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub street: Option<String>,
    /// City.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub city: Option<String>,
    /// State.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// Postal code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zip: Option<String>,
    /// Country.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
    /// The country's two letters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country_code: Option<String>,
    /// What it is: `HOME`, `WORK`.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
}

/// Where the person on a visiting card works.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ContactOrganisation {
    /// Company.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub company: Option<String>,
    /// Department.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub department: Option<String>,
    /// Job.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
}

/// A website on a visiting card.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ContactUrl {
    /// The address.
    pub url: String,
    /// What it is: `HOME`, `WORK`.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
}

impl Text {
    pub(super) fn check(&self, checks: &mut Checks) {
        checks.chars("body", &self.body, 1..=TEXT_CHARS);
    }
}

impl Location {
    pub(super) fn check(&self, checks: &mut Checks) {
        checks.degrees("latitude", &self.latitude, 90);
        checks.degrees("longitude", &self.longitude, 180);
    }
}

impl Reaction {
    pub(super) fn check(&self, checks: &mut Checks) {
        checks.filled("message_id", &self.message_id);
    }
}

pub(super) fn check_cards(checks: &mut Checks, cards: &[ContactCard]) {
    checks.count("", cards.len(), 1..=CARDS, "contact");
    checks.each("", cards, |checks, card| card.check(checks));
}

impl ContactCard {
    fn check(&self, checks: &mut Checks) {
        checks.within("name", |checks| self.name.check(checks));
        checks.each("phones", &self.phones, |checks, phone| checks.filled("phone", &phone.phone));
        checks.each("emails", &self.emails, |checks, email| checks.filled("email", &email.email));
        checks.each("urls", &self.urls, |checks, url| checks.filled("url", &url.url));
        if self.birthday.as_deref().is_some_and(|birthday| !is_date(birthday)) {
            checks.refuse("birthday", "a date as YYYY-MM-DD", "another text");
        }
    }
}

impl ContactName {
    fn check(&self, checks: &mut Checks) {
        checks.filled("formatted_name", &self.formatted_name);
        let others = [&self.first_name, &self.last_name, &self.middle_name, &self.prefix, &self.suffix];
        if others.into_iter().all(|part| part.as_deref().is_none_or(str::is_empty)) {
            let limit = "at least one of first_name, last_name, middle_name, prefix and suffix";
            checks.refuse("", limit, "formatted_name alone");
        }
    }
}

/// Meta says no more of a date than its form.
fn is_date(text: &str) -> bool {
    let numbers: Vec<&str> = text.split('-').collect();
    let has = |nth: usize, digits: usize| {
        numbers[nth].len() == digits && numbers[nth].bytes().all(|byte| byte.is_ascii_digit())
    };
    let within = |nth: usize, most: u32| numbers[nth].parse().is_ok_and(|number| (1..=most).contains(&number));
    numbers.len() == 3 && has(0, 4) && has(1, 2) && has(2, 2) && within(1, 12) && within(2, 31)
}
