//! The suppression list: `/v1/suppressions`. Of a phone it tells what Meta withholds as well, and a person lifts both.

mod file;

use axum::{
    Json,
    body::Body,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::Response,
};
use dawncast_core::{
    UnixMs,
    consent::{Change, Entry, Scope, Source, Suppression},
    phone::Phone,
};
use dawncast_store::records::{Page, WithheldChange};
use serde::{Deserialize, Serialize};

use self::file::{Listed, read};
use crate::{
    extract::{Id, PageQuery, Query, read_body, read_json},
    form::Form,
    once::{Created, Once},
    problem::{Kind, Problem},
    state::ApiState,
    time::rfc3339,
    waits::{Wait, waits},
};

/// The largest file: some hundred thousand phones.
const FILE_LIMIT: usize = 16 * 1024 * 1024;
/// How many refused lines are told one by one.
const TOLD_REJECTS: usize = 1_000;

/// An entry as it is answered.
#[derive(Serialize)]
pub(crate) struct View {
    phone: String,
    scope: Scope,
    source: Source,
    since: String,
}

fn view(phone: Phone, entry: &Entry) -> View {
    View { phone: phone.e164(), scope: entry.scope, source: entry.source, since: rfc3339(entry.since) }
}

fn views(suppression: &Suppression) -> Vec<View> {
    suppression.entries.iter().map(|entry| view(suppression.phone, entry)).collect()
}

fn added(scope: Scope, source: Source, since: UnixMs) -> Change {
    Change::Add(Entry { scope, source, since })
}

/// `POST /v1/suppressions`. When it is answered, no attempt that begins is sent to the phone.
pub(crate) async fn add(
    State(state): State<ApiState>,
    once: Once,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let (bytes, body) = read_json(&headers, body).await?;
    let mut form = Form::new(body)?;
    let (phone, scope) = (form.required::<Phone>("phone"), form.optional::<Scope>("scope").unwrap_or(Scope::All));
    let phone = form.finish(phone)?;
    let create = async |_| {
        let now = state.now();
        state.store.suppress(&[(phone, added(scope, Source::Api, now))]).await?;
        tracing::info!("{phone} is suppressed for {scope} by request");
        Ok(Created::new(&view(phone, &Entry { scope, source: Source::Api, since: now })))
    };
    once.create(&state, &bytes, create).await
}

/// `GET /v1/suppressions`: `limit` counts phones; one that is on the list for several reasons takes several items.
pub(crate) async fn list(
    State(state): State<ApiState>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<View>>, Problem> {
    let Page { items, next_cursor } = state.store.suppressions_page(page.limit()?, page.cursor.as_deref()).await?;
    Ok(Json(Page { items: items.iter().flat_map(views).collect(), next_cursor }))
}

/// The entries of one phone, and what it waits for.
#[derive(Serialize)]
pub(crate) struct Entries {
    phone: String,
    entries: Vec<View>,
    waits: Vec<Wait>,
}

/// `GET /v1/suppressions/{phone}`.
pub(crate) async fn show(State(state): State<ApiState>, Id(phone): Id<Phone>) -> Result<Json<Entries>, Problem> {
    let (known, waits) = (state.store.suppression(phone).await?, waits(&state, phone).await?);
    if known.is_none() && waits.is_empty() {
        return Err(not_listed(phone));
    }
    let entries = known.as_ref().map(views).unwrap_or_default();
    let phone = known.map_or(phone, |known| known.phone).e164();
    Ok(Json(Entries { phone, entries, waits }))
}

/// What is lifted.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LiftQuery {
    scope: Option<Scope>,
}

/// `DELETE /v1/suppressions/{phone}`: every entry and wait, or those of one scope, whoever made them.
pub(crate) async fn lift(
    State(state): State<ApiState>,
    Id(phone): Id<Phone>,
    Query(LiftQuery { scope }): Query<LiftQuery>,
) -> Result<StatusCode, Problem> {
    let (known, waits) = (state.store.suppression(phone).await?, waits(&state, phone).await?);
    if known.is_none() && waits.is_empty() {
        return Err(not_listed(phone));
    }
    let listed = known.iter().flat_map(|known| &known.entries).map(|entry| entry.scope);
    let mut held = listed.chain(waits.iter().map(|wait| wait.scope));
    if scope.is_some_and(|scope| !held.any(|held| held == scope)) {
        return Err(Problem::new(Kind::NotFound, format!("{phone} is on the list, but not by this scope.")));
    }
    if known.is_some() {
        let until = UnixMs::MAX;
        state.store.suppress(&[(phone, Change::Lift { source: None, scope, until })]).await?;
    }
    state.store.change_withheld(&[(phone, WithheldChange::Lift(scope))], state.now()).await?;
    tracing::info!("{phone} is taken off the suppression list, and waits for nothing any more, by request");
    Ok(StatusCode::NO_CONTENT)
}

fn not_listed(phone: Phone) -> Problem {
    Problem::new(Kind::NotFound, format!("{phone} is not on the suppression list."))
}

/// What came of a file.
#[derive(Serialize)]
pub(crate) struct Imported {
    rows: u64,
    accepted: u64,
    rejected: u64,
    rejects: Vec<file::Reject>,
}

/// `POST /v1/suppressions/import`: a CSV with the column `phone` and, if wanted, `scope`. Lines that can be read are taken
/// whatever the others hold: rather one too many on this list than one too few.
pub(crate) async fn import(
    State(state): State<ApiState>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Imported>, Problem> {
    let given = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if given.split(';').next().unwrap_or_default().trim() != "text/csv" {
        return Err(Problem::new(Kind::UnsupportedMediaType, format!("`{given}` is not taken; send `text/csv`.")));
    }
    let Listed { entries, mut rejects } = read(&read_body(&headers, body, FILE_LIMIT).await?)?;
    let now = state.now();
    let changes: Vec<_> = entries.iter().map(|(phone, scope)| (*phone, added(*scope, Source::Import, now))).collect();
    state.store.suppress(&changes).await?;
    let (accepted, rejected) = (entries.len() as u64, rejects.len() as u64);
    tracing::info!("{accepted} phones are suppressed from a file, {rejected} lines are refused");
    rejects.truncate(TOLD_REJECTS);
    Ok(Json(Imported { rows: accepted + rejected, accepted, rejected, rejects }))
}
