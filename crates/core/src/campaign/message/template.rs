//! Templates: what Meta has approved, and what fills it.

use std::str::FromStr;

use serde::Serialize;

use super::media::{Media, Takes};
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
}

/// A part of a template that needs parameters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Component {
    /// The header: a text or a file.
    Header {
        /// Exactly one.
        parameters: Vec<Parameter>,
    },
    /// The body.
    Body {
        /// Texts, one for each variable.
        parameters: Vec<Parameter>,
    },
    /// One button.
    Button {
        /// What the button does.
        sub_type: ButtonKind,
        /// The button's place, from 0.
        index: u8,
        /// Exactly one.
        parameters: Vec<Parameter>,
    },
}

word! {
    /// What a button that takes a parameter does.
    pub enum ButtonKind {
        /// Opens a link whose end varies.
        Url = "url",
        /// Answers with a payload.
        QuickReply = "quick_reply",
        /// Copies a code.
        CopyCode = "copy_code",
    }
}

/// What fills one variable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Parameter {
    /// A text.
    Text {
        /// The variable's name, where the template has named variables.
        #[serde(skip_serializing_if = "Option::is_none")]
        parameter_name: Option<String>,
        /// The text.
        text: String,
    },
    /// A picture.
    Image {
        /// The file.
        image: Media,
    },
    /// A video.
    Video {
        /// The file.
        video: Media,
    },
    /// A document.
    Document {
        /// The file.
        document: Media,
    },
    /// What comes back when a quick reply is tapped.
    Payload {
        /// The payload.
        payload: String,
    },
    /// What a copy-code button copies.
    CouponCode {
        /// The code.
        coupon_code: String,
    },
}

impl TemplateMessage {
    /// The files of its header, as [`super::Content::files`] tells of them.
    pub(super) fn files(&self) -> Vec<(&'static str, String, &Media)> {
        let mut files = Vec::new();
        for (at, component) in self.components.iter().enumerate() {
            let Component::Header { parameters } = component else { continue };
            for (place, parameter) in parameters.iter().enumerate() {
                if let Some((kind, media)) = parameter.file() {
                    files.push((kind, format!("/components/{at}/parameters/{place}/{kind}"), media));
                }
            }
        }
        files
    }

    pub(super) fn read(fields: &mut Fields<'_, '_>) -> Option<Self> {
        let name = fields.required("name", read_name);
        let language = fields.required("language", read_language);
        let category = fields.or("category", Category::Utility, |node| {
            Category::from_any_case(node.text()?).map_err(|why| node.fault::<()>(why.to_string())).ok()
        });
        let components = fields.or("components", Vec::new(), |node| {
            let components = node.list(Component::read)?;
            refuse_repeats(node, &components).map(|()| components)
        });
        Some(Self { name: name?, language: language?, category: category?, components: components? })
    }
}

/// Meta: a template's name is 1 to 512 of lower-case letters, digits and `_`.
fn read_name(node: &Node<'_>) -> Option<String> {
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

/// A template has one header, one body and one button in each place.
fn refuse_repeats(node: &Node<'_>, components: &[Component]) -> Option<()> {
    let place = |component: &Component| match component {
        Component::Header { .. } => "header".to_owned(),
        Component::Body { .. } => "body".to_owned(),
        Component::Button { index, .. } => format!("button {index}"),
    };
    for (n, component) in components.iter().enumerate() {
        if components[..n].iter().any(|earlier| place(earlier) == place(component)) {
            return node.fault(format!("holds {} twice; give each part once.", place(component)));
        }
    }
    Some(())
}

impl Component {
    fn read(node: &Node<'_>) -> Option<Self> {
        node.object(|fields| match fields.kind("type", &["header", "body", "button"])? {
            "header" => {
                let allowed = &["text", "image", "video", "document"];
                Some(Self::Header { parameters: fields.required("parameters", |node| read_one(node, allowed))? })
            }
            "body" => {
                let parameters =
                    fields.required("parameters", |node| node.list(|node| Parameter::read(node, &["text"])));
                Some(Self::Body { parameters: parameters? })
            }
            _ => Self::read_button(fields),
        })
    }

    fn read_button(fields: &mut Fields<'_, '_>) -> Option<Self> {
        let sub_type = fields.required("sub_type", Node::parse::<ButtonKind>);
        let index = fields.required("index", read_index);
        let allowed: &[&str] = match sub_type {
            Some(ButtonKind::Url) => &["text"],
            Some(ButtonKind::QuickReply) => &["payload"],
            Some(ButtonKind::CopyCode) => &["coupon_code"],
            None => &["text", "payload", "coupon_code"],
        };
        let parameters = fields.required("parameters", |node| read_one(node, allowed));
        Some(Self::Button { sub_type: sub_type?, index: index?, parameters: parameters? })
    }
}

/// Meta takes a button's index as a string or a number; a template has at most 10 buttons.
fn read_index(node: &Node<'_>) -> Option<u8> {
    if !node.is_text() {
        return node.whole(0..=9);
    }
    let index = node.parse::<u8>()?;
    if index <= 9 { Some(index) } else { node.fault("a template has at most 10 buttons, counted from 0.") }
}

fn read_one(node: &Node<'_>, allowed: &[&'static str]) -> Option<Vec<Parameter>> {
    let parameters = node.list(|node| Parameter::read(node, allowed))?;
    if parameters.len() == 1 { Some(parameters) } else { node.fault("takes exactly one parameter.") }
}

impl Parameter {
    fn file(&self) -> Option<(&'static str, &Media)> {
        match self {
            Self::Image { image } => Some(("image", image)),
            Self::Video { video } => Some(("video", video)),
            Self::Document { document } => Some(("document", document)),
            Self::Text { .. } | Self::Payload { .. } | Self::CouponCode { .. } => None,
        }
    }

    fn read(node: &Node<'_>, allowed: &[&'static str]) -> Option<Self> {
        node.object(|fields| match fields.kind("type", allowed)? {
            "image" => Some(Self::Image { image: fields.required("image", |node| Media::read(node, Takes::SOURCE))? }),
            "video" => Some(Self::Video { video: fields.required("video", |node| Media::read(node, Takes::SOURCE))? }),
            "document" => {
                Some(Self::Document { document: fields.required("document", |node| Media::read(node, Takes::NAMED))? })
            }
            "payload" => Some(Self::Payload { payload: fields.required("payload", Node::words)? }),
            "coupon_code" => Some(Self::CouponCode { coupon_code: fields.required("coupon_code", Node::words)? }),
            _ => {
                let parameter_name = fields.maybe("parameter_name", Node::words);
                let text = fields.required("text", Node::words);
                Some(Self::Text { parameter_name: parameter_name?, text: text? })
            }
        })
    }
}
