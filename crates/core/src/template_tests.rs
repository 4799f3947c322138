use serde_json::{Value, json};

use super::*;
use crate::campaign::{CampaignSpec, Message};

fn daily_pack() -> Definition {
    Definition {
        name: "daily_pack_v1".to_owned(),
        language: "en_IN".to_owned(),
        status: APPROVED.to_owned(),
        category: Category::Utility,
        parameter_format: ParameterFormat::Positional,
        header: Some(Header::Image),
        body_text: "Hi {{1}}, your pack is here.".to_owned(),
        buttons: Vec::new(),
        limited_time_offer: false,
        cards: Vec::new(),
        id: None,
        quality: None,
        rejected_reason: None,
        noted_at: None,
    }
}

/// Only a body with this text.
fn body_only(format: ParameterFormat, text: &str) -> Definition {
    Definition { header: None, parameter_format: format, body_text: text.to_owned(), ..daily_pack() }
}

fn with_button(button: Button) -> Definition {
    Definition { buttons: vec![button], ..body_only(ParameterFormat::Positional, "Good morning.") }
}

fn message(fields: Value) -> Message {
    let mut message = match fields.get("type") {
        Some(_) => json!({}),
        None => json!({"type": "template", "name": "daily_pack_v1", "language": "en_IN"}),
    };
    message.as_object_mut().expect("an object").extend(fields.as_object().expect("an object").clone());
    let spec = json!({"pool": "p", "audience": {"id": "a"}, "schedule": {"type": "now"}, "message": message});
    CampaignSpec::parse(spec.to_string().as_bytes()).expect("a campaign").message
}

fn of(components: Value) -> Message {
    message(json!({"components": components}))
}

fn header(kind: &str) -> Value {
    let value = if kind == "text" { json!("x") } else { json!({"id": "1"}) };
    let mut parameter = json!({"type": kind});
    parameter[kind] = value;
    json!({"type": "header", "parameters": [parameter]})
}

fn body(names: &[Option<&str>]) -> Value {
    let parameters: Vec<_> =
        names.iter().map(|name| json!({"type": "text", "parameter_name": name, "text": "x"})).collect();
    json!({"type": "body", "parameters": parameters})
}

fn button(kind: &str, index: u8) -> Value {
    let parameter = match kind {
        "url" => json!({"type": "text", "text": "x"}),
        "quick_reply" => json!({"type": "payload", "payload": "x"}),
        _ => json!({"type": "coupon_code", "coupon_code": "x"}),
    };
    json!({"type": "button", "sub_type": kind, "index": index, "parameters": [parameter]})
}

/// What is wrong when it is to go out at once.
fn lint_known(known: &[Definition], message: &Message) -> Faults {
    lint_for(known, message, 0).faults
}

fn lint(definition: &Definition, message: &Message) -> Faults {
    lint_known(std::slice::from_ref(definition), message)
}

/// Lints and compares each fault with the beginning it should have, pointer first.
fn check(definition: &Definition, message: &Message, expected: &[&str]) {
    let told: Vec<_> = lint(definition, message).iter().map(ToString::to_string).collect();
    assert_eq!(told.len(), expected.len(), "{told:#?}");
    for (told, expected) in told.iter().zip(expected) {
        assert!(told.starts_with(expected), "{told}");
    }
}

#[test]
fn variables_are_counted_once_each() {
    assert_eq!(variables("Hi {{1}}, {{ 2 }} and {{1}}"), ["1", "2"]);
    assert_eq!(variables("{{first_name}} {{a b}} {{}} {{open"), ["first_name"]);
}

#[test]
fn a_definition_reads_back_as_stored() {
    let definition =
        Definition { buttons: vec![Button::Url { url: "https://e.x/{{1}}".to_owned() }, Button::Otp], ..daily_pack() };
    let stored = serde_json::to_string(&definition).expect("JSON");
    assert_eq!(serde_json::from_str::<Definition>(&stored).expect("a definition"), definition);
}

#[test]
fn a_message_that_fits_has_no_fault() {
    check(&daily_pack(), &of(json!([header("image"), body(&[None])])), &[]);
    check(&body_only(ParameterFormat::Positional, "Good morning."), &of(json!([])), &[]);
    let named = body_only(ParameterFormat::Named, "{{a}} {{b}}");
    check(&named, &of(json!([body(&[Some("b"), Some("a")])])), &[]);
}

#[test]
fn a_template_that_may_not_be_sent_or_is_of_another_kind_is_told() {
    let paused =
        Definition { status: "PAUSED".to_owned(), category: Category::Marketing, header: None, ..daily_pack() };
    check(
        &paused,
        &of(json!([body(&[None])])),
        &[
            "/message/name: template `daily_pack_v1` is PAUSED",
            "/message/category: template `daily_pack_v1` is MARKETING and not UTILITY",
        ],
    );
}

#[test]
fn a_missing_header_is_told_in_metas_words() {
    check(
        &daily_pack(),
        &of(json!([body(&[None])])),
        &[
            "/message/components: (#132012) header: Format mismatch, expected IMAGE, received UNKNOWN: give the header one parameter of type `image`",
        ],
    );
    check(
        &daily_pack(),
        &of(json!([body(&[None]), header("video")])),
        &["/message/components/1: (#132012) header: Format mismatch, expected IMAGE, received VIDEO"],
    );
}

#[test]
fn a_header_that_a_template_does_not_have_is_told() {
    let text = Definition {
        header: Some(Header::Text { text: "For {{1}}".to_owned() }),
        ..body_only(ParameterFormat::Positional, "x")
    };
    check(&text, &of(json!([header("text")])), &[]);
    check(
        &text,
        &of(json!([header("image")])),
        &["/message/components/0: (#132012) header: Format mismatch, expected TEXT, received IMAGE"],
    );
    check(
        &text,
        &of(json!([])),
        &[
            "/message/components: (#132000) header: number of localizable_params (0) does not match the expected number of params (1)",
        ],
    );
    let none = body_only(ParameterFormat::Positional, "x");
    check(
        &none,
        &of(json!([header("image")])),
        &["/message/components/0: (#132000) header: number of localizable_params (1)"],
    );
    let map = Definition { header: Some(Header::Location), ..none };
    check(
        &map,
        &of(json!([])),
        &[
            "/message/components: (#132012) header: Format mismatch, expected LOCATION, received UNKNOWN: give the header one parameter of type `location`",
        ],
    );
    let newer = Definition { header: Some(Header::Other), ..map };
    check(
        &newer,
        &of(json!([])),
        &[
            "/message/components: (#132012) header: Format mismatch, expected a newer kind, received UNKNOWN: campaigns cannot fill",
        ],
    );
}

#[test]
fn too_few_or_too_many_texts_are_told_in_metas_words() {
    let two = body_only(ParameterFormat::Positional, "{{1}} and {{2}}");
    check(
        &two,
        &of(json!([body(&[None])])),
        &[
            "/message/components/0: (#132000) body: number of localizable_params (1) does not match the expected number of params (2): give one text for each of `1`, `2`.",
        ],
    );
    let none = body_only(ParameterFormat::Positional, "Good morning.");
    check(
        &none,
        &of(json!([body(&[None])])),
        &[
            "/message/components/0: (#132000) body: number of localizable_params (1) does not match the expected number of params (0): leave the body out.",
        ],
    );
}

#[test]
fn names_and_numbers_are_not_mixed() {
    let numbered = body_only(ParameterFormat::Positional, "{{1}}");
    let place = "/message/components/0/parameters/0/parameter_name: (#132012)";
    check(&numbered, &of(json!([body(&[Some("a")])])), &[place]);
    let named = body_only(ParameterFormat::Named, "{{first_name}} {{city}}");
    check(&named, &of(json!([body(&[None, Some("city")])])), &[place]);
    let told = lint(&named, &of(json!([body(&[Some("first_nam"), Some("city")])]))).to_string();
    assert!(told.starts_with(place) && told.ends_with("Did you mean `first_name`?"), "{told}");
    check(
        &named,
        &of(json!([body(&[Some("city"), Some("city")])])),
        &["/message/components/0/parameters/1/parameter_name: (#132012)"],
    );
}

#[test]
fn a_button_gets_what_it_takes() {
    let link = with_button(Button::Url { url: "https://e.x/{{1}}".to_owned() });
    check(&link, &of(json!([button("url", 0)])), &[]);
    check(&link, &of(json!([])), &["/message/components: (#131008) button at index 0"]);
    check(
        &link,
        &of(json!([button("copy_code", 0)])),
        &["/message/components/0/sub_type: (#132012) button 0 is `url` and not `copy_code`"],
    );
    check(&link, &of(json!([button("url", 0), button("url", 1)])), &["/message/components/1/index: (#132000)"]);
    check(&with_button(Button::Otp), &of(json!([button("url", 0)])), &[]);
    check(&with_button(Button::CopyCode), &of(json!([])), &["/message/components: (#131008) button at index 0"]);
    check(&with_button(Button::QuickReply), &of(json!([])), &[]);
    check(&with_button(Button::VoiceCall), &of(json!([])), &[]);
    let call = json!({"type": "button", "sub_type": "voice_call", "index": 0, "parameters": [{"type": "payload", "payload": "x"}]});
    check(&with_button(Button::VoiceCall), &of(json!([call])), &[]);
    check(
        &with_button(Button::QuickReply),
        &of(json!([call])),
        &["/message/components/0/sub_type: (#132012) button 0 is `quick_reply` and not `voice_call`"],
    );
}

#[test]
fn a_button_that_takes_nothing_gets_nothing() {
    for fixed in [Button::Url { url: "https://e.x".to_owned() }, Button::Other] {
        check(
            &with_button(fixed),
            &of(json!([button("url", 0)])),
            &["/message/components/0: (#132000) button 0 takes no parameter"],
        );
    }
}

#[test]
fn an_unknown_template_is_answered_with_a_near_one() {
    let faults = lint_known(&[daily_pack()], &message(json!({"name": "daily_pack_v2"})));
    assert_eq!(
        faults.to_string(),
        "/message/name: (#132001) template name (daily_pack_v2) does not exist: submit it to Meta first. Did you mean `daily_pack_v1`?"
    );
}

#[test]
fn another_language_is_answered_with_those_there_are() {
    let hindi = Definition { language: "hi".to_owned(), ..daily_pack() };
    let english = message(json!({"language": "en_US", "components": [header("image"), body(&[None])]}));
    let told = "/message/language: (#132001) template name (daily_pack_v1) does not exist in en_US: it exists in";
    assert_eq!(lint_known(&[hindi.clone(), daily_pack()], &english).to_string(), format!("{told} `hi`, `en_IN`."));
    assert_eq!(lint(&hindi, &english).to_string(), format!("{told} `hi`."));
}

#[test]
fn the_right_language_is_chosen_among_several() {
    let hindi = Definition { language: "hi".to_owned(), header: None, ..daily_pack() };
    let fits = of(json!([header("image"), body(&[None])]));
    assert!(lint_known(&[hindi, daily_pack()], &fits).is_empty());
}

#[test]
fn a_free_text_needs_no_template() {
    let text = message(json!({"type": "text", "text": {"body": "Hi"}}));
    assert!(lint_known(&[], &text).is_empty());
}

#[test]
fn what_is_fallen_back_to_is_linted_where_it_stands() {
    let fallback = json!({"type": "template", "name": "daily_pack_v2", "language": "en_IN"});
    let text = message(json!({"type": "text", "text": {"body": "Hi"}, "fallback": [fallback]}));
    let told = lint_known(&[daily_pack()], &text).to_string();
    assert!(told.starts_with("/message/fallback/0/name: (#132001)"), "{told}");
}

fn carousel(bodies: &[&[Option<&str>]]) -> Value {
    let cards: Vec<_> =
        bodies.iter().map(|names| json!({"components": [header("image"), body(names), button("url", 0)]})).collect();
    json!({"type": "carousel", "cards": cards})
}

#[test]
fn a_carousel_has_as_many_cards_as_its_template_and_each_is_linted() {
    let link = Button::Url { url: "https://e.x/{{1}}".to_owned() };
    let card = CardDefinition { header: Some(Header::Image), body_text: "{{1}}".to_owned(), buttons: vec![link] };
    let plain = body_only(ParameterFormat::Positional, "Good morning.");
    let two = Definition { cards: vec![card.clone(), card.clone()], ..plain.clone() };
    check(&two, &of(json!([carousel(&[&[None], &[None]])])), &[]);
    check(
        &two,
        &of(json!([carousel(&[&[None], &[None], &[None]])])),
        &[
            "/message/components/0: (#132000) carousel: number of localizable_params (3) does not match the expected number of params (2): give 2 cards, as the template has.",
        ],
    );
    check(&two, &of(json!([])), &["/message/components: (#132000) carousel: number of localizable_params (0)"]);
    check(
        &plain,
        &of(json!([carousel(&[&[None], &[None]])])),
        &[
            "/message/components/0: (#132000) carousel: number of localizable_params (2) does not match the expected number of params (0): leave the carousel out.",
        ],
    );
    let coupon = CardDefinition { header: Some(Header::Video), buttons: vec![Button::CopyCode], ..card.clone() };
    let unlike = Definition { cards: vec![card, coupon], ..plain };
    let at = "/message/components/0/cards/1/components";
    check(
        &unlike,
        &of(json!([carousel(&[&[None], &[None]])])),
        &[
            &format!("{at}/0: (#132012) header: Format mismatch, expected VIDEO, received IMAGE"),
            &format!("{at}/2/sub_type: (#132012) button 0 is `copy_code` and not `url`"),
        ],
    );
    check(
        &two,
        &of(json!([carousel(&[&[], &[]])])),
        &[
            "/message/components/0/cards/0/components/1: (#132000) body",
            "/message/components/0/cards/1/components/1: (#132000) body",
        ],
    );
}

#[test]
fn what_new_parts_of_a_template_need_is_told_when_it_is_missing() {
    let offer = Definition {
        limited_time_offer: true,
        buttons: vec![Button::CopyCode, Button::Flow, Button::Catalog, Button::Mpm],
        ..body_only(ParameterFormat::Positional, "Good morning.")
    };
    let ends = json!({"type": "limited_time_offer", "parameters": [
        {"type": "limited_time_offer", "limited_time_offer": {"expiration_time_ms": "{{ ends }}"}}]});
    let products = json!({"type": "button", "sub_type": "mpm", "index": 3, "parameters": [{"type": "action", "action":
        {"thumbnail_product_retailer_id": "a", "sections": [{"product_items": [{"product_retailer_id": "a"}]}]}}]});
    check(&offer, &of(json!([ends, button("copy_code", 0), products])), &[]);
    check(
        &offer,
        &of(json!([])),
        &[
            "/message/components: (#131008) button at index 0: a required parameter is missing: add {\"type\": \"button\", \"sub_type\": \"copy_code\"",
            "/message/components: (#131008) button at index 3: a required parameter is missing: add {\"type\": \"button\", \"sub_type\": \"mpm\"",
            "/message/components: (#132012) limited_time_offer: Format mismatch, expected LIMITED_TIME_OFFER, received UNKNOWN: add {",
        ],
    );
    let none = body_only(ParameterFormat::Positional, "Good morning.");
    check(
        &none,
        &of(json!([ends])),
        &["/message/components: (#132000) limited_time_offer: number of localizable_params (1)"],
    );
    let named = body_only(ParameterFormat::Named, "{{price}}");
    let money = json!({"type": "body", "parameters": [{"type": "currency", "currency": {"fallback_value": "x", "code": "INR", "amount_1000": 1}}]});
    check(&named, &of(json!([money])), &["/message/components/0/parameters/0/parameter_name: (#132012)"]);
}

#[test]
fn a_kind_that_is_newer_than_this_version_reads_as_another() {
    let stored = json!({"type": "TELEPORT"});
    assert_eq!(serde_json::from_value::<Button>(stored).expect("a button"), Button::Other);
    let stored = json!({"format": "HOLOGRAM"});
    assert_eq!(serde_json::from_value::<Header>(stored).expect("a header"), Header::Other);
}
