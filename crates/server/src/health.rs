//! Alive, and able to work.

use std::time::Duration;

use axum::{
    Json, Router,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::get,
};
use dawncast_store::{Store, restore::Unready};
use serde_json::json;

/// Redis must take a write within this to count as there.
const PATIENCE: Duration = Duration::from_secs(1);

/// `/healthz`: this process is alive. `/readyz`: it can work; 503 with the reason, and what to do, when it cannot.
pub fn health_router(store: Store) -> Router {
    let alive = get(async || Json(json!({ "status": "alive" })));
    Router::new().route("/healthz", alive).route("/readyz", get(ready)).with_state(store)
}

async fn ready(State(store): State<Store>) -> Response {
    let unready = tokio::time::timeout(PATIENCE, store.unready()).await.unwrap_or(Some(Unready::RedisUnreachable));
    match unready {
        None => Json(json!({ "status": "ready", "reasons": [] })).into_response(),
        Some(why) => {
            let body = json!({ "status": "unready", "reasons": [why.as_str()], "detail": why.in_words() });
            (StatusCode::SERVICE_UNAVAILABLE, Json(body)).into_response()
        }
    }
}
