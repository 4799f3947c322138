//! More of the simulator's own calls under `/_sim/`: the scenario, and how the world beyond single calls behaves.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::clock::micros;
use crate::cloud::Cloud;
use crate::control::{Refusal, read};
use crate::rules::Rules;
use crate::wa_id::WaId;
use crate::webhooks::Stop;

pub(crate) fn router() -> Router<Arc<Cloud>> {
    Router::new()
        .route("/_sim/scenario", get(scenario))
        .route("/_sim/webhooks", post(stop_webhooks))
        .route("/_sim/users/{phone}", post(order_user))
        .route("/_sim/click", post(click))
        .route("/_sim/rules", get(rules).post(order_rules))
}

async fn scenario(State(cloud): State<Arc<Cloud>>) -> Json<Value> {
    Json(cloud.scenario.shown(cloud.clock.now_us()))
}

/// For how long no webhook is posted; 0 lets them come again.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StopWebhooks {
    stop_ms: u64,
    #[serde(default)]
    shuffled: bool,
}

async fn stop_webhooks(State(cloud): State<Arc<Cloud>>, body: Bytes) -> Result<Json<StopWebhooks>, Refusal> {
    let order: StopWebhooks = read(&body)?;
    let until_us = cloud.clock.now_us().saturating_add(micros(Duration::from_millis(order.stop_ms)));
    cloud.webhooks.stop(Stop { until_us, shuffled: order.shuffled });
    Ok(Json(order))
}

async fn rules(State(cloud): State<Arc<Cloud>>) -> Json<Rules> {
    Json(Rules::clone(&cloud.rules.get()))
}

async fn order_rules(State(cloud): State<Arc<Cloud>>, body: Bytes) -> Result<Json<Rules>, Refusal> {
    cloud.rules.order(&read(&body)?)?;
    Ok(rules(State(cloud)).await)
}

async fn order_user(
    State(cloud): State<Arc<Cloud>>,
    Path(phone): Path<WaId>,
    body: Bytes,
) -> Result<Json<Value>, Refusal> {
    cloud.order_user(phone, &read(&body)?)?;
    Ok(Json(json!({ "success": true })))
}

async fn click(State(cloud): State<Arc<Cloud>>, body: Bytes) -> Result<Json<Value>, Refusal> {
    cloud.click(&read(&body)?)?;
    Ok(Json(json!({ "success": true })))
}
