//! Free-form messages as the phone shows them.

use serde_json::Value;

use super::{Shown, ShownButton, ShownHeader, file, items, products};

/// The message of `request`, which is the body of a POST to the Cloud API.
pub(super) fn shown(request: &Value) -> Shown {
    let own = request["type"].as_str().map_or(&Value::Null, |kind| &request[kind]);
    if request["type"] == "interactive" {
        let header = &own["header"];
        let line = words(&header["text"]).map(ShownHeader::Text);
        return Shown {
            header: line.or_else(|| file(header)),
            body: words(&own["body"]["text"]),
            footer: words(&own["footer"]["text"]),
            buttons: buttons(own["type"].as_str().unwrap_or_default(), &own["action"]),
            ..Shown::default()
        };
    }
    let body = match own {
        Value::Array(cards) => Some(names(cards)),
        own => words(&own["body"]).or_else(|| words(&own["caption"])).or_else(|| words(&own["emoji"])),
    };
    Shown { header: file(request), body, ..Shown::default() }
}

fn words(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

/// Whose the visiting cards are.
fn names(cards: &[Value]) -> String {
    cards.iter().filter_map(|card| card["name"]["formatted_name"].as_str()).collect::<Vec<_>>().join(", ")
}

/// What can be tapped.
fn buttons(kind: &str, action: &Value) -> Vec<ShownButton> {
    match kind {
        "flow" => return vec![ShownButton::Flow(words(&action["parameters"]["flow_cta"]))],
        "catalog_message" => return vec![ShownButton::Catalog],
        "location_request_message" => return vec![ShownButton::SendLocation],
        "product" => {
            return words(&action["product_retailer_id"])
                .map(|id| ShownButton::Products(vec![id]))
                .into_iter()
                .collect();
        }
        "product_list" => return vec![ShownButton::Products(products(&action["sections"]))],
        _ => {}
    }
    let link = || {
        let (label, url) = (words(&action["parameters"]["display_text"])?, words(&action["parameters"]["url"])?);
        Some(ShownButton::Link { label, url })
    };
    let list = || {
        let rows = items(&action["sections"]).iter().flat_map(|section| items(&section["rows"]));
        let rows = rows.filter_map(|row| words(&row["title"])).collect();
        Some(ShownButton::List { label: words(&action["button"])?, rows })
    };
    let replies = items(&action["buttons"]).iter().filter_map(|button| words(&button["reply"]["title"]));
    replies.map(ShownButton::Reply).chain(list()).chain(link()).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(message: Value, expected: Value) {
        assert_eq!(serde_json::to_value(shown(&message)).expect("JSON"), expected);
    }

    #[test]
    fn a_file_is_shown_above_its_caption() {
        check(
            json!({"type": "document", "document": {"id": "menu", "caption": "Today", "filename": "menu.pdf"}}),
            json!({"header": {"document": "menu"}, "body": "Today", "footer": null, "buttons": []}),
        );
        check(
            json!({"type": "sticker", "sticker": {"link": "https://e.x/a.webp"}}),
            json!({"header": {"sticker": "https://e.x/a.webp"}, "body": null, "footer": null, "buttons": []}),
        );
    }

    #[test]
    fn what_can_be_tapped_is_shown_below_the_text() {
        let of = |kind: &str, action: Value| {
            let message = json!({"type": kind, "header": {"type": "text", "text": "Lunch"}, "body": {"text": "What?"},
                                 "footer": {"text": "Till noon"}, "action": action});
            json!({"type": "interactive", "interactive": message})
        };
        let expected = |buttons: Value| json!({"header": {"text": "Lunch"}, "body": "What?", "footer": "Till noon", "buttons": buttons});
        let reply = |title: &str| json!({"type": "reply", "reply": {"id": title, "title": title}});
        let buttons = json!({"buttons": [reply("Soup"), reply("Salad")]});
        check(of("button", buttons), expected(json!([{"reply": "Soup"}, {"reply": "Salad"}])));
        let sections = json!([{"rows": [{"id": "1", "title": "Soup"}]}, {"rows": [{"id": "2", "title": "Salad"}]}]);
        check(
            of("list", json!({"button": "Menu", "sections": sections})),
            expected(json!([{"list": {"label": "Menu", "rows": ["Soup", "Salad"]}}])),
        );
        let parameters = json!({"display_text": "Order", "url": "https://e.x"});
        check(
            of("cta_url", json!({"name": "cta_url", "parameters": parameters})),
            expected(json!([{"link": {"label": "Order", "url": "https://e.x"}}])),
        );
    }

    #[test]
    fn places_cards_reactions_and_what_opens_something_are_shown() {
        let bare = |header: Value, body: Value| json!({"header": header, "body": body, "footer": null, "buttons": []});
        let place = json!({"latitude": "1.5", "longitude": "2", "name": "Shop"});
        check(json!({"type": "location", "location": place}), bare(json!({"location": "1.5, 2, Shop"}), Value::Null));
        let cards = json!([{"name": {"formatted_name": "Asha"}}, {"name": {"formatted_name": "Ravi"}}]);
        check(json!({"type": "contacts", "contacts": cards}), bare(Value::Null, json!("Asha, Ravi")));
        let reaction = json!({"message_id": "m", "emoji": "👍"});
        check(json!({"type": "reaction", "reaction": reaction}), bare(Value::Null, json!("👍")));
        let items = json!([{"product_items": [{"product_retailer_id": "a"}]}]);
        for (kind, action, button) in [
            ("flow", json!({"parameters": {"flow_cta": "Begin"}}), json!({"flow": "Begin"})),
            ("catalog_message", json!({"name": "catalog_message"}), json!("catalog")),
            ("location_request_message", json!({"name": "send_location"}), json!("send_location")),
            ("product", json!({"catalog_id": "c", "product_retailer_id": "a"}), json!({"products": ["a"]})),
            ("product_list", json!({"catalog_id": "c", "sections": items}), json!({"products": ["a"]})),
        ] {
            let given =
                json!({"type": "interactive", "interactive": {"type": kind, "body": {"text": "x"}, "action": action}});
            check(given, json!({"header": null, "body": "x", "footer": null, "buttons": [button]}));
        }
    }
}
