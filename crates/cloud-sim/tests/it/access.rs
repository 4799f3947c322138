//! What the token may do and until when, and whether the account tells the app anything.

use dawncast_cloud_sim::{APP_ID, SimConfig, Simulator};
use serde_json::{Value, json};

use crate::{receiver::Receiver, support::*};

const SCOPES: [&str; 2] = ["whatsapp_business_management", "whatsapp_business_messaging"];

async fn token(sim: &Simulator, order: Value) {
    stage(sim, "/_sim/token", order).await;
}

async fn debugged(sim: &Simulator, bearer: &str) -> Answer {
    let headers = format!("Authorization: Bearer {bearer}\r\n");
    call(sim, "GET", "/v26.0/debug_token?input_token=SIM_TOKEN", &headers, b"").await
}

#[tokio::test]
async fn a_token_is_described_with_its_scopes_and_its_account() {
    let sim = start().await;
    let data = debugged(&sim, "SIM_TOKEN").await.json()["data"].clone();
    assert_eq!(
        (&data["is_valid"], &data["expires_at"], &data["app_id"], &data["scopes"]),
        (&json!(true), &json!(0), &json!(APP_ID), &json!(SCOPES))
    );
    assert_eq!(data["granular_scopes"][1], json!({ "scope": SCOPES[1], "target_ids": [WABA] }));
    let missing = get(&sim, "/debug_token").await;
    assert!(missing.status == 400 && missing.body.contains("input_token is required"), "{}", missing.body);
    let other = get(&sim, "/debug_token?input_token=EAAG").await.json();
    assert_eq!((&other["data"]["is_valid"], &other["data"]["error"]["code"]), (&json!(false), &json!(190)));
}

#[tokio::test]
async fn a_token_whose_time_is_over_or_that_was_taken_back_is_refused_everywhere() {
    let sim = start().await;
    for (order, subcode) in [(json!({ "expires_at": 1_700_000_000 }), 463), (json!({ "revoked": true }), 460)] {
        token(&sim, order).await;
        let asked = [debugged(&sim, "SIM_TOKEN").await, get(&sim, &format!("/{NUMBER}")).await];
        for refused in asked.into_iter().chain([send(&sim, &hello(PHONE)).await]) {
            assert_eq!((refused.status, refused.error_code()), (401, 190));
            assert_eq!(refused.json()["error"]["error_subcode"], subcode);
        }
        // The app itself is told why.
        let data = debugged(&sim, &format!("{APP_ID}|sim_app_secret")).await.json()["data"].clone();
        assert_eq!((&data["is_valid"], &data["error"]["subcode"]), (&json!(false), &json!(subcode)));
        token(&sim, json!({ "expires_at": 0, "revoked": false })).await;
    }
    assert_eq!(send(&sim, &hello(PHONE)).await.status, 200);
}

#[tokio::test]
async fn a_scope_that_is_missing_stops_what_it_is_for_and_nothing_else() {
    let sim = start().await;
    token(&sim, json!({ "scopes": [SCOPES[0]] })).await;
    assert_eq!(get(&sim, &format!("/{NUMBER}")).await.status, 200);
    let refused = send(&sim, &hello(PHONE)).await;
    assert_eq!((refused.status, refused.error_code()), (403, 10));
    token(&sim, json!({ "scopes": [SCOPES[1]] })).await;
    assert_eq!(send(&sim, &hello(PHONE)).await.status, 200);
    let refused = get(&sim, &format!("/{WABA}/message_templates")).await;
    assert_eq!((refused.status, refused.error_code()), (403, 200));
    token(&sim, json!({ "scopes": SCOPES, "target_ids": ["42"] })).await;
    let refused = get(&sim, &format!("/{NUMBER}")).await;
    assert_eq!((refused.error_code(), &refused.json()["error"]["error_subcode"]), (100, &json!(33)));
    let unknown = call(&sim, "POST", "/_sim/token", "", br#"{"scopes":["all"]}"#).await;
    assert!(unknown.status == 400 && unknown.body.contains(SCOPES[0]), "{}", unknown.body);
}

#[tokio::test]
async fn an_account_without_the_app_tells_nothing_and_sends_all_the_same() {
    let (_receiver, url) = Receiver::start([]).await;
    let sim = start_with(SimConfig { webhook: Some(url), ..config() }).await;
    let path = format!("/{WABA}/subscribed_apps");
    assert_eq!(get(&sim, &path).await.json()["data"][0]["whatsapp_business_api_data"]["id"], APP_ID);
    stage(&sim, "/_sim/subscription", json!({ "subscribed": false })).await;
    assert_eq!(get(&sim, &path).await.json(), json!({ "data": [] }));
    assert_eq!(send(&sim, &hello(PHONE)).await.status, 200);
    assert_eq!(sim.pending_webhooks(), 0, "nothing is to be announced");
    assert_eq!(call(&sim, "POST", &path, BEARER, b"").await.json(), json!({ "success": true }));
    assert_eq!(get(&sim, "/_sim/subscription").await.json(), json!({ "subscribed": true }));
    send(&sim, &hello(PHONE)).await;
    assert!(sim.pending_webhooks() > 0);
    call(&sim, "DELETE", &path, BEARER, b"").await;
    assert_eq!(get(&sim, &path).await.json(), json!({ "data": [] }));
}
