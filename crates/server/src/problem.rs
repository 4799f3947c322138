//! Errors as people and programs get them: RFC 9457 problem documents.

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use dawncast_core::fault::{Fault, Faults};
use dawncast_store::{StoreError, archive::ArchiveError};
use serde_json::json;

/// What kind of problem it is; the stable `type` of the document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Malformed,
    Unauthorized,
    Forbidden,
    Forged,
    NotSubscribed,
    NotFound,
    MethodNotAllowed,
    Conflict,
    InProgress,
    TooLarge,
    UnsupportedMediaType,
    Validation,
    IdempotencyMismatch,
    PreconditionFailed,
    PreconditionRequired,
    TooManyRequests,
    Internal,
    Unavailable,
}

impl Kind {
    fn parts(self) -> (StatusCode, &'static str, &'static str) {
        match self {
            Self::Malformed => (StatusCode::BAD_REQUEST, "malformed", "The request cannot be read"),
            Self::Unauthorized => (StatusCode::UNAUTHORIZED, "unauthorized", "No valid API key"),
            Self::Forbidden => (StatusCode::FORBIDDEN, "forbidden", "The API key may not do this"),
            Self::Forged => (StatusCode::UNAUTHORIZED, "forged", "The webhook's signature is not ours"),
            Self::NotSubscribed => (StatusCode::FORBIDDEN, "not-subscribed", "The webhook is not verified"),
            Self::NotFound => (StatusCode::NOT_FOUND, "not-found", "There is no such thing"),
            Self::MethodNotAllowed => {
                (StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", "This method is not served here")
            }
            Self::Conflict => (StatusCode::CONFLICT, "conflict", "The request does not fit what is there"),
            Self::InProgress => (StatusCode::CONFLICT, "in-progress", "The same request is in progress"),
            Self::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "too-large", "The request is too large"),
            Self::UnsupportedMediaType => {
                (StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type", "This media type is not taken")
            }
            Self::Validation => (StatusCode::UNPROCESSABLE_ENTITY, "validation", "The request has faults"),
            Self::IdempotencyMismatch => {
                (StatusCode::UNPROCESSABLE_ENTITY, "idempotency-mismatch", "The Idempotency-Key was used otherwise")
            }
            Self::PreconditionFailed => (StatusCode::PRECONDITION_FAILED, "changed", "It was changed meanwhile"),
            Self::PreconditionRequired => (
                StatusCode::PRECONDITION_REQUIRED,
                "precondition-required",
                "The request must say what it was made from",
            ),
            Self::TooManyRequests => {
                (StatusCode::TOO_MANY_REQUESTS, "too-many-requests", "More is asked for than this server gives at once")
            }
            Self::Internal => (StatusCode::INTERNAL_SERVER_ERROR, "internal", "Something is wrong on our side"),
            Self::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, "unavailable", "Not available now"),
        }
    }
}

/// A problem document.
#[derive(Debug)]
pub(crate) struct Problem {
    kind: Kind,
    detail: String,
    errors: Faults,
}

impl Problem {
    pub(crate) fn new(kind: Kind, detail: impl Into<String>) -> Self {
        Self { kind, detail: detail.into(), errors: Faults::new() }
    }

    /// There is no `what` of this id.
    pub(crate) fn no_such(what: &str, id: &str) -> Self {
        Self::new(Kind::NotFound, format!("There is no {what} `{id}`."))
    }

    /// The body is not what it must be before its content can be looked at.
    pub(crate) fn malformed(detail: impl Into<String>) -> Self {
        let detail = detail.into();
        let errors = Fault { pointer: String::new(), detail: detail.clone() }.into();
        Self { kind: Kind::Malformed, detail, errors }
    }

    /// What was asked for is in the archive, and cannot be had now.
    fn archive(why: &ArchiveError) -> Self {
        tracing::warn!(error = %why, "answered 503: {why}");
        let remedy = match why {
            ArchiveError::Away { .. } => "try again when it is back",
            ArchiveError::Elsewhere { .. } => "nothing is lost by it",
            ArchiveError::Damaged { .. } => "put the object back from a copy",
            ArchiveError::Unset { .. } => "as every process that serves the API must",
        };
        Self::new(Kind::Unavailable, format!("This is in the archive: {}; {remedy}.", why.public()))
    }

    /// What is wrong, in words.
    #[cfg(test)]
    pub(crate) fn detail(&self) -> &str {
        &self.detail
    }

    /// The HTTP status that it is answered with.
    pub(crate) fn status(&self) -> StatusCode {
        self.kind.parts().0
    }
}

impl From<Faults> for Problem {
    fn from(errors: Faults) -> Self {
        let detail = match errors.len() {
            1 => errors.to_string(),
            n => format!("There are {n} faults; nothing was stored."),
        };
        Self { kind: Kind::Validation, detail, errors }
    }
}

/// What went wrong inside stays inside; the caller learns what to do.
impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(_) => {
                // That Redis is away, the process says once by itself.
                tracing::debug!(error = %error, "answered 503: {error}");
                Self::new(
                    Kind::Unavailable,
                    "The storage does not answer. Try again; with an Idempotency-Key that is safe.",
                )
            }
            StoreError::Archive(why) => Self::archive(&why),
            StoreError::Scratch(_) => {
                tracing::error!(error = %error, "answered 500: {error}");
                Self::new(Kind::Internal, "The server has no room for scratch files. Its log says more.")
            }
            StoreError::Corrupt { .. } | StoreError::Unfit(_) => {
                tracing::error!(error = %error, "answered 500: {error}");
                Self::new(Kind::Internal, "What is stored cannot be read. The server's log says more.")
            }
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let (status, slug, title) = self.kind.parts();
        let kind = format!("/problems/{slug}");
        let body = json!({
            "type": kind, "title": title, "status": status.as_u16(), "detail": self.detail, "errors": self.errors,
        });
        let mut response = (status, Json(body)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        match self.kind {
            Kind::Unauthorized => {
                headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            Kind::Unavailable | Kind::TooManyRequests => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
            }
            _ => {}
        }
        response
    }
}
