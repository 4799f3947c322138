//! Calls that may be repeated at will: reads and uploads.

use reqwest::RequestBuilder;
use serde::{Deserialize, de::DeserializeOwned};

use crate::{
    ApiError, Cause, CauseKind, Client, Usage,
    client::{Answer, exchange},
    send::refusal,
};

/// Why a management call gave no result. Unlike a send, each of these calls may simply be made again.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// The API answered with an error; [`ApiError::entry`] says what to do.
    #[error(transparent)]
    Api(#[from] Box<ApiError>),
    /// No answer, or none from the API itself: try again.
    #[error("the Cloud API cannot be reached: {0}")]
    Unreachable(Cause),
    /// The answer does not have the documented form.
    #[error("the Cloud API gave an answer that cannot be read: {0}")]
    Malformed(String),
    /// An argument that no request can carry. Nothing was sent.
    #[error("invalid argument: {0}")]
    Invalid(String),
}

impl Client {
    /// Makes the call once and reads a JSON answer.
    pub(crate) async fn call<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<T, CallError> {
        let answer = self.answer(request).await?;
        if answer.status == 200 {
            return serde_json::from_slice(&answer.body).map_err(|error| CallError::Malformed(error.to_string()));
        }
        Err(failure(&answer))
    }

    /// Makes a call that changes something. An answer that says of itself that nothing was done is an error: `otherwise`.
    pub(crate) async fn change(&self, request: RequestBuilder, otherwise: &str) -> Result<(), CallError> {
        let Done { success } = self.call(request).await?;
        if success { Ok(()) } else { Err(CallError::Malformed(otherwise.to_owned())) }
    }

    /// Makes the call once, and keeps what the answer tells of limits.
    pub(crate) async fn answer(&self, request: RequestBuilder) -> Result<Answer, CallError> {
        let mut answer = exchange(request).await.map_err(unreachable)?;
        let usage = Usage::read(&answer.headers);
        if answer.status != 200 {
            answer.retry_after = answer.retry_after.or_else(|| usage.regain_access());
        }
        self.meter.tell(usage);
        Ok(answer)
    }
}

/// What an answer other than 200 means.
pub(crate) fn failure(answer: &Answer) -> CallError {
    match refusal(answer) {
        Some(error) => CallError::Api(error),
        None => CallError::Unreachable(Cause::status(answer.status)),
    }
}

/// What most reads are wrapped in.
#[derive(Deserialize)]
pub(crate) struct Data<T> {
    pub(crate) data: T,
}

/// What Meta says of a call that changes something.
#[derive(Deserialize)]
struct Done {
    success: bool,
}

pub(crate) fn unreachable(cause: Cause) -> CallError {
    match cause.kind {
        CauseKind::Request => CallError::Invalid(cause.detail),
        _ => CallError::Unreachable(cause),
    }
}
