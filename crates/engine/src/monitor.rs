//! The monitor: gauges read from storage, and what Meta knows of templates. Any number of monitors may run; each exports
//! the same.

use std::time::Duration;

use dawncast_core::{
    UnixMs,
    campaign::Priority,
    ids::RunId,
    report::{SlaInput, judge},
};
use dawncast_store::{
    lane::Lane,
    records::{Number, NumberRole},
    run::{Run, totals},
};
use metrics::gauge;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::{Clock, Context, EngineError, clock::every, metrics as names, templates};

const LOOK_EVERY: Duration = Duration::from_secs(1);
/// A closed run is exported for this long after.
const CLOSED_FOR_MS: i64 = 15 * 60 * 1_000;
const PRIORITIES: [Priority; 3] = [Priority::Critical, Priority::Normal, Priority::Bulk];

/// Runs the monitor until `stop`.
///
/// # Errors
/// When Redis cannot be reached at the start.
pub async fn monitor(ctx: Context, stop: CancellationToken) -> Result<(), EngineError> {
    let clock = Clock::start(&ctx.store).await?;
    let ctx = clock.rule(ctx);
    let look = || async {
        if let Err(error) = look(&ctx, clock.now()).await {
            warn!("the gauges cannot be read now: {error}");
        }
    };
    tokio::join!(clock.keep(&ctx.store, &stop), every(LOOK_EVERY, &stop, look));
    Ok(())
}

async fn look(ctx: &Context, now: UnixMs) -> Result<(), EngineError> {
    let memory = ctx.store.memory().await;
    gauge!(names::REDIS_UP).set(if memory.is_ok() { 1.0 } else { 0.0 });
    let memory = memory?;
    let share = if memory.limit == 0 { 0.0 } else { memory.used as f64 / memory.limit as f64 };
    gauge!(names::REDIS_MEMORY).set(share);
    runs(ctx, now).await?;
    lanes(ctx, now).await?;
    for number in ctx.store.numbers().await? {
        export_number(ctx, &number).await?;
    }
    templates::sync_stale(ctx, now).await
}

async fn runs(ctx: &Context, now: UnixMs) -> Result<(), EngineError> {
    let recent = ctx.store.runs_page(50, None).await?.items;
    for run in recent {
        if run.closed_at.is_none_or(|at| now - at < CLOSED_FOR_MS) {
            export_run(ctx, &run, now).await?;
        }
    }
    Ok(())
}

async fn export_run(ctx: &Context, run: &Run, now: UnixMs) -> Result<(), EngineError> {
    let record = &run.record;
    let (campaign, id): (String, String) = (record.campaign.to_string(), RunId::to_string(&record.id));
    if run.opened_at.is_none() && run.cancelled_at.is_none() && run.closed_at.is_none() {
        gauge!(names::NEXT_RUN, "campaign" => campaign.clone()).set(record.instant as f64 / 1_000.0);
    }
    let Some(frozen) = &run.frozen else { return Ok(()) };
    let tallies = ctx.store.run_tallies(&record.id).await?;
    let totals = totals(run, &tallies, now);
    for (state, count) in totals.by_state() {
        let labels = [("campaign", campaign.clone()), ("run", id.clone()), ("state", state.to_owned())];
        gauge!(names::RUN_DELIVERIES, &labels).set(count as f64);
    }
    let labels = [("campaign", campaign), ("run", id.clone())];
    let sla = judge(
        &SlaInput {
            objective: record.spec.sla.objective,
            counts: record.spec.sla.counts,
            submitted: totals.submitted,
            dropped_by_reason: &frozen.dropped,
            within_deadline: tallies.tallies.within as u64,
            failures: &[],
            deadline_at: record.opening.deadline_at,
            cancelled: run.cancelled_at.is_some(),
            closed: run.closed_at.is_some(),
        },
        now,
    );
    gauge!(names::RUN_SLA_ATTAINED, &labels).set(sla.attained);
    gauge!(names::RUN_SLA_OBJECTIVE, &labels).set(sla.objective);
    gauge!(names::RUN_DEADLINE, &labels).set(record.opening.deadline_at as f64 / 1_000.0);
    gauge!(names::IMBALANCE, "run" => id).set(totals.imbalance() as f64);
    Ok(())
}

async fn lanes(ctx: &Context, now: UnixMs) -> Result<(), EngineError> {
    for pool in ctx.store.pools().await? {
        for priority in PRIORITIES {
            let load = ctx.store.lane_load(&Lane { pool: pool.id.clone(), priority }, now).await?;
            let labels = [("pool", pool.id.to_string()), ("priority", priority.as_str().to_owned())];
            gauge!(names::LANE_PAGES, &labels).set(load.pages as f64);
            gauge!(names::LANE_AGE, &labels).set(load.oldest_due_age_ms as f64 / 1_000.0);
        }
    }
    Ok(())
}

async fn export_number(ctx: &Context, number: &Number) -> Result<(), EngineError> {
    let id = number.phone_number_id.to_string();
    names::register_number(number.pool.as_str(), &id);
    let state = match (number.paused, number.role) {
        (true, _) => "paused",
        (false, NumberRole::Standby) => "standby",
        (false, NumberRole::Active) => "active",
    };
    for known in names::NUMBER_STATES {
        let labels = [("phone_number_id", id.clone()), ("state", known.to_owned())];
        gauge!(names::NUMBER_HEALTH, &labels).set(if known == state { 1.0 } else { 0.0 });
    }
    let speed = ctx.store.speed_milli(&number.phone_number_id).await?;
    let ratio = if number.paused { 0.0 } else { f64::from(speed) / 1_000.0 };
    gauge!(names::NUMBER_CREDIT, "phone_number_id" => id).set(ratio);
    Ok(())
}
