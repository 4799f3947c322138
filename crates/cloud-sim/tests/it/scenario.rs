//! Scenario files: read with every mistake named, and played on the simulator's clock.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use dawncast_cloud_sim::{SimConfig, SimError, Simulator};
use serde_json::{Value, json};

use crate::receiver::Receiver;
use crate::support::*;

/// A file that is gone when it is dropped.
struct File(PathBuf);

impl File {
    fn of(text: &str) -> Self {
        static FILES: AtomicU32 = AtomicU32::new(0);
        let name = format!("scenario-{}-{}.json", std::process::id(), FILES.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        std::fs::write(&path, text).unwrap();
        Self(path)
    }
}

impl Drop for File {
    fn drop(&mut self) {
        std::fs::remove_file(&self.0).unwrap();
    }
}

async fn play(text: &str) -> Simulator {
    let file = File::of(text);
    start_with(SimConfig { scenario: Some(file.0.clone()), ..config() }).await
}

/// Why a file is refused; the words of all its mistakes.
async fn mistakes(text: &str) -> String {
    let file = File::of(text);
    match Simulator::start(SimConfig { scenario: Some(file.0.clone()), ..config() }).await {
        Err(SimError::Script(words)) => words.replace(&file.0.display().to_string(), "FILE"),
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("it was taken: {text}"),
    }
}

fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

async fn code(sim: &Simulator) -> Option<u64> {
    send(sim, &hello(PHONE)).await.json()["error"]["code"].as_u64()
}

#[tokio::test]
async fn a_fault_strikes_from_its_time_on_and_for_as_long_as_it_is_to() {
    let sim = play(
        r#"{"steps":[{"at":"10m","for":"2m","match":{"number":"100000000000001"},
                      "fault":{"kind":"error","code":131031,"http_status":403}}]}"#,
    )
    .await;
    assert_eq!(code(&sim).await, None);
    sim.advance(seconds(600));
    let refused = send(&sim, &hello(PHONE)).await;
    assert_eq!((refused.status, refused.error_code()), (403, 131_031));
    assert_eq!(send_from(&sim, OTHER_NUMBER, &hello(PHONE)).await.status, 200, "it is for one number");
    stage(&sim, "/_sim/faults", json!({ "faults": [] })).await;
    assert_eq!(code(&sim).await, Some(131_031), "orders by hand do not end a step");
    sim.advance(seconds(120));
    assert_eq!(code(&sim).await, None);
}

#[tokio::test]
async fn what_a_step_changes_is_as_before_when_it_is_over() {
    let sim = play(
        r#"{"steps":[
            {"at":"10m","for":"1m","number":{"id":"100000000000001","quality_rating":"RED","status":"RESTRICTED"}},
            {"at":"21m","for":"1m","template":{"name":"hello_world","status":"PAUSED"}},
            {"at":"32m","for":"1m","token":{"revoked":true}},
            {"at":"43m","number":{"id":"100000000000001","messaging_limit":"TIER_250"}}]}"#,
    )
    .await;
    for expected in [Some(368), Some(132_015), Some(190)] {
        sim.advance(seconds(540));
        assert_eq!(code(&sim).await, None, "before {expected:?}");
        sim.advance(seconds(60));
        assert_eq!(code(&sim).await, expected);
        sim.advance(seconds(60));
        assert_eq!(code(&sim).await, None, "after {expected:?}");
    }
    let number = get(&sim, &format!("/_sim/numbers/{NUMBER}")).await.json();
    assert_eq!((&number["quality_rating"], &number["messaging_limit"]), (&json!("GREEN"), &json!("TIER_UNLIMITED")));
    sim.advance(seconds(600));
    let number = get(&sim, &format!("/_sim/numbers/{NUMBER}")).await.json();
    assert_eq!(number["messaging_limit"], "TIER_250", "what has no end stays");
}

#[tokio::test]
async fn users_act_and_the_latency_grows_when_it_is_time() {
    let steps = format!(
        r#"{{"steps":[{{"at":"1h","reply":{{"from":"{PHONE}","number":"{NUMBER}","text":"hi"}}}},
            {{"at":"2h","block":{{"from":"{PHONE}","number":"{NUMBER}"}}}},
            {{"at":"3h","for":"1h","latency":"60ms"}}]}}"#
    );
    let sim = play(&steps).await;
    assert_eq!(send(&sim, &text(PHONE)).await.error_code(), 131_047);
    sim.advance(seconds(3600));
    assert_eq!(send(&sim, &text(PHONE)).await.status, 200, "the user has written");
    sim.advance(seconds(3600));
    assert_eq!(code(&sim).await, None);
    assert_eq!(sim.ledger().recipients[&PHONE[1..]].attempts.last().unwrap().failed, Some(131_026));
    sim.advance(seconds(3600));
    let began = std::time::Instant::now();
    assert_eq!(code(&sim).await, None);
    assert!(began.elapsed() >= Duration::from_millis(60));
}

#[tokio::test]
async fn webhooks_stop_and_then_come_in_a_burst() {
    let (receiver, url) = Receiver::start([]).await;
    let file = File::of(r#"{"steps":[{"at":"0s","for":"1h","webhooks":{"stop":true,"shuffled":true}}]}"#);
    let mut config = SimConfig { webhook: Some(url), scenario: Some(file.0.clone()), ..config() };
    config.receipts.read_share = 0.0;
    let sim = start_with(config).await;
    for n in 0..60 {
        assert_eq!(send(&sim, &hello(&format!("+{}", 919_000_000_000_u64 + n))).await.status, 200);
    }
    // Everything is due by then, and nothing is posted before the hour is over.
    sim.advance(seconds(1800));
    assert_eq!(sim.pending_webhooks(), 120);
    assert!(receiver.posts().is_empty());
    sim.advance(seconds(1800));
    eventually("everything comes", || sim.pending_webhooks() == 0).await;
    let statuses = receiver.statuses();
    let is_before = |pair: &[Value]| pair[0]["status"] == "delivered" && pair[1]["status"] == "sent";
    assert_eq!(statuses.len(), 120);
    assert!(statuses.windows(2).any(is_before) && receiver.posts().len() < 6, "a burst in any order");
}

#[tokio::test]
async fn webhooks_can_be_stopped_by_hand_and_let_go() {
    let (receiver, url) = Receiver::start([]).await;
    let sim = start_with(SimConfig { webhook: Some(url), ..config() }).await;
    stage(&sim, "/_sim/webhooks", json!({ "stop_ms": 3_600_000 })).await;
    send(&sim, &hello(PHONE)).await;
    sim.advance(seconds(1800));
    assert!(receiver.posts().is_empty() && sim.pending_webhooks() > 0);
    stage(&sim, "/_sim/webhooks", json!({ "stop_ms": 0 })).await;
    eventually("everything comes", || sim.pending_webhooks() == 0).await;
}

#[tokio::test]
async fn where_it_stands_and_what_is_to_come_can_be_read() {
    let sim = play(
        r#"{"about":"two steps","steps":[{"at":"10m","for":"1m","fault":{"kind":"throttle"}},
            {"at":"20m","template":{"name":"not_there","status":"PAUSED"}}]}"#,
    )
    .await;
    let shown = get(&sim, "/_sim/scenario").await.json();
    assert_eq!((&shown["about"], &shown["next"]["step"]), (&json!("two steps"), &json!(0)));
    let in_ms = shown["next"]["in_ms"].as_u64().unwrap();
    assert!((590_000..=600_000).contains(&in_ms), "{in_ms}");
    assert_eq!(shown["steps"][0]["fault"], json!({ "kind": "throttle" }));
    sim.advance(seconds(600));
    let state = async |place: usize| get(&sim, "/_sim/scenario").await.json()["steps"][place]["state"].clone();
    assert_eq!((state(0).await, state(1).await), (json!("active"), json!("to_come")));
    sim.advance(seconds(600));
    let shown = get(&sim, "/_sim/scenario").await.json();
    assert_eq!((&shown["steps"][0]["state"], &shown["next"]), (&json!("done"), &Value::Null));
    assert_eq!(shown["steps"][1]["state"], "failed");
    assert!(shown["steps"][1]["problem"].as_str().unwrap().contains("not_there"), "{shown}");
    let none = start().await;
    assert_eq!(get(&none, "/_sim/scenario").await.json(), json!({ "steps": [] }));
}

#[tokio::test]
async fn every_mistake_is_named_with_its_line_and_what_to_do() {
    let words = mistakes(
        r#"{"steps":[
  {"at":"soon","latency":"1s"},
  {"at":"1s","fault":
     {"kind":"trottle"}},
  {"at":"1s","latncy":"1s"},
  {"at":"1s","number":{"quality_rating":"RED"}},
  {"at":"1s","number":{"id":"1","qality":"RED"}}
]}"#,
    )
    .await;
    let lines: Vec<_> = words.lines().collect();
    assert_eq!(lines.len(), 5, "{words}");
    for (line, (start, part)) in lines.iter().zip([
        ("FILE:2: steps[0]: ", "`soon` is not a duration such as `50ms`"),
        ("FILE:4: steps[1]: ", "unknown variant `trottle`"),
        ("FILE:5: steps[2]: ", "unknown field `latncy`"),
        ("FILE:6: steps[3]: ", "`id` is missing"),
        ("FILE:7: steps[4]: ", "unknown field `qality`"),
    ]) {
        assert!(line.starts_with(start) && line.contains(part), "{line}");
    }
}

#[tokio::test]
async fn what_can_be_read_and_makes_no_sense_is_refused_as_well() {
    for (steps, expected) in [
        (r#"{"at":"1s"}"#, "steps[0].at: nothing happens then: give one of fault, latency"),
        (r#"{"at":"1s","latency":"1s","webhooks":{"stop":true}}"#, "steps[0].at: more than one thing happens"),
        (r#"{"at":"1s","for":"0s","latency":"1s"}"#, "steps[0].for: is no time at all"),
        (r#"{"at":"400days","latency":"1s"}"#, "steps[0].at: lies more than a year ahead"),
        (r#"{"at":"1s","times":3,"latency":"1s"}"#, "match, times and probability: belong to `fault` alone"),
        (r#"{"at":"1s","webhooks":{"stop":true}}"#, "steps[0].for: is missing"),
        (r#"{"at":"1s","for":"1s","webhooks":{"stop":false}}"#, "steps[0].webhooks.stop: give true"),
        (
            r#"{"at":"1s","number":{"id":"42","status":"BANNED"}}"#,
            "number.id: `42` is not a number of this simulator: give one such as 100000000000001",
        ),
        (
            r#"{"at":"1s","number":{"id":"100000000000001","status":"TIRED"}}"#,
            "`status` is not usable: give one of CONNECTED",
        ),
        (r#"{"at":"1s","match":{"number":"42"},"fault":{"kind":"throttle"}}"#, "match.number `42` is not a number"),
        (r#"{"at":"1s","probability":2,"fault":{"kind":"throttle"}}"#, "probability must be between 0 and 1"),
        (
            r#"{"at":"1s","template":{"name":"a","waba":"42","status":"PAUSED"}}"#,
            "template.waba: `42` is not an account",
        ),
        (r#"{"at":"1s","token":{"scopes":["all"]}}"#, "token: `scopes` is not usable"),
        (r#"{"at":"1s","block":{"from":"+919876543210","number":"42"}}"#, "block.number: `42` is not a number"),
        (
            r#"{"at":"1s","for":"1s","block":{"from":"+919876543210","number":"100000000000001"}}"#,
            "for: `block` cannot be taken back",
        ),
        (r#"{"at":"1s","user":{"phone":"me","hidden":true}}"#, "user.phone: a phone must have 7 to 15 digits"),
        (
            r#"{"at":"1s","for":"1s","user":{"phone":"+919876543210","hidden":true}}"#,
            "for: `user` cannot be taken back",
        ),
        (r#"{"at":"1s","user":{"phone":"+919876543210","came_to":"42"}}"#, "user.came_to: `42` is not a number"),
        (
            r#"{"at":"5s","latency":"2s"},{"at":"1s","for":"10s","latency":"1s"}"#,
            "steps[0].at: begins while steps[1] still holds the latency: let it begin at 11s or later",
        ),
        (
            r#"{"at":"1s","for":"9s","fault":{"kind":"throttle"}},{"at":"2s","fault":{"kind":"accept_then_500"}}"#,
            "steps[1].at: begins while steps[0] still holds every call",
        ),
        (
            r#"{"at":"1s","for":"9s","number":{"id":"100000000000001","status":"BANNED"}},{"at":"2s","number":{"id":"100000000000001","quality_rating":"RED"}}"#,
            "still holds number 100000000000001",
        ),
    ] {
        let words = mistakes(&format!("{{\"steps\":[{steps}]}}")).await;
        assert!(words.starts_with("FILE:1: ") && words.contains(expected), "{steps}: {words}");
    }
    let words = mistakes(r#"{"faults":[{"fault":{"kind":"throttle"},"probability":7}],"stpes":[]}"#).await;
    assert!(words.contains("FILE:1: unknown field `stpes`"), "{words}");
    let words = mistakes("{\n\"steps\": [}").await;
    assert!(words.contains("FILE:2: "), "{words}");
}

#[tokio::test]
async fn steps_that_follow_each_other_or_are_for_others_do_not_clash() {
    let sim = play(
        r#"{"steps":[{"at":"1s","for":"1s","latency":"1ms"},{"at":"2s","for":"1s","latency":"2ms"},
            {"at":"1s","for":"9s","match":{"number":"100000000000001"},"fault":{"kind":"throttle"}},
            {"at":"2s","for":"9s","match":{"number":"100000000000002"},"fault":{"kind":"throttle"}},
            {"at":"3s","for":"9s","probability":0.5,"fault":{"kind":"accept_then_500"}}]}"#,
    )
    .await;
    sim.advance(seconds(60));
    let states = get(&sim, "/_sim/scenario").await.json();
    assert!(states["steps"].as_array().unwrap().iter().all(|step| step["state"] == "done"), "{states}");
}

/// The scenarios that come with the project.
fn examples() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/scenarios");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    files.filter(|path| path.extension().is_some_and(|extension| extension == "json")).collect()
}

#[tokio::test]
async fn the_scenarios_that_come_with_the_project_play_to_their_end() {
    let files = examples();
    assert!(files.len() >= 3, "{files:?}");
    for file in files {
        let sim = start_with(SimConfig { scenario: Some(file.clone()), ..config() }).await;
        // By steps of a minute, as they would pass; what the platform does in between is not asked here.
        (0..27 * 60).for_each(|_| sim.advance(seconds(60)));
        let shown = get(&sim, "/_sim/scenario").await.json();
        let steps = shown["steps"].as_array().unwrap();
        assert!(!steps.is_empty() && steps.iter().all(|step| step["state"] == "done"), "{}: {shown}", file.display());
        assert_eq!(code(&sim).await, None, "{}: all is well at the end", file.display());
    }
}
