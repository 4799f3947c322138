//! What preflight and the checks before it ask of the outside: numbers, templates, the way by which receipts come. Reads
//! only.

use dawncast_cloud_api::{CallError, CanSend, NumberStatus};
use dawncast_core::{
    campaign::{Choice, Message},
    template::{Definition, Fit, lint_template},
};
use dawncast_store::{records::Number, run::Run};

use super::Chores;
use crate::{EngineError, templates};

/// A webhook that was up this lately is fresh.
const WEBHOOK_FRESH_MS: i64 = 5_000;

/// What is wrong with a number.
pub(super) enum Finding {
    /// It can send.
    Fit,
    /// It can send, only another template than the campaign's own, for this reason.
    Instead(String),
    /// It can send the campaign's message, but for this reason not what that falls back to.
    Lacks(String),
    /// Its account has no template that could go out, for this reason: the number itself is fine.
    NoTemplate(String),
    /// It cannot send, for this reason.
    Unfit(String),
    /// The Cloud API could not be asked: no reason to hold, sends will be tried again.
    Unknown(String),
}

/// Why the monitor lets a number serve no run of this priority, and what a person can do about it.
pub(super) fn kept_back(number: &Number) -> String {
    let (id, condition) = (&number.phone_number_id, &number.condition);
    format!("the monitor keeps it back, it is in {condition}; `dawncast number pin {id} fit` overrules that")
}

/// Whether an account with these templates can send the message, or what stands in for it.
fn fit_of(message: &Message, known: &[Definition]) -> Finding {
    let fits: Vec<(Choice, Fit)> =
        message.templates().map(|(choice, template)| (choice, lint_template(known, choice, template))).collect();
    let Some((first, own)) = fits.first() else { return Finding::Fit };
    if own.is_sendable() {
        return Finding::Fit;
    }
    match fits.iter().find(|(_, fit)| fit.is_sendable()) {
        Some((instead, _)) if !first.is_fallback() => {
            Finding::Instead(format!("{own}; {} goes out instead", message.sent_as(*instead).name()))
        }
        Some(_) => Finding::Fit,
        None => {
            let why = fits.iter().map(|(_, fit)| fit.to_string()).collect::<Vec<_>>().join("; ");
            if first.is_fallback() { Finding::Lacks(why) } else { Finding::NoTemplate(why) }
        }
    }
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
            Ok(known) => Ok(fit_of(&run.record.spec.message, &known)),
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
