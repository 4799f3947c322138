//! A campaign over time: `GET /v1/campaigns/{id}/report`.

use axum::{Json, extract::State};
use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use dawncast_core::{
    UnixMs,
    ids::{CampaignId, RunId},
    report::{Failure, LatenessMs, Report, ReportWindow, Sla, Sum, Totals},
};
use dawncast_store::run::Origin;
use serde::{Deserialize, Serialize};

use super::found;
use crate::{
    extract::{Id, Query},
    problem::Problem,
    state::ApiState,
    time::rfc3339,
};

/// The period that is reported on unless told otherwise: a month of mornings.
const PERIOD_MS: i64 = 31 * 24 * 3_600_000;
/// Runs in one report at most: a year of mornings.
const RUNS: usize = 400;

/// The period.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PeriodQuery {
    from: Option<String>,
    to: Option<String>,
}

/// A campaign over time as it is answered.
#[derive(Serialize)]
pub(crate) struct View {
    campaign: CampaignId,
    from: String,
    to: String,
    sum: Sum,
    /// The newest first.
    runs: Vec<Line>,
}

/// One run of it.
#[derive(Serialize)]
struct Line {
    run: RunId,
    state: String,
    window: ReportWindow,
    totals: Totals,
    sla: Sla,
    lateness_ms: Option<LatenessMs>,
    attempts: u64,
    resends: u64,
    known_duplicates: u64,
    failures: Vec<Failure>,
}

impl From<Report> for Line {
    fn from(report: Report) -> Self {
        let Report {
            run, state, window, totals, sla, lateness_ms, attempts, resends, known_duplicates, failures, ..
        } = report;
        Self { run, state, window, totals, sla, lateness_ms, attempts, resends, known_duplicates, failures }
    }
}

/// A moment, or the beginning of a day in UTC.
fn moment(name: &str, text: &str) -> Result<UnixMs, Problem> {
    let day = || text.parse().map(|day: NaiveDate| day.and_time(NaiveTime::MIN).and_utc());
    let at: Result<DateTime<Utc>, _> = text.parse().or_else(|_| day());
    at.map(|at| at.timestamp_millis()).map_err(|_| {
        let detail = "is neither a moment such as 2026-11-01T00:00:00Z nor a day such as 2026-11-01";
        Problem::malformed(format!("`{name}` {detail}."))
    })
}

/// `GET /v1/campaigns/{id}/report?from=&to=`: the runs whose window opened in that time, each and all together.
pub(crate) async fn report(
    State(state): State<ApiState>,
    Id(id): Id<CampaignId>,
    Query(period): Query<PeriodQuery>,
) -> Result<Json<View>, Problem> {
    let campaign = found(&id, state.store.campaign(&id).await?)?;
    let to = period.to.as_deref().map(|to| moment("to", to)).transpose()?.unwrap_or_else(|| state.now());
    let from = period.from.as_deref().map(|from| moment("from", from)).transpose()?.unwrap_or(to - PERIOD_MS);
    if from >= to {
        return Err(Problem::malformed("`from` is not before `to`."));
    }
    let runs = state.store.runs_within(&campaign.id, from..to, RUNS + 1).await?;
    if runs.len() > RUNS {
        let detail = format!("The campaign had more than {RUNS} runs in this time: ask for a shorter one.");
        return Err(Problem::malformed(detail));
    }
    let mut reports = Vec::with_capacity(runs.len());
    for run in runs {
        reports.extend(report_of(&state, &run).await?);
    }
    Ok(Json(View {
        campaign: campaign.id,
        from: rfc3339(from),
        to: rfc3339(to),
        sum: Sum::of(&reports),
        runs: reports.into_iter().map(Line::from).collect(),
    }))
}

/// The report of a run: the one that was kept at its close, else as it stands. A test counts for nothing.
async fn report_of(state: &ApiState, id: &RunId) -> Result<Option<Report>, Problem> {
    let Some(run) = state.store.run(id).await?.filter(|run| run.record.origin != Origin::Test) else { return Ok(None) };
    if run.closed_at.is_some()
        && let Some(report) = state.store.kept_report(id).await?
    {
        return Ok(Some(report));
    }
    Ok(Some(state.store.report(&run, state.now(), state.explain).await?))
}
