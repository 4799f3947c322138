//! Imports: rows a second through the API into Redis, and what memory the API takes for them. The rows are made while
//! they are sent; each has a phone, an id, a tier, a name and a link.

use anyhow::{Context as _, ensure};
use dawncast_store::private::{Appendfsync, PrivateConfig, PrivateRedis};
use futures::stream;
use reqwest::{Body, Client};
use serde::Serialize;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{
    figure::{Figure, Target},
    world::folder,
};
use crate::{
    parts::api::{Config, Ready},
    process::Process,
};

const KEY: &str = "key-of-the-bench";
/// Rows that are made at once.
const PIECE: u64 = 1_000;
const FIRST_PHONE: u64 = 919_800_000_000;
const MB: f64 = 1024.0 * 1024.0;

/// One round.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct Round {
    /// Rows a second that replace nothing.
    replace: f64,
    /// Rows a second that are brought into as many, half of whose phones are the same.
    upsert: f64,
    /// The most memory that the API ever took, in MB, after a tenth of the rows.
    peak_of_tenth: f64,
    /// The same after all rows, twice.
    peak: f64,
}

/// Everything about imports, over the rounds.
#[derive(Debug, Serialize)]
pub(super) struct Imports {
    pub(super) rows: u64,
    pub(super) replace: Figure,
    pub(super) upsert: Figure,
    pub(super) peak: Figure,
    growth: Figure,
}

impl Imports {
    pub(super) fn of(rows: u64, rounds: &[Round]) -> Self {
        let figure = |part: fn(&Round) -> f64| Figure::of(rounds.iter().map(part));
        Self {
            rows,
            replace: figure(|it| it.replace),
            upsert: figure(|it| it.upsert),
            peak: figure(|it| it.peak),
            growth: figure(|it| it.peak - it.peak_of_tenth),
        }
    }

    /// Memory that does not grow with the rows: what an upsert sorts besides, and what allocators keep.
    pub(super) fn target(&self) -> Target {
        Target::below("memory for ten times the rows, and an upsert, MB more", &self.growth, 32.0)
    }
}

/// An API on a Redis of its own.
struct Desk {
    redis: PrivateRedis,
    process: Process,
    client: Client,
    url: String,
}

impl Desk {
    async fn audience(&self) -> anyhow::Result<String> {
        let request = self.client.post(format!("{}/v1/audiences", self.url)).bearer_auth(KEY);
        let audience: Value =
            request.json(&json!({ "name": "bench" })).send().await?.error_for_status()?.json().await?;
        Ok(audience["id"].as_str().context("an audience has an id")?.to_owned())
    }

    /// Brings `rows` rows from `first` on; how many a second.
    async fn import(&self, audience: &str, mode: &str, first: u64, rows: u64) -> anyhow::Result<f64> {
        let url = format!("{}/v1/audiences/{audience}/imports?mode={mode}", self.url);
        let request = self.client.post(url).bearer_auth(KEY).header("content-type", "text/csv");
        let started = Instant::now();
        let import: Value = request.body(csv(first, rows)).send().await?.error_for_status()?.json().await?;
        let taken = started.elapsed();
        ensure!(import["state"] == "done" && import["accepted"] == rows, "the import went wrong: {import}");
        Ok(rows as f64 / taken.as_secs_f64())
    }

    fn peak(&self) -> anyhow::Result<f64> {
        Ok(self.process.peak_memory().context("this system has no /proc to read memory from")? as f64 / MB)
    }
}

fn csv(first: u64, rows: u64) -> Body {
    let row = |n: u64| format!("+{},adv-{n:07},pro,Asha {n},https://media.example.com/{n:07}.png\n", FIRST_PHONE + n);
    let parts = (0..rows.div_ceil(PIECE)).map(move |part| {
        let part = first + part * PIECE..first + rows.min((part + 1) * PIECE);
        Ok::<_, std::io::Error>(part.map(row).collect::<String>())
    });
    let head = Ok("phone,id,tier,first_name,image\n".to_owned());
    Body::wrap_stream(stream::iter(std::iter::once(head).chain(parts)))
}

/// Measures once.
pub(super) async fn round(rows: u64) -> anyhow::Result<Round> {
    // Fails when there is a provider already, and any will do: this speaks plain HTTP.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let folder = folder()?;
    let data_dir = folder.path().join("redis");
    let redis = PrivateConfig { appendfsync: Appendfsync::Always, ..PrivateConfig::new(data_dir) };
    let redis = PrivateRedis::start(redis).await?;
    let config = Config { redis: redis.url(), key: KEY.to_owned(), scratch: folder.path().join("scratch") };
    let (process, Ready { url }) = Process::start(folder.path(), "api", &config).await?;
    let desk = Desk { redis, process, client: Client::builder().tls_certs_only([]).build()?, url };
    let (small, large) = (desk.audience().await?, desk.audience().await?);
    desk.import(&small, "replace", 0, rows / 10).await?;
    let peak_of_tenth = desk.peak()?;
    let replace = desk.import(&large, "replace", 0, rows).await?;
    let upsert = desk.import(&large, "upsert", rows / 2, rows).await?;
    let peak = desk.peak()?;
    desk.process.stop().await;
    desk.redis.stop().await?;
    Ok(Round { replace, upsert, peak_of_tenth, peak })
}
