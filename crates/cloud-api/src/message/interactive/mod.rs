//! Interactive messages.

use serde::{Serialize, Serializer, ser::SerializeMap};

use super::{MediaSource, typed};

/// A text with something to tap.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Interactive {
    /// What can be tapped.
    #[serde(flatten)]
    pub action: Action,
    /// Above the text. A list takes a text only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub header: Option<InteractiveHeader>,
    /// The text: up to 1024 characters, or 4096 with a list.
    pub body: Words,
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

/// What can be tapped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "type", content = "action", rename_all = "snake_case")]
pub enum Action {
    /// Buttons that answer.
    Button {
        /// 1 to 3.
        buttons: Vec<ReplyButton>,
    },
    /// A button that opens a list, a row of which answers.
    List {
        /// What the button says: up to 20 characters.
        button: String,
        /// 1 to 10, with at most 10 rows in all.
        sections: Vec<ListSection>,
    },
    /// A button that opens a link.
    CtaUrl(LinkButton),
}

/// A button that answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplyButton {
    /// What comes back in the webhook: up to 256 characters, no two alike.
    pub id: String,
    /// What it says: up to 20 characters, no two alike.
    pub title: String,
}

/// A part of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ListSection {
    /// Up to 24 characters; needed where there are several sections.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// At least one.
    pub rows: Vec<ListRow>,
}

/// A row of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ListRow {
    /// What comes back in the webhook: up to 200 characters.
    pub id: String,
    /// Up to 24 characters.
    pub title: String,
    /// Up to 72 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// A button that opens a link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkButton {
    /// What it says: up to 20 characters.
    pub display_text: String,
    /// What it opens.
    pub url: String,
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

impl Serialize for ReplyButton {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Reply<'a> {
            id: &'a str,
            title: &'a str,
        }
        typed(serializer, "reply", &Reply { id: &self.id, title: &self.title })
    }
}

impl Serialize for LinkButton {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Parameters<'a> {
            display_text: &'a str,
            url: &'a str,
        }
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry("name", "cta_url")?;
        map.serialize_entry("parameters", &Parameters { display_text: &self.display_text, url: &self.url })?;
        map.end()
    }
}
