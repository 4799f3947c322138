//! Audiences: named lists of recipients, in versions. Readers see one whole version; an import that completes makes
//! the next one current in one step (see `imports`). A run pins the version that it was frozen from.
//!
//! `{aud:…}:state` is a hash: `current` (a version), `seq` (the last version begun), `v<n>` (what version n is) and,
//! while an import is on its way, `running` (import), `running_version` and `beat`. For a day after the audience was
//! deleted it holds `removed` alone.

use std::collections::{BTreeSet, HashMap};

use dawncast_core::{
    UnixMs,
    ids::{AudienceId, RunId},
    schedule::Zones,
};
use redis::AsyncCommands;
use serde::{Deserialize, Serialize};

use super::{Page, from_json, shelf::Shelf};
use crate::{
    Store, StoreError,
    script::{Script, script, version_script},
};

static PIN: Script = script!("pin.lua");
static UNPIN: Script = version_script!("unpin.lua", allow_oom);

/// A named list of recipients.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Audience {
    /// Its id.
    pub id: AudienceId,
    /// What people call it.
    pub name: String,
    /// When it was created.
    pub created_at: UnixMs,
}

/// One version of an audience's rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AudienceVersion {
    /// Counts up from 1.
    pub version: u64,
    /// How many rows it has; a phone that an upload held twice counts twice.
    pub rows: u64,
    /// In how many chunks they are stored.
    pub chunks: u32,
    /// The columns that a message can use.
    pub columns: BTreeSet<String>,
    /// Where they live.
    #[serde(default)]
    pub zones: Zones,
    /// When the import that made it was done.
    pub updated_at: UnixMs,
}

impl Store {
    pub(super) fn audiences_shelf(&self) -> Shelf<'_> {
        Shelf::of(self, "audiences")
    }

    /// Stores a new audience; false when its id is taken.
    pub async fn add_audience(&self, audience: &Audience) -> Result<bool, StoreError> {
        self.audiences_shelf().insert(audience.id.as_str(), audience.created_at, audience).await
    }

    /// One audience.
    pub async fn audience(&self, id: &AudienceId) -> Result<Option<Audience>, StoreError> {
        self.audiences_shelf().get(id.as_str()).await
    }

    /// A page of audiences, newest first.
    pub async fn audiences_page(&self, limit: usize, cursor: Option<&str>) -> Result<Page<Audience>, StoreError> {
        self.audiences_shelf().page(limit, cursor).await
    }

    /// The version that readers see now; `None` before the first import.
    pub async fn audience_version(&self, id: &AudienceId) -> Result<Option<AudienceVersion>, StoreError> {
        let key = self.keys().audience_state(id);
        // All at once: between two reads an import could make another version current and delete this one.
        let state: HashMap<String, String> = self.connection().hgetall(&key).await?;
        let version = state.get("current").and_then(|current| state.get(&format!("v{current}")));
        version.map(|json| from_json(&key, json.as_bytes())).transpose()
    }

    /// Holds the current version for `run`, so that no import can delete it; the version, or `None` when the audience
    /// has none. A run that pinned before gets the version that it pinned then.
    pub async fn pin(&self, id: &AudienceId, run: &RunId) -> Result<Option<AudienceVersion>, StoreError> {
        let state = self.keys().audience_state(id);
        let mut call = PIN.key(&state);
        call.key(self.keys().audience_pins(id)).arg(run.as_str());
        let version: Option<Vec<u8>> = call.invoke_async(&mut self.connection()).await?;
        version.map(|json| from_json(&state, &json)).transpose()
    }

    /// Deletes the rows of an audience that one run alone had: when that is closed, nobody reads them.
    pub async fn drop_own_audience(&self, id: &AudienceId) -> Result<(), StoreError> {
        let version = self.audience_version(id).await?.map_or(0, |version| version.version);
        let keys = self.keys();
        let all = [keys.audience_state(id), keys.audience_pins(id), keys.audience_rows(id, version)];
        Ok(self.connection().del(&all).await?)
    }

    /// Lets go of what `run` pinned; deletes the version when nothing else needs it.
    pub async fn unpin(&self, id: &AudienceId, run: &RunId) -> Result<(), StoreError> {
        let pins = self.keys().audience_pins(id);
        let pinned: Option<u64> = self.connection().hget(&pins, run.as_str()).await?;
        let Some(version) = pinned else { return Ok(()) };
        let mut call = UNPIN.key(self.keys().audience_state(id));
        call.key(&pins).key(self.keys().audience_rows(id, version)).key(self.keys().audience_reading(id, version));
        call.arg(run.as_str()).arg(version);
        let _deleted: bool = call.invoke_async(&mut self.connection()).await?;
        Ok(())
    }
}
