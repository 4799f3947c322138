//! A server on a loopback port with a Redis of its own, and the calls that tests make.

use std::{net::SocketAddr, str::FromStr, time::Duration};

use dawncast_cloud_api::ErrorEntry;
use dawncast_core::{
    campaign::Category,
    report::Explained,
    template::{Definition, Header, ParameterFormat},
};
use dawncast_server::{ApiState, api_router, serve};
use dawncast_store::{Store, records::Secret};
use dawncast_testkit::TestRedis;
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::contract::Call;

/// The bootstrap key.
pub(crate) const KEY: &str = "bootstrap-of-the-tests";

/// What the server's clock shows: 2026-11-20T12:00:00Z.
pub(crate) const NOW: i64 = 1_795_176_000_000;

/// A running API.
pub(crate) struct Api {
    pub(crate) redis: TestRedis,
    pub(crate) store: Store,
    pub(crate) client: Client,
    pub(crate) address: SocketAddr,
}

/// A client that speaks plain HTTP; its TLS has to be there all the same.
pub(crate) fn client() -> Client {
    // Another test of the process may have installed it.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::new()
}

pub(crate) fn explain(code: u32) -> Explained {
    let entry = ErrorEntry::of(i64::from(code));
    Explained { class: if code == 131_026 { "recipient" } else { "unknown" }, meaning: entry.map(ErrorEntry::hint) }
}

/// Serves a router for the rest of the test.
pub(crate) async fn listen(router: axum::Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(serve(listener, router, std::future::pending()));
    address
}

pub(crate) fn id<T: FromStr<Err: std::fmt::Debug>>(text: &str) -> T {
    text.parse().unwrap()
}

impl Api {
    pub(crate) async fn start() -> Self {
        let redis = TestRedis::start().await;
        let store = redis.store("t:").await;
        Self::start_on(redis, store).await
    }

    /// The same on a store that is set up otherwise.
    pub(crate) async fn start_on(redis: TestRedis, store: Store) -> Self {
        let state = ApiState::new(store.clone(), Some(Secret::new(KEY)), explain)
            .with_clock(|| NOW)
            .with_template_patience(Duration::from_millis(50))
            .with_test_patience(Duration::ZERO);
        let address = listen(api_router(state)).await;
        Self { redis, store, client: client(), address }
    }

    /// A request with the bootstrap key.
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("http://{}{path}", self.address)).bearer_auth(KEY)
    }

    pub(crate) async fn get(&self, path: &str) -> (StatusCode, Value) {
        answer(self.request(Method::GET, path)).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> (StatusCode, Value) {
        answer(self.request(Method::POST, path).json(body)).await
    }

    /// A call without a body that has to succeed.
    pub(crate) async fn act(&self, path: &str) -> Value {
        let (status, body) = answer(self.request(Method::POST, path)).await;
        assert_eq!(status, 200, "{path}: {body}");
        body
    }

    pub(crate) async fn upload(&self, audience: &str, mode: &str, mime: &str, file: impl Into<reqwest::Body>) -> Value {
        let path = format!("/v1/audiences/{audience}/imports?mode={mode}");
        let request = self.request(Method::POST, &path).header("content-type", mime).body(file);
        let (status, import) = answer(request).await;
        assert_eq!(status, 202, "{import}");
        import
    }

    /// A new, empty audience.
    pub(crate) async fn audience(&self) -> String {
        let (status, audience) = self.post("/v1/audiences", &json!({ "name": "subscribers" })).await;
        assert_eq!(status, 201, "{audience}");
        audience["id"].as_str().unwrap().to_owned()
    }

    /// An audience with `rows` rows and the attributes `first_name` and `image`.
    pub(crate) async fn filled_audience(&self, rows: usize) -> String {
        let audience = self.audience().await;
        let mut file = "phone,id,first_name,image\n".to_owned();
        for n in 0..rows {
            file.push_str(&format!("+{},r{n},Asha,pack.png\n", 919_800_000_000_u64 + n as u64));
        }
        let import = self.upload(&audience, "replace", "text/csv", file).await;
        assert_eq!(import["state"], "done", "{import}");
        audience
    }

    /// An active number of pool `advisors`, account `200`.
    pub(crate) async fn number(&self, number: &str) {
        let (status, body) = self.post("/v1/numbers", &number_body(number)).await;
        assert_eq!(status, 201, "{body}");
    }

    /// What the engine would have synced: `daily_text_v1` with one variable, `daily_pack_v1` with an image as well.
    pub(crate) async fn templates(&self) {
        let definition = |name: &str, header| Definition {
            name: name.into(),
            language: "en_IN".into(),
            status: "APPROVED".into(),
            category: Category::Utility,
            parameter_format: ParameterFormat::Positional,
            header,
            body_text: "Good morning {{1}}".into(),
            id: None,
            quality: None,
            rejected_reason: None,
            noted_at: None,
            buttons: Vec::new(),
            limited_time_offer: false,
            cards: Vec::new(),
        };
        let definitions = [definition("daily_text_v1", None), definition("daily_pack_v1", Some(Header::Image))];
        self.store.put_templates(&id("200"), &definitions, NOW).await.unwrap();
    }

    /// Everything that a campaign needs: an audience of `rows`, a number, its templates. The audience.
    pub(crate) async fn ready(&self, rows: usize) -> String {
        self.number("101").await;
        self.templates().await;
        self.filled_audience(rows).await
    }
}

pub(crate) fn number_body(number: &str) -> Value {
    json!({ "phone_number_id": number, "waba_id": "200", "display_phone_number": "+91 80 1234", "access_token": "EAAG",
            "pool": "advisors" })
}

/// A campaign of `daily_text_v1` three days from now.
pub(crate) fn campaign_body(audience: &str) -> Value {
    json!({
        "pool": "advisors",
        "audience": { "id": audience },
        "schedule": { "type": "at", "at": "2026-11-23T06:00:00", "timezone": "Asia/Kolkata" },
        "message": { "type": "template", "name": "daily_text_v1", "language": "en_IN", "components": [
            { "type": "body", "parameters": [{ "type": "text", "text": "{{ first_name }}" }] },
        ] },
    })
}

/// Sends a request; its status and, if there is one, its JSON. What was sent and answered must be as the API describes
/// itself.
pub(crate) async fn answer(request: RequestBuilder) -> (StatusCode, Value) {
    let (client, request) = request.build_split();
    let request = request.unwrap();
    let call = Call::of(&request);
    let response = client.execute(request).await.unwrap();
    let (status, mime) = (response.status(), mime_of(&response));
    let body = json_of(response).await;
    call.is_described(status, &mime, &body);
    (status, body)
}

fn mime_of(response: &Response) -> String {
    let mime = response.headers().get("content-type").map(|mime| mime.to_str().unwrap()).unwrap_or_default();
    mime.split(';').next().unwrap_or_default().to_owned()
}

async fn json_of(response: Response) -> Value {
    let bytes = response.bytes().await.unwrap();
    serde_json::from_slice(&bytes).unwrap_or(Value::Null)
}

/// The faults of a problem document as `pointer: detail`.
pub(crate) fn faults(problem: &Value) -> Vec<String> {
    let fault =
        |fault: &Value| format!("{}: {}", fault["pointer"].as_str().unwrap(), fault["detail"].as_str().unwrap());
    problem["errors"].as_array().unwrap().iter().map(fault).collect()
}
