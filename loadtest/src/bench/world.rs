//! A whole deployment for one measurement: a private Redis, the simulator, the engine; and a campaign in it. The rows
//! and the campaign are written through the store, as the API would.

use std::{path::PathBuf, time::Duration};

use anyhow::{Context as _, ensure};
use chrono::{DateTime, TimeDelta, Utc};
use dawncast_cloud_sim::{SimConfig, WABA_ID};
use dawncast_core::{
    campaign::Priority,
    delivery::Standing,
    ids::{AudienceId, RunId},
    report::Report,
    schedule::Zones,
};
use dawncast_engine::explain;
use dawncast_store::{
    Store, StoreConfig,
    private::{Appendfsync, PrivateConfig, PrivateRedis},
    records::{
        Audience, BeginImport, Campaign, ImportMode, Number, NumberRole, NumberWritten, Secret, TokenChange, mint,
    },
    run::RunRecord,
};
use serde::Serialize;
use tempfile::TempDir;
use tokio::time::{Instant, sleep};

use crate::{
    message::{ATTRIBUTES, POOL, TOKEN, campaign, recipient},
    parts::{
        engine,
        sim::{self, Tally},
    },
    process::{self, Process},
};

/// How far ahead the window opens: time enough for freeze, plan and preflight.
const AHEAD: TimeDelta = TimeDelta::seconds(4);
/// How often is looked whether a run has come to its end.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// The longest a run may take.
const PATIENCE: Duration = Duration::from_secs(90);

/// What a deployment is made of.
pub(super) struct Setting {
    pub(super) sim: SimConfig,
    pub(super) fsync: Appendfsync,
    /// What the scheduler plans with; the worker keeps to the default.
    pub(super) plan_headroom: f64,
}

/// See the module.
pub(super) struct World {
    redis: PrivateRedis,
    pub(super) store: Store,
    pub(super) sim: Process,
    engine: Process,
    _folder: TempDir,
}

/// What has been used up to a moment.
#[derive(Clone, Copy)]
pub(super) struct Meter {
    engine: Option<Duration>,
    redis: Option<Duration>,
    sim: Option<Duration>,
    memory: u64,
    aof: u64,
}

/// What a message, or its recipient, has cost.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct Cost {
    /// Processor time of the engine, or of the bare loop, in microseconds.
    pub(super) client_us: f64,
    /// Processor time of Redis in microseconds; none of it for the bare loop.
    pub(super) redis_us: f64,
    /// Processor time of the simulator in microseconds.
    pub(super) sim_us: f64,
    /// Memory of Redis in bytes.
    pub(super) redis_bytes: f64,
    /// Append-only file in bytes.
    pub(super) aof_bytes: f64,
}

/// A folder for one measurement: beside the program, which lies on a real disk where `/tmp` may not.
pub(super) fn folder() -> anyhow::Result<TempDir> {
    let program = std::env::current_exe()?;
    let beside = program.parent().context("the program lies in a folder")?;
    Ok(tempfile::Builder::new().prefix("bench-").tempdir_in(beside)?)
}

impl World {
    pub(super) async fn start(setting: &Setting) -> anyhow::Result<Self> {
        let folder = folder()?;
        let data_dir: PathBuf = folder.path().join("redis");
        let redis = PrivateConfig { appendfsync: setting.fsync, ..PrivateConfig::new(data_dir) };
        let redis = PrivateRedis::start(redis).await?;
        let store = Store::connect(&StoreConfig::new(redis.url(), "")).await?.with_keyring(dawncast_testkit::keyring());
        let (mut sim, known): (_, sim::Ready) = Process::start(folder.path(), "sim", &setting.sim).await?;
        add_numbers(&store, &known.numbers, setting.sim.mps).await?;
        let config = engine::Config { redis: redis.url(), sim: known.url, plan_headroom: setting.plan_headroom };
        let (engine, ready): (_, engine::Ready) = Process::start(folder.path(), "engine", &config).await?;
        let () = sim.ask(&sim::Ask::Webhook(ready.webhook)).await?;
        Ok(Self { redis, store, sim, engine, _folder: folder })
    }

    /// An audience of `count` rows.
    pub(super) async fn import(&self, count: u64) -> anyhow::Result<AudienceId> {
        self.import_from(0, count).await
    }

    /// An audience of `count` people, from the one at `first` on.
    pub(super) async fn import_from(&self, first: u64, count: u64) -> anyhow::Result<AudienceId> {
        let id: AudienceId = format!("aud_{}", mint()).parse()?;
        let now = || Utc::now().timestamp_millis();
        let audience = Audience { id: id.clone(), name: "bench".to_owned(), created_at: now() };
        ensure!(self.store.add_audience(&audience).await?, "the audience is new");
        let import = format!("imp_{}", mint()).parse()?;
        let begun = self.store.begin_import(&id, &import, ImportMode::Replace, now()).await?;
        let BeginImport::Started(mut writer) = begun else { anyhow::bail!("the import does not begin") };
        for place in first..first + count {
            writer.push(place, recipient(place)).await?;
        }
        writer.finish(ATTRIBUTES.map(str::to_owned).into(), now).await?;
        Ok(id)
    }

    /// Submits a campaign whose window has this length.
    pub(super) async fn submit(&self, audience: &AudienceId, window: &str) -> anyhow::Result<RunId> {
        self.submit_as(audience, window, Priority::Normal).await
    }

    /// The same, more or less urgent than others.
    pub(super) async fn submit_as(
        &self,
        audience: &AudienceId,
        window: &str,
        priority: Priority,
    ) -> anyhow::Result<RunId> {
        // A whole second.
        let opens_at = DateTime::from_timestamp((Utc::now() + AHEAD).timestamp() + 1, 0).context("a time")?;
        let (id, spec) = (format!("cmp_{}", mint()).parse()?, campaign(audience, opens_at, window, priority)?);
        let record =
            Campaign::new(id, spec, Utc::now().timestamp_millis(), &Zones::default()).context("a time to come")?;
        let run = RunRecord::of(&record, &Zones::default());
        ensure!(self.store.add_campaign(&record).await?, "the campaign is new");
        ensure!(self.store.create_run(&run).await?, "the run is new");
        Ok(run.id)
    }

    /// Waits until `count` deliveries are at one of `standings`.
    pub(super) async fn reached(&self, run: &RunId, standings: &[Standing], count: u64) -> anyhow::Result<()> {
        let started = Instant::now();
        loop {
            let tallies = self.store.run_tallies(run).await?.tallies;
            if standings.iter().map(|standing| tallies.count(*standing)).sum::<i64>() as u64 == count {
                return Ok(());
            }
            ensure!(started.elapsed() < PATIENCE, "the run did not end within {PATIENCE:?}: {tallies:?}");
            sleep(LOOK_EVERY).await;
        }
    }

    /// The run's own report.
    pub(super) async fn report(&self, run: &RunId) -> anyhow::Result<Report> {
        let run = self.store.run(run).await?.context("the run is stored")?;
        Ok(self.store.report(&run, Utc::now().timestamp_millis(), explain).await?)
    }

    /// What the witness saw: each of `count` recipients got one message.
    pub(super) async fn tally(&mut self, count: u64) -> anyhow::Result<Tally> {
        let tally: Tally = self.sim.ask(&sim::Ask::Tally).await?;
        let once = tally.accepted == count && tally.recipients == count;
        ensure!(once, "{} messages reached {} of {count} recipients", tally.accepted, tally.recipients);
        Ok(tally)
    }

    pub(super) async fn meter(&self) -> anyhow::Result<Meter> {
        let mut connection = self.store.connection();
        let info: redis::InfoDict = redis::cmd("INFO").arg("persistence").query_async(&mut connection).await?;
        Ok(Meter {
            engine: self.engine.cpu(),
            redis: process::cpu(self.redis.pid()),
            sim: self.sim.cpu(),
            memory: self.store.memory().await?.used,
            aof: info.get("aof_current_size").context("Redis keeps an append-only file")?,
        })
    }

    pub(super) async fn stop(self) -> anyhow::Result<()> {
        self.engine.stop().await;
        self.sim.stop().await;
        Ok(self.redis.stop().await?)
    }
}

impl Meter {
    /// What was used from here until `after`, for each of `count`.
    pub(super) fn cost(self, after: Self, count: u64) -> anyhow::Result<Cost> {
        let bytes = |before: u64, after: u64| after.saturating_sub(before) as f64 / count as f64;
        Ok(Cost {
            client_us: process::micros_each(self.engine, after.engine, count)?,
            redis_us: process::micros_each(self.redis, after.redis, count)?,
            sim_us: process::micros_each(self.sim, after.sim, count)?,
            redis_bytes: bytes(self.memory, after.memory),
            aof_bytes: bytes(self.aof, after.aof),
        })
    }
}

async fn add_numbers(store: &Store, ids: &[String], mps: u32) -> anyhow::Result<()> {
    for id in ids {
        let number = Number {
            phone_number_id: id.parse()?,
            waba_id: WABA_ID.parse()?,
            display_phone_number: "15550100000".to_owned(),
            plain_token: None,
            pool: POOL.parse()?,
            mps,
            role: NumberRole::Active,
            paused: false,
            condition: Default::default(),
            caps: Default::default(),
            warmup: None,
            created_at: Utc::now().timestamp_millis(),
        };
        let added = store.add_number(&number, &TokenChange::Give(Secret::new(TOKEN))).await?;
        ensure!(matches!(added, NumberWritten::Written(_)), "number {id} is new");
    }
    Ok(())
}
