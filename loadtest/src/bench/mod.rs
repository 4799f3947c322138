//! `bench`: measures, prints the tables, and says which targets are met.

mod comparison;
mod figure;
mod imports;
mod machine;
mod pace;
mod priorities;
mod table;
mod throughput;
mod world;

use std::path::PathBuf;

use anyhow::{Context, bail};
use clap::ValueEnum;
use dawncast_core::report::LatenessMs;
use dawncast_engine::Settings;
use serde::Serialize;

use self::{
    comparison::Comparison,
    figure::Target,
    imports::Imports,
    machine::Machine,
    pace::{Pace, Saturation},
    priorities::Priorities,
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
    /// Measure this alone; may be repeated.
    #[arg(long, value_enum, value_name = "WHAT")]
    only: Vec<Subject>,
}

/// What can be measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Subject {
    /// Messages accepted, without receipts.
    Send,
    /// Messages accepted and three receipts each, every one a webhook call of its own.
    Complete,
    /// The same with up to 50 receipts in a call.
    Batched,
    /// Lateness, and how closely the paced rate is kept.
    Pace,
    /// A critical run beside a bulk run that wants more than the numbers can send.
    Priorities,
    /// Rows a second through the API, and its memory.
    Imports,
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
    /// Messages of the bulk run beside a critical one.
    bulk_messages: u64,
    /// Rows of an import.
    import_rows: u64,
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
            // More pages than a worker owns at once.
            bulk_messages: 18_000,
            import_rows: 1_000_000,
        };
        match quick {
            true => Self {
                rounds: 1,
                messages: 5_000,
                lateness_messages: 500,
                lateness_window: "5s",
                saturated_seconds: 5,
                bulk_messages: 5_000,
                import_rows: 20_000,
                ..full
            },
            false => full,
        }
    }
}

/// Everything that was found.
#[derive(Debug, Serialize)]
struct Findings {
    machine: Machine,
    setting: Setting,
    throughput: Vec<Comparison>,
    pace: Option<Pace>,
    priorities: Option<Priorities>,
    imports: Option<Imports>,
    targets: Vec<Target>,
}

/// Measures everything, unless interrupted: then everything that was started is ended.
pub(crate) async fn run(args: Args) -> anyhow::Result<()> {
    let subjects = if args.only.is_empty() { Subject::value_variants() } else { &args.only };
    let findings = tokio::select! {
        findings = measure(Setting::new(args.quick), subjects) => findings?,
        _ = tokio::signal::ctrl_c() => bail!("interrupted"),
    };
    println!("{findings}");
    if let Some(path) = &args.json {
        let json = serde_json::to_string_pretty(&findings)?;
        std::fs::write(path, json).with_context(|| format!("{} cannot be written", path.display()))?;
    }
    Ok(())
}

async fn measure(setting: Setting, subjects: &[Subject]) -> anyhow::Result<Findings> {
    let (mut throughput, mut pace, mut priorities, mut imports) = (Vec::new(), None, None, None);
    for subject in subjects {
        let (name, receipts_per_call) = match subject {
            Subject::Send => ("send", None),
            Subject::Complete => ("complete, a receipt a call", Some(1)),
            Subject::Batched => ("complete, 50 receipts a call", Some(50)),
            Subject::Pace => {
                pace = Some(paced(&setting).await?);
                continue;
            }
            Subject::Priorities => {
                priorities = Some(prioritised(&setting).await?);
                continue;
            }
            Subject::Imports => {
                imports = Some(imported(&setting).await?);
                continue;
            }
        };
        let trial = Trial { messages: setting.messages, receipts_per_call };
        throughput.push(Comparison::measure(name, trial, setting.rounds).await?);
    }
    let targets = throughput.iter().filter_map(ratio_target).chain(pace.iter().flat_map(Pace::targets));
    let targets = targets.chain(priorities.iter().flat_map(Priorities::targets));
    let targets = targets.chain(imports.iter().map(Imports::target)).collect();
    Ok(Findings { machine: Machine::look(), setting, throughput, pace, priorities, imports, targets })
}

/// What was promised of the engine against the bare loop; the private Redis' default counts.
fn ratio_target(comparison: &Comparison) -> Option<Target> {
    match comparison.receipts_per_call {
        None => Some(Target::at_least("send ratio", &comparison.always.ratio, 0.65)),
        Some(1) => Some(Target::at_least("complete ratio", &comparison.always.ratio, 0.5)),
        Some(_) => None,
    }
}

async fn paced(setting: &Setting) -> anyhow::Result<Pace> {
    let (mut lateness, mut saturation): (Vec<LatenessMs>, Vec<Saturation>) = Default::default();
    for round in 1..=setting.rounds {
        let late = pace::lateness(setting.lateness_messages, setting.lateness_window).await?;
        let full = pace::saturation(setting.saturated_seconds).await?;
        eprintln!("pace, round {round}: p99 {} ms late; {:.1} % of the pace", late.p99, 100.0 * full.utilisation);
        lateness.push(late);
        saturation.push(full);
    }
    Ok(Pace::of(&lateness, &saturation))
}

async fn prioritised(setting: &Setting) -> anyhow::Result<Priorities> {
    let mut rounds = Vec::new();
    for round in 1..=setting.rounds {
        rounds.push(priorities::round(setting.bulk_messages).await?);
        eprintln!("priorities, round {round}: {:?}", rounds[round - 1]);
    }
    Ok(Priorities::of(&rounds))
}

async fn imported(setting: &Setting) -> anyhow::Result<Imports> {
    let mut rounds = Vec::new();
    for round in 1..=setting.rounds {
        let measured = imports::round(setting.import_rows).await?;
        eprintln!("imports, round {round}: {measured:?}");
        rounds.push(measured);
    }
    Ok(Imports::of(setting.import_rows, &rounds))
}
