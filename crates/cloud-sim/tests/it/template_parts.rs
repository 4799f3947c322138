//! Every part that a template can have: filled rightly it is sent, wrongly it is refused as Meta refuses it.

use dawncast_cloud_sim::Simulator;
use serde_json::{Value, json};

use crate::support::*;

/// A simulator with an approved template `t` of these components.
async fn start_with_template(category: &str, format: &str, components: Value) -> Simulator {
    let sim = start().await;
    let template = json!({
        "name": "t", "language": "en_US", "category": category, "parameter_format": format, "components": components,
    });
    let created = post(&sim, &format!("/{WABA}/message_templates"), &template).await;
    assert_eq!(created.status, 200, "{}", created.body);
    stage(&sim, "/_sim/templates/t", json!({ "status": "APPROVED", "silent": true })).await;
    sim
}

fn sends(components: Value) -> Value {
    json!({
        "messaging_product": "whatsapp", "to": PHONE, "type": "template",
        "template": { "name": "t", "language": { "code": "en_US" }, "components": components },
    })
}

async fn taken(sim: &Simulator, components: Value) {
    let answer = send(sim, &sends(components)).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
}

async fn not_taken(sim: &Simulator, components: Value, code: u64, words: &str) {
    let answer = send(sim, &sends(components.clone())).await;
    assert_eq!((answer.status, answer.error_code()), (400, code), "{components}: {}", answer.body);
    let error = &answer.json()["error"];
    let said = format!("{} {}", error["message"], error["error_data"]["details"]);
    assert!(said.replace('\\', "").contains(words), "{components}: {said}");
}

fn plain_body() -> Value {
    json!({ "type": "body", "text": "Hello there." })
}

fn button(sub_type: &str, index: usize, parameter: Value) -> Value {
    json!({ "type": "button", "sub_type": sub_type, "index": index.to_string(), "parameters": [parameter] })
}

fn action(action: Value) -> Value {
    json!({ "type": "action", "action": action })
}

fn header(parameter: Value) -> Value {
    json!([{ "type": "header", "parameters": [parameter] }])
}

#[tokio::test]
async fn money_and_times_fill_a_body() {
    let body = json!({ "type": "body", "text": "You owe {{1}} by {{2}}.", "example": { "body_text": [["a", "b"]] } });
    let sim = start_with_template("UTILITY", "positional", json!([body])).await;
    let money = |code: &str| json!({ "type": "currency", "currency": { "fallback_value": "₹ 1", "code": code, "amount_1000": 1000 } });
    let time = json!({ "type": "date_time", "date_time": { "fallback_value": "Monday" } });
    let body = |parameters: Value| json!([{ "type": "body", "parameters": parameters }]);
    taken(&sim, body(json!([money("INR"), time]))).await;
    not_taken(&sim, body(json!([money("rupee"), time])), 131009, "currency needs a code").await;
    let empty = json!({ "type": "date_time", "date_time": { "fallback_value": "" } });
    not_taken(&sim, body(json!([money("INR"), empty])), 132018, "cannot be empty").await;
    not_taken(&sim, body(json!([money("INR"), { "type": "date_time" }])), 132012, "received DATE_TIME").await;
}

#[tokio::test]
async fn names_go_in_any_order_and_the_header_is_not_too_long() {
    let head = json!({ "type": "header", "format": "text", "text": "For {{who}}" });
    let body = json!({ "type": "body", "text": "Dear {{who}}, it is {{day}} now.", "example": { "body_text_named_params": [] } });
    let sim = start_with_template("UTILITY", "named", json!([head, body])).await;
    let named = |name: &str, text: &str| json!({ "type": "text", "parameter_name": name, "text": text });
    let both = |head: &str| {
        json!([{ "type": "header", "parameters": [named("who", head)] },
               { "type": "body", "parameters": [named("day", "Monday"), named("who", "Asha")] }])
    };
    taken(&sim, both("Asha")).await;
    taken(&sim, both(&"x".repeat(56))).await;
    not_taken(&sim, both(&"x".repeat(57)), 132005, "header: the translated text").await;
}

#[tokio::test]
async fn headers_show_a_place_or_a_product() {
    let parts = json!([{ "type": "header", "format": "location" }, plain_body()]);
    let sim = start_with_template("UTILITY", "positional", parts).await;
    let place = json!({ "latitude": "12.97", "longitude": "77.59", "name": "Office", "address": "1 MG Road" });
    taken(&sim, header(json!({ "type": "location", "location": place }))).await;
    not_taken(&sim, json!([]), 132012, "expected LOCATION, received UNKNOWN").await;
    let bare = json!({ "type": "location", "location": { "latitude": "1", "longitude": "2" } });
    not_taken(&sim, header(bare), 100, "location['name'] is required").await;

    let parts = json!([{ "type": "header", "format": "product" }, plain_body()]);
    let sim = start_with_template("MARKETING", "positional", parts).await;
    let product = |id: &str| json!({ "type": "product", "product": { "catalog_id": "7", "product_retailer_id": id } });
    taken(&sim, header(product("a"))).await;
    not_taken(&sim, header(product("")), 100, "product['product_retailer_id'] is required").await;
}

#[tokio::test]
async fn a_gif_goes_by_the_marketing_messages_api_alone() {
    let parts = json!([{ "type": "header", "format": "gif" }, plain_body()]);
    let sim = start_with_template("MARKETING", "positional", parts).await;
    let gif = header(json!({ "type": "gif", "gif": { "link": "https://e.x/a.mp4" } }));
    not_taken(&sim, gif.clone(), 132012, "Marketing Messages API only").await;
    let answer = post(&sim, &format!("/{NUMBER}/marketing_messages"), &sends(gif)).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
}

#[tokio::test]
async fn each_button_takes_what_is_its_own() {
    let buttons = json!([
        { "type": "QUICK_REPLY", "text": "More" }, { "type": "FLOW", "text": "Book", "flow_id": "9" },
        { "type": "CATALOG", "text": "Shop" }, { "type": "copy_code", "example": "SAVE" },
        { "type": "PHONE_NUMBER", "text": "Call", "phone_number": "+1555" },
    ]);
    let parts = json!([plain_body(), { "type": "buttons", "buttons": buttons }]);
    let sim = start_with_template("MARKETING", "positional", parts).await;
    let code = |code: &str| button("copy_code", 3, json!({ "type": "coupon_code", "coupon_code": code }));
    let reply = |payload: &str| button("quick_reply", 0, json!({ "type": "payload", "payload": payload }));
    let flow = |data: Value| button("flow", 1, action(json!({ "flow_token": "t", "flow_action_data": data })));
    let catalog = button("CATALOG", 2, action(json!({ "thumbnail_product_retailer_id": "a" })));
    taken(&sim, json!([code("SAVE")])).await;
    taken(&sim, json!([reply("more"), flow(json!({ "day": "1" })), catalog, code(&"x".repeat(20))])).await;
    not_taken(&sim, json!([]), 131008, "Button at index 3 of type \"COPY_CODE\" requires a parameter").await;
    not_taken(
        &sim,
        json!([code(&"x".repeat(21))]),
        131009,
        "Coupon code length invalid. Min length: 1, Max length: 20",
    )
    .await;
    not_taken(&sim, json!([code("SAVE"), reply("")]), 131009, "payload cannot be empty").await;
    not_taken(&sim, json!([code("SAVE"), flow(json!({}))]), 131009, "flow_action_data must not be an empty").await;
    let as_text = button("quick_reply", 0, json!({ "type": "text", "text": "more" }));
    not_taken(&sim, json!([code("SAVE"), as_text]), 132012, "expected PAYLOAD, received TEXT").await;
    let as_url = button("url", 0, json!({ "type": "payload", "payload": "more" }));
    not_taken(&sim, json!([code("SAVE"), as_url]), 132012, "expected QUICK_REPLY, received URL").await;
    let call = button("voice_call", 4, json!({ "type": "text", "text": "x" }));
    not_taken(&sim, json!([code("SAVE"), call]), 132000, "button: number of localizable_params (1)").await;
}

#[tokio::test]
async fn a_call_button_takes_how_long_it_works_and_what_the_call_carries() {
    let buttons = json!([{ "type": "QUICK_REPLY", "text": "More" }, { "type": "VOICE_CALL", "text": "Call us", "ttl_minutes": 1440 }]);
    let parts = json!([plain_body(), { "type": "buttons", "buttons": buttons }]);
    let sim = start_with_template("UTILITY", "positional", parts).await;
    let call =
        |parameters: Value| json!({ "type": "button", "sub_type": "voice_call", "index": 1, "parameters": parameters });
    let ttl = |minutes: Value| json!({ "type": "ttl_minutes", "ttl_minutes": minutes });
    let payload = |characters: usize| json!({ "type": "payload", "payload": "p".repeat(characters) });
    // As Meta's example has it: without an index.
    let mut unplaced = call(json!([ttl(json!(100)), payload(512)]));
    unplaced.as_object_mut().unwrap().remove("index");
    for parts in [json!([]), json!([unplaced]), json!([call(json!([]))]), json!([call(json!([payload(1)]))])] {
        taken(&sim, parts).await;
    }
    for minutes in [json!(0), json!(43_201), json!("100"), json!(null)] {
        not_taken(&sim, json!([call(json!([ttl(minutes)]))]), 131009, "ttl_minutes must be between 1 and 43200").await;
    }
    not_taken(&sim, json!([call(json!([payload(513)]))]), 131009, "Button payload length invalid").await;
    not_taken(&sim, json!([call(json!([payload(1), payload(1)]))]), 132000, "number of localizable_params (2)").await;
    not_taken(&sim, json!([call(json!([{ "type": "text", "text": "x" }]))]), 132012, "received TEXT").await;
    let elsewhere = button("voice_call", 0, payload(1));
    not_taken(&sim, json!([elsewhere]), 132012, "expected QUICK_REPLY, received VOICE_CALL").await;
}

#[tokio::test]
async fn thirty_products_in_ten_sections_and_no_more() {
    let buttons = json!([{ "type": "MPM", "text": "View items" }]);
    let parts = json!([plain_body(), { "type": "buttons", "buttons": buttons }]);
    let sim = start_with_template("MARKETING", "positional", parts).await;
    let section = |products: usize| json!({ "title": "Tea", "product_items": vec![json!({ "product_retailer_id": "a" }); products] });
    let mpm = |sections: Vec<Value>| {
        json!([button("mpm", 0, action(json!({ "thumbnail_product_retailer_id": "a", "sections": sections })))])
    };
    taken(&sim, mpm(vec![section(3); 10])).await;
    not_taken(&sim, mpm(vec![section(1); 11]), 131009, "Max allowed sections: 10").await;
    not_taken(&sim, mpm(vec![section(31)]), 131009, "Total product count exceed max allowed count: 30").await;
    not_taken(&sim, mpm(vec![section(0)]), 131009, "Min allowed product items: 1").await;
    let bare = button("mpm", 0, action(json!({ "sections": [section(1)] })));
    not_taken(&sim, json!([bare]), 100, "action['thumbnail_product_retailer_id'] is required").await;
}

#[tokio::test]
async fn an_offer_says_when_it_ends() {
    let offer =
        json!({ "type": "limited_time_offer", "limited_time_offer": { "text": "Now!", "has_expiration": true } });
    let buttons = json!([
        { "type": "COPY_CODE", "example": "SAVE" },
        { "type": "URL", "text": "Go", "url": "https://e.x/{{1}}", "example": ["https://e.x/a"] },
    ]);
    let body = json!({ "type": "body", "text": "Dear {{1}}, look.", "example": { "body_text": [["a"]] } });
    let parts = json!([body, offer, { "type": "buttons", "buttons": buttons }]);
    let sim = start_with_template("MARKETING", "positional", parts).await;
    let ends = |at: Value| {
        let offer = json!({ "type": "limited_time_offer", "limited_time_offer": { "expiration_time_ms": at } });
        json!({ "type": "limited_time_offer", "parameters": [offer] })
    };
    let code = button("copy_code", 0, json!({ "type": "coupon_code", "coupon_code": "SAVE" }));
    let url = button("url", 1, json!({ "type": "text", "text": "a" }));
    let named = |name: &str| json!({ "type": "body", "parameters": [{ "type": "text", "text": name }] });
    let body = named("Asha");
    taken(&sim, json!([body, ends(json!(1_209_600_000)), code, url])).await;
    not_taken(&sim, json!([body, code, url]), 132012, "expected LIMITED_TIME_OFFER, received UNKNOWN").await;
    not_taken(&sim, json!([body, ends(json!("soon")), code, url]), 131009, "expiration_time_ms must be").await;
    let long = named(&"x".repeat(600));
    not_taken(&sim, json!([long, ends(json!(1)), code, url]), 132005, "longer than 600 characters").await;
}

fn card(place: usize, body: &str, reply: &str) -> Value {
    json!({ "card_index": place, "components": [
        { "type": "header", "parameters": [{ "type": "image", "image": { "link": "https://e.x/a" } }] },
        { "type": "body", "parameters": [{ "type": "text", "text": body }] },
        button("quick_reply", 0, json!({ "type": "payload", "payload": reply })),
    ] })
}

#[tokio::test]
async fn a_carousel_has_as_many_cards_as_its_template() {
    let template_card = json!({ "components": [
        { "type": "header", "format": "product" },
        { "type": "body", "text": "Take {{1}} today.", "example": { "body_text": [["a"]] } },
        { "type": "buttons", "buttons": [{ "type": "quick_reply", "text": "More" }] },
    ] });
    let parts = json!([plain_body(), { "type": "carousel", "cards": [template_card, template_card] }]);
    let sim = start_with_template("MARKETING", "positional", parts).await;
    let product = |mut card: Value| {
        let product = json!({ "type": "product", "product": { "catalog_id": "7", "product_retailer_id": "a" } });
        card["components"][0]["parameters"] = json!([product]);
        card
    };
    let cards = |cards: Vec<Value>| json!([{ "type": "carousel", "cards": cards }]);
    let card_of = |place: usize, body: &str| product(card(place, body, "more"));
    taken(&sim, cards(vec![card_of(0, "tea"), card_of(1, "milk")])).await;
    not_taken(&sim, cards(vec![card_of(0, "tea")]), 132000, "carousel: number of localizable_params (1)").await;
    not_taken(&sim, json!([]), 132000, "expected number of params (2)").await;
    not_taken(&sim, cards(vec![card_of(0, "tea"), card_of(0, "tea")]), 131009, "exactly one card with card_index 0")
        .await;
    not_taken(
        &sim,
        cards(vec![card_of(0, "tea"), card(1, "milk", "more")]),
        132012,
        "expected PRODUCT, received IMAGE",
    )
    .await;
    let long = card_of(1, &"x".repeat(160));
    not_taken(&sim, cards(vec![card_of(0, "tea"), long]), 132005, "longer than 160 characters").await;
}

#[tokio::test]
async fn a_carousel_of_one_card_and_an_offer_below_a_text_are_not_created() {
    let sim = start().await;
    let cards = json!({ "type": "carousel", "cards": [{ "components": [plain_body()] }] });
    let offer = json!({ "type": "limited_time_offer", "limited_time_offer": { "text": "Now!" } });
    let head = json!({ "type": "header", "format": "text", "text": "For you" });
    for (parts, words) in [
        (json!([plain_body(), cards]), "a carousel has 2 to 10 cards"),
        (json!([plain_body(), { "type": "carousel", "cards": ["tea", 7] }]), "each card of a carousel has components"),
        (json!([head, plain_body(), offer]), "the header of a limited-time offer is IMAGE or VIDEO"),
    ] {
        let template = json!({ "name": "t", "language": "en_US", "category": "MARKETING", "components": parts });
        let answer = post(&sim, &format!("/{WABA}/message_templates"), &template).await;
        assert_eq!(answer.error_code(), 100);
        assert!(answer.body.contains(words), "{}", answer.body);
    }
}

#[tokio::test]
async fn a_one_time_code_goes_to_phones_alone() {
    let otp = json!([{ "type": "OTP", "otp_type": "COPY_CODE", "text": "Copy" }]);
    let parts = json!([{ "type": "body", "add_security_recommendation": true }, { "type": "buttons", "buttons": otp }]);
    let sim = start_with_template("AUTHENTICATION", "positional", parts).await;
    let filled = |code: &str| {
        json!([{ "type": "body", "parameters": [{ "type": "text", "text": code }] },
               button("url", 0, json!({ "type": "text", "text": code }))])
    };
    taken(&sim, filled(&"1".repeat(15))).await;
    not_taken(&sim, filled(&"1".repeat(16)), 131009, "Verification code length invalid").await;
    not_taken(&sim, json!([filled("1")[0]]), 131008, "of type \"OTP\" requires a parameter").await;
    let ids = call(&sim, "GET", &format!("/_sim/users/{}", &PHONE[1..]), "", b"").await.json();
    let mut message = sends(filled("1"));
    message.as_object_mut().unwrap().remove("to");
    message["recipient"] = ids["user_id"].clone();
    assert_eq!(send(&sim, &message).await.error_code(), 131_062);
}
