//! Interactive messages.

mod action;
mod check;
mod flow;
mod options;
mod products;

use serde::{Serialize, Serializer};

use super::{MediaSource, typed};

pub use action::{Action, LinkButton, ListRow, ListSection, ReplyButton};
pub use flow::{Flow, FlowAction, FlowName, FlowScreen};
pub use products::{CatalogLink, ProductSection};

pub(super) use products::check_sections;

/// A text with something to tap (Meta: interactive messages).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Interactive {
    /// What can be tapped.
    #[serde(flatten)]
    pub action: Action,
    /// Above the text. A list takes a text only, a product list needs one; a product, a catalog and a request for a place
    /// take none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub header: Option<InteractiveHeader>,
    /// The text: up to 1024 characters, or 4096 with a list. Only a product goes without.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<Words>,
    /// Up to 60 characters below it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub footer: Option<Words>,
}

/// A part that is a text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Words {
    /// The text.
    pub text: String,
}

impl<T: Into<String>> From<T> for Words {
    fn from(text: T) -> Self {
        Self { text: text.into() }
    }
}

/// What stands above the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InteractiveHeader {
    /// Up to 60 characters.
    Text(String),
    /// A picture.
    Image(MediaSource),
    /// A video.
    Video(MediaSource),
    /// A document.
    Document(MediaSource),
}

impl Interactive {
    /// A text with something to tap, without header and footer.
    pub fn new(action: Action, body: impl Into<Words>) -> Self {
        Self { action, header: None, body: Some(body.into()), footer: None }
    }
}

impl Serialize for InteractiveHeader {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(text) => typed(serializer, "text", text),
            Self::Image(image) => typed(serializer, "image", image),
            Self::Video(video) => typed(serializer, "video", video),
            Self::Document(document) => typed(serializer, "document", document),
        }
    }
}
