//! A number whose throughput Meta raises from 80 messages per second to 1000.

use std::time::Duration;

use dawncast_cloud_sim::{SimConfig, Simulator};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::receiver::Receiver;
use crate::support::*;

const SECOND: Duration = Duration::from_secs(1);

fn standard() -> SimConfig {
    SimConfig { mps: 80, ..config() }
}

async fn order(sim: &Simulator, number: Value) -> Value {
    stage(sim, &format!("/_sim/numbers/{NUMBER}"), number).await
}

async fn level(sim: &Simulator) -> Value {
    get(sim, &format!("/{NUMBER}?fields=throughput")).await.json()["throughput"]["level"].clone()
}

/// The code by which a send is refused, if it is.
async fn code(sim: &Simulator) -> Option<u64> {
    send(sim, &hello(PHONE)).await.json()["error"]["code"].as_u64()
}

#[tokio::test]
async fn a_standard_number_is_upgraded_within_a_minute_in_which_it_sends_nothing() {
    let (receiver, url) = Receiver::start([]).await;
    let sim = start_with(SimConfig { webhook: Some(url), ..standard() }).await;
    assert_eq!((level(&sim).await, code(&sim).await), (json!("STANDARD"), None));
    let standing = order(&sim, json!({ "throughput_upgrade": {} })).await;
    let ends_ms = standing["upgraded_at_ms"].as_u64().unwrap();
    let now_ms = get(&sim, "/_sim/clock").await.json()["now_ms"].as_u64().unwrap();
    assert!((now_ms..=now_ms + 60_000).contains(&ends_ms), "{ends_ms} at {now_ms}");
    sim.advance(50 * SECOND);
    let refused = send(&sim, &hello(PHONE)).await;
    assert_eq!((refused.status, refused.error_code(), level(&sim).await), (500, 131_057, json!("STANDARD")));
    let marketing = post(&sim, &format!("/v24.0/{NUMBER}/marketing_messages"), &offer(PHONE)).await;
    assert_eq!(marketing.error_code(), 131_057);
    assert_eq!(send_from(&sim, OTHER_NUMBER, &hello(PHONE)).await.status, 200, "it is of one number");
    assert_eq!(receiver.told("phone_number_quality_update"), [Value::Null; 0]);
    sim.advance(10 * SECOND);
    assert_eq!((level(&sim).await, code(&sim).await), (json!("HIGH"), None));
    eventually("it is told", || !receiver.told("phone_number_quality_update").is_empty()).await;
    let upgraded = json!({ "display_phone_number": "15550100001", "event": "THROUGHPUT_UPGRADE",
        "max_daily_conversations_per_business": "TIER_UNLIMITED" });
    assert_eq!(receiver.told("phone_number_quality_update"), [upgraded]);
    let standing = get(&sim, &format!("/_sim/numbers/{NUMBER}")).await.json();
    assert_eq!((&standing["mps"], &standing["upgraded_at_ms"]), (&json!(1000), &Value::Null));
}

/// How many of 150 messages to as many users are taken at once.
async fn taken(sim: &Simulator) -> usize {
    sim.advance(SECOND);
    let mut sends = JoinSet::new();
    for n in 0..150 {
        let (addr, request) = (sim.addr(), send_request(NUMBER, &hello(&format!("+{}", 919_000_000_000_u64 + n))));
        sends.spawn(async move { parse(&exchange(addr, &request).await.unwrap()) });
    }
    let answers = sends.join_all().await;
    assert!(answers.iter().all(|answer| answer.status == 200 || answer.error_code() == 130_429));
    answers.iter().filter(|answer| answer.status == 200).count()
}

#[tokio::test]
async fn afterwards_the_number_takes_a_thousand_messages_a_second() {
    let sim = start_with(SimConfig { mps: 21, ..config() }).await;
    assert!(taken(&sim).await < 150);
    order(&sim, json!({ "throughput_upgrade": { "takes": "1s" } })).await;
    sim.advance(SECOND);
    assert_eq!(taken(&sim).await, 150);
}

#[tokio::test]
async fn an_order_of_its_throughput_calls_the_upgrade_off() {
    let (receiver, url) = Receiver::start([]).await;
    let sim = start_with(SimConfig { webhook: Some(url), ..standard() }).await;
    order(&sim, json!({ "throughput_upgrade": {} })).await;
    order(&sim, json!({ "quality_rating": "YELLOW" })).await;
    assert_eq!(code(&sim).await, Some(131_057), "what else is ordered does not");
    order(&sim, json!({ "mps": 40 })).await;
    assert_eq!(code(&sim).await, None);
    sim.advance(120 * SECOND);
    eventually("every webhook is delivered", || sim.pending_webhooks() == 0).await;
    assert_eq!((level(&sim).await, receiver.told("phone_number_quality_update").len()), (json!("STANDARD"), 0));
}

#[tokio::test]
async fn what_cannot_be_upgraded_is_refused_with_the_reason() {
    let sim = start_with(standard()).await;
    let refused = async |number: Value| {
        let path = format!("/_sim/numbers/{NUMBER}");
        let answer = call(&sim, "POST", &path, "", number.to_string().as_bytes()).await;
        assert_eq!(answer.status, 400, "{}", answer.body);
        answer.body
    };
    let words = refused(json!({ "throughput_upgrade": {}, "mps": 500 })).await;
    assert!(words.contains("`throughput_upgrade`") && words.contains("`mps` out"), "{words}");
    let words = refused(json!({ "throughput_upgrade": { "takes": "soon" } })).await;
    assert!(words.contains("`soon` is not a duration"), "{words}");
    let words = refused(json!({ "throughput_upgrade": { "lasts": "1s" } })).await;
    assert!(words.contains("unknown field `lasts`"), "{words}");
    for (mps, its_level) in [(20, "NOT_APPLICABLE"), (81, "HIGH")] {
        order(&sim, json!({ "mps": mps })).await;
        let words = refused(json!({ "throughput_upgrade": {}, "status": "RESTRICTED" })).await;
        assert!(words.contains(&format!("the number's level is {its_level}")), "{words}");
    }
    assert_eq!(code(&sim).await, None, "nothing of it was done");
    order(&sim, json!({ "mps": 80 })).await;
    order(&sim, json!({ "throughput_upgrade": {} })).await;
    let words = refused(json!({ "throughput_upgrade": {} })).await;
    assert!(words.contains("one is under way"), "{words}");
}

#[tokio::test]
async fn a_scenario_upgrades_a_number_and_takes_it_back() {
    let steps = |rest: &str| {
        format!(r#"{{"steps":[{{"at":"10m",{rest},"number":{{"id":"{NUMBER}","throughput_upgrade":{{}}}}}}]}}"#)
    };
    let path = std::env::temp_dir().join(format!("dawncast-sim-upgrade-{}.json", std::process::id()));
    for (rest, expected) in [
        (r#""about":"it stays""#, [("STANDARD", Some(131_057)), ("HIGH", None), ("HIGH", None)]),
        (r#""for":"1h""#, [("STANDARD", Some(131_057)), ("HIGH", None), ("STANDARD", None)]),
        (r#""for":"30s""#, [("STANDARD", Some(131_057)), ("STANDARD", None), ("STANDARD", None)]),
    ] {
        std::fs::write(&path, steps(rest)).unwrap();
        let started = Simulator::start(SimConfig { scenario: Some(path.clone()), ..standard() }).await;
        std::fs::remove_file(&path).unwrap();
        let sim = started.unwrap();
        for (minutes, (its_level, its_code)) in [10, 1, 60].into_iter().zip(expected) {
            sim.advance(60 * minutes * SECOND);
            assert_eq!((level(&sim).await, code(&sim).await), (json!(its_level), its_code), "{rest} after {minutes}");
        }
    }
}
