//! Places on the map, and reactions. What is wrong with their texts shows once they are filled in.

use serde::Serialize;

use super::figure::Figure;
use crate::fault::read::Node;

/// A place on the map.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Location {
    /// Degrees north, -90 to 90.
    pub latitude: Figure,
    /// Degrees east, -180 to 180.
    pub longitude: Figure,
    /// What it is called; a template's header needs it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its address, which is shown with a name only; a template's header needs it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
}

/// An emoji on a message of the chat.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reaction {
    /// The id of the message, which is at most 30 days old (Meta: reaction messages).
    pub message_id: String,
    /// The emoji; an empty text takes an earlier reaction away.
    pub emoji: String,
}

impl Location {
    /// A message of its own.
    pub(super) fn read(node: &Node<'_>) -> Option<Self> {
        Self::read_with(node, false)
    }

    /// A template's header, which Meta takes whole only.
    pub(super) fn read_header(node: &Node<'_>) -> Option<Self> {
        Self::read_with(node, true)
    }

    fn read_with(node: &Node<'_>, whole: bool) -> Option<Self> {
        node.object(|fields| {
            let latitude = fields.required("latitude", Figure::read);
            let longitude = fields.required("longitude", Figure::read);
            let mut word = |name| {
                if whole { fields.required(name, Node::words).map(Some) } else { fields.maybe(name, Node::words) }
            };
            let (name, address) = (word("name"), word("address"));
            Some(Self { latitude: latitude?, longitude: longitude?, name: name?, address: address? })
        })
    }
}

impl Reaction {
    pub(super) fn read(node: &Node<'_>) -> Option<Self> {
        node.object(|fields| {
            let message_id = fields.required("message_id", Node::words);
            let emoji = fields.required("emoji", |node| node.text().map(str::to_owned));
            Some(Self { message_id: message_id?, emoji: emoji? })
        })
    }
}
