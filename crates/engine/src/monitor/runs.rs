//! The gauges of runs: those that are not closed, and those that closed lately. A run that is exported no more is
//! forgotten by the exporter a minute later.

use std::collections::{BTreeMap, BTreeSet};

use dawncast_core::{
    UnixMs,
    ids::RunId,
    report::{SlaInput, judge},
};
use dawncast_store::run::{Frozen, Run, RunState, RunTallies, totals};
use metrics::gauge;

use crate::{Context, EngineError, metrics as names, templates};

/// A closed run is exported for this long after.
const CLOSED_FOR_MS: i64 = 15 * 60 * 1_000;
/// Among so many that open last, a monitor that has just started looks for those that closed lately.
const LATEST: usize = 50;

/// The steps that can hold a run, each with the state in which it is due.
const HOLDING_STEPS: [(RunState, &str); 6] = [
    (RunState::Scheduled, "freeze"),
    (RunState::Frozen, "plan"),
    (RunState::Planned, "preflight"),
    (RunState::Ready, "open"),
    (RunState::Open, "canary"),
    (RunState::Open, "send"),
];

/// Exports every run that is not closed or closed lately. `known` are those of the last look, then those of this one.
pub(super) async fn look(ctx: &Context, known: &mut BTreeSet<RunId>, now: UnixMs) -> Result<(), EngineError> {
    let runs = exported(ctx, known, now).await?;
    *known = runs.keys().cloned().collect();
    export_next(&runs);
    for (id, run) in &runs {
        export(run);
        if run.state < RunState::Open {
            export_templates(ctx, run, now).await?;
        }
        if let Some(frozen) = &run.frozen {
            export_frozen(run, frozen, &ctx.store.run_tallies(id).await?, now);
        }
    }
    Ok(())
}

async fn exported(ctx: &Context, known: &BTreeSet<RunId>, now: UnixMs) -> Result<BTreeMap<RunId, Run>, EngineError> {
    let latest = ctx.store.runs_page(LATEST, None).await?.items;
    let mut runs: BTreeMap<RunId, Run> = latest.into_iter().map(|run| (run.record.id.clone(), run)).collect();
    for id in ctx.store.active_runs().await?.into_iter().chain(known.iter().cloned()) {
        if !runs.contains_key(&id)
            && let Some(run) = ctx.store.run(&id).await?
        {
            runs.insert(id, run);
        }
    }
    runs.retain(|_, run| run.closed_at.is_none_or(|at| now - at < CLOSED_FOR_MS));
    Ok(runs)
}

fn labels(run: &Run) -> [(&'static str, String); 2] {
    [("campaign", run.record.campaign.to_string()), ("run", run.record.id.to_string())]
}

fn labels_with(run: &Run, name: &'static str, value: &'static str) -> [(&'static str, String); 3] {
    let [campaign, id] = labels(run);
    [campaign, id, (name, value.to_owned())]
}

fn seconds(at: UnixMs) -> f64 {
    at as f64 / 1_000.0
}

fn flag(is_set: bool) -> f64 {
    f64::from(u8::from(is_set))
}

/// When each campaign runs next: of several runs ahead, the first.
fn export_next(runs: &BTreeMap<RunId, Run>) {
    let mut next: BTreeMap<&str, UnixMs> = BTreeMap::new();
    for run in runs.values().filter(|run| run.state < RunState::Open) {
        let first = next.entry(run.record.campaign.as_str()).or_insert(run.record.instant);
        *first = run.record.instant.min(*first);
    }
    for (campaign, instant) in next {
        gauge!(names::NEXT_RUN, "campaign" => campaign.to_owned()).set(seconds(instant));
    }
}

/// What there is to say of any run.
fn export(run: &Run) {
    for (state, step) in HOLDING_STEPS {
        // Whose canary has failed is paused by that; who waits for a template is not.
        let is_other = state == RunState::Open && (step == "canary") == run.holds.is_empty();
        let is_held = run.state == state && run.waits_for.is_some() && !is_other;
        gauge!(names::RUN_HELD, &labels_with(run, "step", step)).set(flag(is_held));
    }
    let is_over = matches!(run.state, RunState::Cancelled | RunState::Closed);
    gauge!(names::RUN_PAUSED, &labels(run)).set(flag(!is_over && !run.holds.is_empty()));
}

/// Whether the templates of a run that is ahead let it go out, from every account of its pool's active numbers, in the versions
/// that go out now.
async fn export_templates(ctx: &Context, run: &Run, now: UnixMs) -> Result<(), EngineError> {
    let is_near = run.record.opening.opens_at - now <= ctx.settings.template_lead.as_millis() as i64;
    let is_lacking = is_near && !templates::unapproved(ctx, run).await?.is_empty();
    gauge!(names::RUN_TEMPLATE_UNAPPROVED, &labels(run)).set(flag(is_lacking));
    Ok(())
}

/// What there is to say once its audience is pinned.
fn export_frozen(run: &Run, frozen: &Frozen, tallies: &RunTallies, now: UnixMs) {
    let (record, totals) = (&run.record, totals(run, tallies, now));
    for (state, count) in totals.by_state() {
        gauge!(names::RUN_DELIVERIES, &labels_with(run, "state", state)).set(count as f64);
    }
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
    gauge!(names::RUN_SLA_ATTAINED, &labels(run)).set(sla.attained);
    gauge!(names::RUN_SLA_OBJECTIVE, &labels(run)).set(sla.objective);
    gauge!(names::RUN_DEADLINE, &labels(run)).set(seconds(record.opening.deadline_at));
    for (edge, at) in [("opens", record.opening.opens_at), ("closes", record.opening.closes_at)] {
        gauge!(names::RUN_WINDOW, &labels_with(run, "edge", edge)).set(seconds(at));
    }
    gauge!(names::IMBALANCE, "run" => record.id.to_string()).set(totals.imbalance() as f64);
}
