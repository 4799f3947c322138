//! Numbers: `/v1/numbers`. Tokens go in and never come out: those of accounts at `/v1/credentials`.

use std::collections::HashMap;

use axum::{
    Json,
    body::Body,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::Response,
};
use dawncast_core::{
    UnixMs,
    fault::Faults,
    health::{Health, Reading},
    ids::{NumberId, PoolId, WabaId},
    quota::Portfolio,
};
use dawncast_store::records::{Credentials, Number, NumberRole, NumberWritten, Page, TokenChange, TokenSource};
use serde::Serialize;

use crate::{
    caps::{Given, WarmupView},
    conditions,
    credentials::{check_token, is_digits},
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
    /// The most messages that people let it send in an hour and in a day.
    max_per_hour: Option<u32>,
    max_per_day: Option<u32>,
    /// How many messages its caps and its warm-up leave now; `None` when it has none.
    cap_remaining: Option<u64>,
    /// Where it stands in its warm-up; `None` when it is in none.
    warmup: Option<WarmupView>,
    /// Whose token it sends with.
    credential: TokenView,
    /// What it is able to do now, in a word.
    health: Health,
    /// How far the monitor lets it be used, and why.
    condition: conditions::View,
    /// How many unique users its portfolio may still reach in 24 hours; `None` when unlimited or not known.
    daily_remaining: Option<u64>,
    /// What Meta said when it was asked last; `None` until it was.
    meta: Option<Meta>,
    created_at: String,
}

/// Whose token a number sends with, and what keeps it from that.
#[derive(Serialize)]
struct TokenView {
    source: TokenSource,
    problem: Option<String>,
}

/// What Meta says of a number, in its own words.
#[derive(Serialize)]
struct Meta {
    status: Option<String>,
    quality: Option<String>,
    throughput: Option<String>,
    messaging_limit: Option<String>,
    portfolio: Option<String>,
    read_at: String,
}

impl From<&Reading> for Meta {
    fn from(reading: &Reading) -> Self {
        let Reading { read_at, status, quality, throughput, messaging_limit, portfolio, .. } = reading.clone();
        Self { status, quality, throughput, messaging_limit, portfolio, read_at: rfc3339(read_at) }
    }
}

/// What is known of numbers beside their records, looked up once for all that are shown.
struct Known {
    now: UnixMs,
    readings: HashMap<NumberId, Reading>,
    portfolios: Vec<Portfolio>,
    credentials: Credentials,
}

impl Known {
    async fn load(state: &ApiState) -> Result<Self, Problem> {
        let now = state.now();
        Ok(Self {
            now,
            readings: state.store.readings().await?,
            portfolios: state.store.portfolios(now).await?,
            credentials: state.store.credentials().await?,
        })
    }

    async fn view(&self, state: &ApiState, number: Number) -> Result<View, Problem> {
        let reading = self.readings.get(&number.phone_number_id);
        let own = |portfolio: &&Portfolio| portfolio.numbers.contains(&number.phone_number_id);
        Ok(View {
            health: state.store.number_health(&number, reading, self.now).await?,
            daily_remaining: self.portfolios.iter().find(own).and_then(Portfolio::remaining),
            condition: (&number.condition).into(),
            max_per_hour: number.caps.per_hour,
            max_per_day: number.caps.per_day,
            cap_remaining: state.store.cap_left(&number, &state.playbook, self.now, self.now).await?,
            warmup: WarmupView::of(&number, &state.playbook),
            meta: reading.map(Meta::from),
            credential: TokenView {
                source: self.credentials.source(&number),
                problem: self.credentials.token(&number).err().map(|why| why.to_string()),
            },
            phone_number_id: number.phone_number_id,
            waba_id: number.waba_id,
            display_phone_number: number.display_phone_number,
            pool: number.pool,
            mps: number.mps,
            role: number.role,
            paused: number.paused,
            created_at: rfc3339(number.created_at),
        })
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
    let (number, token) = read_number(Form::new(body)?, state.now())?;
    let add = async |_minted| {
        let written = state.store.add_number(&number, &token).await?;
        let number = written_number(written, &number.phone_number_id, &number.waba_id)?;
        state.store.apply_condition(&number, &state.playbook).await?;
        Ok(Created::new(&Known::load(&state).await?.view(&state, number).await?))
    };
    once.create(&state, &bytes, add).await
}

/// The number as it was written; a problem when it was not.
fn written_number(written: NumberWritten, id: &NumberId, waba: &WabaId) -> Result<Number, Problem> {
    match written {
        NumberWritten::Written(number) => Ok(*number),
        NumberWritten::Taken => {
            let detail = format!("The number `{id}` is there already; PATCH it instead.");
            Err(Problem::new(Kind::Conflict, detail))
        }
        NumberWritten::Missing => Err(Problem::no_such("number", id.as_str())),
        NumberWritten::NoToken => {
            let mut faults = Faults::new();
            let detail = format!(
                "is missing, and account `{waba}` has no credential that its numbers share: give one here, or set that \
                 with PUT /v1/credentials/{waba}."
            );
            faults.add("/access_token".to_owned(), detail);
            Err(faults.into())
        }
    }
}

fn read_number(mut form: Form, created_at: UnixMs) -> Result<(Number, TokenChange), Problem> {
    let phone_number_id = form.required::<NumberId>("phone_number_id");
    let waba_id = form.required::<WabaId>("waba_id");
    let display_phone_number = form.words("display_phone_number");
    let token = read_token(&mut form).unwrap_or(TokenChange::UseAccounts);
    let pool = form.required("pool");
    let mps = form.optional("mps").unwrap_or(DEFAULT_MPS);
    let role = form.optional("role").unwrap_or(NumberRole::Active);
    let caps = Given::read(&mut form);
    check_mps(&mut form, mps);
    check_digits(&mut form, "phone_number_id", phone_number_id.as_ref().map(NumberId::as_str));
    check_digits(&mut form, "waba_id", waba_id.as_ref().map(WabaId::as_str));
    let number = || {
        let mut number = Number {
            phone_number_id: phone_number_id?,
            waba_id: waba_id?,
            display_phone_number: display_phone_number?,
            plain_token: None,
            pool: pool?,
            mps,
            role,
            paused: false,
            condition: Default::default(),
            caps: Default::default(),
            warmup: None,
            created_at,
        };
        caps.apply(&mut number, created_at);
        Some(number)
    };
    let number = number().map(|number| (number, token));
    form.finish(number)
}

/// The token that is given; none when there is none, or it has a fault.
fn read_token(form: &mut Form) -> Option<TokenChange> {
    let text = form.optional::<String>("access_token")?;
    check_token(form, &text).map(TokenChange::Give)
}

fn check_mps(form: &mut Form, mps: u32) {
    if !(1..=MAX_MPS).contains(&mps) {
        form.fault("mps", format!("is {mps}; it must lie between 1 and {MAX_MPS}."));
    }
}

fn check_digits(form: &mut Form, name: &'static str, id: Option<&str>) {
    if id.is_some_and(|id| !is_digits(id)) {
        form.fault(name, "is not an id: Meta's ids are digits, as WhatsApp Manager shows them.");
    }
}

/// `GET /v1/numbers`.
pub(crate) async fn list(
    State(state): State<ApiState>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<View>>, Problem> {
    let numbers = state.store.numbers_page(page.limit()?, page.cursor.as_deref()).await?;
    let (known, mut items) = (Known::load(&state).await?, Vec::with_capacity(numbers.items.len()));
    for number in numbers.items {
        items.push(known.view(&state, number).await?);
    }
    Ok(Json(Page { items, next_cursor: numbers.next_cursor }))
}

/// `GET /v1/numbers/{id}`.
pub(crate) async fn show(State(state): State<ApiState>, Id(id): Id<NumberId>) -> Result<Json<View>, Problem> {
    answer(&state, &id, state.store.number(&id).await?).await
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
    let unset = if form.is_null("access_token") { TokenChange::UseAccounts } else { TokenChange::Keep };
    let token = read_token(&mut form).unwrap_or(unset);
    let (pool, mps, role) = (form.optional::<PoolId>("pool"), form.optional("mps"), form.optional("role"));
    let (caps, now) = (Given::read(&mut form), state.now());
    if let Some(mps) = mps {
        check_mps(&mut form, mps);
    }
    form.finish(Some(()))?;
    let change = |number: &mut Number| {
        overwrite(&mut number.display_phone_number, display.as_ref());
        overwrite(&mut number.pool, pool.as_ref());
        overwrite(&mut number.mps, mps.as_ref());
        overwrite(&mut number.role, role.as_ref());
        caps.apply(number, now);
    };
    let waba = find(&state, &id).await?.waba_id;
    let written = state.store.change_number_and_token(&id, change, &token, now).await?;
    let number = written_number(written, &id, &waba)?;
    state.store.apply_condition(&number, &state.playbook).await?;
    if token != TokenChange::Keep {
        tracing::info!(number.id = %id, "the access token of number {id} is changed by request");
    }
    answer(&state, &id, Some(number)).await
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
    answer(state, id, number).await
}

/// The number of this id.
pub(crate) async fn find(state: &ApiState, id: &NumberId) -> Result<Number, Problem> {
    state.store.number(id).await?.ok_or_else(|| Problem::no_such("number", id.as_str()))
}

/// The number as it is answered.
pub(crate) async fn answer(state: &ApiState, id: &NumberId, number: Option<Number>) -> Result<Json<View>, Problem> {
    let number = number.ok_or_else(|| Problem::no_such("number", id.as_str()))?;
    Ok(Json(Known::load(state).await?.view(state, number).await?))
}
