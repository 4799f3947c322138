//! Every kind of message, component and button: what is read, and what is refused where it stands.

use serde_json::{Value, json};

use super::{Content, Context, tests::read};

fn template(category: &str, components: Value) -> Value {
    json!({"type": "template", "name": "x", "language": "en", "category": category, "components": components})
}

pub(super) fn interactive(kind: &str, action: Value) -> Value {
    json!({"type": "interactive", "interactive": {"type": kind, "body": {"text": "Well?"}, "action": action}})
}

fn button(sub_type: &str, index: u8, parameter: Value) -> Value {
    json!({"type": "button", "sub_type": sub_type, "index": index, "parameters": [parameter]})
}

fn action(action: Value) -> Value {
    json!({"type": "action", "action": action})
}

fn header(parameter: Value) -> Value {
    json!({"type": "header", "parameters": [parameter]})
}

fn image() -> Value {
    header(json!({"type": "image", "image": {"asset": "{{ image }}"}}))
}

fn offer(ends: Value) -> Value {
    json!({"type": "limited_time_offer", "parameters": [
        {"type": "limited_time_offer", "limited_time_offer": {"expiration_time_ms": ends}}]})
}

fn coupon(index: u8) -> Value {
    button("copy_code", index, json!({"type": "coupon_code", "coupon_code": "{{ code }}"}))
}

fn text(text: &str) -> Value {
    json!({"type": "text", "text": text})
}

fn card(text_of_body: &str) -> Value {
    let payload = json!({"type": "payload", "payload": "more-{{ id }}"});
    let body = json!({"type": "body", "parameters": [text(text_of_body)]});
    json!({"components": [image(), body, button("quick_reply", 0, payload), button("url", 1, text("{{ id }}"))]})
}

fn call(parameters: Value) -> Value {
    json!({"type": "button", "sub_type": "voice_call", "index": 0, "parameters": parameters})
}

fn minutes(minutes: i64) -> Value {
    json!({"type": "ttl_minutes", "ttl_minutes": minutes})
}

fn payload(payload: &str) -> Value {
    json!({"type": "payload", "payload": payload})
}

fn carousel(cards: &[Value]) -> Value {
    json!({"type": "carousel", "cards": cards})
}

fn section(title: Option<&str>, products: usize) -> Value {
    let items: Vec<_> = (0..products).map(|n| json!({"product_retailer_id": format!("sku-{n}")})).collect();
    match title {
        None => json!({"product_items": items}),
        Some(title) => json!({"title": title, "product_items": items}),
    }
}

fn mpm(sections: Value) -> Value {
    button("mpm", 0, action(json!({"thumbnail_product_retailer_id": "sku-0", "sections": sections})))
}

fn code(body: &str, url: &str) -> Value {
    json!([{"type": "body", "parameters": [text(body)]}, button("url", 0, text(url))])
}

fn place() -> Value {
    json!({"latitude": "{{ latitude }}", "longitude": 77.594566, "name": "Shop", "address": "{{ street }}"})
}

fn flow(parameters: Value) -> Value {
    let mut all = json!({"flow_message_version": "3", "flow_id": "7", "flow_cta": "Begin", "mode": "draft", "flow_action": "navigate"});
    all.as_object_mut().expect("an object").extend(parameters.as_object().expect("an object").clone());
    interactive("flow", json!({"name": "flow", "parameters": all}))
}

fn contact(mut fields: Value) -> Value {
    fields["name"] = json!({"formatted_name": "{{ advisor }}", "first_name": "Asha"});
    json!({"type": "contacts", "contacts": [fields]})
}

#[test]
fn every_kind_reads_back_as_written() {
    let money = json!({"type": "currency", "currency": {"fallback_value": "₹ {{ price }}", "code": "INR", "amount_1000": 499_000}});
    let time = json!({"type": "date_time", "date_time": {"fallback_value": "{{ day }}"}});
    let product = json!({"catalog_id": "c", "product_retailer_id": "{{ sku }}"});
    let parts = json!([header(json!({"type": "location", "location": place()})),
        {"type": "body", "parameters": [text("{{ a }}"), money, time]},
        button("flow", 0, action(json!({"flow_token": "{{ id }}", "flow_action_data": {"name": ["{{ first_name }}", 1, null]}}))),
        button("catalog", 1, action(json!({}))), button("catalog", 2, action(json!({"thumbnail_product_retailer_id": "s"})))]);
    let mut marketing = template("MARKETING", json!([header(json!({"type": "gif", "gif": {"asset": "a"}}))]));
    marketing["marketing_messages"] = json!({"product_policy": "STRICT", "message_activity_sharing": false});
    let mut product_alone = interactive("product", product.clone());
    product_alone["interactive"].as_object_mut().expect("an object").remove("body");
    let mut list = interactive(
        "product_list",
        json!({"catalog_id": "c", "sections": [section(Some("a"), 29), section(Some("b"), 1)]}),
    );
    list["interactive"]["header"] = text("Ours");
    let mut quoting = json!({"type": "text", "text": {"body": "Yes", "preview_url": false}});
    quoting["context"] = json!({"message_id": "{{ last_message_id }}"});
    for given in [
        template("MARKETING", parts),
        template(
            "UTILITY",
            json!([header(json!({"type": "product", "product": product})), mpm(json!([section(None, 30)]))]),
        ),
        template("MARKETING", json!([image(), offer(json!("{{ ends }}")), coupon(0), button("url", 1, text("x"))])),
        template("MARKETING", json!([carousel(&[card("one"), card("two")])])),
        template("UTILITY", json!([call(json!([minutes(1), payload("order-{{ id }}")]))])),
        template("UTILITY", json!([call(json!([minutes(43_200)]))])),
        template("AUTHENTICATION", code("{{ code }}", "{{ code }}")),
        marketing,
        json!({"type": "location", "location": place()}),
        json!({"type": "reaction", "reaction": {"message_id": "{{ last_message_id }}", "emoji": ""}}),
        contact(json!({"phones": [{"phone": "+1", "type": "WORK", "wa_id": "1"}], "emails": [{"email": "a@e.x"}],
            "addresses": [{"city": "Pune", "country_code": "IN"}], "org": {"title": "Advisor"},
            "urls": [{"url": "https://e.x"}], "birthday": "{{ born }}"})),
        product_alone,
        list,
        interactive("catalog_message", json!({"name": "catalog_message"})),
        interactive(
            "catalog_message",
            json!({"name": "catalog_message", "parameters": {"thumbnail_product_retailer_id": "s"}}),
        ),
        interactive("location_request_message", json!({"name": "send_location"})),
        flow(json!({"flow_token": "t", "flow_action_payload": {"screen": "ONE", "data": {"a": {"b": "{{ c }}"}}}})),
        flow(json!({"flow_action": "data_exchange", "mode": "published"})),
        quoting,
    ] {
        let message = read(&given).expect("a message");
        assert_eq!(serde_json::to_value(&message).expect("JSON"), given);
        let copy = message.rotated(|template| vec![template.clone()]);
        assert_eq!(copy, message, "what it answers goes with it");
    }
}

#[test]
fn what_may_be_left_out_is_filled_in() {
    let bare = json!({"type": "button", "sub_type": "flow", "index": 0});
    let given = template("UTILITY", json!([bare]));
    let stored = serde_json::to_value(read(&given).expect("a message")).expect("JSON");
    assert_eq!(stored["components"], json!([button("flow", 0, action(json!({})))]));
    assert!(read(&stored).is_ok());
    let named = interactive("flow", json!({"name": "flow", "parameters": {"flow_name": "f", "flow_cta": "Go"}}));
    let stored = serde_json::to_value(read(&named).expect("a message")).expect("JSON");
    let parameters = &stored["interactive"]["action"]["parameters"];
    assert_eq!((&parameters["mode"], &parameters["flow_action"]), (&json!("published"), &json!("navigate")));
    let mut numbered = [card("a"), card("b")];
    numbered[1]["card_index"] = json!(1);
    assert!(read(&template("MARKETING", json!([carousel(&numbered)]))).is_ok());
    numbered[0]["card_index"] = json!(1);
    let why = read(&template("MARKETING", json!([carousel(&numbered)]))).expect_err("a fault");
    assert!(why.starts_with("/components/0/cards/0/card_index: is another than its place"), "{why}");
}

#[test]
fn what_the_own_message_answers_all_of_them_do() {
    let given = json!({"type": "text", "text": {"body": "Yes"}, "context": {"message_id": "m"},
                       "fallback": [{"type": "template", "name": "x", "language": "en"}]});
    let message = read(&given).expect("a message");
    assert_eq!(message.context, Some(Context { message_id: "m".to_owned() }));
    assert_eq!(message.templates().count(), 1);
    assert!(matches!(message.content, Content::Text { .. }));
}

/// Checks how each is refused: the beginning, pointer first.
pub(super) fn refused(cases: &[(Value, &str)]) {
    for (given, expected) in cases {
        let told = read(given).expect_err(expected);
        assert!(told.starts_with(expected), "{told}\n{expected}");
    }
}

fn parts(components: Value) -> Value {
    template("MARKETING", components)
}

#[test]
fn what_meta_does_not_take_of_cards_is_refused_where_it_stands() {
    let cards = |cards: &[Value]| parts(json!([carousel(cards)]));
    let mut other = card("b");
    other["components"][0] = header(json!({"type": "video", "video": {"id": "1"}}));
    let mut third = card("b");
    third["components"][3]["index"] = json!(2);
    let mut nested = card("b");
    nested["components"][0] = carousel(&[]);
    let mut document = card("b");
    document["components"][0] = header(json!({"type": "document", "document": {"id": "1"}}));
    let at = "/components/0/cards";
    refused(&[
        (cards(&[card("a")]), &format!("{at}: holds 1 cards; give 2 to 10.")),
        (cards(&vec![card("a"); 11]), &format!("{at}: holds 11 cards; give 2 to 10.")),
        (cards(&[card("a"), other]), &format!("{at}: the card 1 has other parts than the first card")),
        (cards(&[card("a"), third]), &format!("{at}/1/components/3/index: is 2; it must lie between 0 and 1.")),
        (
            cards(&[card("a"), nested]),
            &format!("{at}/1/components/0/type: `carousel` is not one of `header`, `body`, `button`."),
        ),
        (
            cards(&[card("a"), document]),
            &format!("{at}/1/components/0/parameters/0/type: `document` is not one of `image`, `video`, `product`."),
        ),
    ]);
}

#[test]
fn what_meta_does_not_take_of_headers_and_offers_is_refused_where_it_stands() {
    let place = json!({"type": "location", "location": {"latitude": 1, "longitude": 2, "name": "x"}});
    let ends = "/components/0/parameters/0/limited_time_offer/expiration_time_ms";
    refused(&[
        (parts(json!([offer(json!(1)), offer(json!(1))])), "/components: holds limited_time_offer twice"),
        (parts(json!([offer(json!([1]))])), &format!("{ends}: is a list; give a number, or a text")),
        (
            parts(json!([offer(json!(1)), coupon(1)])),
            "/components: takes the code of a limited-time offer in the button at index 0",
        ),
        (
            parts(json!([header(json!({"type": "text", "text": "a"})), offer(json!(1))])),
            "/components: takes `image` or `video`",
        ),
        (parts(json!([header(place)])), "/components/0/parameters/0/location/address: is missing"),
        (
            parts(json!([header(json!({"type": "gif", "gif": {"id": "1"}}))])),
            "/components: holds a `gif`, which only the Marketing Messages API takes",
        ),
    ]);
}

#[test]
fn what_meta_does_not_take_of_buttons_is_refused_where_it_stands() {
    let at = "/components/0/parameters/0/action";
    let sections = &format!("{at}/sections");
    refused(&[
        (
            parts(json!([mpm(json!([section(None, 31)]))])),
            &format!("{sections}: holds 31 products in all; give 1 to 30."),
        ),
        (
            parts(json!([mpm(json!(vec![section(Some("a"), 1); 11]))])),
            &format!("{sections}: holds 11 sections; give 1 to 10."),
        ),
        (
            parts(json!([mpm(json!([section(Some("a"), 1), section(None, 1)]))])),
            &format!("{sections}: holds several sections, one of them without a `title`"),
        ),
        (parts(json!([mpm(json!([section(None, 0)]))])), &format!("{sections}/0/product_items: is empty")),
        (
            parts(json!([button("flow", 0, action(json!({"flow_action_data": {}})))])),
            &format!("{at}/flow_action_data: is empty; give at least one member"),
        ),
        (
            parts(json!([button("catalog", 0, action(json!({"flow_token": "x"})))])),
            &format!("{at}/flow_token: is not a field"),
        ),
        (template("AUTHENTICATION", code("{{ code }}", "{{ id }}")), "/components: must hold the one-time code twice"),
    ]);
}

#[test]
fn what_meta_does_not_take_of_a_call_button_is_refused_where_it_stands() {
    let at = "/components/0/parameters";
    let each_once = format!("{at}: takes `ttl_minutes`, `payload` or both, each once.");
    let calls = |parameters: Value| parts(json!([call(parameters)]));
    refused(&[
        (calls(json!([minutes(0)])), &format!("{at}/0/ttl_minutes: is 0; it must lie between 1 and 43200.")),
        (calls(json!([minutes(43_201)])), &format!("{at}/0/ttl_minutes: is 43201; it must lie between 1 and 43200.")),
        (calls(json!([minutes(1), minutes(1)])), &each_once),
        (calls(json!([])), &each_once),
        (calls(json!([text("x")])), &format!("{at}/0/type: `text` is not one of `ttl_minutes`, `payload`.")),
    ]);
}

#[test]
fn the_marketing_messages_api_is_for_marketing_templates_and_has_words_of_its_own() {
    let mut utility = template("UTILITY", json!([]));
    utility["marketing_messages"] = json!({});
    let mut loose = template("MARKETING", json!([]));
    loose["marketing_messages"] = json!({"product_policy": "strict"});
    refused(&[
        (utility, "/marketing_messages: is for MARKETING templates, and this one is UTILITY"),
        (loose, "/marketing_messages/product_policy: `strict` is not one of `CLOUD_API_FALLBACK`, `STRICT`"),
    ]);
}

#[test]
fn what_meta_does_not_take_of_a_free_form_message_is_refused_where_it_stands() {
    let mut headed = interactive("catalog_message", json!({"name": "catalog_message"}));
    headed["interactive"]["header"] = text("x");
    let headless = interactive("product_list", json!({"catalog_id": "c", "sections": [section(None, 1)]}));
    let mut bodiless = interactive("location_request_message", json!({"name": "send_location"}));
    bodiless["interactive"].as_object_mut().expect("an object").remove("body");
    let cards: Vec<_> = vec![json!({"name": {"formatted_name": "a", "prefix": "Dr."}}); 258];
    let reaction =
        json!({"type": "reaction", "reaction": {"message_id": "m", "emoji": "x"}, "context": {"message_id": "m"}});
    let at = "/interactive/action/parameters";
    refused(&[
        (headed, "/interactive/header: does not go with `catalog_message`; leave it out."),
        (headless, "/interactive/header: is missing and required."),
        (bodiless, "/interactive/body: is missing and required."),
        (flow(json!({"flow_name": "f"})), &format!("{at}: takes exactly one of `flow_id` and `flow_name`.")),
        (flow(json!({"mode": "live"})), &format!("{at}/mode: `live` is not one of `published`, `draft`.")),
        (
            flow(json!({"flow_action": "data_exchange", "flow_action_payload": {"screen": "A"}})),
            &format!("{at}/flow_action_payload: goes with `navigate` only"),
        ),
        (
            flow(json!({"flow_action_payload": {"screen": "A", "data": {}}})),
            &format!("{at}/flow_action_payload/data: is empty"),
        ),
        (flow(json!({"flow_message_version": "2"})), &format!("{at}/flow_message_version: must be \"3\"")),
        (json!({"type": "contacts", "contacts": []}), "/contacts: holds 0 contacts; give 1 to 257."),
        (json!({"type": "contacts", "contacts": cards}), "/contacts: holds 258 contacts; give 1 to 257."),
        (
            json!({"type": "contacts", "contacts": [{"name": {"formatted_name": "a"}}]}),
            "/contacts/0/name: holds `formatted_name` alone; Meta needs at least one of `first_name`",
        ),
        (
            json!({"type": "contacts", "contacts": [{"name": {"formatted_name": "a", "first_name": "b"}, "phones": [{"phon": "1"}]}]}),
            "/contacts/0/phones/0/phone: is missing",
        ),
        (
            json!({"type": "location", "location": {"latitude": true, "longitude": 1}}),
            "/location/latitude: is a true or false; give a number, or a text",
        ),
        (reaction, "/context: does not go with a reaction"),
        (json!({"type": "text", "text": {"body": "x"}, "context": {}}), "/context/message_id: is missing"),
    ]);
}
