//! `bench`: measures, prints the tables, and says which targets are met.

mod comparison;
mod figure;
mod machine;
mod pace;
mod table;
mod throughput;
mod world;

use std::path::PathBuf;

use anyhow::{Context, bail};
use dawncast_core::report::LatenessMs;
use dawncast_engine::Settings;
use serde::Serialize;

use self::{
    comparison::Comparison,
    figure::{Figure, Target},
    machine::Machine,
    pace::Saturation,
    throughput::Trial,
};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Write all figures there.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// One short round of everything: shows that it works, and little else.
    #[arg(long)]
    quick: bool,
}

/// How much is measured.
#[derive(Debug, Serialize)]
struct Setting {
    rounds: usize,
    /// In each round of each side.
    messages: u64,
    in_flight: usize,
    lateness_messages: u64,
    lateness_window: &'static str,
    /// For how long more is due than may be sent.
    saturated_seconds: u64,
}

impl Setting {
    fn new(quick: bool) -> Self {
        let in_flight = Settings::default().in_flight;
        let full = Self {
            rounds: 3,
            messages: 30_000,
            in_flight,
            lateness_messages: 2_000,
            lateness_window: "20s",
            saturated_seconds: 20,
        };
        match quick {
            true => Self {
                rounds: 1,
                messages: 5_000,
                lateness_messages: 500,
                lateness_window: "5s",
                saturated_seconds: 5,
                ..full
            },
            false => full,
        }
    }
}

/// Percentiles, each over the rounds.
#[derive(Debug, Serialize)]
struct Lateness {
    p50: Figure,
    p95: Figure,
    p99: Figure,
    max: Figure,
}

impl Lateness {
    fn of(rounds: &[LatenessMs]) -> Self {
        let figure = |part: fn(&LatenessMs) -> f64| Figure::of(rounds.iter().map(part));
        Self { p50: figure(|it| it.p50), p95: figure(|it| it.p95), p99: figure(|it| it.p99), max: figure(|it| it.max) }
    }
}

/// Everything that was found.
#[derive(Debug, Serialize)]
struct Findings {
    machine: Machine,
    setting: Setting,
    throughput: [Comparison; 3],
    lateness: Lateness,
    utilisation: Figure,
    throttled: Figure,
    targets: [Target; 5],
}

/// Measures everything, unless interrupted: then everything that was started is ended.
pub(crate) async fn run(args: Args) -> anyhow::Result<()> {
    let findings = tokio::select! {
        findings = measure(Setting::new(args.quick)) => findings?,
        _ = tokio::signal::ctrl_c() => bail!("interrupted"),
    };
    println!("{findings}");
    if let Some(path) = &args.json {
        let json = serde_json::to_string_pretty(&findings)?;
        std::fs::write(path, json).with_context(|| format!("{} cannot be written", path.display()))?;
    }
    Ok(())
}

async fn measure(setting: Setting) -> anyhow::Result<Findings> {
    let trial = |receipts_per_call| Trial { messages: setting.messages, receipts_per_call };
    let send = Comparison::measure("send", trial(None), setting.rounds).await?;
    let complete = Comparison::measure("complete, a receipt a call", trial(Some(1)), setting.rounds).await?;
    let batched = Comparison::measure("complete, 50 receipts a call", trial(Some(50)), setting.rounds).await?;
    let (lateness, saturation) = paced(&setting).await?;
    let lateness = Lateness::of(&lateness);
    let utilisation = Figure::of(saturation.iter().map(|round| round.utilisation));
    let throttled = Figure::of(saturation.iter().map(|round| round.throttled));
    let targets = [
        Target::at_least("send ratio", &send.always.ratio, 0.65),
        Target::at_least("complete ratio", &complete.always.ratio, 0.5),
        Target::below("p99 lateness, ms", &lateness.p99, 20.0),
        Target::at_least("utilisation of the paced rate", &utilisation, 0.97),
        Target::never("throttled by the simulator (130429)", &throttled),
    ];
    let throughput = [send, complete, batched];
    Ok(Findings { machine: Machine::look(), setting, throughput, lateness, utilisation, throttled, targets })
}

async fn paced(setting: &Setting) -> anyhow::Result<(Vec<LatenessMs>, Vec<Saturation>)> {
    let (mut lateness, mut saturation) = (Vec::new(), Vec::new());
    for round in 1..=setting.rounds {
        let late = pace::lateness(setting.lateness_messages, setting.lateness_window).await?;
        let full = pace::saturation(setting.saturated_seconds).await?;
        eprintln!("pace, round {round}: p99 {} ms late; {:.1} % of the pace", late.p99, 100.0 * full.utilisation);
        lateness.push(late);
        saturation.push(full);
    }
    Ok((lateness, saturation))
}
