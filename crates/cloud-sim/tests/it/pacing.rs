//! Messages that are held back, and then go out or are dropped.

use std::time::Duration;

use dawncast_cloud_sim::{Rules, SimConfig, Simulator};
use serde_json::{Value, json};

use crate::receiver::Receiver;
use crate::support::*;

const HOUR: Duration = Duration::from_secs(3600);

fn paced() -> Rules {
    Rules { paced_after: Some(2), ..Rules::default() }
}

async fn start_for(rules: Rules) -> (Receiver, Simulator) {
    let (receiver, url) = Receiver::start([]).await;
    (receiver, start_with(SimConfig { webhook: Some(url), rules, ..config() }).await)
}

async fn quiet(sim: &Simulator) {
    eventually("every webhook is delivered", || sim.pending_webhooks() == 0).await;
}

fn phone(n: u64) -> String {
    format!("+{}", 919_000_000_000 + n)
}

/// What the answer says of the message.
async fn sent(sim: &Simulator, n: u64) -> String {
    let answer = send(sim, &offer(&phone(n))).await.json();
    answer["messages"][0]["message_status"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
}

const ACCEPTED: &str = "accepted";
const HELD: &str = "held_for_quality_assessment";

/// The statuses of a user, in order of arrival; of a failure the code.
fn statuses(receiver: &Receiver, n: u64) -> Vec<String> {
    let word = |status: &Value| match status["errors"][0]["code"].as_u64() {
        Some(code) => code.to_string(),
        None => status["status"].as_str().unwrap().to_owned(),
    };
    receiver.statuses().iter().filter(|status| status["recipient_id"] == phone(n)[1..]).map(word).collect()
}

#[tokio::test]
async fn a_new_marketing_template_is_held_after_the_first_and_goes_out_an_hour_later() {
    let (receiver, sim) = start_for(paced()).await;
    for (n, expected) in [(0, ACCEPTED), (1, ACCEPTED), (2, HELD), (3, HELD)] {
        assert_eq!(sent(&sim, n).await, expected, "user {n}");
    }
    assert_eq!(send(&sim, &hello(&phone(4))).await.json()["messages"][0]["message_status"], ACCEPTED, "utility is not");
    sim.advance(HOUR / 2);
    quiet(&sim).await;
    assert!(statuses(&receiver, 1).contains(&"sent".to_owned()) && statuses(&receiver, 2).is_empty());
    let before = sim.ledger().recipients[&phone(2)[1..]].attempts[0].at_ms / 1000;
    sim.advance(HOUR / 2);
    // What was released is due a moment later.
    sim.advance(Duration::from_secs(5));
    quiet(&sim).await;
    assert_eq!(statuses(&receiver, 2)[0], "sent");
    let status = &receiver.statuses().into_iter().find(|status| status["recipient_id"] == phone(2)[1..]).unwrap();
    let at: u64 = status["timestamp"].as_str().unwrap().parse().unwrap();
    assert!(at >= before + 3600, "it was sent when it went out: {at}");
    assert_eq!(sent(&sim, 5).await, ACCEPTED, "the template has passed");
    let parsed: Vec<_> = receiver.parsed().into_iter().flat_map(|parsed| parsed.statuses).collect();
    assert_eq!(parsed.len(), receiver.statuses().len(), "the client reads them all");
}

#[tokio::test]
async fn what_is_held_of_a_template_that_turns_red_is_dropped_and_the_template_waits_to_be_unpaused() {
    let (receiver, sim) = start_for(paced()).await;
    for n in 0..4 {
        sent(&sim, n).await;
    }
    stage(&sim, "/_sim/templates/weekly_offer_v1", json!({ "quality_score": "RED" })).await;
    sim.advance(HOUR);
    sim.advance(Duration::from_secs(5));
    quiet(&sim).await;
    assert_eq!([statuses(&receiver, 2), statuses(&receiver, 3)], [["132015"], ["132015"]]);
    assert_eq!(sim.ledger().recipients[&phone(2)[1..]].attempts[0].failed, Some(132_015));
    let told = receiver.told("message_template_status_update").pop().unwrap();
    assert_eq!((&told["event"], &told["other_info"]["title"]), (&json!("PAUSED"), &json!("RATE_LIMITING_PAUSE")));
    assert_eq!(send(&sim, &offer(&phone(6))).await.error_code(), 132_015);
    sim.advance(24 * HOUR);
    assert_eq!(send(&sim, &offer(&phone(6))).await.error_code(), 132_015, "this pause does not end by itself");
    let path = format!("/{WABA}/message_templates?name=weekly_offer_v1");
    let id = get(&sim, &path).await.json()["data"][0]["id"].as_str().unwrap().to_owned();
    assert_eq!(post(&sim, &format!("/{id}/unpause"), &json!({})).await.json(), json!({ "success": true }));
    assert_eq!(
        [sent(&sim, 7).await, sent(&sim, 8).await, sent(&sim, 9).await],
        [ACCEPTED, ACCEPTED, HELD],
        "it is new again"
    );
}

#[tokio::test]
async fn a_template_is_held_released_and_dropped_by_order() {
    let (receiver, sim) = start_for(Rules::default()).await;
    let order = async |pacing: &str| stage(&sim, "/_sim/templates/weekly_offer_v1", json!({ "pacing": pacing })).await;
    assert_eq!(sent(&sim, 0).await, ACCEPTED, "nothing is held unless asked for");
    order("HELD").await;
    assert_eq!(sent(&sim, 1).await, HELD);
    sim.advance(48 * HOUR);
    quiet(&sim).await;
    assert!(statuses(&receiver, 1).is_empty());
    stage(&sim, "/_sim/block", json!({ "from": phone(1), "number": NUMBER })).await;
    order("RELEASED").await;
    assert_eq!(sent(&sim, 2).await, ACCEPTED);
    sim.advance(Duration::from_secs(5));
    quiet(&sim).await;
    assert_eq!(statuses(&receiver, 1), ["131026"], "what became of the user meanwhile counts");
    order("HELD").await;
    assert_eq!(sent(&sim, 3).await, HELD);
    order("DROPPED").await;
    sim.advance(Duration::from_secs(5));
    quiet(&sim).await;
    assert_eq!(statuses(&receiver, 3), ["132015"]);
    let unknown = call(&sim, "POST", "/_sim/templates/weekly_offer_v1", "", br#"{"pacing":"MAYBE"}"#).await;
    assert!(unknown.status == 400 && unknown.body.contains("RELEASED"), "{}", unknown.body);
}

#[tokio::test]
async fn a_scenario_holds_messages_for_a_while() {
    let path = std::env::temp_dir().join(format!("dawncast-sim-held-{}.json", std::process::id()));
    let text = r#"{"steps":[{"at":"1h","for":"1h","template":{"name":"weekly_offer_v1","pacing":"HELD"}}]}"#;
    std::fs::write(&path, text).unwrap();
    let started = Simulator::start(SimConfig { scenario: Some(path.clone()), ..config() }).await;
    std::fs::remove_file(&path).unwrap();
    let sim = started.unwrap();
    assert_eq!(sent(&sim, 0).await, ACCEPTED);
    sim.advance(HOUR);
    assert_eq!(sent(&sim, 1).await, HELD);
    sim.advance(HOUR);
    assert_eq!(sent(&sim, 2).await, ACCEPTED);
}
