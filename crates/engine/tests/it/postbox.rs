//! The webhook, as the server has it: signature, then the ledger, then the 200. It can also refuse what comes, or keep
//! it for later.

use std::sync::{Arc, Mutex};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
    routing::post,
};
use dawncast_cloud_api::webhook::{self, Parsed, ReceivedStatus};
use dawncast_engine::{Clock, Context, Inbox, Receipts, Unavailable};

/// What becomes of a webhook call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// It is applied.
    Apply,
    /// It is answered 503.
    Refuse,
    /// It is answered 200 and kept.
    Keep,
}

#[derive(Clone)]
struct Desk {
    receipts: Receipts,
    inbox: Inbox,
    mode: Arc<Mutex<Mode>>,
    kept: Arc<Mutex<Vec<Vec<ReceivedStatus>>>>,
}

/// See the module.
pub(crate) struct Postbox {
    url: String,
    desk: Desk,
}

impl Postbox {
    pub(crate) async fn open(ctx: &Context, clock: &Clock) -> Self {
        let receipts = Receipts::new(ctx.clone(), clock.clone());
        let inbox = Inbox::new(ctx.clone(), clock.clone());
        let desk = Desk { receipts, inbox, mode: Arc::new(Mutex::new(Mode::Apply)), kept: Arc::default() };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/webhook", listener.local_addr().unwrap());
        let router = Router::new().route("/webhook", post(call)).with_state(desk.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, desk }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) fn set(&self, mode: Mode) {
        *self.desk.mode.lock().unwrap() = mode;
    }

    /// The calls that were kept, in the order in which they came.
    pub(crate) fn kept(&self) -> Vec<Vec<ReceivedStatus>> {
        self.desk.kept.lock().unwrap().clone()
    }

    /// The same, and forgets them.
    pub(crate) fn take_kept(&self) -> Vec<Vec<ReceivedStatus>> {
        std::mem::take(&mut self.desk.kept.lock().unwrap())
    }

    /// Delivers a call once more.
    pub(crate) async fn deliver(&self, statuses: Vec<ReceivedStatus>) {
        self.desk.receipts.apply(statuses).await.unwrap();
    }
}

async fn call(State(desk): State<Desk>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let secret = webhook::AppSecret::new("sim_app_secret").unwrap();
    let header = headers.get(webhook::SIGNATURE_HEADER).and_then(|value| value.to_str().ok());
    webhook::verify_signature(&[secret], header, &body).unwrap();
    let parsed = webhook::parse(&body).unwrap();
    let mode = *desk.mode.lock().unwrap();
    match mode {
        Mode::Refuse => StatusCode::SERVICE_UNAVAILABLE,
        Mode::Keep => {
            desk.kept.lock().unwrap().push(parsed.statuses);
            StatusCode::OK
        }
        Mode::Apply => match apply(&desk, parsed).await {
            Ok(()) => StatusCode::OK,
            Err(_) => StatusCode::SERVICE_UNAVAILABLE,
        },
    }
}

async fn apply(desk: &Desk, parsed: Parsed) -> Result<(), Unavailable> {
    desk.inbox.apply(&parsed).await?;
    desk.receipts.apply(parsed.statuses).await
}
