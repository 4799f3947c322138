//! Missed: a run's deadline has passed and nothing of it was sent. Found by the tick as soon as that is so, and once more
//! before a run is closed, for one whose steps were all taken between two ticks.

use dawncast_core::UnixMs;
use dawncast_store::run::{Hold, Run, RunState};
use metrics::counter;
use tracing::error;

use super::Chores;
use crate::{EngineError, metrics::RUNS_MISSED, notify};

/// Whether `run` may have missed its schedule by `now`; its tallies know.
fn is_candidate(run: &Run, now: UnixMs) -> bool {
    let is_over = run.cancelled_at.is_some() || run.state == RunState::Closed;
    let had_something_to_send = run.frozen.as_ref().is_none_or(|frozen| frozen.deliveries() > 0);
    // What is known of a restored run may be of an earlier day, and when a person has acknowledged that, nobody can tell.
    let is_known = !run.holds.contains(&Hold::Restore) && run.doubt_until.is_none();
    let is_late = now >= run.record.opening.deadline_at;
    is_late && !is_over && had_something_to_send && is_known && run.missed_at.is_none()
}

impl Chores {
    /// Notes that `run` has missed its schedule, if it has: once, whoever finds it how often.
    pub(super) async fn see_missed(&self, run: &Run) -> Result<(), EngineError> {
        let (store, id, now) = (&self.ctx.store, &run.record.id, self.clock.now());
        if !is_candidate(run, now) || store.run_tallies(id).await?.tallies.attempts > 0 || !self.ctx.vigil.trusts() {
            return Ok(());
        }
        let notice = self.notice(run, || notify::missed(run, now));
        if store.note_missed(id, notice.as_ref(), now).await? {
            error!(run.id = %id, "run {id} has missed its schedule: its deadline has passed and nothing was sent");
            counter!(RUNS_MISSED).increment(1);
        }
        Ok(())
    }
}
