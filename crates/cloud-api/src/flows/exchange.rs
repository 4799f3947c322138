//! What a flow asks of its endpoint, and what it takes for an answer.

use std::fmt;

use serde_json::{Map, Value, json};

/// A request of a flow, decrypted.
#[derive(Clone, PartialEq, Eq)]
pub struct FlowRequest {
    /// Of the data API, such as `3.0`.
    pub version: String,
    /// What the message that opened the flow was given as `flow_token`; none in a ping. Yours to make unguessable, and to check.
    pub flow_token: Option<String>,
    /// A JWT (HS256 under the app secret) over the token, of data API 4.0. It comes unchecked.
    pub flow_token_signature: Option<String>,
    /// What is asked.
    pub action: FlowAction,
}

/// What a flow asks. `data` is what the user entered, hence personal: `Debug` leaves it out.
#[derive(Clone, PartialEq, Eq)]
pub enum FlowAction {
    /// Meta's check that the endpoint is there. [`FlowEndpoint::answer`](super::FlowEndpoint::answer) answers it by itself.
    Ping,
    /// The flow was opened: which screen comes first?
    Init {
        /// What the message gave to the flow, or nothing.
        data: Value,
    },
    /// The user went back from a screen that asks to be told of it.
    Back {
        /// That screen.
        screen: String,
        /// As the screen says.
        data: Value,
    },
    /// The user submitted a screen: which comes next?
    DataExchange {
        /// That screen; some components leave it empty.
        screen: String,
        /// What was entered.
        data: Value,
    },
    /// The phone could not use the answer before this. It is acknowledged whatever the handler says; log it.
    ErrorNotice {
        /// Where it went wrong.
        screen: String,
        /// Such as `invalid-screen-transition`.
        error: String,
        /// For people.
        message: String,
    },
    /// An action that this version does not know.
    Other {
        /// Its name.
        action: String,
        /// The whole request.
        body: Value,
    },
}

impl FlowRequest {
    /// Reads a decrypted request; `None` when it is no JSON object with an action.
    pub(crate) fn parse(text: &[u8]) -> Option<Self> {
        let mut body: Map<String, Value> = serde_json::from_slice(text).ok()?;
        let word = |body: &Map<String, Value>, name: &str| body.get(name).and_then(Value::as_str).map(str::to_owned);
        let name = word(&body, "action")?;
        let version = word(&body, "version").unwrap_or_default();
        let (flow_token, flow_token_signature) = (word(&body, "flow_token"), word(&body, "flow_token_signature"));
        let screen = word(&body, "screen").unwrap_or_default();
        let action = match (name.to_ascii_lowercase().as_str(), notice(&body)) {
            ("ping", _) => FlowAction::Ping,
            ("init" | "back" | "data_exchange", Some((error, message))) => {
                FlowAction::ErrorNotice { screen, error, message }
            }
            ("init", None) => FlowAction::Init { data: data(&mut body) },
            ("back", None) => FlowAction::Back { screen, data: data(&mut body) },
            ("data_exchange", None) => FlowAction::DataExchange { screen, data: data(&mut body) },
            _ => FlowAction::Other { action: name, body: Value::Object(body) },
        };
        Some(Self { version, flow_token, flow_token_signature, action })
    }
}

/// Both members have to be there: a form may well have a field of the name `error` alone.
fn notice(body: &Map<String, Value>) -> Option<(String, String)> {
    let member = |name: &str| body.get("data")?.get(name)?.as_str().map(str::to_owned);
    Some((member("error")?, member("error_message")?))
}

fn data(body: &mut Map<String, Value>) -> Value {
    body.remove("data").unwrap_or_default()
}

impl FlowAction {
    /// Meta's word for it; an error notice goes by `error`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Ping => "ping",
            Self::Init { .. } => "INIT",
            Self::Back { .. } => "BACK",
            Self::DataExchange { .. } => "data_exchange",
            Self::ErrorNotice { .. } => "error",
            Self::Other { action, .. } => action,
        }
    }
}

impl fmt::Debug for FlowAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Back { screen, .. } | Self::DataExchange { screen, .. } => write!(f, "{}({screen})", self.as_str()),
            Self::ErrorNotice { screen, error, .. } => write!(f, "error({screen}, {error})"),
            _ => f.write_str(self.as_str()),
        }
    }
}

impl fmt::Debug for FlowRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FlowRequest")
            .field("version", &self.version)
            .field("action", &self.action)
            .finish_non_exhaustive()
    }
}

/// What an endpoint answers. What a screen is filled with may be personal: `Debug` leaves it out.
#[derive(Clone, PartialEq, Eq)]
pub enum FlowResponse {
    /// To a ping.
    Active,
    /// To an error notice.
    Acknowledged,
    /// The screen to show, which may be the same again. `data.error_message` shows a notice on it.
    Screen {
        /// Its id in the flow's JSON.
        screen: String,
        /// What it is filled with: an object, as the flow's JSON declares it.
        data: Value,
    },
    /// The flow is over. `params` come back to you in the user's message (`nfm_reply.response_json`).
    Finish {
        /// Must hold the `flow_token`.
        params: Map<String, Value>,
    },
    /// The `flow_token` is no longer valid: the flow closes with this text, and its button opens it no more (HTTP 427).
    TokenInvalid {
        /// Shown to the user.
        message: String,
    },
}

impl fmt::Debug for FlowResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Active => f.write_str("active"),
            Self::Acknowledged => f.write_str("acknowledged"),
            Self::Screen { screen, .. } => write!(f, "screen({screen})"),
            Self::Finish { .. } => f.write_str("finish"),
            Self::TokenInvalid { message } => write!(f, "token invalid({message})"),
        }
    }
}

impl FlowResponse {
    /// Ends a flow, giving back nothing but its token.
    #[must_use]
    pub fn finish(flow_token: impl Into<String>) -> Self {
        Self::Finish { params: Map::from_iter([("flow_token".to_owned(), Value::String(flow_token.into()))]) }
    }

    /// The HTTP status that Meta wants with it: 200, or 427 for a token that is no longer valid.
    #[must_use]
    pub const fn http_status(&self) -> u16 {
        match self {
            Self::TokenInvalid { .. } => 427,
            _ => 200,
        }
    }

    /// In Meta's shape, before it is encrypted.
    pub(super) fn body(&self) -> Value {
        match self {
            Self::Active => json!({ "data": { "status": "active" } }),
            Self::Acknowledged => json!({ "data": { "acknowledged": true } }),
            Self::Screen { screen, data } => json!({ "screen": screen, "data": data }),
            Self::Finish { params } => {
                json!({ "screen": "SUCCESS", "data": { "extension_message_response": { "params": params } } })
            }
            Self::TokenInvalid { message } => json!({ "error_msg": message }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(body: Value, expected: FlowAction) {
        let request = FlowRequest::parse(body.to_string().as_bytes()).unwrap();
        assert_eq!(request.action, expected, "{body}");
        assert_eq!(request.version, "3.0");
    }

    #[test]
    fn every_action_is_told_apart() {
        let data = json!({ "name": "Ana" });
        check(json!({ "version": "3.0", "action": "ping" }), FlowAction::Ping);
        check(json!({ "version": "3.0", "action": "INIT", "flow_token": "t" }), FlowAction::Init { data: Value::Null });
        let back = FlowAction::Back { screen: "A".to_owned(), data: Value::Null };
        check(json!({ "version": "3.0", "action": "BACK", "screen": "A", "flow_token": "t" }), back);
        let exchange = FlowAction::DataExchange { screen: "A".to_owned(), data: data.clone() };
        check(json!({ "version": "3.0", "action": "data_exchange", "screen": "A", "data": data }), exchange);
        let news = json!({ "version": "3.0", "action": "teleport" });
        check(news.clone(), FlowAction::Other { action: "teleport".to_owned(), body: news });
    }

    #[test]
    fn an_error_notice_has_both_an_error_and_a_message() {
        let notice = json!({ "error": "invalid-screen-transition", "error_message": "no such screen" });
        check(
            json!({ "version": "3.0", "action": "data_exchange", "screen": "A", "flow_token": "t", "data": notice }),
            FlowAction::ErrorNotice {
                screen: "A".to_owned(),
                error: "invalid-screen-transition".to_owned(),
                message: "no such screen".to_owned(),
            },
        );
        let field = json!({ "error": "a field of that name" });
        let exchange = FlowAction::DataExchange { screen: "A".to_owned(), data: field.clone() };
        check(json!({ "version": "3.0", "action": "data_exchange", "screen": "A", "data": field }), exchange);
    }

    #[test]
    fn what_a_user_entered_is_not_printed() {
        let body =
            br#"{"version":"3.0","action":"data_exchange","screen":"A","data":{"name":"Ana"},"flow_token":"secret"}"#;
        let request = format!("{:?}", FlowRequest::parse(body).unwrap());
        assert!(request.contains("data_exchange(A)") && !request.contains("Ana") && !request.contains("secret"));
        let response = FlowResponse::Screen { screen: "A".to_owned(), data: json!({ "name": "Ana" }) };
        assert_eq!(format!("{response:?}"), "screen(A)");
    }

    #[test]
    fn what_has_no_action_is_no_request() {
        for text in ["", "[]", "{}", r#"{"action":7}"#] {
            assert_eq!(FlowRequest::parse(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn a_flow_ends_with_its_token() {
        let params = json!({ "flow_token": "t" });
        let body = json!({ "screen": "SUCCESS", "data": { "extension_message_response": { "params": params } } });
        assert_eq!(FlowResponse::finish("t").body(), body);
    }
}
