//! Credentials: `/v1/credentials`. The token that the numbers of an account share goes in and never comes out.

use axum::{
    Json,
    body::Body,
    extract::State,
    http::{HeaderMap, StatusCode},
};
use dawncast_cloud_api::Token;
use dawncast_core::ids::{NumberId, WabaId};
use dawncast_store::records::{Credential, Credentials, Number, Page, Secret, TokenSource};
use serde::Serialize;
use serde_json::{Value, json};

use crate::{
    extract::{Id, read_json},
    form::Form,
    problem::{Kind, Problem},
    state::ApiState,
    time::rfc3339,
};

/// A credential as it is answered.
#[derive(Serialize)]
pub(crate) struct View {
    waba_id: WabaId,
    /// Which key its token is sealed under.
    key_id: String,
    set_at: String,
    /// Why this server cannot open it.
    problem: Option<String>,
    /// The numbers that send with it.
    numbers: Vec<NumberId>,
}

impl View {
    fn new(credential: Credential, numbers: Vec<NumberId>) -> Self {
        let Credential { waba_id, key_id, set_at, locked } = credential;
        Self { waba_id, key_id, set_at: rfc3339(set_at), problem: locked.map(|why| why.to_string()), numbers }
    }
}

/// Credentials, and the numbers that send with them.
struct Known {
    credentials: Credentials,
    numbers: Vec<Number>,
}

impl Known {
    async fn load(state: &ApiState) -> Result<Self, Problem> {
        Ok(Self { credentials: state.store.credentials().await?, numbers: state.store.numbers().await? })
    }

    /// The numbers that send with an account's token.
    fn users(&self, waba: &WabaId) -> Vec<NumberId> {
        let uses =
            |number: &&Number| number.waba_id == *waba && self.credentials.source(number) == TokenSource::Account;
        self.numbers.iter().filter(uses).map(|number| number.phone_number_id.clone()).collect()
    }

    fn views(&self) -> Vec<View> {
        let view = |account: Credential| {
            let users = self.users(&account.waba_id);
            View::new(account, users)
        };
        self.credentials.accounts().into_iter().map(view).collect()
    }
}

/// `GET /v1/credentials`: every credential on one page; there are few.
pub(crate) async fn list(State(state): State<ApiState>) -> Result<Json<Page<View>>, Problem> {
    Ok(Json(Page { items: Known::load(&state).await?.views(), next_cursor: None }))
}

/// `PUT /v1/credentials/{waba_id}`: sets it, or puts another token in its place.
pub(crate) async fn put(
    State(state): State<ApiState>,
    Id(waba): Id<WabaId>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<View>, Problem> {
    let (_, body) = read_json(&headers, body).await?;
    let mut form = Form::new(body)?;
    let token = form.required::<String>("access_token");
    let token = token.and_then(|text| check_token(&mut form, &text));
    if !is_digits(waba.as_str()) {
        return Err(Problem::new(
            Kind::NotFound,
            format!("`{waba}` is no WhatsApp Business account: Meta's ids are digits, as WhatsApp Manager shows them."),
        ));
    }
    let token = form.finish(token)?;
    state.store.set_credential(&waba, &token, state.now()).await?;
    tracing::info!("the credential of account {waba} is set by request");
    let view = Known::load(&state).await?.views().into_iter().find(|view| view.waba_id == waba);
    view.map(Json).ok_or_else(|| Problem::new(Kind::Conflict, "It was removed again meanwhile; ask for the list."))
}

/// `DELETE /v1/credentials/{waba_id}`, unless a number would be left without a token.
pub(crate) async fn remove(State(state): State<ApiState>, Id(waba): Id<WabaId>) -> Result<StatusCode, Problem> {
    let users = Known::load(&state).await?.users(&waba);
    if !users.is_empty() {
        let users: Vec<_> = users.iter().map(|number| format!("`{number}`")).collect();
        let detail = format!(
            "Numbers send with it: {}. Remove them, give them tokens of their own, or PUT another token in its place.",
            users.join(", ")
        );
        return Err(Problem::new(Kind::Conflict, detail));
    }
    match state.store.remove_credential(&waba).await? {
        true => {
            tracing::info!("the credential of account {waba} is removed by request");
            Ok(StatusCode::NO_CONTENT)
        }
        false => Err(Problem::no_such("credential of the account", waba.as_str())),
    }
}

/// `POST /v1/credentials/rekey`: everything is sealed under the first key from then on.
pub(crate) async fn rekey(State(state): State<ApiState>) -> Result<Json<Value>, Problem> {
    let rekeyed = state.store.rekey().await?;
    let key_id = state.store.keyring().current().unwrap_or_default();
    tracing::info!("{} credentials are sealed anew under key {key_id} by request", rekeyed.count);
    Ok(Json(json!({ "key_id": key_id, "rekeyed": rekeyed.count, "locked": rekeyed.locked })))
}

/// A token as it was given, if Meta's API could be called with it.
pub(crate) fn check_token(form: &mut Form, text: &str) -> Option<Secret> {
    match Token::new(text) {
        Ok(token) => Some(Secret::new(token.expose())),
        Err(_) if text.trim().is_empty() => {
            form.fault("access_token", "is empty; give a text.");
            None
        }
        Err(_) => {
            form.fault("access_token", "holds a character that is not printable ASCII; copy it again.");
            None
        }
    }
}

/// Ids of numbers and accounts are digits; people paste the number itself.
pub(crate) fn is_digits(id: &str) -> bool {
    id.bytes().all(|byte| byte.is_ascii_digit())
}
