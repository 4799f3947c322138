//! The report of a run, and its judge. What was promised, what came of it, and whether every recipient is
//! accounted for.

mod judge;
mod part;
mod sum;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

pub use self::{
    judge::{Sla, SlaInput, SlaVerdict, judge},
    part::{Count, CountryLine, MessageLine, Part, TierLine},
    sum::{Sum, SumSla},
};
use crate::{
    delivery::DeliveryState,
    fault::word,
    ids::{CampaignId, NumberId, RunId},
};

/// The report of one run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// The run.
    pub run: RunId,
    /// Its campaign.
    pub campaign: CampaignId,
    /// The run's state.
    pub state: String,
    /// When it was to happen.
    pub window: ReportWindow,
    /// What every recipient has come to.
    pub totals: Totals,
    /// What was promised and what was kept.
    pub sla: Sla,
    /// How late sending began; `None` before anything was sent.
    pub lateness_ms: Option<LatenessMs>,
    /// Attempts begun, all deliveries together.
    pub attempts: u64,
    /// Attempts begun because an earlier one stayed unconfirmed.
    pub resends: u64,
    /// Messages beyond the first that are known to have reached a recipient.
    pub known_duplicates: u64,
    /// Why recipients were dropped at the freeze.
    pub dropped_by_reason: BTreeMap<DropReason, u64>,
    /// Why deliveries failed.
    pub failures: Vec<Failure>,
    /// What each number did.
    pub numbers: Vec<NumberLine>,
    /// What became of each of the campaign's messages. Empty in a report of an earlier version.
    #[serde(default)]
    pub by_message: Vec<MessageLine>,
    /// What became of each tier, the campaign's order first. Empty in a report of an earlier version.
    #[serde(default)]
    pub by_tier: Vec<TierLine>,
    /// What became of each country, by calling code. Empty in a report of an earlier version.
    #[serde(default)]
    pub by_country: Vec<CountryLine>,
}

/// The window of a run, as instants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportWindow {
    /// The first due time allowed.
    pub opens_at: DateTime<Utc>,
    /// The last due time allowed.
    pub closes_at: DateTime<Utc>,
    /// When the SLA is judged.
    pub deadline_at: DateTime<Utc>,
}

/// How many recipients stand where. The states are disjoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Totals {
    /// In the frozen audience, dropped ones included.
    pub submitted: u64,
    /// Dropped at the freeze.
    pub dropped: u64,
    /// Waiting for their time or for another attempt.
    pub planned: u64,
    /// With an attempt on its way.
    pub sending: u64,
    /// Perhaps reached.
    pub unconfirmed: u64,
    /// Taken by Meta.
    pub accepted: u64,
    /// Sent on by Meta.
    pub sent: u64,
    /// On the phone.
    pub delivered: u64,
    /// Read.
    pub read: u64,
    /// Failed for good.
    pub failed: u64,
    /// Never tried before the deadline.
    pub expired: u64,
    /// Cancelled before they were served.
    pub cancelled: u64,
}

impl Totals {
    /// The recipients that are accounted for: all disjoint states together.
    pub fn sum(&self) -> u64 {
        self.by_state().iter().map(|(_, count)| count).sum()
    }

    /// The disjoint states by name.
    pub fn by_state(&self) -> [(&'static str, u64); 11] {
        [
            ("dropped", self.dropped),
            ("planned", self.planned),
            ("sending", self.sending),
            ("unconfirmed", self.unconfirmed),
            ("accepted", self.accepted),
            ("sent", self.sent),
            ("delivered", self.delivered),
            ("read", self.read),
            ("failed", self.failed),
            ("expired", self.expired),
            ("cancelled", self.cancelled),
        ]
    }

    fn by_state_mut(&mut self) -> [&mut u64; 11] {
        [
            &mut self.dropped,
            &mut self.planned,
            &mut self.sending,
            &mut self.unconfirmed,
            &mut self.accepted,
            &mut self.sent,
            &mut self.delivered,
            &mut self.read,
            &mut self.failed,
            &mut self.expired,
            &mut self.cancelled,
        ]
    }

    /// How many Meta has taken, or more.
    pub fn reached(&self) -> u64 {
        self.accepted + self.sent + self.arrived()
    }

    /// How many have it on the phone.
    pub fn arrived(&self) -> u64 {
        self.delivered + self.read
    }

    /// The count of a state.
    pub fn of_mut(&mut self, state: DeliveryState) -> &mut u64 {
        match state {
            DeliveryState::Planned => &mut self.planned,
            DeliveryState::Sending => &mut self.sending,
            DeliveryState::Unconfirmed => &mut self.unconfirmed,
            DeliveryState::Accepted => &mut self.accepted,
            DeliveryState::Sent => &mut self.sent,
            DeliveryState::Delivered => &mut self.delivered,
            DeliveryState::Read => &mut self.read,
            DeliveryState::Failed => &mut self.failed,
            DeliveryState::Expired => &mut self.expired,
            DeliveryState::Cancelled => &mut self.cancelled,
        }
    }

    /// Conservation: recipients submitted and not accounted for, or, below 0, counted twice. Anything but 0
    /// is a fault of ours.
    pub fn imbalance(&self) -> i64 {
        self.submitted as i64 - self.sum() as i64
    }
}

word! {
    /// Why a recipient was dropped at the freeze.
    pub enum DropReason {
        /// The phone is in the audience already.
        Duplicate = "duplicate",
        /// The recipient wants no messages.
        Suppressed = "suppressed",
        /// Meta withholds such messages from the recipient for a while.
        Withheld = "withheld",
        /// Nothing could be delivered to the recipient of late.
        Undeliverable = "undeliverable",
        /// The recipient has had as many messages as the policy allows.
        Capped = "capped",
        /// The campaign is not meant for this recipient.
        Filtered = "filtered",
        /// The rules forbid it: consent, quiet hours.
        Compliance = "compliance",
        /// The message needs an attribute that the row lacks.
        MissingAttribute = "missing_attribute",
        /// The phone is none.
        InvalidPhone = "invalid_phone",
        /// The message needs a file that was not uploaded.
        MissingAsset = "missing_asset",
    }
}

impl DropReason {
    /// Whether a recipient who should have heard from us will not: these stay eligible and count against the
    /// SLA. The others are dropped on purpose.
    pub fn is_defect(self) -> bool {
        matches!(self, Self::MissingAttribute | Self::InvalidPhone | Self::MissingAsset)
    }
}

/// How late sending began: from the first planned due time to the moment the POST began.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct LatenessMs {
    /// Half were no later than this, milliseconds.
    pub p50: f64,
    /// 95 of 100 were no later.
    pub p95: f64,
    /// 99 of 100 were no later.
    pub p99: f64,
    /// The latest.
    pub max: f64,
}

impl LatenessMs {
    /// Percentiles by nearest rank of `lateness_us`, in microseconds; `None` of nothing.
    pub fn of(mut lateness_us: Vec<i64>) -> Option<Self> {
        lateness_us.sort_unstable();
        let count = lateness_us.len();
        let max = *lateness_us.last()?;
        let ms = |us: i64| us as f64 / 1000.0;
        let nearest_rank = |percent: usize| ms(lateness_us[(count * percent).div_ceil(100) - 1]);
        Some(Self { p50: nearest_rank(50), p95: nearest_rank(95), p99: nearest_rank(99), max: ms(max) })
    }
}

/// Deliveries that failed for one reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// Meta's error code.
    pub code: u32,
    /// Whose fault such errors are; [`Failure::RECIPIENT`] is the recipient's.
    pub class: String,
    /// How many deliveries.
    pub count: u64,
    /// What the code means and what to do, in plain words; none for a code that Meta does not document.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub meaning: Option<String>,
}

/// What is known of an error code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Explained {
    /// Whose fault such errors are.
    pub class: &'static str,
    /// What it means and what to do; none for a code that Meta does not document.
    pub meaning: Option<&'static str>,
}

impl Failure {
    /// The class of errors that no sender can help: the recipient has no WhatsApp, or wants no messages.
    pub const RECIPIENT: &str = "recipient";
    /// The class of deliveries that were not sent because their recipient was suppressed after the freeze: dropped on
    /// purpose, and nobody's fault.
    pub const SUPPRESSED: &str = "suppressed";
    /// What their code means, in plain words.
    pub const SILENCED: &str = "The recipient was suppressed after the freeze: nothing was sent.";
    /// The class of deliveries that were not sent because Meta withholds such messages from their recipient: the same.
    pub const WITHHELD: &str = "withheld";
    /// What their code means, in plain words.
    pub const WAITS: &str =
        "Meta withholds such messages from the recipient, as was heard after the freeze: nothing was sent.";

    /// `count` deliveries that failed with `code`.
    pub fn of(code: u32, explained: Explained, count: u64) -> Self {
        let Explained { class, meaning } = explained;
        Self { code, class: class.to_owned(), count, meaning: meaning.map(str::to_owned) }
    }
}

/// What one number did in a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NumberLine {
    /// The number.
    pub phone_number_id: NumberId,
    /// Messages that Meta took from it.
    pub accepted: u64,
    /// Sends refused because it was too fast.
    pub throttled: u64,
    /// Its health, in a word.
    pub health: String,
    /// Deliveries that it was home to.
    #[serde(default)]
    pub home: u64,
    /// Deliveries whose latest attempt it made in place of their home.
    #[serde(default)]
    pub stand_in: u64,
    /// What became of the deliveries whose latest attempt it made, or which it was to make.
    #[serde(flatten)]
    pub part: Part,
}

#[cfg(test)]
mod tests;
