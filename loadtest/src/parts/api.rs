//! The API as `dawncast serve --role api` runs it.

use std::path::PathBuf;

use anyhow::bail;
use dawncast_engine::explain;
use dawncast_server::{ApiState, api_router, serve};
use dawncast_store::{Store, StoreConfig, records::Secret};
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;

use crate::process::answer;

/// What the API is given.
#[derive(Serialize, Deserialize)]
pub(crate) struct Config {
    /// Redis.
    pub(crate) redis: String,
    /// The key that may do everything.
    pub(crate) key: String,
    /// Where scratch files go.
    pub(crate) scratch: PathBuf,
}

/// What the API says of itself.
#[derive(Serialize, Deserialize)]
pub(crate) struct Ready {
    /// Its base URL.
    pub(crate) url: String,
}

/// Runs it until its input ends.
pub(crate) async fn run(config: Config) -> anyhow::Result<()> {
    let store = Store::connect(&StoreConfig::new(config.redis, "")).await?.with_keyring(dawncast_testkit::keyring());
    let state = ApiState::new(store, Some(Secret::new(config.key)), explain).with_scratch(config.scratch);
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    tokio::spawn(serve(listener, api_router(state), std::future::pending()));
    answer(&Ready { url }, async |(): ()| bail!("the API is asked nothing here")).await
}
