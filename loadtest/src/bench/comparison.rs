//! The engine held against the bare loop: both in turn, round by round, so that a machine whose speed drifts drifts for
//! both.

use dawncast_store::private::Appendfsync;
use serde::Serialize;

use super::{
    figure::Figure,
    throughput::{Outcome, Trial},
};

/// One side's figures.
#[derive(Debug, Serialize)]
pub(super) struct Side {
    pub(super) rate: Figure,
    pub(super) client_us: Figure,
    pub(super) redis_us: Figure,
    pub(super) sim_us: Figure,
    pub(super) redis_bytes: Figure,
    pub(super) aof_bytes: Figure,
}

impl Side {
    fn of(rounds: &[Outcome]) -> Self {
        let figure = |part: fn(&Outcome) -> f64| Figure::of(rounds.iter().map(part));
        Self {
            rate: figure(|round| round.rate),
            client_us: figure(|round| round.cost.client_us),
            redis_us: figure(|round| round.cost.redis_us),
            sim_us: figure(|round| round.cost.sim_us),
            redis_bytes: figure(|round| round.cost.redis_bytes),
            aof_bytes: figure(|round| round.cost.aof_bytes),
        }
    }
}

/// The engine's figures, and its rate as a share of the bare loop's of the same round.
#[derive(Debug, Serialize)]
pub(super) struct Against {
    #[serde(flatten)]
    pub(super) side: Side,
    pub(super) ratio: Figure,
}

impl Against {
    fn of(rounds: &[Outcome], bare: &[Outcome]) -> Self {
        let ratio = Figure::of(rounds.iter().zip(bare).map(|(engine, bare)| engine.rate / bare.rate));
        Self { side: Side::of(rounds), ratio }
    }
}

/// See the module.
#[derive(Debug, Serialize)]
pub(super) struct Comparison {
    pub(super) name: &'static str,
    pub(super) receipts_per_call: Option<usize>,
    pub(super) bare: Side,
    /// With `appendfsync always`, the private Redis' default.
    pub(super) always: Against,
    pub(super) everysec: Against,
}

impl Comparison {
    pub(super) async fn measure(name: &'static str, trial: Trial, rounds: usize) -> anyhow::Result<Self> {
        let (mut bare, mut always, mut everysec) = (Vec::new(), Vec::new(), Vec::new());
        for round in 1..=rounds {
            bare.push(trial.bare().await?);
            always.push(trial.engine(Appendfsync::Always).await?);
            everysec.push(trial.engine(Appendfsync::EverySec).await?);
            let said = [&bare, &always, &everysec].map(|side| side[round - 1].to_string());
            eprintln!("{name}, round {round}: bare {}; always {}; everysec {}", said[0], said[1], said[2]);
        }
        Ok(Self {
            name,
            receipts_per_call: trial.receipts_per_call,
            always: Against::of(&always, &bare),
            everysec: Against::of(&everysec, &bare),
            bare: Side::of(&bare),
        })
    }
}
