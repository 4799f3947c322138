//! Templates: what Meta has approved, and what fills it.

use std::str::FromStr;

use serde::Serialize;

use super::{
    component::{self, ButtonKind, Component},
    marketing::MarketingMessages,
    media::Media,
    parameter::Parameter,
};
use crate::fault::{
    read::{Fields, Node},
    word,
};

word! {
    /// Meta's category of a template.
    pub enum Category {
        /// What a user asked for or expects.
        Utility = "UTILITY",
        /// Everything that promotes.
        Marketing = "MARKETING",
        /// One-time passcodes.
        Authentication = "AUTHENTICATION",
    }
}

impl Category {
    /// The category by its name in any case: Meta accepts and returns both.
    ///
    /// # Errors
    /// [`crate::fault::UnknownWord`] for any other word.
    pub fn from_any_case(text: &str) -> Result<Self, crate::fault::UnknownWord> {
        Self::from_str(&text.to_ascii_uppercase())
    }
}

/// A template and what fills it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TemplateMessage {
    /// The template's name.
    pub name: String,
    /// The template's exact locale, such as `en_IN`.
    pub language: String,
    /// The category that the template is believed to have.
    pub category: Category,
    /// The parts that need parameters.
    pub components: Vec<Component>,
    /// Goes out by the Marketing Messages API; marketing templates only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub marketing_messages: Option<MarketingMessages>,
}

impl TemplateMessage {
    /// The files of its headers, as [`super::Content::files`] tells of them.
    pub(super) fn files(&self) -> Vec<(&'static str, String, &Media)> {
        component::files(&self.components, "")
    }

    /// Whether it carries a one-time code.
    pub fn has_code(&self) -> bool {
        self.category == Category::Authentication
    }

    /// Whether it has an offer that ends.
    pub fn has_offer(&self) -> bool {
        self.components.iter().any(|component| matches!(component, Component::LimitedTimeOffer { .. }))
    }

    pub(super) fn read(fields: &mut Fields<'_, '_>) -> Option<Self> {
        let name = fields.required("name", read_name);
        let language = fields.required("language", read_language);
        let category = fields.or("category", Category::Utility, |node| {
            Category::from_any_case(node.text()?).map_err(|why| node.fault::<()>(why.to_string())).ok()
        });
        let components = fields.or("components", Vec::new(), component::read_all);
        let marketing_messages = fields.maybe("marketing_messages", MarketingMessages::read);
        let template = Self {
            name: name?,
            language: language?,
            category: category?,
            components: components?,
            marketing_messages: marketing_messages?,
        };
        let is_sound = [template.check_marketing(fields), template.check_code(fields), template.check_offer(fields)];
        is_sound.into_iter().collect::<Option<Vec<()>>>().map(|_| template)
    }

    fn check_marketing(&self, fields: &Fields<'_, '_>) -> Option<()> {
        if self.marketing_messages.is_some() && self.category != Category::Marketing {
            let why = format!("is for MARKETING templates, and this one is {}: leave it out.", self.category);
            return fields.fault_at("marketing_messages", why);
        }
        if self.marketing_messages.is_none() && self.files().iter().any(|(kind, ..)| *kind == "gif") {
            let why = "holds a `gif`, which only the Marketing Messages API takes: add `\"marketing_messages\": {}`.";
            return fields.fault_at("components", why);
        }
        Some(())
    }

    /// The one-time code stands in the body as in the button (Meta: authentication templates).
    fn check_code(&self, fields: &Fields<'_, '_>) -> Option<()> {
        let text = |parameters: &[Parameter]| match parameters {
            [Parameter::Text { text, .. }] => Some(text.clone()),
            _ => None,
        };
        let body = self.components.iter().find_map(|component| match component {
            Component::Body { parameters } => text(parameters),
            _ => None,
        });
        let button = self.components.iter().find_map(|component| match component {
            Component::Button { parameters, .. } => text(parameters),
            _ => None,
        });
        if self.has_code() && button.is_some() && body != button {
            let why = "must hold the one-time code twice: as the one text of the body, and in the `url` button.";
            return fields.fault_at("components", why);
        }
        Some(())
    }

    /// What Meta asks of templates with an offer (limited-time offer templates).
    fn check_offer(&self, fields: &Fields<'_, '_>) -> Option<()> {
        if !self.has_offer() {
            return Some(());
        }
        let misplaced = |component: &Component| match component {
            Component::Header { parameters } => {
                let is_shown = |it: &Parameter| matches!(it, Parameter::Image { .. } | Parameter::Video { .. });
                (!parameters.iter().all(is_shown))
                    .then_some("takes `image` or `video` in the header of a limited-time offer.")
            }
            Component::Button { sub_type: ButtonKind::CopyCode, index, .. } if *index != 0 => Some(
                "takes the code of a limited-time offer in the button at index 0, and the link in that at index 1.",
            ),
            _ => None,
        };
        match self.components.iter().find_map(misplaced) {
            Some(why) => fields.fault_at("components", why),
            None => Some(()),
        }
    }
}

/// Meta: a template's name is 1 to 512 of lower-case letters, digits and `_`.
pub(super) fn read_name(node: &Node<'_>) -> Option<String> {
    let name = node.text()?;
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
    if (1..=512).contains(&name.len()) && name.bytes().all(plain) {
        return Some(name.to_owned());
    }
    node.fault("is not a template's name: those are up to 512 lower-case letters, digits and `_`.")
}

fn read_language(node: &Node<'_>) -> Option<String> {
    let locale = node.text()?;
    let (language, region) =
        locale.split_once('_').map_or((locale, None), |(language, region)| (language, Some(region)));
    let letters = |text: &str, length: std::ops::RangeInclusive<usize>| {
        length.contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric())
    };
    if letters(language, 2..=3) && region.is_none_or(|region| letters(region, 2..=4)) {
        return Some(locale.to_owned());
    }
    node.fault(format!("`{locale}` is not a locale: write it as the template has it, such as `en` or `en_IN`."))
}
