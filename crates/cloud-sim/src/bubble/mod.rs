//! Messages as a phone shows them: what is written where, and what pressing a button does. Senders' texts stay text.

mod free_form;
mod interactive;
mod template;

use serde::Serialize;
use serde_json::Value;

use crate::conversations::{Entry, Sent};

pub(crate) use template::preview;

/// A message, or a card of one.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Bubble {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) header: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) file: Option<File>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) location: Option<Place>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) text: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) footer: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) offer: Option<Offer>,
    /// What it shows besides, a line each: products, answers to a flow.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) lines: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) contacts: Vec<Card>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) buttons: Vec<Button>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) list: Option<List>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) cards: Vec<Bubble>,
}

/// A picture, a film, a recording, a document or a sticker.
#[derive(Debug, Serialize)]
pub(crate) struct File {
    /// `image`, `video` and the like.
    pub(crate) kind: String,
    /// Of an uploaded one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) link: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) filename: Option<String>,
}

/// A point on the map.
#[derive(Debug, Serialize)]
pub(crate) struct Place {
    pub(crate) latitude: String,
    pub(crate) longitude: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) address: Option<String>,
}

/// An offer that may end.
#[derive(Debug, Serialize)]
pub(crate) struct Offer {
    pub(crate) text: String,
    /// Unix milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ends_ms: Option<u64>,
}

/// A visiting card.
#[derive(Debug, Serialize)]
pub(crate) struct Card {
    pub(crate) name: String,
    pub(crate) lines: Vec<String>,
}

/// A list behind a button.
#[derive(Debug, Serialize)]
pub(crate) struct List {
    pub(crate) button: String,
    pub(crate) sections: Vec<Section>,
}

/// A part of a list.
#[derive(Debug, Serialize)]
pub(crate) struct Section {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) title: Option<String>,
    pub(crate) rows: Vec<Button>,
}

/// A button, or a row of a list.
#[derive(Debug, Serialize)]
pub(crate) struct Button {
    /// Its place in the message, from 0 on; on a card, that of the card before it: `1.0`.
    pub(crate) key: String,
    pub(crate) text: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) description: Option<String>,
    #[serde(flatten)]
    pub(crate) press: Press,
}

/// What comes of pressing a button.
#[derive(Debug, PartialEq, Serialize)]
#[serde(tag = "does", content = "with", rename_all = "snake_case")]
pub(crate) enum Press {
    /// The number is told this, in an inbound message of this kind.
    Tells { kind: &'static str, content: Value },
    /// A flow opens; the number is told what was entered, with this token.
    Flow { token: String },
    /// The phone asks whether to send its place.
    Place,
    /// An address opens in the browser.
    Opens { url: String },
    /// A phone rings.
    Calls { phone: String },
    /// A code is copied.
    Copies { code: String },
    /// Something opens on the phone, of which no number is told.
    Shows,
}

impl Bubble {
    /// What a message looks like.
    pub(crate) fn of(entry: &Entry) -> Self {
        match entry {
            Entry::Sent(sent) => Self::sent(sent),
            Entry::Written(written) => free_form::written(written.said.kind, &written.said.content),
        }
    }

    fn sent(sent: &Sent) -> Self {
        let Some(request) = request(sent) else {
            return Self { text: Some("(longer than is kept)".to_owned()), ..Self::default() };
        };
        match (&sent.template, kind(&request)) {
            (Some(template), _) => template::filled(template, &request["template"]["components"]),
            (None, "interactive") => interactive::bubble(&request["interactive"]),
            (None, kind) => free_form::bubble(kind, &request[kind]),
        }
    }

    /// Every button and every row, those of cards too.
    pub(crate) fn buttons(&self) -> impl Iterator<Item = &Button> {
        let rows = self.list.iter().flat_map(|list| &list.sections).flat_map(|section| &section.rows);
        self.buttons.iter().chain(rows).chain(self.cards.iter().flat_map(|card| &card.buttons))
    }

    /// One line of it, for a list of conversations or a quotation.
    pub(crate) fn summary(&self) -> String {
        let first = |card: &Card| card.name.clone();
        let place = |place: &Place| place.name.clone().unwrap_or_else(|| "location".to_owned());
        let text = self.text.clone().or_else(|| self.header.clone());
        let text = text.or_else(|| self.file.as_ref().map(|file| file.kind.clone()));
        let text = text.or_else(|| self.location.as_ref().map(place)).or_else(|| self.contacts.first().map(first));
        text.or_else(|| self.lines.first().cloned()).unwrap_or_default().chars().take(120).collect()
    }
}

/// The request of a message, as far as it is kept.
pub(crate) fn request(sent: &Sent) -> Option<Value> {
    serde_json::from_slice(sent.body.as_deref()?).ok()
}

/// The type of a request.
pub(crate) fn kind(request: &Value) -> &str {
    request["type"].as_str().unwrap_or("text")
}

/// A text that is there and not empty.
fn text(value: &Value) -> Option<String> {
    value.as_str().filter(|text| !text.is_empty()).map(str::to_owned)
}

fn items(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn file(kind: &str, file: &Value) -> Option<File> {
    let (id, link) = (text(&file["id"]), text(&file["link"]));
    let is_there = id.is_some() || link.is_some();
    is_there.then(|| File { kind: kind.to_owned(), id, link, filename: text(&file["filename"]) })
}

fn place(place: &Value) -> Option<Place> {
    // Clients write degrees as text or as numbers.
    let degrees = |value: &Value| text(value).or_else(|| value.as_f64().map(|degrees| degrees.to_string()));
    let (latitude, longitude) = (degrees(&place["latitude"])?, degrees(&place["longitude"])?);
    Some(Place { latitude, longitude, name: text(&place["name"]), address: text(&place["address"]) })
}
