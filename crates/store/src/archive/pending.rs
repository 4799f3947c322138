//! The runs that wait for the archive.

use dawncast_core::{UnixMs, ids::RunId};
use redis::AsyncCommands;

use crate::{
    Store, StoreError,
    run::RunState,
    script::{Script, script},
};

static CLAIM: Script = script!("claim.lua", allow_oom);

/// Runs that are looked at in one step.
const BATCH: usize = 500;

/// How many wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pending {
    /// Closed runs that Redis still holds all of.
    pub runs: u64,
    /// When the one was closed that has waited longest.
    pub oldest: Option<UnixMs>,
}

impl Store {
    /// Lists a closed run for the archive; one that is listed stays as it is.
    pub async fn await_archive(&self, run: &RunId, closed_at: UnixMs) -> Result<(), StoreError> {
        let mut list = redis::cmd("ZADD");
        list.arg(self.keys.to_archive()).arg("NX").arg(closed_at).arg(run.as_str());
        Ok(list.query_async(&mut self.hot.clone()).await?)
    }

    /// Lists every closed run that is not archived: those that were closed before there was an archive.
    pub async fn list_unarchived(&self) -> Result<(), StoreError> {
        let ids: Vec<String> = self.admin().await?.zrange(self.keys.runs(), 0, -1).await?;
        let ids: Vec<RunId> = ids.iter().filter_map(|id| id.parse().ok()).collect();
        for batch in ids.chunks(BATCH) {
            let mut pipe = redis::pipe();
            for id in batch {
                pipe.hmget(self.keys.run(id), &["state", "closed_at", "freed_at"]);
            }
            let found: Vec<[Option<String>; 3]> = pipe.query_async(&mut self.admin().await?).await?;
            for (id, [state, closed_at, freed_at]) in batch.iter().zip(found) {
                let closed_at = closed_at.and_then(|at| at.parse().ok()).filter(|_| freed_at.is_none());
                if let (Some(RunState::Closed), Some(at)) = (state.as_deref().and_then(RunState::from_word), closed_at)
                {
                    self.await_archive(id, at).await?;
                }
            }
        }
        Ok(())
    }

    /// Up to `limit` runs that were closed by `until` and wait for the archive, the earliest first.
    pub async fn archivable(&self, until: UnixMs, limit: isize) -> Result<Vec<RunId>, StoreError> {
        let ids: Vec<String> =
            self.hot.clone().zrangebyscore_limit(self.keys.to_archive(), "-inf", until, 0, limit).await?;
        Ok(ids.iter().filter_map(|id| id.parse().ok()).collect())
    }

    /// Takes a run off the list of which nothing is left to archive.
    pub async fn forget_archivable(&self, run: &RunId) -> Result<(), StoreError> {
        Ok(self.hot.clone().zrem(self.keys.to_archive(), run.as_str()).await?)
    }

    /// How many wait for the archive.
    pub async fn pending_archive(&self) -> Result<Pending, StoreError> {
        let key = self.keys.to_archive();
        let (runs, oldest): (u64, Vec<(String, f64)>) =
            redis::pipe().zcard(&key).zrange_withscores(&key, 0, 0).query_async(&mut self.hot.clone()).await?;
        Ok(Pending { runs, oldest: oldest.first().map(|(_, at)| *at as UnixMs) })
    }

    /// Takes a run to archive it, for `hold_ms`, so that no other scheduler does the same work; whoever has it takes it
    /// again. Nothing but that depends on it.
    pub async fn claim_archive(&self, run: &RunId, token: u32, hold_ms: u64) -> Result<bool, StoreError> {
        let mut call = CLAIM.key(self.keys.archiving(run));
        let code: i64 = call.arg(token).arg(hold_ms).invoke_async(&mut self.hot.clone()).await?;
        Ok(code == 1)
    }

    /// Lets go of a run that was taken.
    pub async fn release_archive(&self, run: &RunId) -> Result<(), StoreError> {
        Ok(self.hot.clone().del(self.keys.archiving(run)).await?)
    }
}
