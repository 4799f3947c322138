//! WhatsApp's side of flows: the public keys of numbers, and a phone that shows a flow. `POST /_sim/flows/exchange` encrypts a
//! request, posts it to an endpoint as Meta's servers do, and decrypts the answer.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use aes_gcm::aead::{Aead, consts::U16};
use aes_gcm::aes::Aes128;
use aes_gcm::{AesGcm, KeyInit};
use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::Url;
use rsa::PublicKey;
use rsa::pkcs8::DecodePublicKey;
use rsa::sha2::Sha256;
use rsa::traits::PublicKeyParts;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::cloud::Cloud;
use crate::control::{Refusal, read};

/// Meta: RSA of 2048 bits, here in bytes.
const MODULUS: usize = 256;

/// The public key of each number, by its place.
#[derive(Default)]
pub(crate) struct FlowKeys(Mutex<HashMap<usize, FlowKey>>);

/// A number's public key.
#[derive(Clone)]
pub(crate) struct FlowKey {
    pub(crate) pem: String,
    /// Whether the number is still registered as it was when the key was set.
    pub(crate) is_valid: bool,
}

impl FlowKeys {
    fn lock(&self) -> MutexGuard<'_, HashMap<usize, FlowKey>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets the key of a number, if it is one.
    pub(crate) fn set(&self, number: usize, pem: &str) -> bool {
        let is_key = public_key(pem).is_some();
        if is_key {
            self.lock().insert(number, FlowKey { pem: pem.to_owned(), is_valid: true });
        }
        is_key
    }

    pub(crate) fn of(&self, number: usize) -> Option<FlowKey> {
        self.lock().get(&number).cloned()
    }

    /// The number was registered anew: its key has to be set again.
    pub(crate) fn outdate(&self, number: usize) {
        if let Some(key) = self.lock().get_mut(&number) {
            key.is_valid = false;
        }
    }
}

fn public_key(pem: &str) -> Option<PublicKey> {
    PublicKey::from_public_key_pem(pem.trim()).ok().filter(|key| key.size() == MODULUS)
}

/// What the phone is to ask, and of whom.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Exchange {
    /// The endpoint's address.
    url: String,
    /// In PEM form; that of `number` when there is none.
    public_key: Option<String>,
    number: Option<String>,
    /// As Meta puts it before it is encrypted.
    request: Value,
    /// Signed with this instead of the app secret, to play somebody else.
    app_secret: Option<String>,
}

/// What came back.
#[derive(Serialize)]
pub(crate) struct Exchanged {
    status: u16,
    content_type: Option<String>,
    /// Decrypted; none where the endpoint refused.
    answer: Option<Value>,
    ms: u64,
}

/// One request's key, and the IV that the request goes under.
struct Session {
    key: [u8; 16],
    iv: [u8; 16],
}

impl Session {
    fn new() -> Self {
        Self { key: rand::random(), iv: rand::random() }
    }

    fn aes(&self) -> AesGcm<Aes128, U16> {
        AesGcm::new(&self.key.into())
    }

    /// The envelope of a request, for the holder of the private key.
    fn envelope(&self, public: &PublicKey, request: &Value) -> Option<Vec<u8>> {
        let data = self.aes().encrypt(&self.iv.into(), request.to_string().as_bytes()).ok()?;
        let envelope = json!({
            "encrypted_flow_data": STANDARD.encode(data),
            "encrypted_aes_key": STANDARD.encode(public.oaep_encrypt::<Sha256>(&self.key).ok()?),
            "initial_vector": STANDARD.encode(self.iv),
        });
        Some(envelope.to_string().into_bytes())
    }

    /// What an answer says, or what is wrong with it.
    fn open(&self, body: &[u8]) -> Result<Value, &'static str> {
        let sealed = STANDARD.decode(body).map_err(|_| "the body is not base64 and nothing else")?;
        let flipped = self.iv.map(|byte| byte ^ 0xFF);
        let text = self.aes().decrypt(&flipped.into(), sealed.as_slice());
        let text = text.map_err(|_| "it is not encrypted under the request's key with the flipped IV")?;
        serde_json::from_slice(&text).map_err(|_| "what was encrypted is not JSON")
    }
}

/// `POST /_sim/flows/exchange`
pub(crate) async fn exchange(State(cloud): State<Arc<Cloud>>, body: Bytes) -> Result<Json<Exchanged>, Refusal> {
    let Exchange { url, public_key: given, number, request, app_secret } = read(&body)?;
    let url = Url::parse(&url).map_err(|reason| Refusal::new(format!("url: {reason}")))?;
    let registered = number.and_then(|id| cloud.flow_keys.of(cloud.number(&id)?.place)).filter(|key| key.is_valid);
    let pem = given.or(registered.map(|key| key.pem));
    let public = pem.as_deref().and_then(public_key).ok_or_else(|| {
        Refusal::new("give the `public_key` (RSA of 2048 bits, PEM), or a `number` whose key was set".to_owned())
    })?;
    let session = Session::new();
    let envelope = session.envelope(&public, &request);
    let envelope = envelope.ok_or_else(|| Refusal::new("the request cannot be encrypted".to_owned()))?;
    let asked = Instant::now();
    let response = cloud.webhooks.courier().ask(url, envelope, app_secret.as_deref()).await;
    let unreachable = |reason: reqwest::Error| Refusal::new(format!("the endpoint: {}", reason.without_url()));
    let response = response.map_err(unreachable)?;
    let status = response.status().as_u16();
    let content_type = response.headers().get("content-type").and_then(|value| value.to_str().ok()).map(str::to_owned);
    let body = response.bytes().await.map_err(unreachable)?;
    let ms = u64::try_from(asked.elapsed().as_millis()).unwrap_or(u64::MAX);
    let answer = match status {
        200 | 427 => Some(session.open(&body).map_err(|fault| Refusal::new(format!("the answer: {fault}")))?),
        _ => None,
    };
    Ok(Json(Exchanged { status, content_type, answer, ms }))
}
