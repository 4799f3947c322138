//! `dawncast doctor` against real processes: what it says, and how it exits.

use dawncast_testkit::until;
use serde_json::{Value, json};

use crate::{
    dawncast::{dawncast, free, run},
    flow::{Deployment, SOON},
};

/// The findings on a check.
fn of<'a>(examined: &'a Value, check: &str) -> Vec<&'a Value> {
    examined["findings"].as_array().unwrap().iter().filter(|finding| finding["check"] == check).collect()
}

fn parsed(out: &str) -> Value {
    serde_json::from_str(out).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_doctor_says_what_is_wrong_with_evidence_and_remedy_and_exits_by_it() {
    let it = Deployment::start().await;
    it.write("token", "SIM_TOKEN\n");
    let id = "100000000000001";
    it.tell(&[
        "number",
        "add",
        id,
        "--waba",
        "200000000000001",
        "--display",
        "+1 555",
        "--pool",
        "advisors",
        "--token-file",
        "token",
    ]);
    // The monitor has to have read the number, and a webhook to have beaten, for all to be well.
    until("all is well", SOON, async || {
        let said = run(&mut it.command(["doctor", "--json"]));
        (said.code == 0 && of(&parsed(&said.out), "limit")[0]["outcome"] == "ok").then_some(())
    })
    .await;
    let said = it.tell(&["doctor"]);
    for part in ["Number 100000000000001", "ok    token", "never expires", "Redis", "appendfsync always", "0 fail"] {
        assert!(said.contains(part), "`{part}` is not in\n{said}");
    }
    it.tell(&["number", "set", id, "--mps", "100"]);
    it.write("wrong", "EAAG_WRONG\n");
    it.tell(&["number", "set", id, "--token-file", "wrong"]);
    let said = it.refuse(&["doctor"]);
    for part in
        ["fail  token", "Meta does not take the token", "→ make a system-user token", "warn  capacity", "--mps 80"]
    {
        assert!(said.out.contains(part), "`{part}` is not in\n{}", said.out);
    }
    assert!(!said.out.contains("EAAG_WRONG"), "{}", said.out);
    let json = it.refuse(&["doctor", "--json"]);
    assert_eq!(parsed(&json.out)["outcome"], "fail");
    let unknown = it.refuse(&["doctor", "--run", "run_none"]);
    assert!(unknown.err.contains("There is no run `run_none`"), "{}", unknown.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_not_accepted_is_told_beside_what_can_be_seen_from_here() {
    let it = Deployment::start().await;
    let said = run(it.command(["doctor", "--json"]).env("DAWNCAST_KEY", "nobody"));
    let examined = parsed(&said.out);
    assert_eq!((said.code, &of(&examined, "key")[0]["outcome"]), (1, &json!("fail")));
    assert_eq!(of(&examined, "config")[0]["outcome"], "ok");
    assert_eq!(of(&examined, "cloud_api")[0]["outcome"], "ok");
}

#[test]
fn without_a_server_the_doctor_looks_at_what_is_here() {
    let folder = tempfile::tempdir().unwrap();
    let [nobody, redis] = free();
    let mut command = dawncast(["doctor", "--json"]);
    command.current_dir(&folder).env("DAWNCAST_URL", format!("http://{nobody}"));
    command.env("DAWNCAST_REDIS__URL", format!("redis://{redis}"));
    command.env("DAWNCAST_CLOUD_API__BASE_URL", format!("http://{nobody}"));
    let examined = run(&mut command);
    assert_eq!(examined.code, 1, "{}", examined.err);
    let examined = parsed(&examined.out);
    for (check, outcome) in [("api", "fail"), ("config", "ok"), ("redis", "fail"), ("cloud_api", "fail")] {
        assert_eq!(of(&examined, check)[0]["outcome"], outcome, "{check}: {examined}");
    }
    let told = run(command.env("DAWNCAST_REDIS__PREFIXX", "x"));
    let config = parsed(&told.out);
    assert!(of(&config, "config")[0]["evidence"].as_str().unwrap().contains("prefixx"), "{config}");
    assert_eq!(run(&mut dawncast(["doctor", "--run", "a", "--campaign", "b"])).code, 2);
}
