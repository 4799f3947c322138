//! What Prometheus is told by real processes: every name and label that was promised, and counters that count each
//! transition once over all processes, however many workers there are, whatever comes twice, and whoever is killed.

use std::{collections::BTreeMap, net::SocketAddr, time::Duration};

use dawncast_cloud_api::webhook::{AppSecret, SIGNATURE_HEADER, sign};
use dawncast_cloud_sim::AttemptRecord;
use dawncast_testkit::until;
use serde_json::{Value, json};

use crate::{
    dawncast::{Daemon, free},
    flow::get,
    kill_scene::{Broadcast, Scene},
};

const SOON: Duration = Duration::from_secs(20);
/// Statuses in one webhook; Meta sends up to 1000.
const TOLD_AT_ONCE: usize = 200;

/// Samples of one scrape by their series.
pub(crate) struct Scrape(BTreeMap<String, f64>);

impl Scrape {
    async fn of(address: SocketAddr) -> Self {
        let text = until("metrics", SOON, async || get(&format!("http://{address}/metrics")).await).await;
        Self::read(&text)
    }

    fn read(text: &str) -> Self {
        let samples = text.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.rsplit_once(' '));
        Self(samples.map(|(series, value)| (series.to_owned(), value.parse().unwrap())).collect())
    }

    /// The sum over all series of this name that have this label.
    fn sum(&self, name: &str, label: &str) -> f64 {
        let of_name = |series: &str| series.split('{').next() == Some(name) && series.contains(label);
        self.0.iter().filter(|(series, _)| of_name(series)).map(|(_, value)| value).sum()
    }

    fn moved_to(&self, state: &str) -> f64 {
        self.sum("dawncast_deliveries_total", &format!("state=\"{state}\""))
    }
}

async fn moved_to(state: &str, processes: &[SocketAddr]) -> f64 {
    let mut sum = 0.0;
    for process in processes {
        sum += Scrape::of(*process).await.moved_to(state);
    }
    sum
}

fn listening(at: SocketAddr) -> Vec<(String, String)> {
    vec![("DAWNCAST_METRICS__LISTEN".to_owned(), at.to_string())]
}

fn worker(scene: &Scene, at: SocketAddr) -> Daemon {
    Daemon::start(scene.serve(Scene::WORKER).envs(listening(at)))
}

/// Tells the webhook of every message once more that it was sent.
async fn tell_again(scene: &Scene, messages: &[AttemptRecord]) {
    let (client, secret) = (reqwest::Client::builder().tls_certs_only([]).build().unwrap(), "sim_app_secret");
    for part in messages.chunks(TOLD_AT_ONCE) {
        let entries: Vec<Value> = part.iter().map(sent).collect();
        let body = json!({ "object": "whatsapp_business_account", "entry": entries }).to_string().into_bytes();
        let signature = sign(&AppSecret::new(secret).unwrap(), &body);
        let call = client.post(format!("http://{}/webhook", scene.webhook)).header(SIGNATURE_HEADER, signature);
        assert_eq!(call.body(body).send().await.unwrap().status(), 200);
    }
}

fn sent(message: &AttemptRecord) -> Value {
    let status = json!({ "id": message.wamid, "status": "sent", "timestamp": (message.at_ms / 1_000).to_string(),
                         "biz_opaque_callback_data": message.callback_data });
    let value = json!({ "messaging_product": "whatsapp", "statuses": [status],
                        "metadata": { "display_phone_number": "1555", "phone_number_id": message.number } });
    json!({ "id": "200000000000001", "changes": [{ "field": "messages", "value": value }] })
}

/// Waits until a third has gone out, looks at the only worker's counters, and kills it. What they were, and how many
/// attempts it had really begun.
async fn kill_amid_sending(scene: &mut Scene, broadcast: &Broadcast, worker: SocketAddr) -> (Scrape, f64) {
    let third = broadcast.recipients() / 3;
    until("a third is out", SOON, async || (scene.taken(broadcast).await >= third).then_some(())).await;
    let last = Scrape::of(worker).await;
    scene.kill(Scene::WORKER);
    // What it had sent to Redis before it died may be read there after our first question, but not after the second.
    scene.tallies(&broadcast.run).await;
    let begun = scene.tallies(&broadcast.run).await.tallies.attempts;
    (last, begun as f64)
}

#[tokio::test(flavor = "multi_thread")]
async fn e2e_counters_summed_over_processes_count_each_transition_once_and_a_kill_loses_what_no_scrape_saw() {
    let mut scene = Scene::split().await;
    let [others, scheduler, first, second, third] = free();
    for (role, at) in [(Scene::OTHERS, others), (Scene::SCHEDULER, scheduler), (Scene::WORKER, first)] {
        scene.replace(role, listening(at));
        until("it is ready", SOON, async || get(&format!("http://{at}/readyz")).await).await;
    }
    let broadcast = scene.order().await;
    let (last, begun) = kill_amid_sending(&mut scene, &broadcast, first).await;
    let (sending, recipients) = (last.moved_to("sending"), broadcast.recipients() as f64);
    assert!(0.0 < sending && sending <= begun, "the killed one told of {sending} of {begun} begins");
    let _crew = [worker(&scene, second), worker(&scene, third)];
    scene.prove(&broadcast).await;

    let tallies = scene.tallies(&broadcast.run).await.tallies;
    assert_eq!(moved_to("sending", &[second, third]).await, tallies.attempts as f64 - begun);
    assert_eq!(moved_to("planned", &[scheduler]).await, recipients);
    // Nobody's message is read before it is delivered, and nobody's twice: the last receipts may still come in.
    let same = async || {
        let (scrape, read) = (Scrape::of(others).await, moved_to("read", &[others, second, third]).await);
        let gauge =
            |state: &str| scrape.sum("dawncast_run_deliveries", &format!("{}\",state=\"{state}\"", broadcast.run));
        (gauge("read") == read && gauge("delivered") + gauge("read") == recipients).then_some(())
    };
    until("the gauges are the simulator's record", SOON, same).await;
    assert_eq!(moved_to("failed", &[others, scheduler, second, third]).await, 0.0);
    told_twice_moves_nothing(&scene, others).await;
}

async fn told_twice_moves_nothing(scene: &Scene, webhook: SocketAddr) {
    let messages: Vec<_> = scene.ledger().await.recipients.into_values().flat_map(|known| known.attempts).collect();
    let before = Scrape::of(webhook).await;
    tell_again(scene, &messages).await;
    let after = Scrape::of(webhook).await;
    let told = |scrape: &Scrape, outcome: &str| {
        scrape.sum("dawncast_receipts_total", &format!("status=\"sent\",outcome=\"{outcome}\""))
    };
    let rise = |outcome: &str| told(&after, outcome) - told(&before, outcome);
    assert_eq!((rise("duplicate") + rise("stale"), rise("applied")), (messages.len() as f64, 0.0));
    assert_eq!(after.moved_to("sent"), before.moved_to("sent"), "what is told twice moves nothing");
}

/// Names that were promised, with their type and the label that comes last. Not here: what is counted only once it
/// happens (errors) or is known only before a run begins (the next one).
const PROMISED: [(&str, &str, &str); 41] = [
    ("dawncast_deliveries_total", "counter", "state=\"unconfirmed\""),
    ("dawncast_sla_deliveries_total", "counter", "pool=\"advisors\",priority=\"normal\",outcome=\"missed\""),
    ("dawncast_runs_total", "counter", "verdict=\"fail\""),
    ("dawncast_runs_missed_total", "counter", ""),
    ("dawncast_runs_archived_total", "counter", ""),
    ("dawncast_archive_pending_runs", "gauge", ""),
    ("dawncast_archive_oldest_due_age_seconds", "gauge", ""),
    ("dawncast_send_attempts_total", "counter", "phone_number_id=\"100000000000001\",verdict=\"throttled\""),
    ("dawncast_cloud_api_usage_ratio", "gauge", "account=\"app\""),
    ("dawncast_pair_waits_total", "counter", "phone_number_id=\"100000000000001\""),
    ("dawncast_send_duration_seconds", "histogram", "phone_number_id=\"100000000000001\",le=\"0.25\""),
    ("dawncast_send_lateness_seconds", "histogram", "pool=\"advisors\",priority=\"critical\",le=\"120\""),
    ("dawncast_time_to_status_seconds", "histogram", "status=\"failed\",le=\"300\""),
    ("dawncast_receipts_total", "counter", "status=\"read\",outcome=\"applied\""),
    ("dawncast_receipts_total", "counter", "status=\"sent\",outcome=\"duplicate\""),
    ("dawncast_receipts_total", "counter", "status=\"failed\",outcome=\"stale\""),
    ("dawncast_receipts_total", "counter", "status=\"delivered\",outcome=\"foreign\""),
    ("dawncast_receipts_total", "counter", "outcome=\"rejected\""),
    ("dawncast_webhook_duration_seconds", "histogram", "code=\"503\",le=\"1\""),
    ("dawncast_run_deliveries", "gauge", "state=\"cancelled\""),
    ("dawncast_run_sla_attained_ratio", "gauge", "campaign=\"cmp_"),
    ("dawncast_run_sla_objective_ratio", "gauge", "run=\""),
    ("dawncast_run_deadline_timestamp_seconds", "gauge", "campaign=\"cmp_"),
    ("dawncast_run_window_timestamp_seconds", "gauge", "edge=\"closes\""),
    ("dawncast_run_held", "gauge", "step=\"open\""),
    ("dawncast_run_paused", "gauge", "run=\""),
    ("dawncast_lane_pages", "gauge", "pool=\"advisors\",priority=\"bulk\""),
    ("dawncast_lane_oldest_due_age_seconds", "gauge", "pool=\"advisors\",priority=\"normal\""),
    ("dawncast_number_health", "gauge", "phone_number_id=\"100000000000001\",state=\"standby\""),
    ("dawncast_number_health", "gauge", "phone_number_id=\"100000000000001\",state=\"banned\""),
    ("dawncast_number_transitions_total", "counter", "phone_number_id=\"100000000000001\",to=\"paused\""),
    ("dawncast_number_daily_remaining", "gauge", "phone_number_id=\"100000000000001\""),
    ("dawncast_number_credit_ratio", "gauge", "phone_number_id=\"100000000000001\""),
    ("dawncast_number_mps", "gauge", "phone_number_id=\"100000000000001\""),
    ("dawncast_clock_skew_seconds", "gauge", ""),
    ("dawncast_template_status", "gauge", "template=\"hello_world\",language=\"en_US\",status=\"APPROVED\""),
    ("dawncast_conservation_imbalance", "gauge", "run=\""),
    ("dawncast_redis_memory_ratio", "gauge", ""),
    ("dawncast_redis_up", "gauge", ""),
    ("dawncast_unready", "gauge", "reason=\"redis_full\""),
    ("dawncast_build_info", "gauge", "revision=\""),
];

/// Everything that was promised is in a scrape of a deployment that has had a run: described, typed and labelled.
pub(crate) fn keeps_promises(text: &str) {
    for (name, kind, label) in PROMISED {
        assert!(text.contains(&format!("# TYPE {name} {kind}\n")), "{name} is no {kind} in\n{text}");
        assert!(text.contains(&format!("# HELP {name} ")), "{name} is not described in\n{text}");
        let of_name =
            |line: &&str| line.split(['{', ' ']).next().is_some_and(|is| is.trim_end_matches("_bucket") == name);
        let found = text.lines().filter(of_name).any(|line| line.contains(label));
        assert!(found, "{name} has no {label} in\n{text}");
    }
}
