//! The writing half of an import.

use std::{
    collections::BTreeSet,
    io,
    mem::replace,
    path::{Path, PathBuf},
    time::Duration,
};

use dawncast_core::{UnixMs, schedule::Zones};
use redis::AsyncCommands;
use serde::Serialize;
use tokio::{task::spawn_blocking, time::timeout};

use super::{
    AudienceVersion, CHUNK_ROWS, IMPORT_LAPSE_MS, Import, ImportMode, ImportState, MAX_REJECTS, Recipient, Reject,
    duplicates::{Rows, Settled, settle},
    imports::KEEP_S,
    rows::pack,
    sightings::{Sighting, Sightings},
    to_json,
};
use crate::{
    Store, StoreError,
    script::{Script, script, version_script},
};

static BEAT: Script = script!("beat_import.lua");
static FINISH: Script = version_script!("finish_import.lua");
static FAIL: Script = script!("fail_import.lua", allow_oom);

/// How long rows of an unfinished import stay after its last chunk or beat, in seconds.
const ROWS_KEEP_S: i64 = 600;

/// A sign of life is due this often while rows are sorted.
const BEAT_EVERY: Duration = Duration::from_secs(3);

/// Writes the next version of an audience. Rows pass through; by which phones and ids they came is noted in
/// `Sightings`, so that the memory that is needed does not grow with the rows, but for a bit for each row that an
/// upsert may replace.
pub struct ImportWriter {
    store: Store,
    import: Import,
    mode: ImportMode,
    version: u64,
    base: u64,
    scratch: PathBuf,
    seen: Sightings,
    pending: Vec<Recipient>,
    rejects: Vec<Reject>,
    zones: Zones,
    chunks: u32,
    written: u64,
}

impl ImportWriter {
    pub(super) fn new(store: Store, import: Import, mode: ImportMode, version: u64, base: u64) -> Self {
        let (pending, rejects, scratch) = (Vec::new(), Vec::new(), std::env::temp_dir());
        let seen = Sightings::new(scratch.clone());
        let zones = Zones::default();
        Self { store, import, mode, version, base, scratch, seen, pending, rejects, zones, chunks: 0, written: 0 }
    }

    /// The same import with its scratch files in `folder`, where it can be made: 64 bytes a row on a real disk. They
    /// are in the system's folder for temporary files otherwise.
    #[must_use]
    pub fn with_scratch(self, folder: PathBuf) -> Self {
        Self { seen: Sightings::new(folder.clone()), scratch: folder, ..self }
    }

    /// The import as far as it is.
    pub fn import(&self) -> &Import {
        &self.import
    }

    /// Takes the row on `line` of the upload.
    pub async fn push(&mut self, line: u64, row: Recipient) -> Result<(), StoreError> {
        self.import.rows += 1;
        self.import.accepted += 1;
        note(&mut self.seen, &self.scratch, Sighting::of_phone(line, row.phone)).await?;
        if let Some(id) = &row.id {
            note(&mut self.seen, &self.scratch, Sighting::of_id(line, row.phone, id)).await?;
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

    /// Makes the rows written the audience's current version. `columns` are those of the upload that a message can use.
    /// An upsert first copies the rows that stay. Nothing changes when the import counts as dead by `clock`, or its
    /// scratch files cannot be used.
    pub async fn finish(
        mut self,
        mut columns: BTreeSet<String>,
        clock: impl Fn() -> UnixMs,
    ) -> Result<Import, StoreError> {
        match self.complete(&mut columns, &clock).await {
            Err(StoreError::Scratch(why)) => return self.fail(&StoreError::Scratch(why).to_string(), clock()).await,
            completed => completed?,
        }
        let now = clock();
        self.import.state = ImportState::Done;
        self.import.updated_at = now;
        if self.commit(columns, now).await? {
            return Ok(self.import);
        }
        self.fail("the server was silent for too long during the import; try again", now).await
    }

    /// Everything but the last step.
    async fn complete(
        &mut self,
        columns: &mut BTreeSet<String>,
        clock: &impl Fn() -> UnixMs,
    ) -> Result<(), StoreError> {
        let before = self.version_before().await?;
        let settled = self.settle(before.as_ref(), clock).await?;
        self.import.duplicates = settled.phones + settled.ids;
        self.import.duplicate_ids = settled.ids;
        if let Some(before) = before {
            self.copy_others(&before, &settled.replaced, clock).await?;
            columns.extend(before.columns);
        }
        self.flush_rows().await?;
        self.flush_rejects().await?;
        let key = self.store.keys().import_duplicates(&self.import.audience, &self.import.id);
        // From the start again, should this be a second try.
        let _: () = self.store.connection().del(&key).await?;
        for part in settled.told.chunks(CHUNK_ROWS) {
            self.tell(&key, part).await?;
        }
        Ok(())
    }

    /// The version whose rows an upsert keeps.
    async fn version_before(&self) -> Result<Option<AudienceVersion>, StoreError> {
        if self.mode == ImportMode::Replace || self.base == 0 {
            return Ok(None);
        }
        let before = self.store.audience_version(&self.import.audience).await?;
        Ok(before.filter(|before| before.version == self.base))
    }

    /// Finds duplicates, and the rows that the upload replaces.
    async fn settle(
        &mut self,
        before: Option<&AudienceVersion>,
        clock: &impl Fn() -> UnixMs,
    ) -> Result<Settled, StoreError> {
        let mut old = Sightings::new(self.scratch.clone());
        if let Some(before) = before {
            let (mut reader, mut place) = (self.store.rows(&self.import.audience, before), 0);
            while let Some(rows) = reader.next().await? {
                for row in rows {
                    note(&mut old, &self.scratch, Sighting::of_phone(place, row.phone)).await?;
                    place += 1;
                }
                self.beat(clock()).await?;
            }
        }
        let seen = replace(&mut self.seen, Sightings::new(self.scratch.clone()));
        let mut work = spawn_blocking(move || settle(seen, old));
        loop {
            match timeout(BEAT_EVERY, &mut work).await {
                Ok(settled) => return settled.expect("sorting does not panic").map_err(StoreError::Scratch),
                Err(_) => self.beat(clock()).await?,
            };
        }
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
        let zones = self.zones.clone();
        let description = AudienceVersion { version, rows, chunks, columns, zones, updated_at: now };
        let (keys, audience) = (self.store.keys(), &self.import.audience);
        let mut call = FINISH.key(self.state_key());
        call.key(self.record_key()).key(self.rows_key());
        call.key(keys.audience_rows(audience, self.base)).key(keys.audience_pins(audience));
        call.key(keys.audience_reading(audience, self.base));
        call.arg(self.import.id.as_str()).arg(now).arg(IMPORT_LAPSE_MS).arg(to_json(&self.import));
        call.arg(version).arg(to_json(&description)).arg(self.base).arg(chunks);
        Ok(call.invoke_async(&mut self.store.connection()).await?)
    }

    /// Copies the rows of the version before that the upload does not replace.
    async fn copy_others(
        &mut self,
        before: &AudienceVersion,
        replaced: &Rows,
        clock: &impl Fn() -> UnixMs,
    ) -> Result<(), StoreError> {
        let (mut reader, mut place) = (self.store.rows(&self.import.audience, before), 0);
        while let Some(rows) = reader.next().await? {
            for row in rows {
                if !replaced.has(place) {
                    self.keep(row).await?;
                }
                place += 1;
            }
            self.beat(clock()).await?;
        }
        Ok(())
    }

    async fn keep(&mut self, row: Recipient) -> Result<(), StoreError> {
        self.zones.note(row.timezone.as_deref());
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
        let key = self.store.keys().import_rejects(&self.import.audience, &self.import.id);
        let rejects = std::mem::take(&mut self.rejects);
        self.tell(&key, &rejects).await
    }

    /// Adds to what can be looked up of the import.
    async fn tell<T: Serialize>(&self, key: &str, items: &[T]) -> Result<(), StoreError> {
        if items.is_empty() {
            return Ok(());
        }
        let items: Vec<String> = items.iter().map(to_json).collect();
        let mut hot = self.store.connection();
        let _: () = hot.rpush(key, items).await?;
        Ok(hot.expire(key, KEEP_S).await?)
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

/// Notes a sighting; lays down what is held when that is much.
async fn note(seen: &mut Sightings, scratch: &Path, sighting: Sighting) -> Result<(), StoreError> {
    if !seen.note(sighting) {
        return Ok(());
    }
    let full = replace(seen, Sightings::new(scratch.to_owned()));
    let laid_down: io::Result<Sightings> = spawn_blocking(|| full.lay_down()).await.expect("sorting does not panic");
    *seen = laid_down.map_err(StoreError::Scratch)?;
    Ok(())
}
