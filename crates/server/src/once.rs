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

    /// What was answered.
    pub(crate) fn body(&self) -> &str {
        &self.body
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

/// What an `Idempotency-Key` says of a call.
pub(crate) enum Turn {
    /// It was never answered: create, then say how it ended.
    First(Ticket),
    /// It was answered before, with this.
    Answered(Created),
}

/// A creating call under way.
pub(crate) struct Ticket {
    /// The random half of the id to create under. A repetition of a call that died gets the same.
    pub(crate) minted: String,
    scope: String,
    key: Option<String>,
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
        match self.turn(state, body).await? {
            Turn::Answered(answer) => Ok(answer.into()),
            Turn::First(ticket) => match create(ticket.minted.clone()).await {
                Ok(created) => {
                    ticket.keep(state, &created).await?;
                    Ok(created.into())
                }
                Err(problem) => {
                    if problem.status().is_client_error() {
                        ticket.forget(state).await?;
                    }
                    Err(problem)
                }
            },
        }
    }

    /// Takes the key, or learns what became of it. `body` is what tells another call under the same key.
    pub(crate) async fn turn(self, state: &ApiState, body: &[u8]) -> Result<Turn, Problem> {
        let Self { scope, key } = self;
        let Some(name) = &key else { return Ok(Turn::First(Ticket { minted: mint(), scope, key })) };
        match state.store.reserve(&scope, name, body, state.now()).await? {
            Reservation::Fresh { minted } => Ok(Turn::First(Ticket { minted, scope, key })),
            Reservation::Busy => {
                Err(Problem::new(Kind::InProgress, "A request with this Idempotency-Key is in progress; ask again."))
            }
            Reservation::Mismatch => Err(mismatch()),
            Reservation::Done { status, body } => {
                let status = StatusCode::from_u16(status).expect("only statuses are remembered");
                Ok(Turn::Answered(Created { status, body }))
            }
        }
    }
}

impl Ticket {
    /// Remembers the answer.
    pub(crate) async fn keep(&self, state: &ApiState, answer: &Created) -> Result<(), Problem> {
        let Some(key) = &self.key else { return Ok(()) };
        Ok(state.store.complete(&self.scope, key, answer.status.as_u16(), &answer.body).await?)
    }

    /// Forgets the call: nothing was created.
    pub(crate) async fn forget(&self, state: &ApiState) -> Result<(), Problem> {
        let Some(key) = &self.key else { return Ok(()) };
        Ok(state.store.release(&self.scope, key).await?)
    }
}

/// The key was used for another body.
pub(crate) fn mismatch() -> Problem {
    let detail = "This Idempotency-Key was used for another body in the last 24 hours; take a new key.";
    Problem::new(Kind::IdempotencyMismatch, detail)
}
