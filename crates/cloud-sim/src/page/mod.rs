//! The page at `/_sim/`: numbers, templates, and the phone's view of a conversation. All of it is in the binary, and it
//! shows what the calls of [`crate::phone`] answer.

use std::sync::Arc;

use axum::Router;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;

use crate::cloud::Cloud;

/// Nothing from elsewhere is loaded, and no script runs but the page's own.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; \
    base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

pub(crate) fn router() -> Router<Arc<Cloud>> {
    Router::new()
        .route("/_sim", get(async || Redirect::temporary("/_sim/")))
        .route("/_sim/", get(async || file("text/html", include_str!("index.html"))))
        .route("/_sim/page.css", get(async || file("text/css", include_str!("page.css"))))
        .route("/_sim/page.js", get(async || file("text/javascript", include_str!("page.js"))))
        .route("/_sim/bubble.js", get(async || file("text/javascript", include_str!("bubble.js"))))
}

fn file(kind: &str, text: &'static str) -> Response {
    let headers = [
        (CONTENT_TYPE, format!("{kind}; charset=utf-8")),
        (CONTENT_SECURITY_POLICY, POLICY.to_owned()),
        (X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
        // Another simulator may be of another version.
        (CACHE_CONTROL, "no-cache".to_owned()),
    ];
    (headers, text).into_response()
}
