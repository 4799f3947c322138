//! The rows that freeze dropped: each keeps its reason, so that "why did she not get it?" has an answer.

use dawncast_core::{ids::RunId, report::DropReason};
use redis::AsyncCommands;
use serde::{Deserialize, Serialize};

use crate::{Store, StoreError};

/// Rows are stored in parts of this many.
const BATCH: usize = 500;

/// A row that was not sent to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DroppedRow {
    /// The phone's digits.
    pub phone: u64,
    /// The caller's own id; empty when there is none.
    pub id: String,
    /// Why.
    pub reason: DropReason,
    /// What exactly, where the reason leaves a question.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
}

impl Store {
    /// Stores the dropped rows of a run, in place of what an earlier try has left.
    pub async fn put_dropped(&self, run: &RunId, rows: &[DroppedRow]) -> Result<(), StoreError> {
        let key = self.keys.dropped(run);
        let mut hot = self.hot.clone();
        let mut parts = Vec::new();
        for part in rows.chunks(BATCH) {
            parts.push(serde_json::to_string(part).expect("rows are plain data"));
        }
        let mut pipe = redis::pipe();
        pipe.atomic().del(&key).ignore();
        if !parts.is_empty() {
            pipe.rpush(&key, parts).ignore();
        }
        Ok(pipe.query_async(&mut hot).await?)
    }

    /// The dropped rows of a run.
    pub async fn dropped(&self, run: &RunId) -> Result<Vec<DroppedRow>, StoreError> {
        let key = self.keys.dropped(run);
        let parts: Vec<String> = self.hot.clone().lrange(&key, 0, -1).await?;
        let read = |part: &String| serde_json::from_str::<Vec<DroppedRow>>(part);
        let rows: Result<Vec<_>, _> = parts.iter().map(read).collect();
        let detail = "its rows cannot be read".to_owned();
        Ok(rows.map_err(|_| StoreError::Corrupt { key, detail })?.into_iter().flatten().collect())
    }
}
