//! A number's condition: how it changed, and a person's word on it. `/v1/numbers/{id}/history`, `/pin`, `/unpin`.

use axum::{Json, body::Body, extract::State, http::HeaderMap};
use dawncast_core::{
    UnixMs,
    health::{Cause, Condition, Pin, Stage},
    ids::NumberId,
    window::Span,
};
use dawncast_store::records::{Change, Number};
use serde::Serialize;

use crate::{
    extract::{Id, read_json},
    form::Form,
    numbers,
    problem::Problem,
    state::ApiState,
    time::rfc3339,
};

/// A condition as it is answered.
#[derive(Serialize)]
pub(crate) struct View {
    stage: Stage,
    since: Option<String>,
    /// It gets no better before.
    until: Option<String>,
    cause: Cause,
    evidence: String,
    /// How often the number has offended recipients of late.
    offences: u32,
    /// Whether a person has said so.
    pinned: bool,
}

fn moment(at: UnixMs) -> Option<String> {
    (at > 0).then(|| rfc3339(at))
}

impl From<&Condition> for View {
    fn from(condition: &Condition) -> Self {
        let Condition { stage, since, until, cause, offences, .. } = *condition;
        Self {
            stage,
            since: moment(since),
            until: until.and_then(moment),
            cause,
            evidence: condition.evidence.clone(),
            offences,
            pinned: condition.pin.is_some(),
        }
    }
}

/// A change as it is answered.
#[derive(Serialize)]
struct ChangeView {
    at: String,
    from: String,
    to: View,
    /// What has become of its warm-up, where that has changed and not its condition.
    warmup: Option<String>,
}

/// The changes of a number's condition.
#[derive(Serialize)]
pub(crate) struct History {
    /// The latest first.
    items: Vec<ChangeView>,
}

/// `GET /v1/numbers/{id}/history`: the latest changes.
pub(crate) async fn history(State(state): State<ApiState>, Id(id): Id<NumberId>) -> Result<Json<History>, Problem> {
    numbers::find(&state, &id).await?;
    let view = |Change { at, from, to, warmup }: Change| ChangeView { at: rfc3339(at), from, to: (&to).into(), warmup };
    Ok(Json(History { items: state.store.changes(&id).await?.into_iter().map(view).collect() }))
}

/// `POST /v1/numbers/{id}/pin` with `{"stage","for"?}`: the stage is that, whatever the monitor sees.
pub(crate) async fn pin(
    State(state): State<ApiState>,
    Id(id): Id<NumberId>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<numbers::View>, Problem> {
    let (_, body) = read_json(&headers, body).await?;
    let mut form = Form::new(body)?;
    let (stage, length) = (form.required::<Stage>("stage"), form.optional::<Span>("for"));
    if length.is_some_and(|length| length.ms() == 0) {
        form.fault("for", "must be longer than nothing, such as `2h`; leave it out to pin for good.");
    }
    let now = state.now();
    let pin = stage.map(|stage| Pin { stage, until: length.map(|length| now + length.ms()) });
    let pin = form.finish(pin)?;
    let number = set(&state, &id, move |condition| condition.pinned_by(pin, now)).await?;
    tracing::info!(number.id = %id, "number {id} is pinned to {} by request", pin.stage);
    numbers::answer(&state, &id, Some(number)).await
}

/// `POST /v1/numbers/{id}/unpin`: the monitor decides again.
pub(crate) async fn unpin(State(state): State<ApiState>, Id(id): Id<NumberId>) -> Result<Json<numbers::View>, Problem> {
    let now = state.now();
    let number = set(&state, &id, move |condition| condition.unpinned(now)).await?;
    tracing::info!(number.id = %id, "number {id} is the monitor's again by request");
    numbers::answer(&state, &id, Some(number)).await
}

/// Changes a number's condition, lets its credit go by it, and keeps the change.
async fn set(state: &ApiState, id: &NumberId, change: impl Fn(&Condition) -> Condition) -> Result<Number, Problem> {
    let changed = state.store.change_condition(id, change).await?;
    let (before, number) = changed.ok_or_else(|| Problem::no_such("number", id.as_str()))?;
    state.store.apply_condition(&number, &state.playbook).await?;
    let to = number.condition.clone();
    state.store.note_change(id, &Change { at: state.now(), from: before.stage.to_string(), to, warmup: None }).await?;
    Ok(number)
}
