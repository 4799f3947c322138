//! Pools, which exist through their numbers, and the switch that stops everything.

use std::collections::{BTreeMap, HashSet};

use dawncast_core::{
    UnixMs,
    ids::{NumberId, PoolId},
};
use redis::AsyncCommands;
use serde::Serialize;

use crate::{Store, StoreError};

/// Numbers that may stand in for each other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Pool {
    /// Its name.
    pub id: PoolId,
    /// Its numbers, in the order of their ids.
    pub numbers: Vec<NumberId>,
    /// A paused pool is granted no credit.
    pub paused: bool,
}

impl Store {
    /// Every pool that has a number, by name.
    pub async fn pools(&self) -> Result<Vec<Pool>, StoreError> {
        let paused: HashSet<String> = self.connection().smembers(self.keys().paused_pools()).await?;
        let mut pools = BTreeMap::<PoolId, Vec<NumberId>>::new();
        for number in self.numbers().await? {
            pools.entry(number.pool).or_default().push(number.phone_number_id);
        }
        let pool = |(id, mut numbers): (PoolId, Vec<NumberId>)| {
            numbers.sort();
            Pool { paused: paused.contains(id.as_str()), id, numbers }
        };
        Ok(pools.into_iter().map(pool).collect())
    }

    /// Whether the pool is paused.
    pub async fn pool_paused(&self, pool: &PoolId) -> Result<bool, StoreError> {
        Ok(self.connection().sismember(self.keys().paused_pools(), pool.as_str()).await?)
    }

    /// Pauses or resumes a pool. When this has returned, no begin of its runs succeeds: the mark comes first, so that
    /// a run created meanwhile takes it over, then each run is held.
    pub async fn set_pool_paused(&self, pool: &PoolId, paused: bool) -> Result<(), StoreError> {
        let (mut hot, key) = (self.connection(), self.keys().paused_pools());
        let _: () = if paused { hot.sadd(key, pool.as_str()).await? } else { hot.srem(key, pool.as_str()).await? };
        self.hold_runs(Some(pool)).await
    }

    /// Stops everything: when this has returned, no begin succeeds. The first stop's time stands until
    /// [`Store::start`].
    pub async fn stop(&self, now: UnixMs) -> Result<(), StoreError> {
        let _first: bool = self.connection().set_nx(self.keys().stopped(), now).await?;
        self.hold_runs(None).await
    }

    /// Takes the stop back.
    pub async fn start(&self) -> Result<(), StoreError> {
        let _: () = self.connection().del(self.keys().stopped()).await?;
        self.hold_runs(None).await
    }

    /// Since when everything is stopped; `None` when nothing is.
    pub async fn stopped(&self) -> Result<Option<UnixMs>, StoreError> {
        Ok(self.connection().get(self.keys().stopped()).await?)
    }
}
