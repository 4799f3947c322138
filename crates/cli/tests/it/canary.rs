//! A canary that fails, seen and answered by the commands alone.

use dawncast_testkit::until;
use serde_json::{Value, json};

use crate::{
    flow::{Deployment, add_numbers, bring_recipients, campaign},
    points_scene::PATIENCE,
};

/// One of two people first, and nobody may fail.
fn careful(audience: &str, watch: &str) -> String {
    let mut body: Value = serde_json::from_str(&campaign(audience)).unwrap();
    body["window"] = json!({ "opens": "+0s", "closes": "+6s", "deadline": "+60s" });
    body["canary"] = json!({ "share": 0.5, "max_failures": 0.0, "watch": watch });
    body.to_string()
}

/// Every message fails for good from now on.
async fn fail_all(it: &Deployment) {
    let order = json!({ "faults": [{ "match": {}, "fault": { "kind": "error", "code": 131_026 } }] });
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().tls_certs_only([]).build().unwrap();
    let answer = client.post(format!("http://{}/_sim/faults", it.sim)).json(&order).send().await.unwrap();
    assert!(answer.status().is_success(), "{answer:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn e2e_a_failed_canary_is_shown_and_the_run_goes_on_when_a_person_says_so() {
    let it = Deployment::start().await;
    add_numbers(&it);
    let audience = bring_recipients(&it);
    it.write("hasty.json", careful(&audience, "3s"));
    let refused = it.refuse(&["campaign", "validate", "hasty.json"]).err;
    assert!(refused.contains("hasty.json: /canary/watch: 3s, and 3s to judge, is the whole window"), "{refused}");
    fail_all(&it).await;
    it.write("careful.json", careful(&audience, "1s"));
    let created = it.ask(&["campaign", "create", "careful.json"]);
    let spec = &it.ask(&["campaign", "show", created["id"].as_str().unwrap()])["spec"];
    assert_eq!(spec["canary"], json!({ "share": 0.5, "max_failures": 0.0, "watch": "1s" }));
    let run = created["next_run"].as_str().unwrap();
    let failed = async || Some(it.ask(&["run", "show", run])).filter(|run| run["canary"]["verdict"] == "failed");
    let shown = until("the canary has failed", PATIENCE, failed).await;
    assert_eq!((&shown["holds"], &shown["canary"]["seen"]["failed"]), (&json!(["paused"]), &json!(1)));
    assert_eq!(shown["totals"]["planned"], 1, "{shown}");
    let told = it.tell(&["run", "show", run]);
    assert!(told.contains("failed at ") && told.contains("of 1, 0 got through, 1 failed"), "{told}");
    assert!(told.contains("resume the run to send the rest all the same, or cancel it"), "{told}");
    let campaign = created["id"].as_str().unwrap();
    it.tell(&["campaign", "pause", campaign]);
    it.tell(&["campaign", "resume", campaign]);
    assert_eq!(it.ask(&["run", "show", run])["holds"], json!(["paused"]), "that is no word on the canary");
    it.tell(&["run", "resume", run]);
    let over = async || Some(it.ask(&["run", "show", run])).filter(|run| run["state"] == "closed");
    let closed = until("the run is over", PATIENCE, over).await;
    assert_eq!((&closed["totals"]["failed"], &closed["waits_for"]), (&json!(2), &Value::Null));
}
