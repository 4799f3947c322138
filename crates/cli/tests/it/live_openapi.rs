//! A client that is generated from the API's description drives a real server.

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::{Value, json};

use crate::flow::{Deployment, get};

fn client() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/openapi-client")
}

/// Runs a script of the client's package.
fn script(folder: &Path, name: &str, it: &Deployment) -> String {
    let mut npm = Command::new("npm");
    npm.args(["run", "--silent", name]).current_dir(folder);
    npm.env("DAWNCAST_URL", it.url()).env("DAWNCAST_KEY", &it.key);
    let output = npm.output().expect("npm is there: make setup-node installs it");
    let [out, err] = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
    assert!(output.status.success(), "npm run {name}: {out}{err}");
    out
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Node: make test-live"]
async fn live_openapi_a_generated_client_takes_a_campaign_from_nothing_to_its_report() {
    let (it, folder) = (Deployment::start().await, tempfile::tempdir().unwrap());
    for file in ["package.json", "tsconfig.json", "drive.ts"] {
        fs::copy(client().join(file), folder.path().join(file)).unwrap();
    }
    symlink(client().join("node_modules"), folder.path().join("node_modules")).unwrap();
    fs::write(folder.path().join("openapi.json"), get(&format!("{}/openapi.json", it.url())).await.unwrap()).unwrap();
    script(folder.path(), "generate", &it);
    script(folder.path(), "check", &it);
    let seen: Value = serde_json::from_str(&script(folder.path(), "drive", &it)).unwrap();
    assert_eq!(seen["faults"], json!(["/max_defects"]), "what cannot be read is told before anything is looked up");
    assert_eq!((&seen["recipients"], &seen["same"]), (&json!(2), &json!(true)));
    let states = seen["states"].as_array().unwrap();
    assert!(states.contains(&json!("open")) && states.last() == Some(&json!("closed")), "{states:?}");
    let totals = &seen["totals"];
    let reached = ["accepted", "sent", "delivered", "read"].map(|state| totals[state].as_u64().unwrap());
    assert_eq!((&totals["submitted"], reached.iter().sum::<u64>()), (&json!(2), 2), "{totals}");
    assert_eq!((&seen["verdict"], &seen["campaign"]), (&json!("pass"), &json!("done")));
    assert_eq!((&seen["recipients_listed"], &seen["attempts"]), (&json!(["a", "b"]), &json!(["due"])));
    assert_eq!(seen["forbidden"], "/problems/forbidden");
}
