//! Trials: a version goes to a share of the recipients, and to more of them only on evidence.

use axum::{Json, body::Body, extract::State, http::HeaderMap};
use dawncast_core::{
    campaign::TrialShare,
    template::{Arm, Rotation, Trial},
};
use serde::Serialize;

use super::{View, Which, find, rotate::version_for};
use crate::{
    extract::{Id, Query, read_json},
    form::Form,
    problem::{Kind, Problem},
    state::ApiState,
    time::rfc3339,
};

/// The share that a trial begins with, unless told otherwise.
const SHARE: f64 = 0.1;

/// A trial, as it is answered.
#[derive(Serialize)]
pub(super) struct OnTrial {
    version: String,
    share: f64,
    since: String,
    tried: Arm,
    current: Arm,
    evidence: String,
}

impl From<&Trial> for OnTrial {
    fn from(trial: &Trial) -> Self {
        Self {
            version: trial.version.clone(),
            share: f64::from(trial.share_milli) / 1_000.0,
            since: rfc3339(trial.since),
            tried: trial.tried,
            current: trial.current,
            evidence: trial.evidence(),
        }
    }
}

/// `POST /v1/templates/{name}/trial` `{"version", "share"}`
pub(crate) async fn start(
    State(state): State<ApiState>,
    Id(name): Id<String>,
    Query(which): Query<Which>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<View>, Problem> {
    let (_, body) = read_json(&headers, body).await?;
    let mut form = Form::new(body)?;
    let (version, share) = (form.words("version"), form.optional::<f64>("share").unwrap_or(SHARE));
    let milli = (share * 1_000.0).round() as u16;
    if !(1..1_000).contains(&milli) {
        form.fault("share", "must lie above 0 and below 1, in steps of 0.001.");
    }
    let version = form.finish(version)?;
    let ((name, language), accounts) = find(&state, &name, which.language.as_deref()).await?;
    version_for(&state, &name, &accounts, &version, "/version").await?;
    let (now, share) = (state.now(), TrialShare::of(milli));
    let start = |it: &mut Rotation| it.start_trial(&version, share, now);
    let (rotation, started) = state.store.change_rotation(&name, &language, start).await?;
    if !started {
        let detail = format!("`{version}` goes out to all already: try another.");
        return Err(Problem::new(Kind::Conflict, detail));
    }
    tracing::info!("template {version} ({language}) is tried in place of {name} by request");
    View::new(&accounts, &rotation).map(Json).ok_or_else(|| Problem::no_such("template", &name))
}

/// `DELETE /v1/templates/{name}/trial`
pub(crate) async fn end(
    State(state): State<ApiState>,
    Id(name): Id<String>,
    Query(which): Query<Which>,
) -> Result<Json<View>, Problem> {
    let ((name, language), accounts) = find(&state, &name, which.language.as_deref()).await?;
    let (rotation, ended) = state.store.change_rotation(&name, &language, |it| it.end_trial()).await?;
    if !ended {
        return Err(Problem::new(Kind::Conflict, format!("nothing is tried in place of `{name}`.")));
    }
    tracing::info!("the trial in place of template {name} ({language}) ends by request");
    View::new(&accounts, &rotation).map(Json).ok_or_else(|| Problem::no_such("template", &name))
}
