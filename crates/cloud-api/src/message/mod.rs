//! Outbound messages. They serialise to the request body of `POST /{phone-number-id}/messages`.

mod check;
mod free_form;
mod interactive;
mod media;
mod recipient;
mod template;
#[cfg(test)]
mod tests;

use serde::{Serialize, Serializer, ser::SerializeMap};

pub use check::{InvalidMessage, Violation};
pub use free_form::{
    ContactAddress, ContactCard, ContactEmail, ContactName, ContactOrganisation, ContactPhone, ContactUrl, Location,
    Reaction, Text,
};
pub use interactive::{
    Action, CatalogLink, Flow, FlowAction, FlowName, FlowScreen, Interactive, InteractiveHeader, LinkButton, ListRow,
    ListSection, ProductSection, ReplyButton, Words,
};
pub use media::{Audio, CaptionedMedia, Document, Media, MediaSource};
pub use recipient::Recipient;
pub use template::{
    Button, Card, Component, Currency, Header, Parameter, Place, Template, TemplateLanguage, TextParameter,
};

use check::Checks;

/// Meta: longest `biz_opaque_callback_data`, in characters.
const CALLBACK_CHARS: usize = 512;

/// A message to one recipient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// To whom.
    pub to: Recipient,
    /// What to send.
    pub content: Content,
    /// The id of the message that this one answers and quotes (Meta: contextual replies). The quote is missing where that
    /// message was deleted or is older than 30 days or so; the answer is sent all the same. A reaction takes none.
    pub context: Option<String>,
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
    /// A sticker: WebP, up to 100 KB, or 500 KB animated.
    Sticker(MediaSource),
    /// A place on the map.
    Location(Location),
    /// Visiting cards: 1 to 257. Apps show few well.
    Contacts(Vec<ContactCard>),
    /// An emoji on a message of the chat. Of its receipts only `sent` comes.
    Reaction(Reaction),
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
            Self::Location(_) => "location",
            Self::Contacts(_) => "contacts",
            Self::Reaction(_) => "reaction",
            Self::Interactive(_) => "interactive",
            Self::Template(_) => "template",
        }
    }

    fn check(&self, checks: &mut Checks) {
        match self {
            Self::Text(text) => text.check(checks),
            Self::Image(media) | Self::Video(media) => media.check(checks),
            Self::Audio(audio) => audio.source.check(checks),
            Self::Document(document) => document.check(checks),
            Self::Sticker(source) => source.check(checks),
            Self::Location(location) => location.check(checks),
            Self::Contacts(cards) => free_form::check_cards(checks, cards),
            Self::Reaction(reaction) => reaction.check(checks),
            Self::Interactive(interactive) => interactive.check(checks),
            Self::Template(template) => template.check(checks),
        }
    }
}

impl Message {
    /// A message with nothing but its content.
    pub fn new(to: impl Into<Recipient>, content: Content) -> Self {
        Self { to: to.into(), content, context: None, biz_opaque_callback_data: None }
    }

    /// The same as an answer that quotes a message.
    #[must_use]
    pub fn answering(self, message_id: impl Into<String>) -> Self {
        Self { context: Some(message_id.into()), ..self }
    }

    /// The same with data of your own that comes back in its status webhooks.
    #[must_use]
    pub fn with_callback_data(self, data: impl Into<String>) -> Self {
        Self { biz_opaque_callback_data: Some(data.into()), ..self }
    }

    /// Looks for everything that Meta would refuse the request for, as far as the message alone shows it. Lengths are in
    /// Unicode characters.
    ///
    /// # Errors
    /// Every limit that is not kept, with its field and what was given.
    pub fn check(&self) -> Result<(), InvalidMessage> {
        self.check_for(Endpoint::Messages)
    }

    pub(crate) fn check_for(&self, endpoint: Endpoint) -> Result<(), InvalidMessage> {
        let mut checks = Checks::default();
        endpoint.check(&mut checks, &self.content);
        self.check_recipient(&mut checks);
        self.check_context(&mut checks);
        checks.within(self.content.kind(), |checks| self.content.check(checks));
        let data = self.biz_opaque_callback_data.as_deref().unwrap_or_default();
        checks.chars("biz_opaque_callback_data", data, 0..=CALLBACK_CHARS);
        checks.finish()
    }

    fn check_recipient(&self, checks: &mut Checks) {
        self.to.check(checks);
        let has_code = matches!(&self.content, Content::Template(template) if template.one_time_code().is_some());
        if has_code && matches!(self.to, Recipient::UserId(_)) {
            checks.refuse("recipient", "a phone number in `to` for a one-time code (code 131062)", "a user id");
        }
    }

    fn check_context(&self, checks: &mut Checks) {
        match (&self.context, &self.content) {
            (Some(_), Content::Reaction(_)) => {
                checks.refuse("context", "none with a reaction, which names its message itself", "one");
            }
            (Some(message_id), _) => checks.filled("context.message_id", message_id),
            (None, _) => {}
        }
    }
}

/// Where a message is sent to.
#[derive(Clone, Copy)]
pub(crate) enum Endpoint {
    Messages,
    MarketingMessages,
}

impl Endpoint {
    fn check(self, checks: &mut Checks, content: &Content) {
        match (self, content) {
            (Self::MarketingMessages, Content::Template(_)) => {}
            (Self::MarketingMessages, _) => checks.refuse("type", "a template as a marketing message", content.kind()),
            (Self::Messages, Content::Template(template)) if template.has_gif() => {
                checks.refuse("template.components", "a GIF header as a marketing message alone", "one");
            }
            (Self::Messages, _) => {}
        }
    }
}

impl Serialize for Message {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Context<'a> {
            message_id: &'a str,
        }
        #[derive(Serialize)]
        struct Body<'a> {
            messaging_product: &'static str,
            recipient_type: &'static str,
            #[serde(flatten)]
            to: &'a Recipient,
            #[serde(skip_serializing_if = "Option::is_none")]
            context: Option<Context<'a>>,
            r#type: &'static str,
            #[serde(flatten)]
            content: &'a Content,
            #[serde(skip_serializing_if = "Option::is_none")]
            biz_opaque_callback_data: Option<&'a str>,
        }
        Body {
            messaging_product: "whatsapp",
            recipient_type: "individual",
            to: &self.to,
            context: self.context.as_deref().map(|message_id| Context { message_id }),
            r#type: self.content.kind(),
            content: &self.content,
            biz_opaque_callback_data: self.biz_opaque_callback_data.as_deref(),
        }
        .serialize(serializer)
    }
}

/// `{"type": kind, kind: value}`, the shape of every parameter.
fn typed<S: Serializer>(serializer: S, kind: &'static str, value: &impl Serialize) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(Some(2))?;
    map.serialize_entry("type", kind)?;
    map.serialize_entry(kind, value)?;
    map.end()
}
