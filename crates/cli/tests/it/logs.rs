//! What a deployment says in its log: every line JSON, findable by id, nothing personal, no storms.

use std::{fs, time::Duration};

use dawncast_testkit::until;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::flow::{Deployment, add_numbers, bring_recipients, campaign};

const SOON: Duration = Duration::from_secs(30);

/// Every line of the log so far.
fn lines(it: &Deployment) -> Vec<Value> {
    let text = fs::read_to_string(it.folder.path().join("serve.log")).unwrap();
    // The last one may be half written.
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    whole.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|why| panic!("{why}: {line}"))).collect()
}

fn message(line: &Value) -> &str {
    line["message"].as_str().unwrap_or_default()
}

/// The simulator refuses what goes to this phone.
async fn refuse(it: &Deployment, phone: &str, code: u32) {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().tls_certs_only([]).build().unwrap();
    let order = json!({ "faults": [{ "match": { "phone": phone }, "fault": { "kind": "error", "code": code } }] });
    let ordered = client.post(format!("http://{}/_sim/faults", it.sim)).json(&order).send().await.unwrap();
    assert!(ordered.status().is_success(), "{}", ordered.text().await.unwrap());
}

/// A run of two recipients, one of whom is refused; its id. It sends late as well, so that there is time to look.
async fn run_of_two(it: &Deployment) -> String {
    add_numbers(it);
    let audience = bring_recipients(it);
    refuse(it, "919876543211", 131_026).await;
    let mut campaign: Value = serde_json::from_str(&campaign(&audience)).unwrap();
    campaign["window"] = json!({ "opens": "+0s", "closes": "+1s", "deadline": "+3s", "late": "send" });
    it.write("campaign.json", campaign.to_string());
    let run = it.ask(&["campaign", "create", "campaign.json"])["next_run"].as_str().unwrap().to_owned();
    it.tell(&["run", "pause", &run]);
    run
}

/// Waits for a line of the log that holds `words`.
async fn said(it: &Deployment, words: &str) {
    let found = async || lines(it).into_iter().find(|line| message(line).contains(words));
    until(words, SOON, found).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn e2e_a_run_is_followed_by_its_id_and_a_refused_delivery_found_by_its_own() {
    let it = Deployment::start().await;
    let run = run_of_two(&it).await;
    said(&it, "judge of run").await;
    it.tell(&["run", "resume", &run]);
    it.tell(&["run", "watch", &run]);
    let log = lines(&it);
    for line in &log {
        let texts = ["timestamp", "level", "target", "message"].map(|field| line[field].is_string());
        assert_eq!(texts, [true; 4], "{line}");
    }
    follow(&log, &run);
    let refused = it.ask(&["run", "deliveries", &run, "--state", "failed"])["items"][0]["id"].clone();
    let found: Vec<_> = log.iter().filter(|line| line["delivery.id"] == refused && line["level"] == "INFO").collect();
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!((&found[0]["code"], &found[0]["run.id"]), (&json!(131_026), &json!(run)));
    assert_eq!(found[0]["number.id"], "100000000000001");
    let told = it.tell(&["delivery", "show", refused.as_str().unwrap()]);
    assert!(told.contains("refused for good with code 131026: Undeliverable"), "{told}");
    nothing_personal(&it);
}

/// The life of a run, by the lines that carry its id.
fn follow(log: &[Value], run: &str) {
    let own: Vec<_> = log.iter().filter(|line| line["run.id"] == run).collect();
    let steps =
        ["is scheduled", "freeze of", "plan of", "preflight of", "open of", "is owned", "judge of", "goes on by"];
    let places = steps.iter().chain(&["is finished", "close of"]).map(|step| {
        own.iter().position(|line| message(line).contains(step)).unwrap_or_else(|| panic!("{step}: {own:#?}"))
    });
    assert!(places.is_sorted(), "{own:#?}");
    let owned = own.iter().find(|line| message(line).contains("is owned")).unwrap();
    assert_eq!((&owned["page.id"], &owned["level"]), (&json!(format!("{run}.0")), &json!("DEBUG")));
}

fn nothing_personal(it: &Deployment) {
    let text = fs::read_to_string(it.folder.path().join("serve.log")).unwrap();
    for secret in ["9876543210", "9876543211", "SIM_TOKEN", "sim_app_secret", "sim_verify", &it.key, "Asha", "Ravi"] {
        assert!(!text.contains(secret), "the log holds {secret}");
    }
}

/// A process that stands still while this lives.
struct Frozen(Pid);

impl Frozen {
    fn new(pid: u64) -> Self {
        let pid = Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
        kill_process(pid, Signal::STOP).unwrap();
        Self(pid)
    }
}

impl Drop for Frozen {
    fn drop(&mut self) {
        let _ = kill_process(self.0, Signal::CONT);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn e2e_that_redis_is_away_is_said_when_it_begins_and_when_it_is_over() {
    let it = Deployment::start().await;
    run_of_two(&it).await;
    said(&it, "is owned").await;
    let redis = lines(&it).iter().find_map(|line| line["redis.pid"].as_u64()).unwrap();
    let before = lines(&it).len();
    let since = || lines(&it).split_off(before);
    let repeated = |line: &&Value| line["level"] == "DEBUG" && message(line).contains("Redis is not available");
    let frozen = Frozen::new(redis);
    until("trouble is met over and over", SOON, async || (since().iter().filter(repeated).count() >= 6).then_some(()))
        .await;
    drop(frozen);
    let over = "no trouble any more: Redis does not answer";
    until("it is over", SOON, async || since().iter().any(|line| message(line).starts_with(over)).then_some(())).await;
    let warned: Vec<_> = since().into_iter().filter(|line| line["level"] == "WARN").collect();
    assert!((1..=6).contains(&warned.len()), "{warned:#?}");
    let of_redis =
        warned.iter().filter(|line| line["target"] == "dawncast_engine::log" && message(line).contains("Redis is"));
    assert_eq!(of_redis.count(), 1, "{warned:#?}");
    assert!(since().iter().any(|line| message(line).contains("Redis is as it should be again")));
}
