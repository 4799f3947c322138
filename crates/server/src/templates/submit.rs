//! Lint, submission to Meta, and reading what Meta has.

use axum::{
    Json,
    body::Body,
    extract::State,
    http::{HeaderMap, StatusCode},
};
use dawncast_core::{
    fault::Faults,
    ids::WabaId,
    template::{Definition, Draft, Review, Submitted},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::known;
use crate::{
    extract::{Query, read_json},
    problem::{Kind, Problem},
    state::{ApiState, TemplateDesk},
};

/// What a lint found.
#[derive(Serialize)]
pub(crate) struct Linted {
    /// Whether it may be submitted.
    sound: bool,
    faults: Faults,
    warnings: Faults,
}

/// To which accounts.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Where {
    waba: Option<WabaId>,
}

/// What came of a submission.
#[derive(Serialize)]
pub(crate) struct Answer {
    name: String,
    language: String,
    warnings: Faults,
    accounts: Vec<Submitted>,
}

/// What is wrong with a draft, beside the templates that are there.
async fn review(state: &ApiState, document: &Value) -> Result<(Option<Draft>, Review), Problem> {
    let draft = match Draft::read(document) {
        Ok(draft) => draft,
        Err(faults) => return Ok((None, Review { faults, warnings: Faults::new() })),
    };
    let known: Vec<Definition> =
        known(state).await?.into_values().filter_map(|it| Some(it.into_iter().next()?.1)).collect();
    let mut review = draft.review(&known);
    if let Some((name, format)) = draft.asset() {
        match state.store.asset(name).await? {
            None => review.faults.add(draft.sample_place(), format!("there is no asset `{name}`: upload it first.")),
            Some(asset) if !format.takes(&asset.mime) => {
                let detail = format!("asset `{name}` is {}, which Meta takes for no sample {format}.", asset.mime);
                review.faults.add(draft.sample_place(), detail);
            }
            Some(_) => {}
        }
    }
    Ok((Some(draft), review))
}

/// `POST /v1/templates/lint`: what Meta would say to a template; nothing is submitted.
pub(crate) async fn lint(
    State(state): State<ApiState>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Linted>, Problem> {
    let (_, document) = read_json(&headers, body).await?;
    let (_, Review { faults, warnings }) = review(&state, &document).await?;
    Ok(Json(Linted { sound: faults.is_empty(), faults, warnings }))
}

fn desk(state: &ApiState) -> Result<&dyn TemplateDesk, Problem> {
    let absent = || Problem::new(Kind::Unavailable, "This process does not speak with Meta.");
    state.templates.as_deref().ok_or_else(absent)
}

/// The log has what it was about: it may name what is inside.
fn unasked(why: &str) -> Problem {
    tracing::warn!("Meta could not be asked about templates: {why}");
    Problem::new(Kind::Unavailable, "Meta, or the storage, does not answer. Try again; the server's log says more.")
}

/// `POST /v1/templates?waba=`: submits a template for review, to every account that has numbers unless one is named.
pub(crate) async fn submit(
    State(state): State<ApiState>,
    Query(to): Query<Where>,
    headers: HeaderMap,
    body: Body,
) -> Result<(StatusCode, Json<Answer>), Problem> {
    let (_, document) = read_json(&headers, body).await?;
    let (draft, Review { faults, warnings }) = review(&state, &document).await?;
    faults.into_result(())?;
    let Some(draft) = draft else { return Err(Problem::malformed("The template cannot be read.")) };
    let (name, language) = (draft.name.clone(), draft.language.clone());
    let accounts = desk(&state)?.submit(draft, to.waba.clone()).await.map_err(|why| unasked(&why))?;
    if accounts.is_empty() {
        let detail = match to.waba {
            Some(waba) => format!("no number belongs to account {waba}: add one."),
            None => "there is no number, hence no account to submit to: add one.".to_owned(),
        };
        return Err(Problem::from(Faults::one("", detail)));
    }
    Ok((StatusCode::ACCEPTED, Json(Answer { name, language, warnings, accounts })))
}

/// `POST /v1/templates/sync`: reads what Meta has, of every account, now.
pub(crate) async fn sync(State(state): State<ApiState>) -> Result<Json<Value>, Problem> {
    desk(&state)?.sync().await.map_err(|why| unasked(&why))?;
    let known = known(&state).await?;
    Ok(Json(json!({ "templates": known.len() })))
}
