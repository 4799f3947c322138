//! From the bytes of a POST to the bytes of its answer.

use std::{fmt, future::Future};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::Deserialize;

use super::{FlowAction, FlowKey, FlowRequest, FlowResponse, cipher::Cipher};
use crate::webhook::{AppSecret, SignatureError, verify_signature};

/// A flow's endpoint: the key that Meta's servers encrypt for, and the secrets of the app that they sign with.
#[derive(Debug)]
pub struct FlowEndpoint {
    key: FlowKey,
    secrets: Vec<AppSecret>,
}

/// Why a POST is not answered with a screen. Each has its HTTP status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FlowRefusal {
    /// It does not come from Meta, or the app secret is the wrong one.
    #[error("the signature of the flow's request is not good: {0}")]
    Signature(#[from] SignatureError),
    /// It is no envelope of an encrypted request, or what was in it is none.
    #[error("this is no request of a flow")]
    Malformed,
    /// It was encrypted for another key: Meta fetches the public key anew and tries again.
    #[error("the flow's request was not encrypted for this key: was the public key of the number changed?")]
    Undecryptable,
}

impl FlowRefusal {
    /// The HTTP status that Meta wants: 432 for the signature, 421 when it cannot be decrypted, else 400.
    #[must_use]
    pub const fn http_status(self) -> u16 {
        match self {
            Self::Signature(_) => 432,
            Self::Malformed => 400,
            Self::Undecryptable => 421,
        }
    }
}

/// What to answer a POST with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlowAnswer {
    /// The HTTP status.
    pub status: u16,
    /// The body, base64 of the encrypted answer; empty for a refusal. Its content type is [`FlowAnswer::CONTENT_TYPE`].
    pub body: String,
}

impl FlowAnswer {
    /// The only one that Meta takes.
    pub const CONTENT_TYPE: &str = "text/plain";
}

impl From<FlowRefusal> for FlowAnswer {
    fn from(refusal: FlowRefusal) -> Self {
        Self { status: refusal.http_status(), body: String::new() }
    }
}

/// What one answer is encrypted with. Good for one only.
#[must_use = "the request is still to be answered"]
pub struct ReplyKey(Cipher);

impl ReplyKey {
    /// Encrypts the answer.
    #[must_use]
    pub fn seal(self, response: &FlowResponse) -> FlowAnswer {
        let text = response.body().to_string();
        FlowAnswer { status: response.http_status(), body: STANDARD.encode(self.0.seal(text.as_bytes())) }
    }
}

impl fmt::Debug for ReplyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ReplyKey(***)")
    }
}

#[derive(Deserialize)]
struct Envelope {
    encrypted_flow_data: String,
    encrypted_aes_key: String,
    initial_vector: String,
}

impl FlowEndpoint {
    /// Several secrets let one be rotated while both are in use; with none, every request is refused.
    #[must_use]
    pub fn new(key: FlowKey, secrets: Vec<AppSecret>) -> Self {
        Self { key, secrets }
    }

    /// Checks and decrypts a POST: `signature` is its header `X-Hub-Signature-256`, `body` the bytes as they came.
    ///
    /// # Errors
    /// When it is not from Meta, not for this key, or no request at all. Answer with the refusal's HTTP status.
    pub fn open(&self, signature: Option<&str>, body: &[u8]) -> Result<(FlowRequest, ReplyKey), FlowRefusal> {
        verify_signature(&self.secrets, signature, body)?;
        let envelope: Envelope = serde_json::from_slice(body).map_err(|_| FlowRefusal::Malformed)?;
        let decode = |text: &str| STANDARD.decode(text).map_err(|_| FlowRefusal::Malformed);
        let (data, iv) = (decode(&envelope.encrypted_flow_data)?, decode(&envelope.initial_vector)?);
        let key = self.key.unseal(&decode(&envelope.encrypted_aes_key)?).ok_or(FlowRefusal::Undecryptable)?;
        let cipher = Cipher::new(&key, &iv).ok_or(FlowRefusal::Malformed)?;
        let text = cipher.open(&data).ok_or(FlowRefusal::Undecryptable)?;
        let request = FlowRequest::parse(&text).ok_or(FlowRefusal::Malformed)?;
        Ok((request, ReplyKey(cipher)))
    }

    /// The whole answer to a POST. A ping is answered without `handler`; an error notice is shown to it and acknowledged whatever
    /// it says; for all else its answer counts. Meta waits 10 s at most, and alarms from a 90th percentile of 1 s on.
    ///
    /// Decrypting takes a millisecond or two of a core.
    pub async fn answer<F, Fut>(&self, signature: Option<&str>, body: &[u8], handler: F) -> FlowAnswer
    where
        F: FnOnce(FlowRequest) -> Fut,
        Fut: Future<Output = FlowResponse>,
    {
        let (request, key) = match self.open(signature, body) {
            Ok(opened) => opened,
            Err(refusal) => return refusal.into(),
        };
        let response = match request.action {
            FlowAction::Ping => FlowResponse::Active,
            FlowAction::ErrorNotice { .. } => {
                handler(request).await;
                FlowResponse::Acknowledged
            }
            _ => handler(request).await,
        };
        key.seal(&response)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{flows::golden, webhook::sign};

    fn secret() -> AppSecret {
        AppSecret::new("app_secret").unwrap()
    }

    fn endpoint() -> FlowEndpoint {
        FlowEndpoint::new(FlowKey::from_pem(golden::PKCS8, None).unwrap(), vec![secret()])
    }

    fn open(body: &str) -> Result<(FlowRequest, ReplyKey), FlowRefusal> {
        endpoint().open(Some(&sign(&secret(), body.as_bytes())), body.as_bytes())
    }

    #[test]
    fn what_python_encrypted_is_read_and_answered_as_python_would() {
        let (request, key) = open(golden::REQUEST).unwrap();
        assert_eq!(request.flow_token.as_deref(), Some("token-1"));
        let data = serde_json::json!({ "name": "Ana é" });
        assert_eq!(request.action, FlowAction::DataExchange { screen: "DETAILS".to_owned(), data });
        let answer = key.seal(&FlowResponse::Active);
        assert_eq!(answer, FlowAnswer { status: 200, body: golden::ACTIVE.to_owned() });
    }

    #[test]
    fn each_refusal_has_its_own_status() {
        let check = |body: &str, refusal: FlowRefusal, status: u16| {
            assert_eq!(open(body).map(drop), Err(refusal), "{body}");
            assert_eq!(refusal.http_status(), status);
        };
        let envelope: serde_json::Value = serde_json::from_str(golden::REQUEST).unwrap();
        let with = |member: &str, value: &str| {
            let mut envelope = envelope.clone();
            envelope[member] = value.into();
            envelope.to_string()
        };
        check(&with("encrypted_aes_key", "AAAA"), FlowRefusal::Undecryptable, 421);
        check(&with("encrypted_flow_data", &"A".repeat(64)), FlowRefusal::Undecryptable, 421);
        check(&with("encrypted_flow_data", "AAAA"), FlowRefusal::Undecryptable, 421);
        check(&with("initial_vector", "AAAA"), FlowRefusal::Malformed, 400);
        check(&with("initial_vector", "%"), FlowRefusal::Malformed, 400);
        check("{}", FlowRefusal::Malformed, 400);
        let unsigned = endpoint().open(None, golden::REQUEST.as_bytes()).unwrap_err();
        assert_eq!(unsigned, FlowRefusal::Signature(SignatureError::Missing));
        assert_eq!(unsigned.http_status(), 432);
    }

    #[test]
    fn a_request_that_was_changed_on_the_way_is_not_even_decrypted() {
        let signature = sign(&secret(), golden::REQUEST.as_bytes());
        let changed = golden::REQUEST.replace("jXDgcKw2", "jXDgcKw3");
        let refused = endpoint().open(Some(&signature), changed.as_bytes()).unwrap_err();
        assert_eq!(refused, FlowRefusal::Signature(SignatureError::Mismatch));
    }

    #[tokio::test]
    async fn a_token_that_is_over_closes_the_flow_with_words() {
        let signature = sign(&secret(), golden::REQUEST.as_bytes());
        let over = |_| async { FlowResponse::TokenInvalid { message: "This order is closed.".to_owned() } };
        let answer = endpoint().answer(Some(&signature), golden::REQUEST.as_bytes(), over).await;
        assert_eq!(answer.status, 427);
        assert!(!answer.body.is_empty(), "its words are encrypted too");
        let forged = endpoint().answer(None, golden::REQUEST.as_bytes(), over).await;
        assert_eq!(forged, FlowAnswer { status: 432, body: String::new() });
    }
}
