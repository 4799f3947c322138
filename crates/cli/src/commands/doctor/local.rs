//! What can be seen without a server: the configuration, and through it Redis, the clocks and the Cloud API.

use std::{
    path::Path,
    time::{Duration, SystemTime},
};

use dawncast_cloud_api::{Client, ClientConfig};
use dawncast_core::doctor::{self, Check, Finding};
use dawncast_store::{Store, StoreConfig, StoreError};
use tokio::time::timeout;

use crate::{config::Config, serve::environment};

/// Who does not answer within this is away.
const PATIENCE: Duration = Duration::from_secs(5);

/// Looks at the configuration in `file`, or at the one that `dawncast serve` would take here.
pub(super) async fn examine(file: Option<&Path>) -> Vec<Finding> {
    let config = match Config::load(file, environment()) {
        Ok(config) => config,
        Err(why) => {
            let remedy = "mend that key; `dawncast serve` does not start without";
            return vec![Finding::fail(Check::Config, "", why.to_string(), remedy)];
        }
    };
    let mut found = vec![Finding::ok(Check::Config, "", "the configuration is readable and whole")];
    found.extend(secrets(&config));
    found.extend(redis(&config).await);
    found.push(cloud_api(&config).await);
    found
}

/// Without these no webhook is taken.
fn secrets(config: &Config) -> Option<Finding> {
    config.webhook.app_secrets.is_empty().then(|| {
        let evidence = "webhook.app_secrets is empty: every webhook is turned away, and no message is confirmed";
        let remedy = "set webhook.app_secrets (or webhook.app_secrets_file) where the role webhook runs";
        Finding::warn(Check::Config, "", evidence, remedy)
    })
}

async fn redis(config: &Config) -> Vec<Finding> {
    let Some(url) = &config.redis.url else {
        let evidence = "redis.url is not set: `dawncast serve` starts a private Redis in its data folder";
        return vec![Finding::ok(Check::Redis, "", evidence)];
    };
    let store = StoreConfig::new(url.expose(), &config.redis.prefix);
    let away = |why: String| {
        let remedy = "see that it runs, and that redis.url leads to it (docs/runbooks/redis-down.md)";
        vec![Finding::fail(Check::Redis, "", format!("Redis does not answer at redis.url ({why})"), remedy)]
    };
    match timeout(PATIENCE, look(&store)).await {
        Ok(Ok(found)) => found,
        Ok(Err(why)) => away(why.to_string()),
        Err(_) => away(format!("not within {} s", PATIENCE.as_secs())),
    }
}

async fn look(config: &StoreConfig) -> Result<Vec<Finding>, StoreError> {
    let store = Store::connect(config).await?;
    let mut found = doctor::redis(&store.redis_state().await?);
    let now = || SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    found.push(doctor::clock("Redis", store.redis_ahead_ms(now).await?, 0));
    Ok(found)
}

async fn cloud_api(config: &Config) -> Finding {
    let client = Client::new(ClientConfig {
        base_url: config.cloud_api.base_url.clone(),
        version: Some(config.cloud_api.version.clone()),
        ..ClientConfig::default()
    });
    match client {
        Err(why) => Finding::fail(Check::CloudApi, "", why.to_string(), "mend cloud_api in the configuration"),
        Ok(client) => doctor::cloud_api(client.is_there().await),
    }
}
