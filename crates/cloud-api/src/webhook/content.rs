//! What a user's message holds, by its type (Meta: webhooks reference, messages). Read loosely: what has not the documented
//! shape, or is of a type that this version does not know, is kept as it came.

use std::fmt;

use serde::Deserialize;
use serde_json::Value;

use super::loose;
use crate::{ContactCard, Personal};

/// What a message holds. `Debug` tells its type alone: what users write is nobody's business.
#[derive(Clone, PartialEq)]
pub enum Content {
    /// A text.
    Text(ReceivedText),
    /// A picture.
    Image(ReceivedMedia),
    /// A video.
    Video(ReceivedMedia),
    /// A sound, or a voice message.
    Audio(ReceivedMedia),
    /// A document.
    Document(ReceivedMedia),
    /// A sticker.
    Sticker(ReceivedMedia),
    /// A place.
    Location(ReceivedLocation),
    /// Contact cards.
    Contacts(Vec<ContactCard>),
    /// A reaction to a message, or that one is taken back.
    Reaction(ReceivedReaction),
    /// A quick-reply button of a template was tapped.
    Button(ReceivedButton),
    /// A reply button was tapped.
    ButtonReply(ReceivedChoice),
    /// A row of a list was chosen.
    ListReply(ReceivedChoice),
    /// A flow was completed.
    FlowReply(ReceivedFlow),
    /// Whether we may call.
    CallPermission(ReceivedPermission),
    /// Products were ordered.
    Order(ReceivedOrder),
    /// WhatsApp itself tells of the user, such as of a new number. Opens no service window.
    System(ReceivedSystem),
    /// A kind that the Cloud API hands on to nobody: [`errors`](super::Inbound::errors) says why.
    Unsupported(ReceivedUnsupported),
    /// A type that this version does not know, or one of another shape than is documented: as it came.
    Other {
        /// Its type.
        kind: String,
        /// All of the message.
        message: Value,
    },
}

/// A text.
#[derive(Clone, PartialEq, Eq, Deserialize)]
pub struct ReceivedText {
    /// The text.
    pub body: String,
}

/// A file that a user sent: to be downloaded by its id within 7 days (Meta: media).
#[derive(Clone, PartialEq, Eq, Deserialize)]
pub struct ReceivedMedia {
    /// Its id.
    pub id: String,
    /// Its type, such as `audio/ogg; codecs=opus`.
    #[serde(default)]
    pub mime_type: Option<String>,
    /// Its SHA-256 in base64.
    #[serde(default)]
    pub sha256: Option<String>,
    /// Where it is; asks for the token and lives 5 minutes.
    #[serde(default)]
    pub url: Option<String>,
    /// What the user wrote below it.
    #[serde(default)]
    pub caption: Option<String>,
    /// A document's name.
    #[serde(default)]
    pub filename: Option<String>,
    /// A sound is a voice message.
    #[serde(default)]
    pub voice: bool,
    /// A sticker moves.
    #[serde(default)]
    pub animated: bool,
}

/// A place.
#[derive(Clone, PartialEq, Deserialize)]
pub struct ReceivedLocation {
    /// Degrees north.
    pub latitude: f64,
    /// Degrees east.
    pub longitude: f64,
    /// What it is called.
    #[serde(default)]
    pub name: Option<String>,
    /// Its address.
    #[serde(default)]
    pub address: Option<String>,
    /// A link to it.
    #[serde(default)]
    pub url: Option<String>,
}

/// A reaction.
#[derive(Clone, PartialEq, Eq, Deserialize)]
pub struct ReceivedReaction {
    /// To which message.
    pub message_id: String,
    /// Which; none when it is taken back.
    #[serde(default)]
    pub emoji: Option<String>,
}

/// A quick-reply button of a template.
#[derive(Clone, PartialEq, Eq, Deserialize)]
pub struct ReceivedButton {
    /// What was sent along with it; its label where nothing was.
    #[serde(default)]
    pub payload: Option<String>,
    /// Its label.
    pub text: String,
}

/// A reply button or a row of a list.
#[derive(Clone, PartialEq, Eq, Deserialize)]
pub struct ReceivedChoice {
    /// Its id, as it was sent.
    pub id: String,
    /// Its title.
    pub title: String,
    /// A row's description.
    #[serde(default)]
    pub description: Option<String>,
}

/// A flow that was completed.
#[derive(Clone, PartialEq, Eq, Deserialize)]
pub struct ReceivedFlow {
    /// `flow`, `address_message` and the like.
    #[serde(default)]
    pub name: Option<String>,
    /// What the user sees, such as `Sent`.
    #[serde(default)]
    pub body: Option<String>,
    /// What was filled in: JSON in a text, mostly.
    pub response_json: String,
}

/// Whether we may call the user.
#[derive(Clone, PartialEq, Eq, Deserialize)]
pub struct ReceivedPermission {
    /// `accept` or `reject`.
    pub response: String,
    /// Whether for good.
    #[serde(default)]
    pub is_permanent: bool,
    /// Until when, in Unix seconds.
    #[serde(default, deserialize_with = "loose::whole")]
    pub expiration_timestamp: Option<i64>,
    /// How it came: `user_action`, or by itself.
    #[serde(default)]
    pub response_source: Option<String>,
}

/// An order.
#[derive(Clone, PartialEq, Deserialize)]
pub struct ReceivedOrder {
    /// Of which catalog.
    pub catalog_id: String,
    /// What the user wrote with it.
    #[serde(default)]
    pub text: Option<String>,
    /// What was ordered.
    #[serde(default)]
    pub product_items: Vec<OrderedProduct>,
}

/// A product that was ordered.
#[derive(Clone, PartialEq, Deserialize)]
pub struct OrderedProduct {
    /// Its id in the catalog.
    pub product_retailer_id: String,
    /// How many.
    pub quantity: f64,
    /// What one costs.
    pub item_price: f64,
    /// In what, ISO 4217.
    pub currency: String,
}

/// What WhatsApp tells of a user.
#[derive(Clone, PartialEq, Eq, Deserialize)]
pub struct ReceivedSystem {
    /// `user_changed_number`, `user_changed_user_id`.
    #[serde(rename = "type")]
    pub kind: String,
    /// In words.
    #[serde(default)]
    pub body: Option<String>,
    /// The user's new WhatsApp id.
    #[serde(default)]
    pub wa_id: Option<Personal>,
    /// The user's business-scoped user id.
    #[serde(default)]
    pub user_id: Option<Personal>,
    /// What that was before.
    #[serde(default)]
    pub previous_user_id: Option<Personal>,
}

/// A message that is handed on to nobody.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
pub struct ReceivedUnsupported {
    /// Its kind, such as `edit`, where it is told.
    #[serde(default, rename = "type")]
    pub kind: Option<String>,
}

/// Which message a user's message answers.
#[derive(Clone, PartialEq, Eq, Deserialize)]
pub struct Answered {
    /// Who sent that.
    #[serde(default)]
    pub from: Option<Personal>,
    /// Its id; none of one that was forwarded.
    #[serde(default)]
    pub id: Option<String>,
    /// The message was forwarded.
    #[serde(default)]
    pub forwarded: bool,
    /// And often.
    #[serde(default)]
    pub frequently_forwarded: bool,
    /// The product that it is about.
    #[serde(default)]
    pub referred_product: Option<ReferredProduct>,
}

/// The product that a message is about.
#[derive(Clone, PartialEq, Eq, Deserialize)]
pub struct ReferredProduct {
    /// Of which catalog.
    pub catalog_id: String,
    /// Its id in it.
    pub product_retailer_id: String,
}

/// The advertisement that a user came by; it opens a free entry point (Meta: click-to-WhatsApp ads).
#[derive(Clone, PartialEq, Eq, Deserialize)]
pub struct Referral {
    /// Where it is.
    #[serde(default)]
    pub source_url: Option<String>,
    /// Its id.
    #[serde(default)]
    pub source_id: Option<String>,
    /// `ad` or `post`.
    #[serde(default)]
    pub source_type: Option<String>,
    /// Its headline.
    #[serde(default)]
    pub headline: Option<String>,
    /// Its text.
    #[serde(default)]
    pub body: Option<String>,
    /// `image` or `video`.
    #[serde(default)]
    pub media_type: Option<String>,
    /// Its picture.
    #[serde(default)]
    pub image_url: Option<String>,
    /// Its video.
    #[serde(default)]
    pub video_url: Option<String>,
    /// A small picture of its video.
    #[serde(default)]
    pub thumbnail_url: Option<String>,
    /// What the chat greets with.
    #[serde(default)]
    pub welcome_message: Option<WelcomeMessage>,
    /// The id of the click, for conversions.
    #[serde(default)]
    pub ctwa_clid: Option<String>,
}

/// What a chat greets with that was opened by an advertisement.
#[derive(Clone, PartialEq, Eq, Deserialize)]
pub struct WelcomeMessage {
    /// The text.
    pub text: String,
}

impl Content {
    /// What a message holds.
    pub(super) fn read(message: &Value) -> Self {
        let kind = message["type"].as_str().unwrap_or("text");
        Self::typed(kind, message).unwrap_or_else(|| Self::Other { kind: kind.to_owned(), message: message.clone() })
    }

    fn typed(kind: &str, message: &Value) -> Option<Self> {
        fn of<'a, T: Deserialize<'a>>(value: &'a Value) -> Option<T> {
            T::deserialize(value).ok()
        }
        let part = &message[kind];
        Some(match kind {
            "text" => Self::Text(of(part)?),
            "image" => Self::Image(of(part)?),
            "video" => Self::Video(of(part)?),
            "audio" => Self::Audio(of(part)?),
            "document" => Self::Document(of(part)?),
            "sticker" => Self::Sticker(of(part)?),
            "location" => Self::Location(of(part)?),
            "contacts" => Self::Contacts(of(part)?),
            "reaction" => Self::Reaction(of(part)?),
            "button" => Self::Button(of(part)?),
            "order" => Self::Order(of(part)?),
            "system" => Self::System(of(part)?),
            "unsupported" => Self::Unsupported(of(part).unwrap_or_default()),
            "interactive" => match part["type"].as_str()? {
                "button_reply" => Self::ButtonReply(of(&part["button_reply"])?),
                "list_reply" => Self::ListReply(of(&part["list_reply"])?),
                "nfm_reply" => Self::FlowReply(of(&part["nfm_reply"])?),
                "call_permission_reply" => Self::CallPermission(of(&part["call_permission_reply"])?),
                _ => return None,
            },
            _ => return None,
        })
    }

    /// What it says in words: what the user wrote, or the label of what was tapped; `None` of anything else.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(&text.body),
            Self::Button(button) => Some(&button.text),
            Self::ButtonReply(choice) | Self::ListReply(choice) => Some(&choice.title),
            Self::FlowReply(flow) => flow.body.as_deref(),
            _ => None,
        }
    }

    /// Its type, in Meta's words.
    #[must_use]
    pub fn kind(&self) -> &str {
        match self {
            Self::Text(_) => "text",
            Self::Image(_) => "image",
            Self::Video(_) => "video",
            Self::Audio(_) => "audio",
            Self::Document(_) => "document",
            Self::Sticker(_) => "sticker",
            Self::Location(_) => "location",
            Self::Contacts(_) => "contacts",
            Self::Reaction(_) => "reaction",
            Self::Button(_) => "button",
            Self::ButtonReply(_) => "button_reply",
            Self::ListReply(_) => "list_reply",
            Self::FlowReply(_) => "nfm_reply",
            Self::CallPermission(_) => "call_permission_reply",
            Self::Order(_) => "order",
            Self::System(_) => "system",
            Self::Unsupported(_) => "unsupported",
            Self::Other { kind, .. } => kind,
        }
    }
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind())
    }
}

#[cfg(test)]
#[path = "content_tests.rs"]
mod tests;
