use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::{campaign::CampaignSpec, fault::Fault};

const CALLBACK: &str = "v1:run.0.0:1";

fn message(message: &Value) -> Message {
    let spec = json!({
        "pool": "p", "audience": {"id": "a"}, "schedule": {"type": "now"}, "message": message,
    });
    CampaignSpec::parse(spec.to_string().as_bytes()).expect("a campaign").message
}

fn template(components: Value) -> Value {
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

fn render(given: &Value, recipient: &[(&str, &str)]) -> Result<Value, RenderError> {
    let renderer = Renderer::compile(&message(given)).expect("a renderer");
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

fn faults(given: &Value) -> Vec<Fault> {
    Renderer::compile(&message(given)).expect_err("faults").into_iter().collect()
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
    let renderer = Renderer::compile(&message(&given)).expect("a renderer");
    assert_eq!(renderer.attributes(), ["a", "b", "image"]);
}

#[test]
fn the_assets_needed_are_known_before_sending() {
    let fixed = Renderer::compile(&message(&image("monday"))).expect("a renderer");
    let own = Renderer::compile(&message(&image("{{ plan }}-pack"))).expect("a renderer");
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
        let renderer = Renderer::compile(&message(&given)).expect("a renderer");
        let mut out = Vec::new();
        let recipient = [("name", name.as_str()), ("line", line.as_str())];
        renderer.render(&recipient[..], &media, phone(), &callback, &mut out).expect("rendered");
        let rendered: Value = serde_json::from_slice(&out).expect("JSON");
        let texts: Vec<_> = (0..3).map(|n| &rendered["template"]["components"][0]["parameters"][n]["text"]).collect();
        prop_assert_eq!(texts, [&json!(name), &json!(format!("<{line}>")), &json!(format!("{line}{name}"))]);
        prop_assert_eq!(&rendered["biz_opaque_callback_data"], &json!(callback));
    }
}
