//! Open: lets attempts begin and puts the pages into their lane. First the state, then the pages: a process that dies in
//! between leaves an open run whose pages reconcile puts in, within two seconds.

use dawncast_store::run::{Advanced, Run};

use super::{Chores, tick};
use crate::EngineError;

impl Chores {
    pub(super) async fn open(&self, run: &Run) -> Result<bool, EngineError> {
        let advanced = self.ctx.store.open_run(&run.record.id, self.clock.now()).await?;
        if advanced != Advanced::Refused {
            tick::reconcile(self, run).await?;
        }
        Ok(advanced == Advanced::Moved)
    }
}
