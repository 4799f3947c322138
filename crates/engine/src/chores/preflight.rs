//! Preflight: a minute before, sees whether the run can go. Go; go degraded, and say so; or hold, and say why.

use std::collections::BTreeMap;

use dawncast_core::{doctor::Finding, ids::NumberId, report::DropReason};
use dawncast_store::run::{Advanced, Frozen, Run};
use tracing::warn;

use super::{
    Chores,
    examine::{Fitness, remarks as told},
};
use crate::{
    EngineError,
    answer::Rest,
    points::{Point, reach},
};

/// What was seen of the numbers beside whether they can send.
#[derive(Default)]
struct Seen {
    /// What is worth knowing.
    noted: Vec<Finding>,
    /// Those that cannot send and would be asked to.
    unfit: Vec<NumberId>,
}

impl Chores {
    pub(super) async fn preflight(&self, run: &Run) -> Result<bool, EngineError> {
        let Some(frozen) = &run.frozen else { return Ok(false) };
        if let Some(why) = too_many_defects(run, frozen) {
            return self.hold(run, &why).await;
        }
        if let Some(why) = self.too_old(run, frozen).await? {
            return self.hold(run, &why).await;
        }
        let mut seen = Seen::default();
        if let Some(why) = self.check_files(run, &mut seen.noted).await? {
            return self.hold(run, &why).await;
        }
        let mut remarks = Vec::new();
        let (mut fit, mut lacking) = (0, 0);
        for sender in frozen.senders.iter().filter(|sender| !sender.standby) {
            match self.check_number(run, &sender.number, &mut seen).await? {
                Fitness::Fit => fit += 1,
                Fitness::Instead(why) => {
                    fit += 1;
                    remarks.push(format!("number {}: {why}", sender.number));
                }
                Fitness::Lacks(_) if frozen.fallback == 0 => fit += 1,
                Fitness::Lacks(why) => {
                    (fit, lacking) = (fit + 1, lacking + 1);
                    remarks.push(format!("number {} cannot send what is fallen back to: {why}", sender.number));
                }
                Fitness::Unknown(why) => {
                    fit += 1;
                    remarks.push(format!("number {}: {why}", sender.number));
                }
                Fitness::NoTemplate(why) | Fitness::Unfit(why) => {
                    remarks.push(format!("number {} cannot send: {why}", sender.number))
                }
            }
        }
        if fit == 0 && !frozen.fixed {
            fit = self.fit_standbys(run, frozen, &mut seen, &mut remarks).await?;
        }
        if fit == lacking {
            let why = if remarks.is_empty() { "the pool has no active number".to_owned() } else { remarks.join("; ") };
            return self.hold(run, &why).await;
        }
        // Not before it is sure to go: a held run would find its numbers at rest when a person has mended them.
        for id in &seen.unfit {
            self.ctx.store.rest(id, Rest::UNFIT.hold).await?;
        }
        seen.noted.extend(self.check_ground().await?);
        remarks.extend(told(seen.noted));
        remarks.extend(frozen.over_quota.as_ref().map(|lack| format!("{lack}; Meta may refuse the rest (131048)")));
        remarks.extend(frozen.over_caps.clone());
        for remark in &remarks {
            warn!(run.id = %run.record.id, "run {} goes degraded: {remark}", run.record.id);
        }
        reach(Point::PreflightBefore);
        let advanced = self.ctx.store.ready_run(&run.record.id, &remarks).await?;
        reach(Point::PreflightAfter);
        Ok(advanced == Advanced::Moved)
    }

    /// How many standbys can send: where no home can, they stand in for all.
    async fn fit_standbys(
        &self,
        run: &Run,
        frozen: &Frozen,
        seen: &mut Seen,
        remarks: &mut Vec<String>,
    ) -> Result<usize, EngineError> {
        let mut fit = 0;
        for sender in frozen.senders.iter().filter(|sender| sender.standby) {
            if let Fitness::Fit | Fitness::Instead(_) | Fitness::Unknown(_) =
                self.check_number(run, &sender.number, seen).await?
            {
                remarks.push(format!("number {} stands in for all", sender.number));
                fit += 1;
            }
        }
        Ok(fit)
    }

    /// Whether the rows have become too old since freeze, because the engine was down or a hold took long.
    async fn too_old(&self, run: &Run, frozen: &Frozen) -> Result<Option<String>, EngineError> {
        let audience = &run.record.spec.audience;
        let Some(version) = self.ctx.store.pin(&audience.id, &run.record.id).await? else { return Ok(None) };
        let stale = audience.stale(version.updated_at, frozen.opens_at.max(self.clock.now()));
        Ok(stale.map(|why| format!("{why}: cancel this run, import today's rows, submit again")))
    }

    /// Token, status and template of one number. One that cannot send is to rest, so that others stand in for it.
    async fn check_number(&self, run: &Run, id: &NumberId, seen: &mut Seen) -> Result<Fitness, EngineError> {
        let Some(number) = self.ctx.store.number(id).await? else {
            return Ok(Fitness::Unfit("it was removed".to_owned()));
        };
        let fitness = self.examine(run, &number, &mut seen.noted).await?;
        // One that serves others than this run is none of its business.
        let serves = number.serves(run.record.spec.priority, &self.ctx.settings.playbook);
        if matches!(fitness, Fitness::Unfit(_)) && serves {
            seen.unfit.push(id.clone());
        }
        Ok(fitness)
    }
}

fn too_many_defects(run: &Run, frozen: &Frozen) -> Option<String> {
    defects(run, frozen.submitted, &frozen.dropped)
}

/// Why so many rows are defective that the run is held; `None` when they are few.
pub(super) fn defects(run: &Run, submitted: u64, dropped: &BTreeMap<DropReason, u64>) -> Option<String> {
    let defects = dropped.iter().filter(|(reason, _)| reason.is_defect());
    let counts: Vec<(DropReason, u64)> = defects.map(|(reason, count)| (*reason, *count)).collect();
    let count: u64 = counts.iter().map(|(_, count)| count).sum();
    let (share, bound) = (count as f64 / submitted.max(1) as f64, run.record.spec.max_defects);
    let named: Vec<String> = counts.iter().map(|(reason, count)| format!("{count} {reason}")).collect();
    (share > bound).then(|| {
        format!(
            "{count} of {} rows are defective ({}), more than max_defects {bound}: mend the audience, then submit again",
            submitted,
            named.join(", "),
        )
    })
}
