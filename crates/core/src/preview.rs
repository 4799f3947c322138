//! What a campaign would look like before anything goes out: a message as the phone shows it, and how many messages go
//! out when.

mod free_form;

use serde::Serialize;
use serde_json::Value;

use crate::{
    UnixMs,
    template::{Button, CardDefinition, Definition, Header, Parts},
};

/// The widths that a histogram may have, in milliseconds: those that people count in.
const WIDTHS: [i64; 14] = [
    1_000, 2_000, 5_000, 10_000, 15_000, 30_000, 60_000, 120_000, 300_000, 600_000, 900_000, 1_800_000, 3_600_000,
    86_400_000,
];
/// The most bars that a histogram has.
const MOST_BARS: i64 = 30;

/// A message as the phone shows it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Shown {
    /// Above the text.
    pub header: Option<ShownHeader>,
    /// The text, every variable filled in; `None` while the template is not known.
    pub body: Option<String>,
    /// Below it, in small letters.
    pub footer: Option<String>,
    /// Below that, in order.
    pub buttons: Vec<ShownButton>,
    /// When the offer that it makes ends (RFC 3339).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offer_ends_at: Option<String>,
    /// Below it, beside each other.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub cards: Vec<Shown>,
    /// The id of the message that it answers and quotes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quotes: Option<String>,
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
    /// A silent video that starts by itself.
    Gif(String),
    /// A place on the map: its degrees, name and address.
    Location(String),
    /// A product: its id in the catalog.
    Product(String),
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
    /// Opens a flow, under this label where the message gives it.
    Flow(Option<String>),
    /// Opens a catalog.
    Catalog,
    /// Opens these products.
    Products(Vec<String>),
    /// Calls the number on WhatsApp.
    VoiceCall,
    /// Asks where the recipient is.
    SendLocation,
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
    let quotes = request["context"]["message_id"].as_str().map(str::to_owned);
    if request["template"].is_null() {
        return Shown { quotes, ..free_form::shown(request) };
    }
    let given = items(&request["template"]["components"]);
    let part = |kind: &str| given.iter().find(|component| component["type"] == kind);
    let offer = part("limited_time_offer").map(|it| &it["parameters"][0]["limited_time_offer"]["expiration_time_ms"]);
    let cards = part("carousel").map_or(&[][..], |carousel| items(&carousel["cards"]));
    let known_card = |n| definition.and_then(|definition| definition.cards.get(n)).map(CardDefinition::parts);
    Shown {
        offer_ends_at: offer.and_then(Value::as_i64).and_then(rfc3339),
        cards: cards.iter().enumerate().map(|(n, card)| parts(known_card(n), items(&card["components"]))).collect(),
        quotes,
        ..parts(definition.map(Definition::parts), given)
    }
}

/// The parts of a template, or of one of its cards, filled in.
fn parts(known: Option<Parts<'_>>, given: &[Value]) -> Shown {
    let component = |kind: &str| given.iter().find(|component| component["type"] == kind);
    let header = match known.and_then(|known| known.header) {
        Some(Header::Text { text }) => Some(ShownHeader::Text(filled(text, component("header")))),
        _ => component("header").and_then(|header| file(&header["parameters"][0])),
    };
    let buttons = known.map_or(&[][..], |known| known.buttons);
    let of_button = |place: usize| {
        let index = place.to_string();
        let at = |button: &&Value| button["type"] == "button" && button["index"] == index;
        given.iter().find(at)
    };
    Shown {
        header,
        body: known.map(|known| filled(known.body_text, component("body"))),
        buttons: buttons.iter().enumerate().map(|(place, known)| button(known, of_button(place))).collect(),
        ..Shown::default()
    }
}

fn rfc3339(ms: i64) -> Option<String> {
    let at = chrono::DateTime::from_timestamp_millis(ms)?;
    Some(at.to_rfc3339_opts(chrono::SecondsFormat::Millis, true))
}

fn items(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// `text` with each variable replaced by the parameter that `component` gives for it.
fn filled(text: &str, component: Option<&Value>) -> String {
    let parameters = component.map_or(&[][..], |component| items(&component["parameters"]));
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
    let parameter = named.or_else(numbered)?;
    let kind = parameter["type"].as_str()?;
    parameter[kind]["fallback_value"].as_str().or_else(|| parameter["text"].as_str())
}

/// The file, place or product of an object that has a type, and a member of that name.
fn file(parameter: &Value) -> Option<ShownHeader> {
    let kind = parameter["type"].as_str()?;
    let media = &parameter[kind];
    match kind {
        "location" => return Some(ShownHeader::Location(place(media))),
        "product" => return media["product_retailer_id"].as_str().map(|id| ShownHeader::Product(id.to_owned())),
        _ => {}
    }
    let source = ["id", "link"].into_iter().find_map(|source| media[source].as_str())?.to_owned();
    match kind {
        "image" => Some(ShownHeader::Image(source)),
        "video" => Some(ShownHeader::Video(source)),
        "document" => Some(ShownHeader::Document(source)),
        "audio" => Some(ShownHeader::Audio(source)),
        "sticker" => Some(ShownHeader::Sticker(source)),
        "gif" => Some(ShownHeader::Gif(source)),
        _ => None,
    }
}

/// A place in words.
fn place(location: &Value) -> String {
    let parts = ["latitude", "longitude", "name", "address"].into_iter().filter_map(|name| location[name].as_str());
    parts.collect::<Vec<_>>().join(", ")
}

/// The products of sections.
fn products(sections: &Value) -> Vec<String> {
    let items = items(sections).iter().flat_map(|section| items(&section["product_items"]));
    items.filter_map(|item| item["product_retailer_id"].as_str()).map(str::to_owned).collect()
}

fn button(known: &Button, given: Option<&Value>) -> ShownButton {
    let parameter = |field: &str| given.and_then(|given| given["parameters"][0][field].as_str()).map(str::to_owned);
    match known {
        Button::Url { url } => ShownButton::Url(filled(url, given)),
        Button::QuickReply => ShownButton::QuickReply(parameter("payload")),
        Button::CopyCode => ShownButton::CopyCode(parameter("coupon_code")),
        Button::Otp => ShownButton::Otp(parameter("text")),
        Button::Flow => ShownButton::Flow(None),
        Button::Catalog => ShownButton::Catalog,
        Button::Mpm => {
            let action = given.map_or(&Value::Null, |given| &given["parameters"][0]["action"]);
            ShownButton::Products(products(&action["sections"]))
        }
        Button::VoiceCall => ShownButton::VoiceCall,
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
            limited_time_offer: false,
            cards: Vec::new(),
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
        let known =
            definition(Some(Header::Image), "Hi", vec![link, Button::QuickReply, Button::VoiceCall, Button::Other]);
        let url =
            json!({"type": "button", "sub_type": "url", "index": "0", "parameters": [{"type": "text", "text": "7"}]});
        let image = json!({"type": "header", "parameters": [{"type": "image", "image": {"id": "pack.png"}}]});
        let shown = shown(Some(&known), &json!({"template": {"components": [image, url]}}));
        let json = serde_json::to_value(&shown).expect("JSON");
        let expected = json!({"header": {"image": "pack.png"}, "body": "Hi", "footer": null,
            "buttons": [{"url": "https://x.example/7"}, {"quick_reply": null}, "voice_call", "other"]});
        assert_eq!(json, expected);
    }

    #[test]
    fn cards_offers_amounts_and_products_are_shown() {
        let card = CardDefinition {
            header: Some(Header::Product),
            body_text: "For {{1}}".to_owned(),
            buttons: vec![Button::Flow, Button::Catalog],
        };
        let known = Definition { cards: vec![card], ..definition(None, "{{1}} on {{2}}", vec![Button::Mpm]) };
        let header =
            json!({"type": "header", "parameters": [{"type": "product", "product": {"product_retailer_id": "s"}}]});
        let body = json!({"type": "body", "parameters": [{"type": "currency", "currency": {"fallback_value": "₹ 5", "code": "INR"}},
                                                         {"type": "date_time", "date_time": {"fallback_value": "Monday"}}]});
        let action =
            json!({"sections": [{"product_items": [{"product_retailer_id": "a"}, {"product_retailer_id": "b"}]}]});
        let button = json!({"type": "button", "sub_type": "mpm", "index": "0", "parameters": [{"type": "action", "action": action}]});
        let ends = json!({"type": "limited_time_offer", "parameters": [{"limited_time_offer": {"expiration_time_ms": 1_000}}]});
        let cards =
            json!({"type": "carousel", "cards": [{"card_index": 0, "components": [header, texts("body", &["Asha"])]}]});
        let request = json!({"template": {"components": [body, button, ends, cards]}, "context": {"message_id": "m"}});
        let expected = json!({"header": null, "body": "₹ 5 on Monday", "footer": null, "buttons": [{"products": ["a", "b"]}],
            "offer_ends_at": "1970-01-01T00:00:01.000Z", "quotes": "m",
            "cards": [{"header": {"product": "s"}, "body": "For Asha", "footer": null, "buttons": [{"flow": null}, "catalog"]}]});
        assert_eq!(serde_json::to_value(shown(Some(&known), &request)).expect("JSON"), expected);
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
