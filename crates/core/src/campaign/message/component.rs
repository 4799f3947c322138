//! The parts of a template, and of the cards of a carousel.

use std::mem::discriminant;

use serde::Serialize;

use super::{in_number, media::Media, parameter::Parameter};
use crate::fault::{
    read::{Fields, Node},
    word,
};

/// Meta: most buttons of a template, and of a card.
const MAX_BUTTONS: u8 = 10;
const MAX_CARD_BUTTONS: u8 = 2;
/// Meta: fewest and most cards of a carousel.
const CARDS: std::ops::RangeInclusive<usize> = 2..=10;

/// A part of a template that needs parameters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Component {
    /// The header: a text, a file, a place or a product.
    Header {
        /// Exactly one.
        parameters: Vec<Parameter>,
    },
    /// The body.
    Body {
        /// Texts, amounts and times, one for each variable.
        parameters: Vec<Parameter>,
    },
    /// One button.
    Button {
        /// What the button does.
        sub_type: ButtonKind,
        /// The button's place, from 0.
        index: u8,
        /// Exactly one, but for a call button: how long it works, what the call carries, or both.
        parameters: Vec<Parameter>,
    },
    /// When an offer ends.
    LimitedTimeOffer {
        /// Exactly one.
        parameters: Vec<Parameter>,
    },
    /// Cards beside each other.
    Carousel {
        /// 2 to 10, as many as the template has, each with the same parts.
        cards: Vec<Card>,
    },
}

/// A card of a carousel; its place in the list is its index.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Card {
    /// Its header (image, video or product), body and up to 2 buttons.
    pub components: Vec<Component>,
}

word! {
    /// What a button that takes a parameter does.
    pub enum ButtonKind {
        /// Opens a link whose end varies, or takes over a one-time code.
        Url = "url",
        /// Answers with a payload.
        QuickReply = "quick_reply",
        /// Copies a code.
        CopyCode = "copy_code",
        /// Opens a flow.
        Flow = "flow",
        /// Opens a catalog.
        Catalog = "catalog",
        /// Opens several products of a catalog.
        Mpm = "mpm",
        /// Calls the number on WhatsApp.
        VoiceCall = "voice_call",
    }
}

/// Where a component stands, which says what it may be.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Template,
    Card,
}

impl Place {
    fn kinds(self) -> &'static [&'static str] {
        match self {
            Self::Template => &["header", "body", "button", "limited_time_offer", "carousel"],
            Self::Card => &["header", "body", "button"],
        }
    }

    fn headers(self) -> &'static [&'static str] {
        match self {
            Self::Template => &["text", "image", "video", "gif", "document", "location", "product"],
            Self::Card => &["image", "video", "product"],
        }
    }

    fn buttons(self) -> u8 {
        match self {
            Self::Template => MAX_BUTTONS,
            Self::Card => MAX_CARD_BUTTONS,
        }
    }
}

/// The parts of a template.
pub(super) fn read_all(node: &Node<'_>) -> Option<Vec<Component>> {
    read_parts(node, Place::Template)
}

fn read_parts(node: &Node<'_>, place: Place) -> Option<Vec<Component>> {
    let components = node.list(|node| Component::read(node, place))?;
    refuse_repeats(node, &components).map(|()| components)
}

/// A template has one of each part, and one button in each place.
fn refuse_repeats(node: &Node<'_>, components: &[Component]) -> Option<()> {
    for (n, component) in components.iter().enumerate() {
        if components[..n].iter().any(|earlier| earlier.name() == component.name()) {
            return node.fault(format!("holds {} twice; give each part once.", component.name()));
        }
    }
    Some(())
}

/// The files of some parts: each with its kind, and its place as a JSON pointer that goes on from `pointer`.
pub(super) fn files<'a>(components: &'a [Component], pointer: &str) -> Vec<(&'static str, String, &'a Media)> {
    let mut found = Vec::new();
    for (at, component) in components.iter().enumerate() {
        let pointer = format!("{pointer}/components/{at}");
        match component {
            Component::Header { parameters } => {
                for (place, parameter) in parameters.iter().enumerate() {
                    let file = parameter.file();
                    found.extend(file.map(|(kind, it)| (kind, format!("{pointer}/parameters/{place}/{kind}"), it)));
                }
            }
            Component::Carousel { cards } => {
                for (place, card) in cards.iter().enumerate() {
                    found.extend(files(&card.components, &format!("{pointer}/cards/{place}")));
                }
            }
            _ => {}
        }
    }
    found
}

impl Component {
    /// What it is called, each part of a template by a name of its own.
    fn name(&self) -> String {
        match self {
            Self::Header { .. } => "header".to_owned(),
            Self::Body { .. } => "body".to_owned(),
            Self::Button { index, .. } => format!("button {index}"),
            Self::LimitedTimeOffer { .. } => "limited_time_offer".to_owned(),
            Self::Carousel { .. } => "carousel".to_owned(),
        }
    }

    fn read(node: &Node<'_>, place: Place) -> Option<Self> {
        node.object(|fields| match fields.kind("type", place.kinds())? {
            "header" => Some(Self::Header {
                parameters: fields.required("parameters", |node| read_one(node, place.headers()))?,
            }),
            "body" => {
                let allowed = &["text", "currency", "date_time"];
                let parameters = fields.required("parameters", |node| node.list(|node| Parameter::read(node, allowed)));
                Some(Self::Body { parameters: parameters? })
            }
            "limited_time_offer" => {
                let parameters = fields.required("parameters", |node| read_one(node, &["limited_time_offer"]));
                Some(Self::LimitedTimeOffer { parameters: parameters? })
            }
            "carousel" => Some(Self::Carousel { cards: fields.required("cards", read_cards)? }),
            _ => Self::read_button(fields, place),
        })
    }

    fn read_button(fields: &mut Fields<'_, '_>, place: Place) -> Option<Self> {
        let sub_type = fields.required("sub_type", Node::parse::<ButtonKind>);
        let index = fields.required("index", |node| read_index(node, place.buttons()));
        let read = |node: &Node<'_>| match sub_type {
            None => read_one(node, &["text", "payload", "coupon_code", "ttl_minutes", "action"]),
            Some(ButtonKind::VoiceCall) => read_call(node),
            Some(sub_type) => {
                let parameters = node.list(|node| Parameter::read_of_button(node, sub_type))?;
                one(node, parameters)
            }
        };
        let parameters = match sub_type {
            // Neither needs to be told anything.
            Some(ButtonKind::Flow | ButtonKind::Catalog) => fields.or("parameters", vec![Parameter::NO_ACTION], read),
            _ => fields.required("parameters", read),
        };
        Some(Self::Button { sub_type: sub_type?, index: index?, parameters: parameters? })
    }
}

/// Meta takes a button's index as a string or a number.
fn read_index(node: &Node<'_>, buttons: u8) -> Option<u8> {
    if !node.is_text() {
        return node.whole(0..=buttons - 1);
    }
    let index = node.parse::<u8>()?;
    if index < buttons {
        Some(index)
    } else {
        node.fault(format!("there are at most {buttons} buttons, counted from 0."))
    }
}

fn read_one(node: &Node<'_>, allowed: &[&'static str]) -> Option<Vec<Parameter>> {
    let parameters = node.list(|node| Parameter::read(node, allowed))?;
    one(node, parameters)
}

fn one(node: &Node<'_>, parameters: Vec<Parameter>) -> Option<Vec<Parameter>> {
    if parameters.len() == 1 { Some(parameters) } else { node.fault("takes exactly one parameter.") }
}

/// Of a call button: each of its two parameters once, at least one of them.
fn read_call(node: &Node<'_>) -> Option<Vec<Parameter>> {
    let parameters = node.list(|node| Parameter::read_of_button(node, ButtonKind::VoiceCall))?;
    match parameters.as_slice() {
        [_] => Some(parameters),
        [one, other] if one.kind() != other.kind() => Some(parameters),
        _ => node.fault("takes `ttl_minutes`, `payload` or both, each once."),
    }
}

fn read_cards(node: &Node<'_>) -> Option<Vec<Card>> {
    let mut place = 0..;
    let cards = node.list(|node| Card::read(node, place.next()))?;
    in_number(node, cards.len(), CARDS, "cards")?;
    let first = cards.first().map(Card::shape);
    match cards.iter().position(|card| Some(card.shape()) != first) {
        None => Some(cards),
        Some(other) => {
            let why = "has other parts than the first card; Meta needs the same on all, each header of one kind.";
            node.fault(format!("the card {other} {why}"))
        }
    }
}

impl Card {
    fn read(node: &Node<'_>, place: Option<u8>) -> Option<Self> {
        node.object(|fields| {
            let index = fields.maybe("card_index", |node| match node.whole(0..=9)? {
                index if Some(index) == place => Some(()),
                _ => node.fault("is another than its place, counted from 0; leave it out."),
            });
            let components = fields.required("components", |node| read_parts(node, Place::Card));
            index.and(components).map(|components| Self { components })
        })
    }

    /// What the cards of a carousel have in common.
    fn shape(&self) -> Vec<String> {
        let part = |part: &Component| match part {
            Component::Header { parameters } => format!("{:?}", parameters.first().map(discriminant)),
            Component::Body { parameters } => format!("body {}", parameters.len()),
            Component::Button { sub_type, index, .. } => format!("{sub_type} {index}"),
            Component::LimitedTimeOffer { .. } | Component::Carousel { .. } => part.name(),
        };
        let mut parts: Vec<_> = self.components.iter().map(part).collect();
        parts.sort_unstable();
        parts
    }
}
