//! Deleting an audience, with its rows, when nothing uses it any more.

use std::collections::HashMap;

use dawncast_core::{
    UnixMs,
    ids::{AudienceId, CampaignId, ImportId, RunId},
};
use redis::AsyncCommands;

use super::{Audience, IMPORT_LAPSE_MS};
use crate::{
    Store, StoreError,
    script::{Script, script},
};

static REMOVE: Script = script!("remove_audience.lua", allow_oom);

/// How long imports into a deleted audience are refused, in seconds: longer than any that saw it just before.
const REFUSED_S: u64 = 24 * 3600;

/// What came of deleting an audience.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AudienceRemoval {
    /// It is gone.
    Removed,
    /// There was none.
    Missing,
    /// This campaign may still send to it.
    UsedBy(CampaignId),
    /// This run was frozen from it and is not closed.
    HeldBy(RunId),
    /// This import into it is on its way.
    Importing(ImportId),
}

impl Store {
    /// Deletes an audience and its rows, unless an open campaign, a run or an import uses it. A campaign that is
    /// submitted in the same moment may lose its audience; its run is then held and says so.
    pub async fn remove_audience(&self, id: &AudienceId, now: UnixMs) -> Result<AudienceRemoval, StoreError> {
        let Some(audience) = self.audience(id).await? else { return Ok(AudienceRemoval::Missing) };
        let mut open = self.open_campaigns().await?.into_iter();
        if let Some(campaign) = open.find(|campaign| campaign.spec.audience.id == *id) {
            return Ok(AudienceRemoval::UsedBy(campaign.id));
        }
        self.remove_unused(&audience, now).await
    }

    async fn remove_unused(&self, audience: &Audience, now: UnixMs) -> Result<AudienceRemoval, StoreError> {
        let id = &audience.id;
        loop {
            let answer = self.remove_rows(id, now).await?;
            let corrupt = || StoreError::Corrupt { key: self.keys().audience_state(id), detail: answer.join(" ") };
            let who = answer.get(1).map(String::as_str).unwrap_or_default();
            match answer.first().map(String::as_str) {
                Some("pinned") => return who.parse().map(AudienceRemoval::HeldBy).map_err(|_| corrupt()),
                Some("importing") => return who.parse().map(AudienceRemoval::Importing).map_err(|_| corrupt()),
                // An import began meanwhile, and is over: there is another version to delete.
                Some("changed") => {}
                _ => break,
            }
        }
        // Last: whoever dies before this finds the audience again, without rows, and deletes it once more.
        self.audiences_shelf().remove(id.as_str(), audience.created_at).await?;
        Ok(AudienceRemoval::Removed)
    }

    async fn remove_rows(&self, id: &AudienceId, now: UnixMs) -> Result<Vec<String>, StoreError> {
        let key = self.keys().audience_state(id);
        let state: HashMap<String, String> = self.connection().hgetall(&key).await?;
        let begun = state.get("seq").map_or("0", String::as_str);
        let mut call = REMOVE.key(&key);
        call.key(self.keys().audience_pins(id));
        let of_versions = state.keys().filter_map(|field| field.strip_prefix('v')?.parse().ok());
        let unfinished = state.get("running_version").and_then(|version| version.parse().ok());
        for version in of_versions.chain(unfinished) {
            call.key(self.keys().audience_rows(id, version));
        }
        call.arg(now).arg(IMPORT_LAPSE_MS).arg(begun).arg(REFUSED_S);
        Ok(call.invoke_async(&mut self.connection()).await?)
    }
}
