//! A simulator to test, an HTTP client made of a TCP socket, and patience with a deadline.

use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use dawncast_cloud_sim::{Receipts, SimConfig, Simulator, Span};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

pub(crate) const NUMBER: &str = "100000000000001";
pub(crate) const OTHER_NUMBER: &str = "100000000000002";
pub(crate) const WABA: &str = "200000000000001";
pub(crate) const PHONE: &str = "+919876543210";
/// The WhatsApp id of that phone.
pub(crate) const USER: &str = "919876543210";

/// No latency, a free port, and receipts within milliseconds, one POST after the other.
pub(crate) fn config() -> SimConfig {
    SimConfig {
        listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        latency: Duration::ZERO,
        mps: 1000,
        receipts: Receipts {
            sent: Span::millis(0, 10),
            delivered: Span::millis(1, 10),
            read: Span::millis(1, 10),
            linger: Duration::from_millis(5),
            concurrency: 1,
            retry_base: Duration::from_millis(5),
            retry_cap: Duration::from_millis(20),
            ..Receipts::default()
        },
        ..SimConfig::default()
    }
}

/// The same, of users who open no conversation by themselves.
pub(crate) fn unread() -> SimConfig {
    let mut config = config();
    config.receipts.read_share = 0.0;
    config
}

pub(crate) async fn start() -> Simulator {
    start_with(config()).await
}

pub(crate) async fn start_with(config: SimConfig) -> Simulator {
    Simulator::start(config).await.unwrap()
}

/// What came back over the socket.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|reason| panic!("{reason}: {}", self.body))
    }

    pub(crate) fn error_code(&self) -> u64 {
        self.json()["error"]["code"].as_u64().unwrap_or_else(|| panic!("no error: {}", self.body))
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head
            .lines()
            .filter_map(|line| line.split_once(": "))
            .find(|(it, _)| it.eq_ignore_ascii_case(name))
            .map(|it| it.1)
    }
}

/// Writes one request and reads until the other side closes: an error is a reset, nothing at all a silent close.
pub(crate) async fn exchange(addr: SocketAddr, request: &[u8]) -> io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(addr).await?;
    stream.write_all(request).await?;
    let mut received = Vec::new();
    stream.read_to_end(&mut received).await?;
    Ok(received)
}

pub(crate) fn request(method: &str, path: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: sim.test\r\nConnection: close\r\n{headers}Content-Length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

pub(crate) fn parse(received: &[u8]) -> Answer {
    let text = String::from_utf8(received.to_vec()).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {text:?}"));
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Answer { status, head: head.to_owned(), body: body.to_owned() }
}

pub(crate) async fn call(sim: &Simulator, method: &str, path: &str, headers: &str, body: &[u8]) -> Answer {
    parse(&exchange(sim.addr(), &request(method, path, headers, body)).await.unwrap())
}

pub(crate) const BEARER: &str = "Authorization: Bearer SIM_TOKEN\r\n";

pub(crate) async fn get(sim: &Simulator, path: &str) -> Answer {
    call(sim, "GET", path, BEARER, b"").await
}

/// A POST to the simulator's own calls, which must succeed.
pub(crate) async fn stage(sim: &Simulator, path: &str, body: Value) -> Value {
    let answer = call(sim, "POST", path, "", body.to_string().as_bytes()).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.json()
}

pub(crate) fn send_request(number: &str, body: &Value) -> Vec<u8> {
    let headers = format!("{BEARER}Content-Type: application/json\r\n");
    request("POST", &format!("/v24.0/{number}/messages"), &headers, body.to_string().as_bytes())
}

pub(crate) async fn send(sim: &Simulator, body: &Value) -> Answer {
    send_from(sim, NUMBER, body).await
}

pub(crate) async fn send_from(sim: &Simulator, number: &str, body: &Value) -> Answer {
    parse(&exchange(sim.addr(), &send_request(number, body)).await.unwrap())
}

/// A valid template message.
pub(crate) fn hello(to: &str) -> Value {
    json!({
        "messaging_product": "whatsapp", "to": to, "type": "template",
        "template": { "name": "hello_world", "language": { "code": "en_US" } },
        "biz_opaque_callback_data": format!("for:{to}"),
    })
}

/// A valid marketing message.
pub(crate) fn offer(to: &str) -> Value {
    json!({
        "messaging_product": "whatsapp", "to": to, "type": "template", "template": {
            "name": "weekly_offer_v1", "language": { "code": "en_IN" },
            "components": [{ "type": "body", "parameters": [{ "type": "text", "text": "Asha" }] }] },
    })
}

pub(crate) fn text(to: &str) -> Value {
    json!({ "messaging_product": "whatsapp", "to": to, "type": "text", "text": { "body": "hello" } })
}

pub(crate) fn daily(to: &str, header: Value, body: Value) -> Value {
    let components = json!([{ "type": "header", "parameters": header }, { "type": "body", "parameters": body }]);
    json!({
        "messaging_product": "whatsapp", "to": to, "type": "template",
        "template": { "name": "daily_pack_v1", "language": { "code": "en_IN" }, "components": components },
    })
}

/// How many messages to `phone` the ledger knows.
pub(crate) fn accepted(sim: &Simulator, phone: &str) -> u64 {
    sim.ledger().recipients.get(phone.trim_start_matches('+')).map_or(0, |record| record.accepted)
}

/// Waits until the condition holds, and fails the test if it does not within ten seconds.
pub(crate) async fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(10);
    let mut tick = tokio::time::interval(Duration::from_millis(2));
    while !holds() {
        assert!(Instant::now() < deadline, "not within ten seconds: {what}");
        tick.tick().await;
    }
}

/// Changes a valid message and checks how it is refused: HTTP status, code, and words in message or details.
pub(crate) async fn refused(base: Value, changes: &[(&str, Value)], status: u16, code: u64, words: &str) {
    let sim = start().await;
    let mut body = base;
    for (pointer, value) in changes {
        let (parent, key) = pointer.rsplit_once('/').unwrap();
        let parent = body.pointer_mut(parent).unwrap_or_else(|| panic!("no {pointer}")).as_object_mut().unwrap();
        if value.is_null() {
            parent.remove(key)
        } else {
            parent.insert(key.to_owned(), value.clone())
        };
    }
    let answer = send(&sim, &body).await;
    let error = &answer.json()["error"];
    assert_eq!((answer.status, answer.error_code()), (status, code), "{changes:?}: {error}");
    let said =
        format!("{} {}", error["message"].as_str().unwrap(), error["error_data"]["details"].as_str().unwrap_or(""));
    assert!(said.contains(words), "{changes:?}: {said}");
    assert_eq!(error["type"], "OAuthException");
    assert_eq!(sim.ledger().totals.rejected, [(code.to_string(), 1)].into());
    assert_eq!(sim.ledger().totals.accepted, 0);
}

/// A free-form message of this type.
pub(crate) fn free_form(kind: &str, object: Value) -> Value {
    json!({ "messaging_product": "whatsapp", "to": PHONE, "type": kind, kind: object })
}

pub(crate) fn interactive(kind: &str, action: Value) -> Value {
    free_form("interactive", json!({ "type": kind, "body": { "text": "What?" }, "action": action }))
}

/// The user writes to the number, which opens the service window; the id of what was written.
pub(crate) async fn write_in(sim: &Simulator) -> String {
    let written = stage(sim, "/_sim/reply", json!({ "from": PHONE, "number": NUMBER, "text": "hello" })).await;
    written["id"].as_str().unwrap().to_owned()
}

/// A POST to the Graph API.
pub(crate) async fn post(sim: &Simulator, path: &str, body: &Value) -> Answer {
    call_with(sim, "POST", path, body).await
}

/// A call of the Graph API with a body.
pub(crate) async fn call_with(sim: &Simulator, method: &str, path: &str, body: &Value) -> Answer {
    let headers = format!("{BEARER}Content-Type: application/json\r\n");
    call(sim, method, path, &headers, body.to_string().as_bytes()).await
}

/// What the phone shows of its conversation with the first number.
pub(crate) async fn conversation(sim: &Simulator) -> Value {
    get(sim, &format!("/_sim/conversations/{NUMBER}/{USER}")).await.json()
}

/// The only message shown, or the last.
pub(crate) async fn last(sim: &Simulator) -> Value {
    conversation(sim).await["messages"].as_array().unwrap().last().unwrap().clone()
}

/// Waits until the last message is shown with this status.
pub(crate) async fn becomes(sim: &Simulator, status: &str) -> Value {
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        let shown = last(sim).await;
        if shown["status"] == status {
            return shown;
        }
        assert!(Instant::now() < deadline, "not {status} within ten seconds: {shown}");
        tokio::task::yield_now().await;
    }
}

/// Sends what must be accepted; its id.
pub(crate) async fn sent(sim: &Simulator, body: &Value) -> String {
    let answer = send(sim, body).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.json()["messages"][0]["id"].as_str().unwrap().to_owned()
}
