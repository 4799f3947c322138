//! What this API is, for machines: `/openapi.json`. Written by hand in `openapi/`, a file for each part; the tests hold it
//! against the router and against every answer that they get.

use std::sync::LazyLock;

use axum::{
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use serde_json::Value;

/// The parts; the first says what all share.
const PARTS: [&str; 16] = [
    include_str!("../openapi/main.yaml"),
    include_str!("../openapi/campaigns.yaml"),
    include_str!("../openapi/campaign.yaml"),
    include_str!("../openapi/messages.yaml"),
    include_str!("../openapi/preview.yaml"),
    include_str!("../openapi/runs.yaml"),
    include_str!("../openapi/deliveries.yaml"),
    include_str!("../openapi/audiences.yaml"),
    include_str!("../openapi/suppressions.yaml"),
    include_str!("../openapi/templates.yaml"),
    include_str!("../openapi/assets.yaml"),
    include_str!("../openapi/numbers.yaml"),
    include_str!("../openapi/credentials.yaml"),
    include_str!("../openapi/keys.yaml"),
    include_str!("../openapi/restore.yaml"),
    include_str!("../openapi/doctor.yaml"),
];

/// The parts, put together once.
static DOCUMENT: LazyLock<Value> = LazyLock::new(|| {
    let mut parts = PARTS.map(|part| serde_norway::from_str::<Value>(part).expect("a test has read it")).into_iter();
    let mut whole = parts.next().expect("there is a first");
    for part in parts {
        for place in ["/paths", "/components/schemas"] {
            let Some(more) = part.pointer(place).and_then(Value::as_object) else { continue };
            let all = whole.pointer_mut(place).and_then(Value::as_object_mut).expect("the first has both");
            for (name, it) in more {
                assert!(all.insert(name.clone(), it.clone()).is_none(), "{place} has {name} twice");
            }
        }
    }
    whole
});

/// The OpenAPI 3.1 document of this API.
pub fn openapi() -> &'static Value {
    &DOCUMENT
}

/// `GET /openapi.json`.
pub(crate) async fn show() -> Response {
    let json = (header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    ([json], DOCUMENT.to_string()).into_response()
}
