//! The webhook: Meta's handshake and its signed batches: statuses, and what users tell. Nothing is answered with 200 before the handler
//! has it stored, and no request is held: Meta sends again whatever is not answered with 200, for up to 7 days (Meta:
//! webhooks overview), so its retry is the inbound queue.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use axum::{
    Router,
    body::Body,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::get,
};
use dawncast_cloud_api::webhook::{
    AppSecret, Parsed, SIGNATURE_HEADER, SubscriptionQuery, parse, verify_signature, verify_subscription,
};
use dawncast_core::trouble::Troubles;
use futures::future::BoxFuture;

use crate::{
    extract::{Query, read_body},
    metrics::WebhookMeters,
    problem::{Kind, Problem},
    router::not_here,
};

/// Meta's batches are no larger (Meta: webhooks overview).
const LIMIT: usize = 3 * 1024 * 1024;

/// By when a batch is answered, whatever happens.
const PATIENCE: Duration = Duration::from_secs(2);

/// A batch was not stored: the infrastructure failed, and Meta has to send it again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the batch could not be stored")]
pub struct Unavailable;

/// Stores a batch; `Ok` only when every part of it is stored or known not to be ours.
type Handler = Arc<dyn Fn(Parsed) -> BoxFuture<'static, Result<(), Unavailable>> + Send + Sync>;

/// What the webhook works with. Cheap to clone.
#[derive(Clone)]
pub struct WebhookState {
    secrets: Arc<[AppSecret]>,
    verify_token: Arc<str>,
    handler: Handler,
    /// A wrong app secret is wrong for every webhook, and is said once.
    troubles: Arc<Mutex<Troubles>>,
    meters: Arc<WebhookMeters>,
}

impl WebhookState {
    /// A webhook that trusts what any of `secrets` signed and hands the batches to `handler`.
    pub fn new<H, F>(secrets: Vec<AppSecret>, verify_token: &str, handler: H) -> Self
    where
        H: Fn(Parsed) -> F + Send + Sync + 'static,
        F: Future<Output = Result<(), Unavailable>> + Send + 'static,
    {
        let handler: Handler = Arc::new(move |parsed| Box::pin(handler(parsed)));
        let (troubles, meters) = (Arc::default(), Arc::new(WebhookMeters::new()));
        Self { secrets: secrets.into(), verify_token: verify_token.into(), handler, troubles, meters }
    }

    fn troubles(&self) -> MutexGuard<'_, Troubles> {
        self.troubles.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn trouble(&self, what: &str) {
        if self.troubles().met(what, Instant::now()) {
            tracing::warn!("{what}");
        }
    }
}

/// `GET` and `POST /webhook`.
pub fn webhook_router(state: WebhookState) -> Router {
    not_here(Router::new().route("/webhook", get(handshake).post(receive))).with_state(state)
}

async fn handshake(
    State(state): State<WebhookState>,
    Query(query): Query<SubscriptionQuery>,
) -> Result<String, Problem> {
    let challenge = verify_subscription(&query, &state.verify_token).map(str::to_owned);
    challenge.ok_or_else(|| {
        state.trouble("a webhook subscription was refused: is webhook.verify_token what the App Dashboard has?");
        Problem::new(Kind::NotSubscribed, "This is not a subscription with our verify token.")
    })
}

async fn receive(State(state): State<WebhookState>, headers: HeaderMap, body: Body) -> Response {
    let started = Instant::now();
    let received = match tokio::time::timeout(PATIENCE, take(&state, &headers, body)).await {
        Ok(received) => received,
        Err(_) => Err(unavailable()),
    };
    let response = received.map_or_else(Problem::into_response, |()| StatusCode::OK.into_response());
    state.troubles().over(Instant::now()).iter().for_each(|over| tracing::info!("{over}"));
    state.meters.took(response.status(), started.elapsed());
    response
}

async fn take(state: &WebhookState, headers: &HeaderMap, body: Body) -> Result<(), Problem> {
    let body = read_body(headers, body, LIMIT).await?;
    let signature = headers.get(SIGNATURE_HEADER).and_then(|value| value.to_str().ok());
    verify_signature(&state.secrets, signature, &body).map_err(|error| {
        state.meters.rejected();
        state.trouble(&format!("webhooks are turned away: {error}. Is the app's secret in webhook.app_secrets?"));
        Problem::new(Kind::Forged, format!("{error}."))
    })?;
    let parsed = parse(&body).map_err(|error| Problem::malformed(format!("{error}.")))?;
    if parsed.skipped > 0 {
        state.trouble("webhooks hold parts that this version does not understand: they are left out");
    }
    if parsed.is_empty() {
        return Ok(());
    }
    (state.handler)(parsed).await.map_err(|Unavailable| unavailable())
}

fn unavailable() -> Problem {
    Problem::new(Kind::Unavailable, "The batch could not be stored; send it again.")
}
