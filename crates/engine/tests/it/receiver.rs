//! Who is told: a server that checks every signature by a computation of its own and keeps what came.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    extract::State,
    http::{HeaderMap, StatusCode, header::LOCATION},
    response::{IntoResponse, Response},
    routing::post,
};
use base64::{Engine, prelude::BASE64_STANDARD};
use dawncast_engine::Notify;
use dawncast_testkit::until;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::world::{PATIENCE, World};

const KEY: &[u8] = b"a key of thirty-two whole bytes!";

/// What becomes of a message.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Answer {
    /// This status.
    Status(StatusCode),
    /// A redirect to where it would be taken.
    Elsewhere,
    /// None, ever.
    Silence,
}

/// A message that came.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Told {
    pub(crate) id: String,
    pub(crate) body: String,
}

impl Told {
    pub(crate) fn kind(&self) -> String {
        self.json()["type"].as_str().unwrap().to_owned()
    }

    /// A field of its data.
    pub(crate) fn data(&self, name: &str) -> Value {
        self.json()["data"][name].clone()
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

#[derive(Clone, Default)]
struct Desk {
    told: Arc<Mutex<Vec<Told>>>,
    answers: Arc<Mutex<VecDeque<Answer>>>,
}

/// See the module.
pub(crate) struct Receiver {
    address: String,
    desk: Desk,
}

impl Receiver {
    /// Answers as ordered, then 204 to everything.
    pub(crate) async fn open(answers: impl IntoIterator<Item = Answer>) -> Self {
        let desk = Desk { answers: Arc::new(Mutex::new(answers.into_iter().collect())), ..Desk::default() };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().route("/told", post(take)).with_state(desk.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { address, desk }
    }

    /// Schedulers of this world tell this receiver, and wait two seconds for its answers.
    pub(crate) fn serve(&self, world: &mut World) {
        let secret = format!("whsec_{}", BASE64_STANDARD.encode(KEY));
        let notify = Notify::new(&format!("{}/told", self.address), &secret).unwrap();
        world.ctx.settings.notify = Some(notify.with_timeout(Duration::from_secs(2)));
    }

    /// Everything that came, in order.
    pub(crate) fn told(&self) -> Vec<Told> {
        self.desk.told.lock().unwrap().clone()
    }

    /// The kinds of what came, in order.
    pub(crate) fn kinds(&self) -> Vec<String> {
        self.told().iter().map(Told::kind).collect()
    }

    /// Waits until so many messages of a kind have come, and gives them.
    pub(crate) async fn hears(&self, kind: &str, count: usize) -> Vec<Told> {
        let of_kind = async || {
            let told: Vec<_> = self.told().into_iter().filter(|told| told.kind() == kind).collect();
            (told.len() >= count).then_some(told)
        };
        until(&format!("{kind} is told {count} times"), PATIENCE, of_kind).await
    }
}

async fn take(State(desk): State<Desk>, headers: HeaderMap, body: String) -> Response {
    let header = |name: &str| headers[name].to_str().unwrap().to_owned();
    let (id, timestamp) = (header("webhook-id"), header("webhook-timestamp"));
    assert!(!id.contains('.') && timestamp.parse::<u64>().is_ok());
    assert_eq!(header("webhook-signature"), format!("v1,{}", hmac(&format!("{id}.{timestamp}.{body}"))));
    assert_eq!(header("content-type"), "application/json");
    desk.told.lock().unwrap().push(Told { id, body });
    let answer = desk.answers.lock().unwrap().pop_front();
    match answer.unwrap_or(Answer::Status(StatusCode::NO_CONTENT)) {
        Answer::Status(status) => status.into_response(),
        Answer::Elsewhere => (StatusCode::TEMPORARY_REDIRECT, [(LOCATION, "/told")]).into_response(),
        Answer::Silence => std::future::pending().await,
    }
}

/// HMAC-SHA256 as RFC 2104 has it, in base64.
fn hmac(text: &str) -> String {
    let pad =
        |with: u8| -> Vec<u8> { (0..64).map(|place| KEY.get(place).copied().unwrap_or_default() ^ with).collect() };
    let inner = Sha256::new().chain_update(pad(0x36)).chain_update(text).finalize();
    BASE64_STANDARD.encode(Sha256::new().chain_update(pad(0x5c)).chain_update(inner).finalize())
}
