//! A number's health: what it is able to do now, in one word. Decided from what people set, from what Meta says of it, from
//! how it was throttled, and from its [condition](Condition), which alone is remembered.

mod condition;
mod playbook;
#[cfg(test)]
mod properties;
mod rates;
mod warmup;

use serde::{Deserialize, Serialize};

pub use self::condition::{Cause, Condition, Heard, Leave, Pin, Signs as ConditionSigns, Stage};
pub use self::playbook::{Playbook, RateRules};
pub use self::rates::{Counts, Member, Rates, minute};
pub use self::warmup::{STEP_MS as WARMUP_STEP_MS, Told as WarmupTold, Warmup};
use crate::{UnixMs, fault::word};

/// What Meta said this long ago is no word on whether a number may send.
pub const READING_GOOD_FOR_MS: i64 = 10 * 60 * 1_000;

word! {
    /// What a number is able to do now.
    pub enum Health {
        /// Sends.
        Active = "active",
        /// Sends slower than its pace: Meta found it too fast a moment ago.
        Throttled = "throttled",
        /// Sends nothing: a person has paused it, or the monitor.
        Paused = "paused",
        /// Sends less, and for what is urgent alone: it was paused, or is rated medium.
        Cooldown = "cooldown",
        /// Sends few messages a day, and more with each day: it is new.
        Warming = "warming",
        /// Sends only when an active number of its pool cannot.
        Standby = "standby",
        /// May send nothing: Meta has banned it.
        Banned = "banned",
        /// May send nothing, for another reason that Meta gives: restricted, disconnected, deleted, blocked.
        Disabled = "disabled",
    }
}

impl Health {
    /// Whether Meta lets it send nothing, whatever people want.
    pub fn is_out(self) -> bool {
        matches!(self, Self::Banned | Self::Disabled)
    }
}

/// What Meta says of a number, in its own words (Meta: phone numbers, health status). What it leaves out is `None`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Reading {
    /// When it was read.
    pub read_at: UnixMs,
    /// `CONNECTED` is the normal one.
    #[serde(default)]
    pub status: Option<String>,
    /// How recipients rate it: `GREEN`, `YELLOW`, `RED`.
    #[serde(default)]
    pub quality: Option<String>,
    /// How fast it may send: `STANDARD`, `HIGH`.
    #[serde(default)]
    pub throughput: Option<String>,
    /// The portfolio's messaging limit: `TIER_2K` and the like.
    #[serde(default)]
    pub messaging_limit: Option<String>,
    /// Whether it may send: `AVAILABLE`, `LIMITED`, `BLOCKED`.
    #[serde(default)]
    pub can_send: Option<String>,
    /// The business portfolio that it belongs to.
    #[serde(default)]
    pub portfolio: Option<String>,
}

/// Statuses in which a number can send nothing that opens a conversation (Meta: phone number status).
const OUT: [&str; 6] = ["DISCONNECTED", "RESTRICTED", "MIGRATED", "DELETED", "UNVERIFIED", "PENDING"];

impl Reading {
    /// Whether Meta lets the number send nothing at `now`.
    pub fn forbids(&self, now: UnixMs) -> bool {
        self.verdict(now).is_some()
    }

    /// Why Meta lets the number send nothing, if so, at `now`. A reading that is too old says nothing.
    fn verdict(&self, now: UnixMs) -> Option<Health> {
        if now - self.read_at > READING_GOOD_FOR_MS {
            return None;
        }
        match self.status.as_deref() {
            Some("BANNED") => Some(Health::Banned),
            Some(status) if OUT.contains(&status) => Some(Health::Disabled),
            _ => (self.can_send.as_deref() == Some("BLOCKED")).then_some(Health::Disabled),
        }
    }
}

/// All that a number's health follows from.
#[derive(Debug, Clone, Copy)]
pub struct Signs<'a> {
    /// A person has paused it.
    pub paused: bool,
    /// It stands by.
    pub standby: bool,
    /// How far the monitor lets it be used.
    pub stage: Stage,
    /// It is being warmed up.
    pub warming: bool,
    /// Its speed in thousandths of its pace.
    pub speed_milli: u32,
    /// What Meta said of it last.
    pub reading: Option<&'a Reading>,
}

/// The health of a number at `now`. What a person did comes first, as it holds whatever Meta says; then what Meta says.
pub fn health(signs: Signs<'_>, now: UnixMs) -> Health {
    let out = signs.reading.and_then(|reading| reading.verdict(now));
    match (signs.paused, out) {
        (true, _) => Health::Paused,
        (false, Some(out)) => out,
        (false, None) if signs.stage == Stage::Paused => Health::Paused,
        (false, None) if signs.stage == Stage::Cooldown => Health::Cooldown,
        (false, None) if signs.speed_milli < 1_000 => Health::Throttled,
        (false, None) if signs.warming => Health::Warming,
        (false, None) if signs.standby => Health::Standby,
        (false, None) => Health::Active,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMs = 1_795_393_770_000;

    fn reading(status: &str, can_send: &str) -> Reading {
        Reading { read_at: NOW, status: Some(status.into()), can_send: Some(can_send.into()), ..Reading::default() }
    }

    fn signs(reading: &Reading) -> Signs<'_> {
        Signs {
            paused: false,
            standby: false,
            stage: Stage::Fit,
            warming: false,
            speed_milli: 1_000,
            reading: Some(reading),
        }
    }

    #[test]
    fn what_meta_says_decides_over_role_and_speed() {
        for (status, can_send, expected) in [
            ("CONNECTED", "AVAILABLE", Health::Active),
            ("CONNECTED", "LIMITED", Health::Active),
            ("CONNECTED", "BLOCKED", Health::Disabled),
            ("FLAGGED", "AVAILABLE", Health::Active),
            ("RATE_LIMITED", "AVAILABLE", Health::Active),
            ("UNKNOWN", "AVAILABLE", Health::Active),
            ("SOMETHING_NEW", "AVAILABLE", Health::Active),
            ("BANNED", "BLOCKED", Health::Banned),
            ("BANNED", "AVAILABLE", Health::Banned),
            ("RESTRICTED", "LIMITED", Health::Disabled),
            ("DISCONNECTED", "AVAILABLE", Health::Disabled),
            ("DELETED", "AVAILABLE", Health::Disabled),
        ] {
            let reading = reading(status, can_send);
            assert_eq!(health(signs(&reading), NOW), expected, "{status} {can_send}");
            if expected.is_out() {
                let slow = Signs { standby: true, speed_milli: 125, ..signs(&reading) };
                assert_eq!(health(slow, NOW), expected, "{status} {can_send}");
            }
        }
    }

    #[test]
    fn a_person_comes_first_then_throttles_then_the_role() {
        let fine = reading("CONNECTED", "AVAILABLE");
        let banned = reading("BANNED", "BLOCKED");
        assert_eq!(health(Signs { paused: true, ..signs(&banned) }, NOW), Health::Paused);
        assert_eq!(health(Signs { standby: true, speed_milli: 500, ..signs(&fine) }, NOW), Health::Throttled);
        assert_eq!(health(Signs { standby: true, ..signs(&fine) }, NOW), Health::Standby);
        let warming = Signs { standby: true, warming: true, ..signs(&fine) };
        assert_eq!(health(warming, NOW), Health::Warming);
        assert_eq!(health(Signs { speed_milli: 500, ..warming }, NOW), Health::Throttled);
        assert_eq!(health(Signs { reading: None, ..signs(&fine) }, NOW), Health::Active, "never read");
        let watched = |stage| health(Signs { stage, speed_milli: 500, ..signs(&fine) }, NOW);
        assert_eq!([Stage::Paused, Stage::Cooldown].map(watched), [Health::Paused, Health::Cooldown]);
        assert_eq!(health(Signs { stage: Stage::Paused, ..signs(&banned) }, NOW), Health::Banned);
    }

    #[test]
    fn a_reading_that_is_too_old_keeps_no_number_out() {
        let banned = reading("BANNED", "BLOCKED");
        assert_eq!(health(signs(&banned), NOW + READING_GOOD_FOR_MS), Health::Banned);
        assert_eq!(health(signs(&banned), NOW + READING_GOOD_FOR_MS + 1), Health::Active);
    }

    #[test]
    fn a_reading_of_an_older_version_is_still_read() {
        let old: Reading = serde_json::from_str(r#"{"read_at":5}"#).expect("it is read");
        assert_eq!(old, Reading { read_at: 5, ..Reading::default() });
    }
}
