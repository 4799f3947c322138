//! Configuration: the commented defaults, a file over them, the environment over both. Checked as a whole at boot.

mod archive;
mod credentials;
mod engine;
mod playbook;
mod prices;

use std::{
    collections::{BTreeMap, HashMap},
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
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

pub(crate) use self::{archive::Archive, credentials::Credentials, engine::Engine, playbook::Playbook, prices::Prices};

/// The commented defaults, as `dawncast config` prints them.
pub(crate) const DEFAULTS: &str = include_str!("default.toml");

/// The file that is read when none is named and it is there.
const FILE: &str = "dawncast.toml";

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
    pub(crate) credentials: Credentials,
    pub(crate) webhook: Webhook,
    pub(crate) metrics: Listen,
    pub(crate) cloud_api: CloudApi,
    pub(crate) engine: Engine,
    pub(crate) consent: ConsentRules,
    #[serde(default)]
    frequency_caps: FrequencyCaps,
    pub(crate) playbook: Playbook,
    #[serde(default)]
    pub(crate) prices: Prices,
    pub(crate) replies: Replies,
    pauses: Option<Vec<Pause>>,
    notify: NotifySection,
    pub(crate) archive: Archive,
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

/// Named one by one: the keys of a section are no words of ours.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct FrequencyCaps {
    marketing: Option<Cap>,
    utility: Option<Cap>,
    authentication: Option<Cap>,
    service: Option<Cap>,
}

impl FrequencyCaps {
    fn by_scope(&self) -> BTreeMap<Scope, Cap> {
        let caps = [
            (Scope::Marketing, self.marketing),
            (Scope::Utility, self.utility),
            (Scope::Authentication, self.authentication),
            (Scope::Service, self.service),
        ];
        caps.into_iter().filter_map(|(scope, cap)| Some((scope, cap?))).collect()
    }
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
        let Self { redis, auth, credentials, webhook, notify, archive, .. } = self;
        from_file("redis.url", &mut redis.url, redis.url_file.as_deref())?;
        from_file("auth.bootstrap_key", &mut auth.bootstrap_key, auth.bootstrap_key_file.as_deref())?;
        from_file("webhook.verify_token", &mut webhook.verify_token, webhook.verify_token_file.as_deref())?;
        from_file("notify.secret", &mut notify.secret, notify.secret_file.as_deref())?;
        archive.read_secrets()?;
        credentials.read_secrets()?;
        lines("webhook.app_secrets", &mut webhook.app_secrets, webhook.app_secrets_file.as_deref())
    }

    /// What no single type can say.
    fn check(&self) -> Result<(), BadConfig> {
        let refuse = |key, reason: &str| Err(BadConfig::Value { key, reason: reason.to_owned() });
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        if self.deployment.is_empty() || !self.deployment.chars().all(plain) {
            return refuse("deployment", "must be letters, digits, `_` and `-`, and not empty");
        }
        self.engine.check()?;
        self.playbook.check()?;
        self.prices.check()?;
        self.credentials.keyring()?;
        self.notify().map(drop)
    }

    /// Who may be written to, and how often.
    pub(crate) fn policy(&self) -> Policy {
        let (known, replies) = (Policy::default(), &self.replies);
        Policy {
            consent: self.consent,
            pauses: self.pauses.clone().unwrap_or(known.pauses),
            caps: self.frequency_caps.by_scope(),
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

/// The secrets in a file, one on each line.
fn lines(key: &'static str, values: &mut Vec<Secret>, file: Option<&Path>) -> Result<(), BadConfig> {
    if let Some(path) = file {
        let text = read(key, path, !values.is_empty())?;
        *values = text.lines().map(str::trim).filter(|line| !line.is_empty()).map(Secret::new).collect();
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
#[path = "config_tests.rs"]
mod tests;
