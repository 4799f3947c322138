//! Products, catalogs, flows and requests for a place.

use serde_json::{Value, json};

use crate::support::*;

fn product() -> Value {
    interactive("product", json!({ "catalog_id": "7", "product_retailer_id": "a" }))
}

fn section(title: usize, products: usize) -> Value {
    let items = vec![json!({ "product_retailer_id": "a" }); products];
    json!({ "title": title.to_string(), "product_items": items })
}

fn product_list(sections: Vec<Value>) -> Value {
    let mut message = interactive("product_list", json!({ "catalog_id": "7", "sections": sections }));
    message["interactive"]["header"] = json!({ "type": "text", "text": "Shop" });
    message
}

fn catalog() -> Value {
    let parameters = json!({ "thumbnail_product_retailer_id": "a" });
    interactive("catalog_message", json!({ "name": "catalog_message", "parameters": parameters }))
}

fn flow(change: Value) -> Value {
    let mut parameters = json!({
        "flow_message_version": "3", "flow_id": "9", "flow_cta": "Book", "flow_token": "t", "mode": "published",
        "flow_action": "navigate", "flow_action_payload": { "screen": "FIRST", "data": { "day": "1" } },
    });
    let members = parameters.as_object_mut().unwrap();
    members.extend(change.as_object().unwrap().clone());
    members.retain(|_, value| !value.is_null());
    interactive("flow", json!({ "name": "flow", "parameters": parameters }))
}

fn location_request() -> Value {
    interactive("location_request_message", json!({ "name": "send_location" }))
}

#[tokio::test]
async fn they_are_taken_as_meta_documents_them() {
    let sim = start().await;
    write_in(&sim).await;
    let mut bare = product();
    bare["interactive"].as_object_mut().unwrap().remove("body");
    let thirty = product_list((0..10).map(|title| section(title, 3)).collect());
    let exchange = flow(json!({ "flow_action": "data_exchange", "flow_action_payload": null }));
    let by_name = flow(json!({ "flow_id": null, "flow_name": "booking", "mode": "draft" }));
    let whole = interactive("catalog_message", json!({ "name": "catalog_message" }));
    for message in [product(), bare, thirty, catalog(), whole, flow(json!({})), exchange, by_name, location_request()] {
        let answer = send(&sim, &message).await;
        assert_eq!(answer.status, 200, "{message}: {}", answer.body);
    }
}

#[tokio::test]
async fn products_beyond_metas_limits_are_refused() {
    let (action, image) = ("/interactive/action", json!({ "type": "image", "image": { "link": "https://e.x/a" } }));
    for (base, place, value, code, words) in [
        (product(), format!("{action}/catalog_id"), Value::Null, 100, "['catalog_id'] is required"),
        (product(), format!("{action}/product_retailer_id"), json!(""), 100, "['product_retailer_id'] is required"),
        (product(), "/interactive/header".to_owned(), image.clone(), 131009, "Header is not supported for product"),
        (
            product_list(vec![section(1, 1)]),
            "/interactive/header".to_owned(),
            Value::Null,
            100,
            "interactive['header'] is required",
        ),
        (product_list(vec![section(1, 1)]), "/interactive/header".to_owned(), image, 131009, "Supported: text"),
        (
            product_list(vec![]),
            "/to".to_owned(),
            json!(PHONE),
            131009,
            "Min allowed sections: 1, Max allowed sections: 10",
        ),
        (product_list(vec![section(1, 1); 11]), "/to".to_owned(), json!(PHONE), 131009, "Max allowed sections: 10"),
        (
            product_list(vec![section(1, 31)]),
            "/to".to_owned(),
            json!(PHONE),
            131009,
            "Total product count exceed max allowed count: 30",
        ),
        (product_list(vec![section(1, 0)]), "/to".to_owned(), json!(PHONE), 131009, "Min allowed product items: 1"),
        (catalog(), format!("{action}/name"), json!("shop"), 100, "must be one of {CATALOG_MESSAGE}"),
        (
            catalog(),
            format!("{action}/parameters"),
            json!({ "thumbnail_product_retailer_id": "" }),
            131009,
            "cannot be empty",
        ),
        (location_request(), format!("{action}/name"), json!("x"), 100, "must be one of {SEND_LOCATION}"),
        (location_request(), "/interactive/body".to_owned(), Value::Null, 100, "interactive['body'] is required"),
    ] {
        refused(base, &[(&place, value)], 400, code, words).await;
    }
    let mut untitled = section(1, 1);
    untitled.as_object_mut().unwrap().remove("title");
    refused(product_list(vec![untitled, section(2, 1)]), &[], 400, 131009, "Section title length invalid").await;
}

#[tokio::test]
async fn flows_that_make_no_sense_are_refused() {
    for (change, code, words) in [
        (json!({ "flow_message_version": "2" }), 100, "['flow_message_version'] must be one of {3}"),
        (json!({ "flow_message_version": null }), 100, "['flow_message_version'] is required"),
        (json!({ "flow_name": "booking" }), 131009, "Exactly one of flow_id and flow_name"),
        (json!({ "flow_id": null }), 131009, "Exactly one of flow_id and flow_name"),
        (json!({ "flow_cta": null }), 100, "['flow_cta'] is required"),
        (json!({ "mode": "live" }), 100, "must be one of {DRAFT, PUBLISHED}"),
        (json!({ "flow_action": "open" }), 100, "must be one of {DATA_EXCHANGE, NAVIGATE}"),
        (json!({ "flow_action": "data_exchange" }), 131009, "only allowed with flow_action navigate"),
        (json!({ "flow_action_payload": { "data": {} } }), 100, "['screen'] is required"),
        (json!({ "flow_action_payload": { "screen": "A", "data": {} } }), 131009, "must not be an empty object"),
    ] {
        refused(flow(change), &[], 400, code, words).await;
    }
}
