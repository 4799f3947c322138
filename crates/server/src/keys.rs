//! API keys: `/v1/keys`.

use axum::{
    Json,
    body::Body,
    extract::State,
    http::{HeaderMap, StatusCode},
};
use dawncast_core::ids::KeyId;
use dawncast_store::records::{ApiKey, Page, Scope};
use serde::Serialize;

use crate::{
    extract::{Id, PageQuery, Query, read_json},
    form::Form,
    once::{Created, Once, Turn},
    problem::{Kind, Problem},
    state::ApiState,
    time::rfc3339,
};

/// A key as it is answered; the secret only when it has just been made.
#[derive(Serialize)]
pub(crate) struct View {
    id: KeyId,
    name: String,
    scopes: Vec<Scope>,
    created_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
}

impl From<ApiKey> for View {
    fn from(key: ApiKey) -> Self {
        let ApiKey { id, name, scopes, sha256: _, created_at } = key;
        Self { id, name, scopes, created_at: rfc3339(created_at), secret: None }
    }
}

/// `POST /v1/keys`. A secret is never stored, so the same call cannot be answered alike: a repetition is told which key
/// the first one made, and makes no second.
pub(crate) async fn create(
    State(state): State<ApiState>,
    once: Once,
    headers: HeaderMap,
    body: Body,
) -> Result<(StatusCode, Json<View>), Problem> {
    let (bytes, body) = read_json(&headers, body).await?;
    let mut form = Form::new(body)?;
    let (name, scopes) = (form.words("name"), form.required::<Vec<Scope>>("scopes"));
    if scopes.as_ref().is_some_and(Vec::is_empty) {
        form.fault("scopes", "is empty; a key needs at least one scope.");
    }
    let (name, scopes) = form.finish(name.zip(scopes))?;
    let ticket = match once.turn(&state, &bytes).await? {
        Turn::First(ticket) => ticket,
        Turn::Answered(kept) => return Err(made_before(kept.body())),
    };
    let id: KeyId = format!("key_{}", ticket.minted).parse().expect("minted ids are plain");
    // Taken only when an earlier try of this very call made it and died before it answered.
    let new = state.store.create_key_under(&id, &name, &scopes, state.now()).await?;
    ticket.keep(&state, &Created::new(&id)).await?;
    let new = new.ok_or_else(|| made_before(id.as_str()))?;
    let secret = Some(new.secret.expose().to_owned());
    Ok((StatusCode::CREATED, Json(View { secret, ..View::from(new.key) })))
}

fn made_before(id: &str) -> Problem {
    let id = id.trim_matches('"');
    let detail = format!(
        "This call has made the key `{id}`; its secret was shown then and is not kept. If it was lost, revoke `{id}` and \
         create another under a new Idempotency-Key."
    );
    Problem::new(Kind::Conflict, detail)
}

/// `GET /v1/keys`.
pub(crate) async fn list(
    State(state): State<ApiState>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<View>>, Problem> {
    let keys = state.store.keys_page(page.limit()?, page.cursor.as_deref()).await?;
    Ok(Json(keys.map(View::from)))
}

/// `DELETE /v1/keys/{id}`.
pub(crate) async fn revoke(State(state): State<ApiState>, Id(id): Id<KeyId>) -> Result<StatusCode, Problem> {
    match state.store.revoke_key(&id).await? {
        true => Ok(StatusCode::NO_CONTENT),
        false => Err(Problem::no_such("key", id.as_str())),
    }
}
