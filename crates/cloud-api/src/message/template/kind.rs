//! Rules of templates of one kind: those with an offer that ends, and those that carry a one-time code.

use super::{Button, Component, Header, Parameter, Template};
use crate::message::check::Checks;

impl Template {
    /// What Meta asks of templates with an offer (Meta: limited-time offer templates).
    pub(super) fn check_offer(&self, checks: &mut Checks) {
        if !self.has_offer() {
            return;
        }
        checks.each("components", &self.components, |checks, part| match part {
            Component::Header(Header::Image(_) | Header::Video(_)) => {}
            Component::Header(_) => {
                checks.refuse("parameters[0].type", "image or video with a limited-time offer", "another");
            }
            Component::Button { index, button: Button::CopyCode(_) } if *index != 0 => {
                checks.refuse("index", "0 for the code of a limited-time offer", index.to_string());
            }
            _ => {}
        });
    }

    pub(super) fn has_offer(&self) -> bool {
        self.components.iter().any(|part| matches!(part, Component::LimitedTimeOffer { .. }))
    }

    /// The code stands in the body as in the button (Meta: authentication templates).
    pub(super) fn check_code(&self, checks: &mut Checks) {
        let Some(code) = self.one_time_code() else { return };
        let is_body = |part: &Component| match part {
            Component::Body(parameters) => matches!(&parameters[..], [Parameter::Text(text)] if text.text == code),
            _ => false,
        };
        if !self.components.iter().any(is_body) {
            checks.refuse("components", "a body with the one-time code of the button, and nothing else", "another");
        }
    }

    /// The code that it carries, if it is an authentication template.
    pub(in crate::message) fn one_time_code(&self) -> Option<&str> {
        self.components.iter().find_map(|part| match part {
            Component::Button { button: Button::OneTimeCode(code), .. } => Some(code.as_str()),
            _ => None,
        })
    }
}
