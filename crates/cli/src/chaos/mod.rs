//! `dawncast chaos`: a whole deployment of child processes, one broadcast, and everything that can die, freeze or be cut
//! off does, as drawn from a seed; then the audit, recipient by recipient.

mod audit;
mod crew;
mod evidence;
mod follow;
mod havoc;
mod link;
mod plan;
mod recovery;
mod verdict;

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use chrono::{DateTime, Utc};
use dawncast_core::campaign::Then;
use dawncast_store::private::Appendfsync;

use self::{
    audit::{Audit, Terms},
    crew::{Crew, Ending},
    evidence::Evidence,
    follow::Watched,
    havoc::Chronicle,
    plan::Plan,
    recovery::Recovery,
    verdict::Verdict,
};
use crate::{
    failure::{Failure, Outcome},
    output::say,
    play::{Scene, Script, Stage, phones},
    signals,
};

/// The window of a run of one minute; the rest goes to setting the scene, the deadline and the close.
const WINDOW_OF_A_MINUTE: Duration = Duration::from_secs(50);
/// From the window's close to the deadline: whatever was broken off last can still be made good.
const SLACK: Duration = Duration::from_secs(15);
/// How long a message of unknown fate waits for its receipt. The simulator's come within two seconds.
const GRACE: Duration = Duration::from_secs(6);
/// How long after the deadline last receipts are waited for.
const CLOSE_AFTER: Duration = Duration::from_secs(5);
/// How long the engine may take over that to close the run.
const CLOSE_WITHIN: Duration = Duration::from_secs(8);
const NUMBERS: u16 = 4;
/// Share of the window that is needed at the paced rate: the rest is for catching up.
const LOAD: f64 = 0.6;
/// Numbers are paced at this share of what they may send (`engine.headroom`).
const HEADROOM: f64 = 0.9;

/// Send a made-up broadcast while processes are killed and frozen and connections are cut, then audit every recipient.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Args {
    /// Everything drawn by chance derives from it: who is hit, how, when.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How long the run lasts; parts of a minute are possible.
    #[arg(long, default_value_t = 1.0, value_parser = minutes)]
    minutes: f64,
    /// How many recipients are made up.
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    recipients: u32,
    /// How many worker processes there are.
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=16))]
    workers: u16,
    /// What follows a send that stays unconfirmed: give_up or resend; drawn from the seed unless given.
    #[arg(long)]
    policy: Option<Then>,
    /// When Redis forces its log to disk: always or everysec.
    #[arg(long, default_value = "always", value_parser = appendfsync)]
    redis: Appendfsync,
    /// Write everything that was done and found to this file.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Keep logs and evidence even when the promise held.
    #[arg(long)]
    keep: bool,
}

fn minutes(text: &str) -> Result<f64, String> {
    let minutes = text.parse().map_err(|_| format!("`{text}` is no number of minutes"))?;
    if (0.2..=60.0).contains(&minutes) { Ok(minutes) } else { Err("give 0.2 to 60 minutes".to_owned()) }
}

fn appendfsync(text: &str) -> Result<Appendfsync, String> {
    match text {
        "always" => Ok(Appendfsync::Always),
        "everysec" => Ok(Appendfsync::EverySec),
        _ => Err(format!("`{text}` is no choice: use always or everysec")),
    }
}

impl Args {
    fn window(&self) -> Duration {
        // Whole seconds, as campaigns have them.
        Duration::from_secs(WINDOW_OF_A_MINUTE.mul_f64(self.minutes).as_secs())
    }

    fn script(&self, policy: Then) -> Script {
        let seconds = self.window().as_secs_f64() * LOAD * HEADROOM * f64::from(NUMBERS);
        Script {
            name: "chaos",
            recipients: self.recipients,
            csv: None,
            numbers: NUMBERS,
            mps: (f64::from(self.recipients) / seconds).ceil().max(1.0) as u32,
            window: self.window(),
            slack: SLACK,
            unconfirmed: policy,
            grace: GRACE,
            seed: self.seed,
        }
    }
}

/// Plays it. Exit 0 only if the promise held.
pub(crate) async fn run(args: Args) -> Outcome {
    let mut plan = Plan::draw(args.seed, args.window(), args.workers.into());
    plan.policy = args.policy.unwrap_or(plan.policy);
    let script = args.script(plan.policy);
    let folder = tempfile::Builder::new().prefix("dawncast-chaos-").tempdir().map_err(Failure::new)?;
    let path = folder.path().to_owned();
    let mut interrupted = signals::Interrupt::of_a_play()?;
    let crew = tokio::select! {
        crew = Crew::start(&script, args.workers.into(), args.redis, &path) => crew?,
        () = interrupted.wait() => return Err(Failure::new("stopped by hand before it began")),
    };
    let played = tokio::select! {
        played = play(&script, &plan, &crew, &path) => played,
        () = interrupted.wait() => Err(Failure::new("stopped by hand")),
    };
    let stopped = crew.stop().await;
    let held = played.as_ref().is_ok_and(Verdict::held);
    if args.keep || !held {
        say(format!("\nLogs and evidence are in {}.", folder.keep().display()));
    }
    let verdict = played?;
    say(format!("\n{verdict}"));
    if let Some(path) = &args.json {
        verdict.write(path, &args)?;
    }
    stopped.map(|()| if held { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// From an empty deployment to the verdict.
async fn play(script: &Script, plan: &Plan, crew: &Crew, folder: &Path) -> Result<Verdict, Failure> {
    let stage = Stage::new(&crew.addresses)?;
    let scene = stage.set(script).await?;
    say(format!("{scene}\nWhat stays unconfirmed: {}. Blows: {}", plan.policy, plan.strokes.len()));
    let (chronicle, endings) = (Chronicle::default(), Mutex::new(Vec::new()));
    let watched = tokio::select! {
        watched = shaken(&stage, &scene, plan, crew, &chronicle) => watched?,
        broken = crew.look_after(|ending| note(&endings, ending)) => return Err(broken),
    };
    let endings = endings.into_inner().unwrap_or_else(PoisonError::into_inner);
    let evidence = Evidence::gather(&stage, &scene, folder).await?;
    let terms = Terms {
        policy: plan.policy,
        grace_ms: script.grace.as_millis() as i64,
        deadline_ms: scene.deadline_at.timestamp_millis(),
    };
    let audience: BTreeSet<_> = phones(script).into_iter().collect();
    let audit = Audit::weigh(&audience, &terms, &evidence);
    let dealt = chronicle.read();
    let recovery = Recovery::of(&evidence, &dealt);
    let report = stage.api.get(&["v1", "runs", &scene.run, "report"], &[]).await?;
    let shown = verdict::shown(&stage, &audit).await?;
    Ok(Verdict { plan: plan.clone(), dealt, endings, watched, audit, recovery, report, shown })
}

/// Deals the blows and looks on until the run is closed.
async fn shaken(
    stage: &Stage,
    scene: &Scene,
    plan: &Plan,
    crew: &Crew,
    chronicle: &Chronicle,
) -> Result<Watched, Failure> {
    let end: DateTime<Utc> = scene.deadline_at + CLOSE_AFTER + CLOSE_WITHIN;
    let (wreaked, watched) = tokio::join!(
        havoc::wreak(crew, plan, scene.opens_at, chronicle),
        follow::follow(stage, scene, crew.monitor(), end),
    );
    wreaked.and(watched)
}

fn note(endings: &Mutex<Vec<Ending>>, ending: Ending) {
    say(format!("         {ending}; it is started again"));
    endings.lock().unwrap_or_else(PoisonError::into_inner).push(ending);
}

fn write_json(path: &Path, value: &serde_json::Value) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(value).expect("a value holds nothing that JSON lacks");
    std::fs::write(path, text + "\n").map_err(|why| Failure::new(format!("{}: {why}", path.display())))
}
