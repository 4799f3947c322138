//! What a campaign sends: the Cloud API's message shapes, with `{{ attribute }}` wherever a text may vary.

use std::str::FromStr;

use serde::Serialize;

use crate::fault::{
    read::{Fields, Node},
    word,
};

word! {
    /// Meta's category of a template.
    pub enum Category {
        /// What a user asked for or expects.
        Utility = "UTILITY",
        /// Everything that promotes.
        Marketing = "MARKETING",
        /// One-time passcodes.
        Authentication = "AUTHENTICATION",
    }
}

impl Category {
    /// The category by its name in any case: Meta accepts and returns both.
    ///
    /// # Errors
    /// [`crate::fault::UnknownWord`] for any other word.
    pub fn from_any_case(text: &str) -> Result<Self, crate::fault::UnknownWord> {
        Self::from_str(&text.to_ascii_uppercase())
    }
}

/// What is sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Message {
    /// A template that Meta has approved.
    Template(TemplateMessage),
    /// A free-form text; Meta takes it within 24 hours of the user's last message only.
    Text {
        /// The text.
        text: TextBody,
    },
}

impl Message {
    /// The category that decides how carefully a message must not go out twice; a free-form text has none.
    pub fn category(&self) -> Option<Category> {
        match self {
            Self::Template(template) => Some(template.category),
            Self::Text { .. } => None,
        }
    }
}

/// A template and what fills it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TemplateMessage {
    /// The template's name.
    pub name: String,
    /// The template's exact locale, such as `en_IN`.
    pub language: String,
    /// The category that the template is believed to have.
    pub category: Category,
    /// The parts that need parameters.
    pub components: Vec<Component>,
}

/// A free-form text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TextBody {
    /// The text itself.
    pub body: String,
    /// Whether the first link is shown with a preview.
    pub preview_url: bool,
}

/// A part of a template that needs parameters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Component {
    /// The header: a text or a file.
    Header {
        /// Exactly one.
        parameters: Vec<Parameter>,
    },
    /// The body.
    Body {
        /// Texts, one for each variable.
        parameters: Vec<Parameter>,
    },
    /// One button.
    Button {
        /// What the button does.
        sub_type: ButtonKind,
        /// The button's place, from 0.
        index: u8,
        /// Exactly one.
        parameters: Vec<Parameter>,
    },
}

word! {
    /// What a button that takes a parameter does.
    pub enum ButtonKind {
        /// Opens a link whose end varies.
        Url = "url",
        /// Answers with a payload.
        QuickReply = "quick_reply",
        /// Copies a code.
        CopyCode = "copy_code",
    }
}

/// What fills one variable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Parameter {
    /// A text.
    Text {
        /// The variable's name, where the template has named variables.
        #[serde(skip_serializing_if = "Option::is_none")]
        parameter_name: Option<String>,
        /// The text.
        text: String,
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
    /// A document.
    Document {
        /// The file.
        document: Media,
    },
    /// What comes back when a quick reply is tapped.
    Payload {
        /// The payload.
        payload: String,
    },
    /// What a copy-code button copies.
    CouponCode {
        /// The code.
        coupon_code: String,
    },
}

/// A file and where it comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Media {
    /// Where it comes from.
    #[serde(flatten)]
    pub source: MediaSource,
    /// What the recipient sees the file named; documents only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filename: Option<String>,
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

impl Message {
    pub(crate) fn read(node: &Node<'_>) -> Option<Self> {
        node.object(|fields| match fields.kind("type", &["template", "text"])? {
            "template" => TemplateMessage::read(fields).map(Self::Template),
            _ => Some(Self::Text { text: fields.required("text", TextBody::read)? }),
        })
    }
}

impl TemplateMessage {
    fn read(fields: &mut Fields<'_, '_>) -> Option<Self> {
        let name = fields.required("name", read_name);
        let language = fields.required("language", read_language);
        let category = fields.or("category", Category::Utility, |node| {
            Category::from_any_case(node.text()?).map_err(|why| node.fault::<()>(why.to_string())).ok()
        });
        let fallback = fields.or("fallback", (), |node| match node.list(|_| Some(()))?.len() {
            0 => Some(()),
            _ => node.fault("must be empty: there is no falling back to other content."),
        });
        let components = fields.or("components", Vec::new(), |node| {
            let components = node.list(Component::read)?;
            refuse_repeats(node, &components).map(|()| components)
        });
        fallback?;
        Some(Self { name: name?, language: language?, category: category?, components: components? })
    }
}

/// Meta: a template's name is 1 to 512 of lower-case letters, digits and `_`.
fn read_name(node: &Node<'_>) -> Option<String> {
    let name = node.text()?;
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
    if (1..=512).contains(&name.len()) && name.bytes().all(plain) {
        return Some(name.to_owned());
    }
    node.fault("is not a template's name: those are up to 512 lower-case letters, digits and `_`.")
}

fn read_language(node: &Node<'_>) -> Option<String> {
    let locale = node.text()?;
    let (language, region) =
        locale.split_once('_').map_or((locale, None), |(language, region)| (language, Some(region)));
    let letters = |text: &str, length: std::ops::RangeInclusive<usize>| {
        length.contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric())
    };
    if letters(language, 2..=3) && region.is_none_or(|region| letters(region, 2..=4)) {
        return Some(locale.to_owned());
    }
    node.fault(format!("`{locale}` is not a locale: write it as the template has it, such as `en` or `en_IN`."))
}

/// A template has one header, one body and one button in each place.
fn refuse_repeats(node: &Node<'_>, components: &[Component]) -> Option<()> {
    let place = |component: &Component| match component {
        Component::Header { .. } => "header".to_owned(),
        Component::Body { .. } => "body".to_owned(),
        Component::Button { index, .. } => format!("button {index}"),
    };
    for (n, component) in components.iter().enumerate() {
        if components[..n].iter().any(|earlier| place(earlier) == place(component)) {
            return node.fault(format!("holds {} twice; give each part once.", place(component)));
        }
    }
    Some(())
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

impl Component {
    fn read(node: &Node<'_>) -> Option<Self> {
        node.object(|fields| match fields.kind("type", &["header", "body", "button"])? {
            "header" => {
                let allowed = &["text", "image", "video", "document"];
                Some(Self::Header { parameters: fields.required("parameters", |node| read_one(node, allowed))? })
            }
            "body" => {
                let parameters =
                    fields.required("parameters", |node| node.list(|node| Parameter::read(node, &["text"])));
                Some(Self::Body { parameters: parameters? })
            }
            _ => Self::read_button(fields),
        })
    }

    fn read_button(fields: &mut Fields<'_, '_>) -> Option<Self> {
        let sub_type = fields.required("sub_type", Node::parse::<ButtonKind>);
        let index = fields.required("index", read_index);
        let allowed: &[&str] = match sub_type {
            Some(ButtonKind::Url) => &["text"],
            Some(ButtonKind::QuickReply) => &["payload"],
            Some(ButtonKind::CopyCode) => &["coupon_code"],
            None => &["text", "payload", "coupon_code"],
        };
        let parameters = fields.required("parameters", |node| read_one(node, allowed));
        Some(Self::Button { sub_type: sub_type?, index: index?, parameters: parameters? })
    }
}

/// Meta takes a button's index as a string or a number; a template has at most 10 buttons.
fn read_index(node: &Node<'_>) -> Option<u8> {
    if !node.is_text() {
        return node.whole(0..=9);
    }
    let index = node.parse::<u8>()?;
    if index <= 9 { Some(index) } else { node.fault("a template has at most 10 buttons, counted from 0.") }
}

fn read_one(node: &Node<'_>, allowed: &[&'static str]) -> Option<Vec<Parameter>> {
    let parameters = node.list(|node| Parameter::read(node, allowed))?;
    if parameters.len() == 1 { Some(parameters) } else { node.fault("takes exactly one parameter.") }
}

impl Parameter {
    fn read(node: &Node<'_>, allowed: &[&'static str]) -> Option<Self> {
        node.object(|fields| match fields.kind("type", allowed)? {
            "image" => Some(Self::Image { image: fields.required("image", |node| Media::read(node, false))? }),
            "video" => Some(Self::Video { video: fields.required("video", |node| Media::read(node, false))? }),
            "document" => {
                Some(Self::Document { document: fields.required("document", |node| Media::read(node, true))? })
            }
            "payload" => Some(Self::Payload { payload: fields.required("payload", Node::words)? }),
            "coupon_code" => Some(Self::CouponCode { coupon_code: fields.required("coupon_code", Node::words)? }),
            _ => {
                let parameter_name = fields.maybe("parameter_name", Node::words);
                let text = fields.required("text", Node::words);
                Some(Self::Text { parameter_name: parameter_name?, text: text? })
            }
        })
    }
}

impl Media {
    fn read(node: &Node<'_>, may_be_named: bool) -> Option<Self> {
        node.object(|fields| {
            let asset = fields.maybe("asset", Node::words);
            let link = fields.maybe("link", Node::words);
            let id = fields.maybe("id", Node::words);
            let filename = if may_be_named { fields.maybe("filename", Node::words) } else { Some(None) };
            let source = match (asset?, link?, id?) {
                (Some(asset), None, None) => MediaSource::Asset(asset),
                (None, Some(link), None) => MediaSource::Link(link),
                (None, None, Some(id)) => MediaSource::Id(id),
                _ => return fields.fault("takes exactly one of `asset`, `link` and `id`."),
            };
            Some(Self { source, filename: filename? })
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::fault::read::document;

    fn read(message: &Value) -> Result<Message, String> {
        document(message, Message::read).map_err(|faults| faults.to_string())
    }

    fn template(components: Value) -> Value {
        json!({"type": "template", "name": "daily_pack_v1", "language": "en_IN", "components": components})
    }

    fn fault(components: Value) -> String {
        read(&template(components)).expect_err("a fault")
    }

    #[test]
    fn every_shape_reads_back_as_written() {
        let every = json!([
            {"type": "header", "parameters": [{"type": "document", "document": {"link": "https://e.x/a", "filename": "a.pdf"}}]},
            {"type": "body", "parameters": [{"type": "text", "parameter_name": "first_name", "text": "{{ first_name }}"}]},
            {"type": "button", "sub_type": "url", "index": 0, "parameters": [{"type": "text", "text": "A-77"}]},
            {"type": "button", "sub_type": "quick_reply", "index": 1, "parameters": [{"type": "payload", "payload": "P"}]},
            {"type": "button", "sub_type": "copy_code", "index": 2,
             "parameters": [{"type": "coupon_code", "coupon_code": "{{ code }}"}]}
        ]);
        let given =
            json!({"type": "template", "name": "x", "language": "en", "category": "MARKETING", "components": every});
        assert_eq!(serde_json::to_value(read(&given).expect("a message")).expect("JSON"), given);
        let text = json!({"type": "text", "text": {"body": "Hi {{ first_name }}", "preview_url": false}});
        assert_eq!(serde_json::to_value(read(&text).expect("a message")).expect("JSON"), text);
    }

    #[test]
    fn a_category_is_taken_in_any_case_and_utility_when_left_out() {
        let category = |message: &Value| read(message).map(|message| message.category());
        assert_eq!(category(&template(json!([]))), Ok(Some(Category::Utility)));
        let mut given = template(json!([]));
        given["category"] = json!("Marketing");
        assert_eq!(category(&given), Ok(Some(Category::Marketing)));
    }

    #[test]
    fn a_button_index_may_be_text() {
        let button = |index: Value| {
            template(
                json!([{"type": "button", "sub_type": "url", "index": index, "parameters": [{"type": "text", "text": "a"}]}]),
            )
        };
        assert_eq!(read(&button(json!("9"))), read(&button(json!(9))));
        assert!(read(&button(json!("10"))).is_err_and(|why| why.starts_with("/components/0/index")));
    }

    #[test]
    fn content_to_fall_back_to_is_refused() {
        let mut given = template(json!([]));
        given["fallback"] = json!([]);
        assert!(read(&given).is_ok());
        given["fallback"] = json!([{"name": "other"}]);
        assert!(read(&given).is_err_and(|why| why.starts_with("/fallback: must be empty")));
    }

    #[test]
    fn a_file_comes_from_one_place() {
        let header =
            |image: Value| fault(json!([{"type": "header", "parameters": [{"type": "image", "image": image}]}]));
        let place = "/components/0/parameters/0/image";
        assert_eq!(header(json!({})), format!("{place}: takes exactly one of `asset`, `link` and `id`."));
        assert_eq!(header(json!({"asset": "a", "id": "1"})), header(json!({})));
        assert!(
            header(json!({"aset": "a"}))
                .contains(&format!("{place}/aset: is not a field that is known here. Did you mean `asset`?"))
        );
        assert!(
            header(json!({"asset": "a", "filename": "b"})).starts_with(&format!("{place}/filename: is not a field"))
        );
    }

    #[test]
    fn a_part_takes_its_own_kind_of_parameter_only() {
        assert_eq!(
            fault(json!([{"type": "body", "parameters": [{"type": "image", "image": {"id": "1"}}]}])),
            "/components/0/parameters/0/type: `image` is not one of `text`."
        );
        assert!(fault(json!([{"type": "header", "parameters": []}])).ends_with("takes exactly one parameter."));
    }

    #[test]
    fn a_part_given_twice_is_a_fault() {
        let body = json!({"type": "body", "parameters": []});
        assert_eq!(fault(json!([body, body])), "/components: holds body twice; give each part once.");
    }

    #[test]
    fn names_and_locales_that_meta_does_not_have_are_refused() {
        let faults =
            read(&json!({"type": "template", "name": "Daily Pack", "language": "en-IN"})).expect_err("two faults");
        let pointers: Vec<_> = faults.lines().map(|line| line.split(':').next().unwrap_or_default()).collect();
        assert_eq!(pointers, ["/name", "/language"]);
    }
}
