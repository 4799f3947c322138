//! The engine as `dawncast serve` runs it, all roles but the API: scheduler, worker, webhook and monitor, with metrics
//! and logs.

use std::time::Duration;

use anyhow::bail;
use dawncast_cloud_api::{
    Client, ClientConfig,
    webhook::{AppSecret, Parsed},
};
use dawncast_engine::{Clock, Context, Receipts, Settings, Vigil, monitor, scheduler, webhook_beat, worker};
use dawncast_server::{Unavailable, WebhookState, webhook_router};
use dawncast_store::{Store, StoreConfig};
use metrics_exporter_prometheus::PrometheusBuilder;
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::{
    message::{APP_SECRET, DEPLOYMENT},
    process::answer,
};

/// Edges for the histograms: their number is what costs.
const SECONDS: [f64; 15] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];
/// How often samples are folded into the histograms, as in `dawncast serve`.
const UPKEEP: Duration = Duration::from_secs(5);

/// What the engine is given.
#[derive(Serialize, Deserialize)]
pub(crate) struct Config {
    /// Redis.
    pub(crate) redis: String,
    /// The simulator.
    pub(crate) sim: String,
    /// The headroom that the scheduler plans with; the worker always keeps to its own. Above it, more is due than the
    /// numbers may send.
    pub(crate) plan_headroom: f64,
}

/// What the engine says of itself.
#[derive(Serialize, Deserialize)]
pub(crate) struct Ready {
    /// Where it takes webhooks.
    pub(crate) webhook: String,
}

/// Runs it until its input ends.
pub(crate) async fn run(config: Config) -> anyhow::Result<()> {
    start_telemetry()?;
    let store = Store::connect(&StoreConfig::new(config.redis, "")).await?.with_keyring(dawncast_testkit::keyring());
    let client = Client::new(ClientConfig { base_url: config.sim, ..ClientConfig::default() })?;
    let settings = Settings::default();
    let vigil = Vigil::start(&store, None).await?;
    let ctx = Context { store, client, deployment: DEPLOYMENT.to_owned(), vigil, settings };
    let stop = CancellationToken::new();
    let clock = Clock::start(&ctx.store).await?;
    let webhook = listen(&ctx, clock.clone(), &stop).await?;
    let settings = Settings { headroom: config.plan_headroom, ..ctx.settings.clone() };
    let roles = [
        tokio::spawn(scheduler(Context { settings, ..ctx.clone() }, stop.clone())),
        tokio::spawn(worker(ctx.clone(), stop.clone())),
        tokio::spawn(monitor(ctx, stop.clone())),
    ];
    answer(&Ready { webhook }, async |(): ()| bail!("the engine is asked nothing")).await?;
    stop.cancel();
    for role in roles {
        role.await??;
    }
    Ok(())
}

fn start_telemetry() -> anyhow::Result<()> {
    tracing_subscriber::fmt().with_env_filter("info").with_writer(std::io::stderr).with_ansi(false).init();
    let metrics = PrometheusBuilder::new().set_buckets(&SECONDS)?.install_recorder()?;
    dawncast_engine::describe_metrics();
    dawncast_server::metrics::describe();
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(UPKEEP).await;
            metrics.run_upkeep();
        }
    });
    Ok(())
}

async fn listen(ctx: &Context, clock: Clock, stop: &CancellationToken) -> anyhow::Result<String> {
    let receipts = Receipts::new(ctx.clone(), clock.clone());
    let handler = move |parsed: Parsed| {
        let receipts = receipts.clone();
        async move { receipts.apply(parsed.statuses).await.map_err(|_| Unavailable) }
    };
    let router = webhook_router(WebhookState::new(vec![AppSecret::new(APP_SECRET)?], "", handler));
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let url = format!("http://{}/webhook", listener.local_addr()?);
    tokio::spawn(webhook_beat(ctx.clone(), clock, stop.clone()));
    tokio::spawn(dawncast_server::serve(listener, router, stop.clone().cancelled_owned()));
    Ok(url)
}
