//! Meta's error envelope, read with distrust: members go missing, change type, or the body is no JSON at all.

use std::{fmt, time::Duration};

use serde_json::{Map, Value};

use crate::classify::{Class, ErrorEntry, OBJECT_MISSING, Way, classify};

/// An error response of the Graph API.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ApiError {
    /// The only stable discriminator. `None` when something in front of the API refused with HTTP 401, 403 or 429.
    pub code: Option<i64>,
    /// Deprecated by Meta yet still seen. Log it, do not depend on it.
    pub subcode: Option<i64>,
    /// The HTTP status of the response. Throttles normally come as 400: look at the code first.
    pub http_status: u16,
    /// `(#code) Title`; empty when there was none.
    pub message: String,
    /// Nearly always `OAuthException`, even for throttles.
    pub kind: Option<String>,
    /// The real cause, for people; its wording changes.
    pub details: Option<String>,
    /// What Meta's support asks for.
    pub fbtrace_id: Option<String>,
    /// Meta's own opinion on whether it will pass.
    pub is_transient: bool,
    /// Heading of `user_message`, on management calls.
    pub user_title: Option<String>,
    /// The useful text when a template is rejected at creation.
    pub user_message: Option<String>,
    /// The `Retry-After` header in seconds, which Meta does not document.
    pub retry_after: Option<Duration>,
}

impl ApiError {
    /// Reads an error body; `None` when it holds no error object with a code.
    pub(crate) fn parse(http_status: u16, body: &[u8]) -> Option<Self> {
        let mut root: Map<String, Value> = serde_json::from_slice(body).ok()?;
        let Value::Object(mut error) = root.remove("error")? else { return None };
        Some(Self {
            code: Some(integer(error.get("code"))?),
            subcode: integer(error.get("error_subcode")),
            http_status,
            message: text(error.remove("message")).unwrap_or_default(),
            kind: text(error.remove("type")),
            details: details(error.remove("error_data")),
            fbtrace_id: text(error.remove("fbtrace_id")),
            is_transient: error.get("is_transient").and_then(Value::as_bool).unwrap_or(false),
            user_title: text(error.remove("error_user_title")),
            user_message: text(error.remove("error_user_msg")),
            retry_after: None,
        })
    }

    /// A refusal that carries no Graph error, only an HTTP status.
    pub(crate) fn bare(http_status: u16) -> Self {
        Self { http_status, ..Self::default() }
    }

    /// The row of the error table that applies, subcodes considered.
    #[must_use]
    pub fn entry(&self) -> &'static ErrorEntry {
        match (self.code, self.subcode) {
            (Some(100), Some(33)) => return &OBJECT_MISSING,
            (Some(100), Some(subcode @ 1_000_000..)) => {
                if let Some(entry) = ErrorEntry::of(subcode) {
                    return entry;
                }
            }
            _ => {}
        }
        classify(self.code, Way::Response, Some(self.http_status))
    }

    /// What to do.
    #[must_use]
    pub fn class(&self) -> Class {
        self.entry().class(Way::Response)
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HTTP {}", self.http_status)?;
        if let Some(code) = self.code {
            write!(f, ", code {code}")?;
        }
        let message = Some(&self.message).filter(|text| !text.is_empty());
        for text in [message, self.details.as_ref(), self.user_message.as_ref()].into_iter().flatten() {
            write!(f, ": {text}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ApiError {}

fn integer(value: Option<&Value>) -> Option<i64> {
    match value? {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => text.parse().ok(),
        _ => None,
    }
}

fn text(value: Option<Value>) -> Option<String> {
    match value? {
        Value::String(text) => Some(text),
        _ => None,
    }
}

fn details(error_data: Option<Value>) -> Option<String> {
    match error_data? {
        Value::String(text) => Some(text),
        Value::Object(mut data) => text(data.remove("details")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Scope;

    fn parse(body: &str) -> Option<ApiError> {
        ApiError::parse(400, body.as_bytes())
    }

    #[test]
    fn a_full_envelope_is_read() {
        let error = parse(
            r##"{"error":{"message":"(#130429) Rate limit hit","type":"OAuthException","code":130429,
                "error_data":{"messaging_product":"whatsapp","details":"Throughput reached."},
                "error_subcode":2494055,"is_transient":true,"error_user_title":"T","error_user_msg":"M",
                "fbtrace_id":"Az8"}}"##,
        )
        .unwrap();
        assert_eq!((error.code, error.subcode, error.is_transient), (Some(130_429), Some(2_494_055), true));
        assert_eq!(error.kind.as_deref(), Some("OAuthException"));
        assert_eq!(error.fbtrace_id.as_deref(), Some("Az8"));
        assert_eq!((error.user_title.as_deref(), error.user_message.as_deref()), (Some("T"), Some("M")));
        assert_eq!(error.to_string(), "HTTP 400, code 130429: (#130429) Rate limit hit: Throughput reached.: M");
        assert_eq!(error.class(), Class::RetrySoon);
    }

    #[test]
    fn odd_types_do_not_hide_the_code() {
        let error =
            parse(r#"{"error":{"code":"131009","message":7,"error_data":"plain","is_transient":"no"}}"#).unwrap();
        assert_eq!((error.code, error.details.as_deref()), (Some(131_009), Some("plain")));
        assert_eq!(error.message, "");
    }

    #[test]
    fn what_holds_no_code_is_no_graph_error() {
        for body in ["", "<html>", "[]", "7", "{}", r#"{"error":"x"}"#, r#"{"error":{}}"#, r#"{"error":{"code":1.5}}"#]
        {
            assert_eq!(parse(body), None, "{body}");
        }
    }

    #[test]
    fn a_missing_object_is_configuration_and_not_a_bad_message() {
        let error = parse(r#"{"error":{"code":100,"error_subcode":33}}"#).unwrap();
        assert_eq!((error.class(), error.entry().scope()), (Class::FatalConfig, Scope::Number));
        assert_eq!(parse(r#"{"error":{"code":100}}"#).unwrap().class(), Class::PermanentMessage);
    }

    #[test]
    fn a_template_subcode_explains_a_code_100() {
        let error = parse(r#"{"error":{"code":100,"error_subcode":2388299}}"#).unwrap();
        assert!(error.entry().hint().contains("begins or ends with a variable"));
        let unlisted = parse(r#"{"error":{"code":100,"error_subcode":2388999}}"#).unwrap();
        assert_eq!(unlisted.entry().codes(), 100..=100);
    }
}
