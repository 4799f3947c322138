//! Whether a message fits its template, in Meta's codes and words.

use super::{Definition, Header, ParameterFormat, Parts, variables};
use crate::{
    campaign::{ButtonKind, Card, Component, Parameter, TemplateMessage},
    fault::{Faults, did_you_mean, listed, nearest},
};

/// How a message that stands at `at` does not fit.
pub(super) fn misfits(definition: &Definition, at: &str, message: &TemplateMessage) -> Faults {
    let mut faults = Faults::new();
    let Definition { name, category, .. } = definition;
    if *category != message.category {
        let detail = format!("template `{name}` is {category} and not {}: state that.", message.category);
        faults.add(format!("{at}/category"), detail);
    }
    let (format, known) = (definition.parameter_format, definition.parts());
    faults.append(Comparison { format, known, at: at.to_owned(), given: &message.components }.misfits());
    offer(definition, at, message, &mut faults);
    carousel(definition, at, message, &mut faults);
    faults
}

/// When an offer ends is told by every message.
fn offer(definition: &Definition, at: &str, message: &TemplateMessage, faults: &mut Faults) {
    const ADD: &str = "{\"type\": \"limited_time_offer\", \"parameters\": [{\"type\": \"limited_time_offer\", \"limited_time_offer\": {\"expiration_time_ms\": …}}]}";
    let part = "limited_time_offer";
    match (definition.limited_time_offer, message.has_offer()) {
        (true, false) => {
            let detail =
                format!("(#132012) {part}: Format mismatch, expected LIMITED_TIME_OFFER, received UNKNOWN: add {ADD}.");
            faults.add(format!("{at}/components"), detail);
        }
        (false, true) => {
            faults.add(format!("{at}/components"), format!("{}: leave the {part} out.", count_mismatch(part, 1, 0)));
        }
        _ => {}
    }
}

/// As many cards as the template has, each with what its card takes.
fn carousel(definition: &Definition, at: &str, message: &TemplateMessage, faults: &mut Faults) {
    let found = message.components.iter().enumerate().find_map(|(n, component)| match component {
        Component::Carousel { cards } => Some((format!("{at}/components/{n}"), cards.as_slice())),
        _ => None,
    });
    let (place, cards): (String, &[Card]) = found.unwrap_or_else(|| (format!("{at}/components"), &[]));
    let wanted = &definition.cards;
    if cards.len() != wanted.len() {
        let remedy = match wanted.len() {
            0 => "leave the carousel out".to_owned(),
            wanted => format!("give {wanted} cards, as the template has"),
        };
        faults.add(place, format!("{}: {remedy}.", count_mismatch("carousel", cards.len(), wanted.len())));
        return;
    }
    for (n, (card, wanted)) in cards.iter().zip(wanted).enumerate() {
        let (format, at) = (definition.parameter_format, format!("{place}/cards/{n}"));
        faults.append(Comparison { format, known: wanted.parts(), at, given: &card.components }.misfits());
    }
}

fn count_mismatch(part: &str, given: usize, wanted: usize) -> String {
    format!(
        "(#132000) {part}: number of localizable_params ({given}) does not match the expected number of params ({wanted})"
    )
}

/// What a template or a card has, beside what is given for it.
struct Comparison<'a> {
    format: ParameterFormat,
    known: Parts<'a>,
    /// Where the parts stand, as a JSON pointer.
    at: String,
    given: &'a [Component],
}

impl<'a> Comparison<'a> {
    fn misfits(&self) -> Faults {
        let mut faults = Faults::new();
        self.check_header(&mut faults);
        self.check_body(&mut faults);
        self.check_buttons(&mut faults);
        faults
    }

    /// The first component that `wanted` picks, and its place.
    fn component<T>(&self, wanted: impl Fn(&'a Component) -> Option<T>) -> Option<(String, T)> {
        let place = |n| format!("{}/components/{n}", self.at);
        self.given.iter().enumerate().find_map(|(n, component)| Some((place(n), wanted(component)?)))
    }

    fn check_header(&self, faults: &mut Faults) {
        let given = self.component(|component| match component {
            Component::Header { parameters } => Some(parameters.as_slice()),
            _ => None,
        });
        let expected = match self.known.header {
            None => return self.check_texts("header", "", given, faults),
            Some(Header::Text { text }) => {
                let is_text =
                    |given: &(String, &[Parameter])| given.1.iter().all(|p| matches!(p, Parameter::Text { .. }));
                if given.as_ref().is_none_or(is_text) {
                    return self.check_texts("header", text, given, faults);
                }
                "TEXT"
            }
            Some(other) => other.format(),
        };
        let received = given.as_ref().and_then(|(_, parameters)| parameters.first());
        let received = received.map_or_else(|| "UNKNOWN".to_owned(), |it| it.kind().to_ascii_uppercase());
        if received != expected {
            let place = given.map_or_else(|| format!("{}/components", self.at), |(place, _)| place);
            let detail = format!(
                "(#132012) header: Format mismatch, expected {expected}, received {received}: {}.",
                remedy(expected)
            );
            faults.add(place, detail);
        }
    }

    fn check_body(&self, faults: &mut Faults) {
        let given = self.component(|component| match component {
            Component::Body { parameters } => Some(parameters.as_slice()),
            _ => None,
        });
        self.check_texts("body", self.known.body_text, given, faults);
    }

    /// Compares the variables of `text` with what is given for them.
    fn check_texts(&self, part: &str, text: &str, given: Option<(String, &[Parameter])>, faults: &mut Faults) {
        let wanted = variables(text);
        let (place, given) = given.unwrap_or_else(|| (format!("{}/components", self.at), &[]));
        if wanted.len() != given.len() {
            let remedy = match wanted.as_slice() {
                [] => format!("leave the {part} out"),
                wanted => format!("give one text for each of {}", listed(wanted.iter().copied())),
            };
            let detail = format!("{}: {remedy}.", count_mismatch(part, given.len(), wanted.len()));
            faults.add(place.as_str(), detail);
        }
        for (n, parameter) in given.iter().enumerate() {
            let name = name_of(parameter);
            if matches!(parameter, Parameter::Text { .. } | Parameter::Currency { .. } | Parameter::DateTime { .. }) {
                let repeated = name.is_some() && given[..n].iter().any(|earlier| name_of(earlier) == name);
                let why = misnamed(self.format, name, repeated, &wanted);
                why.into_iter().for_each(|why| faults.add(format!("{place}/parameters/{n}/parameter_name"), why));
            }
        }
    }

    fn check_buttons(&self, faults: &mut Faults) {
        for (n, component) in self.given.iter().enumerate() {
            if let Component::Button { sub_type, index, .. } = component {
                self.check_button(*sub_type, *index, format!("{}/components/{n}", self.at), faults);
            }
        }
        for (index, button) in self.known.buttons.iter().enumerate() {
            let given = self.component(|component| match component {
                Component::Button { index: given, .. } => (usize::from(*given) == index).then_some(()),
                _ => None,
            });
            if let (Some((kind, true)), None) = (button.takes(), given) {
                let detail = format!(
                    "(#131008) button at index {index}: a required parameter is missing: add {{\"type\": \"button\", \"sub_type\": \"{kind}\", \"index\": {index}, …}}."
                );
                faults.add(format!("{}/components", self.at), detail);
            }
        }
    }

    fn check_button(&self, given: ButtonKind, index: u8, place: String, faults: &mut Faults) {
        let count = self.known.buttons.len();
        let Some(button) = self.known.buttons.get(usize::from(index)) else {
            let detail = format!("(#132000) the template has {count} buttons, counted from 0: leave this one out.");
            return faults.add(format!("{place}/index"), detail);
        };
        match button.takes() {
            None => faults.add(place, format!("(#132000) button {index} takes no parameter: leave it out.")),
            Some((kind, _)) if kind != given => {
                let detail = format!("(#132012) button {index} is `{kind}` and not `{given}`: give that.");
                faults.add(format!("{place}/sub_type"), detail);
            }
            Some(_) => {}
        }
    }
}

/// What is wrong with the name that a parameter has, or has not.
fn misnamed(format: ParameterFormat, name: Option<&str>, repeated: bool, wanted: &[&str]) -> Option<String> {
    let misfit = "(#132012) Parameter format does not match format in the created template";
    let detail = match (format, name) {
        (ParameterFormat::Positional, None) => return None,
        (ParameterFormat::Positional, Some(_)) => {
            format!("{misfit}: its variables are numbered; leave `parameter_name` out and give the texts in order.")
        }
        (ParameterFormat::Named, None) => {
            format!("{misfit}: its variables have names; give a text with one of {}.", listed(wanted.iter().copied()))
        }
        (ParameterFormat::Named, Some(name)) if !wanted.contains(&name) => {
            let near = did_you_mean(nearest(name, wanted.iter().copied()));
            format!("{misfit}: it has no variable `{name}`, but {}.{near}", listed(wanted.iter().copied()))
        }
        (ParameterFormat::Named, Some(name)) if repeated => format!("{misfit}: `{name}` is given twice."),
        (ParameterFormat::Named, Some(_)) => return None,
    };
    Some(detail)
}

fn name_of(parameter: &Parameter) -> Option<&str> {
    match parameter {
        Parameter::Text { parameter_name, .. } => parameter_name.as_deref(),
        _ => None,
    }
}

fn remedy(format: &str) -> String {
    if ["TEXT", "IMAGE", "VIDEO", "DOCUMENT", "LOCATION", "PRODUCT", "GIF"].contains(&format) {
        let kind = format.to_ascii_lowercase();
        return format!(
            "give the header one parameter of type `{kind}` with every send, even where the template has a sample"
        );
    }
    "campaigns cannot fill such a header; use another template".to_owned()
}
