//! Outbound messages. They serialise to the request body of `POST /{phone-number-id}/messages`.

use serde::{Serialize, Serializer, ser::SerializeMap};

use crate::{MediaId, Personal};

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
    /// Free text: only within 24 hours of the user's last message.
    Text(Text),
    /// An approved template: at any time.
    Template(Template),
}

/// A free text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Text {
    /// 1 to 4096 characters.
    pub body: String,
    /// Whether the first link in the text is shown with a preview.
    pub preview_url: bool,
}

/// A template and what fills it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Template {
    /// Its name.
    pub name: String,
    /// Its language.
    pub language: TemplateLanguage,
    /// Only the parts that take parameters. A media header must be given at every send.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub components: Vec<Component>,
}

/// The exact locale of a template, such as `en_US`: there is no fallback from one to another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TemplateLanguage {
    /// The locale.
    pub code: String,
}

impl<T: Into<String>> From<T> for TemplateLanguage {
    fn from(code: T) -> Self {
        Self { code: code.into() }
    }
}

/// What fills one part of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Component {
    /// The header.
    Header(Header),
    /// The body: in the order of `{{1}}`, `{{2}}`; in any order when named.
    Body(Vec<TextParameter>),
    /// One button.
    Button {
        /// Its place among all buttons of the template, from 0.
        index: u8,
        /// What fills it.
        button: Button,
    },
}

/// What fills a header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Header {
    /// The variable of a text header.
    Text(TextParameter),
    /// An image.
    Image(Media),
    /// A video.
    Video(Media),
    /// A document.
    Document(Media),
}

/// A text in the place of a variable: not empty; no line break, tab or run of more than four spaces.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename = "text")]
pub struct TextParameter {
    /// The text.
    pub text: String,
    /// The variable's name, for templates with named parameters, and for them only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parameter_name: Option<String>,
}

impl<T: Into<String>> From<T> for TextParameter {
    fn from(text: T) -> Self {
        Self { text: text.into(), parameter_name: None }
    }
}

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

/// What fills a button.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Button {
    /// The end of a URL button's address, where the template has a variable.
    UrlSuffix(String),
    /// What comes back in the webhook when a quick reply is tapped.
    QuickReply(String),
    /// The code to copy, up to 20 characters.
    CopyCode(String),
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
            r#type: match self.content {
                Content::Text(_) => "text",
                Content::Template(_) => "template",
            },
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

impl Serialize for Component {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Part<P> {
            r#type: &'static str,
            #[serde(skip_serializing_if = "Option::is_none")]
            sub_type: Option<&'static str>,
            #[serde(skip_serializing_if = "Option::is_none")]
            index: Option<String>,
            parameters: P,
        }
        match self {
            Self::Header(header) => {
                Part { r#type: "header", sub_type: None, index: None, parameters: [header] }.serialize(serializer)
            }
            Self::Body(parameters) => {
                Part { r#type: "body", sub_type: None, index: None, parameters }.serialize(serializer)
            }
            Self::Button { index, button } => Part {
                r#type: "button",
                sub_type: Some(button.sub_type()),
                index: Some(index.to_string()),
                parameters: [button],
            }
            .serialize(serializer),
        }
    }
}

impl Serialize for Header {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(parameter) => parameter.serialize(serializer),
            Self::Image(media) => typed(serializer, "image", media),
            Self::Video(media) => typed(serializer, "video", media),
            Self::Document(media) => typed(serializer, "document", media),
        }
    }
}

impl Button {
    const fn sub_type(&self) -> &'static str {
        match self {
            Self::UrlSuffix(_) => "url",
            Self::QuickReply(_) => "quick_reply",
            Self::CopyCode(_) => "copy_code",
        }
    }
}

impl Serialize for Button {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::UrlSuffix(text) => typed(serializer, "text", text),
            Self::QuickReply(payload) => typed(serializer, "payload", payload),
            Self::CopyCode(code) => typed(serializer, "coupon_code", code),
        }
    }
}

/// `{"type": kind, kind: value}`, the shape of every parameter.
fn typed<S: Serializer>(serializer: S, kind: &'static str, value: &impl Serialize) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(Some(2))?;
    map.serialize_entry("type", kind)?;
    map.serialize_entry(kind, value)?;
    map.end()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn message(content: Content) -> Message {
        Message { to: "+91 (98123) 456-78".into(), content, biz_opaque_callback_data: None }
    }

    fn text() -> Content {
        Content::Text(Text { body: "hi".to_owned(), preview_url: false })
    }

    fn check(components: Vec<Component>, expected: Value) {
        let template = Template { name: "t".to_owned(), language: "en_IN".into(), components };
        let sent = serde_json::to_value(message(Content::Template(template))).unwrap();
        assert_eq!(sent["template"]["components"], expected);
    }

    #[test]
    fn a_text_message_has_every_member_that_meta_asks_for() {
        let mut message = message(text());
        message.biz_opaque_callback_data = Some("v1:x".to_owned());
        assert_eq!(
            serde_json::to_value(&message).unwrap(),
            json!({"messaging_product": "whatsapp", "recipient_type": "individual", "to": "+919812345678",
                   "type": "text", "text": {"body": "hi", "preview_url": false}, "biz_opaque_callback_data": "v1:x"})
        );
    }

    #[test]
    fn the_recipient_always_has_one_plus() {
        for to in ["919812345678", "+919812345678", "+91 98123-45678"] {
            let sent = serde_json::to_value(Message { to: to.into(), ..message(text()) }).unwrap();
            assert_eq!(sent["to"], "+919812345678");
        }
    }

    #[test]
    fn a_template_without_variables_has_no_components() {
        let template = Template { name: "hello_world".to_owned(), language: "en_US".into(), components: vec![] };
        let sent = serde_json::to_value(message(Content::Template(template))).unwrap();
        assert_eq!(sent["type"], "template");
        assert_eq!(sent["template"], json!({"name": "hello_world", "language": {"code": "en_US"}}));
    }

    #[test]
    fn header_media_goes_by_id_or_by_link() {
        let image = Header::Image(MediaSource::Id("1234".into()).into());
        let document = Header::Document(Media {
            source: MediaSource::Link("https://h/a.pdf".to_owned()),
            filename: Some("a.pdf".to_owned()),
        });
        check(
            vec![Component::Header(image), Component::Header(document)],
            json!([
                {"type": "header", "parameters": [{"type": "image", "image": {"id": "1234"}}]},
                {"type": "header", "parameters": [
                    {"type": "document", "document": {"link": "https://h/a.pdf", "filename": "a.pdf"}}]},
            ]),
        );
    }

    #[test]
    fn text_parameters_go_by_position_or_by_name() {
        let named = TextParameter { text: "Ana".to_owned(), parameter_name: Some("first_name".to_owned()) };
        check(
            vec![Component::Header(Header::Text("x".into())), Component::Body(vec!["Ana".into(), named])],
            json!([
                {"type": "header", "parameters": [{"type": "text", "text": "x"}]},
                {"type": "body", "parameters": [
                    {"type": "text", "text": "Ana"}, {"type": "text", "text": "Ana", "parameter_name": "first_name"}]},
            ]),
        );
    }

    #[test]
    fn buttons_carry_their_index_as_text() {
        let button = |index, button| Component::Button { index, button };
        check(
            vec![
                button(0, Button::UrlSuffix("A-77".to_owned())),
                button(1, Button::QuickReply("stop".to_owned())),
                button(2, Button::CopyCode("SAVE".to_owned())),
            ],
            json!([
                {"type": "button", "sub_type": "url", "index": "0", "parameters": [{"type": "text", "text": "A-77"}]},
                {"type": "button", "sub_type": "quick_reply", "index": "1",
                 "parameters": [{"type": "payload", "payload": "stop"}]},
                {"type": "button", "sub_type": "copy_code", "index": "2",
                 "parameters": [{"type": "coupon_code", "coupon_code": "SAVE"}]},
            ]),
        );
    }

    #[test]
    fn a_message_never_prints_its_recipient() {
        let shown = format!("{:?}", message(text()));
        assert!(shown.contains("***78") && !shown.contains("98123"), "{shown}");
    }
}
