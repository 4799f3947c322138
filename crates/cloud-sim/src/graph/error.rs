//! Refusals in Graph's own envelope.

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::catalogue;
use crate::dice::mix;

/// A call that the platform refused.
pub(crate) struct GraphError {
    status: u16,
    pub(crate) code: u32,
    kind: &'static str,
    message: String,
    details: Option<String>,
    subcode: Option<u32>,
}

impl GraphError {
    /// A code with the words of Meta's error reference.
    pub(crate) fn of(code: u32) -> Self {
        let entry = catalogue::entry(code);
        Self::detailed(code, entry.details)
    }

    /// A code with the title of Meta's error reference and details of its own.
    pub(crate) fn detailed(code: u32, details: impl Into<String>) -> Self {
        let entry = catalogue::entry(code);
        let message = format!("(#{code}) {}", entry.title);
        Self { status: entry.status, details: Some(details.into()), ..Self::plain(code, message) }
    }

    /// Code 131009: a value that Meta does not take.
    pub(crate) fn invalid(details: impl Into<String>) -> Self {
        Self::detailed(131_009, details)
    }

    /// Code 100, whose message says everything.
    pub(crate) fn parameter(message: impl std::fmt::Display) -> Self {
        Self::plain(100, format!("(#100) {message}"))
    }

    /// Code 100 for a parameter that is not there.
    pub(crate) fn required(parameter: &str) -> Self {
        Self::parameter(format_args!("The parameter {parameter} is required."))
    }

    /// Code 100 for a value outside an enumeration.
    pub(crate) fn not_one_of(parameter: &str, values: &str) -> Self {
        Self::parameter(format_args!("The parameter {parameter} must be one of {{{values}}}."))
    }

    /// Code 190: the token is missing or wrong.
    pub(crate) fn bad_token() -> Self {
        let message = "Invalid OAuth access token - Cannot parse access token";
        Self { status: 401, ..Self::plain(190, message.to_owned()) }
    }

    /// Code 190: the token was one, and is none any more.
    pub(crate) fn dead_token(subcode: u32, message: String) -> Self {
        Self { status: 401, subcode: Some(subcode), ..Self::plain(190, message) }
    }

    /// The token lacks what the call needs.
    pub(crate) fn forbidden(code: u32, message: &str) -> Self {
        Self { status: 403, ..Self::plain(code, format!("(#{code}) {message}")) }
    }

    /// Code 2500: the object exists, the rest of the path does not.
    pub(crate) fn unknown_path(edge: &str) -> Self {
        Self::plain(2500, format!("Unknown path components: /{edge}"))
    }

    /// Code 2200: a callback did not answer the verification, and why.
    pub(crate) fn unverified(reason: String) -> Self {
        Self::plain(2200, format!("(#2200) Callback verification failed with the following errors: {reason}"))
    }

    /// Code 100 with subcode 33: no such object, or not for this token.
    pub(crate) fn unknown_object(method: &str, id: &str) -> Self {
        let message = format!(
            "Unsupported {} request. Object with ID '{id}' does not exist, cannot be loaded due to missing permissions, \
             or does not support this operation. Please read the Graph API documentation at \
             https://developers.facebook.com/docs/graph-api",
            method.to_ascii_lowercase()
        );
        Self { kind: "GraphMethodException", subcode: Some(33), ..Self::plain(100, message) }
    }

    /// Code 100 with a subcode of template management.
    pub(crate) fn with_subcode(message: impl std::fmt::Display, subcode: u32) -> Self {
        Self { subcode: Some(subcode), ..Self::parameter(message) }
    }

    /// The same refusal under another HTTP status.
    pub(crate) fn with_status(self, status: u16) -> Self {
        Self { status, ..self }
    }

    fn plain(code: u32, message: String) -> Self {
        Self { status: 400, code, kind: "OAuthException", message, details: None, subcode: None }
    }
}

/// Code 100 for a text that is too long.
pub(crate) fn too_long(parameter: &str, chars: usize) -> GraphError {
    GraphError::parameter(format_args!("Param {parameter} must be at most {chars} characters long."))
}

/// Refuses a text that is not there, is empty, or has more than `most` characters.
pub(crate) fn check_chars(given: Option<&str>, what: &str, most: usize) -> Result<(), GraphError> {
    match (1..=most).contains(&given.map_or(0, |text| text.chars().count())) {
        true => Ok(()),
        false => Err(GraphError::invalid(format!("{what} length invalid. Min length: 1, Max length: {most}"))),
    }
}

#[derive(Serialize)]
struct Envelope<B> {
    error: B,
}

#[derive(Serialize)]
struct Body<'a> {
    message: &'a str,
    r#type: &'a str,
    code: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_data: Option<Data<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_subcode: Option<u32>,
    fbtrace_id: String,
}

#[derive(Serialize)]
struct Data<'a> {
    messaging_product: &'static str,
    details: &'a str,
}

impl GraphError {
    /// What stands below `error`.
    pub(crate) fn body(&self) -> impl Serialize + '_ {
        Body {
            message: &self.message,
            r#type: self.kind,
            code: self.code,
            error_data: self.details.as_deref().map(|details| Data { messaging_product: "whatsapp", details }),
            error_subcode: self.subcode,
            fbtrace_id: trace_id(&self.message),
        }
    }
}

impl IntoResponse for GraphError {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::BAD_REQUEST);
        let json = serde_json::to_string(&Envelope { error: self.body() });
        let json = json.expect("strings and numbers always serialise");
        (status, [(header::CONTENT_TYPE, "application/json; charset=UTF-8")], json).into_response()
    }
}

/// Eleven characters, as Meta's are; equal refusals have equal ids.
fn trace_id(message: &str) -> String {
    let hash = message.bytes().fold(0, |hash, byte| mix(hash ^ u64::from(byte)));
    format!("A{:010X}", hash & 0xFF_FFFF_FFFF)
}
