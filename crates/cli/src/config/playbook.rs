//! `[playbook]`: what follows on signs against a number.

use std::time::Duration;

use dawncast_core::campaign::Priority;
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
}

fn ms(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
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
        Ok(())
    }

    /// In the words of the engine.
    pub(crate) fn rules(&self) -> dawncast_core::health::Playbook {
        dawncast_core::health::Playbook {
            on: self.on,
            pauses_ms: self.pauses.iter().copied().map(ms).collect(),
            refused_ms: ms(self.refused),
            cooldown_ms: ms(self.cooldown),
            cooldown_pace_milli: (1_000.0 * self.cooldown_pace).round() as u32,
            cooldown_serves: self.cooldown_serves,
            forgets_ms: ms(self.forgets),
            warmup: self.warmup.clone(),
        }
    }
}
