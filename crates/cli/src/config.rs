//! Configuration: the commented defaults, a file over them, the environment over both. Checked as a whole at boot.

use std::{
    collections::{BTreeMap, HashMap},
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use clap::ValueEnum;
use config::{Environment, File, FileFormat};
use dawncast_core::consent::{Cap, ConsentRules, Pause, Policy, ReplyWords, Scope};
use dawncast_engine::{BadNotify, Notify};
use dawncast_store::records::Secret;
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, IntoDeserializer},
};

/// The commented defaults, as `dawncast config` prints them.
pub(crate) const DEFAULTS: &str = include_str!("default.toml");

/// The file that is read when none is named and it is there.
const FILE: &str = "dawncast.toml";

/// Leases are renewed each second, and one that two lost renewals end is too short.
const SHORTEST_LEASE: Duration = Duration::from_secs(3);

/// Variables that begin like configuration and belong to the commands.
const NO_CONFIGURATION: [&str; 2] = ["DAWNCAST_URL", "DAWNCAST_KEY"];

/// The configuration is not usable.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BadConfig {
    /// It cannot be read, or holds what no key takes.
    #[error("configuration: {0}. `dawncast config` prints every key with its default")]
    Unreadable(#[from] config::ConfigError),
    /// A key holds what it must not.
    #[error("configuration: `{key}` {reason}")]
    Value {
        /// The key.
        key: &'static str,
        /// What is wrong, and what to do.
        reason: String,
    },
}

/// Everything that can be configured. See `default.toml` for what each key means.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    pub(crate) deployment: String,
    pub(crate) data_dir: PathBuf,
    pub(crate) redis: Redis,
    pub(crate) api: Listen,
    pub(crate) auth: Auth,
    pub(crate) webhook: Webhook,
    pub(crate) metrics: Listen,
    pub(crate) cloud_api: CloudApi,
    pub(crate) engine: Engine,
    pub(crate) consent: ConsentRules,
    #[serde(default)]
    pub(crate) frequency_caps: BTreeMap<Scope, Cap>,
    pub(crate) replies: Replies,
    pauses: Option<Vec<Pause>>,
    notify: NotifySection,
    pub(crate) log: Log,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Redis {
    pub(crate) url: Option<Secret>,
    url_file: Option<PathBuf>,
    pub(crate) prefix: String,
    pub(crate) durability: Durability,
    pub(crate) allow_volatile: bool,
}

/// What an acknowledged write is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Durability {
    /// What Redis' own settings give.
    Standard,
    /// It outlives the loss of a machine.
    Strict,
}

impl From<Durability> for dawncast_store::Durability {
    fn from(durability: Durability) -> Self {
        match durability {
            Durability::Standard => Self::Standard,
            Durability::Strict => Self::Strict,
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Listen {
    pub(crate) listen: SocketAddr,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Auth {
    pub(crate) bootstrap_key: Option<Secret>,
    bootstrap_key_file: Option<PathBuf>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Webhook {
    pub(crate) listen: SocketAddr,
    #[serde(deserialize_with = "list")]
    pub(crate) app_secrets: Vec<Secret>,
    app_secrets_file: Option<PathBuf>,
    pub(crate) verify_token: Option<Secret>,
    verify_token_file: Option<PathBuf>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CloudApi {
    pub(crate) base_url: String,
    pub(crate) version: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Engine {
    pub(crate) headroom: f64,
    #[serde(deserialize_with = "duration")]
    pub(crate) lease: Duration,
    pub(crate) pages: usize,
    pub(crate) in_flight: usize,
    #[serde(deserialize_with = "duration")]
    pub(crate) freeze_lead: Duration,
    #[serde(deserialize_with = "duration")]
    pub(crate) preflight_lead: Duration,
    #[serde(deserialize_with = "duration")]
    pub(crate) open_lead: Duration,
    #[serde(deserialize_with = "duration")]
    pub(crate) close_after: Duration,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Replies {
    /// Empty for those that are known.
    #[serde(default, deserialize_with = "list")]
    stop: Vec<String>,
    /// Empty for those that are known.
    #[serde(default, deserialize_with = "list")]
    start: Vec<String>,
    #[serde(deserialize_with = "list")]
    stops: Vec<Scope>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct NotifySection {
    /// Its path may be a secret.
    url: Option<Secret>,
    secret: Option<Secret>,
    secret_file: Option<PathBuf>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Log {
    pub(crate) format: LogFormat,
    pub(crate) filter: String,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LogFormat {
    /// For people.
    Pretty,
    /// A JSON object on each line.
    Json,
}

impl Config {
    /// Reads `file`, or `dawncast.toml` if it is there, and the environment given; then the files that hold secrets.
    pub(crate) fn load(
        file: Option<&Path>,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, BadConfig> {
        let environment: HashMap<_, _> =
            environment.into_iter().filter(|(name, _)| !NO_CONFIGURATION.contains(&name.as_str())).collect();
        let environment = Environment::with_prefix("DAWNCAST")
            .prefix_separator("_")
            .separator("__")
            .ignore_empty(true)
            .source(Some(environment));
        let file = match file {
            Some(path) => File::from(path).format(FileFormat::Toml),
            None => File::from(Path::new(FILE)).format(FileFormat::Toml).required(false),
        };
        let layers = config::Config::builder().add_source(File::from_str(DEFAULTS, FileFormat::Toml));
        let mut config: Self = layers.add_source(file).add_source(environment).build()?.try_deserialize()?;
        config.read_secrets()?;
        config.check()?;
        Ok(config)
    }

    fn read_secrets(&mut self) -> Result<(), BadConfig> {
        let Self { redis, auth, webhook, notify, .. } = self;
        from_file("redis.url", &mut redis.url, redis.url_file.as_deref())?;
        from_file("auth.bootstrap_key", &mut auth.bootstrap_key, auth.bootstrap_key_file.as_deref())?;
        from_file("webhook.verify_token", &mut webhook.verify_token, webhook.verify_token_file.as_deref())?;
        from_file("notify.secret", &mut notify.secret, notify.secret_file.as_deref())?;
        if let Some(path) = &webhook.app_secrets_file {
            let text = read("webhook.app_secrets", path, !webhook.app_secrets.is_empty())?;
            webhook.app_secrets =
                text.lines().map(str::trim).filter(|line| !line.is_empty()).map(Secret::new).collect();
        }
        Ok(())
    }

    /// What no single type can say.
    fn check(&self) -> Result<(), BadConfig> {
        let refuse = |key, reason: &str| Err(BadConfig::Value { key, reason: reason.to_owned() });
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        let engine = &self.engine;
        if self.deployment.is_empty() || !self.deployment.chars().all(plain) {
            return refuse("deployment", "must be letters, digits, `_` and `-`, and not empty");
        }
        if !(engine.headroom > 0.0 && engine.headroom <= 1.0) {
            return refuse("engine.headroom", "must be above 0 and at most 1");
        }
        if engine.lease < SHORTEST_LEASE {
            return refuse("engine.lease", "is under three renewals of a second each: give 3s or more");
        }
        if engine.pages == 0 || engine.in_flight == 0 {
            return refuse("engine.pages and engine.in_flight", "must be at least 1");
        }
        if engine.freeze_lead < engine.preflight_lead || engine.preflight_lead < engine.open_lead {
            let order = "freeze_lead, preflight_lead and open_lead must come in this order, the longest first";
            return refuse("engine", order);
        }
        if self.frequency_caps.contains_key(&Scope::All) {
            return refuse(
                "frequency_caps.all",
                "caps no category: give marketing, utility, authentication or service",
            );
        }
        self.notify().map(drop)
    }

    /// Who may be written to, and how often.
    pub(crate) fn policy(&self) -> Policy {
        let (known, replies) = (Policy::default(), &self.replies);
        Policy {
            consent: self.consent,
            pauses: self.pauses.clone().unwrap_or(known.pauses),
            caps: self.frequency_caps.clone(),
            replies: ReplyWords {
                stop: given(&replies.stop, known.replies.stop),
                start: given(&replies.start, known.replies.start),
                stops: replies.stops.clone(),
            },
        }
    }

    /// Whom to tell of runs; nobody without an address.
    pub(crate) fn notify(&self) -> Result<Option<Notify>, BadConfig> {
        let (url, secret) = match (&self.notify.url, &self.notify.secret) {
            (Some(url), Some(secret)) => (url, secret),
            (None, _) => return Ok(None),
            (Some(_), None) => {
                let reason = "is not set, but `notify.url` is: set it (or `notify.secret_file`), for events are signed";
                return Err(BadConfig::Value { key: "notify.secret", reason: reason.to_owned() });
            }
        };
        Notify::new(url.expose(), secret.expose()).map(Some).map_err(|bad| {
            let key = match bad {
                BadNotify::Url(_) => "notify.url",
                BadNotify::Secret(_) => "notify.secret",
            };
            BadConfig::Value { key, reason: bad.to_string() }
        })
    }
}

fn given(words: &[String], known: Vec<String>) -> Vec<String> {
    if words.is_empty() { known } else { words.to_vec() }
}

fn from_file(key: &'static str, value: &mut Option<Secret>, file: Option<&Path>) -> Result<(), BadConfig> {
    if let Some(path) = file {
        *value = Some(Secret::new(read(key, path, value.is_some())?.trim()));
    }
    Ok(())
}

fn read(key: &'static str, path: &Path, is_set: bool) -> Result<String, BadConfig> {
    if is_set {
        return Err(BadConfig::Value { key, reason: format!("and `{key}_file` are both set; set one of them") });
    }
    let unreadable = |why| BadConfig::Value { key, reason: format!("cannot be read from {}: {why}", path.display()) };
    let text = fs::read_to_string(path).map_err(|why| unreadable(why.to_string()))?;
    if text.trim().is_empty() { Err(unreadable("the file is empty".to_owned())) } else { Ok(text) }
}

fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(deserializer)?;
    humantime::parse_duration(&text)
        .map_err(|why| serde::de::Error::custom(format!("`{text}` is no duration such as 4s or 15m ({why})")))
}

/// A list; in the environment, one text with commas.
fn list<'de, D: Deserializer<'de>, T: DeserializeOwned>(deserializer: D) -> Result<Vec<T>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Given {
        List(Vec<String>),
        Text(String),
    }
    let items = match Given::deserialize(deserializer)? {
        Given::List(list) => list,
        Given::Text(text) => {
            text.split(',').map(str::trim).filter(|item| !item.is_empty()).map(str::to_owned).collect()
        }
    };
    items.into_iter().map(|item| T::deserialize(item.into_deserializer())).collect()
}

#[cfg(test)]
mod tests {
    use std::io::Write;

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
        let secrets =
            |config: Config| config.webhook.app_secrets.iter().map(|s| s.expose().to_owned()).collect::<Vec<_>>();
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
    fn values_that_do_not_fit_are_refused_by_key() {
        for (file, named) in [
            ("[engine]\nlease = \"2s\"", "engine.lease"),
            ("[engine]\nlease = \"soon\"", "`soon` is no duration"),
            ("[engine]\nheadroom = 1.5", "engine.headroom"),
            ("[engine]\nopen_lead = \"2m\"", "the longest first"),
            ("deployment = \"a b\"", "deployment"),
            ("[api]\nlisten = \"8080\"", "api.listen"),
            ("[log]\nformat = \"xml\"", "xml"),
            ("[redis]\ndurability = \"lax\"", "lax"),
            ("[consent]\nmarketing = \"perhaps\"", "perhaps"),
            ("[frequency_caps]\nmarketing = \"2 a day\"", "`2 a day` is no frequency cap"),
            ("[frequency_caps]\nall = \"2/24h\"", "frequency_caps.all"),
            ("[replies]\nstops = [\"news\"]", "news"),
            ("[[pauses]]\nscope = \"marketing\"", "prefix"),
            ("[api", "configuration"),
        ] {
            let error = load(file, &[]).unwrap_err();
            assert!(error.contains(named), "{error}");
        }
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
    fn secrets_print_as_stars() {
        let config = load("[redis]\nurl = \"redis://:hunter2@h\"\n[auth]\nbootstrap_key = \"hunter2\"", &[]).unwrap();
        assert!(!format!("{config:?}").contains("hunter2"));
    }
}
