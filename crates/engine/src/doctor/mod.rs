//! The doctor: looks at all that runs depend on, and lets [`dawncast_core::doctor`] judge it. Changes nothing. What costs Meta
//! a call is asked at most once a minute; all else is what the monitor has read.

mod asked;
mod links;
mod run;

use std::{
    collections::BTreeSet,
    time::{Duration, SystemTime},
};

use dawncast_core::{
    UnixMs,
    doctor::{self, Check, Finding, Needed, Numbered, Ward, together},
    ids::WabaId,
};
use dawncast_store::{
    records::Number,
    run::{Run, RunState},
};

pub(crate) use self::{
    asked::{Asked, Judged},
    run::{assets, links, numbers, sampled_links},
};
use crate::{Context, EngineError, chores::kept_back};

/// Runs that open within this are looked at with everything else.
const AHEAD_MS: i64 = 24 * 60 * 60 * 1_000;
/// And so many of them.
const RUNS: usize = 20;

/// See the module. One for a process.
pub struct Doctor {
    ctx: Context,
    asked: Asked,
}

impl Doctor {
    /// A doctor who looks through `ctx`.
    pub fn new(ctx: Context) -> Self {
        Self { ctx, asked: Asked::default() }
    }

    /// Looks, and judges. `None` when there is no such run or campaign.
    ///
    /// # Errors
    /// When Redis does not answer.
    pub async fn examine(&self, ward: &Ward) -> Result<Option<Vec<Finding>>, EngineError> {
        let now = unix_now().as_millis() as UnixMs;
        let run = match ward {
            Ward::All => return self.everything(now).await.map(|found| Some(together(found))),
            Ward::Run(id) => self.ctx.store.run(id).await?,
            Ward::Campaign(id) => self.ctx.store.campaign_runs(id, 1, None).await?.items.into_iter().next(),
        };
        let Some(run) = run else { return Ok(None) };
        let mut found = self.ground().await?;
        found.extend(self.for_run(&run, now).await?);
        Ok(Some(together(found)))
    }

    async fn everything(&self, now: UnixMs) -> Result<Vec<Finding>, EngineError> {
        let store = &self.ctx.store;
        let mut found = self.ground().await?;
        found.push(self.told());
        found.push(doctor::receipts(store.receipt_path(now).await?, now));
        let (numbers, runs) = (store.numbers().await?, self.ahead(now).await?);
        if numbers.is_empty() {
            let remedy = "add one: `dawncast number add` (docs/going-live.md, Account, numbers, token)";
            found.push(Finding::warn(Check::Number, "", "there are no numbers: nothing can be sent", remedy));
        }
        let needed = Needed::Ahead(runs.iter().map(|run| run.record.opening.deadline_at).max());
        found.extend(self.numbers(&numbers, needed, now).await?);
        found.extend(store.portfolios(now).await?.iter().map(doctor::limit));
        for run in runs.iter().take(RUNS) {
            let numbers = run::numbers(store, run).await?;
            found.extend(self.cargo(run, &numbers, now).await?);
        }
        Ok(found)
    }

    async fn for_run(&self, run: &Run, now: UnixMs) -> Result<Vec<Finding>, EngineError> {
        let store = &self.ctx.store;
        let numbers = run::numbers(store, run).await?;
        let mut found = vec![doctor::receipts(store.receipt_path(now).await?, now)];
        if numbers.is_empty() {
            let evidence = format!("pool {} has no numbers", run.record.spec.pool);
            found.push(Finding::fail(Check::Number, "", evidence, "add one: `dawncast number add`"));
        }
        found.extend(self.numbers(&numbers, Needed::ForRun(run.record.opening.deadline_at), now).await?);
        let ids: BTreeSet<_> = numbers.iter().map(|number| &number.phone_number_id).collect();
        let portfolios = store.portfolios(now).await?;
        let concerned = portfolios.iter().filter(|it| it.numbers.iter().any(|id| ids.contains(id)));
        found.extend(concerned.map(doctor::limit));
        found.extend(self.cargo(run, &numbers, now).await?);
        Ok(found)
    }

    /// What a run carries, and how it stands.
    async fn cargo(&self, run: &Run, numbers: &[Number], now: UnixMs) -> Result<Vec<Finding>, EngineError> {
        let store = &self.ctx.store;
        let mut found = run::templates(store, run, numbers, now).await?;
        found.extend(assets(store, run, numbers, now).await?);
        found.extend(links(&self.asked, &run.record.spec.message, now).await);
        found.extend(sampled_links(&self.asked, store, run, now).await?);
        found.extend(run::itself(run));
        Ok(found)
    }

    /// Redis, the clocks, and whether Meta is there.
    async fn ground(&self) -> Result<Vec<Finding>, EngineError> {
        let store = &self.ctx.store;
        let mut found = doctor::redis(&store.redis_state().await?);
        if let Some(why) = store.unready().await {
            let remedy = "see docs/runbooks/unready.md";
            found.push(Finding::fail(Check::Redis, why.as_str(), why.in_words(), remedy));
        }
        found.push(doctor::clock("Redis", store.redis_ahead_ms(unix_now).await?, 0));
        found.extend(self.cloud_api_clock().await);
        found.push(doctor::cloud_api(self.ctx.client.is_there().await));
        Ok(found)
    }

    /// Meta's statuses carry its time, by which a message is late or not.
    async fn cloud_api_clock(&self) -> Option<Finding> {
        let asked = unix_now();
        let seconds = self.ctx.client.time().await?;
        let midway = (asked + unix_now()) / 2;
        // Half of the second that is not told.
        let ahead_ms = seconds as i64 * 1_000 + 500 - midway.as_millis() as i64;
        Some(doctor::clock("the Cloud API", ahead_ms, doctor::DATE_TELLS_TO_MS))
    }

    fn told(&self) -> Finding {
        match &self.ctx.settings.notify {
            Some(_) => Finding::ok(Check::Notify, "", "people are told of held and missed runs at notify.url"),
            None => {
                let evidence =
                    "notify.url is not set: of a run that is held, alerts and `dawncast run list` alone tell";
                Finding::warn(
                    Check::Notify,
                    "",
                    evidence,
                    "set notify.url and notify.secret (docs/http-api.md, Notify)",
                )
            }
        }
    }

    /// The runs that are not over and open within a day, the first to open first.
    async fn ahead(&self, now: UnixMs) -> Result<Vec<Run>, EngineError> {
        let mut runs = Vec::new();
        for id in self.ctx.store.active_runs().await? {
            runs.extend(self.ctx.store.run(&id).await?);
        }
        let concerns = |run: &Run| run.state < RunState::Cancelled && run.record.opening.opens_at - now <= AHEAD_MS;
        runs.retain(concerns);
        runs.sort_by_key(|run| run.record.opening.opens_at);
        Ok(runs)
    }

    /// Status, rate and token of each number, and who hears of each account.
    async fn numbers(&self, numbers: &[Number], needed: Needed, now: UnixMs) -> Result<Vec<Finding>, EngineError> {
        let (ctx, mut found) = (&self.ctx, Vec::new());
        let mut accounts: BTreeSet<&WabaId> = BTreeSet::new();
        for number in numbers {
            found.extend(self.number(number, now).await?);
            match self.asked.judge_token(ctx, number, needed, now).await {
                Ok(Judged::Found(judged)) => found.extend(judged),
                Ok(Judged::Silent(why)) => {
                    let id = number.phone_number_id.as_str();
                    found.push(Finding::warn(
                        Check::Token,
                        id,
                        why,
                        "see whether the Cloud API answers, then look again",
                    ));
                }
                Err(EngineError::Unfit(why)) => {
                    let id = number.phone_number_id.as_str();
                    found.push(Finding::fail(Check::Token, id, why, "`dawncast number set ID --token-file FILE`"));
                    continue;
                }
                Err(error) => return Err(error),
            }
            if accounts.insert(&number.waba_id) {
                found.extend(self.asked.judge_account(ctx, number, now).await?);
            }
        }
        Ok(found)
    }

    async fn number(&self, number: &Number, now: UnixMs) -> Result<Vec<Finding>, EngineError> {
        let (store, id) = (&self.ctx.store, &number.phone_number_id);
        let reading = store.reading(id).await?;
        let health = store.number_health(number, reading.as_ref(), now).await?;
        let why = (!number.paused).then(|| kept_back(number));
        let numbered = Numbered { id: id.as_str(), health, kept_back: why.as_deref(), reading: reading.as_ref() };
        let level = reading.as_ref().and_then(|reading| reading.throughput.as_deref());
        let mut found = vec![doctor::number(numbered, now)];
        found.extend(doctor::capacity(id.as_str(), number.mps, level));
        Ok(found)
    }
}

/// This machine's time since 1970.
fn unix_now() -> Duration {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()
}
