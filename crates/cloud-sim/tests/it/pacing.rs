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

pub(crate) async fn start_for(rules: Rules) -> (Receiver, Simulator) {
    let (receiver, url) = Receiver::start([]).await;
    (receiver, start_with(SimConfig { webhook: Some(url), rules, ..config() }).await)
}

pub(crate) async fn quiet(sim: &Simulator) {
    eventually("every webhook is delivered", || sim.pending_webhooks() == 0).await;
}

pub(crate) fn phone(n: u64) -> String {
    format!("+{}", 919_000_000_000 + n)
}

/// What the answer says of the message.
async fn sent(sim: &Simulator, n: u64) -> String {
    answered(sim, NUMBER, &offer(&phone(n))).await
}

pub(crate) async fn answered(sim: &Simulator, number: &str, message: &Value) -> String {
    let answer = send_from(sim, number, message).await.json();
    answer["messages"][0]["message_status"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
}

pub(crate) const ACCEPTED: &str = "accepted";
pub(crate) const HELD: &str = "held_for_quality_assessment";

/// The statuses of a user, in order of arrival; of a failure the code.
pub(crate) fn statuses(receiver: &Receiver, n: u64) -> Vec<String> {
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

/// What the answers to some messages of a utility template from a number say, each to another user.
async fn utilities(sim: &Simulator, number: &str, name: &str, users: std::ops::Range<u64>) -> Vec<String> {
    let mut answers = Vec::new();
    for n in users {
        let mut message = if name == "hello_world" { hello(&phone(n)) } else { offer(&phone(n)) };
        message["template"]["name"] = json!(name);
        answers.push(answered(sim, number, &message).await);
    }
    answers
}

async fn order(sim: &Simulator, name: &str, order: Value) {
    stage(sim, &format!("/_sim/templates/{name}"), order).await;
}

#[tokio::test]
async fn utility_templates_are_paced_for_a_week_after_one_of_their_account_was_paused() {
    let sim = start_with(SimConfig { rules: paced(), wabas: 2, ..config() }).await;
    order(&sim, "hello_world", json!({ "quality_score": "YELLOW" })).await;
    assert_eq!(utilities(&sim, NUMBER, "hello_world", 0..3).await, [ACCEPTED; 3], "none was paused");
    order(&sim, "daily_pack_v1", json!({ "status": "PAUSED", "waba": WABA })).await;
    assert_eq!(utilities(&sim, NUMBER, "hello_world", 3..6).await, [ACCEPTED, ACCEPTED, HELD]);
    assert_eq!(utilities(&sim, NUMBER, "daily_text_v1", 6..9).await, [ACCEPTED; 3], "an old one that is rated well");
    assert_eq!(utilities(&sim, OTHER_NUMBER, "hello_world", 9..12).await, [ACCEPTED; 3], "another account");
    sim.advance(HOUR);
    assert_eq!(utilities(&sim, NUMBER, "hello_world", 12..15).await, [ACCEPTED; 3], "Meta has thought well of it");
    order(&sim, "daily_pack_v2", json!({ "status": "PAUSED", "waba": WABA })).await;
    assert_eq!(utilities(&sim, NUMBER, "hello_world", 15..18).await, [ACCEPTED, ACCEPTED, HELD], "another pause");
    sim.advance(7 * 24 * HOUR);
    order(&sim, "daily_text_v1", json!({ "quality_score": "YELLOW" })).await;
    assert_eq!(utilities(&sim, NUMBER, "daily_text_v1", 18..21).await, [ACCEPTED; 3], "a week has passed");
}

#[tokio::test]
async fn a_utility_template_that_was_paused_is_paced_itself_and_dropped_if_it_is_rated_low() {
    let (receiver, sim) = start_for(paced()).await;
    order(&sim, "daily_text_v1", json!({ "status": "PAUSED" })).await;
    sim.advance(3 * HOUR);
    assert_eq!(utilities(&sim, NUMBER, "daily_text_v1", 0..4).await, [ACCEPTED, ACCEPTED, HELD, HELD]);
    order(&sim, "daily_text_v1", json!({ "quality_score": "RED" })).await;
    sim.advance(HOUR);
    sim.advance(Duration::from_secs(5));
    quiet(&sim).await;
    assert_eq!([statuses(&receiver, 2), statuses(&receiver, 3)], [["132015"], ["132015"]]);
    let told = receiver.told("message_template_status_update").pop().unwrap();
    assert_eq!((&told["event"], &told["other_info"]["title"]), (&json!("PAUSED"), &json!("RATE_LIMITING_PAUSE")));
}
