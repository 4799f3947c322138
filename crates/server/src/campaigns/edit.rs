//! `PATCH /v1/campaigns/{id}`: an edit, for the runs that are not frozen.

use axum::{
    Json,
    body::Body,
    extract::State,
    http::{HeaderMap, HeaderValue, header},
    response::{IntoResponse, Response},
};
use dawncast_core::{
    campaign::CampaignSpec,
    edit::{Reach, reach},
    ids::{CampaignId, RunId},
};
use dawncast_store::{
    records::Campaign,
    run::{Moved, Run, RunState},
};
use serde::Serialize;
use serde_json::Value;

use super::{View, check::Outlook, checked, find};
use crate::{
    etag::ETag,
    extract::{Id, read_json},
    merge::merged,
    problem::{Kind, Problem},
    state::ApiState,
};

/// What an edit is answered with.
#[derive(Serialize)]
struct Edited {
    #[serde(flatten)]
    campaign: View,
    /// The first run that it is in.
    applies_from: RunId,
    forecast: Outlook,
}

/// What a campaign says, named: another edit changes it, a pause does not.
pub(super) fn etag(campaign: &Campaign) -> ETag {
    ETag::of(&serde_json::to_vec(&campaign.spec).expect("campaigns hold nothing that JSON lacks"))
}

/// The body of a campaign with its name in the header.
pub(super) fn tagged(tag: &ETag, body: impl Serialize) -> Response {
    let tag = HeaderValue::from_str(tag.as_str()).expect("it is plain");
    ([(header::ETAG, tag)], Json(body)).into_response()
}

/// The handler.
pub(crate) async fn edit(
    State(state): State<ApiState>,
    Id(id): Id<CampaignId>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let (_, patch) = read_json(&headers, body).await?;
    let (campaign, run) = settled(&state, &id).await?;
    etag(&campaign).must_match(&headers)?;
    if !campaign.state.is_open() {
        return Err(too_late(format!("The campaign is {}.", campaign.state)));
    }
    let now = state.now();
    let (spec, forecast) = checked(&state, &patched(&campaign.spec, patch), now, Some(&campaign.run())).await?;
    let waits = run.as_ref().is_none_or(|run| run.state == RunState::Scheduled);
    let (schedules, zones) = ((&campaign.spec.schedule, &spec.schedule), state.store.zones_of(&spec).await?);
    let edited = match reach(schedules, &campaign.latest, waits, (now, &zones)) {
        Reach::TooLate => return Err(too_late(frozen(&campaign, run.as_ref()))),
        Reach::Later(next) => {
            let to = Moved { spec, latest: campaign.latest.clone() };
            state.store.edit_campaign(&campaign, &to).await?.map(|edited| (edited, next))
        }
        Reach::Latest(latest) => {
            refuse_a_time_that_was(&state, &campaign, &latest).await?;
            let to = Moved { spec, latest: latest.clone() };
            state.store.edit_run(&campaign, run.as_ref(), to, now).await?.map(|edited| (edited, latest))
        }
    };
    let (edited, first) =
        edited.ok_or_else(|| too_late("It was being frozen, or edited, at the same moment.".into()))?;
    tracing::info!(campaign.id = %id, "campaign {id} is edited by request");
    let applies_from = RunId::of(&id, first.civil, &first.zone);
    Ok(tagged(&etag(&edited), Edited { applies_from, forecast, campaign: View::of(edited, now) }))
}

/// The campaign and its latest run. An edit that died half-way is finished first.
async fn settled(state: &ApiState, id: &CampaignId) -> Result<(Campaign, Option<Run>), Problem> {
    let campaign = find(state, id).await?;
    match state.store.run(&campaign.run()).await? {
        Some(run) if run.moved.is_some() => {
            state.store.finish_move(&run, state.now()).await?;
            let campaign = find(state, id).await?;
            let run = state.store.run(&campaign.run()).await?;
            Ok((campaign, run))
        }
        run => Ok((campaign, run)),
    }
}

/// What a campaign is after a patch, as its body.
pub(super) fn patched(spec: &CampaignSpec, patch: Value) -> Vec<u8> {
    let body = serde_json::to_value(spec).expect("campaigns hold nothing that JSON lacks");
    serde_json::to_vec(&merged(body, patch)).expect("JSON is JSON")
}

/// A run is named by its time, and exists once: a campaign cannot go back to the time of a run that it has left.
async fn refuse_a_time_that_was(
    state: &ApiState,
    campaign: &Campaign,
    latest: &dawncast_core::schedule::Occurrence,
) -> Result<(), Problem> {
    let run = RunId::of(&campaign.id, latest.civil, &latest.zone);
    if run == campaign.run() || state.store.run(&run).await?.is_none() {
        return Ok(());
    }
    let detail = format!(
        "There was a run of this campaign at that time, `{run}`. Take another time, or duplicate the campaign."
    );
    Err(Problem::new(Kind::Conflict, detail))
}

fn frozen(campaign: &Campaign, run: Option<&Run>) -> String {
    let state = run.map_or("over", |run| run.state.as_str());
    format!("Its run `{}` is {state}, and goes out as it is; no other follows.", campaign.run())
}

fn too_late(why: String) -> Problem {
    Problem::new(Kind::Conflict, format!("{why} Nothing was changed: look at it again, or duplicate the campaign."))
}
