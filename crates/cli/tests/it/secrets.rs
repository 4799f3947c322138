//! Access tokens are nowhere but on the wire: not in the log, not in an answer, a problem or an export, and nowhere in Redis
//! or its files.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    time::Duration,
};

use dawncast_testkit::until;
use redis::{Client, Connection};
use serde_json::{Value, json};

use crate::{
    dawncast::run_with,
    flow::{Deployment, add_numbers, bring_recipients, campaign, client, get},
};

const NUMBER: &str = "100000000000001";
const WABA: &str = "200000000000001";
/// The one that the simulator takes, one that it refuses, and one that is no token at all.
const TOKENS: [&str; 3] = ["SIM_TOKEN", "EAAGrefusedTokenOfTheTest", "EAAG crooked token of the test"];
const SOON: Duration = Duration::from_secs(30);

/// Everything that came out, by where from.
struct Heard(Vec<(String, Vec<u8>)>);

impl Heard {
    fn hear(&mut self, from: impl Into<String>, what: impl Into<Vec<u8>>) {
        self.0.push((from.into(), what.into()));
    }

    fn holds_no_token(&self) {
        for (from, what) in &self.0 {
            for token in TOKENS {
                let found = what.windows(token.len()).any(|text| text == token.as_bytes());
                assert!(!found, "{from} holds {token}");
            }
        }
    }
}

/// Every value in Redis, whatever its type.
fn values(connection: &mut Connection) -> Vec<(String, Vec<u8>)> {
    let keys: Vec<String> = redis::cmd("KEYS").arg("*").query(connection).unwrap();
    assert!(keys.iter().any(|key| key.ends_with("{numbers}:credentials")), "{keys:?}");
    keys.into_iter().map(|key| (key.clone(), value(connection, &key))).collect()
}

fn value(connection: &mut Connection, key: &str) -> Vec<u8> {
    let kind: String = redis::cmd("TYPE").arg(key).query(connection).unwrap();
    let read: &[&str] = match kind.as_str() {
        "string" => &["GET"],
        "hash" => &["HGETALL"],
        "list" => &["LRANGE", "0", "-1"],
        "set" => &["SMEMBERS"],
        "zset" => &["ZRANGE", "0", "-1"],
        // It was gone by itself meanwhile.
        "none" => return Vec::new(),
        other => panic!("{key} is a {other}"),
    };
    let mut command = redis::cmd(read[0]);
    command.arg(key).arg(&read[1..]);
    match kind.as_str() {
        "string" => command.query::<Option<Vec<u8>>>(connection).unwrap().unwrap_or_default(),
        "hash" => {
            let pairs: Vec<(Vec<u8>, Vec<u8>)> = command.query(connection).unwrap();
            pairs.into_iter().flat_map(|(field, value)| [field, value]).collect::<Vec<_>>().concat()
        }
        _ => command.query::<Vec<Vec<u8>>>(connection).unwrap().concat(),
    }
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => files(&path, found),
            false => found.push(path),
        }
    }
}

/// Calls that fail, with tokens where they belong and where they do not.
async fn refused_calls(it: &Deployment, heard: &mut Heard) {
    let number = |token: &str| {
        json!({ "phone_number_id": NUMBER, "waba_id": WABA, "display_phone_number": "x",
                                       "pool": "advisors", "access_token": token })
    };
    let credential = format!("credentials/{WABA}");
    for (method, path, body) in [
        ("POST", "numbers", number(TOKENS[0]).to_string()),
        ("POST", "numbers", number(TOKENS[2]).to_string()),
        ("PUT", &credential, json!({ "access_token": TOKENS[2] }).to_string()),
        ("PUT", &credential, json!({ "access_token": [TOKENS[1]] }).to_string()),
        ("PUT", &credential, format!("{{ \"access_token\": \"{}\", ", TOKENS[1])),
        ("PUT", "credentials/none", json!({ "access_token": TOKENS[1] }).to_string()),
        ("PATCH", "numbers/1", json!({ "access_token": TOKENS[1] }).to_string()),
        ("DELETE", &credential, String::new()),
    ] {
        let url = format!("{}/v1/{path}", it.url());
        let request = client().request(method.parse().unwrap(), url).bearer_auth(&it.key);
        let answer = request.header("content-type", "application/json").body(body).send().await.unwrap();
        assert!(answer.status().is_client_error(), "{method} {path}: {}", answer.status());
        heard.hear(format!("{method} {path}"), answer.bytes().await.unwrap());
    }
}

/// What people look at and take away.
async fn look_at_everything(it: &Deployment, runs: &[String], heard: &mut Heard) {
    let mut commands = vec![
        vec!["number", "list"],
        vec!["number", "show", NUMBER],
        vec!["number", "history", NUMBER],
        vec!["credential", "list"],
        vec!["credential", "rekey"],
        vec!["pool", "list"],
        vec!["campaign", "list"],
        vec!["run", "list"],
    ];
    for run in runs {
        commands.extend([
            vec!["run", "show", run],
            vec!["run", "report", run],
            vec!["run", "deliveries", run, "--csv"],
        ]);
    }
    for command in commands {
        heard.hear(command.join(" "), it.tell(&command));
    }
    for path in ["metrics", "readyz"] {
        heard.hear(path, get(&format!("http://{}/{path}", it.metrics)).await.unwrap_or_default());
    }
    heard.hear("openapi", get(&format!("{}/openapi.json", it.url())).await.unwrap());
}

/// Sends to two people; the run, once it is as far as `state`.
async fn broadcast(it: &Deployment, audience: &str, state: &str) -> String {
    it.write("campaign.json", campaign(audience));
    let run = it.ask(&["campaign", "create", "campaign.json"])["next_run"].as_str().unwrap().to_owned();
    let arrived = async || (it.ask(&["run", "show", &run])["state"] == state).then_some(());
    until("the run is as far", SOON, arrived).await;
    run
}

#[tokio::test(flavor = "multi_thread")]
async fn e2e_a_token_is_in_no_log_no_answer_no_export_and_nowhere_in_redis() {
    let it = Deployment::start().await;
    let mut heard = Heard(Vec::new());
    add_numbers(&it);
    let audience = bring_recipients(&it);
    let mut runs = vec![broadcast(&it, &audience, "closed").await];
    let set = |token: &str| {
        let said = run_with(&mut it.command(["credential", "set", WABA]), token);
        assert_eq!(said.code, 0, "{}", said.err);
        said
    };
    let said = set(TOKENS[1]);
    assert!(said.out.contains(&format!("Numbers that send with it: {NUMBER}")), "{}", said.out);
    heard.hear("credential set", said.out + &said.err);
    // Meta refuses it, and the run is held: the reason is said in many places.
    it.write("campaign.json", campaign(&audience));
    let held = it.ask(&["campaign", "create", "campaign.json"])["next_run"].as_str().unwrap().to_owned();
    let waits = async || it.ask(&["run", "show", &held]).to_string().contains("190").then_some(());
    until("the run is held by a refused token", SOON, waits).await;
    refused_calls(&it, &mut heard).await;
    runs.push(held);
    look_at_everything(&it, &runs, &mut heard).await;
    set(TOKENS[0]);

    let socket = it.folder.path().join("data/redis.sock");
    let redis = Client::open(format!("redis+unix://{}", socket.display())).unwrap();
    for (key, value) in values(&mut redis.get_connection().unwrap()) {
        heard.hear(format!("Redis {key}"), value);
    }
    let mut kept = Vec::new();
    files(it.folder.path(), &mut kept);
    assert!(kept.iter().any(|file| file.to_string_lossy().contains("appendonlydir")), "{kept:?}");
    for file in kept {
        // A socket cannot be read.
        heard.hear(file.display().to_string(), fs::read(&file).unwrap_or_default());
    }
    heard.holds_no_token();
    let key = fs::metadata(it.folder.path().join("data/credentials.key")).unwrap();
    assert_eq!(key.permissions().mode() & 0o777, 0o600);
    let listed: Value = it.ask(&["credential", "list"]);
    assert_eq!((&listed["items"][0]["waba_id"], &listed["items"][0]["problem"]), (&json!(WABA), &Value::Null));
}
