//! Open: lets attempts begin and puts the pages into their lane. First the state, then the pages: a process that dies in
//! between leaves an open run whose pages reconcile puts in, within two seconds.

use dawncast_store::run::{Advanced, Run};

use super::{Chores, tick};
use crate::{
    EngineError, notify,
    points::{Point, reach},
};

impl Chores {
    pub(super) async fn open(&self, run: &Run) -> Result<bool, EngineError> {
        reach(Point::OpenBefore);
        let now = self.clock.now();
        let notice = self.notice(run, || notify::opened(run, now));
        let advanced = self.ctx.store.open_run(&run.record.id, now, notice.as_ref()).await?;
        reach(Point::OpenAfter);
        if advanced != Advanced::Refused {
            tick::reconcile(self, run).await?;
        }
        Ok(advanced == Advanced::Moved)
    }
}
