//! `dawncast serve`: opens storage and listeners, runs the roles, and stops them in order.

use std::{io, net::SocketAddr, path::PathBuf, time::Duration};

use axum::{Router, routing::get};
use chrono::Utc;
use dawncast_cloud_api::{Client, ClientConfig};
use dawncast_engine::{Context, Settings, Vigil};
use dawncast_store::{
    Store, StoreConfig, Volatility,
    private::{PrivateConfig, PrivateRedis},
    records::{Scope, Secret},
};
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::{
    config::Config,
    credentials,
    failure::Failure,
    logs,
    output::say,
    roles::{Role, Roles, Tasks},
    signals, telemetry,
};

/// Where in the data folder this process notes how far it has seen the database come. A backup of Redis must not hold it.
const SEEN: &str = "seen";
/// How often samples are folded into the histograms, and the build is named again.
const UPKEEP: Duration = Duration::from_secs(5);

/// Run the engine: all of it, or some of its roles.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// What this process does; several, comma-separated.
    #[arg(long, value_enum, value_delimiter = ',', default_value = "all")]
    role: Vec<Role>,
    /// The configuration; dawncast.toml, if it is there, unless given.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Stop when standard input ends.
    #[arg(long, hide = true)]
    leash: bool,
}

/// Serves until told to stop.
pub(crate) async fn run(args: Args) -> Result<(), Failure> {
    let config = Config::load(args.config.as_deref(), environment())?;
    let roles = Roles::new(&args.role);
    logs::start(&config.log)?;
    let metrics = telemetry::start_metrics()?;
    let stop = signals::stop_token(args.leash)?;
    let (url, private) = redis(&config, &roles).await?;
    let served = serve(&config, &roles, &url, metrics, stop).await;
    if let Some(private) = private {
        private.stop().await?;
    }
    served
}

/// The variables of this process; those that are not text configure nothing.
pub(crate) fn environment() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
}

/// Where Redis is; without one configured, a private one.
async fn redis(config: &Config, roles: &Roles) -> Result<(Secret, Option<PrivateRedis>), Failure> {
    if let Some(url) = &config.redis.url {
        return Ok((url.clone(), None));
    }
    if !roles.are_all() {
        let detail = "roles in processes of their own have to share a Redis: set redis.url (DAWNCAST_REDIS__URL)";
        return Err(Failure::new(detail));
    }
    let private = PrivateRedis::start(PrivateConfig::new(&config.data_dir)).await?;
    tracing::info!(redis.pid = private.pid(), "a private Redis keeps its data in {}", config.data_dir.display());
    Ok((Secret::new(private.url()), Some(private)))
}

async fn serve(
    config: &Config,
    roles: &Roles,
    url: &Secret,
    metrics: PrometheusHandle,
    stop: CancellationToken,
) -> Result<(), Failure> {
    let ctx = context(config, roles, url).await?;
    dawncast_engine::describe_metrics();
    dawncast_server::metrics::describe();
    let health = CancellationToken::new();
    let listener = bind("metrics.listen", config.metrics.listen).await?;
    let health_router = dawncast_server::health_router(ctx.store.clone()).merge(metrics_router(metrics));
    let health_server = tokio::spawn(dawncast_server::serve(listener, health_router, health.clone().cancelled_owned()));
    let mut outside = listening(&ctx, config, roles).await?;
    let mut inside = Tasks::new();
    inside.engine(&ctx, roles);
    tracing::info!("dawncast {} is up: {roles}", env!("CARGO_PKG_VERSION"));
    let ended = tokio::select! {
        () = stop.cancelled() => Ok(()),
        ended = outside.ended() => ended,
        ended = inside.ended() => ended,
    };
    tracing::info!("stopping: nothing new is taken, what is on the wire is waited for");
    // First what lets work in, then what does it, then what tells of it.
    let (outside, inside) = (outside.stop().await, inside.stop().await);
    health.cancel();
    let _ = health_server.await;
    tracing::info!("stopped");
    ended.and(outside).and(inside)
}

/// The roles that let work in. Every address is taken before anything is served or said.
async fn listening(ctx: &Context, config: &Config, roles: &Roles) -> Result<Tasks, Failure> {
    let mut tasks = Tasks::new();
    let (mut api, mut webhook) = (None, None);
    if roles.has(Role::Api) {
        api = Some(bind("api.listen", config.api.listen).await?);
    }
    if roles.has(Role::Webhook) {
        webhook = Some(bind("webhook.listen", config.webhook.listen).await?);
    }
    if let Some(listener) = webhook {
        tasks.webhook(ctx, config, listener).await?;
    }
    if let Some(listener) = api {
        announce_key(&ctx.store, config).await?;
        tasks.api(ctx, config, listener);
    }
    Ok(tasks)
}

async fn context(config: &Config, roles: &Roles, url: &Secret) -> Result<Context, Failure> {
    let store = StoreConfig::new(url.expose(), &config.redis.prefix).with_durability(config.redis.durability.into());
    let keyring = credentials::keyring(config, roles)?;
    let store = Store::connect(&store).await.map_err(|why| Failure::new(format!("redis.url: {why}")))?;
    let mut store = store.with_keyring(keyring);
    if let Some(archive) = config.archive.open()? {
        store = store.with_archive(archive);
    }
    let volatility = if config.redis.allow_volatile { Volatility::Allowed } else { Volatility::Refused };
    store.check_fit(volatility, Utc::now).await?;
    let client = Client::new(ClientConfig {
        base_url: config.cloud_api.base_url.clone(),
        version: Some(config.cloud_api.version.clone()),
        ..ClientConfig::default()
    })?;
    let vigil = Vigil::start(&store, Some(&config.data_dir.join(SEEN))).await?;
    credentials::look_after(&store).await;
    let settings = Settings {
        notify: config.notify()?,
        archive_after: config.archive.after(),
        policy: config.policy(),
        playbook: config.playbook.rules(),
        ..(&config.engine).into()
    };
    Ok(Context { store, client, deployment: config.deployment.clone(), vigil, settings })
}

async fn bind(key: &str, address: SocketAddr) -> Result<TcpListener, Failure> {
    let bound = async {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        Ok::<_, io::Error>((listener, address))
    };
    let (listener, address) = bound.await.map_err(|why| {
        Failure::new(format!("{address}: {why}. Set {key} to an address of this machine that is free"))
    })?;
    tracing::info!("{key}: http://{address}");
    Ok(listener)
}

fn metrics_router(metrics: PrometheusHandle) -> Router {
    let upkeep = metrics.clone();
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(UPKEEP).await;
            upkeep.run_upkeep();
            telemetry::say_build();
        }
    });
    Router::new().route("/metrics", get(async move || metrics.render()))
}

/// Without a key nobody could make the first one: so the first start makes it, and says it once.
async fn announce_key(store: &Store, config: &Config) -> Result<(), Failure> {
    if config.auth.bootstrap_key.is_some() || !store.keys_page(1, None).await?.items.is_empty() {
        return Ok(());
    }
    let new = store.create_key("bootstrap", &[Scope::Admin], Utc::now().timestamp_millis()).await?;
    say(format!("An admin key was made. Keep it now, it is not shown again:\nDAWNCAST_KEY={}", new.secret.expose()));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_of_the_configuration_are_those_of_the_engine() {
        let config = Config::load(None, []).unwrap();
        assert_eq!(
            Settings { policy: config.policy(), playbook: config.playbook.rules(), ..(&config.engine).into() },
            Settings::default()
        );
        let client = ClientConfig::default();
        assert_eq!((config.cloud_api.base_url, Some(config.cloud_api.version)), (client.base_url, client.version));
    }
}
