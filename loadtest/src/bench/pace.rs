//! How well the engine keeps to its pace, against a simulator that throttles as Meta does: three numbers at Meta's
//! standard level, answers after 50 ms, no faults.

use std::net::SocketAddr;

use anyhow::{Context, ensure};
use dawncast_cloud_sim::SimConfig;
use dawncast_core::{delivery::Standing, report::LatenessMs};
use dawncast_engine::Settings;
use dawncast_store::private::Appendfsync;
use serde::Serialize;

use super::{
    figure::{Figure, Target},
    world::{Setting, World},
};

/// A message that went out, whatever its receipts say by now.
pub(super) const ACCEPTED: [Standing; 4] = [Standing::Accepted, Standing::Sent, Standing::Delivered, Standing::Read];
/// What plans everything into one moment, so that it is the worker's credit that paces.
pub(super) const NO_PLAN: f64 = 10_000.0;

/// More is due than the numbers may send.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct Saturation {
    /// Messages that the simulator refused as too fast (130429).
    pub(super) throttled: f64,
    /// Share of the paced rate, mps × headroom × numbers, that was accepted while every number had some to send.
    pub(super) utilisation: f64,
}

/// Everything about the pace, over the rounds.
#[derive(Debug, Serialize)]
pub(super) struct Pace {
    pub(super) p50: Figure,
    pub(super) p95: Figure,
    pub(super) p99: Figure,
    pub(super) max: Figure,
    pub(super) utilisation: Figure,
    pub(super) throttled: Figure,
}

impl Pace {
    pub(super) fn of(lateness: &[LatenessMs], saturation: &[Saturation]) -> Self {
        let late = |part: fn(&LatenessMs) -> f64| Figure::of(lateness.iter().map(part));
        Self {
            p50: late(|it| it.p50),
            p95: late(|it| it.p95),
            p99: late(|it| it.p99),
            max: late(|it| it.max),
            utilisation: Figure::of(saturation.iter().map(|it| it.utilisation)),
            throttled: Figure::of(saturation.iter().map(|it| it.throttled)),
        }
    }

    pub(super) fn targets(&self) -> [Target; 3] {
        [
            Target::below("p99 lateness, ms", &self.p99, 20.0),
            Target::at_least("utilisation of the paced rate", &self.utilisation, 0.97),
            Target::never("throttled by the simulator (130429)", &self.throttled),
        ]
    }
}

pub(super) fn world(plan_headroom: f64) -> Setting {
    let sim = SimConfig { listen: SocketAddr::from(([127, 0, 0, 1], 0)), ..SimConfig::default() };
    Setting { sim, fsync: Appendfsync::Always, plan_headroom }
}

/// Sends for `seconds` with everything due from the start.
pub(super) async fn saturation(seconds: u64) -> anyhow::Result<Saturation> {
    let setting = world(NO_PLAN);
    let paced = f64::from(setting.sim.mps) * Settings::default().headroom * setting.sim.numbers as f64;
    let count = (paced * seconds as f64) as u64;
    let mut world = World::start(&setting).await?;
    let audience = world.import(count).await?;
    let run = world.submit(&audience, "200ms").await?;
    world.reached(&run, &ACCEPTED, count).await?;
    let tally = world.tally(count).await?;
    let rate = tally.rate_of_all_numbers().context("messages were accepted")?;
    world.stop().await?;
    Ok(Saturation {
        throttled: tally.rejected.get("130429").copied().unwrap_or_default() as f64,
        utilisation: rate / paced,
    })
}

/// How late each of `count` messages went out, spread over `window`.
pub(super) async fn lateness(count: u64, window: &str) -> anyhow::Result<LatenessMs> {
    let world = World::start(&world(Settings::default().headroom)).await?;
    let audience = world.import(count).await?;
    let run = world.submit(&audience, window).await?;
    world.reached(&run, &ACCEPTED, count).await?;
    let report = world.report(&run).await?;
    ensure!(report.attempts == count, "{} attempts for {count} messages", report.attempts);
    world.stop().await?;
    report.lateness_ms.context("messages went out")
}
