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

/// Makes a message that holds this text.
type Make = Box<dyn Fn(&str) -> Value>;

/// The fault of a fixed text, pointer first, and how the same value is refused when an attribute holds it.
#[test]
fn what_is_fixed_is_refused_at_once_and_what_varies_drops_its_row() {
    let long = |chars: usize| "x".repeat(chars);
    let offer = one("limited_time_offer", "limited_time_offer", &json!({"expiration_time_ms": 7}));
    let card = |body: &str| card(&json!({"id": "1"}), body, "p", json!(0));
    let cases: Vec<(Make, String, &str, &str)> = vec![
        (
            Box::new(|it| json!({"type": "location", "location": {"latitude": it, "longitude": 0}})),
            "91".into(),
            "/message/location/latitude",
            "is not a number from -90 to 90",
        ),
        (
            Box::new(|it| json!({"type": "location", "location": {"latitude": 0, "longitude": it}})),
            "east".into(),
            "/message/location/longitude",
            "is not a number from -180 to 180",
        ),
        (
            Box::new(
                |it| json!({"type": "contacts", "contacts": [{"name": {"formatted_name": "a", "prefix": "b"}, "birthday": it}]}),
            ),
            "31.12.1990".into(),
            "/message/contacts/0/birthday",
            "is not a date",
        ),
        (
            Box::new(|it| {
                template(json!([one(
                    "body",
                    "currency",
                    &json!({"fallback_value": "x", "code": it, "amount_1000": 1})
                )]))
            }),
            "rupees".into(),
            "/message/components/0/parameters/0/currency/code",
            "is not a currency",
        ),
        (
            Box::new(|it| {
                template(json!([one(
                    "body",
                    "currency",
                    &json!({"fallback_value": "x", "code": "INR", "amount_1000": it})
                )]))
            }),
            "4.5".into(),
            "/message/components/0/parameters/0/currency/amount_1000",
            "is not a whole number",
        ),
        (
            Box::new(|it| {
                template(json!([one("limited_time_offer", "limited_time_offer", &json!({"expiration_time_ms": it}))]))
            }),
            "0".into(),
            "/message/components/0/parameters/0/limited_time_offer/expiration_time_ms",
            "is not a whole number, or is too small",
        ),
        (
            Box::new(move |it| template(json!([offer.clone(), one("body", "text", &json!(it))]))),
            long(601),
            "/message/components/1/parameters/0/text",
            "is longer than 600 characters",
        ),
        (
            Box::new(move |it| template(carousel(&[card("a"), card(it)]))),
            long(161),
            "/message/components/0/cards/1/components/1/parameters/0/text",
            "is longer than 160 characters",
        ),
        (
            Box::new(|it| {
                let mut given =
                    template(json!([one("body", "text", &json!(it)), button("url", json!(0), "text", &json!(it))]));
                given["category"] = json!("AUTHENTICATION");
                given
            }),
            long(16),
            "/message/components/0/parameters/0/text",
            "is longer than 15 characters",
        ),
        (
            Box::new(|it| template(json!([button("voice_call", json!(0), "payload", &json!(it))]))),
            long(513),
            "/message/components/0/parameters/0/payload",
            "is longer than 512 characters",
        ),
        (
            Box::new(|it| template(json!([one("body", "date_time", &json!({"fallback_value": it}))]))),
            "a\nb".into(),
            "/message/components/0/parameters/0/date_time/fallback_value",
            "holds a new line",
        ),
        (
            Box::new(
                |it| json!({"type": "interactive", "interactive": {"type": "flow", "body": {"text": "x"}, "action": {"name": "flow", "parameters": {"flow_id": "1", "flow_cta": it}}}}),
            ),
            long(31),
            "/message/interactive/action/parameters/flow_cta",
            "is longer than 30 characters",
        ),
        (
            Box::new(|it| json!({"type": "reaction", "reaction": {"message_id": it, "emoji": "x"}})),
            String::new(),
            "/message/reaction/message_id",
            "is empty",
        ),
    ];
    for (given, value, pointer, why) in cases {
        if !value.is_empty() {
            let fixed = faults(&given(&value));
            assert!(fixed[0].pointer == pointer && fixed[0].detail.starts_with(why), "{fixed:?}");
        }
        match render(&given("{{ it }}"), &[("it", value.as_str())]) {
            Err(RenderError::BadParameter { place, why: told }) => {
                assert!(place == pointer && told.starts_with(why), "{place}: {told}")
            }
            other => panic!("{pointer}: {other:?}"),
        }
    }
}
