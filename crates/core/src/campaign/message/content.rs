//! One message: a template, or one of the free-form kinds.

use serde::Serialize;

use super::{
    contacts::{self, ContactCard},
    interactive::Interactive,
    media::{Media, Takes},
    place::{Location, Reaction},
    template::{Category, TemplateMessage},
};
use crate::fault::read::{Fields, Node};

/// One message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Content {
    /// A template that Meta has approved; all others are free-form, which Meta takes within 24 hours of the user's last
    /// message only.
    Template(TemplateMessage),
    /// A text.
    Text {
        /// The text.
        text: TextBody,
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
    /// A sound.
    Audio {
        /// The file.
        audio: Media,
    },
    /// A document.
    Document {
        /// The file.
        document: Media,
    },
    /// A sticker.
    Sticker {
        /// The file.
        sticker: Media,
    },
    /// A place on the map.
    Location {
        /// The place.
        location: Location,
    },
    /// Visiting cards.
    Contacts {
        /// 1 to 257. Apps show few well.
        contacts: Vec<ContactCard>,
    },
    /// An emoji on a message of the chat. Of its receipts only `sent` comes (Meta: reaction messages).
    Reaction {
        /// The emoji, and the message.
        reaction: Reaction,
    },
    /// A text with something to tap.
    Interactive {
        /// It.
        interactive: Interactive,
    },
}

impl Content {
    pub(super) const KINDS: [&'static str; 11] = [
        "template",
        "text",
        "image",
        "video",
        "audio",
        "document",
        "sticker",
        "location",
        "contacts",
        "reaction",
        "interactive",
    ];

    /// What kind of message it is, as campaigns spell it.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Template(_) => "template",
            Self::Text { .. } => "text",
            Self::Image { .. } => "image",
            Self::Video { .. } => "video",
            Self::Audio { .. } => "audio",
            Self::Document { .. } => "document",
            Self::Sticker { .. } => "sticker",
            Self::Location { .. } => "location",
            Self::Contacts { .. } => "contacts",
            Self::Reaction { .. } => "reaction",
            Self::Interactive { .. } => "interactive",
        }
    }

    /// What people call it.
    pub fn name(&self) -> String {
        match self {
            Self::Template(template) => format!("template {}", template.name),
            free_form => free_form.kind().to_owned(),
        }
    }

    /// The template, if it is one.
    pub fn template(&self) -> Option<&TemplateMessage> {
        match self {
            Self::Template(template) => Some(template),
            _ => None,
        }
    }

    /// Meta's category; a free-form message has none.
    pub fn category(&self) -> Option<Category> {
        self.template().map(|template| template.category)
    }

    /// The files that it names: each with its kind, and its place within the message as a JSON pointer.
    pub fn files(&self) -> Vec<(&'static str, String, &Media)> {
        match self {
            Self::Template(template) => template.files(),
            Self::Interactive { interactive } => interactive.file().into_iter().collect(),
            Self::Image { image: file }
            | Self::Video { video: file }
            | Self::Audio { audio: file }
            | Self::Document { document: file }
            | Self::Sticker { sticker: file } => vec![(self.kind(), format!("/{}", self.kind()), file)],
            Self::Text { .. } | Self::Location { .. } | Self::Contacts { .. } | Self::Reaction { .. } => Vec::new(),
        }
    }

    pub(super) fn read(kind: &str, fields: &mut Fields<'_, '_>) -> Option<Self> {
        let mut file = |name, takes| fields.required(name, |node| Media::read(node, takes));
        match kind {
            "template" => TemplateMessage::read(fields).map(Self::Template),
            "image" => Some(Self::Image { image: file("image", Takes::CAPTION)? }),
            "video" => Some(Self::Video { video: file("video", Takes::CAPTION)? }),
            "audio" => Some(Self::Audio { audio: file("audio", Takes::VOICE)? }),
            "document" => Some(Self::Document { document: file("document", Takes::CAPTION_AND_NAME)? }),
            "sticker" => Some(Self::Sticker { sticker: file("sticker", Takes::SOURCE)? }),
            "location" => Some(Self::Location { location: fields.required("location", Location::read)? }),
            "contacts" => Some(Self::Contacts { contacts: fields.required("contacts", contacts::read)? }),
            "reaction" => Some(Self::Reaction { reaction: fields.required("reaction", Reaction::read)? }),
            "interactive" => {
                Some(Self::Interactive { interactive: fields.required("interactive", Interactive::read)? })
            }
            _ => Some(Self::Text { text: fields.required("text", TextBody::read)? }),
        }
    }
}

/// A free-form text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TextBody {
    /// The text itself.
    pub body: String,
    /// Whether the first link is shown with a preview.
    pub preview_url: bool,
}

impl TextBody {
    fn read(node: &Node<'_>) -> Option<Self> {
        node.object(|fields| {
            let body = fields.required("body", Node::words);
            let preview_url = fields.or("preview_url", false, Node::flag);
            Some(Self { body: body?, preview_url: preview_url? })
        })
    }
}
