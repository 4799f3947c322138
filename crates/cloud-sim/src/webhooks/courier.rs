//! Posting batches until they are answered 200.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use reqwest::header::{CONTENT_TYPE, USER_AGENT};
use reqwest::{Client, RequestBuilder, Response, StatusCode, Url};
use sha2::Sha256;
use tokio::sync::Semaphore;

use crate::clock::{Clock, micros};
use crate::config::SimConfig;
use crate::error::SimError;
use crate::hex::hex;

/// Meta: for so long a post is repeated; then it is given up (Meta: webhooks).
const RETRIED: Duration = Duration::from_secs(7 * 24 * 3600);

/// Delivers signed batches; several at once, within a bound.
pub(crate) struct Courier {
    client: Client,
    url: RwLock<Option<Url>>,
    key: Hmac<Sha256>,
    verify_token: String,
    hands: Semaphore,
    clock: Clock,
    /// Nothing is posted before this time of the simulator's clock.
    stopped_until_us: AtomicU64,
    retry_base: Duration,
    retry_cap: Duration,
    undelivered: AtomicUsize,
    /// Whether the accounts have the app among their subscribed ones.
    subscribed: AtomicBool,
}

impl Courier {
    pub(crate) fn new(config: &SimConfig, url: Option<Url>, clock: Clock) -> Self {
        // Fails when a provider is installed already, and any will do.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder().timeout(config.receipts.timeout).no_proxy().build();
        Self {
            client: client.expect("a client without files or certificates of its own can always be built"),
            url: RwLock::new(url),
            key: keyed(&config.app_secret),
            verify_token: config.verify_token.clone(),
            hands: Semaphore::new(config.receipts.concurrency),
            clock,
            stopped_until_us: AtomicU64::new(0),
            retry_base: config.receipts.retry_base,
            retry_cap: config.receipts.retry_cap,
            undelivered: AtomicUsize::new(0),
            subscribed: AtomicBool::new(true),
        }
    }

    /// The accounts tell the app of what happens from now on, or no more.
    pub(crate) fn subscribe(&self, subscribed: bool) {
        self.subscribed.store(subscribed, Ordering::Relaxed);
    }

    pub(crate) fn is_subscribed(&self) -> bool {
        self.subscribed.load(Ordering::Relaxed)
    }

    /// Whether anything is to be told to anybody.
    pub(crate) fn is_heard(&self) -> bool {
        self.is_subscribed() && self.url.read().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    pub(crate) fn set_url(&self, url: Option<Url>) {
        *self.url.write().unwrap_or_else(PoisonError::into_inner) = url;
    }

    /// Counts events that are still to be delivered.
    pub(crate) fn expect(&self, events: usize) {
        self.undelivered.fetch_add(events, Ordering::Relaxed);
    }

    pub(crate) fn undelivered(&self) -> usize {
        self.undelivered.load(Ordering::Relaxed)
    }

    /// Nothing is posted before this time.
    pub(crate) fn stop_until(&self, until_us: u64) {
        self.stopped_until_us.store(until_us, Ordering::Relaxed);
    }

    /// Posts one batch of `events` until it is answered 200, with growing pauses, for seven days. Without a URL it waits
    /// for one.
    pub(crate) async fn deliver(self: Arc<Self>, body: Bytes, events: usize) {
        let signature = signature(self.key.clone(), &body);
        let (mut pause, gives_up_us) = (self.retry_base, self.clock.now_us().saturating_add(micros(RETRIED)));
        while !self.post(&body, &signature).await {
            if self.clock.now_us() >= gives_up_us {
                tracing::warn!(events, "webhook not answered 200 in seven days; it is given up");
                break;
            }
            self.clock.sleep(pause).await;
            pause = (pause * 2).min(self.retry_cap);
        }
        self.undelivered.fetch_sub(events, Ordering::Relaxed);
    }

    /// A signed POST of its own, once; signed with `secret` instead of the app's where there is one.
    pub(crate) async fn ask(&self, url: Url, body: Vec<u8>, secret: Option<&str>) -> reqwest::Result<Response> {
        let signature = signature(secret.map_or_else(|| self.key.clone(), keyed), &body);
        self.signed(url, body.into(), &signature).send().await
    }

    fn signed(&self, url: Url, body: Bytes, signature: &str) -> RequestBuilder {
        self.client
            .post(url)
            .header(CONTENT_TYPE, "application/json")
            .header(USER_AGENT, "facebookexternalua")
            .header("X-Hub-Signature-256", signature)
            .body(body)
    }

    /// Whether the batch was answered 200; nothing else counts.
    async fn post(&self, body: &Bytes, signature: &str) -> bool {
        self.clock.until(self.stopped_until_us.load(Ordering::Relaxed)).await;
        let _hand = self.hands.acquire().await.expect("the semaphore is never closed");
        let Some(url) = self.url.read().unwrap_or_else(PoisonError::into_inner).clone() else { return false };
        match self.signed(url, body.clone(), signature).send().await {
            Ok(response) if response.status() == StatusCode::OK => true,
            Ok(response) => {
                tracing::debug!(status = response.status().as_u16(), "webhook not answered 200; it will be retried");
                false
            }
            Err(reason) => {
                tracing::debug!(reason = %reason.without_url(), "webhook not delivered; it will be retried");
                false
            }
        }
    }

    /// Meta's verification of a webhook: a GET whose challenge must come back as the whole body.
    pub(crate) async fn verify(&self) -> Result<(), SimError> {
        let url = self.url.read().unwrap_or_else(PoisonError::into_inner).clone();
        let mut url = url.ok_or_else(|| SimError::Verification("no webhook URL is set".to_owned()))?;
        let challenge = "1158201444";
        url.query_pairs_mut()
            .append_pair("hub.mode", "subscribe")
            .append_pair("hub.challenge", challenge)
            .append_pair("hub.verify_token", &self.verify_token);
        let failed = |reason: reqwest::Error| SimError::Verification(reason.without_url().to_string());
        let response = self.client.get(url).send().await.map_err(failed)?;
        let status = response.status();
        let body = response.text().await.map_err(failed)?;
        match (status, body == challenge) {
            (StatusCode::OK, true) => Ok(()),
            (StatusCode::OK, false) => Err(SimError::Verification("the body is not the bare challenge".to_owned())),
            (status, _) => Err(SimError::Verification(format!("answered {status}; check the verify token"))),
        }
    }
}

fn keyed(secret: &str) -> Hmac<Sha256> {
    Hmac::new_from_slice(secret.as_bytes()).expect("HMAC takes a key of any length")
}

/// Meta: `sha256=` and the lower-case hexadecimal HMAC-SHA256 of the exact body under the app secret.
fn signature(mut mac: Hmac<Sha256>, body: &[u8]) -> String {
    mac.update(body);
    format!("sha256={}", hex(&mac.finalize().into_bytes()))
}
