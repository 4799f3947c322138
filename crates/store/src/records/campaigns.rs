//! Campaigns: what was submitted, and whether it still stands.

use std::fmt;

use dawncast_core::{
    UnixMs,
    campaign::CampaignSpec,
    ids::{CampaignId, RunId},
};
use redis::AsyncCommands;
use serde::{Deserialize, Serialize};

use super::{Page, shelf::Shelf};
use crate::{Store, StoreError};

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
pub struct Campaign {
    /// Its id.
    pub id: CampaignId,
    /// What was asked for.
    pub spec: CampaignSpec,
    /// Where it stands.
    pub state: CampaignState,
    /// When it was submitted.
    pub created_at: UnixMs,
    /// Its run.
    pub run: RunId,
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
}
