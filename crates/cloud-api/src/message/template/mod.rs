//! Template messages.

use serde::{Serialize, Serializer};

use super::{Media, typed};

/// A template and what fills it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Template {
    /// Its name.
    pub name: String,
    /// Its language.
    pub language: TemplateLanguage,
    /// Only the parts that take parameters. A media header must be given at every send.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub components: Vec<Component>,
}

/// The exact locale of a template, such as `en_US`: there is no fallback from one to another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TemplateLanguage {
    /// The locale.
    pub code: String,
}

impl<T: Into<String>> From<T> for TemplateLanguage {
    fn from(code: T) -> Self {
        Self { code: code.into() }
    }
}

/// What fills one part of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Component {
    /// The header.
    Header(Header),
    /// The body: in the order of `{{1}}`, `{{2}}`; in any order when named.
    Body(Vec<TextParameter>),
    /// One button.
    Button {
        /// Its place among all buttons of the template, from 0.
        index: u8,
        /// What fills it.
        button: Button,
    },
}

/// What fills a header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Header {
    /// The variable of a text header.
    Text(TextParameter),
    /// An image.
    Image(Media),
    /// A video.
    Video(Media),
    /// A document.
    Document(Media),
}

/// A text in the place of a variable: not empty; no line break, tab or run of more than four spaces.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename = "text")]
pub struct TextParameter {
    /// The text.
    pub text: String,
    /// The variable's name, for templates with named parameters, and for them only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parameter_name: Option<String>,
}

impl<T: Into<String>> From<T> for TextParameter {
    fn from(text: T) -> Self {
        Self { text: text.into(), parameter_name: None }
    }
}

/// What fills a button.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Button {
    /// The end of a URL button's address, where the template has a variable.
    UrlSuffix(String),
    /// What comes back in the webhook when a quick reply is tapped.
    QuickReply(String),
    /// The code to copy, up to 20 characters.
    CopyCode(String),
}

impl Serialize for Component {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Part<P> {
            r#type: &'static str,
            #[serde(skip_serializing_if = "Option::is_none")]
            sub_type: Option<&'static str>,
            #[serde(skip_serializing_if = "Option::is_none")]
            index: Option<String>,
            parameters: P,
        }
        match self {
            Self::Header(header) => {
                Part { r#type: "header", sub_type: None, index: None, parameters: [header] }.serialize(serializer)
            }
            Self::Body(parameters) => {
                Part { r#type: "body", sub_type: None, index: None, parameters }.serialize(serializer)
            }
            Self::Button { index, button } => Part {
                r#type: "button",
                sub_type: Some(button.sub_type()),
                index: Some(index.to_string()),
                parameters: [button],
            }
            .serialize(serializer),
        }
    }
}

impl Serialize for Header {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(parameter) => parameter.serialize(serializer),
            Self::Image(media) => typed(serializer, "image", media),
            Self::Video(media) => typed(serializer, "video", media),
            Self::Document(media) => typed(serializer, "document", media),
        }
    }
}

impl Button {
    const fn sub_type(&self) -> &'static str {
        match self {
            Self::UrlSuffix(_) => "url",
            Self::QuickReply(_) => "quick_reply",
            Self::CopyCode(_) => "copy_code",
        }
    }
}

impl Serialize for Button {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::UrlSuffix(text) => typed(serializer, "text", text),
            Self::QuickReply(payload) => typed(serializer, "payload", payload),
            Self::CopyCode(code) => typed(serializer, "coupon_code", code),
        }
    }
}
