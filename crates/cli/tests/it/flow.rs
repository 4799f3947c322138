//! A deployment of one process, driven by the commands alone.

use std::{
    fs,
    io::{BufRead, BufReader},
    net::SocketAddr,
    path::Path,
    process::Command,
    time::Duration,
};

use dawncast_testkit::until;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    dawncast::{Daemon, Said, dawncast, free, run, run_with},
    metrics::keeps_promises,
};

pub(crate) const SOON: Duration = Duration::from_secs(20);

/// `dawncast serve` and `dawncast sim`, with a private Redis.
pub(crate) struct Deployment {
    pub(crate) folder: TempDir,
    api: SocketAddr,
    pub(crate) metrics: SocketAddr,
    pub(crate) sim: SocketAddr,
    pub(crate) key: String,
    pub(crate) engine: Daemon,
    _sim: Daemon,
}

impl Deployment {
    pub(crate) async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let [api, webhook, metrics, sim] = free();
        let (at, hook) = (sim.to_string(), format!("http://{webhook}/webhook"));
        let simulator = Daemon::start(&mut dawncast(["sim", "--listen", &at, "--latency", "5ms", "--webhook", &hook]));
        fs::write(folder.path().join("secrets"), "sim_app_secret\n").unwrap();
        let config = format!(
            "data_dir = 'data'\n[api]\nlisten = '{api}'\n[metrics]\nlisten = '{metrics}'\n\
             [webhook]\nlisten = '{webhook}'\napp_secrets_file = 'secrets'\nverify_token = 'sim_verify'\n\
             [cloud_api]\nbase_url = 'http://{sim}'\n[log]\nformat = 'json'\nfilter = 'info,dawncast_engine=debug'"
        );
        fs::write(folder.path().join("dawncast.toml"), config).unwrap();
        let mut engine = serve(folder.path());
        let mut lines = BufReader::new(engine.0.stdout.take().unwrap()).lines().map(Result::unwrap);
        let key = lines.find_map(|line| line.strip_prefix("DAWNCAST_KEY=").map(str::to_owned)).unwrap();
        let deployment = Self { folder, api, metrics, sim, key, engine, _sim: simulator };
        deployment.ready().await;
        deployment
    }

    pub(crate) async fn ready(&self) {
        let api = self.api;
        until("the API is there", SOON, async || get(&format!("http://{api}/readyz")).await).await;
    }

    /// Where the API listens.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.api)
    }

    pub(crate) fn command<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Command {
        let mut command = dawncast(arguments);
        command.env("DAWNCAST_URL", self.url()).env("DAWNCAST_KEY", &self.key);
        command.current_dir(&self.folder);
        command
    }

    pub(crate) fn tell(&self, arguments: &[&str]) -> String {
        let said = run(&mut self.command(arguments.iter().copied()));
        assert_eq!(said.code, 0, "{arguments:?}: {}{}", said.out, said.err);
        said.out
    }

    pub(crate) fn ask(&self, arguments: &[&str]) -> Value {
        let out = self.tell(&[arguments, &["--json"]].concat());
        serde_json::from_str(&out).unwrap()
    }

    pub(crate) fn refuse(&self, arguments: &[&str]) -> Said {
        let said = run(&mut self.command(arguments.iter().copied()));
        assert_eq!(said.code, 1, "{arguments:?}: {}", said.out);
        said
    }

    pub(crate) fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        fs::write(self.folder.path().join(name), text).unwrap();
    }
}

pub(crate) fn serve(folder: &Path) -> Daemon {
    let log = fs::File::options().create(true).append(true).open(folder.join("serve.log")).unwrap();
    Daemon::start(dawncast(["serve"]).current_dir(folder).stderr(log))
}

/// A client that speaks plain HTTP.
pub(crate) fn client() -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().tls_certs_only([]).build().unwrap()
}

pub(crate) async fn get(url: &str) -> Option<String> {
    let response = client().get(url).send().await.ok()?;
    if response.status().is_success() { response.text().await.ok() } else { None }
}

/// A campaign that goes out at once, and again never.
pub(crate) fn campaign(audience: &str) -> String {
    json!({
        "name": "greeting", "pool": "advisors", "audience": { "id": audience },
        "message": { "type": "template", "name": "daily_text_v1", "language": "en_IN", "category": "UTILITY",
                     "components": [{ "type": "body", "parameters": [{ "type": "text", "text": "{{ first_name }}" }] }] },
        "schedule": { "type": "now", "timezone": "Asia/Kolkata" },
        "window": { "opens": "+0s", "closes": "+5s", "deadline": "+10s" },
        "sla": { "counts": "read" , "objective": 0.0 },
    })
    .to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn e2e_the_commands_take_a_campaign_from_nothing_to_its_report() {
    let it = Deployment::start().await;
    add_numbers(&it);
    let audience = bring_recipients(&it);
    it.write("campaign.json", campaign(&audience));
    assert!(it.tell(&["campaign", "validate", "campaign.json"]).contains("is valid"));
    let created = it.ask(&["campaign", "create", "campaign.json", "--idempotency-key", "once"]);
    assert_eq!(it.ask(&["campaign", "create", "campaign.json", "--idempotency-key", "once"])["id"], created["id"]);
    let (campaign, run) = (created["id"].as_str().unwrap(), created["next_run"].as_str().unwrap());
    preview(&it, campaign);
    let watched = it.tell(&["campaign", "watch", campaign]);
    assert!(watched.contains("2 submitted = ") && watched.contains("PASS"), "{watched}");
    read_back(&it, campaign, run);
    control(&it, campaign, run);
    scrape(&it).await;
}

fn preview(it: &Deployment, campaign: &str) {
    let told = it.ask(&["campaign", "preview", campaign]);
    assert_eq!(told["recipients"]["planned"], 2, "{told}");
    let drawn = it.tell(&["campaign", "preview", "campaign.json", "--samples", "1"]);
    assert!(drawn.contains("█") && drawn.contains("  │ "), "{drawn}");
    let refused = it.refuse(&["campaign", "preview", "cmp_none"]);
    assert!(refused.err.contains("There is no campaign `cmp_none`"), "{}", refused.err);
}

pub(crate) fn add_numbers(it: &Deployment) {
    let add =
        ["number", "add", "100000000000001", "--waba", "200000000000001", "--display", "+91 1", "--pool", "advisors"];
    let said = run_with(&mut it.command(add), "SIM_TOKEN\n");
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(!said.out.contains("SIM_TOKEN"));
    assert_eq!(it.ask(&["number", "set", "100000000000001", "--mps", "70", "--role", "active"])["mps"], 70);
    assert_eq!(it.ask(&["number", "pause", "100000000000001"])["paused"], true);
    assert_eq!(it.ask(&["number", "resume", "100000000000001"])["paused"], false);
    assert_eq!(it.ask(&["number", "show", "100000000000001"])["pool"], "advisors");
    let pinned = it.tell(&["number", "pin", "100000000000001", "cooldown", "--for", "2h"]);
    assert!(pinned.contains("Health     cooldown") && pinned.contains("a person has pinned it"), "{pinned}");
    assert!(it.refuse(&["number", "pin", "100000000000001", "asleep"]).err.contains("`asleep`, expected one of `fit`"));
    it.ask(&["number", "pin", "100000000000001", "fit"]);
    assert_eq!(it.ask(&["number", "unpin", "100000000000001"])["condition"]["pinned"], false);
    assert!(it.tell(&["number", "history", "100000000000001"]).contains("fit to cooldown"));
    assert!(it.tell(&["pool", "list"]).contains("advisors"));
    assert_eq!(it.ask(&["pool", "pause", "advisors"])["paused"], true);
    assert_eq!(it.ask(&["pool", "resume", "advisors"])["paused"], false);
}

pub(crate) fn bring_recipients(it: &Deployment) -> String {
    let audience = it.ask(&["audience", "create", "advisors"]);
    let id = audience["id"].as_str().unwrap().to_owned();
    it.write("people.csv", "phone,first_name\n+919876543210,Asha\n12,Nobody\n");
    let said = run(&mut it.command(["audience", "import", &id, "people.csv"]));
    assert!(said.code == 0 && said.err.starts_with("people.csv:3: "), "{}", said.err);
    let more = "{\"phone\":\"+919876543211\",\"first_name\":\"Ravi\"}\n";
    let import = ["audience", "import", &id, "-", "--format", "ndjson", "--mode", "upsert"];
    assert_eq!(run_with(&mut it.command(import), more).code, 0);
    assert_eq!(it.ask(&["audience", "show", &id])["rows"], 2);
    assert!(it.tell(&["audience", "list"]).contains(&id));
    it.write("dot.png", b"\x89PNG");
    assert_eq!(it.ask(&["asset", "add", "dot.png"])["name"], "dot");
    assert!(it.tell(&["asset", "list"]).contains("image/png"));
    id
}

fn read_back(it: &Deployment, campaign: &str, run_id: &str) {
    assert!(it.tell(&["campaign", "list"]).contains(campaign));
    assert_eq!(it.ask(&["campaign", "show", campaign])["state"], "done");
    assert!(it.tell(&["run", "list"]).contains(run_id));
    assert_eq!(it.ask(&["run", "show", run_id])["state"], "closed");
    let report = it.ask(&["run", "report", run_id]);
    assert_eq!(report["totals"]["submitted"], 2);
    assert!(it.tell(&["run", "report", run_id]).contains("IST"));
    let csv = it.tell(&["run", "deliveries", run_id, "--csv"]);
    assert_eq!(csv.lines().count(), 3, "{csv}");
    let found = it.ask(&["run", "deliveries", run_id, "--phone", "+919876543210"]);
    let delivery = found["items"][0]["id"].as_str().unwrap();
    assert!(it.tell(&["delivery", "show", delivery]).contains("Attempt 1 began at"));
    let by_phone = it.ask(&["delivery", "show", "--run", run_id, "--phone", "+919876543210"]);
    assert_eq!(by_phone["items"], serde_json::json!([it.ask(&["delivery", "show", delivery])]));
    assert!(
        it.refuse(&["delivery", "show", "--run", run_id, "--phone", "+919876543219"]).err.contains("no such recipient")
    );
    let page = delivery.rsplit_once('.').unwrap().0;
    let socket = it.folder.path().join("data/redis.sock");
    let mut debug = it.command(["debug", "page", page]);
    let page = run(debug.env("DAWNCAST_REDIS__URL", format!("redis+unix://{}", socket.display())));
    assert!(page.out.contains("Finished      yes") && !page.out.contains("9876543210"), "{}{}", page.out, page.err);
}

fn control(it: &Deployment, campaign: &str, run_id: &str) {
    assert!(it.refuse(&["run", "cancel", run_id]).err.contains("The run is closed"));
    assert!(it.refuse(&["campaign", "pause", campaign]).err.contains("409"));
    it.write("bad.json", r#"{ "pool": "advisors", "sla": { "objective": 2 } }"#);
    let faults = it.refuse(&["campaign", "create", "bad.json"]).err;
    assert!(faults.contains("bad.json: /audience: ") && faults.contains("bad.json: /sla/objective: "), "{faults}");
    assert_eq!(it.ask(&["stop"])["stopped"], true);
    assert_eq!(it.ask(&["start"])["stopped"], false);
    let reader = it.ask(&["key", "create", "reader", "--scope", "campaigns:read"]);
    it.write("key", reader["secret"].as_str().unwrap());
    it.tell(&["run", "list", "--key-file", "key"]);
    assert!(it.refuse(&["stop", "--key-file", "key"]).err.contains("numbers:write"));
    it.tell(&["key", "revoke", reader["id"].as_str().unwrap()]);
    assert!(it.refuse(&["run", "list", "--key-file", "key"]).err.contains("DAWNCAST_KEY"));
    assert!(!it.tell(&["key", "list"]).contains("reader"));
}

async fn scrape(it: &Deployment) {
    let url = |path: &str| format!("http://{}/{path}", it.metrics);
    let metrics = get(&url("metrics")).await.unwrap();
    keeps_promises(&metrics);
    for part in [
        "dawncast_build_info{version=",
        "dawncast_runs_total{verdict=\"pass\"} 1",
        "dawncast_time_to_status_seconds_bucket",
    ] {
        assert!(metrics.contains(part), "{part} is not in\n{metrics}");
    }
    assert!(get(&url("healthz")).await.unwrap().contains("alive"));
    assert!(get(&url("readyz")).await.unwrap().contains("ready"));
}

#[tokio::test(flavor = "multi_thread")]
async fn e2e_a_deployment_stops_in_order_and_comes_back_with_what_it_knew() {
    let mut it = Deployment::start().await;
    it.tell(&["audience", "create", "kept"]);
    let pid = it.engine.0.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    assert!(it.engine.0.wait().unwrap().success());
    it.engine = serve(it.folder.path());
    it.ready().await;
    // The key that the first start printed still opens, so none is printed again.
    assert!(it.tell(&["audience", "list"]).contains("kept"));
    drop(it.engine.0.stdin.take());
    let said = std::io::read_to_string(it.engine.0.stdout.take().unwrap()).unwrap();
    assert_eq!(said, "");
    assert!(it.engine.0.wait().unwrap().success());
}
