//! `dawncast demo`: a whole deployment of child processes against the simulator, one broadcast through the public API,
//! and the verdict, held against the simulator's own record.

mod audit;
mod crew;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use chrono::{DateTime, Utc};
use dawncast_cloud_sim::FaultProfile;
use dawncast_core::campaign::Then;
use serde_json::Value;
use tokio::time::{sleep, timeout};

use self::{
    audit::Audit,
    crew::{Crew, Workers},
};
use crate::{
    failure::{Failure, Outcome},
    output::say,
    play::{Scene, Script, Stage, ZONE},
    report, signals,
    watch::{self, Show},
};

/// From the window's close to the deadline.
const SLACK: Duration = Duration::from_secs(5);
/// How long a message of unknown fate waits for its receipt.
const GRACE: Duration = Duration::from_secs(6);
/// How long after the deadline last receipts are waited for. They take two seconds.
const CLOSE_AFTER: Duration = Duration::from_secs(8);
/// How long the engine may take over that to close the run.
const CLOSE_WITHIN: Duration = Duration::from_secs(12);
/// How often a worker is killed under `--kill-workers`: as soon as the pages of the one before are leased again.
const KILL_EVERY: Duration = Duration::from_secs(3);
/// How long before the window closes the last one is killed: whoever is left has to catch up.
const KILL_UNTIL: Duration = Duration::from_secs(6);

/// Send a made-up broadcast to the simulator, with faults, and see what comes of it.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Args {
    /// How many recipients are made up.
    #[arg(long, default_value_t = 2000, value_parser = clap::value_parser!(u32).range(1..))]
    recipients: u32,
    /// How many numbers send.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..=1000))]
    numbers: u16,
    /// Messages per second of each number.
    #[arg(long, default_value_t = 80, value_parser = clap::value_parser!(u32).range(1..=1000))]
    mps: u32,
    /// How long the window is; the deadline follows five seconds later.
    #[arg(long, default_value = "20s", value_parser = humantime::parse_duration)]
    window: Duration,
    /// Send to the recipients in this file instead; to the simulator, never to them.
    #[arg(long, value_name = "FILE", conflicts_with = "recipients")]
    csv: Option<PathBuf>,
    /// What goes wrong by itself: none, realistic or harsh.
    #[arg(long, default_value = "realistic")]
    faults: FaultProfile,
    /// Kill a worker every three seconds of the run, and start another.
    #[arg(long)]
    kill_workers: bool,
    /// Write the report to this file.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Write where the engine's metrics are to this file once all is ready, as Prometheus reads targets (`file_sd`).
    #[arg(long, value_name = "FILE")]
    targets: Option<PathBuf>,
    /// Stay up afterwards, until Ctrl-C, and keep the files.
    #[arg(long)]
    keep: bool,
    /// Everything drawn by chance derives from it.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

impl Args {
    fn script(&self) -> Script {
        Script {
            name: "demo",
            recipients: self.recipients,
            csv: self.csv.clone(),
            numbers: self.numbers,
            mps: self.mps,
            window: self.window,
            slack: SLACK,
            unconfirmed: Then::Resend,
            grace: GRACE,
            seed: self.seed,
        }
    }
}

/// Plays the demo. Exit 0 only if the SLA passed and the audit found nothing.
pub(crate) async fn run(args: Args) -> Outcome {
    let folder = tempfile::Builder::new().prefix("dawncast-demo-").tempdir().map_err(Failure::new)?;
    let path = if args.keep { folder.keep() } else { folder.path().to_owned() };
    let mut interrupted = signals::Interrupt::of_a_play()?;
    let crew = tokio::select! {
        crew = Crew::start(&args, &path) => crew?,
        () = interrupted.wait() => return Err(Failure::new("stopped by hand before it began")),
    };
    if let Some(path) = &args.targets {
        write_json(path, &crew.targets())?;
    }
    let Crew { addresses, mut workers, others } = crew;
    if args.keep {
        say(&addresses);
    }
    let stage = Stage::new(&addresses)?;
    let played = tokio::select! {
        played = play(&args, &stage, &mut workers) => Some(played),
        () = interrupted.wait() => None,
    };
    if args.keep && played.is_some() {
        say(format!("\nAll stays up where it is; files are in {}. Ctrl-C ends it.", path.display()));
        interrupted.wait().await;
    }
    let stopped = others.stop(workers).await;
    let outcome = played.unwrap_or_else(|| Err(Failure::new("stopped by hand")))?;
    stopped.map(|()| outcome)
}

/// From an empty deployment to the verdict.
async fn play(args: &Args, stage: &Stage, workers: &mut Workers) -> Outcome {
    let scene = stage.set(&args.script()).await?;
    say(&scene);
    let followed = async {
        let whole = timeout(until_closed(&scene), watch::follow(&stage.api, &scene.run, Show::People)).await;
        whole.unwrap_or_else(|_| Err(Failure::new(format!("the run {} was not closed in time", scene.run))))
    };
    let found = tokio::select! {
        found = followed => found?,
        broken = havoc(args, &scene, workers) => return Err(broken),
    };
    let audit = Audit::of(stage, &scene, &found).await?;
    say(format!("\n{}\n\n{audit}", report::text(&found, ZONE)?));
    if let Some(path) = &args.json {
        write_json(path, &found)?;
    }
    Ok(if audit.passed() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn until_closed(scene: &Scene) -> Duration {
    let left = (scene.deadline_at - Utc::now()).to_std().unwrap_or_default();
    left + CLOSE_AFTER + CLOSE_WITHIN
}

/// Kills a worker every few seconds while the window is open, if told to. Resolves only when one cannot be started.
async fn havoc(args: &Args, scene: &Scene, workers: &mut Workers) -> Failure {
    if args.kill_workers {
        wait_until(scene.opens_at).await;
        while Utc::now() + KILL_UNTIL < scene.closes_at {
            sleep(KILL_EVERY / 2).await;
            if let Err(failure) = workers.kill_one() {
                return failure;
            }
            sleep(KILL_EVERY / 2).await;
        }
    }
    std::future::pending().await
}

async fn wait_until(at: DateTime<Utc>) {
    sleep((at - Utc::now()).to_std().unwrap_or_default()).await;
}

fn write_json(path: &Path, value: &Value) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(value).expect("it holds nothing that JSON lacks");
    std::fs::write(path, text + "\n").map_err(|why| Failure::new(format!("{}: {why}", path.display())))
}
