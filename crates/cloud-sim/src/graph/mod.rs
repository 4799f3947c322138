//! The Graph API: finds the object and the edge that a path names, and asks for the token before anything else.

mod access;
mod answer;
mod blocks;
mod callbacks;
mod content;
mod encryption;
mod enrolment;
mod error;
mod fate;
mod file;
mod free_form;
mod given;
mod history;
mod insights;
mod interactive;
mod listing;
mod media;
mod metering;
mod nodes;
mod parameters;
mod price;
mod products;
mod profile;
mod read_receipt;
mod send;
mod template;
mod template_end;
mod upload;

use std::collections::HashMap;
use std::sync::Arc;

use axum::Json;
use axum::body::{Bytes, to_bytes};
use axum::extract::{ConnectInfo, Query, Request, State};
use axum::http::{HeaderValue, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde::de::Error;
use serde_json::json;

use crate::calls::Scope;
use crate::cloud::{Cloud, Number};
use crate::listener::Line;
use crate::webhooks::App;
use access::authorise;
use error::GraphError;
use send::Endpoint;

pub(crate) use fate::fate;

/// What an unversioned path gets: the newest version.
const NEWEST_VERSION: &str = "v26.0";

/// Far above any message; what is longer is no message.
const MESSAGE_BYTES: usize = 1 << 20;

/// Answers any path that is not the simulator's own.
pub(crate) async fn serve(
    State(cloud): State<Arc<Cloud>>,
    ConnectInfo(line): ConnectInfo<Line>,
    request: Request,
) -> Response {
    let uri = request.uri().clone();
    let path = Path::of(uri.path());
    cloud.half_latency().await;
    cloud.catch_up();
    // Once, before anything is deleted by the call itself.
    let scope = metering::scope(&cloud, &path);
    let answer = route(&cloud, &line, &path, &uri, scope, request).await;
    let mut response = answer.unwrap_or_else(IntoResponse::into_response);
    cloud.half_latency().await;
    if cloud.faults.is_down() {
        return line.reset();
    }
    if let Some(scope) = scope.filter(|_| response.status() != StatusCode::UNAUTHORIZED) {
        metering::tell(&cloud, scope, &mut response);
    }
    if let Ok(version) = HeaderValue::from_str(path.version) {
        response.headers_mut().insert("facebook-api-version", version);
    }
    response
}

async fn route(
    cloud: &Cloud,
    line: &Line,
    path: &Path<'_>,
    uri: &Uri,
    scope: Option<Scope>,
    request: Request,
) -> Result<Response, GraphError> {
    let method = request.method().clone();
    if let (&Method::POST, Some(endpoint)) = (&method, Endpoint::of(path.edge)) {
        let _under_way = cloud.totals.enter();
        return messages(cloud, line, path, uri, endpoint, request).await.inspect_err(|error| {
            cloud.totals.rejected(error.code);
            cloud.number(path.id).into_iter().for_each(|number| number.tally.refused());
        });
    }
    let app = authorise(cloud, path, uri, &request)?;
    if let Some(scope) = scope {
        metering::count(cloud, scope)?;
    }
    let unknown_object = || GraphError::unknown_object(method.as_str(), path.id);
    if let Some(waba) = cloud.waba(path.id) {
        return account(cloud, app, waba, path, request).await;
    }
    if let Some(template) = path.id.parse().ok().and_then(|id| cloud.templates.by_id(id)) {
        return match (&method, path.edge) {
            (&Method::GET, "") => template::show(&template, &request),
            (&Method::POST, "") => template::edit(cloud, template.id, request).await,
            (&Method::POST, "unpause") => template_end::unpause(cloud, &template),
            (&Method::GET, "compare") => insights::compare(cloud, &template, uri),
            (_, edge) => Err(GraphError::unknown_path(edge)),
        };
    }
    match (&method, path.edge, cloud.number(path.id)) {
        (&Method::GET, "", None) if path.id == "debug_token" => access::debug_token(cloud, uri),
        (&Method::POST, "uploads", None) if path.id == app.id => upload::open(cloud, uri),
        (&Method::POST, "", None) if path.id.starts_with("upload:") => {
            upload::take(cloud, line, path.id, request).await
        }
        (&Method::GET, "", None) if path.id.starts_with("upload:") => upload::show(cloud, path.id),
        (_, _, Some(number)) => of_number(cloud, app, number, path, request).await,
        (&Method::GET, "events", None) => history::events(cloud, path.id, &request),
        (_, "", None) => media::one(cloud, path.id, &request),
        (&Method::GET, _, None) if (path.id, path.edge) == media::BYTES => Ok(media::bytes(cloud, uri)),
        _ => Err(unknown_object()),
    }
}

/// What a number has.
async fn of_number(
    cloud: &Cloud,
    app: &App,
    number: &Number,
    path: &Path<'_>,
    request: Request,
) -> Result<Response, GraphError> {
    match (request.method(), path.edge) {
        (&Method::GET, "") => nodes::number(cloud, app, number, &query(request.uri())),
        (&Method::POST, "") => callbacks::change_number(cloud, app, number, request).await,
        (&Method::POST, "request_code") => enrolment::request_code(cloud, number, request).await,
        (&Method::POST, "verify_code") => enrolment::verify_code(cloud, number, request).await,
        (&Method::POST, "register") => enrolment::register(cloud, number, request).await,
        (&Method::POST, "deregister") => enrolment::deregister(cloud, number),
        (&Method::GET, "whatsapp_business_profile") => Ok(profile::show(cloud, number, &request)),
        (&Method::POST, "whatsapp_business_profile") => profile::update(cloud, number, request).await,
        (&Method::GET, "block_users") => blocks::list(cloud, number, &request),
        (&Method::POST | &Method::DELETE, "block_users") => blocks::change(cloud, number, request).await,
        (&Method::GET, "message_history") => history::list(cloud, number, &request),
        (&Method::POST, "media") => media::upload(cloud, number, request).await,
        (&Method::GET, "whatsapp_business_encryption") => Ok(encryption::show(cloud, number)),
        (&Method::POST, "whatsapp_business_encryption") => encryption::set(cloud, number, request).await,
        (method, "") => Err(GraphError::unknown_object(method.as_str(), path.id)),
        (_, edge) => Err(GraphError::unknown_path(edge)),
    }
}

/// What an account has.
async fn account(
    cloud: &Cloud,
    app: &App,
    waba: usize,
    path: &Path<'_>,
    request: Request,
) -> Result<Response, GraphError> {
    match (request.method(), path.edge) {
        (&Method::GET, "phone_numbers") => nodes::numbers(cloud, app, waba, &request),
        (&Method::GET, "message_templates") => nodes::templates(cloud, waba, &request),
        (&Method::POST, "message_templates") => template::create(cloud, waba, request).await,
        (&Method::DELETE, "message_templates") => template_end::delete(cloud, waba, request.uri()),
        (&Method::GET, "template_analytics") => insights::analytics(cloud, waba, request.uri()),
        (&Method::POST, "") => insights::enable(cloud, waba, request).await,
        (&Method::GET, "subscribed_apps") => Ok(callbacks::subscribed_apps(cloud, waba)),
        (&Method::POST, "subscribed_apps") => callbacks::subscribe(cloud, app, waba, request).await,
        (&Method::DELETE, "subscribed_apps") => Ok(callbacks::unsubscribe(app, waba)),
        (method, "") => Err(GraphError::unknown_object(method.as_str(), path.id)),
        (_, edge) => Err(GraphError::unknown_path(edge)),
    }
}

async fn messages(
    cloud: &Cloud,
    line: &Line,
    path: &Path<'_>,
    uri: &Uri,
    endpoint: Endpoint,
    request: Request,
) -> Result<Response, GraphError> {
    authorise(cloud, path, uri, &request)?;
    let number = sender(cloud, path)?;
    let body = body(request).await?;
    send::message(cloud, number, endpoint, &body, line).await
}

fn sender<'a>(cloud: &'a Cloud, path: &Path<'_>) -> Result<&'a Number, GraphError> {
    cloud.number(path.id).ok_or_else(|| match cloud.waba(path.id) {
        Some(_) => GraphError::unknown_path(path.edge),
        None => GraphError::unknown_object("post", path.id),
    })
}

async fn body(request: Request) -> Result<Bytes, GraphError> {
    to_bytes(request.into_body(), MESSAGE_BYTES).await.map_err(|_| GraphError::parameter("The request is too large."))
}

/// Reads JSON. It is UTF-8 in every part, in those too that nobody looks at, where serde_json does not look either.
fn read<'de, T: Deserialize<'de>>(body: &'de [u8]) -> serde_json::Result<T> {
    serde_json::from_str(str::from_utf8(body).map_err(|_| serde_json::Error::custom("the body is not UTF-8"))?)
}

fn query(uri: &Uri) -> HashMap<String, String> {
    Query::try_from_uri(uri).map(|Query(parameters)| parameters).unwrap_or_default()
}

/// What Graph answers where there is nothing to tell.
fn done() -> Response {
    Json(json!({ "success": true })).into_response()
}

/// `/[vN.N/]id[/edge]`.
struct Path<'a> {
    version: &'a str,
    id: &'a str,
    edge: &'a str,
}

impl<'a> Path<'a> {
    fn of(path: &'a str) -> Self {
        let path = path.trim_matches('/');
        let (first, rest) = path.split_once('/').unwrap_or((path, ""));
        let (version, path) = if is_version(first) { (first, rest) } else { (NEWEST_VERSION, path) };
        let (id, edge) = path.split_once('/').unwrap_or((path, ""));
        Self { version, id, edge }
    }

    /// Whether it belongs to messages and media. Sends are known by their edge, and wait for no media.
    fn is_of_messages(&self, cloud: &Cloud) -> bool {
        matches!(self.edge, "messages" | "marketing_messages" | "media")
            || (self.id, self.edge) == media::BYTES
            || cloud.media.knows(self.id)
    }
}

fn is_version(segment: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let numbers = segment.strip_prefix('v').and_then(|numbers| numbers.split_once('.'));
    numbers.is_some_and(|(major, minor)| digits(major) && digits(minor))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(path: &str, version: &str, id: &str, edge: &str) {
        let parsed = Path::of(path);
        assert_eq!((parsed.version, parsed.id, parsed.edge), (version, id, edge), "{path}");
    }

    #[test]
    fn a_path_is_read_with_and_without_a_version() {
        check("/v24.0/100/messages", "v24.0", "100", "messages");
        check("/100/messages", NEWEST_VERSION, "100", "messages");
        check("/v23.0/100", "v23.0", "100", "");
        check("/", NEWEST_VERSION, "", "");
        check("/v1/100", NEWEST_VERSION, "v1", "100");
    }
}
