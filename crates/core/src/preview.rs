//! What a campaign would look like before anything goes out: a message as the phone shows it, and how many messages go
//! out when.

mod free_form;

use serde::Serialize;
use serde_json::Value;

use crate::{
    UnixMs,
    template::{Button, Definition, Header},
};

/// The widths that a histogram may have, in milliseconds: those that people count in.
const WIDTHS: [i64; 14] = [
    1_000, 2_000, 5_000, 10_000, 15_000, 30_000, 60_000, 120_000, 300_000, 600_000, 900_000, 1_800_000, 3_600_000,
    86_400_000,
];
/// The most bars that a histogram has.
const MOST_BARS: i64 = 30;

/// A message as the phone shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Shown {
    /// Above the text.
    pub header: Option<ShownHeader>,
    /// The text, every variable filled in; `None` while the template is not known.
    pub body: Option<String>,
    /// Below it, in small letters.
    pub footer: Option<String>,
    /// Below that, in order.
    pub buttons: Vec<ShownButton>,
}

/// What stands above the text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ShownHeader {
    /// A line of its own.
    Text(String),
    /// A picture: the asset, link or media id.
    Image(String),
    /// A video.
    Video(String),
    /// A document.
    Document(String),
    /// A sound.
    Audio(String),
    /// A sticker.
    Sticker(String),
}

/// A button and what it does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ShownButton {
    /// Opens a link.
    Url(String),
    /// Answers with a payload, or with its label.
    QuickReply(Option<String>),
    /// Copies a code.
    CopyCode(Option<String>),
    /// Takes over a one-time passcode.
    Otp(Option<String>),
    /// Does something that takes no parameter of ours.
    Other,
    /// Answers with this label.
    Reply(String),
    /// Opens a list.
    List {
        /// Its label.
        label: String,
        /// What the rows say.
        rows: Vec<String>,
    },
    /// Opens a link, under a label of its own.
    Link {
        /// Its label.
        label: String,
        /// The link.
        url: String,
    },
}

/// The message of `request`, which is the body of a POST to the Cloud API, in the template that it names.
pub fn shown(definition: Option<&Definition>, request: &Value) -> Shown {
    if request["template"].is_null() {
        return free_form::shown(request);
    }
    let components = request.pointer("/template/components").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let component = |kind: &str| components.iter().find(|component| component["type"] == kind);
    let header_text = definition.and_then(|definition| match &definition.header {
        Some(Header::Text { text }) => Some(text.as_str()),
        _ => None,
    });
    let header = match header_text {
        Some(text) => Some(ShownHeader::Text(filled(text, component("header")))),
        None => component("header").and_then(|header| file(&header["parameters"][0])),
    };
    let buttons = definition.map_or(&[][..], |definition| definition.buttons.as_slice());
    let given = |place: usize| {
        let index = place.to_string();
        let at = |button: &&Value| button["type"] == "button" && button["index"] == index;
        components.iter().find(at)
    };
    Shown {
        header,
        body: definition.map(|definition| filled(&definition.body_text, component("body"))),
        footer: None,
        buttons: buttons.iter().enumerate().map(|(place, known)| button(known, given(place))).collect(),
    }
}

/// `text` with each variable replaced by the parameter that `component` gives for it.
fn filled(text: &str, component: Option<&Value>) -> String {
    let parameters = component.and_then(|component| component["parameters"].as_array()).map_or(&[][..], Vec::as_slice);
    let mut parts = text.split("{{");
    let mut filled = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let value = part.split_once("}}").and_then(|(name, rest)| Some((value_of(name.trim(), parameters)?, rest)));
        match value {
            Some((value, rest)) => filled.extend([value, rest]),
            None => filled.extend(["{{", part]),
        }
    }
    filled
}

/// The parameter of that name or, if it is a number, in that place from 1.
fn value_of<'a>(name: &str, parameters: &'a [Value]) -> Option<&'a str> {
    let named = parameters.iter().find(|parameter| parameter["parameter_name"] == name);
    let numbered = || parameters.get(name.parse::<usize>().ok()?.checked_sub(1)?);
    named.or_else(numbered)?["text"].as_str()
}

/// The file of an object that has a type, and a member of that name.
fn file(parameter: &Value) -> Option<ShownHeader> {
    let kind = parameter["type"].as_str()?;
    let media = &parameter[kind];
    let source = ["id", "link"].into_iter().find_map(|source| media[source].as_str())?.to_owned();
    match kind {
        "image" => Some(ShownHeader::Image(source)),
        "video" => Some(ShownHeader::Video(source)),
        "document" => Some(ShownHeader::Document(source)),
        "audio" => Some(ShownHeader::Audio(source)),
        "sticker" => Some(ShownHeader::Sticker(source)),
        _ => None,
    }
}

fn button(known: &Button, given: Option<&Value>) -> ShownButton {
    let parameter = |field: &str| given.and_then(|given| given["parameters"][0][field].as_str()).map(str::to_owned);
    match known {
        Button::Url { url } => ShownButton::Url(filled(url, given)),
        Button::QuickReply => ShownButton::QuickReply(parameter("payload")),
        Button::CopyCode => ShownButton::CopyCode(parameter("coupon_code")),
        Button::Otp => ShownButton::Otp(parameter("text")),
        Button::Other => ShownButton::Other,
    }
}

/// How many messages are due when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Histogram {
    /// When the first bar begins.
    pub begins_at: UnixMs,
    /// How long each bar is, in milliseconds.
    pub width_ms: i64,
    /// How many messages are due in each.
    pub bars: Vec<u64>,
}

/// The histogram of `dues`, all of them from `opens_at` to before `closes_at`.
pub fn histogram(dues: impl Iterator<Item = UnixMs>, opens_at: UnixMs, closes_at: UnixMs) -> Histogram {
    let length = (closes_at - opens_at).max(1);
    let fits = |width: &i64| length <= width * MOST_BARS;
    let width_ms =
        WIDTHS.into_iter().find(fits).unwrap_or_else(|| length.unsigned_abs().div_ceil(MOST_BARS as u64) as i64);
    let mut bars = vec![0; length.unsigned_abs().div_ceil(width_ms as u64) as usize];
    let last = bars.len() - 1;
    dues.for_each(|due| bars[(((due - opens_at) / width_ms) as usize).min(last)] += 1);
    Histogram { begins_at: opens_at, width_ms, bars }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{campaign::Category, template::ParameterFormat};

    fn definition(header: Option<Header>, body: &str, buttons: Vec<Button>) -> Definition {
        Definition {
            name: "pack".to_owned(),
            language: "en_IN".to_owned(),
            status: "APPROVED".to_owned(),
            category: Category::Utility,
            parameter_format: ParameterFormat::Positional,
            header,
            body_text: body.to_owned(),
            id: None,
            quality: None,
            rejected_reason: None,
            noted_at: None,
            buttons,
        }
    }

    fn texts(kind: &str, texts: &[&str]) -> Value {
        let texts: Vec<_> = texts.iter().map(|text| json!({"type": "text", "text": text})).collect();
        json!({"type": kind, "parameters": texts})
    }

    #[test]
    fn variables_are_filled_in_by_place() {
        let definition =
            definition(Some(Header::Text { text: "For {{1}}".to_owned() }), "{{ 2 }}, {{1}}: {{3}} {{", vec![]);
        let request = json!({"template": {"components": [texts("header", &["Asha"]), texts("body", &["a", "b"])]}});
        let shown = shown(Some(&definition), &request);
        assert_eq!(shown.header, Some(ShownHeader::Text("For Asha".to_owned())));
        assert_eq!(shown.body.as_deref(), Some("b, a: {{3}} {{"));
    }

    #[test]
    fn variables_are_filled_in_by_name() {
        let body = json!({"type": "body", "parameters": [
            {"type": "text", "parameter_name": "city", "text": "Pune"},
            {"type": "text", "parameter_name": "name", "text": "{{city}}"}]});
        let shown = shown(
            Some(&definition(None, "{{name}} in {{city}}", vec![])),
            &json!({"template": {"components": [body]}}),
        );
        assert_eq!(shown.body.as_deref(), Some("{{city}} in Pune"), "what a recipient is called is no variable");
    }

    #[test]
    fn files_and_buttons_are_shown() {
        let link = Button::Url { url: "https://x.example/{{1}}".to_owned() };
        let known = definition(Some(Header::Image), "Hi", vec![link, Button::QuickReply, Button::Other]);
        let url =
            json!({"type": "button", "sub_type": "url", "index": "0", "parameters": [{"type": "text", "text": "7"}]});
        let image = json!({"type": "header", "parameters": [{"type": "image", "image": {"id": "pack.png"}}]});
        let shown = shown(Some(&known), &json!({"template": {"components": [image, url]}}));
        let json = serde_json::to_value(&shown).expect("JSON");
        let expected = json!({"header": {"image": "pack.png"}, "body": "Hi", "footer": null,
            "buttons": [{"url": "https://x.example/7"}, {"quick_reply": null}, "other"]});
        assert_eq!(json, expected);
    }

    #[test]
    fn a_text_is_shown_as_it_is_and_an_unknown_template_has_no_text() {
        let text = shown(None, &json!({"type": "text", "text": {"body": "Hello"}}));
        assert_eq!((text.header, text.body.as_deref()), (None, Some("Hello")));
        let unknown = shown(None, &json!({"template": {"components": [texts("body", &["a"])]}}));
        assert_eq!((unknown.body, unknown.buttons), (None, vec![]));
    }

    #[test]
    fn bars_are_as_wide_as_people_count_and_hold_everything() {
        for (length, width, bars) in [(300_000, 10_000, 30), (300_001, 15_000, 21), (20_000, 1_000, 20), (1, 1_000, 1)]
        {
            let dues = [0, length / 2, length - 1];
            let found = histogram(dues.into_iter().map(|due| 5 + due), 5, 5 + length);
            assert_eq!((found.width_ms, found.bars.len()), (width, bars), "{length}");
            assert_eq!(found.bars.iter().sum::<u64>(), 3);
        }
        assert_eq!(histogram(std::iter::empty(), 0, 60 * 86_400_000).bars, vec![0; 30]);
    }
}
