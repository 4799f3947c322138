//! Audiences by the commands, on an API that can be killed.

use std::{fs, net::SocketAddr, time::Duration};

use dawncast_testkit::{TestRedis, until};
use reqwest::Body;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::mpsc;

use crate::{
    dawncast::{Daemon, Said, dawncast, free, run},
    flow::get,
};

const SOON: Duration = Duration::from_secs(20);
/// Longer than an import counts as alive without a sign of it, and a little more.
const LAPSED: Duration = Duration::from_secs(40);
const KEY: &str = "key_of_the_first_hour";

/// An API process, a folder to work in, and a Redis that outlives the process.
struct Desk {
    process: Daemon,
    api: SocketAddr,
    folder: TempDir,
    redis: TestRedis,
}

impl Desk {
    async fn start() -> Self {
        let (redis, folder, [api]) = (TestRedis::start().await, tempfile::tempdir().unwrap(), free());
        let desk = Self { process: serve(&redis, &folder, api), api, folder, redis };
        desk.ready().await;
        desk
    }

    async fn ready(&self) {
        until("the API is there", SOON, async || get(&format!("http://{}/readyz", self.api)).await).await;
    }

    /// SIGKILL, then a process in its place.
    async fn killed_and_started_again(&mut self) {
        self.process.0.kill().unwrap();
        self.process.0.wait().unwrap();
        self.process = serve(&self.redis, &self.folder, self.api);
        self.ready().await;
    }

    fn say(&self, arguments: &[&str]) -> Said {
        let mut command = dawncast(arguments.iter().copied());
        command.env("DAWNCAST_URL", format!("http://{}", self.api)).env("DAWNCAST_KEY", KEY);
        run(command.current_dir(&self.folder))
    }

    fn ask(&self, arguments: &[&str]) -> Value {
        let said = self.say(&[arguments, &["--json"]].concat());
        assert_eq!(said.code, 0, "{arguments:?}: {}{}", said.out, said.err);
        serde_json::from_str(&said.out).unwrap()
    }

    fn audience(&self) -> String {
        self.ask(&["audience", "create", "subscribers"])["id"].as_str().unwrap().to_owned()
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.folder.path().join(name), text).unwrap();
    }
}

fn serve(redis: &TestRedis, folder: &TempDir, api: SocketAddr) -> Daemon {
    let mut command = dawncast(["serve", "--role", "api"]);
    command.env("DAWNCAST_REDIS__URL", redis.url()).env("DAWNCAST_API__LISTEN", api.to_string());
    command.env("DAWNCAST_AUTH__BOOTSTRAP_KEY", KEY).env("DAWNCAST_METRICS__LISTEN", "127.0.0.1:0");
    command.env("DAWNCAST_DATA_DIR", folder.path().join("data"));
    let log = fs::File::options().create(true).append(true).open(folder.path().join("serve.log")).unwrap();
    Daemon::start(command.stdout(log.try_clone().unwrap()).stderr(log))
}

/// An upload that goes on for as long as the sender is kept.
fn endless_upload(desk: &Desk, audience: &str, mode: &str) -> mpsc::UnboundedSender<Result<String, std::io::Error>> {
    let (sender, receiver) = mpsc::unbounded_channel();
    let stream = futures::stream::unfold(receiver, async |mut receiver: mpsc::UnboundedReceiver<_>| {
        receiver.recv().await.map(|piece| (piece, receiver))
    });
    let url = format!("http://{}/v1/audiences/{audience}/imports?mode={mode}", desk.api);
    let client = reqwest::Client::builder().tls_certs_only([]).build().unwrap();
    let upload = client.post(url).bearer_auth(KEY).header("content-type", "text/csv");
    tokio::spawn(upload.body(Body::wrap_stream(stream)).send());
    sender
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_whose_server_is_killed_changes_nothing_and_blocks_nobody_for_long() {
    let mut desk = Desk::start().await;
    let audiences = ["replace", "upsert"].map(|mode| (desk.audience(), mode));
    desk.write("before.csv", "phone\n919876543210\n919876543211\n");
    desk.write("after.csv", "phone\n919876543211\n919876543212\n");
    let mut uploads = Vec::new();
    for (audience, mode) in &audiences {
        desk.ask(&["audience", "import", audience, "before.csv"]);
        let upload = endless_upload(&desk, audience, mode);
        let rows: String = (0..2_000).map(|n| format!("{}\n", 919_811_000_000_u64 + n)).collect();
        upload.send(Ok(format!("phone\n{rows}"))).unwrap();
        uploads.push(upload);
        let running = async || {
            let refused = desk.say(&["audience", "import", audience, "after.csv"]);
            refused.err.contains("wait for its end").then_some(())
        };
        until("the import is running", SOON, running).await;
    }
    desk.killed_and_started_again().await;
    for (audience, mode) in &audiences {
        assert_eq!(desk.ask(&["audience", "show", audience])["rows"], 2, "{mode}");
        let imported = async || {
            let said = desk.say(&["audience", "import", audience, "after.csv", "--mode", mode]);
            (said.code == 0).then_some(())
        };
        until("the audience is free", LAPSED, imported).await;
    }
    let rows = audiences.each_ref().map(|(audience, _)| desk.ask(&["audience", "show", audience])["rows"].clone());
    assert_eq!(rows, [json!(2), json!(3)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_come_in_and_go_out_by_the_commands() {
    let desk = Desk::start().await;
    let audience = desk.audience();
    let file = "phone,id,tier\n919876543210,a,pro\n919876543210,b,\n919876543211,a,\n915555555555,c,\n12,d,\n";
    desk.write("rows.csv", file);
    let said = desk.say(&["audience", "import", &audience, "rows.csv"]);
    assert_eq!(said.code, 0, "{}", said.err);
    assert_eq!(
        said.out.trim(),
        "5 rows read: 3 accepted (of these, 1 with a phone that came before and 1 with an id that another phone has), \
         2 rejected."
    );
    let told = [
        "rows.csv:5: no such phone number has been given out under +91: mend it, or, if its range is new, import with \
         `phones=possible`",
        "rows.csv:6: the phone number has 2 digits: with its country code it has at least 8",
        "rows.csv:3: the phone stands on line 2 already; a run sends to the first row",
        "rows.csv:4: the id stands on line 2 already, with another phone; a run sends to both",
    ];
    assert_eq!(said.err.lines().collect::<Vec<_>>(), told);
    let import = desk.ask(&["audience", "import", &audience, "rows.csv", "--phones", "possible"]);
    assert_eq!((&import["accepted"], &import["rejected"]), (&json!(4), &json!(1)));

    let out = desk.say(&["audience", "export", &audience]).out;
    assert_eq!(out.lines().next(), Some("phone,id,tier,timezone,consent,user_id"));
    assert_eq!(out.lines().nth(1), Some("+919876543210,a,pro,,,"));
    let written = desk.ask(&["audience", "export", &audience, "out.ndjson"]);
    let lines = fs::read_to_string(desk.folder.path().join("out.ndjson")).unwrap();
    assert_eq!(written["bytes"], lines.len());
    assert_eq!(lines.lines().next(), Some(r#"{"phone":"+919876543210","id":"a","tier":"pro"}"#));
    let refused = desk.say(&["audience", "export", "aud_none", "none.csv"]);
    assert_eq!((refused.code, desk.folder.path().join("none.csv.part").exists()), (1, false));

    assert_eq!(desk.ask(&["audience", "delete", &audience]), json!({ "id": audience, "deleted": true }));
    let gone = desk.say(&["audience", "delete", &audience]);
    assert!(gone.code == 1 && gone.err.contains(&format!("There is no audience `{audience}`")), "{}", gone.err);
}
