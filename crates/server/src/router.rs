//! The table of calls: which handler answers, and which scope it needs.

use axum::{
    Router,
    http::{Method, Uri},
    middleware::from_fn_with_state,
    routing::{delete, get, patch, post, put},
};

use crate::{
    assets, audiences,
    auth::{Needs, require},
    campaigns, conditions, credentials, deliveries, doctor, events, export,
    health::health_router,
    imports, keys, numbers, openapi, pools,
    problem::{Kind, Problem},
    restore, retry, runs,
    state::ApiState,
    suppressions, templates,
};

/// The REST API and its health.
pub fn api_router(state: ApiState) -> Router {
    let guarded = |routes: Router<ApiState>, needs: Needs| {
        routes.route_layer(from_fn_with_state((state.clone(), needs), require))
    };
    let routes = Router::new()
        .merge(guarded(reading(), Needs::READ))
        .merge(guarded(writing(), Needs::WRITE))
        .merge(guarded(numbering(), Needs::NUMBERS))
        .merge(guarded(administering(), Needs::ADMIN))
        .route("/openapi.json", get(openapi::show));
    not_here(routes).with_state(state.clone()).merge(health_router(state.store))
}

fn reading() -> Router<ApiState> {
    Router::new()
        .route("/v1/audiences", get(audiences::list))
        .route("/v1/audiences/{id}", get(audiences::show))
        .route("/v1/audiences/{id}/export", get(export::export))
        .route("/v1/imports/{id}", get(imports::show))
        .route("/v1/imports/{id}/rejects", get(imports::rejects))
        .route("/v1/imports/{id}/duplicates", get(imports::duplicates))
        .route("/v1/assets", get(assets::list))
        .route("/v1/campaigns", get(campaigns::list))
        .route("/v1/campaigns/{id}", get(campaigns::show))
        .route("/v1/campaigns/{id}/runs", get(campaigns::list_runs))
        .route("/v1/campaigns/{id}/calendar", get(campaigns::calendar))
        .route("/v1/campaigns/{id}/report", get(campaigns::report))
        .route("/v1/runs", get(runs::list))
        .route("/v1/runs/{id}", get(runs::show))
        .route("/v1/runs/{id}/report", get(runs::report))
        .route("/v1/runs/{id}/events", get(events::follow))
        .route("/v1/runs/{id}/deliveries", get(deliveries::list))
        .route("/v1/deliveries", get(deliveries::history))
        .route("/v1/deliveries/{id}", get(deliveries::show))
        .route("/v1/doctor", get(doctor::examine))
        .route("/v1/numbers", get(numbers::list))
        .route("/v1/numbers/{id}", get(numbers::show))
        .route("/v1/pools", get(pools::list))
        .route("/v1/numbers/{id}/history", get(conditions::history))
        .route("/v1/templates", get(templates::list))
        .route("/v1/templates/{name}", get(templates::show))
        .route("/v1/templates/{name}/stats", get(templates::stats))
        .route("/v1/suppressions", get(suppressions::list))
        .route("/v1/suppressions/{phone}", get(suppressions::show))
}

fn writing() -> Router<ApiState> {
    Router::new()
        .route("/v1/audiences", post(audiences::create))
        .route("/v1/audiences/{id}", delete(audiences::remove))
        .route("/v1/audiences/{id}/imports", post(imports::start))
        .route("/v1/assets", post(assets::upload))
        .route("/v1/templates", post(templates::submit))
        .route("/v1/templates/lint", post(templates::lint))
        .route("/v1/templates/sync", post(templates::sync))
        .route("/v1/templates/{name}/trial", post(templates::start_trial).delete(templates::end_trial))
        .route("/v1/templates/{name}/rotate", post(templates::rotate))
        .route("/v1/templates/{name}/rollback", post(templates::roll_back))
        .route("/v1/campaigns", post(campaigns::create))
        .route("/v1/campaigns/validate", post(campaigns::validate))
        .route("/v1/campaigns/{id}", patch(campaigns::edit))
        .route("/v1/campaigns/{id}/test", post(campaigns::test))
        .route("/v1/campaigns/{id}/run-now", post(campaigns::run_now))
        .route("/v1/campaigns/{id}/duplicate", post(campaigns::duplicate))
        .route("/v1/campaigns/preview", post(campaigns::preview::of_body))
        .route("/v1/campaigns/{id}/preview", post(campaigns::preview::of_campaign))
        .route("/v1/campaigns/{id}/pause", post(campaigns::pause))
        .route("/v1/campaigns/{id}/resume", post(campaigns::resume))
        .route("/v1/campaigns/{id}/cancel", post(campaigns::cancel))
        .route("/v1/runs/{id}/retry", post(retry::retry))
        .route("/v1/runs/{id}/pause", post(runs::pause))
        .route("/v1/runs/{id}/resume", post(runs::resume))
        .route("/v1/runs/{id}/cancel", post(runs::cancel))
        .route("/v1/runs/{id}/check", post(runs::check))
        .route("/v1/suppressions", post(suppressions::add))
        .route("/v1/suppressions/import", post(suppressions::import))
        .route("/v1/suppressions/{phone}", delete(suppressions::lift))
}

fn numbering() -> Router<ApiState> {
    Router::new()
        .route("/v1/numbers", post(numbers::add))
        .route("/v1/numbers/{id}", patch(numbers::patch).delete(numbers::remove))
        .route("/v1/numbers/{id}/pin", post(conditions::pin))
        .route("/v1/numbers/{id}/unpin", post(conditions::unpin))
        .route("/v1/numbers/{id}/pause", post(numbers::pause))
        .route("/v1/numbers/{id}/resume", post(numbers::resume))
        .route("/v1/credentials", get(credentials::list))
        .route("/v1/credentials/rekey", post(credentials::rekey))
        .route("/v1/credentials/{waba_id}", put(credentials::put).delete(credentials::remove))
        .route("/v1/pools/{id}/pause", post(pools::pause))
        .route("/v1/pools/{id}/resume", post(pools::resume))
        .route("/v1/stop", post(pools::stop))
        .route("/v1/start", post(pools::start))
}

fn administering() -> Router<ApiState> {
    Router::new()
        .route("/v1/keys", get(keys::list).post(keys::create))
        .route("/v1/keys/{id}", delete(keys::revoke))
        .route("/v1/restore", get(restore::show))
        .route("/v1/restore/acknowledge", post(restore::acknowledge))
}

/// Problems for what is not served.
pub(crate) fn not_here<S: Clone + Send + Sync + 'static>(routes: Router<S>) -> Router<S> {
    routes
        .fallback(async |uri: Uri| Problem::new(Kind::NotFound, format!("Nothing is served at `{}`.", uri.path())))
        .method_not_allowed_fallback(async |method: Method, uri: Uri| {
            Problem::new(Kind::MethodNotAllowed, format!("`{}` does not take {method}.", uri.path()))
        })
}
