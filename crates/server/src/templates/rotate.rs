//! Versions: what goes out for campaigns that name a template, from their next freeze on.

use axum::{Json, body::Body, extract::State, http::HeaderMap};
use dawncast_core::{fault::Faults, ids::WabaId, template::Definition};

use super::{View, Which, change, find};
use crate::{
    extract::{Id, Query, read_json},
    form::Form,
    problem::{Kind, Problem},
    state::ApiState,
};

/// How two templates differ in what has to be filled in; a version takes what the one before took.
fn misfit(named: &Definition, version: &Definition) -> Option<&'static str> {
    let variables = |it: &Definition| {
        let mut names: Vec<String> =
            dawncast_core::template::variables(&it.body_text).into_iter().map(str::to_owned).collect();
        names.sort();
        names
    };
    let kind = |it: &Definition| it.header.as_ref().map(std::mem::discriminant);
    match () {
        () if named.category != version.category => Some("category"),
        () if kind(named) != kind(version) => Some("kind of header"),
        () if variables(named) != variables(version) => Some("set of variables"),
        () if named.buttons.len() != version.buttons.len() => Some("number of buttons"),
        () if named.cards.len() != version.cards.len() => Some("number of cards"),
        () if named.limited_time_offer != version.limited_time_offer => Some("limited-time offer"),
        () => None,
    }
}

/// Whether `to` may go out for campaigns that name the template `name`, as these accounts have it; where not, the fault is at
/// `pointer`.
pub(super) async fn version_for(
    state: &ApiState,
    name: &str,
    accounts: &[(WabaId, Definition)],
    to: &str,
    pointer: &'static str,
) -> Result<(), Problem> {
    let refuse = |detail: String| Err(Problem::from(Faults::one(pointer, detail)));
    let Some((_, named)) = accounts.first() else { return Err(Problem::no_such("template", name)) };
    let language = &named.language;
    let Ok((_, versions)) = find(state, to, Some(language)).await else {
        return refuse(format!("there is no template `{to}` in {language}: submit it first."));
    };
    if let Some(what) = versions.first().and_then(|(_, version)| misfit(named, version)) {
        return refuse(format!(
            "`{to}` has another {what} than `{name}`: campaigns that name it could not fill it in."
        ));
    }
    if !versions.iter().any(|(_, version)| version.is_approved()) {
        let status = versions.first().map_or("", |(_, version)| version.status.as_str());
        return refuse(format!("`{to}` is {status}: it may go out once it is APPROVED."));
    }
    Ok(())
}

/// `POST /v1/templates/{name}/rotate` `{"to"}`
pub(crate) async fn rotate(
    State(state): State<ApiState>,
    Id(name): Id<String>,
    Query(which): Query<Which>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<View>, Problem> {
    let (_, body) = read_json(&headers, body).await?;
    let mut form = Form::new(body)?;
    let to = form.words("to");
    let to = form.finish(to)?;
    let found = find(&state, &name, which.language.as_deref()).await?;
    version_for(&state, &name, &found.1, &to, "/to").await?;
    let now = state.now();
    let (view, changed) = change(&state, found, |it| it.rotate(&to, now)).await?;
    if changed {
        tracing::info!("template {name} ({}) is rotated to {to} by request", view.language);
    }
    Ok(view)
}

/// `POST /v1/templates/{name}/rollback`
pub(crate) async fn roll_back(
    State(state): State<ApiState>,
    Id(name): Id<String>,
    Query(which): Query<Which>,
) -> Result<Json<View>, Problem> {
    let (found, now) = (find(&state, &name, which.language.as_deref()).await?, state.now());
    let (view, changed) = change(&state, found, |it| it.roll_back(now)).await?;
    if !changed {
        let detail = format!("`{name}` goes out as itself: there is nothing to take back.");
        return Err(Problem::new(Kind::Conflict, detail));
    }
    tracing::info!("template {name} ({}) is rolled back to {} by request", view.language, view.versions[0]);
    Ok(view)
}
