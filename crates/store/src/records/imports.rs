//! Imports: how rows get into an audience. One import at a time writes the next version of its audience beside the
//! current one; only when it has completed does the new version become current, in one script. What a dead import
//! leaves behind expires by itself.

use std::fmt;

use dawncast_core::{
    UnixMs,
    ids::{AudienceId, ImportId},
};
use redis::AsyncCommands;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{Duplicate, ImportWriter, Page, from_json, to_json};
use crate::{
    Store, StoreError,
    script::{Script, script},
};

static BEGIN: Script = script!("begin_import.lua");

/// An import that has shown no sign of life for this long has died.
pub const IMPORT_LAPSE_MS: UnixMs = 15_000;

/// Rejected rows kept per import; beyond them only the count grows.
pub const MAX_REJECTS: u64 = 10_000;

/// How long an import and its rejects can be looked up, in seconds: 30 days.
pub(super) const KEEP_S: i64 = 30 * 24 * 3600;

/// What becomes of the rows that were there before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ImportMode {
    /// They go.
    Replace,
    /// Those whose phone is not in the upload stay, after the uploaded rows.
    Upsert,
}

/// How far an import is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ImportState {
    /// On its way.
    Running,
    /// Its rows are the audience now.
    Done,
    /// The audience is as it was.
    Failed,
}

impl fmt::Display for ImportState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
        })
    }
}

/// One import.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Import {
    /// Its id.
    pub id: ImportId,
    /// Where the rows go.
    pub audience: AudienceId,
    /// How far it is.
    pub state: ImportState,
    /// Rows read.
    pub rows: u64,
    /// Rows taken, duplicates included.
    pub accepted: u64,
    /// Rows refused.
    pub rejected: u64,
    /// Repeats among the accepted rows: of a phone of an earlier row of the upload, or of the id that an earlier row has
    /// with another phone. Counted when all rows are in.
    pub duplicates: u64,
    /// Those of them that repeat an id.
    #[serde(default)]
    pub duplicate_ids: u64,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// When it last showed a sign of life.
    pub updated_at: UnixMs,
}

/// A row that was refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reject {
    /// The line of the upload, from 1.
    pub line: u64,
    /// Why. Never holds what stood in the row.
    pub reason: String,
}

/// What came of starting an import.
#[must_use = "an import that is neither finished nor failed blocks the audience for a quarter of a minute"]
pub enum BeginImport {
    /// Write rows, then finish.
    Started(Box<ImportWriter>),
    /// Another import into this audience is on its way.
    Busy(ImportId),
    /// The audience was deleted.
    Gone,
}

impl Store {
    /// Starts an import into an audience that exists. The first sign of life is `now`; keep calling
    /// [`ImportWriter::beat`].
    pub async fn begin_import(
        &self,
        audience: &AudienceId,
        id: &ImportId,
        mode: ImportMode,
        now: UnixMs,
    ) -> Result<BeginImport, StoreError> {
        let import = Import {
            id: id.clone(),
            audience: audience.clone(),
            state: ImportState::Running,
            rows: 0,
            accepted: 0,
            rejected: 0,
            duplicates: 0,
            duplicate_ids: 0,
            error: None,
            updated_at: now,
        };
        let _: () = self.connection().set_ex(self.keys().import(id), audience.as_str(), KEEP_S as u64).await?;
        let mut call = BEGIN.key(self.keys().audience_state(audience));
        call.key(self.keys().import_record(audience, id));
        call.arg(id.as_str()).arg(now).arg(IMPORT_LAPSE_MS).arg(to_json(&import)).arg(KEEP_S);
        let (running, version, current): (String, String, String) = call.invoke_async(&mut self.connection()).await?;
        let number = |text: String| text.parse::<u64>().expect("the script answers with whole numbers");
        Ok(match running.parse() {
            Ok(running) => BeginImport::Busy(running),
            Err(_) if version.is_empty() => BeginImport::Gone,
            Err(_) => {
                let (version, base) = (number(version), number(current));
                BeginImport::Started(Box::new(ImportWriter::new(self.clone(), import, mode, version, base)))
            }
        })
    }

    /// One import as it stands at `now`: one that runs without a sign of life has failed.
    pub async fn import(&self, id: &ImportId, now: UnixMs) -> Result<Option<Import>, StoreError> {
        let Some(audience) = self.import_audience(id).await? else { return Ok(None) };
        let key = self.keys().import_record(&audience, id);
        let json: Option<Vec<u8>> = self.connection().get(&key).await?;
        let Some(json) = json else { return Ok(None) };
        let mut import: Import = from_json(&key, &json)?;
        if import.state == ImportState::Running && import.updated_at + IMPORT_LAPSE_MS <= now {
            import.state = ImportState::Failed;
            import.error = Some("the server that took the upload has died; the audience is unchanged".to_owned());
        }
        Ok(Some(import))
    }

    async fn import_audience(&self, id: &ImportId) -> Result<Option<AudienceId>, StoreError> {
        let key = self.keys().import(id);
        let audience: Option<String> = self.connection().get(&key).await?;
        let corrupt = |error: dawncast_core::ids::BadId| StoreError::Corrupt { key, detail: error.to_string() };
        audience.map(|audience| audience.parse().map_err(corrupt)).transpose()
    }

    /// A page of an import's rejected rows, in the order of the upload; `None` when there is no such import.
    pub async fn rejects_page(
        &self,
        id: &ImportId,
        limit: usize,
        cursor: Option<&str>,
    ) -> Result<Option<Page<Reject>>, StoreError> {
        let Some(audience) = self.import_audience(id).await? else { return Ok(None) };
        self.told_page(&self.keys().import_rejects(&audience, id), limit, cursor).await.map(Some)
    }

    /// A page of an import's duplicates, in the order of the upload; `None` when there is no such import.
    pub async fn duplicates_page(
        &self,
        id: &ImportId,
        limit: usize,
        cursor: Option<&str>,
    ) -> Result<Option<Page<Duplicate>>, StoreError> {
        let Some(audience) = self.import_audience(id).await? else { return Ok(None) };
        self.told_page(&self.keys().import_duplicates(&audience, id), limit, cursor).await.map(Some)
    }

    /// A page of a list that an import has told, which holds [`MAX_REJECTS`] at most.
    async fn told_page<T: DeserializeOwned>(
        &self,
        key: &str,
        limit: usize,
        cursor: Option<&str>,
    ) -> Result<Page<T>, StoreError> {
        let from: usize = cursor.and_then(|cursor| cursor.parse().ok()).unwrap_or(0);
        let (from, until) = (from.min(MAX_REJECTS as usize), from.min(MAX_REJECTS as usize) + limit);
        let mut found: Vec<Vec<u8>> = self.connection().lrange(key, from as isize, until as isize).await?;
        let more = found.len() > limit;
        found.truncate(limit);
        let items = found.iter().map(|json| from_json(key, json)).collect::<Result<_, _>>()?;
        Ok(Page { items, next_cursor: more.then(|| until.to_string()) })
    }
}
