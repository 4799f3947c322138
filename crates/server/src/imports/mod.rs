//! Imports: rows streamed into an audience.

mod csv;
mod intake;
mod ndjson;
mod row;

use axum::{
    Json,
    body::Body,
    extract::State,
    http::{HeaderMap, StatusCode, header},
};
use dawncast_core::{
    ids::{AudienceId, ImportId},
    numbering::Scrutiny,
};
use dawncast_store::records::{BeginImport, Duplicate, Import, ImportMode, ImportState, Page, Reject, mint};
use serde::{Deserialize, Serialize};

pub(crate) use self::row::KNOWN;
use self::{
    csv::CsvParser,
    intake::{Intake, Parser},
    ndjson::NdjsonParser,
};
use crate::{
    extract::{Id, PageQuery, Query, drain},
    problem::{Kind, Problem},
    state::ApiState,
    time::rfc3339,
};

/// The query of an upload.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ImportQuery {
    mode: ImportMode,
    /// How closely phones are looked at.
    #[serde(default)]
    phones: Scrutiny,
}

/// An import as it is answered.
#[derive(Serialize)]
pub(crate) struct View {
    id: ImportId,
    audience: AudienceId,
    state: ImportState,
    rows: u64,
    accepted: u64,
    rejected: u64,
    duplicates: u64,
    duplicate_phones: u64,
    duplicate_ids: u64,
    error: Option<String>,
    updated_at: String,
}

impl From<Import> for View {
    fn from(import: Import) -> Self {
        Self {
            id: import.id,
            audience: import.audience,
            state: import.state,
            rows: import.rows,
            accepted: import.accepted,
            rejected: import.rejected,
            duplicates: import.duplicates,
            duplicate_phones: import.duplicates - import.duplicate_ids,
            duplicate_ids: import.duplicate_ids,
            error: import.error,
            updated_at: rfc3339(import.updated_at),
        }
    }
}

/// `POST /v1/audiences/{id}/imports`: answers when the upload has been taken in, or has failed.
pub(crate) async fn start(
    State(state): State<ApiState>,
    Id(audience): Id<AudienceId>,
    Query(query): Query<ImportQuery>,
    headers: HeaderMap,
    body: Body,
) -> Result<(StatusCode, Json<View>), Problem> {
    let intake = match begin(state, audience, query, &headers).await {
        Ok(intake) => intake,
        Err(problem) => {
            drain(body.into_data_stream()).await;
            return Err(problem);
        }
    };
    // A task of its own: a client that hangs up must not leave the import running in name.
    let import = tokio::spawn(intake.run(body)).await;
    let import = import.map_err(|error| {
        tracing::error!(error = %error, "an import broke off: {error}");
        Problem::new(Kind::Internal, "The import broke off. The server's log says more.")
    })??;
    Ok((StatusCode::ACCEPTED, Json(import.into())))
}

async fn begin(
    state: ApiState,
    audience: AudienceId,
    query: ImportQuery,
    headers: &HeaderMap,
) -> Result<Intake, Problem> {
    let parser = parser(headers, query.phones)?;
    if state.store.audience(&audience).await?.is_none() {
        return Err(Problem::no_such("audience", audience.as_str()));
    }
    let id: ImportId = format!("imp_{}", mint()).parse().expect("minted ids are plain");
    match state.store.begin_import(&audience, &id, query.mode, state.now()).await? {
        BeginImport::Started(writer) => {
            let writer = Box::new(writer.with_scratch(state.scratch.clone()));
            Ok(Intake { state, writer, parser })
        }
        BeginImport::Gone => Err(Problem::no_such("audience", audience.as_str())),
        BeginImport::Busy(running) => {
            let detail = format!("The import `{running}` into this audience is running; wait for its end.");
            Err(Problem::new(Kind::Conflict, detail))
        }
    }
}

fn parser(headers: &HeaderMap, phones: Scrutiny) -> Result<Parser, Problem> {
    let given = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    match given.split(';').next().unwrap_or_default().trim().to_ascii_lowercase().as_str() {
        "text/csv" => Ok(Parser::Csv(Box::new(CsvParser::new(phones)))),
        "application/x-ndjson" => Ok(Parser::Ndjson(NdjsonParser::new(phones))),
        other => {
            let detail = format!("`{other}` is not taken; send `text/csv` or `application/x-ndjson`.");
            Err(Problem::new(Kind::UnsupportedMediaType, detail))
        }
    }
}

/// `GET /v1/imports/{id}`.
pub(crate) async fn show(State(state): State<ApiState>, Id(id): Id<ImportId>) -> Result<Json<View>, Problem> {
    let import = state.store.import(&id, state.now()).await?;
    let import = import.ok_or_else(|| Problem::no_such("import", id.as_str()))?;
    Ok(Json(import.into()))
}

/// `GET /v1/imports/{id}/rejects`.
pub(crate) async fn rejects(
    State(state): State<ApiState>,
    Id(id): Id<ImportId>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<Reject>>, Problem> {
    let rejects = state.store.rejects_page(&id, page.limit()?, page.cursor.as_deref()).await?;
    Ok(Json(rejects.ok_or_else(|| Problem::no_such("import", id.as_str()))?))
}

/// `GET /v1/imports/{id}/duplicates`.
pub(crate) async fn duplicates(
    State(state): State<ApiState>,
    Id(id): Id<ImportId>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<Duplicate>>, Problem> {
    let duplicates = state.store.duplicates_page(&id, page.limit()?, page.cursor.as_deref()).await?;
    Ok(Json(duplicates.ok_or_else(|| Problem::no_such("import", id.as_str()))?))
}
