//! Preflight: a minute before, sees whether the run can go. Go; go degraded, and say so; or hold, and say why.

use dawncast_cloud_api::{CallError, CanSend, NumberStatus};
use dawncast_core::{ids::NumberId, report::DropReason, template};
use dawncast_store::{
    records::Number,
    run::{Advanced, Frozen, Run},
};
use tracing::warn;

use super::Chores;
use crate::{
    EngineError,
    answer::Rest,
    points::{Point, reach},
    templates,
};

/// A webhook that was up this lately is fresh.
const WEBHOOK_FRESH_MS: i64 = 5_000;

/// What is wrong with a number.
enum Finding {
    /// It can send.
    Fit,
    /// It cannot, for this reason.
    Unfit(String),
    /// The Cloud API could not be asked: no reason to hold, sends will be tried again.
    Unknown(String),
}

impl Chores {
    pub(super) async fn preflight(&self, run: &Run) -> Result<bool, EngineError> {
        let Some(frozen) = &run.frozen else { return Ok(false) };
        if let Some(why) = too_many_defects(run, frozen) {
            return self.hold(run, &why).await;
        }
        let mut remarks = Vec::new();
        let mut fit = 0;
        for sender in frozen.senders.iter().filter(|sender| !sender.standby) {
            match self.check_number(run, &sender.number).await? {
                Finding::Fit => fit += 1,
                Finding::Unknown(why) => {
                    fit += 1;
                    remarks.push(format!("number {}: {why}", sender.number));
                }
                Finding::Unfit(why) => remarks.push(format!("number {} cannot send: {why}", sender.number)),
            }
        }
        if fit == 0 {
            let why = if remarks.is_empty() { "the pool has no active number".to_owned() } else { remarks.join("; ") };
            return self.hold(run, &why).await;
        }
        remarks.extend(self.check_receipts().await?);
        for remark in &remarks {
            warn!(run.id = %run.record.id, "run {} goes degraded: {remark}", run.record.id);
        }
        reach(Point::PreflightBefore);
        let advanced = self.ctx.store.ready_run(&run.record.id, &remarks).await?;
        reach(Point::PreflightAfter);
        Ok(advanced == Advanced::Moved)
    }

    /// Token, status and template of one number. One that cannot send rests, so that others stand in for it.
    async fn check_number(&self, run: &Run, id: &NumberId) -> Result<Finding, EngineError> {
        let Some(number) = self.ctx.store.number(id).await? else {
            return Ok(Finding::Unfit("it was removed".to_owned()));
        };
        if number.paused {
            return Ok(Finding::Unfit("it is paused".to_owned()));
        }
        let finding = match self.read_number(&number).await? {
            Finding::Fit => self.check_template(run, &number).await?,
            other => other,
        };
        if matches!(finding, Finding::Unfit(_)) {
            self.ctx.store.rest(id, Rest::UNFIT.hold).await?;
        }
        Ok(finding)
    }

    async fn read_number(&self, number: &Number) -> Result<Finding, EngineError> {
        let token = templates::token(number)?;
        let info = match self.ctx.client.number(number.phone_number_id.as_str(), &token).await {
            Ok(info) => info,
            Err(CallError::Api(error)) => return Ok(Finding::Unfit(format!("{error}: {}", error.entry().hint()))),
            Err(error) => return Ok(Finding::Unknown(error.to_string())),
        };
        if let Some(status) = info.status.filter(|status| *status != NumberStatus::Connected) {
            return Ok(Finding::Unfit(format!("its status is {}", status.as_str())));
        }
        if info.health.is_some_and(|health| health.can_send_message == CanSend::Blocked) {
            return Ok(Finding::Unfit("Meta says that it cannot send messages".to_owned()));
        }
        Ok(Finding::Fit)
    }

    async fn check_template(&self, run: &Run, number: &Number) -> Result<Finding, EngineError> {
        match templates::sync_account(&self.ctx, number, self.clock.now()).await {
            Ok(known) => {
                let faults = template::lint_known(&known, &run.record.spec.message);
                Ok(if faults.is_empty() { Finding::Fit } else { Finding::Unfit(faults.to_string()) })
            }
            Err(error @ EngineError::CloudApi(_)) => Ok(Finding::Unknown(error.to_string())),
            Err(error) => Err(error),
        }
    }

    /// Without a webhook no receipt comes, and every unsure send waits three times its grace.
    async fn check_receipts(&self) -> Result<Option<String>, EngineError> {
        let now = self.clock.now();
        let path = self.ctx.store.receipt_path(now).await?;
        let is_up = now - path.up_since > 0 || path.last_receipt.is_some_and(|at| now - at < WEBHOOK_FRESH_MS);
        Ok((!is_up).then(|| "no webhook is up: receipts will not come in, start one".to_owned()))
    }
}

fn too_many_defects(run: &Run, frozen: &Frozen) -> Option<String> {
    let defects = frozen.dropped.iter().filter(|(reason, _)| reason.is_defect());
    let counts: Vec<(DropReason, u64)> = defects.map(|(reason, count)| (*reason, *count)).collect();
    let count: u64 = counts.iter().map(|(_, count)| count).sum();
    let (share, bound) = (count as f64 / frozen.submitted.max(1) as f64, run.record.spec.max_defects);
    let named: Vec<String> = counts.iter().map(|(reason, count)| format!("{count} {reason}")).collect();
    (share > bound).then(|| {
        format!(
            "{count} of {} rows are defective ({}), more than max_defects {bound}: mend the audience, then submit again",
            frozen.submitted,
            named.join(", "),
        )
    })
}
