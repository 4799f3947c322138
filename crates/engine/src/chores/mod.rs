//! Chores: the rare, idempotent steps of a run's life. A tick each second derives what is due from the run records; the
//! job on the queue is only its hint, so that a lost or late job costs a second, not the window.

mod archive;
mod by_zone;
mod canary;
mod check;
mod close;
mod due;
mod examine;
mod freeze;
mod homes;
mod media;
mod missed;
mod open;
mod plan;
mod preflight;
mod queue;
mod screen;
mod select;
mod stalled;
mod tick;
mod trial;

use std::sync::Arc;

use dawncast_core::ids::RunId;
use dawncast_store::run::{Hold, Notice, Origin, Run};
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, info, info_span, warn};

use crate::{Clock, Context, EngineError, doctor::Asked, meters::Meters, notify};

pub(crate) use examine::kept_back;
pub(crate) use media::{USABLE_FOR_MS, media_ids};
pub(crate) use select::renderers;

/// A step of a run's life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Step {
    /// See whether it would go.
    Check,
    /// Pin the audience.
    Freeze,
    /// Write the pages.
    Plan,
    /// See whether it can go.
    Preflight,
    /// Put the pages into their lane.
    Open,
    /// See whether the rest follows what went out first.
    Canary,
    /// The provisional verdict.
    Judge,
    /// The final one.
    Close,
}

impl Step {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Check => "check",
            Self::Freeze => "freeze",
            Self::Plan => "plan",
            Self::Preflight => "preflight",
            Self::Open => "open",
            Self::Canary => "canary",
            Self::Judge => "judge",
            Self::Close => "close",
        }
    }
}

/// The job: which step of which run.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct Chore {
    pub(crate) run: RunId,
    pub(crate) step: Step,
}

/// What the chores of a process share.
pub(crate) struct Chores {
    pub(crate) ctx: Context,
    pub(crate) clock: Clock,
    /// What Meta and others were asked lately.
    pub(crate) asked: Asked,
}

impl Chores {
    /// Carries a chore out if it is due, and then those that it makes due: from freeze to open is one go when the window
    /// is near.
    async fn carry_out(&self, chore: &Chore) -> Result<(), EngineError> {
        let mut step = chore.step;
        loop {
            let Some(run) = self.ctx.store.run(&chore.run).await? else { return Ok(()) };
            let due = due::due(&run, self.clock.now(), &self.ctx.settings);
            if due != Some(step) {
                // The hint was early, late or a repeat: the record knows better.
                return Ok(());
            }
            if !self.ctx.vigil.trusts() || run.holds.contains(&Hold::Restore) {
                // What is known of this run may be of an earlier day.
                return Ok(());
            }
            let span = info_span!("chore", run.id = %chore.run, step = step.as_str());
            let moved = self.step(step, &run).instrument(span).await?;
            let Some(run) = self.ctx.store.run(&chore.run).await? else { return Ok(()) };
            match due::due(&run, self.clock.now(), &self.ctx.settings) {
                Some(next) if moved && next != step => step = next,
                _ => return Ok(()),
            }
        }
    }

    /// One step. True when it moved the run.
    async fn step(&self, step: Step, run: &Run) -> Result<bool, EngineError> {
        let moved = match step {
            Step::Check => self.check(run).await,
            Step::Freeze => self.freeze(run).await,
            Step::Plan => self.plan(run).await,
            Step::Preflight => self.preflight(run).await,
            Step::Open => self.open(run).await,
            Step::Canary => self.judge_canary(run).await,
            Step::Judge => self.judge(run).await,
            Step::Close => self.close(run).await,
        };
        match &moved {
            // What came of these they say themselves.
            Ok(true) if !matches!(step, Step::Canary | Step::Judge | Step::Close) => {
                info!("{} of run {} is done", step.as_str(), run.record.id);
            }
            _ => {}
        }
        moved
    }

    /// The run cannot go on: says why, where people look. True when that is news.
    async fn hold(&self, run: &Run, why: &str) -> Result<bool, EngineError> {
        if run.waits_for.as_deref() != Some(why) {
            warn!(run.id = %run.record.id, "run {} is held: {why}", run.record.id);
            let now = self.clock.now();
            let notice = self.notice(run, || notify::held(run, why, now));
            self.ctx.store.note_wait(&run.record.id, why, notice.as_ref(), now).await?;
        }
        Ok(false)
    }

    /// What people are to be told of a run; nothing when nobody wants to be told, nor of a test, whose answer has it all.
    fn notice(&self, run: &Run, told: impl FnOnce() -> Notice) -> Option<Notice> {
        (self.ctx.settings.notify.is_some() && run.record.origin != Origin::Test).then(told)
    }
}

/// Runs the scheduler until `stop`: the tick, a worker for the chores, and who tells people of them. Any number of
/// schedulers may run.
///
/// # Errors
/// When Redis cannot be reached at the start, or people are to be told by HTTPS and this system knows no roots.
pub async fn scheduler(ctx: Context, stop: CancellationToken) -> Result<(), EngineError> {
    let clock = Clock::start(&ctx.store).await?;
    let ctx = clock.rule(ctx);
    let chores = Arc::new(Chores { ctx: ctx.clone(), clock: clock.clone(), asked: Asked::default() });
    let meters = Meters::default();
    let notifier = notify::Notifier::new(&ctx, &clock)?;
    tokio::join!(
        clock.keep(&ctx.store, &stop),
        meters.register(&ctx.store, &stop),
        notify::run(notifier.as_ref(), &stop),
        tick::tick(Arc::clone(&chores), &stop),
        archive::run(&chores, &stop),
        queue::work(Arc::clone(&chores), &stop)
    );
    Ok(())
}
