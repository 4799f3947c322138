//! Campaigns of every kind of message, as they are submitted, shown and previewed.

use dawncast_core::template::{Button, CardDefinition, Definition, Header};
use reqwest::Method;
use serde_json::{Value, json};

use crate::rig::{Api, NOW, campaign_body, faults};

fn text(text: &str) -> Value {
    json!({ "type": "text", "text": text })
}

fn button(sub_type: &str, index: u8, parameter: Value) -> Value {
    json!({ "type": "button", "sub_type": sub_type, "index": index, "parameters": [parameter] })
}

fn card(asset: &str) -> Value {
    json!({ "components": [
        { "type": "header", "parameters": [{ "type": "image", "image": { "asset": asset } }] },
        { "type": "body", "parameters": [text("For {{ first_name }}")] },
        button("quick_reply", 0, json!({ "type": "payload", "payload": "more-{{ id }}" })),
    ] })
}

fn offer() -> Value {
    json!({ "type": "limited_time_offer", "parameters": [
        { "type": "limited_time_offer", "limited_time_offer": { "expiration_time_ms": 1_890_000_000_000_i64 } }] })
}

/// What fills [`Api::cards`] rightly.
fn components() -> Value {
    json!([offer(), button("copy_code", 0, json!({ "type": "coupon_code", "coupon_code": "KING25" })),
           { "type": "carousel", "cards": [card("dot"), card("{{ image }}")] }])
}

fn body(audience: &str, components: Value) -> Value {
    let mut body = campaign_body(audience);
    body["message"]["name"] = json!("cards_v1");
    body["message"]["category"] = json!("UTILITY");
    body["message"]["components"] = components;
    body
}

impl Api {
    /// A template with an offer that ends, a code to copy and two cards.
    async fn cards(&self) {
        let waba = "200".parse().unwrap();
        let mut known = self.store.templates(&waba).await.unwrap().unwrap();
        let card = CardDefinition {
            header: Some(Header::Image),
            body_text: "{{1}}, look".to_owned(),
            buttons: vec![Button::QuickReply],
        };
        known.push(Definition {
            name: "cards_v1".to_owned(),
            header: None,
            body_text: "Look here.".to_owned(),
            buttons: vec![Button::CopyCode],
            limited_time_offer: true,
            cards: vec![card.clone(), card],
            ..known[0].clone()
        });
        self.store.put_templates(&waba, &known, NOW).await.unwrap();
        for name in ["dot", "pack.png"] {
            let upload = self.request(Method::POST, &format!("/v1/assets?name={name}"));
            let upload = upload.header("content-type", "image/png").body(format!("the bytes of {name}"));
            assert_eq!(upload.send().await.unwrap().status(), 201);
        }
    }

    async fn refused(&self, body: &Value) -> Vec<String> {
        let (status, problem) = self.post("/v1/campaigns/validate", body).await;
        assert_eq!(status, 422, "{problem}");
        faults(&problem)
    }
}

#[tokio::test]
async fn cards_codes_and_offers_that_do_not_fit_the_template_are_found_when_a_campaign_is_submitted() {
    let api = Api::start().await;
    let audience = api.ready(1).await;
    api.cards().await;
    let three = json!([{ "type": "carousel", "cards": [card("dot"), card("lost"), card("{{ nothing }}")] }]);
    let told = api.refused(&body(&audience, three)).await;
    let begins = [
        "/message/components/0/cards/2/components/0/parameters/0/image/asset: the audience `subscribers` has no column `nothing`",
        "/message/components: (#131008) button at index 0: a required parameter is missing",
        "/message/components: (#132012) limited_time_offer: Format mismatch",
        "/message/components/0: (#132000) carousel: number of localizable_params (3) does not match the expected number of params (2)",
        "/message/components/0/cards/1/components/0/parameters/0/image/asset: there is no asset `lost`; upload it first.",
    ];
    assert_eq!(told.len(), begins.len(), "{told:#?}");
    for (told, begins) in told.iter().zip(begins) {
        assert!(told.starts_with(begins), "{told}");
    }
    let mut marketing = body(&audience, components());
    marketing["message"]["marketing_messages"] = json!({});
    let told = api.refused(&marketing).await;
    assert!(told[0].starts_with("/message/marketing_messages: is for MARKETING templates"), "{told:?}");
}

#[tokio::test]
async fn a_carousel_is_stored_as_it_was_sent_and_previewed_card_by_card() {
    let api = Api::start().await;
    let audience = api.ready(1).await;
    api.cards().await;
    let mut body = body(&audience, components());
    body["message"]["context"] = json!({ "message_id": "wamid.{{ id }}" });
    let (status, created) = api.post("/v1/campaigns", &body).await;
    assert_eq!(status, 201, "{created}");
    let (_, shown) = api.get(&format!("/v1/campaigns/{}", created["id"].as_str().unwrap())).await;
    assert_eq!(shown["spec"]["message"], body["message"]);
    let (status, preview) = api.post("/v1/campaigns/preview?samples=1", &body).await;
    assert_eq!(status, 200, "{preview}");
    let sample = &preview["samples"][0];
    let image = |name: &str| json!({ "header": { "image": name }, "body": "For Asha, look", "footer": null, "buttons": [{ "quick_reply": "more-r0" }] });
    assert_eq!(sample["cards"], json!([image("dot"), image("pack.png")]), "{sample}");
    assert_eq!((&sample["offer_ends_at"], &sample["quotes"]), (&json!("2029-11-22T00:00:00.000Z"), &json!("wamid.r0")));
    assert_eq!(sample["buttons"], json!([{ "copy_code": "KING25" }]));
}

#[tokio::test]
async fn every_free_form_kind_is_taken_as_the_api_describes_it() {
    let api = Api::start().await;
    let audience = api.ready(1).await;
    let interactive = |kind: &str, action: Value| json!({ "type": "interactive", "interactive": { "type": kind, "body": { "text": "{{ first_name }}?" }, "action": action } });
    let sections = json!([{ "product_items": [{ "product_retailer_id": "sku" }] }]);
    let mut list = interactive("product_list", json!({ "catalog_id": "7", "sections": sections }));
    list["interactive"]["header"] = text("Ours");
    let payload = json!({ "screen": "ONE", "data": { "who": { "name": "{{ first_name }}" } } });
    let flow = json!({ "flow_message_version": "3", "flow_id": "9", "flow_cta": "Begin", "mode": "draft", "flow_action": "navigate", "flow_action_payload": payload });
    for (message, header, shown, buttons) in [
        (
            json!({ "type": "location", "location": { "latitude": 12.97, "longitude": "77.5", "name": "Shop" } }),
            json!({ "location": "12.97, 77.5, Shop" }),
            Value::Null,
            json!([]),
        ),
        (
            json!({ "type": "contacts", "contacts": [{ "name": { "formatted_name": "Ravi K", "first_name": "Ravi" }, "phones": [{ "phone": "+1" }] }] }),
            Value::Null,
            json!("Ravi K"),
            json!([]),
        ),
        (
            json!({ "type": "reaction", "reaction": { "message_id": "{{ id }}", "emoji": "👍" } }),
            Value::Null,
            json!("👍"),
            json!([]),
        ),
        (list, json!({ "text": "Ours" }), json!("Asha?"), json!([{ "products": ["sku"] }])),
        (
            interactive("catalog_message", json!({ "name": "catalog_message" })),
            Value::Null,
            json!("Asha?"),
            json!(["catalog"]),
        ),
        (
            interactive("location_request_message", json!({ "name": "send_location" })),
            Value::Null,
            json!("Asha?"),
            json!(["send_location"]),
        ),
        (
            interactive("flow", json!({ "name": "flow", "parameters": flow })),
            Value::Null,
            json!("Asha?"),
            json!([{ "flow": "Begin" }]),
        ),
    ] {
        let mut body = campaign_body(&audience);
        body["message"] = message;
        let (status, answer) = api.post("/v1/campaigns", &body).await;
        assert_eq!(status, 201, "{answer}");
        let (_, stored) = api.get(&format!("/v1/campaigns/{}", answer["id"].as_str().unwrap())).await;
        assert_eq!(stored["spec"]["message"], body["message"]);
        let (_, preview) = api.post("/v1/campaigns/preview", &body).await;
        let sample = &preview["samples"][0];
        assert_eq!((&sample["header"], &sample["body"], &sample["buttons"]), (&header, &shown, &buttons), "{preview}");
    }
}

#[tokio::test]
async fn options_are_kept_and_previewed_as_the_buttons_or_the_list_that_they_become() {
    let api = Api::start().await;
    let audience = api.ready(1).await;
    let option = |n: usize| json!({ "id": format!("o{n}"), "title": format!("Option {n}") });
    for (number, kind, shown) in [
        (2, "button", json!([{ "reply": "Option 0" }, { "reply": "Option 1" }])),
        (
            4,
            "list",
            json!([{ "list": { "label": "Choose", "rows": ["Option 0", "Option 1", "Option 2", "Option 3"] } }]),
        ),
    ] {
        let options: Vec<_> = (0..number).map(option).collect();
        let mut body = campaign_body(&audience);
        body["message"] = json!({ "type": "interactive", "interactive": {
            "type": "options", "body": { "text": "Which?" }, "action": { "button": "Choose", "options": options } } });
        let (status, answer) = api.post("/v1/campaigns", &body).await;
        assert_eq!(status, 201, "{answer}");
        let (_, stored) = api.get(&format!("/v1/campaigns/{}", answer["id"].as_str().unwrap())).await;
        assert_eq!(stored["spec"]["message"]["interactive"]["type"], kind);
        let (_, preview) = api.post("/v1/campaigns/preview", &body).await;
        assert_eq!(preview["samples"][0]["buttons"], shown, "{preview}");
    }
}
