//! The demo as `make observe` starts it: real Prometheus and Alertmanager watch it by the rules that are shipped, and a
//! listener of the test's own hears of each alert, in place of pager, chat and dead man's switch.

use std::{
    collections::BTreeMap,
    fs,
    future::ready,
    io::{BufRead, BufReader},
    net::Ipv4Addr,
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Stdio},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use axum::{Json, Router, extract, routing::post};
use dawncast_cloud_sim::LedgerSnapshot;
use dawncast_testkit::until;
use reqwest::Client;
use rustix::process::{Pid, Signal, kill_process};
use serde::Deserialize;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream};

/// What takes longer than this to start has failed.
const UP: Duration = Duration::from_secs(60);

/// The root of the repository.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// An alert as Alertmanager tells of it.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Alert {
    /// Who was told: the shipped routes' `pager`, `chat` or `dead-mans-switch`.
    #[serde(skip)]
    pub(crate) receiver: String,
    /// `firing` or `resolved`.
    pub(crate) status: String,
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) annotations: BTreeMap<String, String>,
}

impl Alert {
    pub(crate) fn name(&self) -> &str {
        &self.labels["alertname"]
    }

    /// Whether it tells this receiver this.
    pub(crate) fn tells(&self, receiver: &str, status: &str, name: &str) -> bool {
        (&*self.receiver, &*self.status, self.name()) == (receiver, status, name)
    }
}

/// One series of an answer of Prometheus: its labels and its last value.
#[derive(Debug, Clone)]
pub(crate) struct Sample {
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) value: f64,
}

/// See the module.
pub(crate) struct Observed {
    script: Child,
    said: Arc<Mutex<Vec<String>>>,
    heard: Arc<Mutex<Vec<Alert>>>,
    client: Client,
    /// What the demo keeps.
    _folder: TempDir,
}

impl Observed {
    /// Starts the demo with these arguments, and waits until it runs under observation.
    pub(crate) async fn start(arguments: &[&str]) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let (heard, said, folder) = (Arc::default(), Arc::default(), tempfile::tempdir().unwrap());
        let listener = listen(Arc::clone(&heard)).await;
        let mut script = Command::new(root().join("deploy/observe.sh"))
            .env("DAWNCAST", env!("CARGO_BIN_EXE_dawncast"))
            .env("ALERTS_TO", listener)
            .env("TMPDIR", folder.path())
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        note(script.stdout.take().unwrap(), Arc::clone(&said));
        let client = Client::builder().tls_certs_only([]).build().unwrap();
        let observed = Self { script, said, heard, client, _folder: folder };
        until("the demo tells its addresses", UP, async || observed.line("Metrics")).await;
        observed
    }

    /// What stands behind this word in what the script and the demo have said.
    fn line(&self, word: &str) -> Option<String> {
        let said = self.said.lock().unwrap();
        said.iter().find_map(|line| Some(line.strip_prefix(word)?.trim().to_owned()))
    }

    /// The part of an address that `line` tells, from its scheme to the end of its port.
    fn base(&self, word: &str) -> String {
        let line = self.line(word).unwrap_or_else(|| panic!("no address of {word} was told"));
        let address = line.split_once("http://").expect("an address").1;
        let end = address.find(|c: char| c == '/' || c.is_whitespace()).unwrap_or(address.len());
        format!("http://{}", &address[..end])
    }

    /// What the commands need to reach the API.
    pub(crate) fn api(&self) -> Vec<(String, String)> {
        let line = self.line("API").expect("the API's address");
        let pairs = line.split_whitespace().filter_map(|pair| pair.split_once('='));
        pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }

    /// The id of the demo's run.
    pub(crate) fn run(&self) -> String {
        let said = self.said.lock().unwrap();
        said.iter().find_map(|line| Some(line.split_once(": run ")?.1.to_owned())).expect("the run's id")
    }

    /// How many addresses of metrics were told.
    pub(crate) fn processes(&self) -> usize {
        self.line("Metrics").expect("addresses of metrics").split_whitespace().count()
    }

    /// Orders faults of the simulator: its own form of them.
    pub(crate) async fn order_faults(&self, faults: Value) {
        let url = format!("{}/_sim/faults", self.base("Simulator"));
        let answer = self.client.post(url).json(&json!({ "faults": faults })).send().await.unwrap();
        assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
    }

    /// The simulator's own record.
    pub(crate) async fn ledger(&self) -> LedgerSnapshot {
        serde_json::from_value(self.get(&format!("{}/_sim/ledger", self.base("Simulator")), &[]).await).unwrap()
    }

    /// What Prometheus answers to a call of its API.
    pub(crate) async fn prometheus(&self, call: &str, parameters: &[(&str, &str)]) -> Value {
        let url = format!("{}/api/v1/{call}", self.base("Prometheus"));
        self.get(&url, parameters).await["data"].take()
    }

    /// The series that a query yields now.
    pub(crate) async fn query(&self, query: &str) -> Vec<Sample> {
        let data = self.prometheus("query", &[("query", query)]).await;
        samples(&data, |series| series["value"][1].clone())
    }

    /// The series that a query has yielded within these last minutes, each with the last value that is one.
    pub(crate) async fn query_over(&self, query: &str, minutes: i64) -> Vec<Sample> {
        let now = chrono::Utc::now().timestamp();
        let (start, end) = ((now - 60 * minutes).to_string(), now.to_string());
        let parameters = [("query", query), ("start", &start), ("end", &end), ("step", "5")];
        let data = self.prometheus("query_range", &parameters).await;
        samples(&data, |series| {
            let mut values = series["values"].as_array().unwrap().iter().rev().map(|point| &point[1]);
            values.find(|value| **value != "NaN").unwrap_or(&Value::from("NaN")).clone()
        })
    }

    /// The single value that a query yields now, if it does.
    pub(crate) async fn value(&self, query: &str) -> Option<f64> {
        let samples = self.query(query).await;
        assert!(samples.len() <= 1, "`{query}` yields {samples:?}");
        samples.first().map(|sample| sample.value)
    }

    /// The alerts that the listener has heard of, oldest first.
    pub(crate) fn heard(&self) -> Vec<Alert> {
        self.heard.lock().unwrap().clone()
    }

    /// Waits until a receiver has heard of this alert in this status.
    pub(crate) async fn hears(&self, receiver: &str, status: &str, name: &str, within: Duration) -> Alert {
        let heard = async || self.heard().into_iter().find(|alert| alert.tells(receiver, status, name));
        until(&format!("the {receiver} hears that {name} is {status}"), within, heard).await
    }

    /// Kills the process that plays every role but the worker's as a crash would (SIGKILL).
    pub(crate) fn kill_engine(&self) {
        let api = self.base("API").replace("http://", "DAWNCAST_API__LISTEN=");
        let has = |process: &Path, file: &str, part: &str| {
            let text = fs::read(process.join(file)).unwrap_or_default();
            text.split(|byte| *byte == 0).any(|it| it == part.as_bytes())
        };
        let processes = fs::read_dir("/proc").unwrap().flatten().map(|entry| entry.path());
        let engine = processes.filter(|process| {
            has(process, "environ", &api) && has(process, "cmdline", "api,webhook,scheduler,monitor")
        });
        let [engine] = &engine.collect::<Vec<_>>()[..] else { panic!("there is one engine") };
        let pid = engine.file_name().and_then(|name| name.to_str()?.parse().ok()).and_then(Pid::from_raw);
        kill_process(pid.unwrap(), Signal::KILL).unwrap();
    }

    /// Ends it (SIGTERM), and sees that nobody stays behind.
    pub(crate) async fn end(mut self) {
        let words = ["Prometheus", "Alertmanager", "Dashboards", "API", "Simulator", "Metrics"];
        let addresses = words.map(|word| self.base(word).replace("http://", ""));
        self.stop();
        for (word, address) in words.iter().zip(addresses) {
            assert!(TcpStream::connect(&address).await.is_err(), "{word} goes on at {address}");
        }
    }

    fn stop(&mut self) {
        if self.script.try_wait().is_ok_and(|ended| ended.is_none()) {
            let pid = i32::try_from(self.script.id()).ok().and_then(Pid::from_raw);
            kill_process(pid.unwrap(), Signal::TERM).unwrap();
            self.script.wait().unwrap();
        }
    }

    async fn get(&self, url: &str, parameters: &[(&str, &str)]) -> Value {
        let answer = self.client.get(url).query(parameters).send().await.unwrap();
        let (status, text) = (answer.status(), answer.text().await.unwrap());
        assert!(status.is_success(), "{url} {parameters:?}: {text}");
        serde_json::from_str(&text).unwrap()
    }
}

impl Drop for Observed {
    fn drop(&mut self) {
        self.stop();
    }
}

fn samples(data: &Value, value: impl Fn(&Value) -> Value) -> Vec<Sample> {
    // A query of nothing but numbers yields one value without labels.
    let Some(series) = data["result"].as_array().filter(|_| data["resultType"] != "scalar") else {
        panic!("neither a vector nor a matrix: {data}");
    };
    let sample = |series: &Value| Sample {
        labels: serde_json::from_value(series["metric"].clone()).unwrap(),
        value: value(series).as_str().unwrap().parse().unwrap(),
    };
    series.iter().map(sample).collect()
}

/// Keeps the lines of the script and of the demo, and passes them on to whoever reads the test's.
fn note(out: ChildStdout, said: Arc<Mutex<Vec<String>>>) {
    thread::spawn(move || {
        for line in BufReader::new(out).lines().map_while(Result::ok) {
            println!("{line}");
            said.lock().unwrap().push(line);
        }
    });
}

/// The address of a listener that keeps what Alertmanager tells it, by the receiver that stands in the path.
async fn listen(heard: Arc<Mutex<Vec<Alert>>>) -> String {
    #[derive(Deserialize)]
    struct Word {
        alerts: Vec<Alert>,
    }
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let keep = move |extract::Path(receiver): extract::Path<String>, Json(word): Json<Word>| {
        let told = word.alerts.into_iter().map(|alert| Alert { receiver: receiver.clone(), ..alert });
        heard.lock().unwrap().extend(told);
        ready(())
    };
    let router = Router::new().route("/{receiver}", post(keep));
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}
