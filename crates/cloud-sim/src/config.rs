//! What a simulator can be told before it starts.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::duration_text;
use crate::error::SimError;
use crate::odds::FaultProfile;
use crate::rules::Rules;

/// Settings of a [`Simulator`](crate::Simulator); the defaults are those of `dawncast sim`.
///
/// It has no `Debug`, because it holds secrets.
#[derive(Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SimConfig {
    /// Address to listen on; port 0 takes a free one.
    pub listen: SocketAddr,
    /// How many business numbers the account has; ids count up from `100000000000001`.
    pub numbers: usize,
    /// Over how many accounts (WABAs) the numbers are spread in turn; ids count up from `200000000000001`. One portfolio owns
    /// them all.
    pub wabas: usize,
    /// How long the review of a template takes.
    #[serde(with = "duration_text")]
    pub review: Duration,
    /// Messages per second that each number accepts (Meta's standard throughput level is 80).
    pub mps: u32,
    /// Time that every Graph call takes; half of it passes before the call has an effect, half after.
    #[serde(with = "duration_text")]
    pub latency: Duration,
    /// Faults that come by themselves.
    pub faults: FaultProfile,
    /// A JSON file of faults and events over time, played from the start.
    pub scenario: Option<PathBuf>,
    /// Everything drawn by chance derives from it.
    pub seed: u64,
    /// Where webhooks go. Without it no event is produced, as for an app that subscribed to nothing.
    pub webhook: Option<String>,
    /// Signs the webhooks.
    pub app_secret: String,
    /// Sent by [`Simulator::verify_webhook`](crate::Simulator::verify_webhook).
    pub verify_token: String,
    /// The one access token that is valid.
    pub token: String,
    /// A second app that hears of every account. None is the usual case.
    pub second_app: Option<SecondApp>,
    /// How the platform behaves beyond single calls.
    pub rules: Rules,
    /// When and how status webhooks come.
    pub receipts: Receipts,
}

/// An app besides the first, with an address, a secret and a token of its own. A webhook that either app does not answer 200
/// is repeated to both.
///
/// It has no `Debug`, because it holds secrets.
#[derive(Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SecondApp {
    /// Where its webhooks go. Without it they go where its calls say (`override_callback_uri`).
    pub webhook: Option<String>,
    /// Signs its webhooks.
    pub app_secret: String,
    /// Sent when its webhook is verified.
    pub verify_token: String,
    /// Its access token, by which calls act for it; not the first app's.
    pub token: String,
}

impl Default for SecondApp {
    fn default() -> Self {
        Self {
            webhook: None,
            app_secret: "sim_app_secret_2".to_owned(),
            verify_token: "sim_verify_2".to_owned(),
            token: "SIM_TOKEN_2".to_owned(),
        }
    }
}

impl Default for SimConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 9090)),
            numbers: 3,
            wabas: 1,
            review: Duration::from_secs(2),
            mps: 80,
            latency: Duration::from_millis(50),
            faults: FaultProfile::None,
            scenario: None,
            seed: 1,
            webhook: None,
            app_secret: "sim_app_secret".to_owned(),
            verify_token: "sim_verify".to_owned(),
            token: "SIM_TOKEN".to_owned(),
            second_app: None,
            rules: Rules::default(),
            receipts: Receipts::default(),
        }
    }
}

impl SimConfig {
    pub(crate) fn validate(&self) -> Result<(), SimError> {
        let refuse = |field, remedy| Err(SimError::Config { field, remedy });
        if !(1..=1000).contains(&self.numbers) {
            return refuse("numbers", "give 1 to 1000");
        }
        if !(1..=self.numbers).contains(&self.wabas) {
            return refuse("wabas", "give at least 1, and no more than there are numbers");
        }
        if self.mps == 0 {
            return refuse("mps", "give at least 1 message per second");
        }
        if self.token.is_empty() {
            return refuse("token", "give the bearer token that clients will send");
        }
        if self.second_app.as_ref().is_some_and(|second| second.token.is_empty() || second.token == self.token) {
            return refuse("second_app.token", "give a bearer token that is not the first app's");
        }
        self.rules.validate()?;
        self.receipts.validate()
    }
}

/// When and how status webhooks come. Delays count from the moment the message was accepted (`sent`) or from the
/// status before; with the defaults a message's last receipt comes within about two seconds.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Receipts {
    /// False produces no status webhook at all.
    pub enabled: bool,
    /// From acceptance to `sent` (or `failed`).
    pub sent: Span,
    /// From `sent` to `delivered`.
    pub delivered: Span,
    /// From `delivered` to `read`.
    pub read: Span,
    /// Share of messages that are read.
    pub read_share: f64,
    /// Share of messages whose `sent` goes out at once, which is mostly before the HTTP response.
    pub early_share: f64,
    /// Most statuses in one POST; Meta sends up to 1000.
    pub max_batch: usize,
    /// How long a POST waits for more statuses to fill it.
    #[serde(with = "duration_text")]
    pub linger: Duration,
    /// POSTs under way at once.
    pub concurrency: usize,
    /// Wait before the first retry of a POST that was not answered 200; it doubles from there.
    #[serde(with = "duration_text")]
    pub retry_base: Duration,
    /// Longest wait between retries.
    #[serde(with = "duration_text")]
    pub retry_cap: Duration,
    /// How long a POST may take.
    #[serde(with = "duration_text")]
    pub timeout: Duration,
}

impl Default for Receipts {
    fn default() -> Self {
        Self {
            enabled: true,
            sent: Span::millis(50, 400),
            delivered: Span::millis(50, 800),
            read: Span::millis(50, 600),
            read_share: 0.4,
            early_share: 0.02,
            max_batch: 50,
            linger: Duration::from_millis(20),
            concurrency: 16,
            retry_base: Duration::from_millis(100),
            retry_cap: Duration::from_secs(5),
            timeout: Duration::from_secs(10),
        }
    }
}

impl Receipts {
    /// No status webhooks: for measurements of sending alone.
    #[must_use]
    pub fn off() -> Self {
        Self { enabled: false, ..Self::default() }
    }

    fn validate(&self) -> Result<(), SimError> {
        let refuse = |field, remedy| Err(SimError::Config { field, remedy });
        if !(1..=1000).contains(&self.max_batch) {
            return refuse("receipts.max_batch", "give 1 to 1000 statuses");
        }
        if self.concurrency == 0 {
            return refuse("receipts.concurrency", "give at least 1");
        }
        if ![self.read_share, self.early_share].iter().all(|share| (0.0..=1.0).contains(share)) {
            return refuse("receipts.read_share and receipts.early_share", "give a share from 0 to 1");
        }
        if ![self.sent, self.delivered, self.read].iter().all(|span| span.min <= span.max) {
            return refuse("receipts.sent, receipts.delivered and receipts.read", "give a min that is not above max");
        }
        Ok(())
    }
}

/// A delay drawn evenly between two bounds.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Span {
    /// Shortest.
    #[serde(with = "duration_text")]
    pub min: Duration,
    /// Longest.
    #[serde(with = "duration_text")]
    pub max: Duration,
}

impl Span {
    /// A span of milliseconds.
    #[must_use]
    pub const fn millis(min: u64, max: u64) -> Self {
        Self { min: Duration::from_millis(min), max: Duration::from_millis(max) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(change: impl FnOnce(&mut SimConfig)) -> String {
        let mut config = SimConfig::default();
        change(&mut config);
        config.validate().unwrap_err().to_string()
    }

    #[test]
    fn the_defaults_are_valid_and_survive_json() {
        let json = serde_json::to_string(&SimConfig::default()).unwrap();
        let back: SimConfig = serde_json::from_str(&json).unwrap();
        assert!(back.validate().is_ok());
        assert_eq!(back.latency, Duration::from_millis(50));
        assert!(json.contains(r#""latency":"50ms""#));
    }

    #[test]
    fn a_bad_setting_is_named_with_its_remedy() {
        assert_eq!(refused(|c| c.numbers = 0), "`numbers` is not usable: give 1 to 1000");
        assert!(refused(|c| c.mps = 0).contains("`mps`"));
        assert!(refused(|c| c.receipts.max_batch = 0).contains("`receipts.max_batch`"));
        assert!(refused(|c| c.receipts.sent = Span::millis(2, 1)).contains("receipts.sent"));
    }

    #[test]
    fn unknown_keys_and_bad_durations_are_refused() {
        assert!(serde_json::from_str::<SimConfig>(r#"{"latncy":"50ms"}"#).is_err());
        let reason = serde_json::from_str::<SimConfig>(r#"{"latency":"soon"}"#).err().unwrap().to_string();
        assert!(reason.contains("`soon` is not a duration"), "{reason}");
    }
}
