//! A critical run beside a bulk run that wants more than the numbers can send, on the same numbers: is it served as if it
//! were alone, and does the bulk run go on afterwards?

use anyhow::{Context, ensure};
use dawncast_core::{campaign::Priority, delivery::Standing, report::LatenessMs};
use serde::Serialize;

use super::{
    figure::{Figure, Target},
    pace::{ACCEPTED, NO_PLAN, world},
    world::World,
};

/// The critical run: its messages, and its window. Less than half of what the numbers can send.
const CRITICAL: (u64, &str) = (1_000, "10s");

/// One round.
#[derive(Debug, Clone, Copy)]
pub(super) struct Round {
    alone: LatenessMs,
    beside: LatenessMs,
    /// Messages of the bulk run that were accepted when the critical one was done.
    bulk_meanwhile: u64,
    throttled: u64,
}

/// Everything about priorities, over the rounds.
#[derive(Debug, Serialize)]
pub(super) struct Priorities {
    /// p99 lateness of the critical run in milliseconds, with the numbers to itself.
    pub(super) alone_p99: Figure,
    /// The same beside the bulk run.
    pub(super) beside_p99: Figure,
    pub(super) beside_max: Figure,
    /// How many messages of the bulk run went out meanwhile.
    pub(super) bulk_meanwhile: Figure,
    pub(super) throttled: Figure,
}

impl Priorities {
    pub(super) fn of(rounds: &[Round]) -> Self {
        let figure = |part: fn(&Round) -> f64| Figure::of(rounds.iter().map(part));
        Self {
            alone_p99: figure(|it| it.alone.p99),
            beside_p99: figure(|it| it.beside.p99),
            beside_max: figure(|it| it.beside.max),
            bulk_meanwhile: figure(|it| it.bulk_meanwhile as f64),
            throttled: figure(|it| it.throttled as f64),
        }
    }

    pub(super) fn targets(&self) -> [Target; 2] {
        [
            Target::below("p99 lateness of a critical run beside bulk, ms", &self.beside_p99, 100.0),
            Target::never("throttled while both went out (130429)", &self.throttled),
        ]
    }
}

/// One round of both.
pub(super) async fn round(bulk: u64) -> anyhow::Result<Round> {
    let alone = World::start(&world(NO_PLAN)).await?;
    let lateness = critical(&alone, 0).await?;
    alone.stop().await?;
    let mut both = World::start(&world(NO_PLAN)).await?;
    let backlog = both.import(bulk).await?;
    let run = both.submit_as(&backlog, "200ms", Priority::Bulk).await?;
    let beside = critical(&both, bulk).await?;
    let tallies = both.store.run_tallies(&run).await?.tallies;
    let bulk_meanwhile = ACCEPTED.iter().map(|standing| tallies.count(*standing)).sum::<i64>() as u64;
    ensure!(bulk_meanwhile < bulk, "the bulk run was over before the critical one: it is too small");
    both.reached(&run, &ACCEPTED, bulk).await?;
    let tally = both.tally(bulk + CRITICAL.0).await?;
    both.stop().await?;
    let throttled = tally.rejected.get("130429").copied().unwrap_or_default();
    Ok(Round { alone: lateness, beside, bulk_meanwhile, throttled })
}

/// Sends the critical run to people from `first` on; how late it went out.
async fn critical(world: &World, first: u64) -> anyhow::Result<LatenessMs> {
    let (count, window) = CRITICAL;
    let audience = world.import_from(first, count).await?;
    let run = world.submit_as(&audience, window, Priority::Critical).await?;
    let served: [Standing; 4] = ACCEPTED;
    world.reached(&run, &served, count).await?;
    world.report(&run).await?.lateness_ms.context("messages went out")
}
