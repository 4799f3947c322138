//! What is stored of a run.

use std::collections::BTreeMap;

use chrono::NaiveDateTime;
use dawncast_core::{
    UnixMs,
    campaign::{CampaignSpec, Choice},
    canary::{CanaryVerdict, Seen},
    ids::{CampaignId, NumberId, RunId, WabaId},
    report::DropReason,
    schedule::{Occurrence, Zones},
    window::Opening,
};
use serde::{Deserialize, Serialize};

use crate::records::Campaign;

/// Where a run stands in its corridor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RunState {
    /// Waits for freeze.
    Scheduled,
    /// Its audience is pinned; plan is next.
    Frozen,
    /// Its pages are written; preflight is next.
    Planned,
    /// Preflight let it go; open is next.
    Ready,
    /// Its pages are in their lane.
    Open,
    /// A person has cancelled it.
    Cancelled,
    /// All is settled, and the verdict final.
    Closed,
}

impl RunState {
    /// All, in order.
    pub const ALL: [Self; 7] =
        [Self::Scheduled, Self::Frozen, Self::Planned, Self::Ready, Self::Open, Self::Cancelled, Self::Closed];

    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Scheduled => "scheduled",
            Self::Frozen => "frozen",
            Self::Planned => "planned",
            Self::Ready => "ready",
            Self::Open => "open",
            Self::Cancelled => "cancelled",
            Self::Closed => "closed",
        }
    }

    pub(crate) fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }
}

/// What a run is, pinned when it is created.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunRecord {
    /// Its id.
    pub id: RunId,
    /// Its campaign.
    pub campaign: CampaignId,
    /// The campaign as it was then.
    pub spec: CampaignSpec,
    /// The nominal instant.
    pub instant: UnixMs,
    /// Its window.
    pub opening: Opening,
    /// When it was created.
    pub created_at: UnixMs,
    /// What the schedule says, where each recipient's own clock is meant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub civil: Option<NaiveDateTime>,
    /// Why there is this run.
    #[serde(default)]
    pub origin: Origin,
}

/// Why there is a run.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// Its campaign's schedule.
    #[default]
    Schedule,
    /// A person wanted one now.
    RunNow,
    /// A test to named phones.
    Test,
    /// The failures of this run are sent to again.
    Retry(RunId),
}

impl Origin {
    /// Its name, as the API has it.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Schedule => "schedule",
            Self::RunNow => "run_now",
            Self::Test => "test",
            Self::Retry(_) => "retry",
        }
    }

    /// Whether it has an audience of its own, which goes with it.
    pub fn has_own_audience(&self) -> bool {
        matches!(self, Self::Test | Self::Retry(_))
    }
}

impl RunRecord {
    /// The latest run of a campaign whose audience lives in `zones`.
    pub fn of(campaign: &Campaign, zones: &Zones) -> Self {
        let instant = campaign.latest.instant;
        Self {
            id: campaign.run(),
            campaign: campaign.id.clone(),
            instant,
            opening: campaign.spec.opening(&campaign.latest, zones, campaign.created_at),
            spec: campaign.spec.clone(),
            created_at: campaign.created_at,
            civil: campaign.spec.schedule.is_per_recipient().then_some(campaign.latest.civil),
            origin: Origin::Schedule,
        }
    }

    /// The same run for an audience that lives in `zones`, as it looks at `now`; `None` where it is that already, or it is all the same to it.
    pub fn moved_to(&self, zones: &Zones, now: UnixMs) -> Option<Self> {
        let opening = self.spec.opening_from(&self.occurrence()?, zones, self.created_at, now);
        (opening != self.opening).then(|| Self { opening, ..self.clone() })
    }

    /// What each recipient's own clock shows when it is for them; `None` where it has one time for all.
    pub fn own_civil(&self) -> Option<NaiveDateTime> {
        Some(self.occurrence()?.civil)
    }

    /// Its occurrence, where each recipient's own clock is meant.
    fn occurrence(&self) -> Option<Occurrence> {
        let schedule = &self.spec.schedule;
        let zone = schedule.zone();
        let civil = self.civil.filter(|_| schedule.is_per_recipient())?;
        Some(Occurrence { civil, zone: zone.name().to_owned(), instant: self.instant })
    }

    /// A run of `campaign` beside its schedule: it goes out at `now`, as `spec` says.
    pub fn beside(id: RunId, campaign: CampaignId, spec: CampaignSpec, origin: Origin, now: UnixMs) -> Self {
        let opening = spec.window.around(now, now);
        Self { id, campaign, instant: now, opening, spec, created_at: now, civil: None, origin }
    }
}

/// What a look at a run found before it was frozen: whether it would go, as things stood then.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// When it was made.
    pub at: UnixMs,
    /// Why it was made: how long before the window, or `asked`.
    pub occasion: String,
    /// Whether nothing would hold the run.
    pub would_go: bool,
    /// What would hold it, each with its remedy.
    pub holds: Vec<String>,
    /// What is worth knowing.
    pub remarks: Vec<String>,
}

/// The part of a run that goes out first, as plan has written it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct CanaryPages {
    /// How many pages it has: the first of the run.
    pub pages: u32,
    /// How many deliveries are in them.
    pub deliveries: u64,
    /// Until when it is watched.
    pub watched_until: UnixMs,
}

/// What came of a canary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct CanaryJudged {
    /// Whether the rest goes out.
    pub verdict: CanaryVerdict,
    /// When that was found.
    pub at: UnixMs,
    /// From what.
    pub seen: Seen,
}

/// A number as the run knows it. Records name a number by its place in the run's table of these.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sender {
    /// Meta's id of the number.
    pub number: NumberId,
    /// The account it belongs to: templates and their approval are the account's.
    pub waba: WabaId,
    /// Its messages per second.
    pub mps: u32,
    /// At which share of them it is planned, in thousandths: less where the monitor leaves it less.
    #[serde(default = "whole_pace")]
    pub pace_milli: u32,
    /// Stands by: no home to anyone, but a stand-in.
    pub standby: bool,
}

fn whole_pace() -> u32 {
    1_000
}

impl Sender {
    /// How many messages per second are planned for it.
    pub fn planned_mps(&self) -> u32 {
        (u64::from(self.mps) * u64::from(self.pace_milli) / 1_000) as u32
    }
}

/// What freeze pins, once: planning is a pure function of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Frozen {
    /// The audience's version.
    pub audience_version: u64,
    /// Seeds the jitter.
    pub seed: u64,
    /// Names the plan: only pages of this plan are written.
    pub plan_token: String,
    /// The pool's numbers.
    pub senders: Vec<Sender>,
    /// How many recipients numbers may be home to, where what Meta's messaging limit or their caps leave binds them.
    #[serde(default)]
    pub quotas: BTreeMap<NumberId, u64>,
    /// What the messaging limit lacks for all recipients, if so: then it binds no number, and Meta may refuse the rest.
    #[serde(default)]
    pub over_quota: Option<String>,
    /// Why the caps of its numbers bind none of them, if so: together they do not hold all recipients in the window.
    #[serde(default)]
    pub over_caps: Option<String>,
    /// From when messages may go out: the window's opening, or later when the run was frozen late.
    pub opens_at: UnixMs,
    /// All rows of the audience.
    pub submitted: u64,
    /// Those that were dropped, by reason.
    pub dropped: BTreeMap<DropReason, u64>,
    /// How many rows the lists of that moment kept out: plan reads them where freeze has put them, whatever has changed.
    #[serde(default)]
    pub screened: u64,
    /// Each recipient has the one number that may send to it: free-form messages go only where the user has written to.
    #[serde(default)]
    pub fixed: bool,
    /// How many of the recipients have no such number and get what the campaign falls back to.
    #[serde(default)]
    pub fallback: u64,
}

impl Frozen {
    /// The number at a place, and which of the campaign's messages it sent, if that is another than its page's. Every number
    /// stands in the table once for each message: first all of them for the page's own, then all for the first that is
    /// fallen back to, and so on. A record has room for the place of one attempt, and this way for what it was.
    pub fn sender_at(&self, place: usize) -> Option<(&Sender, Option<Choice>)> {
        let count = self.senders.len().max(1);
        let other = u8::try_from(place / count).ok().and_then(Choice::from_code);
        Some((self.senders.get(place % count)?, other.filter(|choice| choice.is_fallback())))
    }

    /// The place of a number as the sender of a message.
    pub fn place_of(&self, number: &NumberId, message: Choice) -> u8 {
        let place = self.senders.iter().position(|sender| sender.number == *number).unwrap_or_default();
        (place + self.senders.len() * message.place()).min(usize::from(u8::MAX)) as u8
    }

    /// How many of the campaign's messages the table has room for.
    pub fn messages(&self, count: usize) -> usize {
        count.min(usize::from(u8::MAX) / self.senders.len().max(1)).max(1)
    }

    /// How many deliveries are planned.
    pub fn deliveries(&self) -> u64 {
        self.submitted - self.dropped.values().sum::<u64>()
    }

    /// How many of them begin a conversation: what goes out within a service window does not.
    pub fn conversations(&self) -> u64 {
        if self.fixed { self.fallback } else { self.deliveries() }
    }
}
