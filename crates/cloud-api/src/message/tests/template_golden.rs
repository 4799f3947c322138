//! The components of templates as Meta documents them.

use serde_json::{Value, json};

use super::super::*;
use super::message;

/// Passes every check, and goes as `expected`.
fn check(components: Vec<Component>, expected: Value) {
    let template = Template { components, ..Template::new("t", "en_IN") };
    let message = message(Content::Template(template));
    assert_eq!(message.check(), Ok(()));
    assert_eq!(serde_json::to_value(message).unwrap()["template"]["components"], expected);
}

fn button(index: u8, button: Button) -> Component {
    Component::Button { index, button }
}

#[test]
fn money_times_and_names() {
    let money = Currency { fallback_value: "₹ 499.00".to_owned(), code: "INR".to_owned(), amount_1000: 499_000 };
    let time = Parameter::DateTime("1 January".to_owned());
    check(
        vec![Component::Body(vec!["Ana".into(), Parameter::Currency(money), time])],
        json!([{"type": "body", "parameters": [
            {"type": "text", "text": "Ana"},
            {"type": "currency", "currency": {"fallback_value": "₹ 499.00", "code": "INR", "amount_1000": 499000}},
            {"type": "date_time", "date_time": {"fallback_value": "1 January"}}]}]),
    );
    let named = TextParameter::named("first_name", "Ana");
    check(
        vec![Component::Header(Header::Text(named.clone())), Component::Body(vec![named.into()])],
        json!([
            {"type": "header", "parameters": [{"type": "text", "text": "Ana", "parameter_name": "first_name"}]},
            {"type": "body", "parameters": [{"type": "text", "text": "Ana", "parameter_name": "first_name"}]}]),
    );
}

#[test]
fn headers_with_a_place_or_a_product() {
    let place = Place {
        latitude: "12.97".to_owned(),
        longitude: "77.59".to_owned(),
        name: "Office".to_owned(),
        address: "1 MG Road".to_owned(),
    };
    check(
        vec![Component::Header(Header::Location(place))],
        json!([{"type": "header", "parameters": [{"type": "location", "location": {
            "latitude": "12.97", "longitude": "77.59", "name": "Office", "address": "1 MG Road"}}]}]),
    );
    check(
        vec![Component::Header(Header::Product { catalog_id: "7".to_owned(), product_retailer_id: "a".to_owned() })],
        json!([{"type": "header", "parameters": [
            {"type": "product", "product": {"catalog_id": "7", "product_retailer_id": "a"}}]}]),
    );
}

#[test]
fn buttons_that_open_flows_and_catalogs() {
    let data = json!({"day": "1"}).as_object().cloned();
    let flow = Button::Flow { flow_token: Some("t".to_owned()), flow_action_data: data };
    let plain = Button::Flow { flow_token: None, flow_action_data: None };
    let catalog = Button::Catalog { thumbnail_product_retailer_id: Some("a".to_owned()) };
    check(
        vec![button(0, flow), button(1, plain), button(2, catalog)],
        json!([
            {"type": "button", "sub_type": "flow", "index": "0", "parameters": [
                {"type": "action", "action": {"flow_token": "t", "flow_action_data": {"day": "1"}}}]},
            {"type": "button", "sub_type": "flow", "index": "1", "parameters": [{"type": "action", "action": {}}]},
            {"type": "button", "sub_type": "catalog", "index": "2", "parameters": [
                {"type": "action", "action": {"thumbnail_product_retailer_id": "a"}}]}]),
    );
}

#[test]
fn thirty_products_in_ten_sections() {
    let id = |section: usize, nth: usize| format!("sku{section}{nth}");
    let section = |section: usize| ProductSection {
        title: Some(format!("Section {section}")),
        products: (0..3).map(|nth| id(section, nth)).collect(),
    };
    let products = Button::Products {
        thumbnail_product_retailer_id: "sku00".to_owned(),
        sections: (0..10).map(section).collect(),
    };
    let items = |section: usize| (0..3).map(|nth| json!({"product_retailer_id": id(section, nth)})).collect::<Vec<_>>();
    let sections: Vec<_> = (0..10)
        .map(|section| json!({"title": format!("Section {section}"), "product_items": items(section)}))
        .collect();
    check(
        vec![button(0, products)],
        json!([{"type": "button", "sub_type": "mpm", "index": "0", "parameters": [{"type": "action", "action": {
            "thumbnail_product_retailer_id": "sku00", "sections": sections}}]}]),
    );
}

#[test]
fn an_offer_that_ends() {
    check(
        vec![
            Component::LimitedTimeOffer { expiration_time_ms: 1_209_600_000 },
            button(0, Button::CopyCode("SAVE".to_owned())),
            button(1, Button::UrlSuffix("a".to_owned())),
        ],
        json!([
            {"type": "limited_time_offer", "parameters": [
                {"type": "limited_time_offer", "limited_time_offer": {"expiration_time_ms": 1209600000}}]},
            {"type": "button", "sub_type": "copy_code", "index": "0",
             "parameters": [{"type": "coupon_code", "coupon_code": "SAVE"}]},
            {"type": "button", "sub_type": "url", "index": "1", "parameters": [{"type": "text", "text": "a"}]}]),
    );
}

#[test]
fn a_call_button_has_a_time_and_a_payload_or_one_of_them() {
    let call = |ttl_minutes, payload: Option<&str>| {
        button(1, Button::VoiceCall { ttl_minutes, payload: payload.map(str::to_owned) })
    };
    let expected =
        |parameters| json!([{"type": "button", "sub_type": "voice_call", "index": "1", "parameters": parameters}]);
    let (ttl, payload) =
        (json!({"type": "ttl_minutes", "ttl_minutes": 100}), json!({"type": "payload", "payload": "order 7"}));
    check(vec![call(Some(100), Some("order 7"))], expected(json!([ttl, payload])));
    check(vec![call(Some(100), None)], expected(json!([ttl])));
    check(vec![call(None, Some("order 7"))], expected(json!([payload])));
}

#[test]
fn a_carousel_numbers_its_cards() {
    let card = |id: &str| Card {
        components: vec![
            Component::Header(Header::Image(MediaSource::Id(id.into()).into())),
            Component::Body(vec!["Ana".into()]),
            button(0, Button::QuickReply("more".to_owned())),
        ],
    };
    let expected = |place: usize, id: &str| {
        json!({"card_index": place, "components": [
            {"type": "header", "parameters": [{"type": "image", "image": {"id": id}}]},
            {"type": "body", "parameters": [{"type": "text", "text": "Ana"}]},
            {"type": "button", "sub_type": "quick_reply", "index": "0",
             "parameters": [{"type": "payload", "payload": "more"}]}]})
    };
    check(
        vec![Component::Carousel(vec![card("1"), card("2")])],
        json!([{"type": "carousel", "cards": [expected(0, "1"), expected(1, "2")]}]),
    );
}

#[test]
fn a_one_time_code_stands_in_body_and_button() {
    check(
        Template::authentication("t", "en_IN", "123456").components,
        json!([
            {"type": "body", "parameters": [{"type": "text", "text": "123456"}]},
            {"type": "button", "sub_type": "url", "index": "0", "parameters": [{"type": "text", "text": "123456"}]}]),
    );
}
