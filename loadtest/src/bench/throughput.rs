//! How many messages a second: everything is due at once and the simulator never throttles, so that the machine is the
//! limit. The bare loop gets the same simulator, client, bodies and number of POSTs on the wire.

use std::{fmt, net::SocketAddr, time::Duration};

use anyhow::{Context, ensure};
use dawncast_cloud_sim::{Receipts, SimConfig, Span};
use dawncast_core::delivery::Standing;
use dawncast_engine::Settings;
use dawncast_store::private::Appendfsync;
use serde::Serialize;
use tokio::time::{Instant, sleep};

use super::world::{Cost, Setting, World, folder};
use crate::{
    parts::{
        bare,
        sim::{self, Tally},
    },
    process::{Process, micros_each},
};

/// More than anything here can send.
const UNLIMITED_MPS: u32 = 1_000_000;
/// The window in which everything is due.
const WINDOW: &str = "200ms";
/// Webhook calls under way at once.
const WEBHOOK_CALLS: usize = 512;
/// The longest that the last receipts may take.
const PATIENCE: Duration = Duration::from_secs(60);
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// What is measured.
#[derive(Debug, Clone, Copy)]
pub(super) struct Trial {
    pub(super) messages: u64,
    /// Three receipts for each message, so many to a webhook call at most; none at all.
    pub(super) receipts_per_call: Option<usize>,
}

/// What came of it.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct Outcome {
    /// Messages a second, from the first accepted to the last; with receipts, to the last that was answered.
    pub(super) rate: f64,
    /// What each message cost.
    #[serde(flatten)]
    pub(super) cost: Cost,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rate, cost: Cost { client_us, redis_us, sim_us, .. } } = self;
        write!(f, "{rate:.0}/s ({client_us:.0} + {redis_us:.0} + {sim_us:.0} µs)")
    }
}

impl Trial {
    fn sim(self) -> SimConfig {
        let soon = Span::millis(0, 20);
        let receipts = match self.receipts_per_call {
            None => Receipts::off(),
            Some(max_batch) => Receipts {
                sent: soon,
                delivered: soon,
                read: soon,
                read_share: 1.0,
                max_batch,
                concurrency: WEBHOOK_CALLS,
                ..Receipts::default()
            },
        };
        SimConfig {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            mps: UNLIMITED_MPS,
            latency: Duration::ZERO,
            receipts,
            ..SimConfig::default()
        }
    }

    fn rate(self, tally: &Tally) -> anyhow::Result<f64> {
        let (first, last) = tally.span().context("messages were accepted")?;
        let until = if self.receipts_per_call.is_some() { tally.receipts_until } else { last };
        Ok(self.messages as f64 * 1_000.0 / until.saturating_sub(first).max(1) as f64)
    }

    /// The engine.
    pub(super) async fn engine(self, fsync: Appendfsync) -> anyhow::Result<Outcome> {
        let setting = Setting { sim: self.sim(), fsync, plan_headroom: Settings::default().headroom };
        let mut world = World::start(&setting).await?;
        let audience = world.import(self.messages).await?;
        let before = world.meter().await?;
        let run = world.submit(&audience, WINDOW).await?;
        let end = if self.receipts_per_call.is_some() { Standing::Read } else { Standing::Accepted };
        world.reached(&run, &[end], self.messages).await?;
        await_receipts(&mut world.sim).await?;
        let cost = before.cost(world.meter().await?, self.messages)?;
        let rate = self.rate(&world.tally(self.messages).await?)?;
        let report = world.report(&run).await?;
        ensure!(report.totals.imbalance() == 0, "the report does not add up: {:?}", report.totals);
        world.stop().await?;
        Ok(Outcome { rate, cost })
    }

    /// The bare loop.
    pub(super) async fn bare(self) -> anyhow::Result<Outcome> {
        let folder = folder()?;
        let (mut sim, known): (_, sim::Ready) = Process::start(folder.path(), "sim", &self.sim()).await?;
        let config = bare::Config {
            sim: known.url,
            numbers: known.numbers,
            messages: self.messages,
            in_flight: Settings::default().in_flight,
        };
        let (mut bare, ready): (_, bare::Ready) = Process::start(folder.path(), "bare", &config).await?;
        let () = sim.ask(&sim::Ask::Webhook(ready.webhook)).await?;
        let before = (bare.cpu(), sim.cpu());
        let () = bare.ask(&bare::Ask::Go).await?;
        await_receipts(&mut sim).await?;
        let cost = Cost {
            client_us: micros_each(before.0, bare.cpu(), self.messages)?,
            redis_us: 0.0,
            sim_us: micros_each(before.1, sim.cpu(), self.messages)?,
            redis_bytes: 0.0,
            aof_bytes: 0.0,
        };
        let tally: Tally = sim.ask(&sim::Ask::Tally).await?;
        ensure!(tally.accepted == self.messages, "{} messages were accepted", tally.accepted);
        bare.stop().await;
        sim.stop().await;
        Ok(Outcome { rate: self.rate(&tally)?, cost })
    }
}

/// Waits until every status was answered.
async fn await_receipts(sim: &mut Process) -> anyhow::Result<()> {
    let started = Instant::now();
    while sim.ask::<usize>(&sim::Ask::Pending).await? > 0 {
        ensure!(started.elapsed() < PATIENCE, "not every receipt was answered within {PATIENCE:?}");
        sleep(LOOK_EVERY).await;
    }
    Ok(())
}
