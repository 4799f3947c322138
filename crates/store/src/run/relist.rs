//! Runs hear that the suppression list has changed: in their own slots, where begin reads it.

use dawncast_core::ids::RunId;
use futures::future::try_join_all;

use crate::{
    Store, StoreError,
    script::{Script, script},
};

static RELIST: Script = script!("relist.lua", allow_oom);

impl Store {
    /// Tells every run that is not closed. After the list was written: a run that is created later finds it so.
    pub(crate) async fn relist_runs(&self) -> Result<(), StoreError> {
        // Never the 0 of a run that has heard nothing yet.
        let state = rand::random::<u64>() | 1;
        let runs = self.active_runs().await?;
        try_join_all(runs.iter().map(|run| self.relist_run(run, state))).await?;
        Ok(())
    }

    /// Tells one run that the list has come to `state`, which no earlier one was. False when the run is gone.
    pub async fn relist_run(&self, run: &RunId, state: u64) -> Result<bool, StoreError> {
        let mut call = RELIST.key(self.keys.run(run));
        call.arg(state);
        Ok(self.invoke_durably::<u8>(&call).await? == 1)
    }
}
