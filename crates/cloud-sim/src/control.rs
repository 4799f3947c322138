//! The simulator's own calls, under `/_sim/`.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::access::Grant;
use crate::cloud::Cloud;
use crate::crowd::Reply;
use crate::error::SimError;
use crate::faults::FaultOrder;
use crate::flows;
use crate::ledger::LedgerSnapshot;
use crate::phone;
use crate::staging;
use crate::standing::Standing;
use crate::wa_id::WaId;

/// Routes for whoever stages a scene; they need no token.
pub(crate) fn router() -> Router<Arc<Cloud>> {
    Router::new()
        .route("/_sim/ledger", get(ledger))
        .route("/_sim/reply", post(reply))
        .route("/_sim/block", post(block))
        .route("/_sim/users/{phone}", get(user))
        .route("/_sim/preference", post(preference))
        .route("/_sim/faults", get(faults).post(order_faults))
        .route("/_sim/templates/{name}", post(order_template))
        .route("/_sim/reviews", post(order_reviews))
        .route("/_sim/numbers/{id}", get(standing).post(order_number))
        .route("/_sim/token", get(token).post(order_token))
        .route("/_sim/uploads", post(order_uploads))
        .route("/_sim/subscription", get(subscription).post(order_subscription))
        .route("/_sim/calls", post(order_calls))
        .route("/_sim/flows/exchange", post(flows::exchange))
        .route("/_sim/clock", get(clock).post(advance_clock))
        .merge(staging::router())
}

/// What the caller got wrong.
pub(crate) struct Refusal(String);

impl Refusal {
    pub(crate) fn new(words: String) -> Self {
        Self(words)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (StatusCode::BAD_REQUEST, Json(json!({ "error": self.0 }))).into_response()
    }
}

impl From<SimError> for Refusal {
    fn from(error: SimError) -> Self {
        Self(error.to_string())
    }
}

pub(crate) fn read<T: DeserializeOwned>(body: &Bytes) -> Result<T, Refusal> {
    // serde would take a list for an object, member by member.
    if !body.trim_ascii_start().starts_with(b"{") {
        return Err(Refusal("the body is not usable: give a JSON object".to_owned()));
    }
    serde_json::from_slice(body).map_err(|reason| Refusal(format!("the body is not usable: {reason}")))
}

/// Whether the account tells the app anything.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Subscription {
    subscribed: bool,
}

/// How many management calls an account, or the app alone, has made just now.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct CallsMade {
    account: Option<String>,
    calls: usize,
}

/// When the next resumable upload is cut off.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Cut {
    cut_after: usize,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Advance {
    advance_ms: u64,
}

#[derive(Serialize)]
struct ClockFace {
    /// Unix milliseconds.
    now_ms: u64,
    /// How far it was advanced.
    offset_ms: u64,
}

async fn ledger(State(cloud): State<Arc<Cloud>>) -> Json<LedgerSnapshot> {
    Json(cloud.ledger())
}

async fn reply(State(cloud): State<Arc<Cloud>>, body: Bytes) -> Result<Json<Value>, Refusal> {
    let order: Reply = read(&body)?;
    if let Some(id) = &order.quotes {
        phone::kept(&cloud, order.from, cloud.known_number(&order.number)?, "quotes", id)?;
    }
    Ok(Json(json!({ "id": cloud.write(order)? })))
}

/// The ids of a user.
async fn user(Path(phone): Path<WaId>) -> Json<Value> {
    Json(json!({ "wa_id": phone.digits(), "user_id": phone.user_id() }))
}

async fn block(State(cloud): State<Arc<Cloud>>, body: Bytes) -> Result<Json<Value>, Refusal> {
    cloud.block(&read(&body)?)?;
    Ok(Json(json!({ "success": true })))
}

async fn preference(State(cloud): State<Arc<Cloud>>, body: Bytes) -> Result<Json<Value>, Refusal> {
    cloud.prefer(&read(&body)?)?;
    Ok(Json(json!({ "success": true })))
}

async fn faults(State(cloud): State<Arc<Cloud>>) -> Json<FaultOrder> {
    Json(cloud.faults.standing())
}

async fn order_faults(State(cloud): State<Arc<Cloud>>, body: Bytes) -> Result<Json<FaultOrder>, Refusal> {
    cloud.order_faults(read(&body)?)?;
    Ok(Json(cloud.faults.standing()))
}

async fn standing(State(cloud): State<Arc<Cloud>>, Path(id): Path<String>) -> Result<Json<Standing>, Refusal> {
    Ok(Json(cloud.standings.of(cloud.known_number(&id)?.place)))
}

async fn order_number(
    State(cloud): State<Arc<Cloud>>,
    Path(id): Path<String>,
    body: Bytes,
) -> Result<Json<Standing>, Refusal> {
    Ok(Json(cloud.order_number(&id, read(&body)?)?))
}

async fn order_template(
    State(cloud): State<Arc<Cloud>>,
    Path(name): Path<String>,
    body: Bytes,
) -> Result<Json<Value>, Refusal> {
    cloud.order_template(&name, &read(&body)?)?;
    Ok(Json(json!({ "success": true })))
}

async fn order_reviews(State(cloud): State<Arc<Cloud>>, body: Bytes) -> Result<Json<Value>, Refusal> {
    cloud.order_reviews(read(&body)?)?;
    Ok(Json(json!({ "success": true })))
}

async fn token(State(cloud): State<Arc<Cloud>>) -> Json<Grant> {
    Json(cloud.access.grant())
}

async fn order_token(State(cloud): State<Arc<Cloud>>, body: Bytes) -> Result<Json<Grant>, Refusal> {
    Ok(Json(cloud.access.order(read(&body)?)?))
}

async fn order_uploads(State(cloud): State<Arc<Cloud>>, body: Bytes) -> Result<Json<Cut>, Refusal> {
    let cut: Cut = read(&body)?;
    cloud.uploads.cut_after(cut.cut_after);
    Ok(Json(cut))
}

async fn order_calls(State(cloud): State<Arc<Cloud>>, body: Bytes) -> Result<Json<CallsMade>, Refusal> {
    let order: CallsMade = read(&body)?;
    let unknown = |id: &str| Refusal(format!("account: `{id}` is not an account of this simulator"));
    let account = order.account.as_deref().map(|id| cloud.waba(id).ok_or_else(|| unknown(id))).transpose()?;
    cloud.calls.order(account, order.calls.min(100_000), cloud.clock.now_us());
    Ok(Json(order))
}

async fn subscription(State(cloud): State<Arc<Cloud>>) -> Json<Subscription> {
    Json(Subscription { subscribed: cloud.is_first_subscribed() })
}

async fn order_subscription(State(cloud): State<Arc<Cloud>>, body: Bytes) -> Result<Json<Subscription>, Refusal> {
    let order: Subscription = read(&body)?;
    cloud.subscribe_first(order.subscribed);
    Ok(Json(order))
}

async fn clock(State(cloud): State<Arc<Cloud>>) -> Json<ClockFace> {
    let offset_ms = u64::try_from(cloud.clock.offset().as_millis()).unwrap_or(u64::MAX);
    Json(ClockFace { now_ms: cloud.clock.now_us() / 1000, offset_ms })
}

async fn advance_clock(State(cloud): State<Arc<Cloud>>, body: Bytes) -> Result<Json<ClockFace>, Refusal> {
    let Advance { advance_ms } = read(&body)?;
    cloud.advance(Duration::from_millis(advance_ms));
    Ok(clock(State(cloud)).await)
}
