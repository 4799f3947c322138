//! Canary: looks at the part of a run that went out first, and decides whether the rest follows. Until it has, only the
//! canary's pages are in the lane; afterwards reconcile puts in the others. A canary that failed pauses the run in the step
//! that says so: a person lets the rest go on, or cancels it.

use dawncast_core::{
    UnixMs,
    canary::{CanaryVerdict, Seen},
    delivery::Standing,
};
use dawncast_store::run::{Advanced, CanaryJudged, CanaryPages, Run};
use tracing::{info, warn};

use super::{Chores, tick};
use crate::{
    EngineError,
    answer::own_code,
    notify,
    points::{Point, reach},
};

impl Chores {
    pub(super) async fn judge_canary(&self, run: &Run) -> Result<bool, EngineError> {
        let (Some(pages), Some(canary)) = (run.watched_canary(), &run.record.spec.canary) else { return Ok(false) };
        let ((seen, last_begun), now) = (self.see_canary(run, pages).await?, self.clock.now());
        // A canary that was held or slow is watched as long as any: what was sent a moment ago has had no time to fail.
        let watched_until = last_begun.map_or(0, |at| at + canary.watch.ms()).max(pages.watched_until);
        let Some(verdict) = canary.judge(&seen, now >= watched_until) else { return Ok(false) };
        let judged = CanaryJudged { verdict, at: now, seen };
        let why = why_failed(canary.max_failures, &seen);
        let notice = match verdict {
            CanaryVerdict::Failed => self.notice(run, || notify::canary_failed(run, &why, now)),
            CanaryVerdict::Passed => None,
        };
        let id = &run.record.id;
        reach(Point::CanaryBefore);
        let advanced = self.ctx.store.judge_canary(id, &judged, &why, notice.as_ref(), now).await?;
        reach(Point::CanaryAfter);
        match (advanced, verdict) {
            (Advanced::Refused, _) => return Ok(false),
            (Advanced::Moved, CanaryVerdict::Failed) => warn!(run.id = %id, "run {id} is paused: {why}"),
            (Advanced::Moved, CanaryVerdict::Passed) => {
                info!("the canary of run {id} has passed: {} of {} got through", seen.reached, seen.deliveries);
            }
            (Advanced::Present, _) => {}
        }
        // Not as `run` has it: it is from before the verdict.
        if let Some(run) = self.ctx.store.run(id).await? {
            tick::reconcile(self, &run).await?;
        }
        Ok(advanced == Advanced::Moved)
    }

    /// How it stands, and when the latest message of it was begun.
    async fn see_canary(&self, run: &Run, canary: CanaryPages) -> Result<(Seen, Option<UnixMs>), EngineError> {
        let (mut seen, mut last_begun) = (Seen::default(), None);
        for at in run.page_refs().take(canary.pages as usize) {
            let Some(ledger) = self.ctx.store.ledger(&at).await? else { continue };
            for record in &ledger.records {
                let standing = record.standing(&ledger.header.terms);
                last_begun = last_begun.max(record.last_begun);
                seen.add(standing, standing == Standing::Failed && own_code(record.code).is_some());
            }
        }
        Ok((seen, last_begun))
    }
}

/// Why the rest does not go out, and what a person can do.
fn why_failed(bound: f64, seen: &Seen) -> String {
    let Seen { deliveries, suppressed, failed, undecided, .. } = seen;
    let more = if *undecided > 0 { format!(" and {undecided} did not get through") } else { String::new() };
    format!(
        "of the canary's {} messages {failed} failed{more}, more than max_failures {bound}: see the report for the codes, then resume the run to send the rest all the same, or cancel it",
        deliveries - suppressed,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_canary_says_what_was_seen_against_which_bound() {
        let seen = Seen { deliveries: 101, suppressed: 1, failed: 3, undecided: 2, ..Seen::default() };
        assert_eq!(
            why_failed(0.02, &seen),
            "of the canary's 100 messages 3 failed and 2 did not get through, more than max_failures 0.02: see the \
             report for the codes, then resume the run to send the rest all the same, or cancel it"
        );
    }
}
