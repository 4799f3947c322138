//! What preflight and the checks before it ask of the outside: numbers, templates, the way by which receipts come. Reads
//! only.

use dawncast_cloud_api::{CallError, CanSend, NumberStatus};
use dawncast_core::template;
use dawncast_store::{records::Number, run::Run};

use super::Chores;
use crate::{EngineError, templates};

/// A webhook that was up this lately is fresh.
const WEBHOOK_FRESH_MS: i64 = 5_000;

/// What is wrong with a number.
pub(super) enum Finding {
    /// It can send.
    Fit,
    /// It can send the campaign's message, but for this reason not what that falls back to.
    Lacks(String),
    /// It cannot, for this reason.
    Unfit(String),
    /// The Cloud API could not be asked: no reason to hold, sends will be tried again.
    Unknown(String),
}

/// Why the monitor lets a number serve no run of this priority, and what a person can do about it.
pub(super) fn kept_back(number: &Number) -> String {
    let (id, condition) = (&number.phone_number_id, &number.condition);
    format!("the monitor keeps it back, it is in {condition}; `dawncast number pin {id} fit` overrules that")
}

impl Chores {
    /// Token, status and template of one number.
    pub(super) async fn examine(&self, run: &Run, number: &Number) -> Result<Finding, EngineError> {
        if number.paused {
            return Ok(Finding::Unfit("it is paused".to_owned()));
        }
        if !number.serves(run.record.spec.priority, &self.ctx.settings.playbook) {
            return Ok(Finding::Unfit(kept_back(number)));
        }
        match self.read_number(number).await? {
            Finding::Fit => self.check_template(run, number).await,
            other => Ok(other),
        }
    }

    async fn read_number(&self, number: &Number) -> Result<Finding, EngineError> {
        let token = match templates::usable_token(&self.ctx.store, number).await? {
            Ok(token) => token,
            Err(why) => return Ok(Finding::Unfit(why)),
        };
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
                let message = &run.record.spec.message;
                let faults = template::lint_known(&known, message);
                Ok(match faults.is_empty() {
                    true => Finding::Fit,
                    false if message.is_free_form() => Finding::Lacks(faults.to_string()),
                    false => Finding::Unfit(faults.to_string()),
                })
            }
            Err(error @ EngineError::CloudApi(_)) => Ok(Finding::Unknown(error.to_string())),
            Err(error) => Err(error),
        }
    }

    /// Without a webhook no receipt comes, and every unsure send waits three times its grace.
    pub(super) async fn check_receipts(&self) -> Result<Option<String>, EngineError> {
        let now = self.clock.now();
        let path = self.ctx.store.receipt_path(now).await?;
        let is_up = now - path.up_since > 0 || path.last_receipt.is_some_and(|at| now - at < WEBHOOK_FRESH_MS);
        Ok((!is_up).then(|| "no webhook is up: receipts will not come in, start one".to_owned()))
    }
}
