//! Templates as Meta has approved them, and whether a message fits one: found out before the first send, because a
//! misfit fails every message of a run.

mod draft;
mod parts;
mod review;
mod rotation;
mod standing;
mod trial;
mod wording;

use serde::{Deserialize, Serialize};

use crate::{
    UnixMs,
    campaign::{ButtonKind, Category, Choice, Component, Parameter, TemplateMessage},
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
    /// Anything newer.
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
    /// One that takes no parameter of ours, such as a phone number to call.
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
    Fit { misfits: Lint { definition, at, message, faults }.run(), standing }
}

struct Lint<'a> {
    definition: &'a Definition,
    /// Where the message stands, as a JSON pointer.
    at: &'static str,
    message: &'a TemplateMessage,
    faults: Faults,
}

impl<'a> Lint<'a> {
    fn run(mut self) -> Faults {
        self.category();
        self.header();
        self.body();
        self.buttons();
        self.faults
    }

    /// Notes a fault at a place within the message.
    fn fault(&mut self, place: &str, detail: String) {
        self.faults.add(format!("{}{place}", self.at), detail);
    }

    fn category(&mut self) {
        let Definition { name, category, .. } = self.definition;
        if *category != self.message.category {
            let detail = format!("template `{name}` is {category} and not {}: state that.", self.message.category);
            self.fault("/category", detail);
        }
    }

    /// The first component that `wanted` picks, and its place.
    fn component<T>(&self, wanted: impl Fn(&'a Component) -> Option<T>) -> Option<(String, T)> {
        let place = |n| format!("{}/components/{n}", self.at);
        self.message.components.iter().enumerate().find_map(|(n, component)| Some((place(n), wanted(component)?)))
    }

    fn header(&mut self) {
        let given = self.component(|component| match component {
            Component::Header { parameters } => Some(parameters.as_slice()),
            _ => None,
        });
        let expected = match &self.definition.header {
            None => return self.texts("header", "", given),
            Some(Header::Text { text }) => {
                let is_text =
                    |given: &(String, &[Parameter])| given.1.iter().all(|p| matches!(p, Parameter::Text { .. }));
                if given.as_ref().is_none_or(is_text) {
                    return self.texts("header", text, given);
                }
                "TEXT"
            }
            Some(media) => media.format(),
        };
        let received = given.as_ref().and_then(|(_, parameters)| parameters.first()).map_or("UNKNOWN", format_of);
        if received != expected {
            let place = given.map_or_else(|| format!("{}/components", self.at), |(place, _)| place);
            let detail = format!(
                "(#132012) header: Format mismatch, expected {expected}, received {received}: {}.",
                remedy(expected)
            );
            self.faults.add(place, detail);
        }
    }

    fn body(&mut self) {
        let given = self.component(|component| match component {
            Component::Body { parameters } => Some(parameters.as_slice()),
            _ => None,
        });
        self.texts("body", &self.definition.body_text, given);
    }

    /// Compares the variables of `text` with the texts given for them.
    fn texts(&mut self, part: &str, text: &str, given: Option<(String, &[Parameter])>) {
        let wanted = variables(text);
        let (place, given) = given.unwrap_or_else(|| (format!("{}/components", self.at), &[]));
        if wanted.len() != given.len() {
            let detail = format!(
                "(#132000) {part}: number of localizable_params ({}) does not match the expected number of params ({}): {}.",
                given.len(),
                wanted.len(),
                match wanted.as_slice() {
                    [] => format!("leave the {part} out"),
                    wanted => format!("give one text for each of {}", listed(wanted.iter().copied())),
                }
            );
            self.faults.add(place.as_str(), detail);
        }
        for (n, parameter) in given.iter().enumerate() {
            if let Parameter::Text { parameter_name, .. } = parameter {
                let place = format!("{place}/parameters/{n}/parameter_name");
                let earlier = given[..n]
                    .iter()
                    .any(|earlier| name_of(earlier).is_some_and(|name| Some(name) == parameter_name.as_deref()));
                self.name(parameter_name.as_deref(), earlier, &wanted, place);
            }
        }
    }

    fn name(&mut self, name: Option<&str>, repeated: bool, wanted: &[&str], place: String) {
        let misfit = "(#132012) Parameter format does not match format in the created template";
        let detail = match (self.definition.parameter_format, name) {
            (ParameterFormat::Positional, None) => return,
            (ParameterFormat::Positional, Some(_)) => {
                format!("{misfit}: its variables are numbered; leave `parameter_name` out and give the texts in order.")
            }
            (ParameterFormat::Named, None) => {
                format!("{misfit}: its variables have names; give one of {}.", listed(wanted.iter().copied()))
            }
            (ParameterFormat::Named, Some(name)) if !wanted.contains(&name) => {
                let near = did_you_mean(nearest(name, wanted.iter().copied()));
                format!("{misfit}: it has no variable `{name}`, but {}.{near}", listed(wanted.iter().copied()))
            }
            (ParameterFormat::Named, Some(name)) if repeated => format!("{misfit}: `{name}` is given twice."),
            (ParameterFormat::Named, Some(_)) => return,
        };
        self.faults.add(place, detail);
    }

    fn buttons(&mut self) {
        for (n, component) in self.message.components.iter().enumerate() {
            if let Component::Button { sub_type, index, .. } = component {
                self.button(*sub_type, *index, format!("{}/components/{n}", self.at));
            }
        }
        for (index, button) in self.definition.buttons.iter().enumerate() {
            let given = self.component(|component| match component {
                Component::Button { index: given, .. } => (usize::from(*given) == index).then_some(()),
                _ => None,
            });
            if let (Some((kind, true)), None) = (button.takes(), given) {
                let detail = format!(
                    "(#131008) button at index {index}: a required parameter is missing: add {{\"type\": \"button\", \"sub_type\": \"{kind}\", \"index\": {index}, …}}."
                );
                self.fault("/components", detail);
            }
        }
    }

    fn button(&mut self, given: ButtonKind, index: u8, place: String) {
        let count = self.definition.buttons.len();
        let Some(button) = self.definition.buttons.get(usize::from(index)) else {
            let detail = format!("(#132000) the template has {count} buttons, counted from 0: leave this one out.");
            return self.faults.add(format!("{place}/index"), detail);
        };
        match button.takes() {
            None => self.faults.add(place, format!("(#132000) button {index} takes no parameter: leave it out.")),
            Some((kind, _)) if kind != given => {
                let detail = format!("(#132012) button {index} is `{kind}` and not `{given}`: give that.");
                self.faults.add(format!("{place}/sub_type"), detail);
            }
            Some(_) => {}
        }
    }
}

fn name_of(parameter: &Parameter) -> Option<&str> {
    match parameter {
        Parameter::Text { parameter_name, .. } => parameter_name.as_deref(),
        _ => None,
    }
}

/// Meta's word for the kind of a header parameter.
fn format_of(parameter: &Parameter) -> &'static str {
    match parameter {
        Parameter::Text { .. } => "TEXT",
        Parameter::Image { .. } => "IMAGE",
        Parameter::Video { .. } => "VIDEO",
        Parameter::Document { .. } => "DOCUMENT",
        Parameter::Gif { .. } => "GIF",
        Parameter::Location { .. } => "LOCATION",
        Parameter::Product { .. } => "PRODUCT",
        _ => "UNKNOWN",
    }
}

fn remedy(format: &str) -> String {
    match format {
        "TEXT" | "IMAGE" | "VIDEO" | "DOCUMENT" => {
            let kind = format.to_ascii_lowercase();
            format!(
                "give the header one parameter of type `{kind}` with every send, even where the template has a sample"
            )
        }
        _ => "campaigns cannot fill such a header; use another template".to_owned(),
    }
}

#[cfg(test)]
#[path = "template_tests.rs"]
mod tests;
