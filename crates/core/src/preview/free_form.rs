//! Free-form messages as the phone shows them.

use serde_json::Value;

use super::{Shown, ShownButton, ShownHeader, file};

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
            buttons: buttons(&own["action"]),
        };
    }
    let body = words(&own["body"]).or_else(|| words(&own["caption"]));
    Shown { header: file(request), body, footer: None, buttons: Vec::new() }
}

fn words(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

fn items(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// What can be tapped.
fn buttons(action: &Value) -> Vec<ShownButton> {
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
}
