//! Users who block, what it does to numbers and templates, and how it passes.

use std::time::Duration;

use dawncast_cloud_api::{TemplateStatus, webhook::AccountEvent};
use dawncast_cloud_sim::{Rules, SimConfig, SimError, Simulator};
use serde_json::{Value, json};

use crate::receiver::Receiver;
use crate::support::*;

const HOUR: Duration = Duration::from_secs(3600);

/// Three blocks turn it yellow, five red.
fn few() -> Rules {
    Rules { yellow_blocks: 3, red_blocks: 5, ..Rules::default() }
}

async fn start_for(url: String, rules: Rules) -> Simulator {
    start_with(SimConfig { webhook: Some(url), rules, ..config() }).await
}

async fn quiet(sim: &Simulator) {
    eventually("every webhook is delivered", || sim.pending_webhooks() == 0).await;
}

fn phone(n: u64) -> String {
    format!("+{}", 919_000_000_000 + n)
}

/// These users are sent `hello_world` and then block the number.
async fn blocked_by(sim: &Simulator, users: std::ops::Range<u64>) {
    for n in users {
        assert_eq!(send(sim, &hello(&phone(n))).await.status, 200);
        stage(sim, "/_sim/block", json!({ "from": phone(n), "number": NUMBER })).await;
    }
}

async fn rating(sim: &Simulator, number: &str) -> Value {
    get(sim, &format!("/{number}?fields=quality_rating")).await.json()["quality_rating"].clone()
}

/// Status and quality of `hello_world`.
async fn template(sim: &Simulator) -> (String, String) {
    let path = format!("/{WABA}/message_templates?name=hello_world&fields=status,quality_score");
    let node = get(sim, &path).await.json()["data"][0].clone();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    (text(&node["status"]), text(&node["quality_score"]["score"]))
}

fn is(status: &str, quality: &str) -> (String, String) {
    (status.to_owned(), quality.to_owned())
}

#[tokio::test]
async fn a_number_that_users_block_falls_and_recovers_when_the_blocks_are_a_week_old() {
    let (receiver, url) = Receiver::start([]).await;
    let sim = start_for(url, few()).await;
    blocked_by(&sim, 0..2).await;
    stage(&sim, "/_sim/block", json!({ "from": phone(0), "number": NUMBER })).await;
    assert_eq!(rating(&sim, NUMBER).await, "GREEN", "who blocks twice counts once");
    blocked_by(&sim, 2..3).await;
    assert_eq!(rating(&sim, NUMBER).await, "YELLOW");
    sim.advance(HOUR);
    blocked_by(&sim, 3..5).await;
    assert_eq!((rating(&sim, NUMBER).await, rating(&sim, OTHER_NUMBER).await), (json!("RED"), json!("GREEN")));
    sim.advance(167 * HOUR);
    assert_eq!(rating(&sim, NUMBER).await, "GREEN", "three are a week old");
    quiet(&sim).await;
    assert!(receiver.told("phone_number_quality_update").is_empty(), "no webhook tells of a number's rating");
}

#[tokio::test]
async fn numbers_are_flagged_for_their_quality_where_that_is_asked_for() {
    let (receiver, url) = Receiver::start([]).await;
    let sim = start_for(url, Rules { flags_numbers: true, ..few() }).await;
    blocked_by(&sim, 0..5).await;
    assert_eq!(get(&sim, &format!("/{NUMBER}?fields=status")).await.json()["status"], "FLAGGED");
    sim.advance(168 * HOUR);
    assert_eq!(get(&sim, &format!("/{NUMBER}?fields=status")).await.json()["status"], "CONNECTED");
    quiet(&sim).await;
    let told = receiver.told("phone_number_quality_update");
    let events: Vec<_> = told.iter().map(|told| told["event"].as_str().unwrap()).collect();
    assert_eq!(events, ["FLAGGED", "UNFLAGGED"]);
    assert_eq!(told[0]["display_phone_number"], "15550100001");
}

#[tokio::test]
async fn a_template_falls_is_paused_for_three_hours_then_for_six_then_disabled() {
    let (receiver, url) = Receiver::start([]).await;
    let sim = start_for(url, few()).await;
    blocked_by(&sim, 0..3).await;
    assert_eq!(template(&sim).await, is("APPROVED", "YELLOW"));
    for (pause, hours) in [(0, 3), (1, 6)] {
        blocked_by(&sim, 3 + pause * 5..5 + pause * 5).await;
        if pause == 1 {
            blocked_by(&sim, 20..23).await;
        }
        assert_eq!(template(&sim).await, is("PAUSED", "RED"));
        let refused = send(&sim, &hello(PHONE)).await;
        assert_eq!((refused.status, refused.error_code()), (400, 132_015));
        sim.advance(hours * HOUR - Duration::from_secs(60));
        assert_eq!(send(&sim, &hello(PHONE)).await.error_code(), 132_015, "{hours} hours are not over");
        sim.advance(Duration::from_secs(60));
        assert_eq!(template(&sim).await, is("APPROVED", "UNKNOWN"));
        assert_eq!(send(&sim, &hello(PHONE)).await.status, 200);
    }
    blocked_by(&sim, 30..35).await;
    assert_eq!(template(&sim).await, is("DISABLED", "RED"));
    let refused = send(&sim, &hello(PHONE)).await;
    assert_eq!((refused.status, refused.error_code()), (400, 132_016));
    sim.advance(1000 * HOUR);
    assert_eq!(send(&sim, &hello(PHONE)).await.error_code(), 132_016, "for good");

    quiet(&sim).await;
    let told = receiver.told("message_template_status_update");
    let titles: Vec<_> = told.iter().map(|told| told["other_info"]["title"].as_str().unwrap()).collect();
    assert_eq!(titles, ["FIRST_PAUSE", "UNPAUSE", "SECOND_PAUSE", "UNPAUSE", "DISABLED"]);
    let scores = receiver.told("message_template_quality_update");
    let scores: Vec<_> = scores.iter().map(|told| told["new_quality_score"].as_str().unwrap()).collect();
    assert_eq!(scores[..4], ["YELLOW", "RED", "UNKNOWN", "YELLOW"], "{scores:?}");
    let accounts: Vec<_> = receiver.parsed().into_iter().flat_map(|parsed| parsed.accounts).collect();
    let is_pause = |event: &AccountEvent| {
        let AccountEvent::TemplateStatus(told) = event else { return false };
        let title = told.other_info.as_ref().and_then(|info| info.title.as_deref());
        told.status == TemplateStatus::Paused && title == Some("FIRST_PAUSE") && told.template.name == "hello_world"
    };
    assert!(accounts.iter().any(|update| is_pause(&update.event)), "{accounts:?}");
}

#[tokio::test]
async fn a_pause_that_is_taken_back_by_hand_does_not_end_the_next_one() {
    let sim = start_with(SimConfig { rules: few(), ..config() }).await;
    let order = |status: &str| json!({ "status": status });
    stage(&sim, "/_sim/templates/hello_world", order("PAUSED")).await;
    sim.advance(HOUR);
    let path = format!("/{WABA}/message_templates?name=hello_world");
    let id = get(&sim, &path).await.json()["data"][0]["id"].as_str().unwrap().to_owned();
    assert_eq!(post(&sim, &format!("/{id}/unpause"), &json!({})).await.json(), json!({ "success": true }));
    assert_eq!(template(&sim).await, is("APPROVED", "GREEN"));
    stage(&sim, "/_sim/templates/hello_world", order("PAUSED")).await;
    sim.advance(3 * HOUR);
    assert_eq!(template(&sim).await.0, "PAUSED", "the second lasts six hours");
    sim.advance(3 * HOUR);
    assert_eq!(template(&sim).await.0, "APPROVED");
    let refused = post(&sim, &format!("/{id}/unpause"), &json!({})).await.json();
    assert_eq!(refused, json!({ "success": false, "reason": "The template is not paused" }));
}

#[tokio::test]
async fn a_block_counts_against_the_template_that_was_sent_last() {
    let sim = start_with(SimConfig { rules: Rules { yellow_blocks: 1, ..few() }, ..config() }).await;
    send(&sim, &offer(PHONE)).await;
    send(&sim, &hello(PHONE)).await;
    // Another number's message does not matter.
    send_from(&sim, OTHER_NUMBER, &offer(PHONE)).await;
    stage(&sim, "/_sim/block", json!({ "from": PHONE, "number": NUMBER })).await;
    let scores = get(&sim, &format!("/{WABA}/message_templates?fields=name,quality_score")).await.json();
    let low: Vec<_> =
        scores["data"].as_array().unwrap().iter().filter(|it| it["quality_score"]["score"] == "YELLOW").collect();
    assert_eq!(low.iter().map(|it| it["name"].as_str().unwrap()).collect::<Vec<_>>(), ["hello_world"]);
    // Who was sent nothing counts against the number alone.
    stage(&sim, "/_sim/block", json!({ "from": "+919000000009", "number": OTHER_NUMBER })).await;
    assert_eq!(rating(&sim, OTHER_NUMBER).await, "YELLOW");
}

#[tokio::test]
async fn few_blocks_change_nothing_by_default() {
    let sim = start().await;
    blocked_by(&sim, 0..19).await;
    assert_eq!((rating(&sim, NUMBER).await, template(&sim).await), (json!("GREEN"), is("APPROVED", "GREEN")));
    blocked_by(&sim, 19..20).await;
    assert_eq!((rating(&sim, NUMBER).await, template(&sim).await.1), (json!("YELLOW"), "YELLOW".to_owned()));
}

#[tokio::test]
async fn rules_are_read_changed_and_refused_by_name() {
    let sim = start().await;
    assert_eq!(get(&sim, "/_sim/rules").await.json()["quality_span"], "7days");
    let changed = stage(&sim, "/_sim/rules", json!({ "yellow_blocks": 2, "quality_span": "1h" })).await;
    assert_eq!((&changed["yellow_blocks"], &changed["red_blocks"]), (&json!(2), &json!(50)), "the others stay");
    for (order, words) in [
        (json!({ "yelow_blocks": 2 }), "unknown field `yelow_blocks`"),
        (json!({ "yellow_blocks": 0 }), "`yellow_blocks` is not usable: give at least 1"),
        (json!({ "red_blocks": 1 }), "`red_blocks` is not usable"),
        (json!({ "quality_span": "soon" }), "`soon` is not a duration"),
        (json!([]), "the body is not usable"),
    ] {
        let refused = call(&sim, "POST", "/_sim/rules", "", order.to_string().as_bytes()).await;
        assert!(refused.status == 400 && refused.body.contains(words), "{}", refused.body);
    }
    assert_eq!(get(&sim, "/_sim/rules").await.json(), changed, "what is refused changes nothing");
    let refused = Simulator::start(SimConfig { rules: Rules { red_blocks: 1, ..Rules::default() }, ..config() }).await;
    assert!(matches!(refused, Err(SimError::Order { field: "red_blocks", .. })));
}
