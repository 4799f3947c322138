//! Drafts, fault by fault: as they are written, and what is said of them.

use serde_json::{Value, json};

use super::*;

fn daily() -> Value {
    json!({
        "name": "daily_pack_v3", "language": "en_IN", "category": "utility",
        "components": [
            { "type": "HEADER", "format": "IMAGE", "example": { "header_handle": ["4::aW"] } },
            { "type": "BODY", "text": "Good morning {{1}}, your pack for {{2}} is ready to be read.",
              "example": { "body_text": [["Asha", "Monday"]] } },
            { "type": "FOOTER", "text": "Reply STOP to hear no more" },
            { "type": "BUTTONS", "buttons": [
                { "type": "URL", "text": "Open", "url": "https://example.com/{{1}}", "example": ["https://example.com/a"] } ] }
        ]
    })
}

/// The draft with the value at `pointer` put into its place.
fn with(pointer: &str, value: Value) -> Value {
    let mut draft = daily();
    *draft.pointer_mut(pointer).unwrap_or_else(|| panic!("no {pointer}")) = value;
    draft
}

fn review(json: &Value) -> Review {
    Draft::read(json).expect("its shape is right").review(&[known("APPROVED", "UTILITY")])
}

fn known(status: &str, category: &str) -> Definition {
    serde_json::from_value(json!({
        "name": "daily_pack_v2", "language": "en_IN", "status": status, "category": category,
        "parameter_format": "POSITIONAL", "header": null, "body_text": "A text of its own, about {{1}} things.", "buttons": [],
    }))
    .expect("a definition")
}

fn told(faults: &Faults) -> Vec<String> {
    faults.iter().map(ToString::to_string).collect()
}

/// The only fault of `json` begins so, and nothing is warned of.
fn faulty(json: &Value, begins: &str) {
    let Review { faults, .. } = review(json);
    let told = told(&faults);
    assert!(told.len() == 1 && told[0].starts_with(begins), "{told:#?} is not {begins}");
}

/// The only warning of `json` begins so, and nothing is refused.
fn doubtful(json: &Value, begins: &str) {
    let Review { faults, warnings } = review(json);
    let told_of = told(&warnings);
    assert!(faults.is_empty(), "{:#?}", told(&faults));
    assert!(told_of.len() == 1 && told_of[0].starts_with(begins), "{told_of:#?} is not {begins}");
}

const BODY: &str = "/components/1/text";

#[test]
fn a_sound_draft_has_nothing_said_of_it() {
    assert_eq!(review(&daily()), Review::default());
}

#[test]
fn a_draft_of_a_wrong_shape_is_told_all_its_faults_with_their_places() {
    let draft = json!({
        "name": "x", "language": "en", "category": "advert", "colour": "red",
        "components": [ { "type": "HEDER" }, { "type": "BODY", "text": "", "exampel": {} } ],
    });
    let told: Vec<String> = Draft::read(&draft).expect_err("it is faulty").iter().map(ToString::to_string).collect();
    let begins = [
        "/category: ",
        "/components/0/type: `HEDER` is not one of `HEADER`",
        "/components/1/text: is empty",
        "/components/1/exampel: is not a field that is known here. Did you mean `example`?",
        "/colour: is not a field that is known here.",
    ];
    assert_eq!(told.len(), begins.len(), "{told:#?}");
    assert!(told.iter().zip(begins).all(|(told, begins)| told.starts_with(begins)), "{told:#?}");
}

#[test]
fn a_draft_without_a_body_or_with_two_is_refused() {
    let without = Draft::read(&with("/components", json!([]))).expect_err("it is faulty");
    assert!(without.to_string().contains("holds no BODY"), "{without}");
    let body = json!({ "type": "BODY", "text": "Hello there" });
    let twice = Draft::read(&with("/components", json!([body, body]))).expect_err("it is faulty");
    assert!(twice.to_string().contains("holds BODY twice"), "{twice}");
}

#[test]
fn names_and_locales_are_those_that_meta_takes() {
    faulty(&with("/name", json!("Daily-Pack")), "/name: takes 1 to 512 small letters");
    for locale in ["english", "en-IN", "en_in", "e", "en_INDIA"] {
        faulty(&with("/language", json!(locale)), "/language: is no locale");
    }
    for locale in ["en", "fil", "pt_BR"] {
        assert_eq!(review(&with("/language", json!(locale))).faults, Faults::new());
    }
}

#[test]
fn variables_are_numbered_from_1_up_and_may_come_again() {
    let text = |text: &str| with(BODY, json!(text));
    faulty(&text("Good morning {{2}}, your pack for {{1}} is ready."), "/components/1/text: has `{{2}}` where `{{1}}`");
    faulty(
        &text("Good morning {{name}}, your pack is ready."),
        "/components/1/text: has `{{name}}`, and its variables",
    );
    faulty(&text("Good morning {{1}}, your pack for {{3}} is ready."), "/components/1/text: has `{{3}}` where `{{2}}`");
    faulty(&text("Good morning {{1, your pack for 2}} is ready."), "/components/1/text: has `{{1, your");
    faulty(&text("Good morning {{1}}, your pack {{ is ready."), "/components/1/text: holds `{{` without");
    let again = text("Good morning {{1}}, your pack for {{2}} is ready now, dear {{1}}, so open it.");
    assert_eq!(review(&again).faults, Faults::new());
}

#[test]
fn named_variables_have_names_of_small_letters() {
    let mut draft = with(BODY, json!("Good morning {{first_name}}, your pack is ready to be read."));
    draft["parameter_format"] = json!("NAMED");
    let sample = |name: &str| json!({ "body_text_named_params": [{ "param_name": name, "example": "Asha" }] });
    draft["components"][1]["example"] = sample("first_name");
    assert_eq!(review(&draft), Review::default());
    draft["components"][1]["example"] = sample("last_name");
    faulty(&draft, "/components/1/example: holds no sample of `{{first_name}}`");
    draft["components"][1]["text"] = json!("Good morning {{FirstName}}, your pack is ready to be read.");
    draft["components"][1]["example"] = sample("FirstName");
    faulty(&draft, "/components/1/text: has `{{FirstName}}`: names begin");
}

#[test]
fn no_text_begins_or_ends_with_a_variable_and_none_stand_side_by_side() {
    let text = |text: &str| with(BODY, json!(text));
    faulty(&text("{{1}}, your pack for {{2}} is ready to be read."), "/components/1/text: begins or ends");
    faulty(&text("Good morning {{1}}, here is your pack for {{2}}."), "/components/1/text: begins or ends");
    faulty(
        &text("Good morning {{1}} {{2}}, here is your pack to be read."),
        "/components/1/text: has two variables side",
    );
}

#[test]
fn each_variable_needs_its_sample() {
    faulty(
        &with("/components/1/example/body_text", json!([["Asha"]])),
        "/components/1/example: holds no sample of `{{2}}`",
    );
    faulty(
        &with("/components/1/example/body_text", json!([["Asha", "Monday", "?"]])),
        "/components/1/example: holds a sample of `{{3}}`",
    );
    faulty(&with("/components/0/example/header_handle", json!([])), "/components/0/example: is missing: give a sample");
    faulty(&with("/components/3/buttons/0/example", json!(null)), "/components/3/buttons/0/example: is missing");
}

#[test]
fn texts_have_limits() {
    let long = |length: usize| json!("long ".repeat(length / 5));
    faulty(&with("/components/2/text", long(65)), "/components/2/text: has 65 characters; Meta takes 60");
    faulty(&with("/components/3/buttons/0/text", long(30)), "/components/3/buttons/0/text: has 30 characters");
    let draft = with(BODY, json!(format!("Good morning {{{{1}}}}, {} {{{{2}}}} is read.", "long ".repeat(205))));
    faulty(&draft, "/components/1/text: has 1060 characters; Meta takes 1024");
    faulty(&with("/components/2/text", json!("Hello {{1}}")), "/components/2/text: holds a variable");
}

#[test]
fn a_header_of_text_is_one_plain_line() {
    let header = |text: &str| {
        let samples: Vec<&str> = ["a", "b"].into_iter().take(text.matches("{{").count()).collect();
        let example = json!({ "header_text": samples });
        with("/components/0", json!({ "type": "header", "format": "text", "text": text, "example": example }))
    };
    assert_eq!(review(&header("Hello, {{1}} dear")), Review::default());
    faulty(&header("Hello {{1}} and {{2}} both"), "/components/0/text: holds several variables");
    faulty(&header("Hello *you*"), "/components/0/text: holds markup");
}

#[test]
fn buttons_have_their_limits_and_their_order() {
    let reply = |text: &str| json!({ "type": "QUICK_REPLY", "text": text });
    let link = |text: &str| json!({ "type": "URL", "text": text, "url": "https://example.com" });
    let buttons = |buttons: Value| with("/components/3/buttons", buttons);
    faulty(&buttons(json!([link("a"), link("b"), link("c")])), "/components/3/buttons: holds 3 links; Meta takes 2");
    faulty(&buttons(json!([reply("a"), reply("a")])), "/components/3/buttons/1/text: `a` is on another button");
    faulty(&buttons(json!([reply("a"), link("b"), reply("c")])), "/components/3/buttons: mixes quick replies");
    doubtful(&buttons(json!([reply("a"), link("b")])), "/components/3/buttons: will not be shown on the desktop");
    let url = |url: &str| with("/components/3/buttons/0/url", json!(url));
    faulty(&url("https://example.com/{{1}}/x"), "/components/3/buttons/0/url: takes one variable");
    doubtful(&url("http://example.com/{{1}}"), "/components/3/buttons/0/url: does not begin with `https://`");
}

#[test]
fn links_that_hide_where_they_lead_are_refused_wherever_they_stand() {
    faulty(
        &with("/components/3/buttons/0/url", json!("https://bit.ly/{{1}}")),
        "/components/3/buttons/0/url: goes through",
    );
    faulty(
        &with("/components/2/text", json!("more at https://wa.me/9198")),
        "/components/2/text: goes through `wa.me`",
    );
}

#[test]
fn a_utility_template_that_promotes_is_warned_of_and_a_marketing_one_is_not() {
    let text = json!("Good morning {{1}}, our special price for {{2}} ends soon: hurry and see.");
    let mut draft = with(BODY, text);
    doubtful(&draft, "/components/1/text: sounds like promotion (hurry, special price)");
    draft["category"] = json!("MARKETING");
    assert_eq!(review(&draft), Review::default());
}

#[test]
fn what_is_mostly_variables_is_warned_of() {
    doubtful(&with(BODY, json!("Hi {{1}}: pack {{2}} today")), "/components/1/text: holds 2 variables beside 3 words");
}

#[test]
fn what_another_template_says_already_is_warned_of() {
    let mut draft = with(BODY, json!("A text of its own about {{1}} things!"));
    draft["components"][1]["example"] = json!({ "body_text": [["x"]] });
    doubtful(&draft, "/components/1/text: says what `daily_pack_v2` says already");
    draft["name"] = json!("daily_pack_v2");
    assert_eq!(review(&draft), Review::default(), "it is an edit of that very one");
}

#[test]
fn only_what_meta_lets_be_edited_is_edited() {
    let draft = Draft::read(&with("/name", json!("daily_pack_v2"))).expect("its shape is right");
    let faults = |status, category| told(&draft.review(&[known(status, category)]).faults);
    assert_eq!(faults("REJECTED", "MARKETING"), [""; 0]);
    assert!(faults("PENDING", "UTILITY")[0].contains("is taken by one that is PENDING"));
    assert!(faults("APPROVED", "MARKETING")[0].contains("of an approved template is fixed"));
}
