//! How the processes of a play are configured, by environment and arguments as an operator would.

use std::{net::SocketAddr, time::Duration};

use dawncast_cloud_sim::FaultProfile;

use super::{Addresses, Script};

/// How long a killed worker keeps its pages: as short as it may be, for the whole run lasts seconds.
const LEASE: Duration = Duration::from_secs(3);

/// Configuration by environment.
pub(crate) type Settings = Vec<(&'static str, String)>;

/// How one process reaches the others, and where it tells of itself.
pub(crate) struct Reach<'a> {
    /// Redis, as a URL.
    pub(crate) redis: &'a str,
    pub(crate) cloud: SocketAddr,
    pub(crate) metrics: SocketAddr,
}

/// The settings of a process of the engine.
pub(crate) fn settings(addresses: &Addresses, close_after: Duration, reach: &Reach<'_>) -> Settings {
    vec![
        ("DAWNCAST_REDIS__URL", reach.redis.to_owned()),
        ("DAWNCAST_API__LISTEN", addresses.api.to_string()),
        ("DAWNCAST_AUTH__BOOTSTRAP_KEY", addresses.key.clone()),
        ("DAWNCAST_CREDENTIALS__KEYS", addresses.credentials_key.expose().to_owned()),
        ("DAWNCAST_WEBHOOK__LISTEN", addresses.webhook.to_string()),
        ("DAWNCAST_WEBHOOK__APP_SECRETS", "sim_app_secret".to_owned()),
        ("DAWNCAST_WEBHOOK__VERIFY_TOKEN", "sim_verify".to_owned()),
        ("DAWNCAST_CLOUD_API__BASE_URL", format!("http://{}", reach.cloud)),
        ("DAWNCAST_METRICS__LISTEN", reach.metrics.to_string()),
        ("DAWNCAST_ENGINE__LEASE", humantime::format_duration(LEASE).to_string()),
        ("DAWNCAST_ENGINE__CLOSE_AFTER", humantime::format_duration(close_after).to_string()),
    ]
}

/// A simulator to start.
pub(crate) struct Sim<'a> {
    pub(crate) script: &'a Script,
    pub(crate) faults: FaultProfile,
    pub(crate) listen: SocketAddr,
    /// Where its webhooks go.
    pub(crate) webhook: SocketAddr,
}

impl Sim<'_> {
    /// Its command line.
    pub(crate) fn arguments(&self) -> Vec<String> {
        let faults = serde_json::to_value(self.faults).expect("a profile is a word");
        let options = [
            ("--listen", self.listen.to_string()),
            ("--numbers", self.script.numbers.to_string()),
            ("--mps", self.script.mps.to_string()),
            ("--faults", faults.as_str().unwrap_or_default().to_owned()),
            ("--seed", self.script.seed.to_string()),
            ("--webhook", format!("http://{}/webhook", self.webhook)),
        ];
        let mut arguments = ["sim", "--leash"].map(str::to_owned).to_vec();
        arguments.extend(options.into_iter().flat_map(|(name, value)| [name.to_owned(), value]));
        arguments
    }
}
