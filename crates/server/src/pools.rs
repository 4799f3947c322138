//! Pools, and the switch that stops everything.

use axum::{Json, extract::State};
use dawncast_core::ids::PoolId;
use dawncast_store::records::{Page, Pool};
use serde_json::{Value, json};

use crate::{extract::Id, problem::Problem, state::ApiState, time::rfc3339};

/// `GET /v1/pools`: every pool on one page; there are few.
pub(crate) async fn list(State(state): State<ApiState>) -> Result<Json<Page<Pool>>, Problem> {
    Ok(Json(Page { items: state.store.pools().await?, next_cursor: None }))
}

/// `POST /v1/pools/{id}/pause`.
pub(crate) async fn pause(State(state): State<ApiState>, Id(id): Id<PoolId>) -> Result<Json<Pool>, Problem> {
    set_paused(&state, &id, true).await
}

/// `POST /v1/pools/{id}/resume`.
pub(crate) async fn resume(State(state): State<ApiState>, Id(id): Id<PoolId>) -> Result<Json<Pool>, Problem> {
    set_paused(&state, &id, false).await
}

async fn set_paused(state: &ApiState, id: &PoolId, paused: bool) -> Result<Json<Pool>, Problem> {
    let pool = state.store.pools().await?.into_iter().find(|pool| pool.id == *id);
    let pool = pool.ok_or_else(|| Problem::no_such("pool", id.as_str()))?;
    state.store.set_pool_paused(id, paused).await?;
    tracing::info!(pool.id = %id, "pool {id} {} by request", if paused { "is paused" } else { "goes on" });
    Ok(Json(Pool { paused, ..pool }))
}

/// `POST /v1/stop`: nothing is begun from now on.
pub(crate) async fn stop(State(state): State<ApiState>) -> Result<Json<Value>, Problem> {
    state.store.stop(state.now()).await?;
    let since = state.store.stopped().await?;
    tracing::warn!("everything is stopped by request");
    Ok(Json(json!({ "stopped": true, "since": since.map(rfc3339) })))
}

/// `POST /v1/start`: takes the stop back.
pub(crate) async fn start(State(state): State<ApiState>) -> Result<Json<Value>, Problem> {
    state.store.start().await?;
    tracing::warn!("the stop is taken back by request");
    Ok(Json(json!({ "stopped": false })))
}
