//! Audiences: `/v1/audiences`.

use std::collections::BTreeSet;

use axum::{
    Json,
    body::Body,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::Response,
};
use dawncast_core::ids::AudienceId;
use dawncast_store::records::{Audience, AudienceRemoval, AudienceVersion, Page};
use serde::Serialize;

use crate::{
    extract::{Id, PageQuery, Query, read_json},
    form::Form,
    once::{Created, Once},
    problem::{Kind, Problem},
    state::ApiState,
    time::rfc3339,
};

/// An audience as it is answered. Before the first import it has no version and no rows.
#[derive(Serialize)]
pub(crate) struct View {
    id: AudienceId,
    name: String,
    created_at: String,
    version: Option<u64>,
    rows: u64,
    columns: BTreeSet<String>,
    updated_at: Option<String>,
}

fn view(audience: Audience, version: Option<AudienceVersion>) -> View {
    View {
        id: audience.id,
        name: audience.name,
        created_at: rfc3339(audience.created_at),
        version: version.as_ref().map(|version| version.version),
        rows: version.as_ref().map_or(0, |version| version.rows),
        updated_at: version.as_ref().map(|version| rfc3339(version.updated_at)),
        columns: version.map(|version| version.columns).unwrap_or_default(),
    }
}

/// `POST /v1/audiences`.
pub(crate) async fn create(
    State(state): State<ApiState>,
    once: Once,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let (bytes, body) = read_json(&headers, body).await?;
    let mut form = Form::new(body)?;
    let name = form.words("name");
    let name = form.finish(name)?;
    let create = async |minted| {
        let id: AudienceId = format!("aud_{minted}").parse().expect("minted ids are plain");
        let audience = Audience { id, name: name.clone(), created_at: state.now() };
        // The id is there already only when an earlier try of this very call has put it there.
        state.store.add_audience(&audience).await?;
        Ok(Created::new(&view(audience, None)))
    };
    once.create(&state, &bytes, create).await
}

/// `GET /v1/audiences`.
pub(crate) async fn list(
    State(state): State<ApiState>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<View>>, Problem> {
    let Page { items, next_cursor } = state.store.audiences_page(page.limit()?, page.cursor.as_deref()).await?;
    let mut views = Vec::with_capacity(items.len());
    for audience in items {
        let version = state.store.audience_version(&audience.id).await?;
        views.push(view(audience, version));
    }
    Ok(Json(Page { items: views, next_cursor }))
}

/// `GET /v1/audiences/{id}`.
pub(crate) async fn show(State(state): State<ApiState>, Id(id): Id<AudienceId>) -> Result<Json<View>, Problem> {
    let audience = state.store.audience(&id).await?.ok_or_else(|| Problem::no_such("audience", id.as_str()))?;
    let version = state.store.audience_version(&id).await?;
    Ok(Json(view(audience, version)))
}

/// `DELETE /v1/audiences/{id}`: with its rows, unless something uses it.
pub(crate) async fn remove(State(state): State<ApiState>, Id(id): Id<AudienceId>) -> Result<StatusCode, Problem> {
    let used = match state.store.remove_audience(&id, state.now()).await? {
        AudienceRemoval::Removed => {
            tracing::info!("audience {id} is deleted by request");
            return Ok(StatusCode::NO_CONTENT);
        }
        AudienceRemoval::Missing => return Err(Problem::no_such("audience", id.as_str())),
        AudienceRemoval::UsedBy(campaign) => {
            format!("The campaign `{campaign}` may still send to this audience; cancel it first.")
        }
        AudienceRemoval::HeldBy(run) => {
            format!("The run `{run}` was frozen from this audience and is not closed; wait for its end.")
        }
        AudienceRemoval::Importing(import) => {
            format!("The import `{import}` into this audience is running; wait for its end.")
        }
    };
    Err(Problem::new(Kind::Conflict, used))
}
