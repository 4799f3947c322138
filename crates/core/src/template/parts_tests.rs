//! Offers, carousels and one-time codes, fault by fault.

use serde_json::{Value, json};

use super::*;

fn told(json: &Value) -> Vec<String> {
    let review = Draft::read(json).expect("its shape is right").review(&[]);
    review.faults.iter().map(ToString::to_string).collect()
}

fn template(category: &str, components: Value) -> Value {
    json!({ "name": "a", "language": "en", "category": category, "components": components })
}

/// The draft with the value at `pointer` put into its place is faulty there, once.
fn faulty(mut json: Value, pointer: &str, value: Value, begins: &str) {
    *json.pointer_mut(pointer).unwrap_or_else(|| panic!("no {pointer}")) = value;
    let told = told(&json);
    assert!(told.len() == 1 && told[0].starts_with(begins), "{told:#?} is not {begins}");
}

fn offer() -> Value {
    template(
        "MARKETING",
        json!([
            { "type": "HEADER", "format": "IMAGE", "example": { "header_handle": ["4::a"] } },
            { "type": "LIMITED_TIME_OFFER", "limited_time_offer": { "text": "Ends soon", "has_expiration": true } },
            { "type": "BODY", "text": "Our offer to you ends in two days." },
            { "type": "BUTTONS", "buttons": [{ "type": "COPY_CODE", "example": "AUTUMN25" }] },
        ]),
    )
}

fn carousel() -> Value {
    let card = json!({ "components": [
        { "type": "HEADER", "format": "IMAGE", "example": { "header_handle": ["4::a"] } },
        { "type": "BODY", "text": "A fine thing." },
        { "type": "BUTTONS", "buttons": [{ "type": "QUICK_REPLY", "text": "More" }] },
    ] });
    template(
        "MARKETING",
        json!([
            { "type": "BODY", "text": "Look at what is new." },
            { "type": "CAROUSEL", "cards": [card.clone(), card] },
        ]),
    )
}

fn code() -> Value {
    template(
        "AUTHENTICATION",
        json!([
            { "type": "BODY", "add_security_recommendation": true },
            { "type": "FOOTER", "code_expiration_minutes": 10 },
            { "type": "BUTTONS", "buttons": [{ "type": "OTP", "otp_type": "ONE_TAP",
                "supported_apps": [{ "package_name": "com.example", "signature_hash": "K8a/AINcGX7" }] }] },
        ]),
    )
}

#[test]
fn sound_ones_are_sound() {
    for sound in [offer(), carousel(), code()] {
        assert_eq!(told(&sound), Vec::<String>::new(), "{sound}");
    }
}

#[test]
fn an_offer_is_short_and_promotes() {
    faulty(
        offer(),
        "/components/1/limited_time_offer/text",
        json!("Ends all too soon"),
        "/components/1/limited_time_offer/text: has 17",
    );
    faulty(offer(), "/components/2/text", json!("word ".repeat(121).trim_end()), "/components/2/text: has 604");
    faulty(offer(), "/category", json!("UTILITY"), "/category: of a limited-time offer is MARKETING");
    faulty(offer(), "/components/0/format", json!("DOCUMENT"), "/components/0: of a limited-time offer is an IMAGE");
    let mut footed = offer();
    footed["components"].as_array_mut().expect("a list").push(json!({ "type": "FOOTER", "text": "f" }));
    assert!(told(&footed)[0].starts_with("/components/4: has no place beside"));
}

#[test]
fn cards_are_few_and_of_one_make() {
    let cards = |count: usize| json!(vec![carousel()["components"][1]["cards"][0].clone(); count]);
    for count in [1, 11] {
        let begins = format!("/components/1/cards: holds {count} cards");
        faulty(carousel(), "/components/1/cards", cards(count), &begins);
    }
    let body = "/components/1/cards/1/components/1/text";
    faulty(carousel(), body, json!("word ".repeat(33).trim_end()), &format!("{body}: has 164"));
    let header = "/components/1/cards/1/components/0/format";
    faulty(carousel(), header, json!("VIDEO"), "/components/1/cards: holds cards of different makes");
    let replies = json!(["a", "b", "c"].map(|text| json!({ "type": "QUICK_REPLY", "text": text })));
    let mut many = carousel();
    for card in 0..2 {
        *many.pointer_mut(&format!("/components/1/cards/{card}/components/2/buttons")).expect("it is there") =
            replies.clone();
    }
    assert!(
        told(&many)[0].starts_with("/components/1/cards/0/components/2/buttons: holds 3 buttons"),
        "{:?}",
        told(&many)
    );
}

#[test]
fn a_code_has_meta_s_text_and_one_button() {
    let mut worded = code();
    worded["components"][0]["text"] = json!("Your code is {{1}}.");
    assert!(
        told(&worded).iter().any(|it| it.starts_with("/components/0/text: is not yours to write")),
        "{:?}",
        told(&worded)
    );
    faulty(
        code(),
        "/components/2/buttons/0/supported_apps",
        json!([]),
        "/components/2/buttons/0: holds 0 `supported_apps`",
    );
    let faults = Draft::read(&{
        let mut late = code();
        late["components"][1]["code_expiration_minutes"] = json!(91);
        late
    });
    assert!(faults.expect_err("a fault").to_string().contains("/components/1/code_expiration_minutes"));
    let wordless = template("UTILITY", json!([{ "type": "BODY" }]));
    assert!(Draft::read(&wordless).expect_err("a fault").to_string().contains("/components/0/text: is missing"));
}
