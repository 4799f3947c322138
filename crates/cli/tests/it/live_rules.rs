//! The rules and routes that are shipped, on the real Prometheus' and Alertmanager's own terms. Run by `make test-live`.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use dawncast_testkit::until;
use reqwest::Client;
use serde_json::{Value, json};

use crate::dawncast::free;

const SOON: Duration = Duration::from_secs(20);

fn deploy() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy")
}

/// Files in a folder of `deploy`.
fn files(folder: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(deploy().join(folder)).unwrap();
    let files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    assert!(!files.is_empty(), "{folder} is empty");
    files
}

/// What a command says, which must succeed.
fn said(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|why| panic!("{command:?}: {why}"));
    let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    assert!(output.status.success(), "{command:?}: {text}");
    text
}

#[test]
#[ignore = "live: Debian's promtool"]
fn live_promtool_takes_the_rules_and_their_tests_pass() {
    said(Command::new("promtool").args(["check", "rules"]).args(files("prometheus/rules")));
    said(Command::new("promtool").args(["test", "rules"]).args(files("prometheus/tests")));
}

#[test]
#[ignore = "live: Debian's amtool"]
fn live_amtool_takes_the_routes_and_each_alert_goes_to_whom_it_concerns() {
    let config = deploy().join("alertmanager/alertmanager.yml");
    said(Command::new("amtool").arg("check-config").arg(&config));
    for (labels, receivers) in [
        (&["alertname=DawncastRunHeld", "severity=page"][..], "pager,chat"),
        (&["alertname=DawncastNumberPaused", "severity=ticket"], "chat"),
        (&["alertname=DawncastWatchdog", "severity=none"], "dead-mans-switch"),
    ] {
        let mut test = Command::new("amtool");
        test.args(["config", "routes", "test"]).arg("--config.file").arg(&config);
        test.arg(format!("--verify.receivers={receivers}")).args(labels);
        said(&mut test);
    }
}

/// A real Alertmanager with the routes that are shipped; it reaches nobody.
struct Alertmanager {
    process: Child,
    address: SocketAddr,
    client: Client,
    _folder: tempfile::TempDir,
}

impl Alertmanager {
    async fn start() -> Self {
        let (folder, [address]) = (tempfile::tempdir().unwrap(), free());
        let process = Command::new("prometheus-alertmanager")
            .arg(format!("--config.file={}", deploy().join("alertmanager/alertmanager.yml").display()))
            .arg(format!("--storage.path={}", folder.path().display()))
            .arg(format!("--web.listen-address={address}"))
            .args(["--cluster.listen-address=", "--log.level=error"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let client = Client::builder().tls_certs_only([]).build().unwrap();
        let started = Self { process, address, client, _folder: folder };
        until("it is ready", SOON, async || {
            let answer = started.client.get(format!("http://{address}/-/ready")).send().await;
            answer.ok().filter(|answer| answer.status().is_success())
        })
        .await;
        started
    }

    fn alerts(&self) -> String {
        format!("http://{}/api/v2/alerts", self.address)
    }

    async fn fire(&self, alerts: &[Value]) {
        let alerts: Vec<_> = alerts.iter().map(|labels| json!({ "labels": labels })).collect();
        let answer = self.client.post(self.alerts()).json(&alerts).send().await.unwrap();
        assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
    }

    /// Waits until these are all in this state: `active` or `suppressed`.
    async fn have(&self, state: &str, labels: &[Value]) {
        until(&format!("{labels:?} are {state}"), SOON, async || {
            let text = self.client.get(self.alerts()).send().await.ok()?.text().await.ok()?;
            let alerts: Vec<Value> = serde_json::from_str(&text).ok()?;
            let is_so =
                |labels: &Value| alerts.iter().any(|it| it["labels"] == *labels && it["status"]["state"] == state);
            labels.iter().all(is_so).then_some(())
        })
        .await;
    }
}

impl Drop for Alertmanager {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Whether `cause` silences these, and not those.
async fn check(cause: Value, silenced: &[Value], told: &[Value]) {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let alertmanager = Alertmanager::start().await;
    // Once this pair is sorted out, so is whatever was fired with it.
    let [held, nothing] = ["DawncastRunHeld", "DawncastNothingSent"]
        .map(|name| json!({ "alertname": name, "severity": "page", "campaign": "of the pair" }));
    let causes = [cause, held];
    let silenced = [silenced, &[nothing]].concat();
    alertmanager.fire(&[&causes[..], &silenced, told].concat()).await;
    alertmanager.have("suppressed", &silenced).await;
    alertmanager.have("active", &causes).await;
    alertmanager.have("active", told).await;
}

#[tokio::test]
#[ignore = "live: Debian's Alertmanager"]
async fn live_an_engine_that_is_down_silences_what_follows_and_nothing_else() {
    let cause = |role| json!({ "alertname": "DawncastEngineDown", "severity": "page", "role": role });
    let [lane, nothing, receipts, pace] =
        ["LaneStuck", "NothingSent", "ReceiptsSilent", "ObjectiveOutOfReach"].map(|name| {
            json!({
                "alertname": format!("Dawncast{name}"), "severity": "page", "campaign": "c", "run": "r"
            })
        });
    let lost = json!({ "alertname": "DawncastConservationBroken", "severity": "page", "run": "r" });
    check(cause("all"), &[lane.clone(), nothing.clone(), receipts.clone(), pace], &[lost]).await;
    check(cause("worker"), &[lane.clone(), nothing], std::slice::from_ref(&receipts)).await;
    check(cause("api"), &[], &[lane, receipts]).await;
}

#[tokio::test]
#[ignore = "live: Debian's Alertmanager"]
async fn live_a_run_that_is_held_silences_that_nothing_is_sent_of_its_own_campaign_alone() {
    let held = |campaign| json!({ "alertname": "DawncastRunHeld", "severity": "page", "campaign": campaign });
    let nothing = json!({ "alertname": "DawncastNothingSent", "severity": "page", "campaign": "c" });
    check(held("c"), std::slice::from_ref(&nothing), &[]).await;
    check(held("another"), &[], &[nothing]).await;
}
