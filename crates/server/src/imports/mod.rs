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
    response::Response,
};
use dawncast_core::{
    ids::{AudienceId, ImportId},
    numbering::Scrutiny,
};
use dawncast_store::records::{BeginImport, Duplicate, Import, ImportMode, ImportState, Page, Reject, mint};
use futures::StreamExt;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::task::JoinError;

#[cfg(any(test, fuzzing))]
pub(crate) use self::intake::read_in_pieces;
use self::intake::{Intake, Parser, hex};
pub(crate) use self::row::KNOWN;
use crate::{
    extract::{Id, PageQuery, Query, drain},
    once::{Created, Once, Ticket, Turn, mismatch},
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
    once: Once,
    Id(audience): Id<AudienceId>,
    Query(query): Query<ImportQuery>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    match begin(state, once, audience, query, &headers).await {
        Ok(Begun::First(ticket, intake)) => {
            // A task of its own: a client that hangs up must not leave the import running in name.
            let import = tokio::spawn(first(ticket, *intake, body)).await;
            Ok(import.map_err(broke_off)??.into())
        }
        Ok(Begun::Before(answered)) => again(&answered, body).await,
        Err(problem) => {
            drain(body.into_data_stream()).await;
            Err(problem)
        }
    }
}

/// Whether this upload is the first under its key.
enum Begun {
    First(Ticket, Box<Intake>),
    Before(Created),
}

/// What is remembered of an upload. It is hashed while it is taken in, so that another one under its key is told apart.
#[derive(Serialize, Deserialize)]
struct Kept {
    sha256: String,
    import: Value,
}

async fn first(ticket: Ticket, intake: Intake, body: Body) -> Result<Created, Problem> {
    let state = intake.state.clone();
    let (import, sha256) = intake.run(body).await?;
    let (failed, import) = (import.state == ImportState::Failed, View::from(import));
    let answer = Created::with(StatusCode::ACCEPTED, &import);
    if failed {
        ticket.forget(&state).await?;
    } else {
        let kept = json!({ "sha256": sha256, "import": import });
        ticket.keep(&state, &Created::with(StatusCode::ACCEPTED, &kept)).await?;
    }
    Ok(answer)
}

/// Answers the first upload's import if this is the same upload.
async fn again(answered: &Created, body: Body) -> Result<Response, Problem> {
    let Kept { sha256, import } = serde_json::from_str(answered.body()).expect("it is remembered as it was written");
    let (mut digest, mut upload) = (Sha256::new(), body.into_data_stream());
    while let Some(piece) = upload.next().await {
        digest.update(piece.map_err(|_| Problem::malformed("The connection ended before the upload did."))?);
    }
    if hex(digest) == sha256 { Ok(Created::with(StatusCode::ACCEPTED, &import).into()) } else { Err(mismatch()) }
}

fn broke_off(error: JoinError) -> Problem {
    tracing::error!(error = %error, "an import broke off: {error}");
    Problem::new(Kind::Internal, "The import broke off. The server's log says more.")
}

/// Takes the key last, so that a call that is refused leaves it free.
async fn begin(
    state: ApiState,
    once: Once,
    audience: AudienceId,
    query: ImportQuery,
    headers: &HeaderMap,
) -> Result<Begun, Problem> {
    let parser = parser(headers, query.phones)?;
    if state.store.audience(&audience).await?.is_none() {
        return Err(Problem::no_such("audience", audience.as_str()));
    }
    let ticket = match once.turn(&state, &[]).await? {
        Turn::First(ticket) => ticket,
        Turn::Answered(answer) => return Ok(Begun::Before(answer)),
    };
    // Not the minted id: a second server may take an upload over whose first one is silent but not dead, and two must not
    // write one import. Both replace or add the same rows.
    let id: ImportId = format!("imp_{}", mint()).parse().expect("minted ids are plain");
    match state.store.begin_import(&audience, &id, query.mode, state.now()).await? {
        BeginImport::Started(writer) => {
            let writer = Box::new(writer.with_scratch(state.scratch.clone()));
            Ok(Begun::First(ticket, Box::new(Intake::new(state, writer, parser))))
        }
        BeginImport::Gone => {
            ticket.forget(&state).await?;
            Err(Problem::no_such("audience", audience.as_str()))
        }
        BeginImport::Busy(running) => {
            ticket.forget(&state).await?;
            let detail = format!("The import `{running}` into this audience is running; wait for its end.");
            Err(Problem::new(Kind::Conflict, detail))
        }
    }
}

fn parser(headers: &HeaderMap, phones: Scrutiny) -> Result<Parser, Problem> {
    let given = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    Parser::of(given, phones).ok_or_else(|| {
        let detail = format!("`{given}` is not taken; send `text/csv` or `application/x-ndjson`.");
        Problem::new(Kind::UnsupportedMediaType, detail)
    })
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
