//! Buttons, lists, links, products and flows.

use serde_json::{Value, json};

use super::{Bubble, Button, List, Press, Section, file, items, text};

pub(super) fn bubble(interactive: &Value) -> Bubble {
    let (header, action) = (&interactive["header"], &interactive["action"]);
    let format = header["type"].as_str().unwrap_or("text");
    let shown = Bubble {
        header: text(&header["text"]),
        file: file(format, &header[format]),
        text: text(&interactive["body"]["text"]),
        footer: text(&interactive["footer"]["text"]),
        ..Bubble::default()
    };
    let parameters = &action["parameters"];
    match interactive["type"].as_str().unwrap_or_default() {
        "button" => {
            let replies = items(&action["buttons"]).iter().map(|it| &it["reply"]);
            Bubble { buttons: (0..).zip(replies).map(|(place, reply)| reply_button(place, reply)).collect(), ..shown }
        }
        "list" => Bubble { list: Some(list(action)), ..shown },
        "cta_url" => {
            let url = text(&parameters["url"]).unwrap_or_default();
            Bubble { buttons: vec![only(&parameters["display_text"], "", Press::Opens { url })], ..shown }
        }
        "flow" => {
            let token = text(&parameters["flow_token"]).unwrap_or_else(|| "unused".to_owned());
            Bubble { buttons: vec![only(&parameters["flow_cta"], "", Press::Flow { token })], ..shown }
        }
        "location_request_message" => {
            Bubble { buttons: vec![only(&Value::Null, "Send location", Press::Place)], ..shown }
        }
        "product" => {
            Bubble { lines: products(&[action]), buttons: vec![only(&Value::Null, "View", Press::Shows)], ..shown }
        }
        "product_list" => {
            let sold: Vec<&Value> =
                items(&action["sections"]).iter().flat_map(|it| items(&it["product_items"])).collect();
            Bubble { lines: products(&sold), buttons: vec![only(&Value::Null, "View items", Press::Shows)], ..shown }
        }
        _ => Bubble { buttons: vec![only(&Value::Null, "View catalog", Press::Shows)], ..shown },
    }
}

/// The button of a message that has but one.
fn only(label: &Value, usual: &str, press: Press) -> Button {
    Button { key: "0".to_owned(), text: text(label).unwrap_or_else(|| usual.to_owned()), description: None, press }
}

fn reply_button(place: usize, reply: &Value) -> Button {
    let content = json!({ "type": "button_reply", "button_reply": { "id": reply["id"], "title": reply["title"] } });
    let press = Press::Tells { kind: "interactive", content };
    Button { key: place.to_string(), text: text(&reply["title"]).unwrap_or_default(), description: None, press }
}

/// Rows are counted over all sections.
fn list(action: &Value) -> List {
    let mut places = 0..;
    let mut section = |section: &Value| Section {
        title: text(&section["title"]),
        rows: items(&section["rows"]).iter().zip(&mut places).map(|(it, place): (_, usize)| row(place, it)).collect(),
    };
    let sections = items(&action["sections"]).iter().map(&mut section).collect();
    List { button: text(&action["button"]).unwrap_or_default(), sections }
}

fn row(place: usize, row: &Value) -> Button {
    let mut reply = json!({ "id": row["id"], "title": row["title"] });
    if let Some(description) = text(&row["description"]) {
        reply["description"] = json!(description);
    }
    let content = json!({ "type": "list_reply", "list_reply": reply });
    Button {
        key: place.to_string(),
        text: text(&row["title"]).unwrap_or_default(),
        description: text(&row["description"]),
        press: Press::Tells { kind: "interactive", content },
    }
}

fn products(sold: &[&Value]) -> Vec<String> {
    let names = sold.iter().filter_map(|product| text(&product["product_retailer_id"]));
    names.map(|name| format!("Product {name}")).collect()
}
