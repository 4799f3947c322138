//! The roles of a process, and the tasks that play them.

use std::{collections::BTreeSet, fmt, sync::Arc, time::Duration};

use clap::ValueEnum;
use dawncast_cloud_api::webhook::{AppSecret, Parsed};
use dawncast_core::{
    ids::WabaId,
    template::{Draft, Submitted},
};
use dawncast_engine::{Clock, Context, Doctor, EngineError, Inbox, Receipts};
use dawncast_server::{ApiState, TemplateDesk, Unavailable, WebhookState, api_router, webhook_router};
use futures::future::BoxFuture;
use tokio::{net::TcpListener, task::JoinSet, time::timeout};
use tokio_util::sync::CancellationToken;

use crate::{
    config::{BadConfig, Config},
    failure::Failure,
};

/// How long tasks may take to finish what they hold. A request to the Cloud API takes 10 s at most.
const DRAIN_WITHIN: Duration = Duration::from_secs(20);

/// What a process does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum Role {
    /// Everything.
    All,
    /// The HTTP API.
    Api,
    /// Meta's webhooks.
    Webhook,
    /// The steps of runs: freeze, plan, preflight, open, judge, close, archive.
    Scheduler,
    /// Sending.
    Worker,
    /// Gauges that are read from storage.
    Monitor,
}

impl Role {
    const EACH: [Self; 5] = [Self::Api, Self::Webhook, Self::Scheduler, Self::Worker, Self::Monitor];

    fn as_str(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Api => "api",
            Self::Webhook => "webhook",
            Self::Scheduler => "scheduler",
            Self::Worker => "worker",
            Self::Monitor => "monitor",
        }
    }
}

/// The roles of this process.
#[derive(Debug)]
pub(crate) struct Roles(BTreeSet<Role>);

impl Roles {
    /// The roles named; `all` names each.
    pub(crate) fn new(named: &[Role]) -> Self {
        let all = named.contains(&Role::All);
        Self(Role::EACH.into_iter().filter(|role| all || named.contains(role)).collect())
    }

    pub(crate) fn has(&self, role: Role) -> bool {
        self.0.contains(&role)
    }

    pub(crate) fn are_all(&self) -> bool {
        Role::EACH.iter().all(|role| self.has(*role))
    }
}

impl fmt::Display for Roles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.0.iter().map(|role| role.as_str()).collect();
        f.write_str(&names.join(", "))
    }
}

/// Tasks that start and stop together.
pub(crate) struct Tasks {
    running: JoinSet<Result<(), Failure>>,
    stop: CancellationToken,
}

impl Tasks {
    /// None yet.
    pub(crate) fn new() -> Self {
        Self { running: JoinSet::new(), stop: CancellationToken::new() }
    }

    fn spawn<E: fmt::Display>(&mut self, role: Role, task: impl Future<Output = Result<(), E>> + Send + 'static) {
        self.running
            .spawn(async move { task.await.map_err(|why| Failure::new(format!("role {}: {why}", role.as_str()))) });
    }

    /// Plays the role `api`. Its doctor is the engine's: the API itself asks nobody but Redis.
    pub(crate) fn api(&mut self, ctx: &Context, config: &Config, listener: TcpListener) {
        let doctor = Arc::new(Doctor::new(ctx.clone()));
        let state = ApiState::new(ctx.store.clone(), config.auth.bootstrap_key.clone(), dawncast_engine::explain)
            .with_scratch(config.data_dir.join("scratch"))
            .with_stop(self.stop.clone())
            .with_doctor(move |ward| {
                let doctor = Arc::clone(&doctor);
                async move { doctor.examine(&ward).await.map_err(|why| why.to_string()) }
            })
            .with_templates(Arc::new(Desk(ctx.clone())));
        let state = state.with_headroom(ctx.settings.headroom).with_playbook(ctx.settings.playbook.clone());
        let router = api_router(state.with_prices(config.prices.prices()));
        self.spawn(Role::Api, dawncast_server::serve(listener, router, self.stop.clone().cancelled_owned()));
    }

    /// Plays the role `webhook`: engine and server meet here alone, and only to hand batches over.
    pub(crate) async fn webhook(
        &mut self,
        ctx: &Context,
        config: &Config,
        listener: TcpListener,
    ) -> Result<(), Failure> {
        let clock = Clock::start(&ctx.store).await?;
        let (receipts, inbox) = (Receipts::new(ctx.clone(), clock.clone()), Inbox::new(ctx.clone(), clock.clone()));
        let handler = move |parsed: Parsed| {
            let (receipts, inbox) = (receipts.clone(), inbox.clone());
            async move {
                // A refusal silences before its receipt is recorded: else the next attempt could be on its way.
                inbox.apply(&parsed).await.map_err(|_| Unavailable)?;
                receipts.apply(parsed.statuses).await.map_err(|_| Unavailable)
            }
        };
        let verify_token = config.webhook.verify_token.as_ref().map_or("", |token| token.expose());
        let router = webhook_router(WebhookState::new(app_secrets(config)?, verify_token, handler));
        self.spawn(Role::Webhook, dawncast_server::serve(listener, router, self.stop.clone().cancelled_owned()));
        self.spawn(Role::Webhook, dawncast_engine::webhook_beat(ctx.clone(), clock, self.stop.clone()));
        Ok(())
    }

    /// Plays those of `roles` that need no listener.
    pub(crate) fn engine(&mut self, ctx: &Context, roles: &Roles) {
        if roles.has(Role::Scheduler) {
            self.spawn(Role::Scheduler, dawncast_engine::scheduler(ctx.clone(), self.stop.clone()));
        }
        if roles.has(Role::Worker) {
            self.spawn(Role::Worker, dawncast_engine::worker(ctx.clone(), self.stop.clone()));
        }
        if roles.has(Role::Monitor) {
            self.spawn::<EngineError>(Role::Monitor, dawncast_engine::monitor(ctx.clone(), self.stop.clone()));
        }
    }

    /// Resolves when a task has ended by itself, which none should; never when there are none.
    pub(crate) async fn ended(&mut self) -> Result<(), Failure> {
        match self.running.join_next().await {
            None => std::future::pending().await,
            Some(Ok(Ok(()))) => Err(Failure::new("a role ended without being told to")),
            Some(Ok(Err(failure))) => Err(failure),
            Some(Err(panic)) => Err(Failure::new(format!("a role broke: {panic}"))),
        }
    }

    /// Tells every task to stop and waits until they have; ends those that take too long.
    pub(crate) async fn stop(mut self) -> Result<(), Failure> {
        self.stop.cancel();
        let mut outcome = Ok(());
        let drain = async {
            while let Some(ended) = self.running.join_next().await {
                let ended = ended.map_err(|panic| Failure::new(format!("a role broke: {panic}")));
                outcome = std::mem::replace(&mut outcome, Ok(())).and(ended.and_then(|ended| ended));
            }
        };
        if timeout(DRAIN_WITHIN, drain).await.is_err() {
            tracing::warn!("a role did not stop within {DRAIN_WITHIN:?} and is ended");
        }
        outcome
    }
}

fn app_secrets(config: &Config) -> Result<Vec<AppSecret>, BadConfig> {
    let secrets = &config.webhook.app_secrets;
    if secrets.is_empty() {
        tracing::warn!("webhook.app_secrets is empty, so every webhook is turned away and no message is confirmed");
    }
    let secrets = secrets.iter().map(|secret| AppSecret::new(secret.expose()));
    secrets
        .collect::<Result<_, _>>()
        .map_err(|why| BadConfig::Value { key: "webhook.app_secrets", reason: why.to_string() })
}

/// The engine, as the API has Meta asked about templates.
struct Desk(Context);

impl TemplateDesk for Desk {
    fn submit(&self, draft: Draft, only: Option<WabaId>) -> BoxFuture<'static, Result<Vec<Submitted>, String>> {
        let ctx = self.0.clone();
        Box::pin(async move {
            let now = ctx.store.time().await.map_err(|why| why.to_string())?;
            dawncast_engine::submit(&ctx, &draft, only.as_ref(), now).await.map_err(|why| why.to_string())
        })
    }

    fn sync(&self) -> BoxFuture<'static, Result<(), String>> {
        let ctx = self.0.clone();
        Box::pin(async move {
            let now = ctx.store.time().await.map_err(|why| why.to_string())?;
            dawncast_engine::sync_templates(&ctx, now).await.map_err(|why| why.to_string())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_names_each_role() {
        assert!(Roles::new(&[Role::All]).are_all());
        let some = Roles::new(&[Role::Worker, Role::Api]);
        assert!(some.has(Role::Api) && !some.has(Role::Monitor) && !some.are_all());
        assert_eq!(some.to_string(), "api, worker");
    }

    #[tokio::test]
    async fn tasks_stop_when_told_and_an_early_end_is_a_failure() {
        let mut tasks = Tasks::new();
        let stop = tasks.stop.clone();
        tasks.spawn(Role::Worker, async move {
            stop.cancelled().await;
            Ok::<_, Failure>(())
        });
        tasks.spawn(Role::Monitor, async { Err(Failure::new("no")) });
        assert_eq!(tasks.ended().await.unwrap_err().to_string(), "role monitor: no");
        assert!(tasks.stop().await.is_ok());
    }
}
