//! Restored snapshots. A database has an id, beats each second, and counts up a generation when a person acknowledges
//! that it was restored. Every process remembers outside of Redis how far it has seen it come: one that is found to be
//! behind is a copy of an earlier day, which knows nothing of what went out since. It is marked, and nothing begins until
//! a person says so.

mod acknowledge;
mod readiness;

use std::collections::HashMap;

use dawncast_core::UnixMs;
use redis::AsyncCommands;
use serde::{Deserialize, Serialize};

pub use acknowledge::InDoubt;
pub use readiness::Unready;

use crate::{
    ServerId, Store, StoreError,
    records::mint,
    script::{Script, script},
};

static COMPARE: Script = script!("compare.lua");

/// Being behind by so much is what a crash or a failover costs where writes may be lost: no snapshot is so young.
const TOLERANCE_MS: i64 = 10_000;
/// From the last beat that anybody has seen, attempts may have begun for this long: a process begins nothing whose own
/// last beat is older than two seconds, and its notes are a moment behind.
const MARGIN_MS: i64 = 3_000;

/// How far a database has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// The database's id, minted once.
    pub database: String,
    /// How many restores people have acknowledged.
    pub generation: u64,
    /// Its latest beat, in Redis' time.
    pub beat: UnixMs,
}

impl Seen {
    /// Nothing yet of the database of this id; of an empty id, not even that.
    pub fn nothing(database: impl Into<String>) -> Self {
        Self { database: database.into(), generation: 0, beat: 0 }
    }
}

/// What a comparison found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Compared {
    /// The database lives, and has beaten.
    Beats,
    /// It is a restored snapshot, and waits for a person.
    Restored,
    /// It is another one than the caller knows. Nothing was compared: ask again with what is known of this one.
    Other,
}

/// The answer to a comparison.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comparison {
    /// What was found.
    pub compared: Compared,
    /// How far the database has come.
    pub seen: Seen,
    /// The server that answered.
    pub server: ServerId,
}

/// A restored snapshot that waits for a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Restored {
    /// Since when it is known.
    pub since: UnixMs,
    /// The snapshot's last beat: it knows nothing of what happened after.
    pub snapshot_beat: UnixMs,
    /// The last beat that any process has seen of the database as it was.
    pub highest_beat: UnixMs,
}

impl Restored {
    /// What was due until then may have gone out.
    pub fn doubt_until(&self) -> UnixMs {
        self.highest_beat + MARGIN_MS
    }
}

impl Store {
    /// Compares the database with what the caller has seen of it, in one step with the beat: a database that is behind is
    /// marked as restored, and does not beat. Harmless to repeat.
    pub async fn compare(&self, known: &Seen) -> Result<Comparison, StoreError> {
        let (word, database, generation, beat, run_id): (String, String, u64, UnixMs, String) = COMPARE
            .key(self.keys.database())
            .key(self.keys.restore())
            .key(self.keys.breaks())
            .arg(self.now_argument())
            .arg(mint())
            .arg(&known.database)
            .arg(known.generation)
            .arg(known.beat)
            .arg(TOLERANCE_MS)
            .invoke_async(&mut self.hot.clone())
            .await?;
        let compared = match word.as_str() {
            "beats" => Compared::Beats,
            "restored" => Compared::Restored,
            _ => Compared::Other,
        };
        let server = ServerId::of_run_id(&run_id).unwrap_or_default();
        Ok(Comparison { compared, seen: Seen { database, generation, beat }, server })
    }

    /// The restored snapshot that waits for a person; none when none does.
    pub async fn restored(&self) -> Result<Option<Restored>, StoreError> {
        let key = self.keys.restore();
        let fields: HashMap<String, UnixMs> = self.hot.clone().hgetall(&key).await?;
        if fields.is_empty() {
            return Ok(None);
        }
        let field = |name: &str| {
            let corrupt = || StoreError::Corrupt { key: key.clone(), detail: format!("its field `{name}` is missing") };
            fields.get(name).copied().ok_or_else(corrupt)
        };
        Ok(Some(Restored {
            since: field("since")?,
            snapshot_beat: field("snapshot_beat")?,
            highest_beat: field("highest_beat")?,
        }))
    }
}
