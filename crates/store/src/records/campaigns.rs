//! Campaigns: what was submitted, and whether it still stands.

use std::fmt;

use dawncast_core::{
    UnixMs,
    campaign::CampaignSpec,
    ids::{CampaignId, RunId},
    schedule::{Occurrence, Zones},
};
use redis::AsyncCommands;
use serde::{Deserialize, Serialize};

use super::{Page, shelf::Shelf};
use crate::{Store, StoreError, run::Moved};

/// Where a campaign stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CampaignState {
    /// Runs as scheduled.
    Active,
    /// Starts nothing until resumed.
    Paused,
    /// Ended by a person.
    Cancelled,
    /// Its last run is closed.
    Done,
}

impl CampaignState {
    /// The name, as the API has it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Paused => "paused",
            Self::Cancelled => "cancelled",
            Self::Done => "done",
        }
    }

    /// Whether it may still start runs.
    pub fn is_open(self) -> bool {
        matches!(self, Self::Active | Self::Paused)
    }
}

impl fmt::Display for CampaignState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A submitted campaign.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Stored")]
pub struct Campaign {
    /// Its id.
    pub id: CampaignId,
    /// What was asked for.
    pub spec: CampaignSpec,
    /// Where it stands.
    pub state: CampaignState,
    /// When it was submitted.
    pub created_at: UnixMs,
    /// The occurrence of its latest run: all up to this one have become runs, or were passed over while it was paused.
    pub latest: Occurrence,
}

/// A campaign as it was stored. Before there were calendars, a campaign had one occurrence, which was not written down.
#[derive(Deserialize)]
struct Stored {
    id: CampaignId,
    spec: CampaignSpec,
    state: CampaignState,
    created_at: UnixMs,
    latest: Option<Occurrence>,
}

impl TryFrom<Stored> for Campaign {
    type Error = &'static str;
    fn try_from(stored: Stored) -> Result<Self, Self::Error> {
        let Stored { id, spec, state, created_at, latest } = stored;
        let latest = latest.or_else(|| spec.schedule.first(created_at)).ok_or("a campaign that never goes out")?;
        Ok(Self { id, spec, state, created_at, latest })
    }
}

impl Campaign {
    /// A new campaign to people who live in `zones`, its first run ahead; `None` when its schedule names no time to come.
    pub fn new(id: CampaignId, spec: CampaignSpec, created_at: UnixMs, zones: &Zones) -> Option<Self> {
        let latest = spec.schedule.first_in(created_at, zones)?;
        Some(Self { id, spec, state: CampaignState::Active, created_at, latest })
    }

    /// Its latest run.
    pub fn run(&self) -> RunId {
        RunId::of(&self.id, self.latest.civil, &self.latest.zone)
    }

    /// The occurrence after the latest; `None` when it was the last.
    pub fn next(&self) -> Option<Occurrence> {
        self.spec.schedule.next(&self.latest)
    }

    /// What comes next at `now`; the last one when nothing comes any more.
    pub fn ahead(&self, now: UnixMs) -> Occurrence {
        let passed = self.latest.instant <= now;
        self.next().filter(|_| passed).unwrap_or_else(|| self.latest.clone())
    }
}

impl Store {
    fn campaigns_shelf(&self) -> Shelf<'_> {
        Shelf::of(self, "campaigns")
    }

    /// Stores a new campaign; false when its id is taken. The id goes among the open ones first: one too many there
    /// is harmless, one too few would never start.
    pub async fn add_campaign(&self, campaign: &Campaign) -> Result<bool, StoreError> {
        let _: () = self.connection().sadd(self.keys().open_campaigns(), campaign.id.as_str()).await?;
        self.campaigns_shelf().insert(campaign.id.as_str(), campaign.created_at, campaign).await
    }

    /// One campaign.
    pub async fn campaign(&self, id: &CampaignId) -> Result<Option<Campaign>, StoreError> {
        self.campaigns_shelf().get(id.as_str()).await
    }

    /// A page of campaigns, newest first.
    pub async fn campaigns_page(&self, limit: usize, cursor: Option<&str>) -> Result<Page<Campaign>, StoreError> {
        self.campaigns_shelf().page(limit, cursor).await
    }

    /// Every campaign that is active or paused.
    pub async fn open_campaigns(&self) -> Result<Vec<Campaign>, StoreError> {
        let ids: Vec<String> = self.connection().smembers(self.keys().open_campaigns()).await?;
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        let mut campaigns: Vec<Campaign> = self.campaigns_shelf().many(&ids).await?;
        campaigns.retain(|campaign| campaign.state.is_open());
        Ok(campaigns)
    }

    /// Moves a campaign to `to` if it stands at one of `from`; the campaign as it stands afterwards, `None` when there
    /// is none.
    pub async fn set_campaign_state(
        &self,
        id: &CampaignId,
        from: &[CampaignState],
        to: CampaignState,
    ) -> Result<Option<Campaign>, StoreError> {
        let shift = |campaign: &mut Campaign| {
            if from.contains(&campaign.state) {
                campaign.state = to;
            }
        };
        let campaign = self.campaigns_shelf().change(id.as_str(), shift).await?;
        if campaign.as_ref().is_some_and(|campaign| !campaign.state.is_open()) {
            let _: () = self.connection().srem(self.keys().open_campaigns(), id.as_str()).await?;
        }
        Ok(campaign)
    }

    /// Lets a campaign say something else from now on, if it still says what the editor has read, or says it already; the
    /// campaign as it stands then.
    pub async fn edit_campaign(&self, seen: &Campaign, to: &Moved) -> Result<Option<Campaign>, StoreError> {
        let edit = |stored: &mut Campaign| {
            if stored.state.is_open() && stored.spec == seen.spec && stored.latest == seen.latest {
                stored.spec = to.spec.clone();
                stored.latest = to.latest.clone();
            }
        };
        let edited: Option<Campaign> = self.campaigns_shelf().change(seen.id.as_str(), edit).await?;
        Ok(edited.filter(|campaign| campaign.spec == to.spec))
    }

    /// Moves a campaign on from the occurrence that is its latest in `campaign` to `next`; the campaign as it stands
    /// afterwards. Whoever read it before someone else moved or edited it moves nothing.
    pub(crate) async fn advance_campaign(
        &self,
        campaign: &Campaign,
        next: &Occurrence,
    ) -> Result<Option<Campaign>, StoreError> {
        let advance = |stored: &mut Campaign| {
            if stored.latest == campaign.latest && stored.spec.schedule == campaign.spec.schedule {
                stored.latest = next.clone();
            }
        };
        self.campaigns_shelf().change(campaign.id.as_str(), advance).await
    }
}
