//! The playbook: what follows on signs against a number. The figures are ours; Meta names none.

use crate::campaign::Priority;

pub(super) const MINUTE_MS: i64 = 60 * 1_000;
pub(super) const HOUR_MS: i64 = 60 * MINUTE_MS;

/// What follows on signs. Spans are milliseconds.
#[derive(Debug, Clone, PartialEq)]
pub struct Playbook {
    /// Whether numbers are watched at all.
    pub on: bool,
    /// How long a number is paused for a first, second, third and later offence against recipients.
    pub pauses_ms: Vec<i64>,
    /// How long one whose account or registration was refused is paused before it is tried again.
    pub refused_ms: i64,
    /// How long a number is used less after it was paused, or rated medium.
    pub cooldown_ms: i64,
    /// At which share of its pace, in thousandths, one in cooldown sends.
    pub cooldown_pace_milli: u32,
    /// Whom one in cooldown serves: these, and who is more urgent.
    pub cooldown_serves: Priority,
    /// After so long without another, an offence is forgotten.
    pub forgets_ms: i64,
    /// What is concluded from what was counted.
    pub rates: RateRules,
    /// How many messages a number that is warmed up sends a day, step by step.
    pub warmup: Vec<u32>,
}

/// What is concluded from the share of a number's messages that failed, and of recipients who opted out. Shares are
/// thousandths: to come into a stage takes more than the bound, to stay in it half of that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateRules {
    /// What is counted is counted for so long.
    pub window_ms: i64,
    /// From fewer messages nothing is concluded.
    pub least: u32,
    /// When so many failed, the number is used less.
    pub failing_cooldown_milli: u32,
    /// When so many failed, it is not used.
    pub failing_pause_milli: u32,
    /// How long either lasts at least.
    pub failing_ms: i64,
    /// When so many opted out, it is used less, for as long as one that is rated medium.
    pub opt_outs_cooldown_milli: u32,
}

impl Default for Playbook {
    fn default() -> Self {
        Self {
            on: true,
            pauses_ms: vec![4 * HOUR_MS, 12 * HOUR_MS, 24 * HOUR_MS],
            refused_ms: 15 * MINUTE_MS,
            cooldown_ms: 48 * HOUR_MS,
            cooldown_pace_milli: 500,
            cooldown_serves: Priority::Critical,
            forgets_ms: 7 * 24 * HOUR_MS,
            rates: RateRules::default(),
            warmup: vec![50, 250, 1_000, 5_000, 10_000],
        }
    }
}

impl Default for RateRules {
    fn default() -> Self {
        Self {
            window_ms: 10 * MINUTE_MS,
            least: 50,
            failing_cooldown_milli: 100,
            failing_pause_milli: 500,
            failing_ms: HOUR_MS,
            opt_outs_cooldown_milli: 50,
        }
    }
}
