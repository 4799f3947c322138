use serde_json::{Value, json};

use crate::support::*;

#[tokio::test]
async fn an_accepted_template_is_answered_as_meta_answers_and_stands_in_the_ledger() {
    let sim = start().await;
    let answer = send(&sim, &hello("+91 98765-43210")).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("facebook-api-version"), Some("v24.0"));
    let body = answer.json();
    let id = body["messages"][0]["id"].as_str().unwrap().to_owned();
    let contact = json!({ "input": "+91 98765-43210", "wa_id": "919876543210" });
    let expected = json!({
        "messaging_product": "whatsapp", "contacts": [contact],
        "messages": [{ "id": id, "message_status": "accepted" }],
    });
    assert_eq!(body, expected);
    assert!(id.starts_with("wamid.HBgM"), "{id}");

    let ledger = sim.ledger();
    let attempt = &ledger.recipients["919876543210"].attempts[0];
    assert_eq!((attempt.number.as_str(), &attempt.wamid), (NUMBER, &id));
    assert_eq!(attempt.callback_data.as_deref(), Some("for:+91 98765-43210"));
    assert_eq!(ledger.totals.accepted, 1);
}

#[tokio::test]
async fn paths_work_without_a_version_and_tokens_in_the_query() {
    let sim = start().await;
    let body = hello(PHONE).to_string();
    let path = format!("/{NUMBER}/messages?access_token=SIM_TOKEN");
    let answer = call(&sim, "POST", &path, "", body.as_bytes()).await;
    assert_eq!((answer.status, answer.header("facebook-api-version")), (200, Some("v26.0")));
}

#[tokio::test]
async fn a_message_of_the_wrong_shape_is_refused_in_metas_words() {
    let long = |chars: usize| json!("x".repeat(chars));
    let required = |what: &str| format!("(#100) The parameter {what} is required.");
    for (pointer, value, code, words) in [
        ("/messaging_product", Value::Null, 100, required("messaging_product")),
        ("/messaging_product", json!("sms"), 100, "must be one of {WHATSAPP}.".to_owned()),
        ("/to", Value::Null, 100, required("to")),
        ("/to", json!("12ab"), 131009, "(#131009) Parameter value is not valid".to_owned()),
        ("/to", json!("+15550100001"), 131021, "Recipient cannot be sender".to_owned()),
        ("/recipient_type", json!("crowd"), 100, "recipient_type must be one of".to_owned()),
        ("/type", json!("carrier_pigeon"), 100, "The parameter type must be one of".to_owned()),
        ("/type", json!("LOCATION"), 131051, "Unsupported message type".to_owned()),
        ("/context", json!({}), 100, required("context['message_id']")),
        ("/text", Value::Null, 100, required("text")),
        ("/text/body", json!(""), 100, required("text['body']")),
        ("/text/body", long(4097), 100, "at most 4096 characters".to_owned()),
        ("/text/body", json!(7), 100, "Invalid parameter".to_owned()),
        ("/biz_opaque_callback_data", long(513), 100, "at most 512 characters".to_owned()),
    ] {
        refused(text(PHONE), &[(pointer, value)], 400, code, &words).await;
    }
}

fn buttons() -> Value {
    let reply = |id: &str| json!({ "type": "reply", "reply": { "id": id, "title": id } });
    interactive("button", json!({ "buttons": [reply("a"), reply("b")] }))
}

fn list() -> Value {
    let row = |id: &str| json!({ "id": id, "title": id, "description": id });
    interactive("list", json!({ "button": "Menu", "sections": [{ "title": "x", "rows": [row("a"), row("b")] }] }))
}

fn link() -> Value {
    interactive("cta_url", json!({ "name": "cta_url", "parameters": { "display_text": "Go", "url": "https://e.x" } }))
}

#[tokio::test]
async fn files_are_refused_with_what_meta_does_not_take() {
    let linked = |kind: &str| free_form(kind, json!({ "link": "https://e.x/a" }));
    for (kind, field, value, words) in [
        ("image", "", Value::Null, "(#100) The parameter image is required."),
        ("image", "/link", json!("a.png"), "image['link'] is not a valid URI"),
        ("video", "/id", json!("9"), "Exactly one of video['id'] and video['link']"),
        ("document", "/caption", json!("x".repeat(1025)), "document['caption'] must be at most 1024 characters"),
        ("sticker", "/caption", json!("x"), "Unexpected key \"caption\" on param \"sticker\""),
        ("image", "/filename", json!("a.png"), "Unexpected key \"filename\""),
        ("image", "/voice", json!(true), "Unexpected key \"voice\""),
    ] {
        refused(linked(kind), &[(&format!("/{kind}{field}"), value)], 400, 100, words).await;
    }
    refused(free_form("audio", json!({ "id": "9" })), &[], 400, 100, "audio['id'] is not a valid whatsapp").await;
}

#[tokio::test]
async fn interactive_messages_are_refused_with_what_meta_does_not_take() {
    let long = |chars: usize| json!("x".repeat(chars));
    let reply = |n: usize| json!({ "type": "reply", "reply": { "id": n.to_string(), "title": n.to_string() } });
    let rows = |count: usize| (0..count).map(|n| json!({ "id": n.to_string(), "title": "x" })).collect::<Vec<_>>();
    let (replies, rows) = (json!((0..4).map(reply).collect::<Vec<_>>()), json!(rows(11)));
    let image = json!({ "type": "image", "image": { "link": "https://e.x/a" } });
    let (action, row) = ("/interactive/action", "/interactive/action/sections/0");
    for (base, place, value, code, words) in [
        (buttons(), "/interactive/type".to_owned(), json!("poll"), 100, "interactive['type'] must be one of"),
        (buttons(), "/interactive/body".to_owned(), Value::Null, 100, "interactive['body'] is required"),
        (buttons(), "/interactive/body/text".to_owned(), long(1025), 131009, "Body text length invalid"),
        (
            buttons(),
            "/interactive/footer".to_owned(),
            json!({ "text": long(61) }),
            131009,
            "Footer text length invalid",
        ),
        (buttons(), format!("{action}/buttons"), json!([]), 131009, "Min allowed buttons: 1, Max allowed buttons: 3"),
        (buttons(), format!("{action}/buttons"), replies, 131009, "Max allowed buttons: 3"),
        (buttons(), format!("{action}/buttons/0/reply/title"), long(21), 131009, "Button title length invalid"),
        (buttons(), format!("{action}/buttons/0/reply/id"), json!("b"), 131009, "Duplicated button id"),
        (list(), "/interactive/header".to_owned(), image, 131009, "Header type is not supported for list"),
        (list(), format!("{action}/button"), long(21), 131009, "Button label length invalid"),
        (list(), format!("{row}/rows"), rows, 131009, "Total row count exceed max allowed count: 10"),
        (list(), format!("{row}/rows"), json!([]), 131009, "Invalid rows count"),
        (list(), format!("{row}/title"), long(25), 131009, "Section title length invalid"),
        (list(), format!("{row}/rows/0/description"), long(73), 131009, "Row description length invalid"),
        (list(), format!("{row}/rows/0/id"), json!("b"), 131009, "Duplicated row id"),
        (link(), format!("{action}/name"), json!("flow"), 100, "['name'] must be one of {CTA_URL}"),
        (link(), format!("{action}/parameters/url"), json!("e.x"), 131009, "Button url is not a valid URI"),
    ] {
        refused(base, &[(&place, value)], 400, code, words).await;
    }
}

#[tokio::test]
async fn a_free_form_message_of_any_kind_goes_only_where_the_user_has_written_to() {
    let linked = |kind: &str| free_form(kind, json!({ "link": "https://e.x/a" }));
    let files = ["image", "video", "audio", "document", "sticker"].map(linked);
    let all: Vec<_> = files.into_iter().chain([text(PHONE), buttons(), list(), link()]).collect();
    let sim = start().await;
    for message in &all {
        let answer = send(&sim, message).await;
        assert_eq!((answer.status, answer.error_code()), (400, 131047), "{message}");
    }
    stage(&sim, "/_sim/reply", json!({ "from": PHONE, "number": NUMBER, "text": "hello" })).await;
    for message in &all {
        let answer = send(&sim, message).await;
        assert_eq!(answer.status, 200, "{message}: {}", answer.body);
    }
}

#[tokio::test]
async fn a_body_that_is_not_json_lacks_its_first_parameter() {
    let sim = start().await;
    let answer = call(&sim, "POST", &format!("/{NUMBER}/messages"), BEARER, b"to=91").await;
    assert!(answer.body.contains("The parameter messaging_product is required."), "{}", answer.body);
}

#[tokio::test]
async fn a_template_that_does_not_exist_is_refused() {
    for (pointer, value, status, code, words) in [
        ("/template", Value::Null, 400, 100, "The parameter template is required."),
        ("/template/name", Value::Null, 400, 100, "template['name'] is required."),
        ("/template/language", Value::Null, 400, 100, "template['language'] is required."),
        ("/template/language/policy", json!("fallback"), 400, 100, "must be one of {DETERMINISTIC}."),
        ("/template/name", json!("nope"), 404, 132001, "template name (nope) does not exist in en_US"),
        ("/template/language/code", json!("en"), 404, 132001, "template name (hello_world) does not exist in en"),
    ] {
        refused(hello(PHONE), &[(pointer, value)], status, code, words).await;
    }
}

#[tokio::test]
async fn parameters_must_fit_the_template() {
    let image = json!([{ "type": "image", "image": { "link": "https://example.com/a.jpg" } }]);
    let name = json!([{ "type": "text", "text": "Asha" }]);
    let with_text = |text: &str| json!([{ "type": "text", "text": text }]);
    let named = json!([{ "type": "text", "text": "Asha", "parameter_name": "first_name" }]);
    let document = json!([{ "type": "document", "document": { "link": "https://example.com/a.pdf" } }]);
    let both = json!([{ "type": "image", "image": { "link": "https://example.com/a.jpg", "id": "1" } }]);
    for (header, body, code, words) in [
        (json!([]), name.clone(), 132012, "header: Format mismatch, expected IMAGE, received UNKNOWN"),
        (document, name.clone(), 132012, "expected IMAGE, received DOCUMENT"),
        (both, name.clone(), 100, "Exactly one of image['id'] and image['link']"),
        (
            json!([{ "type": "image", "image": { "id": "9" } }]),
            name.clone(),
            100,
            "not a valid whatsapp business account media",
        ),
        (
            image.clone(),
            json!([]),
            132000,
            "body: number of localizable_params (0) does not match the expected number of params (1)",
        ),
        (image.clone(), named, 132012, "Parameter name is not expected"),
        (image.clone(), json!([{ "type": "currency" }]), 132012, "expected TEXT, received CURRENCY"),
        (image.clone(), with_text(""), 132018, "cannot be empty"),
        (image.clone(), with_text("a\nb"), 132018, "cannot have new-line/tab characters"),
        (image.clone(), with_text("a     b"), 132018, "more than 4 consecutive spaces"),
        (image.clone(), with_text(&"x".repeat(1024)), 132005, "(#132005) Translated text too long"),
    ] {
        refused(daily(PHONE, header, body), &[], 400, code, words).await;
    }
    let sim = start().await;
    assert_eq!(send(&sim, &daily(PHONE, image, with_text("a    b"))).await.status, 200);
}

#[tokio::test]
async fn parts_that_the_template_lacks_are_refused() {
    let part = |kind: &str| json!([{ "type": kind, "parameters": [{ "type": "text", "text": "x" }] }]);
    for (kind, code, words) in [
        ("header", 132000, "header: number of localizable_params (1)"),
        ("body", 132000, "expected number of params (0)"),
        ("button", 132000, "button: number of localizable_params (1)"),
        ("sidebar", 100, "template['components'][0]['type'] must be one of"),
    ] {
        refused(hello(PHONE), &[("/template/components", part(kind))], 400, code, words).await;
    }
}

/// Everything is wrong at first; each repair uncovers the next check.
#[tokio::test]
async fn checks_come_in_metas_order() {
    let sim = start_with(dawncast_cloud_sim::SimConfig { mps: 1, ..config() }).await;
    let mut body = json!({
        "type": "hologram", "template": { "name": "nope", "language": { "code": "en_IN" } },
        "biz_opaque_callback_data": "x".repeat(600),
    });
    let (mut token, mut number) = ("WRONG", "42");
    let mut codes = Vec::new();
    for repair in 0..=9 {
        match repair {
            1 => token = "SIM_TOKEN",
            2 => number = NUMBER,
            3 => body["messaging_product"] = json!("whatsapp"),
            4 => body["to"] = json!(PHONE),
            5 => body["type"] = json!("template"),
            6 => body["biz_opaque_callback_data"] = json!("x"),
            7 => body["template"]["name"] = json!("daily_text_v1"),
            8 => {
                body["template"]["components"] =
                    json!([{ "type": "body", "parameters": [{ "type": "text", "text": "A" }] }])
            }
            _ => {}
        }
        let headers = format!("Authorization: Bearer {token}\r\n");
        let path = format!("/v24.0/{number}/messages");
        let answer = call(&sim, "POST", &path, &headers, body.to_string().as_bytes()).await;
        codes.push((answer.status, answer.json()["error"]["code"].as_u64()));
    }
    let refusal = |status, code| (status, Some(code));
    let expected = [
        refusal(401, 190),
        refusal(400, 100),
        refusal(400, 100),
        refusal(400, 100),
        refusal(400, 100),
        refusal(400, 100),
        refusal(404, 132001),
        refusal(400, 132000),
        (200, None),
        refusal(400, 130429),
    ];
    assert_eq!(codes, expected);
}

#[tokio::test]
async fn an_unknown_object_has_subcode_33() {
    let sim = start().await;
    let answer = send_from(&sim, "42", &hello(PHONE)).await;
    let error = &answer.json()["error"];
    assert_eq!((answer.status, &error["code"], &error["error_subcode"]), (400, &json!(100), &json!(33)));
    assert_eq!(error["type"], "GraphMethodException");
    let words = "Unsupported post request. Object with ID '42' does not exist";
    assert!(error["message"].as_str().unwrap().starts_with(words));
}

#[tokio::test]
async fn a_missing_or_wrong_token_is_refused_everywhere() {
    let sim = start().await;
    for headers in ["", "Authorization: Bearer nope\r\n", "Authorization: Basic SIM_TOKEN\r\n"] {
        for (method, path) in [("POST", "messages"), ("POST", "media"), ("GET", "")] {
            let answer = call(&sim, method, &format!("/v24.0/{NUMBER}/{path}"), headers, b"{}").await;
            assert_eq!((answer.status, answer.error_code()), (401, 190), "{method} {path}");
        }
    }
}
