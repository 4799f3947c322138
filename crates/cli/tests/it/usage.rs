//! How the commands are used, and what they say when they are not used well.

use std::{fs, process::Command};

use crate::dawncast::{Said, dawncast, free, run, run_with};

fn check(command: &mut Command, code: i32, words: &[&str]) -> Said {
    let said = run(command);
    assert_eq!(said.code, code, "{command:?}: {}{}", said.out, said.err);
    for part in words {
        assert!(said.err.contains(part), "{command:?}: `{part}` is not in\n{}", said.err);
    }
    said
}

#[test]
fn wrong_usage_exits_with_2() {
    check(&mut dawncast([]), 2, &["Usage"]);
    check(&mut dawncast(["campaign"]), 2, &["create", "watch"]);
    check(&mut dawncast(["serve", "--role", "boss"]), 2, &["boss", "worker"]);
    check(&mut dawncast(["key", "create", "ops"]), 2, &["--scope"]);
    check(&mut dawncast(["key", "create", "ops", "--scope", "all"]), 2, &["campaigns:write"]);
    check(&mut dawncast(["demo", "--faults", "many"]), 2, &["realistic"]);
    check(&mut dawncast(["demo", "--window", "soon"]), 2, &["--window"]);
    check(&mut dawncast(["chaos", "--minutes", "0"]), 2, &["0.2 to 60 minutes"]);
    check(&mut dawncast(["chaos", "--policy", "hope"]), 2, &["give_up"]);
    check(&mut dawncast(["chaos", "--redis", "never"]), 2, &["always or everysec"]);
    check(&mut dawncast(["number", "set", "1"]), 2, &["nothing to set"]);
    check(dawncast(["run", "list"]).env("DAWNCAST_URL", "nowhere"), 2, &["`nowhere` is no address"]);
    check(&mut dawncast(["audience", "import", "aud_x", "rows.xls"]), 2, &["--format"]);
}

#[test]
fn a_secret_is_taken_from_standard_input_and_an_empty_one_is_not_taken() {
    let add = ["number", "add", "1", "--waba", "2", "--display", "+91", "--pool", "p"];
    check(&mut dawncast(add), 2, &["the access token is empty"]);
    let [nobody] = free();
    let said = run_with(dawncast(add).env("DAWNCAST_URL", format!("http://{nobody}")), "EAAG\n");
    assert!(said.code == 1 && said.err.contains("cannot be reached"), "{}", said.err);
}

#[test]
fn a_server_that_is_not_there_is_named_with_what_to_do() {
    let [nobody] = free();
    let words = [&format!("http://{nobody}") as &str, "dawncast serve", "DAWNCAST_URL"];
    check(dawncast(["run", "list"]).env("DAWNCAST_URL", format!("http://{nobody}")), 1, &words);
}

#[test]
fn a_file_that_is_not_there_is_named() {
    check(&mut dawncast(["campaign", "create", "/nowhere.json"]), 1, &["/nowhere.json"]);
    check(&mut dawncast(["serve", "--config", "/nowhere.toml"]), 1, &["/nowhere.toml"]);
}

#[test]
fn the_printed_configuration_is_one_and_its_keys_are_all() {
    let said = run(&mut dawncast(["config"]));
    let text: toml::Table = said.out.parse().unwrap();
    let json: toml::Table = serde_json::from_str(&run(&mut dawncast(["config", "--json"])).out).unwrap();
    assert_eq!(text, json);
    for line in said.out.lines() {
        let key = line.trim_start_matches("# ").split_once(" = ").map(|(key, _)| key);
        let (is_section, is_comment) = (line.starts_with('['), line.starts_with('#'));
        assert!(line.is_empty() || is_section || is_comment || key.is_some(), "{line}");
    }
}

#[test]
fn a_commented_key_is_a_key() {
    let folder = tempfile::tempdir().unwrap();
    let [secret, keys, file] = ["secret", "keys", "dawncast.toml"].map(|name| folder.path().join(name));
    fs::write(&secret, "s").unwrap();
    // Of all secrets these alone have a form.
    fs::write(&keys, dawncast_testkit::CREDENTIALS_KEY).unwrap();
    let shown = run(&mut dawncast(["config"])).out;
    // Keys that name files exclude the ones that they stand for, so only these are taken out of their comments.
    let uncommented =
        shown.lines().map(|line| match line.strip_prefix("# ").and_then(|key| key.split_once("_file = ")) {
            Some(("keys", _)) => format!("keys_file = {:?}", keys.display().to_string()),
            Some((key, _)) => format!("{key}_file = {:?}", secret.display().to_string()),
            None if line == "keys = []" => String::new(),
            None => line.replace("app_secrets = []", ""),
        });
    fs::write(&file, uncommented.collect::<Vec<_>>().join("\n")).unwrap();
    let config = file.to_str().unwrap();
    // The secrets are read, and what is refused is the address that one of them stands for.
    check(&mut dawncast(["serve", "--config", config]), 1, &["Redis"]);
}

#[test]
fn an_unknown_key_is_refused_by_name() {
    let serve = || dawncast(["serve"]);
    check(serve().env("DAWNCAST_REDIS__URLL", "x"), 1, &["urll", "dawncast config"]);
    check(serve().env("DAWNCAST_API__LISTEN", "8080"), 1, &["api.listen"]);
    check(serve().env("DAWNCAST_ENGINE__LEASE", "1s"), 1, &["engine.lease", "3s or more"]);
}

#[test]
fn roles_in_processes_of_their_own_need_a_shared_redis() {
    let folder = tempfile::tempdir().unwrap();
    check(dawncast(["serve", "--role", "worker"]).current_dir(&folder), 1, &["DAWNCAST_REDIS__URL"]);
}
