//! Campaigns: `/v1/campaigns`.

mod beside;
mod calendar;
mod capacity;
mod check;
mod edit;
mod facts;
pub(crate) mod preview;
mod report;
mod test;

use axum::{Json, body::Body, extract::State, http::HeaderMap, response::Response};
use dawncast_core::{
    UnixMs,
    campaign::CampaignSpec,
    canary::CanaryVerdict,
    ids::{CampaignId, RunId},
};
use dawncast_store::{
    records::{Campaign, CampaignState, Page},
    run::{Hold, RunRecord},
};
use serde::Serialize;
use serde_json::{Value, json};

pub(crate) use self::{
    beside::{duplicate, run_now},
    calendar::calendar,
    edit::edit,
    report::report,
    test::test,
};
use self::{check::Outlook, facts::Facts};
use crate::{
    extract::{Id, PageQuery, Query, read_json},
    once::{Created, Once},
    problem::{Kind, Problem},
    runs,
    state::ApiState,
    time::rfc3339,
};

/// A campaign as it is answered.
#[derive(Serialize)]
pub(crate) struct View {
    id: CampaignId,
    name: String,
    state: CampaignState,
    created_at: String,
    /// `None` once the campaign starts nothing any more.
    next_run_at: Option<String>,
    next_run: Option<RunId>,
    /// What its cron expression says, in words; `None` for other schedules.
    schedule_in_words: Option<String>,
    spec: CampaignSpec,
}

impl View {
    fn of(campaign: Campaign, now: UnixMs) -> Self {
        let next = campaign.state.is_open().then(|| campaign.ahead(now));
        Self {
            next_run: next.as_ref().map(|next| RunId::of(&campaign.id, next.civil, &next.zone)),
            next_run_at: next.map(|next| rfc3339(next.instant)),
            schedule_in_words: campaign.spec.schedule.in_words(),
            name: campaign.spec.name.clone(),
            id: campaign.id,
            state: campaign.state,
            created_at: rfc3339(campaign.created_at),
            spec: campaign.spec,
        }
    }
}

/// What a submission is answered with.
#[derive(Serialize)]
struct Submitted {
    id: CampaignId,
    state: CampaignState,
    next_run_at: String,
    next_run: RunId,
    #[serde(skip_serializing_if = "Option::is_none")]
    schedule_in_words: Option<String>,
    forecast: Outlook,
}

/// `POST /v1/campaigns`.
pub(crate) async fn create(
    State(state): State<ApiState>,
    once: Once,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let (bytes, _) = read_json(&headers, body).await?;
    once.create(&state, &bytes, async |minted: String| submit(&state, &bytes, &minted).await).await
}

/// Checks and stores a new campaign.
async fn submit(state: &ApiState, body: &[u8], minted: &str) -> Result<Created, Problem> {
    let now = state.now();
    let (spec, forecast) = checked(state, body, now, None).await?;
    let id: CampaignId = format!("cmp_{minted}").parse().expect("minted ids are plain");
    let zones = state.store.zones_of(&spec).await?;
    let campaign = Campaign::new(id, spec, now, &zones).expect("what was checked has a first occurrence");
    let campaign = store(state, campaign).await?;
    let (next_run, next_run_at) = (campaign.run(), rfc3339(campaign.latest.instant));
    let schedule_in_words = campaign.spec.schedule.in_words();
    let Campaign { id, state, .. } = campaign;
    tracing::info!(run.id = %next_run, campaign.id = %id, "run {next_run} is scheduled for {next_run_at}");
    Ok(Created::new(&Submitted { id, state, next_run_at, next_run, schedule_in_words, forecast }))
}

/// Stores the campaign, then its run: a campaign without a run sends nothing, but a run without a campaign would send
/// although its submission was answered with an error. A repeated submission finds both and changes nothing.
async fn store(state: &ApiState, campaign: Campaign) -> Result<Campaign, Problem> {
    let campaign = match state.store.add_campaign(&campaign).await? {
        true => campaign,
        false => found(&campaign.id, state.store.campaign(&campaign.id).await?)?,
    };
    let zones = state.store.zones_of(&campaign.spec).await?;
    state.store.create_run(&RunRecord::of(&campaign, &zones)).await?;
    Ok(campaign)
}

/// `POST /v1/campaigns/validate`: the same checks, storing nothing.
pub(crate) async fn validate(
    State(state): State<ApiState>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Value>, Problem> {
    let (bytes, _) = read_json(&headers, body).await?;
    let now = state.now();
    let (spec, forecast) = checked(&state, &bytes, now, None).await?;
    let zones = state.store.zones_of(&spec).await?;
    let next_run_at = spec.schedule.first_in(now, &zones).map(|first| rfc3339(first.instant));
    let words = spec.schedule.in_words();
    Ok(Json(json!({ "valid": true, "next_run_at": next_run_at, "schedule_in_words": words, "forecast": forecast })))
}

async fn checked(
    state: &ApiState,
    body: &[u8],
    now: UnixMs,
    instead_of: Option<&RunId>,
) -> Result<(CampaignSpec, Outlook), Problem> {
    let spec = CampaignSpec::parse(body)?;
    let facts = Facts::load(state, &spec, now, instead_of).await?;
    let outlook = check::check(&spec, &facts, now, state.headroom)?;
    Ok((spec, outlook))
}

/// `GET /v1/campaigns`.
pub(crate) async fn list(
    State(state): State<ApiState>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<View>>, Problem> {
    let campaigns = state.store.campaigns_page(page.limit()?, page.cursor.as_deref()).await?;
    let now = state.now();
    Ok(Json(campaigns.map(|campaign| View::of(campaign, now))))
}

/// `GET /v1/campaigns/{id}`.
pub(crate) async fn show(State(state): State<ApiState>, Id(id): Id<CampaignId>) -> Result<Response, Problem> {
    let campaign = find(&state, &id).await?;
    Ok(edit::tagged(&edit::etag(&campaign), View::of(campaign, state.now())))
}

/// `GET /v1/campaigns/{id}/runs`.
pub(crate) async fn list_runs(
    State(state): State<ApiState>,
    Id(id): Id<CampaignId>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<runs::View>>, Problem> {
    find(&state, &id).await?;
    let runs = state.store.campaign_runs(&id, page.limit()?, page.cursor.as_deref()).await?;
    Ok(Json(runs::views(&state, runs).await?))
}

/// `POST /v1/campaigns/{id}/pause`: starts nothing, and its run holds.
pub(crate) async fn pause(State(state): State<ApiState>, Id(id): Id<CampaignId>) -> Result<Json<View>, Problem> {
    let campaign = shift(&state, &id, &[CampaignState::Active], CampaignState::Paused).await?;
    hold_runs(&state, &id, true).await?;
    tell(&campaign, "is paused");
    Ok(Json(View::of(campaign, state.now())))
}

/// `POST /v1/campaigns/{id}/resume`.
pub(crate) async fn resume(State(state): State<ApiState>, Id(id): Id<CampaignId>) -> Result<Json<View>, Problem> {
    let campaign = shift(&state, &id, &[CampaignState::Paused], CampaignState::Active).await?;
    hold_runs(&state, &id, false).await?;
    tell(&campaign, "goes on");
    Ok(Json(View::of(campaign, state.now())))
}

/// `POST /v1/campaigns/{id}/cancel`: for good, and its run with it.
pub(crate) async fn cancel(State(state): State<ApiState>, Id(id): Id<CampaignId>) -> Result<Json<View>, Problem> {
    let open = [CampaignState::Active, CampaignState::Paused];
    let campaign = shift(&state, &id, &open, CampaignState::Cancelled).await?;
    for run in state.store.campaign_active_runs(&id).await? {
        state.store.cancel_run(&run.record.id, state.now()).await?;
    }
    tell(&campaign, "is cancelled");
    Ok(Json(View::of(campaign, state.now())))
}

/// Every run of the campaign that is not over.
async fn hold_runs(state: &ApiState, id: &CampaignId, on: bool) -> Result<(), Problem> {
    for run in state.store.campaign_active_runs(id).await? {
        let failed = run.canary_judged.is_some_and(|judged| judged.verdict == CanaryVerdict::Failed);
        // Whose canary has failed goes on when a person says so of that very run.
        if on || !(failed && run.waits_for.is_some()) {
            state.store.hold_run(&run.record.id, Hold::Run, on).await?;
        }
    }
    Ok(())
}

fn tell(campaign: &Campaign, what: &str) {
    let id = &campaign.id;
    tracing::info!(campaign.id = %id, "campaign {id} {what} by request");
}

/// Moves a campaign to `to`; a conflict when it stands elsewhere than at one of `from`, or at `to` already.
async fn shift(
    state: &ApiState,
    id: &CampaignId,
    from: &[CampaignState],
    to: CampaignState,
) -> Result<Campaign, Problem> {
    let campaign = found(id, state.store.set_campaign_state(id, from, to).await?)?;
    if campaign.state == to {
        return Ok(campaign);
    }
    let detail = format!("The campaign is {}; it cannot become {to} any more.", campaign.state);
    Err(Problem::new(Kind::Conflict, detail))
}

async fn find(state: &ApiState, id: &CampaignId) -> Result<Campaign, Problem> {
    found(id, state.store.campaign(id).await?)
}

fn found(id: &CampaignId, campaign: Option<Campaign>) -> Result<Campaign, Problem> {
    campaign.ok_or_else(|| Problem::no_such("campaign", id.as_str()))
}
