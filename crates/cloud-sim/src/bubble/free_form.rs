//! Texts, files, places, visiting cards, and what users say.

use serde_json::Value;

use super::{Bubble, Card, file, items, place, text};

pub(super) fn bubble(kind: &str, content: &Value) -> Bubble {
    match kind {
        "text" => Bubble { text: text(&content["body"]), ..Bubble::default() },
        "location" => Bubble { location: place(content), ..Bubble::default() },
        "contacts" => Bubble { contacts: items(content).iter().map(card).collect(), ..Bubble::default() },
        _ => Bubble { file: file(kind, content), text: text(&content["caption"]), ..Bubble::default() },
    }
}

/// What a user wrote or pressed.
pub(super) fn written(kind: &str, content: &Value) -> Bubble {
    let said = |value: &Value| Bubble { text: text(value), ..Bubble::default() };
    match kind {
        "button" => said(&content["text"]),
        "interactive" => interactive(content),
        _ => bubble(kind, content),
    }
}

fn interactive(content: &Value) -> Bubble {
    let kind = content["type"].as_str().unwrap_or_default();
    let reply = &content[kind];
    match kind {
        "nfm_reply" => {
            let response = text(&reply["response_json"]).into_iter().collect();
            Bubble { text: text(&reply["body"]), lines: response, ..Bubble::default() }
        }
        _ => {
            let description = text(&reply["description"]).into_iter().collect();
            Bubble { text: text(&reply["title"]), lines: description, ..Bubble::default() }
        }
    }
}

fn card(contact: &Value) -> Card {
    let of = |list: &str, field: &str| -> Vec<String> {
        items(&contact[list]).iter().filter_map(|item| text(&item[field])).collect()
    };
    let company = text(&contact["org"]["company"]).into_iter().collect();
    let lines = [company, of("phones", "phone"), of("emails", "email"), of("urls", "url")].concat();
    Card { name: text(&contact["name"]["formatted_name"]).unwrap_or_default(), lines }
}
