//! `[playbook]`: what follows on signs against a number.

use std::{ops::RangeInclusive, time::Duration};

use dawncast_core::{campaign::Priority, health::RateRules};
use serde::Deserialize;

use super::{
    BadConfig,
    engine::{duration, durations},
};

/// See `default.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Playbook {
    on: bool,
    #[serde(deserialize_with = "durations")]
    pauses: Vec<Duration>,
    #[serde(deserialize_with = "duration")]
    refused: Duration,
    #[serde(deserialize_with = "duration")]
    cooldown: Duration,
    cooldown_pace: f64,
    cooldown_serves: Priority,
    #[serde(deserialize_with = "duration")]
    forgets: Duration,
    warmup: Vec<u32>,
    rates: Rates,
}

/// See `default.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Rates {
    #[serde(deserialize_with = "duration")]
    window: Duration,
    least: u32,
    failing_cooldown: f64,
    failing_pause: f64,
    #[serde(deserialize_with = "duration")]
    failing_for: Duration,
    opt_outs_cooldown: f64,
}

/// What was counted is kept for a day; a minute is the unit in which it is counted.
const WINDOWS: RangeInclusive<Duration> = Duration::from_secs(60)..=Duration::from_secs(3_600);

fn ms(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

/// A share in thousandths: 1 at least, as nothing at all would be too much.
fn milli(share: f64) -> u32 {
    ((1_000.0 * share).round() as u32).max(1)
}

impl Playbook {
    pub(super) fn check(&self) -> Result<(), BadConfig> {
        let refuse = |key, reason: &str| Err(BadConfig::Value { key, reason: reason.to_owned() });
        if self.pauses.is_empty() {
            return refuse(
                "playbook.pauses",
                "is empty: give at least one, such as [\"4h\"]; `on = false` watches nothing",
            );
        }
        if !(self.cooldown_pace > 0.0 && self.cooldown_pace <= 1.0) {
            return refuse("playbook.cooldown_pace", "must be above 0 and at most 1");
        }
        if self.warmup.is_empty() || self.warmup.contains(&0) {
            return refuse("playbook.warmup", "must hold at least one step, each of 1 message a day or more");
        }
        self.rates.check()
    }

    /// In the words of the engine.
    pub(crate) fn rules(&self) -> dawncast_core::health::Playbook {
        dawncast_core::health::Playbook {
            on: self.on,
            pauses_ms: self.pauses.iter().copied().map(ms).collect(),
            refused_ms: ms(self.refused),
            cooldown_ms: ms(self.cooldown),
            cooldown_pace_milli: milli(self.cooldown_pace),
            cooldown_serves: self.cooldown_serves,
            forgets_ms: ms(self.forgets),
            rates: self.rates.rules(),
            warmup: self.warmup.clone(),
        }
    }
}

impl Rates {
    fn check(&self) -> Result<(), BadConfig> {
        let refuse = |key, reason: &str| Err(BadConfig::Value { key, reason: reason.to_owned() });
        if !WINDOWS.contains(&self.window) {
            return refuse("playbook.rates.window", "must lie between 1m and 1h");
        }
        if self.least == 0 {
            return refuse("playbook.rates.least", "must be at least 1");
        }
        let shares = [
            ("playbook.rates.failing_cooldown", self.failing_cooldown),
            ("playbook.rates.failing_pause", self.failing_pause),
            ("playbook.rates.opt_outs_cooldown", self.opt_outs_cooldown),
        ];
        match shares.into_iter().find(|(_, share)| !(*share > 0.0 && *share <= 1.0)) {
            Some((key, _)) => refuse(key, "must be above 0 and at most 1"),
            None if self.failing_pause < self.failing_cooldown => {
                refuse("playbook.rates.failing_pause", "must not be less than `failing_cooldown`")
            }
            None => Ok(()),
        }
    }

    fn rules(&self) -> RateRules {
        RateRules {
            window_ms: ms(self.window),
            least: self.least,
            failing_cooldown_milli: milli(self.failing_cooldown),
            failing_pause_milli: milli(self.failing_pause),
            failing_ms: ms(self.failing_for),
            opt_outs_cooldown_milli: milli(self.opt_outs_cooldown),
        }
    }
}
