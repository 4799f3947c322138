//! The runs of a campaign, derived from its schedule: each occurrence once, whoever looks how often.

use dawncast_core::{UnixMs, campaign::CampaignSpec, ids::CampaignId, schedule::Zones};

use super::{Hold, Origin, Run, RunRecord};
use crate::{
    Store, StoreError,
    records::{Campaign, CampaignState, Page},
};

/// So many runs of a campaign are created in one go. After a long absence there may be more to note as missed: they come
/// with the next look.
const AT_ONCE: usize = 64;

impl Store {
    /// Brings the runs of a campaign up to `until`: its latest run exists, and once that was due by then, the next one.
    /// Answers the runs that were missing. Occurrences that come while a campaign is paused are passed over.
    pub async fn derive_runs(&self, mut campaign: Campaign, until: UnixMs) -> Result<Vec<RunRecord>, StoreError> {
        let mut created = Vec::new();
        while campaign.state.is_open() && created.len() < AT_ONCE {
            let zones = self.zones_of(&campaign.spec).await?;
            let run = RunRecord::of(&campaign, &zones);
            let is_missing = campaign.state == CampaignState::Active && self.run(&run.id).await?.is_none();
            if is_missing && self.create_run(&run).await? {
                created.push(run);
            }
            // Where recipients live by their own clocks, the first of the next run may come before the last of this one.
            let due = campaign.spec.schedule.earliest(&campaign.latest, &zones) <= until;
            let Some(next) = campaign.next().filter(|_| due) else { break };
            match self.advance_campaign(&campaign, &next).await? {
                Some(moved) if moved.latest == next => campaign = moved,
                // Someone else has moved or edited it: the next look starts from there.
                _ => break,
            }
        }
        self.heed_campaign(&campaign.id, &created, until).await?;
        Ok(created)
    }

    /// Where the audience of a campaign lives now, if it matters.
    pub async fn zones_of(&self, spec: &CampaignSpec) -> Result<Zones, StoreError> {
        if !spec.schedule.is_per_recipient() {
            return Ok(Zones::default());
        }
        Ok(self.audience_version(&spec.audience.id).await?.map(|version| version.zones).unwrap_or_default())
    }

    /// Creates a run beside its campaign's schedule; false when it exists.
    pub async fn create_run_beside(&self, run: &RunRecord) -> Result<bool, StoreError> {
        let created = self.create_run(run).await?;
        if run.origin != Origin::Test {
            self.heed_campaign(&run.campaign, std::slice::from_ref(run), run.created_at).await?;
        }
        Ok(created)
    }

    /// *A campaign that is paused or cancelled while its run is being created*: whoever stops it writes that first and then
    /// looks for its runs; whoever creates a run looks at the campaign afterwards. One of them sees the other.
    async fn heed_campaign(&self, id: &CampaignId, created: &[RunRecord], now: UnixMs) -> Result<(), StoreError> {
        if created.is_empty() {
            return Ok(());
        }
        let Some(campaign) = self.campaign(id).await? else { return Ok(()) };
        for run in created {
            match campaign.state {
                CampaignState::Paused => drop(self.hold_run(&run.id, Hold::Run, true).await?),
                CampaignState::Cancelled => drop(self.cancel_run(&run.id, now).await?),
                CampaignState::Active | CampaignState::Done => {}
            }
        }
        Ok(())
    }

    /// A page of a campaign's runs, the latest to open first.
    pub async fn campaign_runs(
        &self,
        campaign: &CampaignId,
        limit: usize,
        cursor: Option<&str>,
    ) -> Result<Page<Run>, StoreError> {
        self.runs_of(&self.keys.campaign_runs(campaign), limit, cursor).await
    }

    /// The runs of a campaign that are not closed.
    pub async fn campaign_active_runs(&self, campaign: &CampaignId) -> Result<Vec<Run>, StoreError> {
        let mut runs = Vec::new();
        for id in self.active_runs().await? {
            runs.extend(self.run(&id).await?.filter(|run| run.record.campaign == *campaign));
        }
        Ok(runs)
    }
}
