//! The limits of what fills templates, as far as they show without the template itself.

use std::mem::discriminant;

use super::{Card, Component, Header, Parameter, Place, Template, TextParameter};
use crate::message::check::Checks;

/// Meta: longest name, header, body, and body of a card once they are filled in, in characters.
const NAME_CHARS: usize = 512;
const HEADER_CHARS: usize = 60;
const BODY_CHARS: usize = 1024;
const CARD_BODY_CHARS: usize = 160;
/// Meta: longest body of a template with a limited-time offer, in characters.
const OFFER_BODY_CHARS: usize = 600;
/// Meta: most buttons of a template and of a card.
const BUTTONS: usize = 10;
const CARD_BUTTONS: usize = 2;
/// Meta: fewest and most cards.
const CARDS: std::ops::RangeInclusive<usize> = 2..=10;

impl Template {
    pub(in crate::message) fn check(&self, checks: &mut Checks) {
        checks.chars("name", &self.name, 1..=NAME_CHARS);
        if self.name.contains(|c: char| !c.is_ascii_lowercase() && !c.is_ascii_digit() && c != '_') {
            checks.refuse("name", "small letters, digits and _ alone", "other characters");
        }
        let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if self.language.code.is_empty() || !self.language.code.chars().all(is_word) {
            checks.refuse("language.code", "a locale such as en or en_US", "another text");
        }
        let body_chars = if self.has_offer() { OFFER_BODY_CHARS } else { BODY_CHARS };
        check_parts(checks, &self.components, body_chars, BUTTONS);
        self.check_offer(checks);
        self.check_code(checks);
    }
}

/// The parts of a template or of a card.
fn check_parts(checks: &mut Checks, parts: &[Component], body_chars: usize, most_buttons: usize) {
    let mut once = Vec::new();
    checks.each("components", parts, |checks, part| {
        let kind = discriminant(part);
        if !matches!(part, Component::Button { .. }) && once.contains(&kind) {
            checks.refuse("type", "each part once", "one that was there before");
        }
        once.push(kind);
        part.check(checks, body_chars);
    });
    let buttons: Vec<(usize, u8)> = parts.iter().enumerate().filter_map(|(nth, part)| index(nth, part)).collect();
    checks.count("components", buttons.len(), 0..=most_buttons, "button");
    for (nth, (place, index)) in buttons.iter().enumerate() {
        let field = format!("components[{place}].index");
        if usize::from(*index) >= most_buttons {
            checks.refuse(&field, format!("0 to {}", most_buttons - 1), index.to_string());
        } else if buttons[..nth].iter().any(|(_, before)| before == index) {
            checks.refuse(&field, "an index that no other button has", index.to_string());
        }
    }
}

fn index(nth: usize, part: &Component) -> Option<(usize, u8)> {
    if let Component::Button { index, .. } = part { Some((nth, *index)) } else { None }
}

impl Component {
    fn check(&self, checks: &mut Checks, body_chars: usize) {
        match self {
            Self::Header(header) => checks.within("parameters[0]", |checks| header.check(checks)),
            Self::Body(parameters) => check_body(checks, parameters, body_chars),
            Self::Button { button, .. } => button.check(checks),
            Self::LimitedTimeOffer { expiration_time_ms } => {
                if *expiration_time_ms == 0 {
                    let field = "parameters[0].limited_time_offer.expiration_time_ms";
                    checks.refuse(field, "milliseconds since 1970", "0");
                }
            }
            Self::Carousel(cards) => check_cards(checks, cards),
        }
    }
}

impl Header {
    fn check(&self, checks: &mut Checks) {
        match self {
            Self::Text(parameter) => {
                parameter.check(checks);
                checks.chars("text", &parameter.text, 0..=HEADER_CHARS);
            }
            Self::Image(media) => checks.within("image", |checks| media.check(checks, false)),
            Self::Video(media) => checks.within("video", |checks| media.check(checks, false)),
            Self::Gif(media) => checks.within("gif", |checks| media.check(checks, false)),
            Self::Document(media) => checks.within("document", |checks| media.check(checks, true)),
            Self::Location(place) => checks.within("location", |checks| place.check(checks)),
            Self::Product { catalog_id, product_retailer_id } => checks.within("product", |checks| {
                checks.filled("catalog_id", catalog_id);
                checks.filled("product_retailer_id", product_retailer_id);
            }),
        }
    }
}

impl Place {
    fn check(&self, checks: &mut Checks) {
        checks.degrees("latitude", &self.latitude, 90);
        checks.degrees("longitude", &self.longitude, 180);
        checks.filled("name", &self.name);
        checks.filled("address", &self.address);
    }
}

fn check_body(checks: &mut Checks, parameters: &[Parameter], most: usize) {
    checks.each("parameters", parameters, |checks, parameter| parameter.check(checks));
    let chars = parameters.iter().map(|parameter| parameter.shown().chars().count()).sum();
    checks.count("parameters", chars, 0..=most, "character");
    let named = |nth: usize, parameter| Some((format!("parameters[{nth}].parameter_name"), name(parameter)?));
    let names: Vec<_> = parameters.iter().enumerate().filter_map(|(nth, parameter)| named(nth, parameter)).collect();
    if !names.is_empty() && names.len() < parameters.len() {
        checks.refuse("parameters", "a parameter_name for all or for none", "one for some");
    }
    checks.distinct(names);
}

fn name(parameter: &Parameter) -> Option<&str> {
    if let Parameter::Text(text) = parameter { text.parameter_name.as_deref() } else { None }
}

impl Parameter {
    /// What apps show.
    fn shown(&self) -> &str {
        match self {
            Self::Text(text) => &text.text,
            Self::Currency(currency) => &currency.fallback_value,
            Self::DateTime(text) => text,
        }
    }

    fn check(&self, checks: &mut Checks) {
        match self {
            Self::Text(text) => text.check(checks),
            Self::Currency(currency) => checks.within("currency", |checks| {
                filling(checks, "fallback_value", &currency.fallback_value);
                if currency.code.len() != 3 || !currency.code.bytes().all(|byte| byte.is_ascii_uppercase()) {
                    checks.refuse("code", "three capital letters such as INR", "another text");
                }
            }),
            Self::DateTime(text) => filling(checks, "date_time.fallback_value", text),
        }
    }
}

impl TextParameter {
    fn check(&self, checks: &mut Checks) {
        filling(checks, "text", &self.text);
        checks.filled_if_given("parameter_name", self.parameter_name.as_deref());
    }
}

/// A text for a variable (Meta: code 132018).
pub(super) fn filling(checks: &mut Checks, field: &str, text: &str) {
    checks.some(field, text.len(), "character");
    let given = match text {
        _ if text.contains(['\n', '\r']) => "one with a line break",
        _ if text.contains('\t') => "one with a tab",
        _ if text.contains("     ") => "one with more spaces",
        _ => return,
    };
    checks.refuse(field, "a text without line break, tab or more than 4 spaces in a row", given);
}

fn check_cards(checks: &mut Checks, cards: &[Card]) {
    checks.count("cards", cards.len(), CARDS, "card");
    let first = cards.first().map(shape);
    checks.each("cards", cards, |checks, card| {
        check_parts(checks, &card.components, CARD_BODY_CHARS, CARD_BUTTONS);
        checks.each("components", &card.components, |checks, part| part.check_place(checks));
        if Some(shape(card)) != first {
            checks.refuse("components", "the same parts as on the first card", "others");
        }
    });
}

impl Component {
    /// Whether it may stand on a card.
    fn check_place(&self, checks: &mut Checks) {
        match self {
            Self::LimitedTimeOffer { .. } | Self::Carousel(_) => {
                checks.refuse("type", "header, body or button on a card", "another part");
            }
            Self::Header(Header::Image(_) | Header::Video(_) | Header::Product { .. }) => {}
            Self::Header(_) => checks.refuse("parameters[0].type", "image, video or product on a card", "another"),
            Self::Body(_) | Self::Button { .. } => {}
        }
    }
}

/// What the cards of a carousel have in common.
fn shape(card: &Card) -> Vec<String> {
    let part = |part: &Component| match part {
        Component::Header(header) => format!("{:?}", discriminant(header)),
        Component::Body(parameters) => format!("body {}", parameters.len()),
        Component::Button { index, button } => format!("{} {index}", button.sub_type()),
        Component::LimitedTimeOffer { .. } | Component::Carousel(_) => String::new(),
    };
    card.components.iter().map(part).collect()
}
