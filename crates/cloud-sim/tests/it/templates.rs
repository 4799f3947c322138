//! The life of a template: created, reviewed, sent, paused, edited; and what webhooks tell of accounts.

use std::time::Duration;

use dawncast_cloud_sim::{SimConfig, Simulator};
use serde_json::{Value, json};

use crate::{receiver::Receiver, support::*};

const OTHER_WABA: &str = "200000000000002";

async fn start_for(url: String) -> Simulator {
    start_with(SimConfig { webhook: Some(url), review: Duration::from_millis(20), wabas: 2, ..config() }).await
}

fn offer() -> Value {
    json!({
        "name": "autumn_offer", "language": "en_IN", "category": "marketing", "parameter_format": "named",
        "components": [
            { "type": "header", "format": "text", "text": "For you" },
            { "type": "body", "text": "Dear {{who}}, our autumn is here.",
              "example": { "body_text_named_params": [{ "param_name": "who", "example": "Asha" }] } },
            { "type": "buttons", "buttons": [
                { "type": "URL", "text": "Open", "url": "https://example.com/{{1}}", "example": ["https://example.com/a"] } ] },
        ],
    })
}

/// A send of that template, with these components.
fn sends(components: Value) -> Value {
    json!({
        "messaging_product": "whatsapp", "to": PHONE, "type": "template",
        "template": { "name": "autumn_offer", "language": { "code": "en_IN" }, "components": components },
    })
}

fn filled() -> Value {
    sends(json!([
        { "type": "body", "parameters": [{ "type": "text", "parameter_name": "who", "text": "Asha" }] },
        { "type": "button", "sub_type": "url", "index": "0", "parameters": [{ "type": "text", "text": "a" }] },
    ]))
}

/// What was told of `field`.
fn told(receiver: &Receiver, field: &str) -> Vec<Value> {
    let posts = receiver.posts();
    let posts = posts.iter().map(|post| serde_json::from_str::<Value>(post).unwrap());
    let entries = posts.flat_map(|post| post["entry"].as_array().unwrap().clone());
    let changes = entries.flat_map(|entry| {
        let account = entry["id"].clone();
        entry["changes"]
            .as_array()
            .unwrap()
            .iter()
            .map(move |change| (account.clone(), change.clone()))
            .collect::<Vec<_>>()
    });
    let of_field = changes.filter(|(_, change)| change["field"] == field);
    of_field.map(|(account, change)| json!({ "account": account, "value": change["value"] })).collect()
}

#[tokio::test]
async fn a_template_is_reviewed_told_of_and_then_can_be_sent() {
    let (receiver, url) = Receiver::start([]).await;
    let sim = start_with(SimConfig { webhook: Some(url), wabas: 2, ..config() }).await;
    let created = post(&sim, &format!("/v24.0/{WABA}/message_templates"), &offer()).await;
    let created = created.json();
    assert_eq!((&created["status"], &created["category"]), (&json!("PENDING"), &json!("MARKETING")));
    assert_eq!(send(&sim, &filled()).await.error_code(), 132_001, "not before its review");
    sim.advance(Duration::from_secs(2));
    eventually("its review is told", || !told(&receiver, "message_template_status_update").is_empty()).await;
    let review = &told(&receiver, "message_template_status_update")[0];
    let value = &review["value"];
    assert_eq!(
        (&review["account"], &value["event"], &value["reason"]),
        (&json!(WABA), &json!("APPROVED"), &json!("NONE"))
    );
    assert_eq!(value["message_template_id"].as_u64().unwrap().to_string(), created["id"]);
    assert_eq!(send(&sim, &filled()).await.status, 200);
    let elsewhere = send_from(&sim, OTHER_NUMBER, &filled()).await;
    assert_eq!(elsewhere.error_code(), 132_001, "the other number's account does not have it");
    let shown = get(&sim, &format!("/{}?fields=status,quality_score", created["id"].as_str().unwrap())).await.json();
    assert_eq!((&shown["status"], &shown["quality_score"]["score"]), (&json!("APPROVED"), &json!("UNKNOWN")));
}

#[tokio::test]
async fn what_does_not_fit_the_created_template_is_refused_as_meta_does() {
    let (receiver, url) = Receiver::start([]).await;
    let sim = start_for(url).await;
    post(&sim, &format!("/{WABA}/message_templates"), &offer()).await;
    eventually("its review is told", || !told(&receiver, "message_template_status_update").is_empty()).await;
    let body = json!({ "type": "body", "parameters": [{ "type": "text", "text": "Asha" }] });
    let button = filled()["template"]["components"][1].clone();
    assert_eq!(send(&sim, &sends(json!([body, button]))).await.error_code(), 132_012, "the name is missing");
    let body = filled()["template"]["components"][0].clone();
    assert_eq!(send(&sim, &sends(json!([body]))).await.error_code(), 131_008, "the button's parameter is missing");
    assert_eq!(send(&sim, &sends(json!([button]))).await.error_code(), 132_000, "the body's parameter is missing");
}

#[tokio::test]
async fn a_creation_that_meta_refuses_says_why() {
    let sim = start().await;
    let path = format!("/{WABA}/message_templates");
    let refused = |pointer: &str, value: Value| {
        let mut body = offer();
        *body.pointer_mut(pointer).unwrap() = value;
        body
    };
    for (body, subcode) in [
        (refused("/components/1/text", json!("{{who}}, hello")), json!(2_388_299)),
        (refused("/components/0/text", json!("x".repeat(61))), json!(2_388_040)),
        (refused("/components/2/buttons/0/text", json!("x".repeat(26))), json!(2_388_060)),
        (refused("/name", json!("Autumn")), Value::Null),
        (refused("/category", json!("ADVERT")), Value::Null),
    ] {
        let answer = post(&sim, &path, &body).await;
        assert_eq!((answer.status, answer.error_code()), (400, 100), "{}", answer.body);
        assert_eq!(
            answer.json()["error"].get("error_subcode").cloned().unwrap_or_default(),
            subcode,
            "{}",
            answer.body
        );
    }
    assert_eq!(post(&sim, &path, &offer()).await.status, 200);
    let again = post(&sim, &path, &offer()).await.json();
    assert_eq!(again["error"]["error_subcode"], 2_388_024);
}

#[tokio::test]
async fn a_rejected_template_is_edited_and_reviewed_again() {
    let (receiver, url) = Receiver::start([]).await;
    let sim = start_for(url).await;
    stage(&sim, "/_sim/reviews", json!({ "status": "REJECTED", "reason": "INVALID_FORMAT" })).await;
    let id =
        post(&sim, &format!("/{WABA}/message_templates"), &offer()).await.json()["id"].as_str().unwrap().to_owned();
    let events = || {
        let told = told(&receiver, "message_template_status_update");
        told.iter().map(|told| told["value"]["event"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    eventually("it is rejected", || events() == ["REJECTED"]).await;
    let shown = get(&sim, &format!("/{id}?fields=status,rejected_reason")).await.json();
    assert_eq!((&shown["status"], &shown["rejected_reason"]), (&json!("REJECTED"), &json!("INVALID_FORMAT")));
    stage(&sim, "/_sim/reviews", json!({})).await;
    let edited = post(&sim, &format!("/{id}"), &json!({ "components": offer()["components"] })).await;
    assert_eq!(edited.json(), json!({ "success": true }));
    eventually("it is approved", || events() == ["REJECTED", "APPROVED"]).await;
}

#[tokio::test]
async fn a_paused_template_refuses_its_sends_until_it_is_approved_again() {
    let sim = start().await;
    for (status, code) in [("PAUSED", 132_015), ("DISABLED", 132_016), ("ARCHIVED", 132_001)] {
        stage(&sim, "/_sim/templates/hello_world", json!({ "status": status })).await;
        assert_eq!(send(&sim, &hello(PHONE)).await.error_code(), code, "{status}");
    }
    stage(&sim, "/_sim/templates/hello_world", json!({ "status": "APPROVED" })).await;
    assert_eq!(send(&sim, &hello(PHONE)).await.status, 200);
}

#[tokio::test]
async fn what_becomes_of_templates_and_numbers_is_told() {
    let (receiver, url) = Receiver::start([]).await;
    let sim = start_for(url).await;
    let paused = json!({ "status": "PAUSED", "quality_score": "RED", "category": "MARKETING", "waba": OTHER_WABA });
    stage(&sim, "/_sim/templates/daily_pack_v1", paused).await;
    stage(&sim, "/_sim/templates/daily_pack_v2", json!({ "status": "PAUSED", "silent": true })).await;
    let number = |order: Value| async { stage(&sim, &format!("/_sim/numbers/{NUMBER}"), order).await };
    number(json!({ "status": "RESTRICTED", "messaging_limit": "TIER_2K" })).await;
    number(json!({ "mps": 1000, "quality_rating": "RED" })).await;
    let count = |field: &str| told(&receiver, field).len();
    eventually("the last is told", || count("phone_number_quality_update") == 1 && sim.pending_webhooks() == 0).await;
    let first = |field: &str| told(&receiver, field)[0].clone();
    let status = first("message_template_status_update");
    assert_eq!((&status["account"], count("message_template_status_update")), (&json!(OTHER_WABA), 1));
    assert_eq!(status["value"]["other_info"]["title"], "FIRST_PAUSE");
    assert_eq!(first("message_template_quality_update")["value"]["new_quality_score"], "RED");
    assert_eq!(first("template_category_update")["value"]["message_template_language"], "en-IN");
    assert_eq!(first("account_update")["value"]["event"], "ACCOUNT_RESTRICTION");
    assert_eq!(first("business_capability_update")["value"]["max_daily_conversations_per_business"], "TIER_2K");
    assert_eq!(first("phone_number_quality_update")["value"]["event"], "THROUGHPUT_UPGRADE");
}

#[tokio::test]
async fn a_file_in_the_header_needs_the_handle_of_a_sample_that_was_uploaded() {
    let sim = start().await;
    let template = |handle: &str| {
        let mut template = offer();
        template["components"][0] =
            json!({ "type": "header", "format": "image", "example": { "header_handle": [handle] } });
        template
    };
    let path = format!("/v24.0/{WABA}/message_templates");
    let refused = post(&sim, &path, &template("4::made up")).await;
    assert_eq!((refused.status, refused.error_code()), (400, 100), "{}", refused.body);
    let opened =
        post(&sim, "/v24.0/400000000000001/uploads?file_name=a.png&file_length=6&file_type=image/png", &json!({}))
            .await;
    let session = opened.json()["id"].as_str().unwrap().to_owned();
    let put = async |offset: usize, bytes: &[u8]| {
        let headers = format!("Authorization: OAuth SIM_TOKEN\r\nfile_offset: {offset}\r\n");
        call(&sim, "POST", &format!("/v24.0/{session}"), &headers, bytes).await
    };
    assert_eq!(put(0, b"pix").await.json()["file_offset"], 3);
    assert_eq!(put(0, b"pix").await.error_code(), 100, "it has come");
    assert_eq!(get(&sim, &format!("/v24.0/{session}")).await.json()["file_offset"], 3);
    let handle = put(3, b"els").await.json()["h"].as_str().unwrap().to_owned();
    assert_eq!(post(&sim, &path, &template(&handle)).await.status, 200);
    let gif =
        post(&sim, "/v24.0/400000000000001/uploads?file_name=a&file_length=6&file_type=image/gif", &json!({})).await;
    assert_eq!(gif.error_code(), 100);
}
