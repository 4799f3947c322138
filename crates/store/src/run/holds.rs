//! Holds: why a run that is open lets nothing begin (rule 7, pause, cancel, stop and deadline). They live in the run's own slot, where begin reads them.

use dawncast_core::ids::{PoolId, RunId};

use crate::{
    Store, StoreError,
    script::{Script, script},
};

static HOLD: Script = script!("hold.lua", allow_oom);

/// A reason to hold a run. Several may stand at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hold {
    /// A person paused the run, or its campaign.
    Run,
    /// A person paused its pool.
    Pool,
    /// A person stopped everything.
    Stop,
    /// The database is a restored snapshot that no person has acknowledged.
    Restore,
}

impl Hold {
    /// All.
    pub const ALL: [Self; 4] = [Self::Run, Self::Pool, Self::Stop, Self::Restore];

    pub(crate) fn field(self) -> &'static str {
        match self {
            Self::Run => "hold:run",
            Self::Pool => "hold:pool",
            Self::Stop => "hold:stop",
            Self::Restore => "hold:restore",
        }
    }

    /// Its name, in the words of the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Run => "paused",
            Self::Pool => "pool_paused",
            Self::Stop => "stopped",
            Self::Restore => "restored",
        }
    }
}

impl Store {
    /// Holds a run, or lifts the hold. When this has returned, no begin of the run succeeds. False when the run is
    /// over, or unknown.
    pub async fn hold_run(&self, run: &RunId, hold: Hold, on: bool) -> Result<bool, StoreError> {
        let held: i64 = HOLD
            .key(self.keys.run(run))
            .arg(hold.field())
            .arg(if on { "1" } else { "0" })
            .invoke_async(&mut self.hot.clone())
            .await?;
        Ok(held == 1)
    }

    /// Brings the holds of a run in line with what stands for its pool and for everything. Looks again after it wrote:
    /// whoever stops or starts meanwhile may have been at this run just before.
    pub(crate) async fn take_over_holds(&self, run: &RunId, pool: &PoolId) -> Result<(), StoreError> {
        let mut standing = self.standing_holds(pool).await?;
        loop {
            for (hold, on) in standing {
                self.hold_run(run, hold, on).await?;
            }
            let again = self.standing_holds(pool).await?;
            if again == standing {
                return Ok(());
            }
            standing = again;
        }
    }

    async fn standing_holds(&self, pool: &PoolId) -> Result<[(Hold, bool); 3], StoreError> {
        Ok([
            (Hold::Restore, self.restored().await?.is_some()),
            (Hold::Stop, self.stopped().await?.is_some()),
            (Hold::Pool, self.pool_paused(pool).await?),
        ])
    }

    /// Holds, or lets go, every active run, or those of one pool, as it stands for them.
    pub(crate) async fn hold_runs(&self, pool: Option<&PoolId>) -> Result<(), StoreError> {
        for id in self.active_runs().await? {
            let Some(run) = self.run(&id).await? else { continue };
            if pool.is_none_or(|pool| *pool == run.record.spec.pool) {
                self.take_over_holds(&id, &run.record.spec.pool).await?;
            }
        }
        Ok(())
    }
}
