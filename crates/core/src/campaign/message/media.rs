//! Files: where they come from, and what is shown with them.

use serde::Serialize;

use crate::fault::read::Node;

/// A file, where it comes from and what is shown with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Media {
    /// Where it comes from.
    #[serde(flatten)]
    pub source: MediaSource,
    /// What stands below it; pictures, videos and documents that are messages of their own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub caption: Option<String>,
    /// What the recipient sees the file named; documents only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filename: Option<String>,
    /// Whether it is shown as a voice note; sounds only.
    #[serde(skip_serializing_if = "is_not")]
    pub voice: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes fields by reference")]
fn is_not(flag: &bool) -> bool {
    !flag
}

/// Where a file comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum MediaSource {
    /// An uploaded asset's name or id, put on every number that needs it.
    Asset(String),
    /// An address that Meta fetches.
    Link(String),
    /// A media id of the one number that it was uploaded to.
    Id(String),
}

/// What a file takes beside its source, where it stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Takes {
    caption: bool,
    filename: bool,
    voice: bool,
}

impl Takes {
    /// Nothing more.
    pub(super) const SOURCE: Self = Self { caption: false, filename: false, voice: false };
    /// The name that is shown.
    pub(super) const NAMED: Self = Self { filename: true, ..Self::SOURCE };
    /// A caption.
    pub(super) const CAPTION: Self = Self { caption: true, ..Self::SOURCE };
    /// Both.
    pub(super) const CAPTION_AND_NAME: Self = Self { filename: true, ..Self::CAPTION };
    /// Whether it is a voice note.
    pub(super) const VOICE: Self = Self { voice: true, ..Self::SOURCE };
}

impl Media {
    pub(super) fn read(node: &Node<'_>, takes: Takes) -> Option<Self> {
        node.object(|fields| {
            let asset = fields.maybe("asset", Node::words);
            let link = fields.maybe("link", Node::words);
            let id = fields.maybe("id", Node::words);
            let caption = if takes.caption { fields.maybe("caption", Node::words) } else { Some(None) };
            let filename = if takes.filename { fields.maybe("filename", Node::words) } else { Some(None) };
            let voice = if takes.voice { fields.or("voice", false, Node::flag) } else { Some(false) };
            let source = match (asset?, link?, id?) {
                (Some(asset), None, None) => MediaSource::Asset(asset),
                (None, Some(link), None) => MediaSource::Link(link),
                (None, None, Some(id)) => MediaSource::Id(id),
                _ => return fields.fault("takes exactly one of `asset`, `link` and `id`."),
            };
            Some(Self { source, caption: caption?, filename: filename?, voice: voice? })
        })
    }
}
