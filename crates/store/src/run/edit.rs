//! Edits of a campaign, as its latest run takes part in them.
//!
//! *An edit that comes while freeze runs*: the run decides. What it is changes in one script that only a run that waits for
//! freeze admits, and freeze is refused when the run was edited since it was read. So an edit is wholly in the run, or is
//! refused. The campaign follows the run: a process that dies in between leaves a run that says more than its campaign,
//! until the edit is sent again.

use dawncast_core::{
    UnixMs,
    campaign::CampaignSpec,
    schedule::{Occurrence, Zones},
};
use serde::{Deserialize, Serialize};

use super::{Advanced, Run, RunRecord};
use crate::{
    Store, StoreError,
    records::Campaign,
    script::{Script, script},
};

static EDIT: Script = script!("edit.lua");

/// Where an edited campaign goes, away from a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Moved {
    /// What it says from now on.
    pub spec: CampaignSpec,
    /// Its next occurrence.
    pub latest: Occurrence,
}

impl Store {
    /// Edits a campaign whose latest run, if there is one, waits for freeze: `to` is what both are from now on. `run` and
    /// `campaign` are as the editor read them. The campaign as it stands afterwards; `None` when freeze or another editor
    /// was first, and nothing has changed.
    pub async fn edit_run(
        &self,
        campaign: &Campaign,
        run: Option<&Run>,
        to: Moved,
        now: UnixMs,
    ) -> Result<Option<Campaign>, StoreError> {
        let edited = Campaign { spec: to.spec.clone(), latest: to.latest.clone(), ..campaign.clone() };
        let admitted = match run {
            None => true,
            Some(run) if run.record.id == edited.run() => {
                let zones = self.zones_of(&edited.spec).await?;
                self.rewrite_run(run, &RunRecord::of(&edited, &zones)).await?
            }
            Some(run) => self.leave_run(run, &to, now).await? == Advanced::Moved,
        };
        if !admitted {
            return Ok(None);
        }
        self.follow(campaign, &to, now).await
    }

    /// Moves a run whose recipients live by their own clocks to where its audience lives by now; false when freeze, or an
    /// edit, was first.
    pub async fn follow_zones(&self, run: &Run, zones: &Zones, now: UnixMs) -> Result<bool, StoreError> {
        match run.record.moved_to(zones, now) {
            Some(record) => self.rewrite_run(run, &record).await,
            None => Ok(true),
        }
    }

    /// Indexed first, as it is created: a process that dies in between leaves a run that is not yet moved, and the next look
    /// moves it. Where freeze or another editor was first, the index follows the run as it stands.
    async fn rewrite_run(&self, run: &Run, record: &RunRecord) -> Result<bool, StoreError> {
        self.index_run(record).await?;
        let before = if run.edits == 0 { String::new() } else { run.edits.to_string() };
        let mut call = EDIT.key(self.keys.run(&record.id));
        call.arg(before).arg(run.edits + 1).arg(serde_json::to_string(record).expect("records are plain data"));
        let edited: i64 = call.invoke_async(&mut self.hot.clone()).await?;
        if edited == 1 {
            self.take_over_holds(&record.id, &record.spec.pool).await?;
        } else if let Some(stands) = self.run(&record.id).await? {
            self.index_run(&stands.record).await?;
        }
        Ok(edited == 1)
    }

    /// Finishes the move of a campaign away from `run`: repeated, it does nothing.
    pub async fn finish_move(&self, run: &Run, now: UnixMs) -> Result<(), StoreError> {
        let Some(moved) = &run.moved else { return Ok(()) };
        let Some(campaign) = self.campaign(&run.record.campaign).await? else { return Ok(()) };
        if campaign.run() == run.record.id || campaign.latest == moved.latest {
            self.follow(&campaign, moved, now).await?;
        }
        Ok(())
    }

    async fn follow(&self, campaign: &Campaign, to: &Moved, now: UnixMs) -> Result<Option<Campaign>, StoreError> {
        let edited = self.edit_campaign(campaign, to).await?;
        if let Some(edited) = edited.clone() {
            self.derive_runs(edited, now).await?;
        }
        Ok(edited)
    }
}
