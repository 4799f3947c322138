//! A webhook receiver that trusts nothing: it checks each signature with an HMAC of its own.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::get;
use serde_json::Value;
use sha2::{Digest, Sha256};
use tokio::net::TcpListener;

/// What was posted, in order of arrival.
#[derive(Clone, Default)]
pub(crate) struct Receiver(Arc<Mutex<Received>>);

#[derive(Default)]
struct Received {
    secret: &'static str,
    verify_token: &'static str,
    /// How often it was verified.
    verified: usize,
    posts: Vec<String>,
    forged: usize,
    /// Statuses to answer with before 200.
    answers: VecDeque<u16>,
}

impl Receiver {
    /// Listens on a free port; gives itself and its URL. The first posts are answered with `answers`.
    pub(crate) async fn start(answers: impl IntoIterator<Item = u16>) -> (Self, String) {
        Self::start_for("sim_app_secret", "sim_verify", answers).await
    }

    /// The same of an app with this secret and verify token.
    pub(crate) async fn start_for(
        secret: &'static str,
        verify_token: &'static str,
        answers: impl IntoIterator<Item = u16>,
    ) -> (Self, String) {
        let answers = answers.into_iter().collect();
        let received = Received { secret, verify_token, answers, ..Received::default() };
        let receiver = Self(Arc::new(Mutex::new(received)));
        let router = Router::new().route("/webhook", get(verify).post(take)).with_state(receiver.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/webhook", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        (receiver, url)
    }

    /// The bodies of all posts, repeated ones included.
    pub(crate) fn posts(&self) -> Vec<String> {
        let received = self.0.lock().unwrap();
        assert_eq!(received.forged, 0, "every signature must be right");
        received.posts.clone()
    }

    /// The value of every change of that field, in order of arrival.
    pub(crate) fn told(&self, field: &str) -> Vec<Value> {
        let entries = |post: &String| serde_json::from_str::<Value>(post).unwrap()["entry"].as_array().unwrap().clone();
        let changes = |entry: Value| entry["changes"].as_array().unwrap().clone();
        let all = self.posts().iter().flat_map(entries).flat_map(changes).collect::<Vec<_>>();
        all.into_iter().filter(|change| change["field"] == field).map(|change| change["value"].clone()).collect()
    }

    /// Everything that was posted, as the client library reads it.
    pub(crate) fn parsed(&self) -> Vec<dawncast_cloud_api::webhook::Parsed> {
        self.posts().iter().map(|post| dawncast_cloud_api::webhook::parse(post.as_bytes()).unwrap()).collect()
    }

    pub(crate) fn verified(&self) -> usize {
        self.0.lock().unwrap().verified
    }

    /// Every member of that name (`statuses`, `messages`) of every change of every post.
    pub(crate) fn all(&self, member: &str) -> Vec<Value> {
        let parse = |post: &String| serde_json::from_str::<Value>(post).unwrap();
        self.posts().iter().flat_map(|post| members(&parse(post), member)).collect()
    }

    pub(crate) fn statuses(&self) -> Vec<Value> {
        self.all("statuses")
    }
}

pub(crate) fn members(notification: &Value, member: &str) -> Vec<Value> {
    let changes =
        notification["entry"].as_array().unwrap().iter().flat_map(|entry| entry["changes"].as_array().unwrap());
    changes.flat_map(|change| change["value"][member].as_array().cloned().unwrap_or_default()).collect()
}

/// The statuses of one wamid in order of arrival.
pub(crate) fn story(statuses: &[Value], wamid: &str) -> Vec<String> {
    let of_message = statuses.iter().filter(|status| status["id"] == wamid);
    of_message.map(|status| status["status"].as_str().unwrap().to_owned()).collect()
}

async fn take(State(receiver): State<Receiver>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let mut received = receiver.0.lock().unwrap();
    let signature = headers.get("x-hub-signature-256").and_then(|value| value.to_str().ok());
    if signature != Some(&format!("sha256={}", hmac_sha256(received.secret.as_bytes(), &body))) {
        received.forged += 1;
    }
    received.posts.push(String::from_utf8(body.to_vec()).unwrap());
    StatusCode::from_u16(received.answers.pop_front().unwrap_or(200)).unwrap()
}

async fn verify(State(receiver): State<Receiver>, Query(query): Query<Vec<(String, String)>>) -> (StatusCode, String) {
    let of = |name: &str| query.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone()).unwrap_or_default();
    let mut received = receiver.0.lock().unwrap();
    if of("hub.mode") != "subscribe" || of("hub.verify_token") != received.verify_token {
        return (StatusCode::FORBIDDEN, String::new());
    }
    received.verified += 1;
    (StatusCode::OK, of("hub.challenge"))
}

/// RFC 2104, for keys shorter than a block.
fn hmac_sha256(key: &[u8], message: &[u8]) -> String {
    let mut block = [0_u8; 64];
    block[..key.len()].copy_from_slice(key);
    let inner = Sha256::new().chain_update(block.map(|byte| byte ^ 0x36)).chain_update(message).finalize();
    let outer = Sha256::new().chain_update(block.map(|byte| byte ^ 0x5c)).chain_update(inner).finalize();
    outer.iter().map(|byte| format!("{byte:02x}")).collect()
}
