//! Templates, filled with what a message gives for their variables.

use serde_json::{Value, json};

use super::{Bubble, Button, File, Offer, Press, file, items, place, text};
use crate::parts::Parts;
use crate::templates::Template;

/// The template as it was sent: `given` are the components of the message.
pub(super) fn filled(template: &Template, given: &Value) -> Bubble {
    let parts = template.parts();
    let offer = parts.component("LIMITED_TIME_OFFER").map(|it| &it["limited_time_offer"]);
    let ends = parameters(given, "limited_time_offer");
    let cards = &component(given, "carousel")["cards"];
    let card_of = |place: usize| items(cards).iter().find(|card| card["card_index"] == place);
    let card = |(place, card): (usize, Parts<'_>)| {
        let given = card_of(place).map_or(&Value::Null, |card| &card["components"]);
        of_parts(card, given, &format!("{place}."))
    };
    Bubble {
        offer: offer.map(|offer| Offer {
            text: text(&offer["text"]).unwrap_or_default(),
            ends_ms: ends.first().and_then(|it| it["limited_time_offer"]["expiration_time_ms"].as_u64()),
        }),
        cards: parts.cards().into_iter().enumerate().map(card).collect(),
        ..of_parts(parts, given, "")
    }
}

/// The template with its variables unfilled.
pub(crate) fn preview(template: &Template) -> Bubble {
    filled(template, &Value::Null)
}

/// What a template and each of its cards have; `before` stands before the places of buttons.
fn of_parts(parts: Parts<'_>, given: &Value, before: &str) -> Bubble {
    let header = parameters(given, "header");
    let format = parts.header().unwrap_or("TEXT").to_ascii_lowercase();
    let shown = header.first().map_or(&Value::Null, |it| &it[&format]);
    let buttons = parts.buttons().iter().enumerate();
    Bubble {
        header: fill(parts.text("HEADER"), header).filter(|_| format == "text"),
        file: file(&format, shown).or_else(|| (shown.is_null() && format != "text").then(|| unfilled(&format))),
        location: place(shown),
        lines: text(&shown["product_retailer_id"]).map(|name| format!("Product {name}")).into_iter().collect(),
        text: fill(parts.text("BODY"), parameters(given, "body")).map(|text| text + recommendation(parts)),
        footer: footer(parts),
        buttons: buttons.map(|(place, it)| button(format!("{before}{place}"), it, &of_button(given, place))).collect(),
        ..Bubble::default()
    }
}

/// What stands where a message gives a file, a place or a product.
fn unfilled(format: &str) -> File {
    File { kind: format.to_owned(), id: None, link: None, filename: None }
}

/// Meta's words in templates of one-time codes.
fn recommendation(parts: Parts<'_>) -> &'static str {
    let is_given = parts.component("BODY").is_some_and(|body| body["add_security_recommendation"] == true);
    if is_given { " For your security, do not share this code." } else { "" }
}

fn footer(parts: Parts<'_>) -> Option<String> {
    let footer = parts.component("FOOTER")?;
    let expiry = footer["code_expiration_minutes"].as_u64();
    text(&footer["text"]).or_else(|| expiry.map(|minutes| format!("This code expires in {minutes} minutes.")))
}

/// The component of a kind, which clients write in any case.
fn component<'a>(given: &'a Value, kind: &str) -> &'a Value {
    let is_it = |it: &&Value| it["type"].as_str().is_some_and(|it| it.eq_ignore_ascii_case(kind));
    items(given).iter().find(is_it).unwrap_or(&Value::Null)
}

fn parameters<'a>(given: &'a Value, kind: &str) -> &'a [Value] {
    items(&component(given, kind)["parameters"])
}

/// What is given for the button at a place, which clients write as a number or as text.
fn of_button(given: &Value, place: usize) -> Value {
    let is_button = |it: &&Value| it["type"].as_str().is_some_and(|it| it.eq_ignore_ascii_case("button"));
    let is_there =
        |it: &&Value| it["index"] == place || it["index"].as_str().and_then(|it| it.parse().ok()) == Some(place);
    let own = items(given).iter().find(|it| is_button(it) && is_there(it));
    own.map_or(Value::Null, |it| it["parameters"][0].clone())
}

fn button(key: String, button: &Value, given: &Value) -> Button {
    let mut label = text(&button["text"]).unwrap_or_default();
    let press = match button["type"].as_str().unwrap_or_default() {
        "QUICK_REPLY" => {
            let payload = text(&given["payload"]).unwrap_or_else(|| label.clone());
            Press::Tells { kind: "button", content: json!({ "payload": payload, "text": label }) }
        }
        "URL" => {
            let url = fill(button["url"].as_str().unwrap_or_default(), std::slice::from_ref(given));
            Press::Opens { url: url.unwrap_or_default() }
        }
        "PHONE_NUMBER" => Press::Calls { phone: text(&button["phone_number"]).unwrap_or_default() },
        "COPY_CODE" => Press::Copies { code: text(&given["coupon_code"]).unwrap_or_default() },
        "OTP" => Press::Copies { code: text(&given["text"]).unwrap_or_default() },
        "FLOW" => Press::Flow { token: text(&given["action"]["flow_token"]).unwrap_or_else(|| "unused".to_owned()) },
        _ => Press::Shows,
    };
    if label.is_empty() {
        label = usual_label(&press).to_owned();
    }
    Button { key, text: label, description: None, press }
}

/// Meta's words on buttons that have none of their own.
fn usual_label(press: &Press) -> &'static str {
    if matches!(press, Press::Copies { .. }) { "Copy code" } else { "View" }
}

/// A text with its variables filled, by place or by name; `None` of an empty one. What is not given stays in braces.
fn fill(text: &str, given: &[Value]) -> Option<String> {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, (name, after))) =
        rest.split_once("{{").and_then(|(before, it)| Some((before, it.split_once("}}")?)))
    {
        filled.push_str(before);
        match value(name.trim(), given) {
            Some(value) => filled.push_str(value),
            None => filled.extend(["{{", name, "}}"]),
        }
        rest = after;
    }
    filled.push_str(rest);
    (!filled.is_empty()).then_some(filled)
}

/// What is shown for a variable: of money and times, their text.
fn value<'a>(name: &str, given: &'a [Value]) -> Option<&'a str> {
    let parameter = match name.parse::<usize>() {
        Ok(place) => given.get(place.checked_sub(1)?)?,
        Err(_) => given.iter().find(|it| it["parameter_name"] == name)?,
    };
    let kind = parameter["type"].as_str().unwrap_or("text");
    if kind == "text" { parameter["text"].as_str() } else { parameter[kind]["fallback_value"].as_str() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, given: Value, expected: &str) {
        assert_eq!(fill(text, items(&given)).as_deref(), Some(expected));
    }

    #[test]
    fn variables_are_filled_by_place_or_by_name_and_each_but_once() {
        let texts = json!([{ "type": "text", "text": "{{2}}" }, { "type": "text", "text": "b" }]);
        check("1 {{1}} 2 {{2}} 1 {{ 1 }}.", texts, "1 {{2}} 2 b 1 {{2}}.");
        check("Dear {{who}}!", json!([{ "type": "text", "parameter_name": "who", "text": "Asha" }]), "Dear Asha!");
        let money = json!({ "type": "currency", "currency": { "fallback_value": "₹ 5" } });
        check("You owe {{1}}.", json!([money]), "You owe ₹ 5.");
    }

    #[test]
    fn what_is_not_given_stays_in_braces() {
        check("{{0}} {{1}} {{who}} {{", json!([]), "{{0}} {{1}} {{who}} {{");
        assert_eq!(fill("", &[]), None);
    }
}
