//! A restored snapshot: what it leaves in doubt, and a person's word to go on.

use axum::{Json, extract::State};
use dawncast_core::ids::{CampaignId, RunId};
use dawncast_store::{
    restore::{InDoubt, Restored},
    run::RunState,
};
use serde::Serialize;
use serde_json::{Value, json};

use crate::{problem::Problem, state::ApiState, time::rfc3339};

/// A restored snapshot as it is answered.
#[derive(Serialize)]
struct Snapshot {
    /// Whether nothing begins until a person acknowledges it.
    restored: bool,
    since: String,
    /// What happened after this, the snapshot does not know.
    snapshot_at: String,
    /// Until then the database was seen to live.
    last_seen_at: String,
    /// What was due until then may have gone out.
    doubt_until: String,
    runs: Vec<Doubt>,
}

/// A run in doubt.
#[derive(Serialize)]
struct Doubt {
    run: RunId,
    campaign: CampaignId,
    name: String,
    state: RunState,
    opens_at: String,
    closes_at: String,
    deadline_at: String,
    /// The time-zone of its campaign.
    timezone: String,
    /// How many deliveries look unsent and were due by `doubt_until`; none when the snapshot is from before its plan.
    deliveries_in_doubt: Option<u64>,
    /// What acknowledging does to it: `unconfirmed` (those deliveries are named and not sent) or `cancelled`.
    on_acknowledge: &'static str,
}

impl From<InDoubt> for Doubt {
    fn from(doubt: InDoubt) -> Self {
        let on_acknowledge = if doubt.will_be_cancelled() { "cancelled" } else { "unconfirmed" };
        let InDoubt { run, deliveries } = doubt;
        let (opening, record) = (run.record.opening, run.record);
        Self {
            opens_at: rfc3339(opening.opens_at),
            closes_at: rfc3339(opening.closes_at),
            deadline_at: rfc3339(opening.deadline_at),
            timezone: record.spec.schedule.zone().name().to_owned(),
            name: record.spec.name,
            run: record.id,
            campaign: record.campaign,
            state: run.state,
            deliveries_in_doubt: deliveries,
            on_acknowledge,
        }
    }
}

fn snapshot(restored: &Restored, waits: bool, runs: Vec<InDoubt>) -> Snapshot {
    Snapshot {
        restored: waits,
        since: rfc3339(restored.since),
        snapshot_at: rfc3339(restored.snapshot_beat),
        last_seen_at: rfc3339(restored.highest_beat),
        doubt_until: rfc3339(restored.doubt_until()),
        runs: runs.into_iter().map(Doubt::from).collect(),
    }
}

/// `GET /v1/restore`: whether Redis holds a restored snapshot, and what it leaves in doubt.
pub(crate) async fn show(State(state): State<ApiState>) -> Result<Json<Value>, Problem> {
    let Some(restored) = state.store.restored().await? else { return Ok(Json(json!({ "restored": false }))) };
    let doubts = state.store.runs_in_doubt(&restored).await?;
    Ok(Json(json!(snapshot(&restored, true, doubts))))
}

/// `POST /v1/restore/acknowledge`: a person has looked; what is not in doubt goes on. Answers what was in doubt.
pub(crate) async fn acknowledge(State(state): State<ApiState>) -> Result<Json<Value>, Problem> {
    let doubts = match state.store.restored().await? {
        Some(restored) => state.store.runs_in_doubt(&restored).await?,
        None => Vec::new(),
    };
    let Some(restored) = state.store.acknowledge_restore(state.now()).await? else {
        return Ok(Json(json!({ "restored": false })));
    };
    tracing::warn!("the restored snapshot is acknowledged by request; {} runs were in doubt", doubts.len());
    Ok(Json(json!(snapshot(&restored, false, doubts))))
}
