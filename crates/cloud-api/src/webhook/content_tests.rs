//! Each kind of message, in the shape that Meta documents.

use proptest::prelude::*;
use serde_json::json;

use super::*;

/// The kind that a message of this type and part is read as.
fn kind(of: &str, part: Value) -> String {
    let message = json!({ "from": "1", "id": "w", "timestamp": "1", "type": of, of: part });
    let content = Content::read(&message);
    assert!(!matches!(content, Content::Other { .. }), "{message}");
    content.kind().to_owned()
}

fn media(more: Value) -> Value {
    let mut media = json!({ "mime_type": "image/jpeg", "sha256": "b64", "id": "123", "url": "https://x" });
    media.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    media
}

#[test]
fn every_documented_kind_is_read() {
    for (of, part) in [
        ("text", json!({ "body": "hi" })),
        ("image", media(json!({ "caption": "c" }))),
        ("video", media(json!({}))),
        ("audio", media(json!({ "voice": true }))),
        ("document", media(json!({ "filename": "a.pdf" }))),
        ("sticker", media(json!({ "animated": false }))),
        ("location", json!({ "latitude": 37.44, "longitude": -122.16, "name": "n" })),
        ("contacts", json!([{ "name": { "formatted_name": "A B" }, "phones": [{ "phone": "+1", "wa_id": "1" }] }])),
        ("reaction", json!({ "message_id": "wamid.1" })),
        ("button", json!({ "payload": "P", "text": "Label" })),
        (
            "order",
            json!({ "catalog_id": "c", "text": "note", "product_items": [
            { "product_retailer_id": "sku", "quantity": 1, "item_price": 7.5, "currency": "USD" } ] }),
        ),
        ("system", json!({ "type": "user_changed_number", "body": "changed", "wa_id": "2", "user_id": "US.1" })),
    ] {
        assert_eq!(kind(of, part), of);
    }
    for (of, reply) in [
        ("button_reply", json!({ "id": "b1", "title": "Yes" })),
        ("list_reply", json!({ "id": "r1", "title": "T", "description": "D" })),
        ("nfm_reply", json!({ "name": "flow", "body": "Sent", "response_json": "{\"flow_token\":\"t\"}" })),
        (
            "call_permission_reply",
            json!({ "response": "accept", "is_permanent": false, "expiration_timestamp": "1780000000" }),
        ),
    ] {
        assert_eq!(kind("interactive", json!({ "type": of, of: reply })), of);
    }
}

#[test]
fn the_fields_of_each_kind_are_there() {
    let read = |message: Value| Content::read(&message);
    let Content::Audio(audio) = read(json!({ "type": "audio", "audio": media(json!({ "voice": true })) })) else {
        panic!()
    };
    assert_eq!((audio.id.as_str(), audio.voice, audio.url.as_deref()), ("123", true, Some("https://x")));
    let reply = json!({ "response": "accept", "expiration_timestamp": "1780000000" });
    let permission = json!({ "type": "interactive", "interactive": { "type": "call_permission_reply", "call_permission_reply": reply } });
    let Content::CallPermission(permission) = read(permission) else { panic!() };
    assert_eq!((permission.is_permanent, permission.expiration_timestamp), (false, Some(1_780_000_000)));
    let unsupported = json!({ "type": "unsupported", "unsupported": { "type": "edit" } });
    let Content::Unsupported(unsupported) = read(unsupported) else { panic!() };
    assert_eq!(unsupported.kind.as_deref(), Some("edit"));
    let card =
        json!({ "name": { "formatted_name": "A B", "first_name": "A" }, "phones": [{ "wa_id": "1", "type": "CELL" }] });
    let Content::Contacts(cards) = read(json!({ "type": "contacts", "contacts": [card] })) else { panic!() };
    assert_eq!((cards[0].name.formatted_name.as_str(), cards[0].phones[0].wa_id.as_deref()), ("A B", Some("1")));
}

#[test]
fn what_is_not_known_is_kept_as_it_came() {
    for message in [
        json!({ "type": "hologram", "hologram": { "depth": 3 } }),
        json!({ "type": "image", "image": "strange" }),
        json!({ "type": "interactive", "interactive": { "type": "new_reply", "new_reply": {} } }),
    ] {
        let Content::Other { kind, message: kept } = Content::read(&message) else { panic!("{message}") };
        assert_eq!((kind.as_str(), &kept), (message["type"].as_str().unwrap(), &message));
    }
}

#[test]
fn nothing_that_a_user_wrote_is_printed() {
    let secret = Content::read(&json!({ "type": "text", "text": { "body": "secret" } }));
    assert_eq!(format!("{secret:?}"), "text");
}

proptest! {
    #[test]
    fn any_message_is_read_as_something(kind in "[a-z_]{0,20}", text in ".{0,40}", number in any::<f64>()) {
        for part in [json!(text), json!(number), json!({ "body": number, "id": text, "type": text }), json!([text])] {
            let message = json!({ "type": kind, kind.clone(): part });
            let content = Content::read(&message);
            let is_known = !matches!(content, Content::Other { .. });
            prop_assert!(is_known || content.kind() == kind);
        }
    }
}
