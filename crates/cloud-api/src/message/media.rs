//! Media files.

use serde::Serialize;

use crate::MediaId;

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
