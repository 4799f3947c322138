//! The monitor: gauges read from storage, what Meta knows of templates and numbers, and the conditions of these. Any number of
//! monitors may run; each exports the same.

mod conditions;
mod numbers;
mod rates;
mod runs;

use std::{collections::BTreeSet, time::Duration};

use dawncast_core::UnixMs;
use dawncast_store::lane::Lane;
use metrics::gauge;
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;

use crate::{
    Clock, Context, EngineError, clock::every, meters::Meters, metrics as names, numbers as readings, templates,
};

const LOOK_EVERY: Duration = Duration::from_secs(1);
/// To count whom a portfolio has reached takes Redis half a millisecond.
const COUNT_EVERY: Duration = Duration::from_secs(5);

/// Runs the monitor until `stop`.
///
/// # Errors
/// When Redis cannot be reached at the start.
pub async fn monitor(ctx: Context, stop: CancellationToken) -> Result<(), EngineError> {
    let clock = Clock::start(&ctx.store).await?;
    let ctx = clock.rule(ctx);
    let known = Mutex::new(BTreeSet::new());
    let look = || async {
        if export_redis(&ctx).await {
            let mut known = known.lock().await;
            heed(&ctx, "runs", runs::look(&ctx, &mut known, clock.now()).await);
            heed(&ctx, "lanes", lanes(&ctx, clock.now()).await);
            heed(&ctx, "numbers", numbers::look(&ctx, clock.now()).await);
            heed(&ctx, "the archive", archive(&ctx, clock.now()).await);
        }
    };
    // Apart from the gauges: Meta may be slow to answer, and what tells against a number may have to be waited for.
    let step_conditions = || async { heed(&ctx, "conditions", conditions::look(&ctx, clock.now()).await) };
    let read_templates = || async { heed(&ctx, "templates", templates::sync_stale(&ctx, clock.now()).await) };
    let read_numbers = || async { heed(&ctx, "numbers", readings::read_stale(&ctx, clock.now()).await) };
    let count_quotas = || async { heed(&ctx, "quotas", numbers::export_quotas(&ctx, clock.now()).await) };
    let meters = Meters::default();
    tokio::join!(
        clock.keep(&ctx.store, &stop),
        meters.register(&ctx.store, &stop),
        every(LOOK_EVERY, &stop, look),
        every(LOOK_EVERY, &stop, step_conditions),
        every(LOOK_EVERY, &stop, read_templates),
        every(LOOK_EVERY, &stop, read_numbers),
        every(COUNT_EVERY, &stop, count_quotas)
    );
    Ok(())
}

/// What cannot be read hides nothing else.
fn heed(ctx: &Context, what: &str, looked: Result<(), EngineError>) {
    if let Err(error) = looked {
        ctx.trouble(format_args!("the gauges of {what} cannot be read now"), error);
    }
}

/// Whether Redis answers.
async fn export_redis(ctx: &Context) -> bool {
    let memory = ctx.store.memory().await;
    gauge!(names::REDIS_UP).set(if memory.is_ok() { 1.0 } else { 0.0 });
    match memory {
        Ok(memory) => {
            let share = if memory.limit == 0 { 0.0 } else { memory.used as f64 / memory.limit as f64 };
            gauge!(names::REDIS_MEMORY).set(share);
            true
        }
        Err(error) => {
            ctx.trouble(format_args!("the gauges cannot be read now"), error);
            false
        }
    }
}

/// What the archive has still to take.
async fn archive(ctx: &Context, now: UnixMs) -> Result<(), EngineError> {
    let (mut runs, mut overdue) = (0, 0);
    if let Some(after) = ctx.settings.archive_after {
        let pending = ctx.store.pending_archive().await?;
        runs = pending.runs;
        overdue = pending.oldest.map_or(0, |closed_at| (now - closed_at - after.as_millis() as i64).max(0));
    }
    gauge!(names::ARCHIVE_PENDING).set(runs as f64);
    gauge!(names::ARCHIVE_OVERDUE).set(overdue as f64 / 1_000.0);
    Ok(())
}

async fn lanes(ctx: &Context, now: UnixMs) -> Result<(), EngineError> {
    for pool in ctx.store.pools().await? {
        for priority in names::PRIORITIES {
            let load = ctx.store.lane_load(&Lane { pool: pool.id.clone(), priority }, now).await?;
            let labels = [("pool", pool.id.to_string()), ("priority", priority.as_str().to_owned())];
            gauge!(names::LANE_PAGES, &labels).set(load.pages as f64);
            gauge!(names::LANE_AGE, &labels).set(load.oldest_due_age_ms as f64 / 1_000.0);
        }
    }
    Ok(())
}
