//! The rows that freeze found not to be written to, by lists that change: pinned beside the run, so that plan comes to the
//! same selection whatever has changed since.

use std::collections::BTreeMap;

use dawncast_core::ids::RunId;
use redis::AsyncCommands;

use super::DroppedRow;
use crate::{Store, StoreError};

/// Rows are stored in parts of this many.
const BATCH: usize = 500;
/// What no plan reads goes by itself: the leavings of a freeze that died, or that another came before. Longer than any run
/// is held.
const KEPT_SECONDS: i64 = 30 * 24 * 60 * 60;

impl Store {
    /// Stores the rows for the plan that `token` will name: before freeze names it, so that no plan is ever without them.
    pub async fn put_screened(&self, run: &RunId, token: &str, rows: &[DroppedRow]) -> Result<(), StoreError> {
        let key = self.keys.screened(run, token);
        for (number, part) in rows.chunks(BATCH).enumerate() {
            let part = serde_json::to_string(part).expect("rows are plain data");
            let mut pipe = redis::pipe();
            pipe.hset(&key, number, part).ignore().expire(&key, KEPT_SECONDS).ignore();
            let () = pipe.query_async(&mut self.hot.clone()).await?;
        }
        Ok(())
    }

    /// The rows of the plan that `token` names, `count` of them.
    pub async fn screened(&self, run: &RunId, token: &str, count: u64) -> Result<Vec<DroppedRow>, StoreError> {
        let key = self.keys.screened(run, token);
        let corrupt = |detail: &str| StoreError::Corrupt { key: key.clone(), detail: detail.to_owned() };
        let parts: BTreeMap<u32, String> = self.admin().await?.hgetall(&key).await?;
        let mut rows = Vec::new();
        for part in parts.values() {
            let part: Result<Vec<DroppedRow>, _> = serde_json::from_str(part);
            rows.extend(part.map_err(|_| corrupt("its rows cannot be read"))?);
        }
        if rows.len() as u64 == count { Ok(rows) } else { Err(corrupt("rows are missing: cancel the run")) }
    }

    /// Stores which number may send to each row of the audience, a place in the run's table each, for the plan that
    /// `token` will name.
    pub async fn put_fixed_numbers(&self, run: &RunId, token: &str, numbers: &[u8]) -> Result<(), StoreError> {
        let key = self.keys.fixed_numbers(run, token);
        Ok(self.hot.clone().set_ex(key, numbers, KEPT_SECONDS as u64).await?)
    }

    /// The numbers of the plan that `token` names.
    pub async fn fixed_numbers(&self, run: &RunId, token: &str) -> Result<Vec<u8>, StoreError> {
        let key = self.keys.fixed_numbers(run, token);
        let numbers: Option<Vec<u8>> = self.admin().await?.get(&key).await?;
        numbers.ok_or_else(|| StoreError::Corrupt { key, detail: "it is missing: cancel the run".to_owned() })
    }

    /// Forgets both, once the plan stands.
    pub async fn forget_screened(&self, run: &RunId, token: &str) -> Result<(), StoreError> {
        let keys = [self.keys.screened(run, token), self.keys.fixed_numbers(run, token)];
        Ok(self.hot.clone().del(&keys).await?)
    }
}
