//! Templates as Meta has approved them, and whether a message fits one: found out before the first send, because a
//! misfit fails every message of a run.

mod draft;
mod lint;
mod parts;
mod review;
mod rotation;
mod standing;
mod trial;
mod wording;

use serde::{Deserialize, Serialize};

use crate::{
    UnixMs,
    campaign::{ButtonKind, Category, Choice, TemplateMessage},
    fault::{Faults, did_you_mean, listed, nearest, word},
};

pub use draft::{ActionDraft, ButtonDraft, Draft, HeaderDraft, MediaFormat, Submitted, TextDraft};
pub use parts::{CodeDraft, OfferDraft};
pub use review::Review;
pub use rotation::{Rotated, Rotation};
pub use standing::{Fit, Lint as CampaignLint, Standing, fits, in_words, lint_for, unsendable};
pub use trial::{Arm, Finding, Trial};

/// The status of a template that may be sent.
const APPROVED: &str = "APPROVED";

/// How a template stands whose message was refused with `code` (Meta: error codes, templates).
pub fn status_of_refusal(code: u32) -> &'static str {
    match code {
        132_015 => "PAUSED",
        132_016 => "DISABLED",
        132_001 => "MISSING",
        _ => "REFUSED",
    }
}

/// A template as Meta has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Definition {
    /// Its name; with the language its identity.
    pub name: String,
    /// Its exact locale.
    pub language: String,
    /// Meta's word for where it stands, such as `APPROVED`: an open set.
    pub status: String,
    /// Its category, which Meta may change.
    pub category: Category,
    /// How its variables are told apart.
    pub parameter_format: ParameterFormat,
    /// Its header.
    pub header: Option<Header>,
    /// Its body, variables as `{{1}}` or `{{name}}`.
    pub body_text: String,
    /// Its buttons, in order.
    pub buttons: Vec<Button>,
    /// Whether it has an offer that ends, which every message tells of.
    #[serde(default)]
    pub limited_time_offer: bool,
    /// The cards of its carousel, in order.
    #[serde(default)]
    pub cards: Vec<CardDefinition>,
    /// Meta's id of it.
    #[serde(default)]
    pub id: Option<String>,
    /// How recipients rate it: `GREEN`, `YELLOW`, `RED`, `UNKNOWN`.
    #[serde(default)]
    pub quality: Option<String>,
    /// Why it was rejected, such as `INVALID_FORMAT`.
    #[serde(default)]
    pub rejected_reason: Option<String>,
    /// When its status was last told by something else than the list: a webhook, or a refusal.
    #[serde(default)]
    pub noted_at: Option<UnixMs>,
}

impl Definition {
    /// Whether Meta lets it be sent.
    pub fn is_approved(&self) -> bool {
        self.status == APPROVED
    }

    /// Its own parts, without those of its cards.
    pub(crate) fn parts(&self) -> Parts<'_> {
        Parts { header: self.header.as_ref(), body_text: &self.body_text, buttons: &self.buttons }
    }
}

/// The parts that a template and each of its cards have alike.
#[derive(Clone, Copy)]
pub(crate) struct Parts<'a> {
    pub(crate) header: Option<&'a Header>,
    pub(crate) body_text: &'a str,
    pub(crate) buttons: &'a [Button],
}

impl CardDefinition {
    /// Its parts.
    pub(crate) fn parts(&self) -> Parts<'_> {
        Parts { header: self.header.as_ref(), body_text: &self.body_text, buttons: &self.buttons }
    }
}

/// A card of a template's carousel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CardDefinition {
    /// Its header.
    pub header: Option<Header>,
    /// Its body; empty where it has none.
    pub body_text: String,
    /// Its buttons, in order.
    pub buttons: Vec<Button>,
}

word! {
    /// How a template's variables are told apart.
    pub enum ParameterFormat {
        /// By number: `{{1}}`.
        Positional = "POSITIONAL",
        /// By name: `{{first_name}}`.
        Named = "NAMED",
    }
}

/// A template's header.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "format", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Header {
    /// A text, perhaps with a variable.
    Text {
        /// The text.
        text: String,
    },
    /// A picture.
    Image,
    /// A video.
    Video,
    /// A document.
    Document,
    /// A place on the map.
    Location,
    /// A product of a catalog.
    Product,
    /// A silent video that starts by itself.
    Gif,
    /// Anything newer.
    #[serde(other)]
    Other,
}

/// A template's button.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Button {
    /// Answers; its payload is the label unless given.
    QuickReply,
    /// Opens a link, the end of which may be a variable.
    Url {
        /// The link.
        url: String,
    },
    /// Copies a code.
    CopyCode,
    /// Takes over a one-time passcode; filled like a link.
    Otp,
    /// Opens a flow.
    Flow,
    /// Opens a catalog.
    Catalog,
    /// Opens several products of a catalog.
    Mpm,
    /// Calls the number on WhatsApp.
    VoiceCall,
    /// One that takes no parameter of ours, such as a phone number to call.
    #[serde(other)]
    Other,
}

impl Header {
    fn format(&self) -> &'static str {
        match self {
            Self::Text { .. } => "TEXT",
            Self::Image => "IMAGE",
            Self::Video => "VIDEO",
            Self::Document => "DOCUMENT",
            Self::Location => "LOCATION",
            Self::Product => "PRODUCT",
            Self::Gif => "GIF",
            Self::Other => "a newer kind",
        }
    }
}

impl Button {
    /// The kind of parameter that it takes, and whether it must be given.
    fn takes(&self) -> Option<(ButtonKind, bool)> {
        match self {
            Self::QuickReply => Some((ButtonKind::QuickReply, false)),
            Self::Url { url } if variables(url).is_empty() => None,
            Self::Url { .. } | Self::Otp => Some((ButtonKind::Url, true)),
            Self::CopyCode => Some((ButtonKind::CopyCode, true)),
            Self::Flow => Some((ButtonKind::Flow, false)),
            Self::Catalog => Some((ButtonKind::Catalog, false)),
            Self::Mpm => Some((ButtonKind::Mpm, true)),
            Self::VoiceCall => Some((ButtonKind::VoiceCall, false)),
            Self::Other => None,
        }
    }
}

/// The variables in a template's text, each once, in order of appearance: `1` for `{{1}}`.
pub fn variables(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    for after in text.split("{{").skip(1) {
        let name = after.split_once("}}").map_or("", |(name, _)| name.trim());
        let is_name = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        if is_name && !found.contains(&name) {
            found.push(name);
        }
    }
    found
}

/// Whether a template that a campaign sends by `choice` is among those known, and fits.
pub fn lint_template(known: &[Definition], choice: Choice, message: &TemplateMessage) -> Fit {
    let same_name: Vec<_> = known.iter().filter(|definition| definition.name == message.name).collect();
    let (at, mut faults) = (choice.pointer(), Faults::new());
    let Some(first) = same_name.first() else {
        let near = did_you_mean(nearest(&message.name, known.iter().map(|definition| definition.name.as_str())));
        let detail =
            format!("(#132001) template name ({}) does not exist: submit it to Meta first.{near}", message.name);
        faults.add(format!("{at}/name"), detail);
        return Fit { misfits: faults, standing: None };
    };
    let exact = same_name.iter().find(|definition| definition.language == message.language);
    if exact.is_none() {
        let has = listed(same_name.iter().map(|definition| definition.language.as_str()));
        // Meta does not fall back from one locale to another.
        let (name, language) = (&message.name, &message.language);
        let detail = format!("(#132001) template name ({name}) does not exist in {language}: it exists in {has}.");
        faults.add(format!("{at}/language"), detail);
    }
    let definition = exact.unwrap_or(first);
    let standing = (!definition.is_approved()).then(|| Standing {
        choice,
        name: definition.name.clone(),
        status: definition.status.clone(),
    });
    faults.append(lint::misfits(definition, at, message));
    Fit { misfits: faults, standing }
}

#[cfg(test)]
#[path = "template_tests.rs"]
mod tests;
