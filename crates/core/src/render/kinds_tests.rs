//! Every kind of message, component and button as it goes out.

use serde_json::{Value, json};

use super::{
    RenderError, Renderer, Renderers,
    tests::{CALLBACK, faults, message, render, template},
};

const ASHA: [(&str, &str); 9] = [
    ("first_name", "Asha"),
    ("image", "monday"),
    ("amount", "499000"),
    ("ends", "1790000000000"),
    ("latitude", "12.97"),
    ("born", "1990-02-28"),
    ("last", "wamid.1"),
    ("sku", "sku-7"),
    ("code", "KING25"),
];

fn text(text: &str) -> Value {
    json!({"type": "text", "text": text})
}

fn button(sub_type: &str, index: Value, kind: &str, value: &Value) -> Value {
    json!({"type": "button", "sub_type": sub_type, "index": index, "parameters": [{"type": kind, kind: value}]})
}

fn one(kind: &str, parameter: &str, value: &Value) -> Value {
    json!({"type": kind, "parameters": [{"type": parameter, parameter: value}]})
}

/// Renders a template for Asha and compares its components with what the Cloud API is to get.
fn components(given: Value, expected: &Value) {
    let body = render(&template(given), &ASHA).expect("a body");
    assert_eq!(&body["template"]["components"], expected);
}

#[test]
fn headers_bodies_and_buttons_of_every_kind_are_rendered() {
    let money = |text: &str, amount: Value| json!({"type": "currency", "currency": {"fallback_value": text, "code": "INR", "amount_1000": amount}});
    let time = |text: &str| json!({"type": "date_time", "date_time": {"fallback_value": text}});
    let place = |latitude: Value, longitude: Value| json!({"latitude": latitude, "longitude": longitude, "name": "Shop", "address": "1 Road"});
    let call = |index: Value, payload: &str| {
        json!({"type": "button", "sub_type": "voice_call", "index": index, "parameters": [
            {"type": "ttl_minutes", "ttl_minutes": 60}, {"type": "payload", "payload": payload}]})
    };
    let data = |name: &str| json!({"flow_token": "t", "flow_action_data": {"a/b": [name, 1, null, ""]}});
    let sections = |sku: &str| json!({"thumbnail_product_retailer_id": sku, "sections": [{"title": "Ours", "product_items": [{"product_retailer_id": sku}]}]});
    components(
        json!([
            one("header", "location", &place(json!("{{ latitude }}"), json!(-77.5))),
            {"type": "body", "parameters": [money("₹ {{ amount }}", json!("{{ amount }}")), money("₹ -1", json!(-1000)), time("for {{ first_name }}")]},
            button("flow", json!(0), "action", &data("{{ first_name }}")),
            {"type": "button", "sub_type": "catalog", "index": 1},
            button("mpm", json!(2), "action", &sections("{{ sku }}")),
            call(json!(3), "order-{{ sku }}"),
        ]),
        &json!([
            one("header", "location", &place(json!("12.97"), json!("-77.5"))),
            {"type": "body", "parameters": [money("₹ 499000", json!(499_000)), money("₹ -1", json!(-1000)), time("for Asha")]},
            button("flow", json!("0"), "action", &data("Asha")),
            button("catalog", json!("1"), "action", &json!({})),
            button("mpm", json!("2"), "action", &sections("sku-7")),
            call(json!("3"), "order-sku-7"),
        ]),
    );
    let product = |sku: &str| one("header", "product", &json!({"catalog_id": "c", "product_retailer_id": sku}));
    let offer = |ends: Value| one("limited_time_offer", "limited_time_offer", &json!({"expiration_time_ms": ends}));
    components(json!([product("{{ sku }}")]), &json!([product("sku-7")]));
    components(
        json!([offer(json!("{{ ends }}")), button("copy_code", json!(0), "coupon_code", &json!("{{ code }}"))]),
        &json!([offer(json!(1_790_000_000_000_i64)), button("copy_code", json!("0"), "coupon_code", &json!("KING25"))]),
    );
    components(json!([offer(json!(7))]), &json!([offer(json!(7))]));
}

fn card(image: &Value, body: &str, payload: &str, index: Value) -> Value {
    json!({"components": [one("header", "image", image), one("body", "text", &json!(body)),
                          button("quick_reply", index, "payload", &json!(payload))]})
}

fn carousel(cards: &[Value]) -> Value {
    json!([{"type": "carousel", "cards": cards}])
}

#[test]
fn cards_are_numbered_and_need_their_files() {
    let own = json!({"asset": "{{ image }}"});
    let given = carousel(&[
        card(&own, "For {{ first_name }}", "p-{{ code }}", json!(0)),
        card(&json!({"link": "https://e.x/{{ code }}"}), "b", "q", json!(0)),
    ]);
    let mut expected = carousel(&[
        card(&json!({"id": "id-of-monday"}), "For Asha", "p-KING25", json!("0")),
        card(&json!({"link": "https://e.x/KING25"}), "b", "q", json!("0")),
    ]);
    expected[0]["cards"][0]["card_index"] = json!(0);
    expected[0]["cards"][1]["card_index"] = json!(1);
    components(given.clone(), &expected);
    let renderer = Renderer::compile(&message(&template(given)).content, "/message").expect("a renderer");
    assert_eq!(renderer.assets(&ASHA[..]).expect("assets"), ["monday"]);
    assert!(renderer.assets_vary());
    let lost = template(carousel(&[
        card(&json!({"asset": "lost"}), "a", "p", json!(0)),
        card(&json!({"asset": "x"}), "b", "q", json!(0)),
    ]));
    assert_eq!(render(&lost, &ASHA), Err(RenderError::MissingAsset("lost".to_owned())));
}

/// A free-form message that goes out just as it is written, but for its texts.
fn as_written(given: Value, texts: &[(&str, Value)]) {
    let mut expected = given.clone();
    for (pointer, value) in texts {
        *expected.pointer_mut(pointer).expect("a place") = value.clone();
    }
    expected["messaging_product"] = json!("whatsapp");
    expected["recipient_type"] = json!("individual");
    expected["to"] = json!("+919876543210");
    expected["biz_opaque_callback_data"] = json!(CALLBACK);
    assert_eq!(render(&given, &ASHA), Ok(expected));
}

#[test]
fn free_form_messages_of_every_kind_are_rendered_whole() {
    let interactive = |kind: &str, action: Value| json!({"type": "interactive", "interactive": {"type": kind, "body": {"text": "{{ first_name }}?"}, "action": action}});
    let asha = ("/interactive/body/text", json!("Asha?"));
    as_written(
        json!({"type": "location", "location": {"latitude": "{{ latitude }}", "longitude": 77, "name": "{{ first_name }}"}}),
        &[
            ("/location/latitude", json!("12.97")),
            ("/location/longitude", json!("77")),
            ("/location/name", json!("Asha")),
        ],
    );
    as_written(
        json!({"type": "reaction", "reaction": {"message_id": "{{ last }}", "emoji": ""}}),
        &[("/reaction/message_id", json!("wamid.1"))],
    );
    as_written(
        json!({"type": "contacts", "contacts": [{"name": {"formatted_name": "{{ first_name }}", "last_name": "K"},
            "phones": [{"phone": "+1"}], "org": {"title": "An advisor with a title that is as long as it likes"}, "birthday": "{{ born }}"}]}),
        &[("/contacts/0/name/formatted_name", json!("Asha")), ("/contacts/0/birthday", json!("1990-02-28"))],
    );
    let mut product = interactive("product", json!({"catalog_id": "c", "product_retailer_id": "{{ sku }}"}));
    product["interactive"].as_object_mut().expect("an object").remove("body");
    product["interactive"]["footer"] = json!({"text": "ours"});
    as_written(product, &[("/interactive/action/product_retailer_id", json!("sku-7"))]);
    let mut list = interactive(
        "product_list",
        json!({"catalog_id": "c", "sections": [{"title": "{{ first_name }}", "product_items": [{"product_retailer_id": "s"}]}]}),
    );
    list["interactive"]["header"] = text("Ours");
    as_written(list, &[asha.clone(), ("/interactive/action/sections/0/title", json!("Asha"))]);
    as_written(interactive("catalog_message", json!({"name": "catalog_message"})), std::slice::from_ref(&asha));
    as_written(interactive("location_request_message", json!({"name": "send_location"})), std::slice::from_ref(&asha));
    let parameters = json!({"flow_message_version": "3", "flow_id": "7", "flow_cta": "Go", "flow_token": "{{ last }}", "mode": "draft",
        "flow_action": "navigate", "flow_action_payload": {"screen": "ONE", "data": {"who": {"name": "{{ first_name }}", "empty": ""}}}});
    as_written(
        interactive("flow", json!({"name": "flow", "parameters": parameters})),
        &[
            asha,
            ("/interactive/action/parameters/flow_token", json!("wamid.1")),
            ("/interactive/action/parameters/flow_action_payload/data/who/name", json!("Asha")),
        ],
    );
}

#[test]
fn what_is_answered_and_how_marketing_goes_out_stand_beside_the_message() {
    as_answer();
    let mut given = template(json!([]));
    given["category"] = json!("MARKETING");
    let plain = Renderer::compile(&message(&given).content, "/message").expect("a renderer");
    given["marketing_messages"] = json!({"product_policy": "STRICT", "message_activity_sharing": true});
    let by_marketing = Renderer::compile(&message(&given).content, "/message").expect("a renderer");
    assert_eq!((plain.by_marketing_messages(), by_marketing.by_marketing_messages()), (false, true));
    let body = render(&given, &ASHA).expect("a body");
    assert_eq!((&body["product_policy"], &body["message_activity_sharing"]), (&json!("STRICT"), &json!(true)));
}

fn as_answer() {
    let given = json!({"type": "text", "text": {"body": "Yes"}, "context": {"message_id": "{{ last }}"},
                       "fallback": [{"type": "template", "name": "x", "language": "en"}]});
    let renderers = Renderers::compile(&message(&given)).expect("renderers");
    assert_eq!(renderers.attributes(), ["last"]);
    for (choice, _) in message(&given).all() {
        let mut out = Vec::new();
        let phone = "+919876543210".parse().expect("a phone");
        let rendered = renderers.of(choice).expect("one").render(&ASHA[..], &|_| None, phone, CALLBACK, &mut out);
        rendered.expect("rendered");
        let body: Value = serde_json::from_slice(&out).expect("JSON");
        assert_eq!(body["context"], json!({"message_id": "wamid.1"}));
    }
    let mut broken = given;
    broken["context"]["message_id"] = json!("{{ last");
    let told = Renderers::compile(&message(&broken)).expect_err("a fault");
    assert_eq!(told.iter().map(|it| it.pointer.as_str()).collect::<Vec<_>>(), ["/message/context/message_id"], "once");
}

/// Checks the fault of a fixed text, pointer first, and that the same value is refused alike when an attribute holds it.
fn refused(make: impl Fn(&str) -> Value, value: &str, pointer: &str, why: &str) {
    // A fixed text that is empty is a fault of the campaign's form, and found before.
    if !value.is_empty() {
        let fixed = faults(&make(value));
        assert!(fixed[0].pointer == pointer && fixed[0].detail.starts_with(why), "{fixed:?}");
    }
    match render(&make("{{ it }}"), &[("it", value)]) {
        Err(RenderError::BadParameter { place, why: told }) => {
            assert!(place == pointer && told.starts_with(why), "{place}: {told}")
        }
        other => panic!("{pointer}: {other:?}"),
    }
}

fn long(characters: usize) -> String {
    "x".repeat(characters)
}

#[test]
fn what_free_form_messages_do_not_take_is_refused_where_fixed_and_drops_its_row_where_it_varies() {
    let place = |latitude: &str, longitude: &str| json!({"type": "location", "location": {"latitude": latitude, "longitude": longitude}});
    refused(|it| place(it, "0"), "91", "/message/location/latitude", "is not a number from -90 to 90");
    refused(|it| place("0", it), "east", "/message/location/longitude", "is not a number from -180 to 180");
    let born = |it: &str| json!({"type": "contacts", "contacts": [{"name": {"formatted_name": "a", "prefix": "b"}, "birthday": it}]});
    refused(born, "31.12.1990", "/message/contacts/0/birthday", "is not a date");
    let flow = |it: &str| {
        let action = json!({"name": "flow", "parameters": {"flow_id": "1", "flow_cta": it}});
        json!({"type": "interactive", "interactive": {"type": "flow", "body": {"text": "x"}, "action": action}})
    };
    let pointer = "/message/interactive/action/parameters/flow_cta";
    refused(flow, &long(31), pointer, "is longer than 30 characters");
    let reaction = |it: &str| json!({"type": "reaction", "reaction": {"message_id": it, "emoji": "x"}});
    refused(reaction, "", "/message/reaction/message_id", "is empty");
}

#[test]
fn figures_that_templates_do_not_take_are_refused_where_fixed_and_drop_their_row_where_they_vary() {
    let money = |code: &str, amount: &str| {
        template(json!([one("body", "currency", &json!({"fallback_value": "x", "code": code, "amount_1000": amount}))]))
    };
    let pointer = "/message/components/0/parameters/0/currency";
    refused(|it| money(it, "1"), "rupees", &format!("{pointer}/code"), "is not a currency");
    refused(|it| money("INR", it), "4.5", &format!("{pointer}/amount_1000"), "is not a whole number");
    let offer = |it: &str| {
        template(json!([one("limited_time_offer", "limited_time_offer", &json!({"expiration_time_ms": it}))]))
    };
    let pointer = "/message/components/0/parameters/0/limited_time_offer/expiration_time_ms";
    refused(offer, "0", pointer, "is not a whole number, or is too small");
}

#[test]
fn texts_that_templates_do_not_take_are_refused_where_fixed_and_drop_their_row_where_they_vary() {
    let offer = one("limited_time_offer", "limited_time_offer", &json!({"expiration_time_ms": 7}));
    let offered = |it: &str| template(json!([offer, one("body", "text", &json!(it))]));
    refused(offered, &long(601), "/message/components/1/parameters/0/text", "is longer than 600 characters");
    let card = |body: &str| card(&json!({"id": "1"}), body, "p", json!(0));
    let carried = |it: &str| template(carousel(&[card("a"), card(it)]));
    let pointer = "/message/components/0/cards/1/components/1/parameters/0/text";
    refused(carried, &long(161), pointer, "is longer than 160 characters");
    let code = |it: &str| {
        let mut given = template(json!([one("body", "text", &json!(it)), button("url", json!(0), "text", &json!(it))]));
        given["category"] = json!("AUTHENTICATION");
        given
    };
    refused(code, &long(16), "/message/components/0/parameters/0/text", "is longer than 15 characters");
    let call = |it: &str| template(json!([button("voice_call", json!(0), "payload", &json!(it))]));
    refused(call, &long(513), "/message/components/0/parameters/0/payload", "is longer than 512 characters");
    let time = |it: &str| template(json!([one("body", "date_time", &json!({"fallback_value": it}))]));
    let pointer = "/message/components/0/parameters/0/date_time/fallback_value";
    refused(time, "a\nb", pointer, "holds a new line");
}
