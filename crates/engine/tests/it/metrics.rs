//! What the monitor, the webhook and the scheduler tell Prometheus. The recorder is this thread's, so these tests keep to
//! one; what runs in a process of its own counts elsewhere.

use dawncast_core::ids::{AudienceId, RunId};
use dawncast_engine::{describe_metrics, monitor, scheduler};
use dawncast_store::{
    records::{Audience, mint},
    run::Hold,
};
use dawncast_testkit::until;
use metrics::LocalRecorderGuard;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle, PrometheusRecorder};
use serde_json::json;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::world::{PATIENCE, World, calm, person, phone, window};

/// What is counted on this thread.
pub(crate) struct Scrapes {
    handle: PrometheusHandle,
    _guard: LocalRecorderGuard<'static>,
}

impl Scrapes {
    pub(crate) fn start() -> Self {
        // For as long as the test: the thread's tasks outlive what the test holds.
        let recorder: &'static PrometheusRecorder = Box::leak(Box::new(PrometheusBuilder::new().build_recorder()));
        let (handle, guard) = (recorder.handle(), metrics::set_default_local_recorder(recorder));
        describe_metrics();
        Self { handle, _guard: guard }
    }

    /// The value of a series, labels in the order in which they are exported.
    pub(crate) fn value(&self, series: &str) -> Option<f64> {
        let text = self.handle.render();
        text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' ')?.parse().ok())
    }

    /// The sum over all series that begin so.
    pub(crate) fn sum(&self, begins: &str) -> f64 {
        let text = self.handle.render();
        let found = text.lines().filter(|line| line.starts_with(begins)).filter_map(|line| line.rsplit_once(' '));
        found.filter_map(|(_, value)| value.parse::<f64>().ok()).sum()
    }

    pub(crate) async fn until(&self, series: &str, value: f64) {
        until(&format!("{series} {value}"), PATIENCE, async || (self.value(series) == Some(value)).then_some(())).await;
    }
}

pub(crate) fn watch(world: &World) -> DropGuard {
    let stop = CancellationToken::new();
    tokio::spawn(monitor(world.ctx.clone(), stop.clone()));
    stop.drop_guard()
}

pub(crate) async fn of_run(world: &World, run: &RunId, name: &str, label: &str) -> String {
    let campaign = world.run(run).await.record.campaign;
    format!("{name}{{campaign=\"{campaign}\",run=\"{run}\"{label}}}")
}

#[tokio::test]
async fn the_gauges_of_a_run_are_the_record_of_the_simulator_and_each_transition_is_counted_once() {
    let scrapes = Scrapes::start();
    let world = World::start(calm()).await;
    let _watch = watch(&world);
    let undeliverable = |n| json!({ "match": { "phone": phone(n) }, "fault": { "kind": "undeliverable" } });
    world.faults(json!([undeliverable(3), undeliverable(5)]));
    let run = world.submit(&world.audience(40).await, json!({})).await;
    let _crew = [world.scheduler(), world.worker()];
    let report = world.closed(&run).await;
    for (state, count) in report.totals.by_state() {
        let label = format!(",state=\"{state}\"");
        scrapes.until(&of_run(&world, &run, "dawncast_run_deliveries", &label).await, count as f64).await;
    }
    let messages: Vec<_> = world.sim.ledger().recipients.into_values().flat_map(|known| known.attempts).collect();
    let failed = messages.iter().filter(|message| message.failed.is_some()).count() as u64;
    let totals = &report.totals;
    assert_eq!((totals.delivered + totals.read, totals.failed), (messages.len() as u64 - failed, failed));
    assert_eq!(failed, 2);
    for (name, label, value) in [
        ("dawncast_run_sla_attained_ratio", "", report.sla.attained),
        ("dawncast_run_sla_objective_ratio", "", 0.99),
        ("dawncast_run_held", ",step=\"preflight\"", 0.0),
        ("dawncast_run_paused", "", 0.0),
        ("dawncast_run_window_timestamp_seconds", ",edge=\"opens\"", seconds(report.window.opens_at)),
        ("dawncast_run_window_timestamp_seconds", ",edge=\"closes\"", seconds(report.window.closes_at)),
        ("dawncast_run_deadline_timestamp_seconds", "", seconds(report.window.deadline_at)),
    ] {
        scrapes.until(&of_run(&world, &run, name, label).await, value).await;
    }
    assert_eq!(scrapes.value(&format!("dawncast_conservation_imbalance{{run=\"{run}\"}}")), Some(0.0));
    counted_once(&scrapes, &world, totals.read).await;
}

fn seconds(at: impl Into<std::time::SystemTime>) -> f64 {
    let since: std::time::Duration = at.into().duration_since(std::time::UNIX_EPOCH).unwrap();
    since.as_millis() as f64 / 1_000.0
}

/// What receipts have told, over all numbers; then the same once more, told again.
async fn counted_once(scrapes: &Scrapes, world: &World, read: u64) {
    let sum = |name: &str, label: &str| -> f64 {
        let text = scrapes.handle.render();
        let of_name = text.lines().filter(|line| line.starts_with(&format!("{name}{{")) && line.contains(label));
        of_name.map(|line| line.rsplit_once(' ').unwrap().1.parse::<f64>().unwrap()).sum()
    };
    let moves = || ["failed", "read"].map(|state| sum("dawncast_deliveries_total", &format!("state=\"{state}\"")));
    assert_eq!(moves(), [2.0, read as f64]);
    let errors = || sum("dawncast_send_errors_total", r#"code="131026",class="recipient""#);
    assert_eq!(errors(), 2.0);
    assert_eq!(sum("dawncast_receipts_total", r#"status="failed",outcome="applied""#), 2.0);
    for n in [3, 5] {
        world.tell(n, "failed:131026").await;
    }
    assert_eq!((moves(), errors()), ([2.0, read as f64], 2.0), "a receipt that comes twice moves nothing");
    assert_eq!(sum("dawncast_receipts_total", r#"status="failed",outcome="duplicate""#), 2.0);
    assert_eq!(sum("dawncast_receipts_total", r#"status="failed",outcome="applied""#), 2.0);
}

async fn never_imported(world: &World) -> AudienceId {
    let id: AudienceId = format!("aud_{}", mint()).parse().unwrap();
    let audience = Audience { id: id.clone(), name: "people".to_owned(), created_at: 0 };
    assert!(world.store.add_audience(&audience).await.unwrap());
    id
}

#[tokio::test]
async fn a_run_that_waits_for_a_person_says_at_which_step_and_one_that_is_paused_says_so() {
    let scrapes = Scrapes::start();
    let world = World::start(calm()).await;
    let _watch = watch(&world);
    let audience = never_imported(&world).await;
    let run = world.submit(&audience, json!({ "window": window("+20s", "+50s") })).await;
    let held = async |step: &str| of_run(&world, &run, "dawncast_run_held", &format!(",step=\"{step}\"")).await;
    let _scheduler = world.scheduler();
    scrapes.until(&held("freeze").await, 1.0).await;
    assert_eq!(scrapes.value(&held("preflight").await), Some(0.0));
    let record = world.run(&run).await.record;
    let next = format!("dawncast_schedule_next_run_timestamp_seconds{{campaign=\"{}\"}}", record.campaign);
    assert_eq!(scrapes.value(&next), Some(record.instant as f64 / 1_000.0));
    // Mended: the run goes on, and is held no more.
    world.import(&audience, [person(0)]).await;
    scrapes.until(&held("freeze").await, 0.0).await;
    assert_eq!(scrapes.value(&held("plan").await), Some(0.0));
    let paused = of_run(&world, &run, "dawncast_run_paused", "").await;
    scrapes.until(&paused, 0.0).await;
    world.store.hold_run(&run, Hold::Run, true).await.unwrap();
    scrapes.until(&paused, 1.0).await;
    world.store.hold_run(&run, Hold::Run, false).await.unwrap();
    scrapes.until(&paused, 0.0).await;
}

#[tokio::test]
async fn a_run_whose_window_passed_while_the_engine_was_down_is_missed_once_and_a_cancelled_one_never() {
    let scrapes = Scrapes::start();
    let world = World::start(calm()).await;
    assert_eq!(scrapes.value("dawncast_runs_missed_total"), Some(0.0), "there before it is needed");
    let cancelled = world.submitted(&world.audience(1).await, json!({}), 120_000).await;
    world.store.cancel_run(&cancelled, world.clock.now()).await.unwrap();
    world.submitted(&world.audience(1).await, json!({}), 120_000).await;
    let stop = CancellationToken::new();
    tokio::spawn(scheduler(world.ctx.clone(), stop.clone()));
    let _stop = stop.drop_guard();
    scrapes.until("dawncast_runs_total{verdict=\"fail\"}", 1.0).await;
    scrapes.until("dawncast_runs_total{verdict=\"cancelled\"}", 1.0).await;
    assert_eq!(scrapes.value("dawncast_runs_missed_total"), Some(1.0));
}

#[tokio::test]
async fn the_gauges_of_storage_are_there_for_every_lane_number_and_template() {
    let scrapes = Scrapes::start();
    let world = World::start(calm()).await;
    let _watch = watch(&world);
    let number = world.sim.numbers()[0].clone();
    for (series, value) in [
        ("dawncast_redis_up".to_owned(), 1.0),
        ("dawncast_lane_pages{pool=\"advisors\",priority=\"critical\"}".to_owned(), 0.0),
        ("dawncast_lane_oldest_due_age_seconds{pool=\"advisors\",priority=\"bulk\"}".to_owned(), 0.0),
        (format!("dawncast_number_health{{phone_number_id=\"{number}\",state=\"active\"}}"), 1.0),
        (format!("dawncast_number_health{{phone_number_id=\"{number}\",state=\"paused\"}}"), 0.0),
        (format!("dawncast_number_credit_ratio{{phone_number_id=\"{number}\"}}"), 1.0),
        ("dawncast_template_status{template=\"daily_text_v1\",language=\"en_IN\",status=\"APPROVED\"}".to_owned(), 1.0),
        ("dawncast_template_status{template=\"daily_text_v1\",language=\"en_IN\",status=\"PAUSED\"}".to_owned(), 0.0),
    ] {
        scrapes.until(&series, value).await;
    }
    let memory = scrapes.value("dawncast_redis_memory_ratio").unwrap();
    assert!((0.0..1.0).contains(&memory), "{memory}");
}

#[tokio::test]
async fn a_run_is_told_of_until_a_quarter_of_an_hour_after_it_was_closed() {
    let scrapes = Scrapes::start();
    let world = World::start(calm()).await;
    let (now, minute) = (world.clock.now(), 60_000);
    let mut runs = Vec::new();
    for ago in [14 * minute, 16 * minute] {
        let run = world.submitted(&world.audience(1).await, json!({}), ago + minute).await;
        world.store.close_run(&run, "fail", now - ago, None).await.unwrap();
        world.store.retire_run(&run).await.unwrap();
        runs.push(of_run(&world, &run, "dawncast_run_paused", "").await);
    }
    let _watch = watch(&world);
    scrapes.until(&runs[0], 0.0).await;
    assert_eq!(scrapes.value(&runs[1]), None);
}
