//! Posting batches until they are answered 200.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use reqwest::header::{CONTENT_TYPE, USER_AGENT};
use reqwest::{Client, RequestBuilder, Response, StatusCode, Url};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::apps::{Apps, Audience, Route, signature};
use super::history::{Delivery, History};
use super::plan::Status;
use crate::clock::{Clock, micros};
use crate::config::SimConfig;
use crate::message::Message;

/// Meta: for so long a post is repeated; then it is given up (Meta: webhooks).
const RETRIED: Duration = Duration::from_secs(7 * 24 * 3600);

/// Delivers signed batches; several at once, within a bound.
pub(crate) struct Courier {
    /// Made when it is first needed, which takes a while: it reads the system's certificates.
    client: OnceLock<Client>,
    timeout: Duration,
    apps: Apps,
    history: History,
    hands: Semaphore,
    clock: Clock,
    /// Nothing is posted before this time of the simulator's clock.
    stopped_until_us: AtomicU64,
    retry_base: Duration,
    retry_cap: Duration,
    undelivered: AtomicUsize,
}

impl Courier {
    pub(crate) fn new(config: &SimConfig, apps: Apps, clock: Clock) -> Self {
        Self {
            client: OnceLock::new(),
            timeout: config.receipts.timeout,
            apps,
            history: History::default(),
            hands: Semaphore::new(config.receipts.concurrency),
            clock,
            stopped_until_us: AtomicU64::new(0),
            retry_base: config.receipts.retry_base,
            retry_cap: config.receipts.retry_cap,
            undelivered: AtomicUsize::new(0),
        }
    }

    fn client(&self) -> &Client {
        self.client.get_or_init(|| {
            // Fails when a provider is installed already, and any will do.
            let _ = rustls::crypto::ring::default_provider().install_default();
            let client = Client::builder().timeout(self.timeout).no_proxy().build();
            client.expect("a client without files or certificates of its own can always be built")
        })
    }

    pub(crate) fn apps(&self) -> &Apps {
        &self.apps
    }

    pub(crate) fn history(&self) -> &History {
        &self.history
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

    /// Posts one batch of `events` until everyone in its audience has answered one and the same post 200, with growing pauses,
    /// for seven days: a retry goes to all, so who answered 200 can get it again. Without a URL it waits for one. `told` are the
    /// statuses in it.
    pub(crate) async fn deliver(
        self: Arc<Self>,
        body: Bytes,
        audience: Audience,
        told: Vec<(Arc<Message>, Status)>,
        events: usize,
    ) {
        let (mut pause, gives_up_us) = (self.retry_base, self.clock.now_us().saturating_add(micros(RETRIED)));
        loop {
            let outcomes = Self::post_to_all(&self, &body, &audience).await;
            let is_done = outcomes.iter().all(|(_, outcome)| *outcome == Delivery::Delivered);
            let is_over = self.clock.now_us() >= gives_up_us;
            for (to, outcome) in outcomes {
                let is_given_up = is_over && outcome != Delivery::Delivered;
                self.history.note(&told, to, if is_given_up { Delivery::Failed } else { outcome });
            }
            if is_over && !is_done {
                tracing::warn!(events, "webhook not answered 200 in seven days; it is given up");
            }
            if is_over || is_done {
                break;
            }
            self.clock.sleep(pause).await;
            pause = (pause * 2).min(self.retry_cap);
        }
        self.undelivered.fetch_sub(events, Ordering::Relaxed);
    }

    async fn post_to_all(courier: &Arc<Self>, body: &Bytes, audience: &Audience) -> Vec<((usize, Route), Delivery)> {
        let post = |to: &(usize, Route)| {
            let (courier, body, (app, route)) = (Arc::clone(courier), body.clone(), *to);
            async move { ((app, route), courier.post(body, app, route).await) }
        };
        audience.iter().map(post).collect::<JoinSet<_>>().join_all().await
    }

    /// A signed POST of its own, once; signed with `secret` instead of the app's where there is one.
    pub(crate) async fn ask(&self, url: Url, body: Vec<u8>, secret: Option<&str>) -> reqwest::Result<Response> {
        let app = self.apps.first();
        let signature = secret.map_or_else(|| app.signature(&body), |secret| signature(secret, &body));
        self.signed(url, body.into(), &signature).send().await
    }

    fn signed(&self, url: Url, body: Bytes, signature: &str) -> RequestBuilder {
        self.client()
            .post(url)
            .header(CONTENT_TYPE, "application/json")
            .header(USER_AGENT, "facebookexternalua")
            .header("X-Hub-Signature-256", signature)
            .body(body)
    }

    /// Whether the app answered the batch 200; nothing else counts. It is pending still where there is no address.
    async fn post(&self, body: Bytes, app: usize, route: Route) -> Delivery {
        self.clock.until(self.stopped_until_us.load(Ordering::Relaxed)).await;
        let _hand = self.hands.acquire().await.expect("the semaphore is never closed");
        let app = &self.apps.all()[app];
        let Some(url) = app.url_of(route) else { return Delivery::Pending };
        let signature = app.signature(&body);
        match self.signed(url, body, &signature).send().await {
            Ok(response) if response.status() == StatusCode::OK => return Delivery::Delivered,
            Ok(response) => {
                tracing::debug!(status = response.status().as_u16(), "webhook not answered 200; it will be retried");
            }
            Err(reason) => {
                tracing::debug!(reason = %reason.without_url(), "webhook not delivered; it will be retried");
            }
        }
        Delivery::Retrying
    }

    /// Meta's verification of a webhook: a GET whose challenge must come back as the whole body. Why it failed, if it did.
    pub(crate) async fn verify(&self, mut url: Url, verify_token: &str) -> Result<(), String> {
        let challenge = "1158201444";
        url.query_pairs_mut()
            .append_pair("hub.mode", "subscribe")
            .append_pair("hub.challenge", challenge)
            .append_pair("hub.verify_token", verify_token);
        let failed = |reason: reqwest::Error| reason.without_url().to_string();
        let response = self.client().get(url).send().await.map_err(failed)?;
        let status = response.status();
        let body = response.text().await.map_err(failed)?;
        match (status, body == challenge) {
            (StatusCode::OK, true) => Ok(()),
            (StatusCode::OK, false) => Err("the body is not the bare challenge".to_owned()),
            (status, _) => Err(format!("answered {status}; check the verify token")),
        }
    }
}
