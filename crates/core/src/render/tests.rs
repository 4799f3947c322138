use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::{
    campaign::{CampaignSpec, Choice, Message},
    fault::Fault,
};

pub(super) const CALLBACK: &str = "v1:run.0.0:1";

pub(super) fn message(message: &Value) -> Message {
    let spec = json!({
        "pool": "p", "audience": {"id": "a"}, "schedule": {"type": "now"}, "message": message,
    });
    CampaignSpec::parse(spec.to_string().as_bytes()).expect("a campaign").message
}

pub(super) fn template(components: Value) -> Value {
    json!({"type": "template", "name": "daily_pack_v1", "language": "en_IN", "components": components})
}

fn body(text: &str) -> Value {
    template(json!([{"type": "body", "parameters": [{"type": "text", "text": text}]}]))
}

fn image(asset: &str) -> Value {
    template(json!([{"type": "header", "parameters": [{"type": "image", "image": {"asset": asset}}]}]))
}

fn phone() -> Phone {
    "+919876543210".parse().expect("a phone")
}

/// Every asset but `lost` is on the number.
fn media(asset: &str) -> Option<String> {
    (asset != "lost").then(|| format!("id-of-{asset}"))
}

fn compile(message: &Message) -> Result<Renderer, Faults> {
    Renderer::compile(&message.content, "/message")
}

pub(super) fn render(given: &Value, recipient: &[(&str, &str)]) -> Result<Value, RenderError> {
    let renderer = compile(&message(given)).expect("a renderer");
    let mut out = b"before".to_vec();
    let rendered = renderer.render(recipient, &media, phone(), CALLBACK, &mut out);
    match rendered {
        Ok(()) => Ok(serde_json::from_slice(&out["before".len()..]).expect("JSON")),
        Err(error) => {
            assert_eq!(out, b"before", "what was written is taken back");
            Err(error)
        }
    }
}

pub(super) fn faults(given: &Value) -> Vec<Fault> {
    compile(&message(given)).expect_err("faults").into_iter().collect()
}

#[test]
fn a_template_is_rendered_whole() {
    let given = template(json!([
        {"type": "header", "parameters": [{"type": "document", "document": {"asset": "{{ pack }}", "filename": "{{ first_name }}.pdf"}}]},
        {"type": "body", "parameters": [
            {"type": "text", "parameter_name": "first_name", "text": "{{ first_name }}"},
            {"type": "text", "parameter_name": "greeting", "text": "Good \"morning\""}]},
        {"type": "button", "sub_type": "url", "index": 0, "parameters": [{"type": "text", "text": "u/{{ id }}"}]},
        {"type": "button", "sub_type": "quick_reply", "index": "1", "parameters": [{"type": "payload", "payload": "stop"}]},
        {"type": "button", "sub_type": "copy_code", "index": 2, "parameters": [{"type": "coupon_code", "coupon_code": "{{ id }}"}]}
    ]));
    let rendered = render(&given, &[("first_name", "Ana"), ("id", "7"), ("pack", "monday")]);
    let expected = json!({
        "messaging_product": "whatsapp", "recipient_type": "individual", "to": "+919876543210", "type": "template",
        "template": {"name": "daily_pack_v1", "language": {"code": "en_IN"}, "components": [
            {"type": "header", "parameters": [{"type": "document", "document": {"id": "id-of-monday", "filename": "Ana.pdf"}}]},
            {"type": "body", "parameters": [
                {"type": "text", "parameter_name": "first_name", "text": "Ana"},
                {"type": "text", "parameter_name": "greeting", "text": "Good \"morning\""}]},
            {"type": "button", "sub_type": "url", "index": "0", "parameters": [{"type": "text", "text": "u/7"}]},
            {"type": "button", "sub_type": "quick_reply", "index": "1", "parameters": [{"type": "payload", "payload": "stop"}]},
            {"type": "button", "sub_type": "copy_code", "index": "2", "parameters": [{"type": "coupon_code", "coupon_code": "7"}]}
        ]},
        "biz_opaque_callback_data": CALLBACK,
    });
    assert_eq!(rendered, Ok(expected));
}

#[test]
fn a_free_text_is_rendered_whole() {
    let given = json!({"type": "text", "text": {"body": "Hi {{ first_name }},\nsee https://e.x", "preview_url": true}});
    let expected = json!({
        "messaging_product": "whatsapp", "recipient_type": "individual", "to": "+919876543210", "type": "text",
        "text": {"body": "Hi Ana,\nsee https://e.x", "preview_url": true}, "biz_opaque_callback_data": CALLBACK,
    });
    assert_eq!(render(&given, &[("first_name", "Ana")]), Ok(expected));
}

/// A free-form message as the Cloud API is to get it: the object that is named like its type.
fn free_form(kind: &str, given: Value, expected: &Value) {
    let body =
        render(&json!({"type": kind, kind: given}), &[("first_name", "Ana"), ("pack", "monday")]).expect("a body");
    assert_eq!((&body["type"], &body[kind]), (&json!(kind), expected));
    assert_eq!((&body["to"], &body["biz_opaque_callback_data"]), (&json!("+919876543210"), &json!(CALLBACK)));
}

#[test]
fn a_file_is_rendered_with_what_is_shown_with_it() {
    free_form(
        "document",
        json!({"asset": "{{ pack }}", "caption": "For {{ first_name }}", "filename": "a.pdf"}),
        &json!({"id": "id-of-monday", "caption": "For Ana", "filename": "a.pdf"}),
    );
    free_form("image", json!({"link": "https://e.x/a.png"}), &json!({"link": "https://e.x/a.png"}));
    free_form("audio", json!({"id": "7", "voice": true}), &json!({"id": "7", "voice": true}));
    free_form("sticker", json!({"asset": "wave"}), &json!({"id": "id-of-wave"}));
}

#[test]
fn an_interactive_message_is_rendered_whole() {
    let buttons = json!([{"type": "reply", "reply": {"id": "yes-{{ first_name }}", "title": "Yes"}},
                         {"type": "reply", "reply": {"id": "no", "title": "No, {{ first_name }}"}}]);
    let given = json!({"type": "button", "header": {"type": "image", "image": {"asset": "{{ pack }}"}},
                       "body": {"text": "Well, {{ first_name }}?"}, "footer": {"text": "Till noon"}, "action": {"buttons": buttons}});
    let mut expected = given.clone();
    expected["header"]["image"] = json!({"id": "id-of-monday"});
    expected["body"]["text"] = json!("Well, Ana?");
    expected["action"]["buttons"][0]["reply"]["id"] = json!("yes-Ana");
    expected["action"]["buttons"][1]["reply"]["title"] = json!("No, Ana");
    free_form("interactive", given, &expected);

    let rows = json!([{"id": "1", "title": "Soup", "description": "Hot"}, {"id": "2", "title": "Salad"}]);
    let sections = json!([{"title": "Today", "rows": rows}, {"title": "Later", "rows": [{"id": "3", "title": "Tea"}]}]);
    let list = json!({"type": "list", "header": {"type": "text", "text": "Lunch"}, "body": {"text": "What?"},
                      "action": {"button": "Menu", "sections": sections}});
    free_form("interactive", list.clone(), &list);
    let parameters = json!({"display_text": "Order", "url": "https://e.x"});
    let link = json!({"type": "cta_url", "body": {"text": "Hungry?"}, "action": {"name": "cta_url", "parameters": parameters}});
    free_form("interactive", link.clone(), &link);
}

#[test]
fn texts_that_are_longer_than_meta_takes_are_told_with_the_limit() {
    let long = |chars: usize| "x".repeat(chars);
    let list = json!({"type": "interactive", "interactive": {"type": "list",
        "header": {"type": "text", "text": long(61)}, "body": {"text": long(4097)}, "footer": {"text": long(61)},
        "action": {"button": long(21), "sections": [{"title": long(25), "rows": [
            {"id": long(201), "title": long(25), "description": long(73)}]}]}}});
    let at = |place: &str| format!("/message/interactive/{place}");
    let row = "action/sections/0/rows/0";
    let expected = [
        (at("header/text"), 60),
        (at("body/text"), 4096),
        (at("footer/text"), 60),
        (at("action/button"), 20),
        (at("action/sections/0/title"), 24),
        (at(&format!("{row}/id")), 200),
        (at(&format!("{row}/title")), 24),
        (at(&format!("{row}/description")), 72),
    ];
    let told: Vec<_> = faults(&list).into_iter().map(|fault| fault.to_string()).collect();
    let wanted = expected
        .map(|(at, limit)| format!("{at}: is longer than {limit} characters, the most that Meta takes: shorten it."));
    assert_eq!(told, wanted);
    let buttons = json!([{"type": "reply", "reply": {"id": long(257), "title": long(21)}}]);
    let button = json!({"type": "interactive", "interactive": {"type": "button", "body": {"text": long(1025)}, "action": {"buttons": buttons}}});
    let link = json!({"type": "interactive", "interactive": {"type": "cta_url", "body": {"text": long(1025)},
        "action": {"name": "cta_url", "parameters": {"display_text": long(21), "url": "e.x"}}}});
    let image = json!({"type": "image", "image": {"id": "1", "caption": long(1025)}});
    assert_eq!([faults(&button).len(), faults(&link).len(), faults(&image).len()], [3, 3, 1]);
    assert!(faults(&link)[2].detail.starts_with("is not an address"));
}

#[test]
fn both_messages_of_a_campaign_are_prepared_and_their_faults_told_where_they_stand() {
    let text = |body: &str, fallback: Value| json!({"type": "text", "text": {"body": body}, "fallback": [fallback]});
    let both = message(&text("{{ b }}", body("{{ a }} {{ b }}")));
    let renderers = Renderers::compile(&both).expect("renderers");
    assert_eq!(renderers.attributes(), ["a", "b"]);
    assert_eq!(renderers.of(Choice::OWN).map(Renderer::attributes), Some(&["b".to_owned()][..]));
    assert!(renderers.of(Choice::FALLBACK).is_some());
    let faults = Renderers::compile(&message(&text("{{ b", body("two\nlines")))).expect_err("two faults");
    let pointers: Vec<_> = faults.iter().map(|fault| fault.pointer.as_str()).collect();
    assert_eq!(pointers, ["/message/text/body", "/message/fallback/0/components/0/parameters/0/text"]);
}

#[test]
fn a_header_takes_a_link_or_an_id_as_it_stands() {
    let source = |image: Value| {
        let given = template(json!([{"type": "header", "parameters": [{"type": "image", "image": image}]}]));
        render(&given, &[("host", "e.x")])
            .map(|body| body["template"]["components"][0]["parameters"][0]["image"].clone())
    };
    assert_eq!(source(json!({"link": "https://{{ host }}/a.png"})), Ok(json!({"link": "https://e.x/a.png"})));
    assert_eq!(source(json!({"id": "42"})), Ok(json!({"id": "42"})));
}

#[test]
fn what_a_recipient_lacks_is_named() {
    assert_eq!(render(&body("{{ nick }}"), &[]), Err(RenderError::MissingAttribute("nick".to_owned())));
    assert_eq!(render(&image("{{ image }}"), &[("image", "lost")]), Err(RenderError::MissingAsset("lost".to_owned())));
}

#[test]
fn a_value_that_meta_would_refuse_is_told_by_its_place_and_not_quoted() {
    for value in ["", " ", "secret\nline", "secret\ttab", "secret     gap"] {
        let Err(RenderError::BadParameter { place, why }) = render(&body("{{ a }}"), &[("a", value)]) else {
            panic!("{value:?} was taken")
        };
        assert_eq!(place, "/message/components/0/parameters/0/text");
        assert!(!why.contains("secret"), "{why}");
    }
    assert!(matches!(render(&image("{{ a }}"), &[("a", "")]), Err(RenderError::BadParameter { .. })));
}

#[test]
fn fixed_texts_are_judged_once_and_all_together() {
    let given = template(json!([
        {"type": "header", "parameters": [{"type": "image", "image": {"link": "ftp://e.x/a"}}]},
        {"type": "body", "parameters": [{"type": "text", "text": "{{ first_name"}, {"type": "text", "text": "two\nlines"}]},
        {"type": "button", "sub_type": "copy_code", "index": 0, "parameters": [{"type": "coupon_code", "coupon_code": "123456789012345678901"}]},
    ]));
    let pointers: Vec<_> = faults(&given).into_iter().map(|fault| fault.pointer).collect();
    let expected = [
        "/message/components/0/parameters/0/image/link",
        "/message/components/1/parameters/0/text",
        "/message/components/1/parameters/1/text",
        "/message/components/2/parameters/0/coupon_code",
    ];
    assert_eq!(pointers, expected);
}

#[test]
fn a_broken_expression_is_a_fault_with_a_remedy() {
    let detail = faults(&body("{{ first_name | shout }} {{")).remove(0).detail;
    assert!(detail.starts_with("is not a valid template: "), "{detail}");
    assert!(detail.ends_with("Write an attribute as `{{ first_name }}`."), "{detail}");
}

#[test]
fn the_attributes_used_are_known() {
    let given = template(json!([
        {"type": "header", "parameters": [{"type": "image", "image": {"asset": "{{ image }}"}}]},
        {"type": "body", "parameters": [{"type": "text", "text": "{{ b | upper }} {{ a }}"}, {"type": "text", "text": "{{ a }}"}]},
    ]));
    let renderer = compile(&message(&given)).expect("a renderer");
    assert_eq!(renderer.attributes(), ["a", "b", "image"]);
}

#[test]
fn the_assets_needed_are_known_before_sending() {
    let fixed = compile(&message(&image("monday"))).expect("a renderer");
    let own = compile(&message(&image("{{ plan }}-pack"))).expect("a renderer");
    let recipient = [("plan", "pro")];
    assert!(!fixed.assets_vary() && own.assets_vary());
    assert_eq!(fixed.assets(&recipient[..]).expect("assets"), ["monday"]);
    assert_eq!(own.assets(&recipient[..]).expect("assets"), ["pro-pack"]);
    let nobody: [(&str, &str); 0] = [];
    assert_eq!(own.assets(&nobody[..]), Err(RenderError::MissingAttribute("plan".to_owned())));
}

proptest! {
    #[test]
    fn whatever_an_attribute_holds_arrives_as_it_is(
        name in "[^\\s\\p{C}][^\\p{C}\n\r\t ]{0,30}",
        line in "[\"\\\\/<>&{}'\u{2028}\u{7f}\u{1}é😀]{1,20}",
        callback in "\\PC{0,40}",
    ) {
        let given = template(json!([{"type": "body", "parameters": [
            {"type": "text", "text": "{{ name }}"}, {"type": "text", "text": "<{{ line }}>"}, {"type": "text", "text": "{{ line ~ name }}"}]}]));
        let renderer = compile(&message(&given)).expect("a renderer");
        let mut out = Vec::new();
        let recipient = [("name", name.as_str()), ("line", line.as_str())];
        renderer.render(&recipient[..], &media, phone(), &callback, &mut out).expect("rendered");
        let rendered: Value = serde_json::from_slice(&out).expect("JSON");
        let texts: Vec<_> = (0..3).map(|n| &rendered["template"]["components"][0]["parameters"][n]["text"]).collect();
        prop_assert_eq!(texts, [&json!(name), &json!(format!("<{line}>")), &json!(format!("{line}{name}"))]);
        prop_assert_eq!(&rendered["biz_opaque_callback_data"], &json!(callback));
    }
}
