//! Creating calls and their `Idempotency-Key`.

use axum::{
    Extension,
    body::Body,
    extract::FromRequestParts,
    http::{HeaderValue, StatusCode, header, request::Parts},
    response::Response,
};
use dawncast_store::records::{Reservation, mint};
use serde::Serialize;

use crate::{
    auth::Caller,
    problem::{Kind, Problem},
    state::ApiState,
};

/// The longest `Idempotency-Key`.
const MAX_KEY: usize = 255;

/// What a creating call answers.
pub(crate) struct Created {
    status: StatusCode,
    body: String,
}

impl Created {
    /// `body` with status 201.
    pub(crate) fn new(body: &impl Serialize) -> Self {
        Self::with(StatusCode::CREATED, body)
    }

    /// `body` with another status.
    pub(crate) fn with(status: StatusCode, body: &impl Serialize) -> Self {
        Self { status, body: serde_json::to_string(body).expect("answers hold nothing that JSON lacks") }
    }
}

impl From<Created> for Response {
    fn from(created: Created) -> Self {
        let mut response = Response::new(Body::from(created.body));
        *response.status_mut() = created.status;
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        response
    }
}

/// One creating call: who makes it, where, under which key.
pub(crate) struct Once {
    scope: String,
    key: Option<String>,
}

impl<S: Send + Sync> FromRequestParts<S> for Once {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let caller = Extension::<Caller>::from_request_parts(parts, state).await;
        let Extension(Caller(caller)) = caller.expect("every creating call stands behind a key");
        let key = parts.headers.get("idempotency-key").map(|key| key.to_str().unwrap_or_default().to_owned());
        if key.as_ref().is_some_and(|key| key.is_empty() || key.len() > MAX_KEY) {
            return Err(Problem::malformed(format!("The Idempotency-Key must be 1 to {MAX_KEY} ASCII characters.")));
        }
        Ok(Self { scope: format!("{caller} {} {}", parts.method, parts.uri), key })
    }
}

impl Once {
    /// Calls `create` with the random half of the new id, unless the same call was answered before. What creates
    /// nothing is forgotten, so that it can be mended and sent again.
    pub(crate) async fn create(
        self,
        state: &ApiState,
        body: &[u8],
        create: impl AsyncFnOnce(String) -> Result<Created, Problem>,
    ) -> Result<Response, Problem> {
        let Self { scope, key: Some(key) } = self else { return Ok(create(mint()).await?.into()) };
        match state.store.reserve(&scope, &key, body, state.now()).await? {
            Reservation::Fresh { minted } => match create(minted).await {
                Ok(created) => {
                    state.store.complete(&scope, &key, created.status.as_u16(), &created.body).await?;
                    Ok(created.into())
                }
                Err(problem) if problem.status().is_client_error() => {
                    state.store.release(&scope, &key).await?;
                    Err(problem)
                }
                Err(problem) => Err(problem),
            },
            Reservation::Busy => {
                Err(Problem::new(Kind::InProgress, "A request with this Idempotency-Key is in progress; ask again."))
            }
            Reservation::Mismatch => {
                let detail = "This Idempotency-Key was used for another body in the last 24 hours; take a new key.";
                Err(Problem::new(Kind::IdempotencyMismatch, detail))
            }
            Reservation::Done { status, body } => {
                let status = StatusCode::from_u16(status).expect("only statuses are remembered");
                Ok(Created { status, body }.into())
            }
        }
    }
}
