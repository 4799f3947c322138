//! The rows that freeze dropped: each keeps its reason, so that "why did she not get it?" has an answer.

use std::collections::BTreeMap;

use dawncast_core::{ids::RunId, report::DropReason};
use redis::AsyncCommands;
use serde::{Deserialize, Serialize};

use crate::{
    Store, StoreError,
    script::{Script, script},
};

static DROPPED: Script = script!("dropped.lua");

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
    /// Which row of the pinned audience it is, from 1; none where an earlier version has dropped it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub row: Option<u64>,
}

impl Store {
    /// Stores the dropped rows of the plan that `token` names; false when the run no longer waits for it.
    pub async fn put_dropped(&self, run: &RunId, token: &str, rows: &[DroppedRow]) -> Result<bool, StoreError> {
        let mut kept = true;
        for (number, part) in rows.chunks(BATCH).enumerate() {
            let rows = serde_json::to_string(part).expect("rows are plain data");
            let mut call = DROPPED.key(self.keys.run(run));
            call.key(self.keys.dropped(run)).arg(token).arg(number).arg(rows);
            kept &= call.invoke_async::<i64>(&mut self.hot.clone()).await? == 1;
        }
        Ok(kept)
    }

    /// The dropped rows of a run, in the audience's order.
    pub async fn dropped(&self, run: &RunId) -> Result<Vec<DroppedRow>, StoreError> {
        let key = self.keys.dropped(run);
        let parts: BTreeMap<u32, String> = self.admin().await?.hgetall(&key).await?;
        if parts.is_empty()
            && let Some(run) = self.run(run).await?.filter(|run| run.archived.is_some())
        {
            return self.archived_dropped(&run).await;
        }
        let mut rows = Vec::new();
        for part in parts.values() {
            let part: Result<Vec<DroppedRow>, _> = serde_json::from_str(part);
            let detail = "its rows cannot be read".to_owned();
            rows.extend(part.map_err(|_| StoreError::Corrupt { key: key.clone(), detail })?);
        }
        Ok(rows)
    }
}
