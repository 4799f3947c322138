//! Control of a campaign by the commands, with the engine at work and the simulator as witness.

use serde_json::{Value, json};

use crate::flow::{Deployment, add_numbers, bring_recipients, client, get};

/// A campaign that goes out long after this test.
fn someday(audience: &str) -> String {
    let mut campaign: Value = serde_json::from_str(&crate::flow::campaign(audience)).unwrap();
    campaign["schedule"] = json!({ "type": "at", "at": "2099-01-01T06:00:00", "timezone": "Asia/Kolkata" });
    campaign["retry"] = json!({ "max_attempts": 1 });
    campaign.to_string()
}

fn text<'a>(answer: &'a Value, field: &str) -> &'a str {
    answer[field].as_str().unwrap_or_else(|| panic!("{field} of {answer}"))
}

/// How often each phone was sent to, as the simulator knows.
pub(crate) async fn sent(it: &Deployment, phone: &str) -> usize {
    let ledger = get(&format!("http://{}/_sim/ledger", it.sim)).await.unwrap();
    let ledger: Value = serde_json::from_str(&ledger).unwrap();
    ledger["recipients"][phone]["attempts"].as_array().map_or(0, Vec::len)
}

pub(crate) async fn order_faults(it: &Deployment, faults: Value) {
    let order = client().post(format!("http://{}/_sim/faults", it.sim)).json(&json!({ "faults": faults }));
    assert!(order.send().await.unwrap().status().is_success());
}

#[tokio::test(flavor = "multi_thread")]
async fn e2e_a_campaign_is_edited_tested_and_run_now_and_what_failed_is_sent_again() {
    let it = Deployment::start().await;
    add_numbers(&it);
    let audience = bring_recipients(&it);
    it.write("campaign.json", someday(&audience));
    let created = it.ask(&["campaign", "create", "campaign.json"]);
    let id = text(&created, "id");
    edited(&it, id);
    tested(&it, id).await;
    let run = run_now_with_a_failure(&it, id).await;
    retried(&it, id, &run).await;
    duplicated(&it, id);
    let shown = it.ask(&["campaign", "show", id]);
    assert_eq!((text(&shown, "next_run"), text(&shown, "state")), (text(&created, "next_run"), "active"));
}

fn edited(it: &Deployment, id: &str) {
    it.write("patch.json", json!({ "name": "morning", "window": { "closes": "+4s" } }).to_string());
    let edited = it.ask(&["campaign", "edit", id, "patch.json"]);
    assert_eq!((text(&edited, "name"), &edited["applies_from"]), ("morning", &edited["next_run"]));
    it.write("bad.json", json!({ "pool": "none", "sla": { "objective": 2 } }).to_string());
    let faults = it.refuse(&["campaign", "edit", id, "bad.json"]).err;
    assert!(faults.contains("bad.json: /sla/objective: "), "{faults}");
}

async fn tested(it: &Deployment, id: &str) {
    let tested = it.ask(&["campaign", "test", id, "--to", "+919876500001", "--recipient", "+919876543210"]);
    assert!(text(&tested["results"][0], "message_id").starts_with("wamid."), "{tested}");
    assert_eq!((sent(it, "919876500001").await, sent(it, "919876543210").await), (1, 0));
    let without = it.refuse(&["campaign", "test", id, "--to", "+919876500002"]);
    assert!(without.err.contains("1 of 1 phones did not get it"), "{}", without.err);
    assert!(without.out.contains("missing_attribute"), "{}", without.out);
    let run = it.ask(&["run", "show", text(&tested, "run")]);
    assert_eq!(text(&run, "origin"), "test");
}

/// A run of which one recipient fails in a way that another attempt may not.
async fn run_now_with_a_failure(it: &Deployment, id: &str) -> String {
    let fault = json!({ "match": { "phone": "919876543211" }, "fault": { "kind": "async_error", "code": 131_000 } });
    order_faults(it, json!([fault])).await;
    let run = it.ask(&["campaign", "run-now", id, "--idempotency-key", "once"]);
    assert_eq!(it.ask(&["campaign", "run-now", id, "--idempotency-key", "once"])["id"], run["id"]);
    let run = text(&run, "id").to_owned();
    it.tell(&["run", "watch", &run]);
    let totals = it.ask(&["run", "report", &run])["totals"].clone();
    assert_eq!((&totals["submitted"], &totals["failed"]), (&json!(2), &json!(1)), "{totals}");
    order_faults(it, json!([])).await;
    run
}

async fn retried(it: &Deployment, id: &str, run: &str) {
    let before = sent(it, "919876543210").await;
    let retry = it.ask(&["run", "retry", run]);
    assert_eq!((&retry["recipients"]["retried"], &retry["recipients"]["reached"]), (&json!(1), &json!(1)), "{retry}");
    let retry = text(&retry, "id");
    assert!(it.tell(&["run", "retry", run]).contains(retry), "a run has one retry");
    it.tell(&["run", "watch", retry]);
    let totals = it.ask(&["run", "report", retry])["totals"].clone();
    assert_eq!((&totals["submitted"], &totals["failed"]), (&json!(1), &json!(0)), "{totals}");
    assert_eq!(sent(it, "919876543210").await, before, "nobody who got it is sent to again");
    assert!(it.refuse(&["run", "retry", retry]).err.contains("nobody to send to again"));
    assert!(it.tell(&["run", "show", retry]).contains(run));
    assert_eq!(it.ask(&["campaign", "show", id])["state"], "active", "runs beside the schedule end no campaign");
}

fn duplicated(it: &Deployment, id: &str) {
    it.write("other.json", json!({ "name": "evening", "schedule": { "at": "2099-01-01T18:00:00" } }).to_string());
    let other = it.ask(&["campaign", "duplicate", id, "other.json"]);
    assert_eq!(text(&it.ask(&["campaign", "show", text(&other, "id")]), "name"), "evening");
    assert!(it.tell(&["campaign", "duplicate", id]).contains("cmp_"));
}
