use std::{io::Write, time::Duration};

use dawncast_core::consent::ConsentRule;

use super::*;

fn load(file: &str, environment: &[(&str, &str)]) -> Result<Config, String> {
    let mut path = tempfile::NamedTempFile::new().unwrap();
    path.write_all(file.as_bytes()).unwrap();
    let environment = environment.iter().map(|&(name, value)| (name.to_owned(), value.to_owned()));
    Config::load(Some(path.path()), environment).map_err(|error| error.to_string())
}

#[test]
fn the_environment_overrides_the_file_and_the_file_the_defaults() {
    let file = "data_dir = \"/var/lib/dawncast\"\n[redis]\nurl = \"redis://file\"\n[engine]\nlease = \"9s\"";
    let config = load(file, &[("DAWNCAST_REDIS__URL", "redis://env"), ("DAWNCAST_ENGINE__PAGES", "7")]).unwrap();
    assert_eq!(config.redis.url.unwrap().expose(), "redis://env");
    assert_eq!((config.engine.lease, config.engine.pages), (Duration::from_secs(9), 7));
    assert_eq!(config.data_dir, Path::new("/var/lib/dawncast"));
    assert_eq!(config.api.listen.to_string(), "127.0.0.1:8080");
}

#[test]
fn a_list_is_comma_separated_in_the_environment() {
    let secrets = |config: Config| config.webhook.app_secrets.iter().map(|s| s.expose().to_owned()).collect::<Vec<_>>();
    let config = load("", &[("DAWNCAST_REPLIES__STOPS", "all"), ("DAWNCAST_REPLIES__STOP", "STOP, HALT")]).unwrap();
    assert_eq!((config.replies.stops, config.replies.stop.len()), (vec![Scope::All], 2));
    let config = load("", &[("DAWNCAST_WEBHOOK__APP_SECRETS", "new, old")]).unwrap();
    assert_eq!(secrets(config), ["new", "old"]);
    assert_eq!(secrets(load("[webhook]\napp_secrets = [\"0123\"]", &[]).unwrap()), ["0123"]);
    assert_eq!(secrets(load("", &[("DAWNCAST_WEBHOOK__APP_SECRETS", "0123")]).unwrap()), ["0123"]);
}

#[test]
fn unknown_keys_are_refused_by_name() {
    for (file, environment, named) in [
        ("[redis]\nurll = \"x\"", &[][..], "urll"),
        ("colour = 1", &[], "colour"),
        ("", &[("DAWNCAST_REDIS__URLL", "x")], "urll"),
        ("", &[("DAWNCAST_SPEED", "x")], "speed"),
    ] {
        let error = load(file, environment).unwrap_err();
        assert!(error.contains(named) && error.contains("dawncast config"), "{error}");
    }
}

#[test]
fn what_belongs_to_the_commands_is_no_configuration() {
    assert!(load("", &[("DAWNCAST_URL", "http://x"), ("DAWNCAST_KEY", "key_x.y"), ("PATH", "/bin")]).is_ok());
}

#[test]
fn a_secret_comes_from_its_file_and_from_one_place_only() {
    let mut secret = tempfile::NamedTempFile::new().unwrap();
    secret.write_all(b"first\n\nsecond\n").unwrap();
    let path = secret.path().to_str().unwrap();
    let config = load("", &[("DAWNCAST_WEBHOOK__APP_SECRETS_FILE", path)]).unwrap();
    assert_eq!(config.webhook.app_secrets.len(), 2);
    let both = [("DAWNCAST_AUTH__BOOTSTRAP_KEY_FILE", path), ("DAWNCAST_AUTH__BOOTSTRAP_KEY", "x")];
    assert!(load("", &both).unwrap_err().contains("are both set"));
    let absent = [("DAWNCAST_REDIS__URL_FILE", "/nowhere")];
    assert!(load("", &absent).unwrap_err().contains("cannot be read from /nowhere"));
}

#[test]
fn keys_of_credentials_come_from_configuration_or_a_file_and_a_bad_one_is_not_shown() {
    let [one, two] = [(); 2].map(|()| dawncast_store::Keyring::make_key().expose().to_owned());
    let current = |config: Config| config.credentials.keyring().unwrap().current().map(str::to_owned);
    assert_eq!(current(load("", &[]).unwrap()), None);
    let both = format!("{one},{two}");
    let given = current(load("", &[("DAWNCAST_CREDENTIALS__KEYS", &both)]).unwrap());
    let mut file = tempfile::NamedTempFile::new().unwrap();
    writeln!(file, "{one}\n{two}").unwrap();
    let from_file = load("", &[("DAWNCAST_CREDENTIALS__KEYS_FILE", file.path().to_str().unwrap())]).unwrap();
    assert!(given.is_some() && current(from_file) == given, "the first one seals");
    let error = load("", &[("DAWNCAST_CREDENTIALS__KEYS", "not-quite-a-key")]).unwrap_err();
    assert!(error.contains("`credentials.keys`") && error.contains("openssl rand -base64 32"), "{error}");
    assert!(!error.contains("not-quite-a-key"), "{error}");
}

#[test]
fn values_that_do_not_fit_are_refused_by_key() {
    for (file, named) in [
        ("[engine]\nlease = \"2s\"", "engine.lease"),
        ("[engine]\nlease = \"soon\"", "`soon` is no duration"),
        ("[engine]\nheadroom = 1.5", "engine.headroom"),
        ("[playbook]\npauses = []", "playbook.pauses"),
        ("[playbook]\ncooldown_pace = 0.0", "playbook.cooldown_pace"),
        ("[playbook]\nwarmup = [50, 0]", "playbook.warmup"),
        ("[playbook.rates]\nwindow = \"30s\"", "playbook.rates.window"),
        ("[playbook.rates]\nleast = 0", "playbook.rates.least"),
        ("[playbook.rates]\nfailing_cooldown = 10", "playbook.rates.failing_cooldown"),
        ("[playbook.rates]\nfailing_pause = 0.05", "playbook.rates.failing_pause"),
        ("[playbook.rates]\nopt_outs_cooldown = 0.0", "playbook.rates.opt_outs_cooldown"),
        ("[playbook]\ncooldown_serves = 'urgent'", "urgent"),
        ("[engine]\nopen_lead = \"2m\"", "the longest first"),
        ("deployment = \"a b\"", "deployment"),
        ("[api]\nlisten = \"8080\"", "api.listen"),
        ("[log]\nformat = \"xml\"", "xml"),
        ("[redis]\ndurability = \"lax\"", "lax"),
        ("[consent]\nmarketing = \"perhaps\"", "perhaps"),
        ("[frequency_caps]\nmarketing = \"2 a day\"", "`2 a day` is no frequency cap"),
        ("[frequency_caps]\nall = \"2/24h\"", "`all`"),
        ("[replies]\nstops = [\"news\"]", "news"),
        ("[[pauses]]\nscope = \"marketing\"", "prefix"),
        ("[api", "configuration"),
    ] {
        let error = load(file, &[]).unwrap_err();
        assert!(error.contains(named), "{error}");
    }
}

#[test]
fn the_playbook_that_is_printed_is_the_one_that_holds_without_it() {
    assert_eq!(load("", &[]).unwrap().playbook.rules(), dawncast_core::health::Playbook::default());
    let rates = load("[playbook.rates]\nwindow = \"5m\"\nfailing_cooldown = 0.25", &[]).unwrap().playbook.rules().rates;
    assert_eq!((rates.window_ms, rates.failing_cooldown_milli, rates.least), (300_000, 250, 50));
}

#[test]
fn who_is_told_is_an_address_and_a_secret_or_nobody() {
    let secret = ("DAWNCAST_NOTIFY__SECRET", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
    let url = ("DAWNCAST_NOTIFY__URL", "https://hooks.example.com/T0/path");
    let notify = load("", &[url, secret]).unwrap().notify().unwrap().unwrap();
    assert_eq!(notify, Notify::new(url.1, secret.1).unwrap());
    assert_eq!(load("", &[]).unwrap().notify().unwrap(), None);
    assert_eq!(load("", &[secret]).unwrap().notify().unwrap(), None);
    let mut file = tempfile::NamedTempFile::new().unwrap();
    writeln!(file, "{}", secret.1).unwrap();
    let secret_file = ("DAWNCAST_NOTIFY__SECRET_FILE", file.path().to_str().unwrap());
    assert_eq!(load("", &[url, secret_file]).unwrap().notify().unwrap(), Some(notify));
    for (environment, says) in [
        (vec![url], "`notify.secret` is not set, but `notify.url` is"),
        (vec![("DAWNCAST_NOTIFY__URL", "hooks"), secret], "`notify.url` is no http:// or https:// address"),
        (vec![url, ("DAWNCAST_NOTIFY__SECRET", "whsec_%")], "`notify.secret` is not base64 behind `whsec_`"),
        (vec![url, secret, secret_file], "`notify.secret` and `notify.secret_file` are both set"),
    ] {
        let error = load("", &environment).unwrap_err();
        assert!(error.contains(says), "{error}");
    }
}

#[test]
fn closed_runs_go_to_an_address_with_its_keys_or_nowhere() {
    let nowhere = load("", &[]).unwrap().archive;
    assert!(nowhere.open().unwrap().is_none() && nowhere.after().is_none());
    let folder = tempfile::tempdir().unwrap();
    let url = format!("file://{}/runs", folder.path().display());
    let archive = load("", &[("DAWNCAST_ARCHIVE__URL", &url), ("DAWNCAST_ARCHIVE__AFTER", "2h")]).unwrap().archive;
    assert_eq!(archive.after(), Some(Duration::from_secs(7_200)));
    assert!(archive.open().unwrap().is_some() && folder.path().join("runs").is_dir());
    let mut secret = tempfile::NamedTempFile::new().unwrap();
    writeln!(secret, "hunter2").unwrap();
    let s3 = ("DAWNCAST_ARCHIVE__URL", "s3://bucket/prefix");
    let id = ("DAWNCAST_ARCHIVE__ACCESS_KEY_ID", "id");
    let key = ("DAWNCAST_ARCHIVE__SECRET_ACCESS_KEY_FILE", secret.path().to_str().unwrap());
    let open = |environment: &[(&str, &str)]| {
        let config = load("", environment).unwrap();
        assert!(!format!("{config:?}").contains("hunter2"));
        config.archive.open().map(|archive| format!("{archive:?}")).map_err(|why| why.to_string())
    };
    assert_eq!(open(&[s3, id, key]).unwrap(), "Some(Archive(\"s3://bucket/prefix\"))");
    let http = ("DAWNCAST_ARCHIVE__ENDPOINT", "http://minio.example.com");
    for (environment, says) in [
        (vec![s3, key], "`archive.access_key_id` is not set"),
        (vec![s3, id], "`archive.secret_access_key` is not set"),
        (vec![s3, id, key, http], "`archive.endpoint` is plain HTTP"),
        (vec![("DAWNCAST_ARCHIVE__URL", "runs")], "`archive.url` must be file:///folder or s3://bucket/prefix"),
    ] {
        let error = open(&environment).unwrap_err();
        assert!(error.contains(says), "{error}");
    }
}

#[test]
fn secrets_print_as_stars() {
    let config = load("[redis]\nurl = \"redis://:hunter2@h\"\n[auth]\nbootstrap_key = \"hunter2\"", &[]).unwrap();
    assert!(!format!("{config:?}").contains("hunter2"));
}

#[test]
fn who_may_be_written_to_is_configured_by_category() {
    let file =
        "[consent]\nmarketing = \"required\"\n[frequency_caps]\nmarketing = \"2/24h\"\n[replies]\nstops = [\"all\"]";
    let policy = load(file, &[("DAWNCAST_REPLIES__STOP", "HALT")]).unwrap().policy();
    assert_eq!((policy.consent.marketing, policy.consent.utility), (ConsentRule::Required, ConsentRule::Assumed));
    assert_eq!(policy.caps, BTreeMap::from([(Scope::Marketing, "2/24h".parse().unwrap())]));
    assert_eq!((policy.replies.stops, policy.replies.stop), (vec![Scope::All], vec!["HALT".to_owned()]));
    assert_eq!(load("pauses = []", &[]).unwrap().policy().pauses, []);
    let pause = "[[pauses]]\nscope = \"marketing\"\nprefix = \"91\"\nsince = \"2027\"\nreason = \"a law\"";
    assert_eq!(load(pause, &[]).unwrap().policy().pauses[0].prefix, "91");
    assert_eq!(load("", &[]).unwrap().policy(), Policy::default());
}
