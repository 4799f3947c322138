//! Alive, and able to work.

use std::time::Duration;

use axum::{
    Json, Router,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::get,
};
use dawncast_store::Store;
use serde_json::json;

/// Redis must answer within this to count as there.
const PATIENCE: Duration = Duration::from_secs(1);

/// `/healthz`: this process is alive. `/readyz`: it can work; 503 with the reasons when it cannot.
pub fn health_router(store: Store) -> Router {
    let alive = get(async || Json(json!({ "status": "alive" })));
    Router::new().route("/healthz", alive).route("/readyz", get(ready)).with_state(store)
}

async fn ready(State(store): State<Store>) -> Response {
    match tokio::time::timeout(PATIENCE, store.stopped()).await {
        Ok(Ok(_)) => Json(json!({ "status": "ready", "reasons": [] })).into_response(),
        Ok(Err(error)) => unready(&error.to_string()),
        Err(_) => unready(&format!("Redis has not answered for {PATIENCE:?}")),
    }
}

fn unready(reason: &str) -> Response {
    (StatusCode::SERVICE_UNAVAILABLE, Json(json!({ "status": "unready", "reasons": [reason] }))).into_response()
}
