//! The writing half of an import.

use std::collections::{BTreeSet, HashSet};

use dawncast_core::UnixMs;
use redis::AsyncCommands;

use super::{
    AudienceVersion, CHUNK_ROWS, IMPORT_LAPSE_MS, Import, ImportMode, ImportState, MAX_REJECTS, Recipient, Reject,
    imports::KEEP_S, rows::pack, to_json,
};
use crate::{
    Store, StoreError,
    script::{Script, script},
};

static BEAT: Script = script!("beat_import.lua");
static FINISH: Script = script!("finish_import.lua");
static FAIL: Script = script!("fail_import.lua", allow_oom);

/// How long rows of an unfinished import stay after its last chunk or beat, in seconds.
const ROWS_KEEP_S: i64 = 600;

/// Writes the next version of an audience. Rows pass through; what stays in memory is the set of phones, about ten
/// bytes a row, by which duplicates are counted and replaced rows are known.
pub struct ImportWriter {
    store: Store,
    import: Import,
    mode: ImportMode,
    version: u64,
    base: u64,
    phones: HashSet<u64>,
    pending: Vec<Recipient>,
    rejects: Vec<Reject>,
    chunks: u32,
    written: u64,
}

impl ImportWriter {
    pub(super) fn new(store: Store, import: Import, mode: ImportMode, version: u64, base: u64) -> Self {
        let (phones, pending, rejects) = Default::default();
        Self { store, import, mode, version, base, phones, pending, rejects, chunks: 0, written: 0 }
    }

    /// The import as far as it is.
    pub fn import(&self) -> &Import {
        &self.import
    }

    /// Takes a row.
    pub async fn push(&mut self, row: Recipient) -> Result<(), StoreError> {
        self.import.rows += 1;
        self.import.accepted += 1;
        if !self.phones.insert(row.phone) {
            self.import.duplicates += 1;
        }
        self.keep(row).await
    }

    /// Counts a row that is not taken, and keeps the reason for the first [`MAX_REJECTS`].
    pub async fn reject(&mut self, line: u64, reason: String) -> Result<(), StoreError> {
        self.import.rows += 1;
        self.import.rejected += 1;
        if self.import.rejected > MAX_REJECTS {
            return Ok(());
        }
        self.rejects.push(Reject { line, reason });
        if self.rejects.len() < CHUNK_ROWS { Ok(()) } else { self.flush_rejects().await }
    }

    /// Shows a sign of life; call it every few seconds. False when the import counts as dead and must be given up.
    pub async fn beat(&mut self, now: UnixMs) -> Result<bool, StoreError> {
        self.import.updated_at = now;
        let mut call = BEAT.key(self.state_key());
        call.key(self.record_key()).key(self.rows_key());
        call.arg(self.import.id.as_str()).arg(now).arg(IMPORT_LAPSE_MS).arg(to_json(&self.import)).arg(ROWS_KEEP_S);
        Ok(call.invoke_async(&mut self.store.connection()).await?)
    }

    /// Makes the rows written the audience's current version. `columns` are those of the upload that a
    /// message can use. An
    /// upsert first copies the rows that stay. Nothing changes when the import counts as dead by `clock`.
    pub async fn finish(
        mut self,
        mut columns: BTreeSet<String>,
        clock: impl Fn() -> UnixMs,
    ) -> Result<Import, StoreError> {
        if self.mode == ImportMode::Upsert && self.base > 0 {
            columns.extend(self.copy_others(&clock).await?);
        }
        self.flush_rows().await?;
        self.flush_rejects().await?;
        let now = clock();
        self.import.state = ImportState::Done;
        self.import.updated_at = now;
        if self.commit(columns, now).await? {
            return Ok(self.import);
        }
        self.fail("the server was silent for too long during the import; try again", now).await
    }

    /// Ends an import that came to nothing; the audience is as it was.
    pub async fn fail(mut self, error: &str, now: UnixMs) -> Result<Import, StoreError> {
        self.flush_rejects().await?;
        self.import.state = ImportState::Failed;
        self.import.error = Some(error.to_owned());
        self.import.updated_at = now;
        let mut call = FAIL.key(self.state_key());
        call.key(self.record_key()).key(self.rows_key()).arg(self.import.id.as_str()).arg(to_json(&self.import));
        let _ended: bool = call.invoke_async(&mut self.store.connection()).await?;
        Ok(self.import)
    }

    async fn commit(&self, columns: BTreeSet<String>, now: UnixMs) -> Result<bool, StoreError> {
        let (version, rows, chunks) = (self.version, self.written, self.chunks);
        let description = AudienceVersion { version, rows, chunks, columns, updated_at: now };
        let (keys, audience) = (self.store.keys(), &self.import.audience);
        let mut call = FINISH.key(self.state_key());
        call.key(self.record_key()).key(self.rows_key());
        call.key(keys.audience_rows(audience, self.base)).key(keys.audience_pins(audience));
        call.arg(self.import.id.as_str()).arg(now).arg(IMPORT_LAPSE_MS).arg(to_json(&self.import));
        call.arg(version).arg(to_json(&description)).arg(self.base).arg(chunks);
        Ok(call.invoke_async(&mut self.store.connection()).await?)
    }

    /// Copies the rows of the version before whose phones are not in the upload; their columns.
    async fn copy_others(&mut self, clock: &impl Fn() -> UnixMs) -> Result<BTreeSet<String>, StoreError> {
        let audience = self.import.audience.clone();
        let before = self.store.audience_version(&audience).await?;
        let Some(before) = before.filter(|before| before.version == self.base) else { return Ok(BTreeSet::new()) };
        let mut reader = self.store.rows(&audience, &before);
        while let Some(rows) = reader.next().await? {
            for row in rows {
                if !self.phones.contains(&row.phone) {
                    self.keep(row).await?;
                }
            }
            self.beat(clock()).await?;
        }
        Ok(before.columns)
    }

    async fn keep(&mut self, row: Recipient) -> Result<(), StoreError> {
        self.pending.push(row);
        if self.pending.len() < CHUNK_ROWS { Ok(()) } else { self.flush_rows().await }
    }

    async fn flush_rows(&mut self) -> Result<(), StoreError> {
        if self.pending.is_empty() {
            return Ok(());
        }
        let mut pipe = redis::pipe();
        let key = self.rows_key();
        pipe.hset(&key, self.chunks, pack(&self.pending)).ignore().expire(&key, ROWS_KEEP_S).ignore();
        let _: () = pipe.query_async(&mut self.store.connection()).await?;
        self.chunks += 1;
        self.written += self.pending.len() as u64;
        self.pending.clear();
        Ok(())
    }

    async fn flush_rejects(&mut self) -> Result<(), StoreError> {
        if self.rejects.is_empty() {
            return Ok(());
        }
        let key = self.store.keys().import_rejects(&self.import.audience, &self.import.id);
        let rejects: Vec<String> = self.rejects.iter().map(to_json).collect();
        let mut hot = self.store.connection();
        let _: () = hot.rpush(&key, rejects).await?;
        let _: () = hot.expire(&key, KEEP_S).await?;
        self.rejects.clear();
        Ok(())
    }

    fn state_key(&self) -> String {
        self.store.keys().audience_state(&self.import.audience)
    }

    fn record_key(&self) -> String {
        self.store.keys().import_record(&self.import.audience, &self.import.id)
    }

    fn rows_key(&self) -> String {
        self.store.keys().audience_rows(&self.import.audience, self.version)
    }
}
