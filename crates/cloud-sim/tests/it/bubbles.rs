//! Messages as the phone shows them.

use serde_json::{Value, json};

use crate::support::*;

#[tokio::test]
async fn a_template_is_shown_with_its_parameters_and_what_became_of_it() {
    let sim = start_with(unread()).await;
    let picture = json!([{ "type": "image", "image": { "link": "https://e.x/a.png" } }]);
    let id = sent(&sim, &daily(PHONE, picture, json!([{ "type": "text", "text": "<script>alert(1)</script>" }]))).await;
    let shown = becomes(&sim, "delivered").await;
    assert_eq!((&shown["id"], &shown["from"], &shown["type"]), (&json!(id), &json!("number"), &json!("template")));
    assert_eq!(shown["template"], json!({ "name": "daily_pack_v1", "language": "en_IN" }));
    let text = "Good morning <script>alert(1)</script>, here is your pack for today.";
    assert_eq!(shown["bubble"], json!({ "file": { "kind": "image", "link": "https://e.x/a.png" }, "text": text }));
    let times = &shown["times"];
    let [accepted, sent, delivered] = ["accepted", "sent", "delivered"].map(|name| times[name].as_u64().unwrap());
    assert!(accepted <= sent && sent <= delivered, "{times}");
}

#[tokio::test]
async fn every_part_of_a_template_is_shown() {
    let sim = start().await;
    let card = |name: &str| {
        let buttons = json!([{ "type": "quick_reply", "text": "Want it" }, { "type": "url", "text": "See", "url": "https://e.x/{{1}}", "example": ["a"] }]);
        json!({ "components": [
            { "type": "header", "format": "product" },
            { "type": "body", "text": format!("{name} for {{{{1}}}} only"), "example": { "body_text": [["a"]] } },
            { "type": "buttons", "buttons": buttons },
        ] })
    };
    let parts = json!([
        { "type": "body", "text": "Dear {{1}}, look!", "example": { "body_text": [["a"]] } },
        { "type": "footer", "text": "Till Sunday" },
        { "type": "buttons", "buttons": [
            { "type": "quick_reply", "text": "Stop" }, { "type": "flow", "text": "Book", "flow_id": "9" },
            { "type": "copy_code", "example": "SAVE" }, { "type": "phone_number", "text": "Call", "phone_number": "+1555" },
        ] },
        { "type": "carousel", "cards": [card("Tea"), card("Salt")] },
    ]);
    let template = json!({ "name": "t", "language": "en", "category": "MARKETING", "components": parts });
    assert_eq!(post(&sim, &format!("/{WABA}/message_templates"), &template).await.status, 200);
    stage(&sim, "/_sim/templates/t", json!({ "status": "APPROVED", "silent": true })).await;
    let say = |text: &str| json!([{ "type": "text", "text": text }]);
    let given = |place: usize, sku: &str| {
        let product = json!([{ "type": "product", "product": { "catalog_id": "7", "product_retailer_id": sku } }]);
        let payload = json!([{ "type": "payload", "payload": format!("want-{sku}") }]);
        json!({ "card_index": place, "components": [
            { "type": "header", "parameters": product }, { "type": "body", "parameters": say("₹ 9") },
            { "type": "button", "sub_type": "quick_reply", "index": 0, "parameters": payload },
            { "type": "button", "sub_type": "url", "index": "1", "parameters": say(sku) },
        ] })
    };
    let components = json!([
        { "type": "BODY", "parameters": say("Asha") },
        { "type": "button", "sub_type": "copy_code", "index": "2", "parameters": [{ "type": "coupon_code", "coupon_code": "SAVE9" }] },
        { "type": "button", "sub_type": "flow", "index": "1", "parameters": [{ "type": "action", "action": { "flow_token": "tk" } }] },
        { "type": "carousel", "cards": [given(1, "salt"), given(0, "tea")] },
    ]);
    let id = sent(
        &sim,
        &json!({
            "messaging_product": "whatsapp", "to": PHONE, "type": "template",
            "template": { "name": "t", "language": { "code": "en" }, "components": components },
        }),
    )
    .await;
    let card = |place: usize, name: &str, sku: &str| {
        let tells = json!({ "kind": "button", "content": { "payload": format!("want-{sku}"), "text": "Want it" } });
        json!({ "lines": [format!("Product {sku}")], "text": format!("{name} for ₹ 9 only"), "buttons": [
            { "key": format!("{place}.0"), "text": "Want it", "does": "tells", "with": tells },
            { "key": format!("{place}.1"), "text": "See", "does": "opens", "with": { "url": format!("https://e.x/{sku}") } },
        ] })
    };
    let expected = json!({
        "text": "Dear Asha, look!", "footer": "Till Sunday",
        "buttons": [
            { "key": "0", "text": "Stop", "does": "tells", "with": { "kind": "button", "content": { "payload": "Stop", "text": "Stop" } } },
            { "key": "1", "text": "Book", "does": "flow", "with": { "token": "tk" } },
            { "key": "2", "text": "Copy code", "does": "copies", "with": { "code": "SAVE9" } },
            { "key": "3", "text": "Call", "does": "calls", "with": { "phone": "+1555" } },
        ],
        "cards": [card(0, "Tea", "tea"), card(1, "Salt", "salt")],
    });
    assert_eq!(last(&sim).await["bubble"], expected);
    let copied =
        stage(&sim, "/_sim/press", json!({ "from": PHONE, "number": NUMBER, "message": id, "button": "2" })).await;
    assert_eq!(copied, json!({ "does": "copies", "with": { "code": "SAVE9" } }));
}

#[tokio::test]
async fn an_offer_is_shown_with_its_end_and_a_code_with_its_advice() {
    let sim = start().await;
    let handle = "4::";
    let session =
        post(&sim, "/400000000000001/uploads?file_name=a.png&file_length=3&file_type=image/png", &json!({})).await;
    let upload = session.json()["id"].as_str().unwrap().to_owned();
    let headers = "Authorization: OAuth SIM_TOKEN\r\nfile_offset: 0\r\n";
    let uploaded = call(&sim, "POST", &format!("/{upload}"), headers, b"abc").await.json();
    let sample = uploaded["h"].as_str().unwrap();
    assert!(sample.starts_with(handle));
    let offer = json!({ "name": "o", "language": "en", "category": "MARKETING", "components": [
        { "type": "header", "format": "image", "example": { "header_handle": [sample] } },
        { "type": "limited_time_offer", "limited_time_offer": { "text": "Ends soon!", "has_expiration": true } },
        { "type": "body", "text": "Tea at half the price." },
    ] });
    let code = json!({ "name": "c", "language": "en", "category": "AUTHENTICATION", "components": [
        { "type": "body", "add_security_recommendation": true }, { "type": "footer", "code_expiration_minutes": 5 },
        { "type": "buttons", "buttons": [{ "type": "otp", "otp_type": "copy_code" }] },
    ] });
    for template in [&offer, &code] {
        let created = post(&sim, &format!("/{WABA}/message_templates"), template).await;
        assert_eq!(created.status, 200, "{}", created.body);
        let name = template["name"].as_str().unwrap();
        stage(&sim, &format!("/_sim/templates/{name}"), json!({ "status": "APPROVED", "silent": true })).await;
    }
    let filled = |name: &str, components: Value| {
        json!({
            "messaging_product": "whatsapp", "to": PHONE, "type": "template",
            "template": { "name": name, "language": { "code": "en" }, "components": components },
        })
    };
    let ends =
        json!({ "type": "limited_time_offer", "limited_time_offer": { "expiration_time_ms": 1_900_000_000_000_u64 } });
    sent(
        &sim,
        &filled(
            "o",
            json!([
                { "type": "header", "parameters": [{ "type": "image", "image": { "link": "https://e.x/a.png" } }] },
                { "type": "limited_time_offer", "parameters": [ends] },
            ]),
        ),
    )
    .await;
    assert_eq!(last(&sim).await["bubble"]["offer"], json!({ "text": "Ends soon!", "ends_ms": 1_900_000_000_000_u64 }));
    let digits = json!([{ "type": "text", "text": "123456" }]);
    sent(
        &sim,
        &filled(
            "c",
            json!([
                { "type": "body", "parameters": digits },
                { "type": "button", "sub_type": "url", "index": "0", "parameters": digits },
            ]),
        ),
    )
    .await;
    assert_eq!(
        last(&sim).await["bubble"],
        json!({
            "text": "Here it is: 123456 is your verification code. For your security, do not share this code.",
            "footer": "This code expires in 5 minutes.",
            "buttons": [{ "key": "0", "text": "Copy code", "does": "copies", "with": { "code": "123456" } }],
        })
    );
}

#[tokio::test]
async fn free_form_messages_are_shown_as_they_were_sent() {
    let sim = start().await;
    let first = write_in(&sim).await;
    for (body, expected) in [
        (free_form("text", json!({ "body": "*<b>hi</b>*" })), json!({ "text": "*<b>hi</b>*" })),
        (
            free_form("document", json!({ "link": "https://e.x/a.pdf", "caption": "c", "filename": "a.pdf" })),
            json!({ "file": { "kind": "document", "link": "https://e.x/a.pdf", "filename": "a.pdf" }, "text": "c" }),
        ),
        (
            free_form("location", json!({ "latitude": "12.5", "longitude": 77, "name": "Office" })),
            json!({ "location": { "latitude": "12.5", "longitude": "77", "name": "Office" } }),
        ),
        (
            free_form(
                "contacts",
                json!([{ "name": { "formatted_name": "A B", "first_name": "A" }, "phones": [{ "phone": "+1555" }] }]),
            ),
            json!({ "contacts": [{ "name": "A B", "lines": ["+1555"] }] }),
        ),
        (
            interactive(
                "cta_url",
                json!({ "name": "cta_url", "parameters": { "display_text": "Go", "url": "https://e.x" } }),
            ),
            json!({ "text": "What?", "buttons": [{ "key": "0", "text": "Go", "does": "opens", "with": { "url": "https://e.x" } }] }),
        ),
        (
            interactive(
                "product_list",
                json!({ "catalog_id": "7", "sections": [{ "title": "Tea", "product_items": [{ "product_retailer_id": "a" }] }] }),
            ),
            json!({ "header": "H", "text": "What?", "lines": ["Product a"], "buttons": [{ "key": "0", "text": "View items", "does": "shows" }] }),
        ),
    ] {
        let mut body = body;
        if body["interactive"]["type"] == "product_list" {
            body["interactive"]["header"] = json!({ "type": "text", "text": "H" });
        }
        body["context"] = json!({ "message_id": first });
        sent(&sim, &body).await;
        let shown = last(&sim).await;
        assert_eq!(shown["bubble"], expected);
        assert_eq!(shown["quotes"], json!({ "id": first, "from": "user", "text": "hello" }));
    }
}
