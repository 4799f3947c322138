//! A deployment of real processes that can be killed one by one, and the broadcasts that they are killed in.

use std::{
    collections::BTreeMap,
    fs,
    net::SocketAddr,
    ops::Range,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use dawncast_cloud_sim::{LedgerSnapshot, WABA_ID};
use dawncast_core::ids::RunId;
use dawncast_store::{
    Durability, Store, StoreConfig,
    run::{Run, RunState, RunTallies},
};
use dawncast_testkit::{TestRedis, until};
use reqwest::{Client, RequestBuilder};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::dawncast::{Daemon, dawncast, free};

/// What takes longer than this has failed.
const SOON: Duration = Duration::from_secs(20);
/// A broadcast is over by then, whatever happened to it: its deadline and a little more.
const OVER: Duration = Duration::from_secs(50);
/// Many numbers with few recipients each: their pages are written in more than one go, and their preflight takes a while.
const NUMBERS: u64 = 17;
const FIRST_NUMBER: u64 = 100_000_000_000_001;
const FIRST_PHONE: u64 = 919_800_000_000;
const RECIPIENTS: u64 = 600;
pub(crate) const PREFIX: &str = "dawncast:";
const KEY: &str = "key_of_the_first_hour";

/// The data folder of an engine with a private Redis.
struct DataFolder(TempDir);

impl Drop for DataFolder {
    fn drop(&mut self) {
        // A test that fails between a kill and the next start leaves an orphan.
        for pid in redis_on(self.0.path()) {
            let _ = Command::new("kill").args(["-9", &pid.to_string()]).status();
        }
    }
}

/// The processes of every Redis that works in `folder`.
fn redis_on(folder: &Path) -> Vec<u32> {
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten().map(|entry| entry.path());
    let at_home = |process: &PathBuf| {
        let is_redis = fs::read_to_string(process.join("comm")).is_ok_and(|name| name.trim() == "redis-server");
        is_redis && fs::read_link(process.join("cwd")).is_ok_and(|cwd| cwd == folder)
    };
    processes.filter(at_home).filter_map(|process| process.file_name()?.to_str()?.parse().ok()).collect()
}

/// See the module. Fields are dropped in their order: Redis goes last.
pub(crate) struct Scene {
    running: BTreeMap<&'static str, Daemon>,
    _sim: Daemon,
    pub(crate) store: Store,
    settings: Vec<(&'static str, String)>,
    client: Client,
    api: SocketAddr,
    sim: SocketAddr,
    pub(crate) webhook: SocketAddr,
    /// How many broadcasts there were.
    broadcasts: u64,
    data: Option<DataFolder>,
    _redis: Option<TestRedis>,
}

/// A broadcast that was ordered.
pub(crate) struct Broadcast {
    pub(crate) run: RunId,
    phones: Range<u64>,
}

impl Scene {
    /// The role of a process that is a whole deployment.
    pub(crate) const WHOLE: &'static str = "all";
    pub(crate) const SCHEDULER: &'static str = "scheduler";
    pub(crate) const WORKER: &'static str = "worker";
    /// The role of the process that is neither.
    pub(crate) const OTHERS: &'static str = "api,webhook,monitor";

    /// One process that plays every role, with a private Redis.
    pub(crate) async fn whole() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let socket = format!("redis+unix://{}", folder.path().join("redis.sock").display());
        let setting = ("DAWNCAST_DATA_DIR", folder.path().display().to_string());
        let scene = Self::set(vec![setting], &[Self::WHOLE], StoreConfig::new(socket, PREFIX)).await;
        Self { data: Some(DataFolder(folder)), ..scene }
    }

    /// A scheduler and a worker of their own, and a process for the rest.
    pub(crate) async fn split() -> Self {
        let redis = TestRedis::start().await;
        let url = redis.url();
        let setting = ("DAWNCAST_REDIS__URL", url.clone());
        let store = StoreConfig::new(url, PREFIX);
        let scene = Self::set(vec![setting], &[Self::OTHERS, Self::SCHEDULER, Self::WORKER], store).await;
        Self { _redis: Some(redis), ..scene }
    }

    /// Processes of their own on a Redis that the test sees to. What is in doubt is decided soon after the deadline.
    pub(crate) async fn over(store: StoreConfig) -> Self {
        let durability = if store.durability == Durability::Strict { "strict" } else { "standard" };
        let settings = vec![
            ("DAWNCAST_REDIS__URL", store.url.clone()),
            ("DAWNCAST_REDIS__DURABILITY", durability.to_owned()),
            ("DAWNCAST_ENGINE__CLOSE_AFTER", "5s".to_owned()),
        ];
        Self::set(settings, &[Self::OTHERS, Self::SCHEDULER, Self::WORKER], store).await
    }

    async fn set(own: Vec<(&'static str, String)>, roles: &[&'static str], store: StoreConfig) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let [api, webhook, sim] = free();
        let (at, hook, numbers) = (sim.to_string(), format!("http://{webhook}/webhook"), NUMBERS.to_string());
        let arguments = ["sim", "--listen", &at, "--numbers", &numbers, "--webhook", &hook];
        // Where no setting of its own says otherwise, a process notes what it has seen where nobody trips over it.
        let mut settings = vec![("DAWNCAST_DATA_DIR", env!("CARGO_TARGET_TMPDIR").to_owned())];
        settings.extend(own);
        settings.extend([
            ("DAWNCAST_API__LISTEN", api.to_string()),
            ("DAWNCAST_AUTH__BOOTSTRAP_KEY", KEY.to_owned()),
            ("DAWNCAST_WEBHOOK__LISTEN", webhook.to_string()),
            ("DAWNCAST_WEBHOOK__APP_SECRETS", "sim_app_secret".to_owned()),
            ("DAWNCAST_WEBHOOK__VERIFY_TOKEN", "sim_verify".to_owned()),
            ("DAWNCAST_METRICS__LISTEN", "127.0.0.1:0".to_owned()),
            ("DAWNCAST_CLOUD_API__BASE_URL", format!("http://{sim}")),
        ]);
        let simulator = Daemon::start(&mut dawncast(arguments));
        let running = roles.iter().map(|role| (*role, Daemon::start(&mut serve(&settings, role)))).collect();
        let client = Client::builder().tls_certs_only([]).build().unwrap();
        until("the API is there", SOON, async || is_ready(&client, api).await.then_some(())).await;
        let store = Store::connect(&store).await.unwrap();
        let scene = Self {
            running,
            _sim: simulator,
            store,
            settings,
            client,
            api,
            sim,
            webhook,
            broadcasts: 0,
            data: None,
            _redis: None,
        };
        for place in 0..NUMBERS {
            let number = json!({
                "phone_number_id": (FIRST_NUMBER + place).to_string(), "waba_id": WABA_ID, "pool": "advisors",
                "display_phone_number": format!("+91 80000 {place:05}"), "access_token": "SIM_TOKEN",
            });
            scene.post("numbers", number).await;
        }
        scene
    }

    /// Orders a broadcast that goes out at once and sends again what is in doubt.
    pub(crate) async fn order(&mut self) -> Broadcast {
        self.order_under("resend").await
    }

    /// Orders a broadcast that goes out at once, with this policy for what is in doubt.
    pub(crate) async fn order_under(&mut self, policy: &str) -> Broadcast {
        let first = FIRST_PHONE + RECIPIENTS * self.broadcasts;
        self.broadcasts += 1;
        let phones = first..first + RECIPIENTS;
        let audience = self.post("audiences", json!({ "name": "advisors" })).await["id"].clone();
        let imports = format!("audiences/{}/imports?mode=replace", audience.as_str().unwrap());
        let rows = phones.clone().map(|phone| format!("+{phone},Asha\n")).collect::<String>();
        let import = self.client.post(self.url(&imports)).header("content-type", "text/csv");
        assert_eq!(answer(import.body(format!("phone,first_name\n{rows}"))).await["state"], "done");
        let campaign = json!({
            "name": "morning", "pool": "advisors", "audience": { "id": audience },
            "message": { "type": "template", "name": "daily_text_v1", "language": "en_IN", "category": "UTILITY",
                         "components": [{ "type": "body", "parameters": [{ "type": "text", "text": "{{ first_name }}" }] }] },
            "schedule": { "type": "now", "timezone": "Asia/Kolkata" },
            "window": { "opens": "+0s", "closes": "+6s", "deadline": "+40s" },
            "unconfirmed": { "then": policy, "grace": "3s" },
        });
        let created = self.post("campaigns", campaign).await;
        Broadcast { run: created["next_run"].as_str().unwrap().parse().unwrap(), phones }
    }

    /// Kills the process of a role as a crash would (SIGKILL).
    pub(crate) fn kill(&mut self, role: &str) {
        let mut daemon = self.running.remove(role).unwrap();
        daemon.0.kill().unwrap();
        daemon.0.wait().unwrap();
    }

    /// Starts a process of a role again, by the command that started it at first.
    pub(crate) fn start(&mut self, role: &'static str) {
        self.running.insert(role, Daemon::start(&mut self.serve(role)));
    }

    /// Starts a process of a role in place of the one that there is, in an environment of its own.
    pub(crate) fn replace(&mut self, role: &'static str, environment: Vec<(String, String)>) {
        self.kill(role);
        self.running.insert(role, Daemon::start(self.serve(role).envs(environment)));
    }

    /// The command that starts a process of a role.
    pub(crate) fn serve(&self, role: &str) -> Command {
        serve(&self.settings, role)
    }

    /// The process of a role.
    pub(crate) fn pid(&self, role: &str) -> u32 {
        self.running[role].0.id()
    }

    pub(crate) async fn is_ready(&self) -> bool {
        is_ready(&self.client, self.api).await
    }

    /// The folder of the private Redis.
    pub(crate) fn data_dir(&self) -> Option<&Path> {
        self.data.as_ref().map(|folder| folder.0.path())
    }

    /// The processes of every Redis on the private data folder.
    pub(crate) fn private_redis(&self) -> Vec<u32> {
        self.data_dir().map(redis_on).unwrap_or_default()
    }

    /// Whether an audience is pinned: freeze does it first of all, and close lets go of it.
    pub(crate) async fn is_pinned(&self) -> bool {
        let pins = redis::cmd("KEYS").arg("*:pins").query_async::<Vec<String>>(&mut self.store.connection()).await;
        !pins.unwrap().is_empty()
    }

    pub(crate) async fn run(&self, id: &RunId) -> Run {
        self.store.run(id).await.unwrap().expect("a run that was ordered")
    }

    pub(crate) async fn tallies(&self, id: &RunId) -> RunTallies {
        self.store.run_tallies(id).await.unwrap()
    }

    /// How many messages of a broadcast the simulator has taken.
    pub(crate) async fn taken(&self, broadcast: &Broadcast) -> u64 {
        let ledger = self.ledger().await;
        broadcast.phones.clone().map(|phone| accepted(&ledger, phone)).sum()
    }

    /// Waits until a broadcast is closed.
    pub(crate) async fn closed(&self, broadcast: &Broadcast) {
        let run = &broadcast.run;
        until("the run is closed", OVER, async || (self.run(run).await.state == RunState::Closed).then_some(())).await;
    }

    /// Waits until a broadcast is closed, and holds its report against the simulator's own record.
    pub(crate) async fn prove(&self, broadcast: &Broadcast) {
        let run = &broadcast.run;
        self.closed(broadcast).await;
        let ledger = self.ledger().await;
        let not_once = broadcast.phones.clone().map(|phone| (phone, accepted(&ledger, phone)));
        let not_once: Vec<_> = not_once.filter(|(_, accepted)| *accepted != 1).collect();
        assert_eq!(not_once, [], "everybody is to be served once");
        assert_eq!(ledger.recipients.len() as u64, RECIPIENTS * self.broadcasts, "and nobody else");
        let report = answer(self.client.get(self.url(&format!("runs/{run}/report")))).await;
        let totals = report["totals"].as_object().unwrap();
        let sum: u64 = totals.iter().filter(|(state, _)| *state != "submitted").map(|(_, n)| n.as_u64().unwrap()).sum();
        let reached = totals["delivered"].as_u64().unwrap() + totals["read"].as_u64().unwrap();
        assert_eq!(
            (totals["submitted"].as_u64(), sum, reached),
            (Some(RECIPIENTS), RECIPIENTS, RECIPIENTS),
            "{report}"
        );
        assert_eq!((&report["sla"]["verdict"], &report["known_duplicates"]), (&"pass".into(), &0.into()), "{report}");
    }

    /// For each recipient of a broadcast how often the simulator has taken a message, and the state that the deliveries
    /// CSV has for it.
    pub(crate) async fn outcomes(&self, broadcast: &Broadcast) -> Vec<(u64, String)> {
        let url = self.url(&format!("runs/{}/deliveries", broadcast.run));
        let csv = self.client.get(url).header("accept", "text/csv").bearer_auth(KEY).send().await.unwrap();
        let (csv, ledger) = (csv.text().await.unwrap(), self.ledger().await);
        let mut lines = csv.lines().map(|line| line.split(',').collect::<Vec<_>>());
        let header = lines.next().unwrap();
        let column = |name: &str| header.iter().position(|column| *column == name).unwrap();
        let (phone, state) = (column("phone"), column("state"));
        let row = |row: Vec<&str>| (row[phone].trim_start_matches('+').parse().unwrap(), row[state].to_owned());
        let states: BTreeMap<u64, String> = lines.map(row).collect();
        broadcast.phones.clone().map(|phone| (accepted(&ledger, phone), states[&phone].clone())).collect()
    }

    /// What the simulator has accepted.
    pub(crate) async fn ledger(&self) -> LedgerSnapshot {
        serde_json::from_value(answer(self.client.get(format!("http://{}/_sim/ledger", self.sim))).await).unwrap()
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}/v1/{path}", self.api)
    }

    async fn post(&self, path: &str, body: Value) -> Value {
        answer(self.client.post(self.url(path)).json(&body)).await
    }
}

impl Broadcast {
    /// How many hear of it.
    pub(crate) fn recipients(&self) -> u64 {
        self.phones.end - self.phones.start
    }
}

fn accepted(ledger: &LedgerSnapshot, phone: u64) -> u64 {
    ledger.recipients.get(&phone.to_string()).map_or(0, |record| record.accepted)
}

fn serve(settings: &[(&'static str, String)], role: &str) -> Command {
    let mut command = dawncast(["serve", "--role", role]);
    // Its log is what a failed test is understood by.
    command.envs(settings.iter().cloned()).stderr(Stdio::inherit());
    command
}

async fn is_ready(client: &Client, api: SocketAddr) -> bool {
    client.get(format!("http://{api}/readyz")).send().await.is_ok_and(|response| response.status().is_success())
}

async fn answer(request: RequestBuilder) -> Value {
    let response = request.bearer_auth(KEY).send().await.unwrap();
    let (status, text) = (response.status(), response.text().await.unwrap());
    assert!(status.is_success(), "{status}: {text}");
    serde_json::from_str(&text).unwrap()
}
