//! A number's registration, its PIN, its profile, and whom it blocks.

use std::time::Duration;

use dawncast_cloud_sim::Simulator;
use serde_json::{Value, json};

use crate::support::*;

/// A POST to an edge of the number.
async fn ask(sim: &Simulator, edge: &str, body: Value) -> Answer {
    post(sim, &format!("/v24.0/{NUMBER}{edge}"), &body).await
}

fn register(pin: &str) -> Value {
    json!({ "messaging_product": "whatsapp", "pin": pin })
}

#[tokio::test]
async fn a_number_taken_off_sends_nothing_until_it_is_registered_with_its_pin() {
    let sim = start().await;
    assert_eq!(ask(&sim, "/deregister", json!({})).await.json(), json!({ "success": true }));
    assert_eq!(send(&sim, &hello(PHONE)).await.error_code(), 133_010);
    assert_eq!(ask(&sim, "/deregister", json!({})).await.error_code(), 133_010);
    assert_eq!(ask(&sim, "/register", register("999999")).await.error_code(), 133_005);
    assert_eq!(ask(&sim, "", json!({ "pin": "999999" })).await.status, 200);
    assert_eq!(ask(&sim, "/register", register("999999")).await.json(), json!({ "success": true }));
    assert_eq!(send(&sim, &hello(PHONE)).await.status, 200);
    for (edge, body, words) in [
        ("/register", json!({ "pin": "123456" }), "messaging_product is required"),
        ("/register", json!({ "messaging_product": "whatsapp" }), "pin is required"),
        ("", json!({ "pin": "12345" }), "must be 6 digits"),
    ] {
        let refused = ask(&sim, edge, body).await;
        assert!(refused.status == 400 && refused.body.contains(words), "{}", refused.body);
    }
}

#[tokio::test]
async fn ten_registrations_are_taken_in_72_hours() {
    let sim = start().await;
    for _ in 0..10 {
        assert_eq!(ask(&sim, "/register", register("123456")).await.status, 200);
    }
    assert_eq!(ask(&sim, "/register", register("123456")).await.error_code(), 133_016);
    assert_eq!(ask(&sim, "/deregister", json!({})).await.error_code(), 133_016);
    sim.advance(Duration::from_secs(72 * 3600));
    assert_eq!(ask(&sim, "/register", register("123456")).await.status, 200);
}

#[tokio::test]
async fn who_guesses_at_the_pin_has_to_wait() {
    let sim = start().await;
    for _ in 0..5 {
        assert_eq!(ask(&sim, "/register", register("000000")).await.error_code(), 133_005);
    }
    assert_eq!(ask(&sim, "/register", register("123456")).await.error_code(), 133_008);
    sim.advance(Duration::from_secs(3600));
    assert_eq!(ask(&sim, "/register", register("123456")).await.status, 200);
}

#[tokio::test]
async fn a_number_is_proven_by_the_code_that_it_was_sent() {
    let sim = start().await;
    stage(&sim, &format!("/_sim/numbers/{NUMBER}"), json!({ "status": "UNVERIFIED" })).await;
    assert_eq!(ask(&sim, "/register", register("123456")).await.error_code(), 133_006);
    assert_eq!(ask(&sim, "/verify_code", json!({ "code": "100001" })).await.error_code(), 100, "none was asked for");
    let unknown = ask(&sim, "/request_code", json!({ "code_method": "PIGEON", "language": "en" })).await;
    assert!(unknown.body.contains("must be one of {SMS, VOICE}"), "{}", unknown.body);
    assert_eq!(ask(&sim, "/request_code", json!({ "code_method": "SMS", "language": "en" })).await.status, 200);
    assert_eq!(ask(&sim, "/verify_code", json!({ "code": "999999" })).await.error_code(), 100);
    assert_eq!(ask(&sim, "/verify_code", json!({ "code": "100001" })).await.json(), json!({ "success": true }));
    assert_eq!(ask(&sim, "/register", register("123456")).await.status, 200);
    assert_eq!(get(&sim, &format!("/{NUMBER}?fields=status")).await.json()["status"], "CONNECTED");
}

#[tokio::test]
async fn only_who_wrote_of_late_can_be_blocked_and_each_is_told_of() {
    let sim = start().await;
    stage(&sim, "/_sim/reply", json!({ "from": PHONE, "number": NUMBER, "text": "hi" })).await;
    let both =
        json!({ "messaging_product": "whatsapp", "block_users": [{ "user": PHONE }, { "user": "+15551234567" }] });
    let partly = ask(&sim, "/block_users", both).await;
    assert_eq!((partly.status, partly.error_code()), (400, 139_100));
    let users = &partly.json()["block_users"];
    assert_eq!(users["added_users"], json!([{ "input": PHONE, "wa_id": PHONE.trim_start_matches('+') }]));
    let failed = &users["failed_users"][0];
    assert_eq!((&failed["input"], &failed["errors"][0]["code"]), (&json!("+15551234567"), &json!(131_047)));
    let listed = get(&sim, &format!("/{NUMBER}/block_users")).await.json();
    let blocked = json!([{ "messaging_product": "whatsapp", "wa_id": PHONE.trim_start_matches('+') }]);
    assert_eq!(listed["data"], blocked);
    let refused = send(&sim, &hello(PHONE)).await;
    assert_eq!((refused.status, refused.error_code()), (403, 130_403));
    assert_eq!(send_from(&sim, OTHER_NUMBER, &hello(PHONE)).await.status, 200);
    let unheard = json!({ "from": PHONE, "number": NUMBER, "text": "hi" }).to_string();
    assert_eq!(call(&sim, "POST", "/_sim/reply", "", unheard.as_bytes()).await.status, 400);
    let one = json!({ "messaging_product": "whatsapp", "block_users": [{ "user": PHONE }] });
    let removed = call_with(&sim, "DELETE", &format!("/v24.0/{NUMBER}/block_users"), &one).await;
    assert_eq!((removed.status, removed.json()["block_users"]["removed_users"].as_array().unwrap().len()), (200, 1));
    assert_eq!(send(&sim, &hello(PHONE)).await.status, 200);
    for (body, words) in [
        (json!({ "block_users": [{ "user": PHONE }] }), "messaging_product is required"),
        (json!({ "messaging_product": "whatsapp" }), "block_users is required"),
        (json!({ "messaging_product": "whatsapp", "block_users": [PHONE] }), "array of objects"),
    ] {
        let refused = ask(&sim, "/block_users", body).await;
        assert!(refused.body.contains(words), "{}", refused.body);
    }
}

#[tokio::test]
async fn a_blocked_user_is_refused_by_phone_and_by_user_id_once_the_message_makes_sense() {
    let sim = start().await;
    write_in(&sim).await;
    let one = json!({ "messaging_product": "whatsapp", "block_users": [{ "user": PHONE }] });
    assert_eq!(ask(&sim, "/block_users", one).await.status, 200);
    let ids = call(&sim, "GET", &format!("/_sim/users/{}", &PHONE[1..]), "", b"").await.json();
    let mut by_id = hello(PHONE);
    by_id.as_object_mut().unwrap().remove("to");
    by_id["recipient"] = ids["user_id"].clone();
    assert_eq!(send(&sim, &by_id).await.error_code(), 130_403);
    let mut group = hello(PHONE);
    group["recipient_type"] = json!("group");
    assert_eq!(send(&sim, &group).await.error_code(), 100);
    assert_eq!(send_from(&sim, OTHER_NUMBER, &by_id).await.status, 200);
}

#[tokio::test]
async fn a_profile_keeps_what_it_is_given_within_its_limits() {
    let sim = start().await;
    let given = json!({ "messaging_product": "whatsapp", "about": "Open at dawn", "vertical": "EDU",
        "websites": ["https://example.com"], "email": "" });
    assert_eq!(ask(&sim, "/whatsapp_business_profile", given).await.json(), json!({ "success": true }));
    let shown = get(&sim, &format!("/{NUMBER}/whatsapp_business_profile?fields=about,websites,address")).await.json();
    let expected =
        json!({ "about": "Open at dawn", "websites": ["https://example.com"], "messaging_product": "whatsapp" });
    assert_eq!(shown, json!({ "data": [expected] }));
    for (name, value) in [
        ("about", json!("x".repeat(140))),
        ("about", json!("")),
        ("vertical", json!("SPACE")),
        ("websites", json!(["ftp://x"])),
        ("websites", json!(["https://a", "https://b", "https://c"])),
        ("profile_picture_handle", json!("4::made up")),
    ] {
        let mut body = json!({ "messaging_product": "whatsapp" });
        body[name] = value;
        let refused = ask(&sim, "/whatsapp_business_profile", body).await;
        assert_eq!((refused.status, refused.error_code()), (400, 100), "{}", refused.body);
        assert!(refused.body.contains(name), "{}", refused.body);
    }
}
