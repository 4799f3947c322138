//! What may be said of the simulator's answers whatever it is sent: run by the fuzz targets in `fuzz/` on bytes that they grow, and by
//! property tests on some. Not in an ordinary build.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{Method, header};
use serde_json::{Value, json};
use tokio::runtime::{Builder, Runtime};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::bubble::{Bubble, preview};
use crate::cloud::{Cloud, WABA_ID};
use crate::config::SimConfig;
use crate::crowd::Reply;
use crate::graph;
use crate::ledger::LedgerTotals;
use crate::listener::Line;
use crate::simulator::cloud;
use crate::uploads::Took;

const NUMBER: &str = "100000000000001";
const USER: &str = "919876543210";
/// Stands in bodies for the id of what the user has written.
const SAID: &str = "wamid.SAID";

/// The body of a call to send: it is accepted with an id and stands in the ledger, or is refused and does not. What was accepted can
/// be shown as the user's phone shows it.
///
/// # Panics
/// When that does not hold.
pub fn sending(body: &[u8]) {
    play(sent(body));
}

/// The body of a call to create a template: it is there and shows what it was given, or is refused. What is there can be previewed,
/// approved, sent, edited with the same body, and deleted.
///
/// # Panics
/// When that does not hold.
pub fn creation(body: &[u8]) {
    play(created(body));
}

/// See [`sending`]; the answer of the Cloud API.
async fn sent(body: &[u8]) -> Answer {
    let stage = Stage::set();
    for template in templates() {
        stage.approve(template.to_string().as_bytes()).await.expect("it is a good template");
    }
    let text = std::str::from_utf8(body).map(|text| text.replace(SAID, &stage.said));
    let body = text.as_ref().map_or(body, |text| text.as_bytes());
    let answer = stage.send("messages", body).await;
    stage.send("marketing_messages", body).await;
    stage.show();
    answer
}

/// See [`creation`]; whether it was taken.
async fn created(body: &[u8]) -> bool {
    let stage = Stage::set();
    let Some(id) = stage.approve(body).await else { return false };
    let given: Value = serde_json::from_slice(body).expect("what was taken is JSON");
    let shown = stage.call(Method::GET, &format!("/{id}"), b"").await.good();
    assert_eq!((&shown["name"], &shown["language"]), (&given["name"], &given["language"]));
    let template = stage.cloud.templates.by_id(id).expect("it was created");
    drop(json!(preview(&template)));
    let of_it = json!({ "name": given["name"], "language": { "code": given["language"] } });
    let message = json!({ "messaging_product": "whatsapp", "to": USER, "type": "template", "template": of_it });
    stage.send("messages", message.to_string().as_bytes()).await;
    stage.show();
    stage.call(Method::POST, &format!("/{id}"), body).await.check();
    let name = given["name"].as_str().expect("it has a name");
    stage.call(Method::DELETE, &format!("/{WABA_ID}/message_templates?name={name}"), b"").await.good();
    true
}

/// Whatever parts a template can have.
fn templates() -> [Value; 4] {
    let body =
        json!({ "type": "BODY", "text": "Dear {{1}}, it is {{2}} now.", "example": { "body_text": [["a", "b"]] } });
    let image = json!({ "type": "HEADER", "format": "IMAGE", "example": { "header_handle": [HANDLE] } });
    let buttons = json!({ "type": "BUTTONS", "buttons": [
        { "type": "QUICK_REPLY", "text": "More" }, { "type": "FLOW", "text": "Book", "flow_id": "9" },
        { "type": "CATALOG", "text": "Shop" }, { "type": "COPY_CODE", "example": "SAVE" },
        { "type": "URL", "text": "Open", "url": "https://e.x/{{1}}" }, { "type": "MPM", "text": "View items" },
    ] });
    let card = json!({ "components": [image, body, buttons] });
    let offer =
        json!({ "type": "LIMITED_TIME_OFFER", "limited_time_offer": { "text": "Now!", "has_expiration": true } });
    let code = json!({ "type": "BUTTONS", "buttons": [{ "type": "OTP", "otp_type": "COPY_CODE" }] });
    let named = json!({ "type": "BODY", "text": "Dear {{who}}.", "example": { "body_text_named_params": [] } });
    let of = |name: &str, category: &str, format: &str, components: Value| json!({ "name": name, "language": "en", "category": category, "parameter_format": format, "components": components });
    let place = json!({ "type": "HEADER", "format": "LOCATION" });
    [
        of("cards", "MARKETING", "POSITIONAL", json!([body, { "type": "CAROUSEL", "cards": [card, card] }])),
        of("offer", "MARKETING", "POSITIONAL", json!([image, body, offer, buttons])),
        of("code", "AUTHENTICATION", "POSITIONAL", json!([{ "type": "BODY" }, code])),
        of("named", "UTILITY", "NAMED", json!([place, named])),
    ]
}

/// The handle of the first file that is uploaded.
const HANDLE: &str = "4::MTphdHRhY2htZW50Oj00000000";

/// Plays a scene to its end, and lets what it has begun end as well.
fn play<T>(scene: impl Future<Output = T>) -> T {
    RUNTIME.block_on(async {
        let outcome = scene.await;
        tokio::task::yield_now().await;
        outcome
    })
}

/// Nothing is done between two scenes.
static RUNTIME: LazyLock<Runtime> =
    LazyLock::new(|| Builder::new_current_thread().enable_all().build().expect("a runtime needs nothing"));

/// A simulator without a socket, in which everything is that a body may refer to: a user who has just written, an uploaded picture, and
/// the sample of a header.
struct Stage {
    cloud: Arc<Cloud>,
    said: String,
    _stop: DropGuard,
}

impl Stage {
    fn set() -> Self {
        let stop = CancellationToken::new();
        let config = SimConfig { latency: Duration::ZERO, mps: 1000, ..SimConfig::default() };
        let cloud = Arc::new(cloud(&config, &stop).expect("it is the usual configuration"));
        let (from, number) = (USER.parse().expect("a phone"), NUMBER.to_owned());
        let reply = Reply { from, number, text: "Hello".to_owned(), quotes: None };
        let said = cloud.write(reply).expect("the number is there");
        cloud.media.add(0, "image/png", Bytes::from_static(b"picture"), cloud.clock.now_us());
        let session = cloud.uploads.open(1);
        assert_eq!(cloud.uploads.take(&session, 0, 1), Took::Whole(HANDLE.to_owned()));
        Self { cloud, said, _stop: stop.drop_guard() }
    }

    async fn call(&self, method: Method, path: &str, body: &[u8]) -> Answer {
        let request = Request::builder().method(method).uri(path).header(header::AUTHORIZATION, "Bearer SIM_TOKEN");
        let request = request.body(Body::from(body.to_vec())).expect("a path of plain characters");
        let response = graph::serve(State(Arc::clone(&self.cloud)), ConnectInfo(Line::default()), request).await;
        let status = response.status().as_u16();
        let body = to_bytes(response.into_body(), usize::MAX).await.expect("it is in memory");
        Answer { status, body: serde_json::from_slice(&body).expect("an answer is JSON") }
    }

    /// Has a template created and approved; its id, unless it is refused.
    async fn approve(&self, body: &[u8]) -> Option<u64> {
        let answer = self.call(Method::POST, &format!("/{WABA_ID}/message_templates"), body).await;
        answer.check();
        let id = answer.body["id"].as_str()?.parse().expect("an id of digits");
        self.cloud.advance(SimConfig::default().review);
        let status = self.cloud.templates.by_id(id).map(|template| template.status.clone());
        assert_eq!((answer.status, status.as_deref()), (200, Some("APPROVED")));
        Some(id)
    }

    /// What the call says is what the ledger says.
    async fn send(&self, edge: &str, body: &[u8]) -> Answer {
        let before = self.cloud.ledger().totals;
        let answer = self.call(Method::POST, &format!("/v24.0/{NUMBER}/{edge}"), body).await;
        answer.check();
        let after = self.cloud.ledger().totals;
        let refused = |totals: &LedgerTotals| totals.rejected.values().sum::<u64>();
        let counted = (after.accepted - before.accepted, refused(&after) - refused(&before));
        let Some(code) = answer.body["error"]["code"].as_u64() else {
            let wamid = answer.body["messages"][0]["id"].as_str();
            assert!(wamid.is_none_or(|wamid| wamid.starts_with("wamid.") && wamid.len() > 20), "{}", answer.body);
            // A receipt is no message.
            assert_eq!(counted, (u64::from(wamid.is_some()), 0), "{}", answer.body);
            return answer;
        };
        assert_eq!(counted, (0, 1), "{}", answer.body);
        assert!(after.rejected.contains_key(&code.to_string()));
        answer
    }

    /// Every conversation as the phone shows it.
    fn show(&self) {
        let (latest, _) = self.cloud.conversations.latest(usize::MAX, |_| true);
        for (pair, _) in latest {
            let kept = self.cloud.conversations.of(pair).expect("it is among the latest");
            kept.messages.iter().for_each(|entry| drop(json!(Bubble::of(entry))));
        }
    }
}

struct Answer {
    status: u16,
    body: Value,
}

impl Answer {
    /// It is a success, or an error in Meta's form with a code and a text.
    fn check(&self) {
        let (Self { status, body }, error) = (self, &self.body["error"]);
        if error.is_null() {
            return assert_eq!(*status, 200, "{body}");
        }
        let is_told = |text: &Value| text.as_str().is_some_and(|text| !text.trim().is_empty());
        assert!((400..600).contains(status) && error["code"].as_u64() > Some(0), "{status} {body}");
        assert!(["message", "type", "fbtrace_id"].iter().all(|name| is_told(&error[*name])), "{body}");
        assert!(error["error_data"].is_null() || is_told(&error["error_data"]["details"]), "{body}");
    }

    /// What the call came to, which must be a success.
    fn good(self) -> Value {
        assert_eq!(self.status, 200, "{}", self.body);
        self.body
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn message(kind: &str, content: Value) -> String {
        json!({ "messaging_product": "whatsapp", "to": USER, "type": kind, kind: content }).to_string()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn no_bytes_are_more_than_the_simulator_can_take(bytes in prop::collection::vec(any::<u8>(), 0..200), text: String) {
            for bytes in [&bytes, text.as_bytes()] {
                sending(bytes);
                creation(bytes);
            }
            sending(message("text", json!({ "body": text })).as_bytes());
            sending(message("template", json!({ "name": text, "language": { "code": text } })).as_bytes());
            let components = json!([{ "type": "BODY", "text": text, "example": {} }]);
            let template = json!({ "name": "t", "language": "en", "category": "UTILITY", "components": components });
            creation(template.to_string().as_bytes());
        }
    }

    #[test]
    fn what_is_not_utf_8_is_refused_wherever_it_stands() {
        let text = message("text", json!({ "body": "Hello" })).replace('}', r#","more":"?"}"#);
        assert_eq!(play(sent(text.as_bytes())).status, 200);
        let bytes = |text: &str| text.bytes().map(|byte| if byte == b'?' { 0xFF } else { byte }).collect::<Vec<_>>();
        let refused = play(sent(&bytes(&text)));
        assert_eq!((refused.status, &refused.body["error"]["code"]), (400, &json!(100)));
        let template = json!({ "name": "t", "language": "en", "category": "UTILITY", "more": "?",
            "components": [{ "type": "BODY", "text": "Hello." }] });
        assert!(play(created(template.to_string().as_bytes())));
        assert!(!play(created(&bytes(&template.to_string()))));
    }

    #[test]
    fn what_is_good_is_taken() {
        for template in templates() {
            assert!(play(created(template.to_string().as_bytes())), "{template}");
        }
        for body in [
            message("image", json!({ "id": "300000000000001" })),
            message("reaction", json!({ "message_id": SAID, "emoji": "👍" })),
            json!({ "messaging_product": "whatsapp", "status": "read", "message_id": SAID }).to_string(),
        ] {
            play(sent(body.as_bytes())).good();
        }
    }
}
