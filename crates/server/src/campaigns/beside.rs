//! What a campaign does beside its schedule: another run now, and another campaign of the same body.

use axum::{body::Body, extract::State, http::HeaderMap, response::Response};
use dawncast_core::{
    campaign::CampaignSpec,
    ids::{CampaignId, RunId},
    schedule::Schedule,
};
use dawncast_store::{
    records::CampaignState,
    run::{Origin, RunRecord},
};
use serde::Serialize;

use super::{check::Outlook, checked, edit::patched, find, submit};
use crate::{
    extract::{Id, read_body_or_nothing},
    once::{Created, Once},
    problem::{Kind, Problem},
    runs,
    state::ApiState,
};

/// What a run beside the schedule is answered with.
#[derive(Serialize)]
struct Started {
    #[serde(flatten)]
    run: runs::View,
    forecast: Outlook,
}

/// `POST /v1/campaigns/{id}/run-now`: another run of what the campaign says, at once.
pub(crate) async fn run_now(
    State(state): State<ApiState>,
    once: Once,
    Id(id): Id<CampaignId>,
) -> Result<Response, Problem> {
    let start = async |minted: String| {
        let campaign = find(&state, &id).await?;
        if [CampaignState::Paused, CampaignState::Cancelled].contains(&campaign.state) {
            let detail =
                format!("The campaign is {}: nothing of it starts. Resume it, or duplicate it.", campaign.state);
            return Err(Problem::new(Kind::Conflict, detail));
        }
        let (now, spec) = (state.now(), at_once(&campaign.spec));
        let body = serde_json::to_vec(&spec).expect("campaigns hold nothing that JSON lacks");
        let (spec, forecast) = checked(&state, &body, now, None).await?;
        let run = beside_id(&id, "now", &minted);
        let record = RunRecord::beside(run.clone(), id.clone(), spec, Origin::RunNow, now);
        state.store.create_run_beside(&record).await?;
        tracing::info!(run.id = %run, campaign.id = %id, "run {run} is started by request");
        let run = runs::view(&state, runs::find(&state, &run).await?).await?;
        Ok(Created::new(&Started { run, forecast }))
    };
    once.create(&state, &[], start).await
}

/// `POST /v1/campaigns/{id}/duplicate`: a new campaign that says the same, but for what the body patches.
pub(crate) async fn duplicate(
    State(state): State<ApiState>,
    once: Once,
    Id(id): Id<CampaignId>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let (bytes, patch) = read_body_or_nothing(&headers, body).await?;
    let create = async |minted: String| {
        let campaign = find(&state, &id).await?;
        submit(&state, &patched(&campaign.spec, patch), &minted).await
    };
    once.create(&state, &bytes, create).await
}

/// The same campaign, to go out now, told in the same zone.
pub(super) fn at_once(spec: &CampaignSpec) -> CampaignSpec {
    CampaignSpec { schedule: Schedule::Now { timezone: spec.schedule.zone() }, ..spec.clone() }
}

/// The id of a run beside the schedule: the same for the same call.
pub(super) fn beside_id(campaign: &CampaignId, what: &str, minted: &str) -> RunId {
    format!("{campaign}-{what}-{minted}").parse().expect("ids of campaigns are short")
}
