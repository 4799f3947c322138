//! Media files.

use serde::Serialize;

use super::check::Checks;
use crate::MediaId;

/// Meta: longest caption, in characters.
const CAPTION_CHARS: usize = 1024;

/// A media file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Media {
    /// Where it is.
    #[serde(flatten)]
    pub source: MediaSource,
    /// Of a document: the name shown; its extension picks the icon.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filename: Option<String>,
}

/// Where a media file is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum MediaSource {
    /// Uploaded before to the sending number. Best for many recipients.
    Id(MediaId),
    /// A public address, which Meta fetches and caches for 10 minutes.
    Link(String),
}

impl From<MediaSource> for Media {
    fn from(source: MediaSource) -> Self {
        Self { source, filename: None }
    }
}

/// A picture or a video that is a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CaptionedMedia {
    /// Where it is.
    #[serde(flatten)]
    pub source: MediaSource,
    /// Up to 1024 characters below it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub caption: Option<String>,
}

/// A document that is a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Document {
    /// Where it is.
    #[serde(flatten)]
    pub source: MediaSource,
    /// Up to 1024 characters below it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub caption: Option<String>,
    /// The name shown; its extension picks the icon.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filename: Option<String>,
}

/// A sound that is a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Audio {
    /// Where it is.
    #[serde(flatten)]
    pub source: MediaSource,
    /// Whether it is shown as a voice note, which has to be Ogg with Opus.
    pub voice: bool,
}

impl MediaSource {
    pub(super) fn check(&self, checks: &mut Checks) {
        match self {
            Self::Id(id) => checks.filled("id", id.as_str()),
            Self::Link(link) => checks.link("link", link),
        }
    }
}

impl Media {
    /// Only a document has a name that is shown.
    pub(super) fn check(&self, checks: &mut Checks, is_document: bool) {
        self.source.check(checks);
        if !is_document && self.filename.is_some() {
            checks.refuse("filename", "none, or a document", "one");
        }
    }
}

impl CaptionedMedia {
    pub(super) fn check(&self, checks: &mut Checks) {
        self.source.check(checks);
        checks.chars("caption", self.caption.as_deref().unwrap_or_default(), 0..=CAPTION_CHARS);
    }
}

impl Document {
    pub(super) fn check(&self, checks: &mut Checks) {
        self.source.check(checks);
        checks.chars("caption", self.caption.as_deref().unwrap_or_default(), 0..=CAPTION_CHARS);
        checks.filled_if_given("filename", self.filename.as_deref());
    }
}
