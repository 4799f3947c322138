//! What the demo and the chaos run share: a deployment of child processes on loopback, and a broadcast staged through
//! the public API.

mod cast;
mod ports;
mod process;
mod settings;
mod stage;

use std::{path::PathBuf, time::Duration};

use chrono_tz::Tz;
use dawncast_core::campaign::Then;

pub(crate) use self::{
    ports::Addresses,
    process::{Launcher, Process},
    settings::{Reach, Settings, Sim, settings},
    stage::{Scene, Stage},
};

/// The clocks of a play hang in India, where the day's broadcast goes out at dawn.
pub(crate) const ZONE: Tz = Tz::Asia__Kolkata;

/// The broadcast to play.
#[derive(Debug, Clone)]
pub(crate) struct Script {
    /// Names campaign and audience.
    pub(crate) name: &'static str,
    /// How many recipients are made up.
    pub(crate) recipients: u32,
    /// A file of recipients to take instead.
    pub(crate) csv: Option<PathBuf>,
    /// How many numbers send.
    pub(crate) numbers: u16,
    /// Messages per second of each number.
    pub(crate) mps: u32,
    /// From the first due time to the last.
    pub(crate) window: Duration,
    /// From the window's close to the deadline.
    pub(crate) slack: Duration,
    /// What follows a send that stays unconfirmed.
    pub(crate) unconfirmed: Then,
    /// How long a message of unknown fate waits for its receipt. The simulator's come within two seconds.
    pub(crate) grace: Duration,
    /// Everything drawn by chance derives from it.
    pub(crate) seed: u64,
}

/// The WhatsApp ids of the recipients that a script makes up.
pub(crate) fn phones(script: &Script) -> Vec<String> {
    let csv = cast::recipients(script.recipients, script.seed);
    let phone = |line: &str| Some(line.split(',').nth(1)?.trim_start_matches('+').to_owned());
    csv.lines().skip(1).filter_map(phone).collect()
}
