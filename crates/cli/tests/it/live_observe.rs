//! What people see at night, on real Prometheus and Alertmanager: the panels show what happened, an ordinary night wakes
//! nobody, and what should wake somebody does. Run by `make test-live`.

use std::{collections::BTreeMap, fs, path::Path, process::Command, time::Duration};

use dawncast_testkit::until;
use serde_json::{Value, json};

use crate::{
    live_observe_panels::{Query, queries},
    live_observe_scene::{Observed, root},
};

const SOON: Duration = Duration::from_secs(30);
/// A broadcast is over by then.
const OVER: Duration = Duration::from_secs(90);
/// On-call has to hear of it within this time.
const WAKES_WITHIN: Duration = Duration::from_secs(60);
/// The last minute, which the failures are counted over, has passed by then.
const RESOLVED_WITHIN: Duration = Duration::from_secs(150);
const WATCHDOG: &str = "DawncastWatchdog";
/// What may have nothing to show after one run: none is scheduled, and an error that comes but once has no rate.
const MAY_BE_EMPTY: [&str; 2] = ["Next run A", "Errors by class A"];

/// A broadcast of ordinary faults, until it is closed and Prometheus has its last figures: its report.
async fn ordinary_night(observed: &Observed, queries: &[Query], report: &Path) -> Value {
    let read = async || serde_json::from_str(&fs::read_to_string(report).ok()?).ok();
    let report: Value = until("the run is closed", OVER, read).await;
    let mut totals: BTreeMap<String, f64> = serde_json::from_value(report["totals"].clone()).unwrap();
    totals.remove("submitted");
    let totals = heard(totals);
    let progress: Vec<_> = queries.iter().filter(|query| query.name.starts_with("Progress by state ")).collect();
    let scraped = async || {
        let mut states = BTreeMap::new();
        for query in &progress {
            states.insert(query.legend.clone(), query.answer(observed).await.first()?.value);
        }
        (heard(states) == totals).then_some(())
    };
    until("the panel of the progress shows what the report says", SOON, scraped).await;
    report
}

/// Whether somebody who has it has also read it may become known when the run is closed and the report written.
fn heard(mut totals: BTreeMap<String, f64>) -> BTreeMap<String, f64> {
    let read = totals.remove("read").unwrap_or_default();
    *totals.entry("delivered".to_owned()).or_default() += read;
    totals
}

fn panel<'a>(queries: &'a [Query], name: &str) -> &'a Query {
    queries.iter().find(|query| query.name == name).unwrap_or_else(|| panic!("there is no panel `{name}`"))
}

/// The only value that a panel shows.
async fn shown(observed: &Observed, queries: &[Query], name: &str) -> f64 {
    let answer = panel(queries, name).answer(observed).await;
    let [one] = &answer[..] else { panic!("`{name}` is to show one value, and shows {answer:?}") };
    one.value
}

/// Holds the panels of figures against the report.
async fn figures_are_the_reports(observed: &Observed, queries: &[Query], report: &Value) {
    let number = |pointer: &str| report.pointer(pointer).and_then(Value::as_f64).unwrap();
    let total = |state: &str| number(&format!("/totals/{state}"));
    for (name, expected) in [
        ("Recipients A", total("submitted")),
        ("Still to be sent A", total("planned") + total("sending") + total("unconfirmed")),
        ("Failed, of all A", total("failed") / total("submitted")),
        ("Reached so far A", number("/sla/attained")),
        ("Promised A", number("/sla/objective")),
        ("Not accounted for A", 0.0),
        ("Held or paused A", 0.0),
        ("Runs E", total("submitted")),
        ("Processes down A", 0.0),
        ("Runs missed A", 0.0),
        ("Redis A", 1.0),
    ] {
        let shown = shown(observed, queries, name).await;
        assert!((shown - expected).abs() < 1e-6, "`{name}` shows {shown}, and the report says {expected}");
    }
}

/// Holds what Prometheus has counted of failures against the simulator's own record. A rise is extrapolated by up to five
/// seconds: it comes out whole once the series are a minute old.
async fn failures_are_the_simulators(observed: &Observed, queries: &[Query]) {
    let ledger = observed.ledger().await;
    let attempts = ledger.recipients.values().flat_map(|recipient| &recipient.attempts);
    let undeliverable = attempts.filter(|attempt| attempt.failed == Some(131_026)).count();
    assert!(undeliverable > 0, "nobody was undeliverable, so nothing is proven");
    let table = panel(queries, "Failures by code A").answer(observed).await;
    let row = table.iter().find(|row| row.labels["code"] == "131026").unwrap_or_else(|| panic!("{table:?}"));
    assert_eq!(row.value, undeliverable as f64, "{table:?}");
}

/// Whether every query yields something that can be drawn.
async fn panels_have_data(observed: &Observed, queries: &[Query]) {
    let mut empty = Vec::new();
    for query in queries {
        let answer = query.answer(observed).await;
        if answer.iter().all(|sample| sample.value.is_nan()) && !MAY_BE_EMPTY.contains(&query.name.as_str()) {
            empty.push(query);
        }
    }
    assert!(empty.is_empty(), "these show nothing: {empty:#?}");
}

/// Whether every rule can be evaluated; a recording rule has recorded something as well.
async fn rules_evaluate(observed: &Observed) {
    let groups = observed.prometheus("rules", &[]).await;
    let rules: Vec<&Value> =
        groups["groups"].as_array().unwrap().iter().flat_map(|group| group["rules"].as_array().unwrap()).collect();
    assert!(!rules.is_empty(), "there are rules");
    for rule in rules {
        assert_eq!(rule["health"], "ok", "{rule}");
        observed.prometheus("query", &[("query", rule["query"].as_str().unwrap())]).await;
        if rule["type"] == "recording" {
            let name = rule["name"].as_str().unwrap();
            let recorded = observed.query_over(name, 15).await;
            assert!(recorded.iter().any(|sample| !sample.value.is_nan()), "`{name}` has recorded nothing");
        }
    }
}

/// Whether of all alerts the watchdog alone has fired, for as long as any other takes to.
async fn nobody_is_woken(observed: &Observed) {
    let watched = format!("sum(count_over_time(ALERTS{{alertname=\"{WATCHDOG}\"}}[15m]))");
    let long = async || observed.value(&watched).await.filter(|evaluations| *evaluations >= 18.0);
    until("it is watched for a minute and a half", OVER, long).await;
    let fired = observed.query("max by (alertname) (max_over_time(ALERTS{alertstate=\"firing\"}[15m]))").await;
    let fired: Vec<_> = fired.iter().map(|alert| alert.labels["alertname"].as_str()).collect();
    assert_eq!(fired, [WATCHDOG]);
    let heard = observed.heard();
    let only_watchdog = heard.iter().all(|alert| alert.tells("dead-mans-switch", "firing", WATCHDOG));
    assert!(!heard.is_empty() && only_watchdog, "{heard:?}");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "live: real Prometheus and Alertmanager"]
async fn live_observe_panels_show_what_happened_and_an_ordinary_night_wakes_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let report = folder.path().join("report.json");
    let arguments = ["--recipients", "1000", "--window", "12s", "--json", report.to_str().unwrap()];
    let observed = Observed::start(&arguments).await;
    let queries = queries();
    let report = ordinary_night(&observed, &queries, &report).await;
    figures_are_the_reports(&observed, &queries, &report).await;
    nobody_is_woken(&observed).await;
    panels_have_data(&observed, &queries).await;
    failures_are_the_simulators(&observed, &queries).await;
    rules_evaluate(&observed).await;
    observed.end().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "live: real Prometheus and Alertmanager"]
async fn live_observe_when_one_in_twenty_fails_on_call_hears_of_it_within_a_minute_and_of_its_end() {
    let observed = Observed::start(&["--faults", "none"]).await;
    observed.order_faults(json!([{ "fault": { "kind": "undeliverable" }, "probability": 0.05 }])).await;
    let failed = async || {
        let ledger = observed.ledger().await;
        let mut attempts = ledger.recipients.values().flat_map(|recipient| &recipient.attempts);
        attempts.any(|attempt| attempt.failed.is_some()).then_some(())
    };
    until("the first one fails", SOON, failed).await;
    let alert = observed.hears("pager", "firing", "DawncastFailuresHigh", WAKES_WITHIN).await;
    let runbook = "https://github.com/dawncast/dawncast/blob/main/docs/runbooks/failures-high.md";
    assert_eq!((&*alert.labels["severity"], &*alert.annotations["runbook_url"]), ("page", runbook));
    assert!(alert.annotations["summary"].contains("advisors"), "{alert:?}");
    observed.hears("chat", "firing", "DawncastFailuresHigh", SOON).await;
    observed.hears("pager", "resolved", "DawncastFailuresHigh", RESOLVED_WITHIN).await;
    observed.hears("chat", "resolved", "DawncastFailuresHigh", SOON).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "live: real Prometheus and Alertmanager"]
async fn live_observe_when_the_engine_is_killed_on_call_hears_of_it() {
    let observed = Observed::start(&["--recipients", "100", "--window", "2s", "--faults", "none"]).await;
    let all = observed.processes() as f64;
    let up = async || (observed.value("sum(up{job=\"dawncast\"})").await == Some(all)).then_some(());
    until("Prometheus sees every process", SOON, up).await;
    observed.kill_engine();
    let alert = observed.hears("pager", "firing", "DawncastEngineDown", WAKES_WITHIN).await;
    assert_eq!(alert.labels["severity"], "page", "{alert:?}");
}

#[test]
#[ignore = "live: real Prometheus and Alertmanager"]
fn live_observe_prometheus_takes_the_configuration_that_is_shipped() {
    let file = root().join("deploy/prometheus/prometheus.yml");
    let checked = Command::new("promtool").args(["check", "config"]).arg(file).output().unwrap();
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
}
