//! What preflight and the checks before it ask of the outside: tokens, numbers, who hears of their accounts, templates,
//! links, the way by which receipts come. Reads only; [`dawncast_core::doctor`] judges, as it does for `dawncast doctor`.

use dawncast_cloud_api::{CallError, CanSend, NumberStatus};
use dawncast_core::{
    campaign::Message,
    doctor::{self, Check, Finding, Needed, Outcome, together},
    template::{Definition, fits, in_words},
};
use dawncast_store::{records::Number, run::Run};

use super::Chores;
use crate::{
    EngineError,
    doctor::{Judged, assets, links, numbers},
    templates,
};

/// Whether a number can carry a run.
pub(super) enum Fitness {
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
pub(crate) fn kept_back(number: &Number) -> String {
    let (id, condition) = (&number.phone_number_id, &number.condition);
    format!("the monitor keeps it back, it is in {condition}; `dawncast number pin {id} fit` overrules that")
}

/// Whether an account with these templates can send the message, or what stands in for it.
fn fit_of(message: &Message, known: &[Definition]) -> Fitness {
    let fits = fits(known, message);
    let Some((first, own)) = fits.first() else { return Fitness::Fit };
    if own.is_sendable() {
        return Fitness::Fit;
    }
    match fits.iter().find(|(_, fit)| fit.is_sendable()) {
        Some((instead, _)) if !first.is_fallback() => {
            Fitness::Instead(format!("{own}; {} goes out instead", message.sent_as(*instead).name()))
        }
        Some(_) => Fitness::Fit,
        None => {
            let why = in_words(&fits);
            if first.is_fallback() { Fitness::Lacks(why) } else { Fitness::NoTemplate(why) }
        }
    }
}

/// What is worth knowing of several findings, each in one line.
pub(super) fn remarks(findings: Vec<Finding>) -> Vec<String> {
    let worth = findings.into_iter().filter(|finding| finding.outcome > Outcome::Ok).collect();
    let line = |finding: &Finding| match finding.check {
        Check::Token | Check::Capacity => format!("number {}: {}", finding.subject, finding.in_words()),
        _ => finding.in_words(),
    };
    together(worth).iter().map(line).collect()
}

/// Why one of these keeps a number from sending; the others go to `noted`.
fn unfit(findings: impl IntoIterator<Item = Finding>, noted: &mut Vec<Finding>) -> Option<String> {
    let (failed, others): (Vec<_>, Vec<_>) = findings.into_iter().partition(|it| it.outcome == Outcome::Fail);
    noted.extend(others);
    (!failed.is_empty()).then(|| failed.iter().map(Finding::in_words).collect::<Vec<_>>().join("; "))
}

impl Chores {
    /// Token, status and template of one number, and who hears of its account. What does not keep it from sending and is
    /// worth knowing goes to `noted`.
    pub(super) async fn examine(
        &self,
        run: &Run,
        number: &Number,
        noted: &mut Vec<Finding>,
    ) -> Result<Fitness, EngineError> {
        if number.paused {
            return Ok(Fitness::Unfit("it is paused".to_owned()));
        }
        if !number.serves(run.record.spec.priority, &self.ctx.settings.playbook) {
            return Ok(Fitness::Unfit(kept_back(number)));
        }
        let (now, needed) = (self.clock.now(), Needed::ForRun(run.record.opening.deadline_at));
        match self.asked.judge_token(&self.ctx, number, needed, now).await? {
            // Who does not answer is not asked three times: the window may be near.
            Judged::Silent(why) => return Ok(Fitness::Unknown(why)),
            Judged::Found(findings) => {
                if let Some(why) = unfit(findings, noted) {
                    return Ok(Fitness::Unfit(why));
                }
            }
        }
        match self.read_number(number, noted).await? {
            Fitness::Fit => {}
            other => return Ok(other),
        }
        if let Some(why) = unfit(self.asked.judge_account(&self.ctx, number, now).await?, noted) {
            return Ok(Fitness::Unfit(why));
        }
        self.check_template(run, number).await
    }

    async fn read_number(&self, number: &Number, noted: &mut Vec<Finding>) -> Result<Fitness, EngineError> {
        let token = match templates::usable_token(&self.ctx.store, number).await? {
            Ok(token) => token,
            Err(why) => return Ok(Fitness::Unfit(why)),
        };
        let id = number.phone_number_id.as_str();
        let info = match self.ctx.client.number(id, &token).await {
            Ok(info) => info,
            Err(CallError::Api(error)) => return Ok(Fitness::Unfit(format!("{error}: {}", error.entry().hint()))),
            Err(error) => return Ok(Fitness::Unknown(error.to_string())),
        };
        if let Some(status) = info.status.filter(|status| *status != NumberStatus::Connected) {
            return Ok(Fitness::Unfit(format!("its status is {}", status.as_str())));
        }
        if info.health.is_some_and(|health| health.can_send_message == CanSend::Blocked) {
            return Ok(Fitness::Unfit("Meta says that it cannot send messages".to_owned()));
        }
        let level = info.throughput.as_ref().map(|throughput| throughput.level.as_str());
        noted.extend(doctor::capacity(id, number.mps, level));
        Ok(Fitness::Fit)
    }

    async fn check_template(&self, run: &Run, number: &Number) -> Result<Fitness, EngineError> {
        match templates::sync_account(&self.ctx, number, self.clock.now()).await {
            Ok(known) => Ok(fit_of(&run.record.spec.message, &known)),
            Err(error @ EngineError::CloudApi(_)) => Ok(Fitness::Unknown(error.to_string())),
            Err(error) => Err(error),
        }
    }

    /// Why a file that everybody gets cannot be had by anybody, if so: then every message with it would fail. What else is
    /// worth knowing of the run's files goes to `noted`.
    pub(super) async fn check_files(&self, run: &Run, noted: &mut Vec<Finding>) -> Result<Option<String>, EngineError> {
        let (store, now) = (&self.ctx.store, self.clock.now());
        let numbers = numbers(store, run).await?;
        noted.extend(assets(store, run, &numbers, now).await?);
        Ok(unfit(links(&self.asked, &run.record.spec.message, now).await, noted))
    }

    /// Whether there is room in Redis, and a webhook: without one no receipt comes, and every unsure send waits three times
    /// its grace.
    pub(super) async fn check_ground(&self) -> Result<Vec<Finding>, EngineError> {
        let (store, now) = (&self.ctx.store, self.clock.now());
        let receipts = doctor::receipts(store.receipt_path(now).await?, now);
        Ok(vec![receipts, doctor::memory(&store.redis_state().await?)])
    }
}
