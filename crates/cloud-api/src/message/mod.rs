//! Outbound messages. They serialise to the request body of `POST /{phone-number-id}/messages`.

mod interactive;
mod media;
mod template;
#[cfg(test)]
mod tests;

use serde::{Serialize, Serializer, ser::SerializeMap};

use crate::Personal;

pub use interactive::{Action, Interactive, InteractiveHeader, LinkButton, ListRow, ListSection, ReplyButton, Words};
pub use media::{Audio, CaptionedMedia, Document, Media, MediaSource};
pub use template::{Button, Component, Header, Template, TemplateLanguage, TextParameter};

/// A message to one recipient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The recipient's phone number: full international digits. Sent as `+` and digits, however it is written here,
    /// because Meta puts the business's own country code before a number without `+`.
    pub to: Personal,
    /// What to send.
    pub content: Content,
    /// Up to 512 characters that come back in every status webhook of this message, `failed` included: the only way
    /// to recognise a message whose response was lost. Keep personal data out of it.
    pub biz_opaque_callback_data: Option<String>,
}

/// What to send.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Content {
    /// Free text: as all but a template, only within 24 hours of the user's last message.
    Text(Text),
    /// A picture.
    Image(CaptionedMedia),
    /// A video.
    Video(CaptionedMedia),
    /// A sound.
    Audio(Audio),
    /// A document.
    Document(Document),
    /// A sticker: WebP.
    Sticker(MediaSource),
    /// A text with something to tap.
    Interactive(Interactive),
    /// An approved template: at any time.
    Template(Template),
}

impl Content {
    const fn kind(&self) -> &'static str {
        match self {
            Self::Text(_) => "text",
            Self::Image(_) => "image",
            Self::Video(_) => "video",
            Self::Audio(_) => "audio",
            Self::Document(_) => "document",
            Self::Sticker(_) => "sticker",
            Self::Interactive(_) => "interactive",
            Self::Template(_) => "template",
        }
    }
}

/// A free text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Text {
    /// 1 to 4096 characters.
    pub body: String,
    /// Whether the first link in the text is shown with a preview.
    pub preview_url: bool,
}

impl Serialize for Message {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Body<'a> {
            messaging_product: &'static str,
            recipient_type: &'static str,
            to: String,
            r#type: &'static str,
            #[serde(flatten)]
            content: &'a Content,
            #[serde(skip_serializing_if = "Option::is_none")]
            biz_opaque_callback_data: Option<&'a str>,
        }
        Body {
            messaging_product: "whatsapp",
            recipient_type: "individual",
            to: international(self.to.as_str()),
            r#type: self.content.kind(),
            content: &self.content,
            biz_opaque_callback_data: self.biz_opaque_callback_data.as_deref(),
        }
        .serialize(serializer)
    }
}

fn international(phone: &str) -> String {
    let digits = phone.chars().filter(char::is_ascii_digit);
    std::iter::once('+').chain(digits).collect()
}

/// `{"type": kind, kind: value}`, the shape of every parameter.
fn typed<S: Serializer>(serializer: S, kind: &'static str, value: &impl Serialize) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(Some(2))?;
    map.serialize_entry("type", kind)?;
    map.serialize_entry(kind, value)?;
    map.end()
}
