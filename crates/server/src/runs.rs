//! Runs: `/v1/runs`.

use std::collections::BTreeMap;

use axum::{Json, extract::State, http::StatusCode};
use dawncast_core::{
    UnixMs,
    campaign::Counts,
    canary::Seen,
    ids::{CampaignId, RunId},
    report::{Report, Sla, SlaInput, SlaVerdict, Totals, judge},
};
use dawncast_store::{
    records::Page,
    run::{Advanced, CanaryPages, Check, Hold, Origin, Run, RunState, RunTallies, totals},
};
use serde::Serialize;

use crate::{
    extract::{Id, PageQuery, Query},
    problem::{Kind, Problem},
    state::ApiState,
    time::rfc3339,
};

/// A run as it is answered.
#[derive(Serialize)]
pub(crate) struct View {
    id: RunId,
    campaign: CampaignId,
    /// Why there is this run: `schedule`, `run_now`, `test` or `retry`.
    origin: &'static str,
    /// The run whose failures it sends to again.
    retry_of: Option<RunId>,
    state: RunState,
    /// Why nothing begins although it is open: `paused`, `pool_paused`, `stopped`, `restored`.
    holds: Vec<&'static str>,
    /// What a person has to mend before it goes on.
    waits_for: Option<String>,
    /// What preflight found worth saying.
    remarks: Vec<String>,
    /// What goes first, and what came of it; null where the campaign has no canary, and before plan.
    canary: Option<CanaryView>,
    /// What was found before it was frozen, the latest last.
    checks: Vec<CheckView>,
    window: Window,
    totals: Totals,
    sla: RunSla,
    /// After a restored snapshot: what was due until then may have gone out, and is not sent again.
    doubt_until: Option<String>,
    created_at: String,
    opened_at: Option<String>,
    cancelled_at: Option<String>,
    closed_at: Option<String>,
    /// When it was written into the archive, and where it is there.
    archived_at: Option<String>,
    archive_url: Option<String>,
}

/// The part that goes first.
#[derive(Serialize)]
struct CanaryView {
    deliveries: u64,
    watched_until: String,
    /// `watching`, `passed` or `failed`.
    verdict: &'static str,
    judged_at: Option<String>,
    /// What the verdict was found from.
    seen: Option<Seen>,
}

impl CanaryView {
    fn of(run: &Run) -> Option<Self> {
        let (CanaryPages { deliveries, watched_until, .. }, judged) = (run.canary?, run.canary_judged);
        Some(Self {
            deliveries,
            watched_until: rfc3339(watched_until),
            verdict: judged.map_or("watching", |judged| judged.verdict.as_str()),
            judged_at: judged.map(|judged| rfc3339(judged.at)),
            seen: judged.map(|judged| judged.seen),
        })
    }
}

/// Whether it would have gone, as things stood then.
#[derive(Serialize)]
struct CheckView {
    at: String,
    occasion: String,
    would_go: bool,
    holds: Vec<String>,
    remarks: Vec<String>,
}

impl From<Check> for CheckView {
    fn from(Check { at, occasion, would_go, holds, remarks }: Check) -> Self {
        Self { at: rfc3339(at), occasion, would_go, holds, remarks }
    }
}

#[derive(Serialize)]
struct Window {
    opens_at: String,
    closes_at: String,
    deadline_at: String,
}

/// What the tallies alone say of the SLA. The report says more, from every page.
#[derive(Serialize)]
struct RunSla {
    objective: f64,
    counts: Counts,
    eligible: u64,
    within_deadline: u64,
    attained: f64,
    verdict: SlaVerdict,
    provisional: bool,
}

fn sla(run: &Run, tallies: &RunTallies, now: UnixMs) -> RunSla {
    let (frozen, spec, none) = (run.frozen.as_ref(), &run.record.spec, BTreeMap::new());
    let input = SlaInput {
        objective: spec.sla.objective,
        counts: spec.sla.counts,
        submitted: frozen.map_or(0, |frozen| frozen.submitted),
        dropped_by_reason: frozen.map_or(&none, |frozen| &frozen.dropped),
        within_deadline: tallies.tallies.within as u64,
        failures: &[],
        deadline_at: run.record.opening.deadline_at,
        cancelled: run.cancelled_at.is_some(),
        closed: run.closed_at.is_some(),
    };
    judge(&input, now).into()
}

impl From<Sla> for RunSla {
    fn from(sla: Sla) -> Self {
        let Sla { objective, counts, eligible, within_deadline, attained, verdict, provisional, .. } = sla;
        Self { objective, counts, eligible, within_deadline, attained, verdict, provisional }
    }
}

/// `run` with its totals.
pub(crate) async fn view(state: &ApiState, run: Run) -> Result<View, Problem> {
    let tallies = state.store.run_tallies(&run.record.id).await?;
    // What was judged at close, from every page, is the verdict; tallies do not know who was suppressed after freeze.
    let kept = if run.closed_at.is_some() { state.store.kept_report(&run.record.id).await? } else { None };
    let (opening, now) = (run.record.opening, state.now());
    Ok(View {
        window: Window {
            opens_at: rfc3339(opening.opens_at),
            closes_at: rfc3339(opening.closes_at),
            deadline_at: rfc3339(opening.deadline_at),
        },
        totals: totals(&run, &tallies, now),
        sla: kept.map_or_else(|| sla(&run, &tallies, now), |report| report.sla.into()),
        canary: CanaryView::of(&run),
        id: run.record.id,
        campaign: run.record.campaign,
        origin: run.record.origin.as_str(),
        retry_of: if let Origin::Retry(of) = run.record.origin { Some(of) } else { None },
        state: run.state,
        holds: run.holds.iter().map(|hold| hold.as_str()).collect(),
        waits_for: run.waits_for,
        remarks: run.remarks,
        checks: run.checks.into_iter().map(CheckView::from).collect(),
        doubt_until: run.doubt_until.map(rfc3339),
        created_at: rfc3339(run.record.created_at),
        opened_at: run.opened_at.map(rfc3339),
        cancelled_at: run.cancelled_at.map(rfc3339),
        closed_at: run.closed_at.map(rfc3339),
        archived_at: run.archived.as_ref().map(|archived| rfc3339(archived.at)),
        archive_url: run.archived.map(|archived| archived.url),
    })
}

/// `GET /v1/runs`: the latest to open first.
pub(crate) async fn list(
    State(state): State<ApiState>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<View>>, Problem> {
    let runs = state.store.runs_page(page.limit()?, page.cursor.as_deref()).await?;
    Ok(Json(views(&state, runs).await?))
}

/// A page of runs, each as it is answered.
pub(crate) async fn views(state: &ApiState, runs: Page<Run>) -> Result<Page<View>, Problem> {
    let mut items = Vec::with_capacity(runs.items.len());
    for run in runs.items {
        items.push(view(state, run).await?);
    }
    Ok(Page { items, next_cursor: runs.next_cursor })
}

/// `GET /v1/runs/{id}`.
pub(crate) async fn show(State(state): State<ApiState>, Id(id): Id<RunId>) -> Result<Json<View>, Problem> {
    let run = find(&state, &id).await?;
    Ok(Json(view(&state, run).await?))
}

/// `GET /v1/runs/{id}/report`.
pub(crate) async fn report(State(state): State<ApiState>, Id(id): Id<RunId>) -> Result<Json<Report>, Problem> {
    let run = find(&state, &id).await?;
    Ok(Json(state.store.report(&run, state.now(), state.explain).await?))
}

/// `POST /v1/runs/{id}/pause`: when this is answered, nothing of the run is begun any more.
pub(crate) async fn pause(State(state): State<ApiState>, Id(id): Id<RunId>) -> Result<Json<View>, Problem> {
    hold(&state, &id, true).await
}

/// `POST /v1/runs/{id}/resume`.
pub(crate) async fn resume(State(state): State<ApiState>, Id(id): Id<RunId>) -> Result<Json<View>, Problem> {
    hold(&state, &id, false).await
}

async fn hold(state: &ApiState, id: &RunId, on: bool) -> Result<Json<View>, Problem> {
    let held = state.store.hold_run(id, Hold::Run, on).await?;
    let run = find(state, id).await?;
    if held {
        tracing::info!(run.id = %id, "run {id} {} by request", if on { "is paused" } else { "goes on" });
    }
    if held { Ok(Json(view(state, run).await?)) } else { Err(over(&run)) }
}

/// `POST /v1/runs/{id}/check`: a scheduler looks within a second or two whether the run would go; `checks` tells.
pub(crate) async fn check(
    State(state): State<ApiState>,
    Id(id): Id<RunId>,
) -> Result<(StatusCode, Json<View>), Problem> {
    let run = find(&state, &id).await?;
    if run.state != RunState::Scheduled {
        let detail =
            format!("The run is {}: checks are made before freeze, and preflight after it.", run.state.as_str());
        return Err(Problem::new(Kind::Conflict, detail));
    }
    state.store.note_run(&id, "check_asked", &state.now().to_string()).await?;
    Ok((StatusCode::ACCEPTED, Json(view(&state, run).await?)))
}

/// `POST /v1/runs/{id}/cancel`: for good; what is on the wire still counts.
pub(crate) async fn cancel(State(state): State<ApiState>, Id(id): Id<RunId>) -> Result<Json<View>, Problem> {
    find(&state, &id).await?;
    let advanced = state.store.cancel_run(&id, state.now()).await?;
    let run = find(&state, &id).await?;
    if advanced == Advanced::Moved {
        tracing::info!(run.id = %id, "run {id} is cancelled by request");
    }
    match advanced {
        Advanced::Moved | Advanced::Present => Ok(Json(view(&state, run).await?)),
        Advanced::Refused => Err(over(&run)),
    }
}

fn over(run: &Run) -> Problem {
    Problem::new(Kind::Conflict, format!("The run is {}; nothing of it can be changed any more.", run.state.as_str()))
}

/// The run of this id.
pub(crate) async fn find(state: &ApiState, id: &RunId) -> Result<Run, Problem> {
    state.store.run(id).await?.ok_or_else(|| Problem::no_such("run", id.as_str()))
}
