//! Trials: a version goes to a share of the recipients, and to more of them only on evidence.

use axum::{Json, body::Body, extract::State, http::HeaderMap};
use dawncast_core::{
    campaign::TrialShare,
    template::{Arm, Rotation, Trial},
};
use serde::Serialize;

use super::{View, Which, change, find, rotate::version_for};
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
    let version = form.words("version");
    let share = TrialShare::of_share(form.optional("share").unwrap_or(SHARE));
    if share.is_none() {
        form.fault("share", TrialShare::RANGE);
    }
    let (version, share) = form.finish(version.zip(share))?;
    let found = find(&state, &name, which.language.as_deref()).await?;
    version_for(&state, &name, &found.1, &version, "/version").await?;
    let now = state.now();
    let (view, started) = change(&state, found, |it| it.start_trial(&version, share, now)).await?;
    if !started {
        let detail = format!("`{version}` goes out to all already: try another.");
        return Err(Problem::new(Kind::Conflict, detail));
    }
    tracing::info!("template {version} ({}) is tried in place of {name} by request", view.language);
    Ok(view)
}

/// `DELETE /v1/templates/{name}/trial`
pub(crate) async fn end(
    State(state): State<ApiState>,
    Id(name): Id<String>,
    Query(which): Query<Which>,
) -> Result<Json<View>, Problem> {
    let found = find(&state, &name, which.language.as_deref()).await?;
    let (view, ended) = change(&state, found, Rotation::end_trial).await?;
    if !ended {
        return Err(Problem::new(Kind::Conflict, format!("nothing is tried in place of `{name}`.")));
    }
    tracing::info!("the trial in place of template {name} ({}) ends by request", view.language);
    Ok(view)
}
