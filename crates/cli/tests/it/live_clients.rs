//! Clients that know nothing of Dawncast, unchanged, against the simulator: two of npm, and plain HTTP in Python.

use std::{
    collections::BTreeMap,
    net::TcpListener,
    path::{Path, PathBuf},
    process::Command,
};

use dawncast_cloud_sim::{Receipts, SimConfig, Simulator};
use serde_json::{Value, json};

const SECRET: &str = "sim-app-secret";
const NUMBER: &str = "100000000000001";
const WABA: &str = "200000000000001";

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(name)
}

async fn drive(program: &str, script: &str, receipts: Receipts) -> Value {
    drive_in("cloud-clients", program, script, receipts).await
}

/// What a script of a folder tells at its end, after it has driven a simulator that posts its webhooks to it.
pub(crate) async fn drive_in(folder_name: &str, program: &str, script: &str, receipts: Receipts) -> Value {
    // Free a moment ago; nobody else asks for it in between but by chance.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let listen = "127.0.0.1:0".parse().unwrap();
    let webhook = Some(format!("http://127.0.0.1:{port}/webhook"));
    let app_secret = SECRET.to_owned();
    let sim = Simulator::start(SimConfig { listen, webhook, app_secret, receipts, ..SimConfig::default() });
    let sim = sim.await.unwrap();
    let url = format!("http://{}", sim.addr());
    let (program, script, folder) = (program.to_owned(), script.to_owned(), folder(folder_name));
    let run = move || {
        let mut command = Command::new(&program);
        command.arg(&script).current_dir(folder).env("SIM_URL", url).env("SIM_NUMBER", NUMBER).env("SIM_WABA", WABA);
        command.env("SIM_APP_SECRET", SECRET).env("WEBHOOK_PORT", port.to_string()).output()
    };
    let output = tokio::task::spawn_blocking(run).await.unwrap().expect("it is there: make setup-node installs it");
    let [out, err] = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
    assert!(output.status.success(), "{out}{err}");
    serde_json::from_str(&out).unwrap_or_else(|why| panic!("{why}: {out}{err}"))
}

/// What failed of named calls, which must be nothing; how many were made.
fn all(told: &Value, wanted: usize) {
    assert_eq!(told["failed"], json!({}), "{told}");
    assert_eq!(told["done"].as_object().map_or(0, serde_json::Map::len), wanted, "{told}");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Node: make test-live"]
async fn live_clients_kapso_sends_every_kind_of_message_and_verifies_what_comes_back() {
    let told = drive("node", "kapso.mjs", Receipts::default()).await;
    all(&told["sent"], 21);
    all(&told["files"], 3);
    assert_eq!(told["files"]["done"]["download"], true);
    all(&told["templates"], 3);
    let refused = &told["refused"];
    assert!(refused["done"].as_object().unwrap().is_empty(), "{refused}");
    assert!(refused["failed"]["no_window"].as_str().unwrap().contains("131047"), "{refused}");
    assert_eq!((&told["webhooks"]["refused"], &told["from"]), (&json!(0), &json!("919812345678")));
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Node: make test-live"]
async fn live_clients_whatsapp_api_js_sends_every_kind_of_message_and_verifies_what_comes_back() {
    // It reads the first status of each call.
    let one_by_one = Receipts { max_batch: 1, ..Receipts::default() };
    let told = drive("node", "whatsapp-api-js.mjs", one_by_one).await;
    all(&told["sent"], 21);
    all(&told["files"], 3);
    assert_eq!(told["files"]["done"]["download"], true);
    all(&told["blocking"], 2);
    assert_eq!((&told["webhooks"]["refused"], &told["from"]), (&json!(0), &json!("919812345678")));
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Python: make test-live"]
async fn live_clients_plain_http_is_answered_in_meta_s_words() {
    let told = drive("python3", "plain.py", Receipts::default()).await;
    let sent: BTreeMap<String, u16> = serde_json::from_value(told["sent"].clone()).unwrap();
    assert_eq!(sent.len(), 18);
    assert!(sent.values().all(|status| *status == 200), "{sent:?}");
    let refused = json!({
        "no token": [401, 190], "no product": [400, 100], "unknown object": [400, 100], "no such template": [404, 132001],
        "too few parameters": [400, 132000], "too many buttons": [400, 131009],
    });
    assert_eq!(told["refused"], refused);
    assert_eq!(told["media"], json!({ "sha256": true, "bytes": true }));
    assert_eq!(told["webhooks"]["wrong"], 0);
}
