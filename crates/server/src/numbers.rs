//! Numbers: `/v1/numbers`. Tokens go in and never come out.

use axum::{
    Json,
    body::Body,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::Response,
};
use dawncast_core::{
    UnixMs,
    ids::{NumberId, PoolId, WabaId},
};
use dawncast_store::records::{Number, NumberRole, Page, Secret};
use serde::Serialize;

use crate::{
    extract::{Id, PageQuery, Query, read_json},
    form::Form,
    once::{Created, Once},
    problem::{Kind, Problem},
    state::ApiState,
    time::rfc3339,
};

/// Messages per second unless told otherwise (Meta: throughput).
const DEFAULT_MPS: u32 = 80;

/// The most that Meta raises a number to (Meta: throughput).
const MAX_MPS: u32 = 1000;

/// A number as it is answered.
#[derive(Serialize)]
pub(crate) struct View {
    phone_number_id: NumberId,
    waba_id: WabaId,
    display_phone_number: String,
    pool: PoolId,
    mps: u32,
    role: NumberRole,
    paused: bool,
    created_at: String,
}

impl From<Number> for View {
    fn from(number: Number) -> Self {
        let Number { phone_number_id, waba_id, display_phone_number, access_token: _, .. } = number;
        let Number { pool, mps, role, paused, created_at, .. } = number;
        let created_at = rfc3339(created_at);
        Self { phone_number_id, waba_id, display_phone_number, pool, mps, role, paused, created_at }
    }
}

/// `POST /v1/numbers`.
pub(crate) async fn add(
    State(state): State<ApiState>,
    once: Once,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let (bytes, body) = read_json(&headers, body).await?;
    let number = read_number(Form::new(body)?, state.now())?;
    let add = async |_minted| {
        if state.store.add_number(&number).await? {
            return Ok(Created::new(&View::from(number.clone())));
        }
        let detail = format!("The number `{}` is there already; PATCH it instead.", number.phone_number_id);
        Err(Problem::new(Kind::Conflict, detail))
    };
    once.create(&state, &bytes, add).await
}

fn read_number(mut form: Form, created_at: UnixMs) -> Result<Number, Problem> {
    let phone_number_id = form.required::<NumberId>("phone_number_id");
    let waba_id = form.required::<WabaId>("waba_id");
    let display_phone_number = form.words("display_phone_number");
    let access_token = form.words("access_token").map(Secret::new);
    let pool = form.required("pool");
    let mps = form.optional("mps").unwrap_or(DEFAULT_MPS);
    let role = form.optional("role").unwrap_or(NumberRole::Active);
    check_mps(&mut form, mps);
    check_digits(&mut form, "phone_number_id", phone_number_id.as_ref().map(NumberId::as_str));
    check_digits(&mut form, "waba_id", waba_id.as_ref().map(WabaId::as_str));
    let number = || {
        Some(Number {
            phone_number_id: phone_number_id?,
            waba_id: waba_id?,
            display_phone_number: display_phone_number?,
            access_token: access_token?,
            pool: pool?,
            mps,
            role,
            paused: false,
            created_at,
        })
    };
    form.finish(number())
}

fn check_mps(form: &mut Form, mps: u32) {
    if !(1..=MAX_MPS).contains(&mps) {
        form.fault("mps", format!("is {mps}; it must lie between 1 and {MAX_MPS}."));
    }
}

/// Ids of numbers and accounts are digits; people paste the number itself.
fn check_digits(form: &mut Form, name: &'static str, id: Option<&str>) {
    if id.is_some_and(|id| !id.bytes().all(|byte| byte.is_ascii_digit())) {
        form.fault(name, "is not an id: Meta's ids are digits, as WhatsApp Manager shows them.");
    }
}

/// `GET /v1/numbers`.
pub(crate) async fn list(
    State(state): State<ApiState>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<View>>, Problem> {
    let numbers = state.store.numbers_page(page.limit()?, page.cursor.as_deref()).await?;
    Ok(Json(numbers.map(View::from)))
}

/// `GET /v1/numbers/{id}`.
pub(crate) async fn show(State(state): State<ApiState>, Id(id): Id<NumberId>) -> Result<Json<View>, Problem> {
    answer(&id, state.store.number(&id).await?)
}

/// `PATCH /v1/numbers/{id}`: what is given changes.
pub(crate) async fn patch(
    State(state): State<ApiState>,
    Id(id): Id<NumberId>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<View>, Problem> {
    let (_, body) = read_json(&headers, body).await?;
    let mut form = Form::new(body)?;
    let display = form.optional::<String>("display_phone_number");
    let access_token = form.optional::<Secret>("access_token");
    let (pool, mps, role) = (form.optional::<PoolId>("pool"), form.optional("mps"), form.optional("role"));
    if let Some(mps) = mps {
        check_mps(&mut form, mps);
    }
    if access_token.as_ref().is_some_and(|token| token.expose().trim().is_empty()) {
        form.fault("access_token", "is empty; give a text.");
    }
    form.finish(Some(()))?;
    let change = |number: &mut Number| {
        overwrite(&mut number.display_phone_number, display.as_ref());
        overwrite(&mut number.access_token, access_token.as_ref());
        overwrite(&mut number.pool, pool.as_ref());
        overwrite(&mut number.mps, mps.as_ref());
        overwrite(&mut number.role, role.as_ref());
    };
    answer(&id, state.store.change_number(&id, change).await?)
}

fn overwrite<T: Clone>(field: &mut T, given: Option<&T>) {
    if let Some(given) = given {
        field.clone_from(given);
    }
}

/// `DELETE /v1/numbers/{id}`.
pub(crate) async fn remove(State(state): State<ApiState>, Id(id): Id<NumberId>) -> Result<StatusCode, Problem> {
    match state.store.remove_number(&id).await? {
        true => Ok(StatusCode::NO_CONTENT),
        false => Err(Problem::no_such("number", id.as_str())),
    }
}

/// `POST /v1/numbers/{id}/pause`.
pub(crate) async fn pause(State(state): State<ApiState>, Id(id): Id<NumberId>) -> Result<Json<View>, Problem> {
    set_paused(&state, &id, true).await
}

/// `POST /v1/numbers/{id}/resume`.
pub(crate) async fn resume(State(state): State<ApiState>, Id(id): Id<NumberId>) -> Result<Json<View>, Problem> {
    set_paused(&state, &id, false).await
}

async fn set_paused(state: &ApiState, id: &NumberId, paused: bool) -> Result<Json<View>, Problem> {
    let number = state.store.change_number(id, |number| number.paused = paused).await?;
    if number.is_some() {
        tracing::info!(number.id = %id, "number {id} {} by request", if paused { "is paused" } else { "goes on" });
    }
    answer(id, number)
}

fn answer(id: &NumberId, number: Option<Number>) -> Result<Json<View>, Problem> {
    number.map(|number| Json(View::from(number))).ok_or_else(|| Problem::no_such("number", id.as_str()))
}
