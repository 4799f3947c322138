//! Asking for the token before anything else, what it may do, and who hears of the account.

use axum::Json;
use axum::extract::Request;
use axum::http::{Method, Uri, header};
use axum::response::{IntoResponse, Response};
use chrono::DateTime;
use serde_json::{Value, json};

use super::error::GraphError;
use super::given::Given;
use super::{Path, done, query};
use crate::access::{Grant, MANAGEMENT, MESSAGING};
use crate::cloud::{APP_ID, Cloud, waba_id};

const APP_NAME: &str = "Dawncast Simulator App";

/// Refuses a call without the token, with one whose time is over or that was taken back, and one that the token's scopes
/// do not allow.
pub(crate) fn authorise(cloud: &Cloud, path: &Path<'_>, uri: &Uri, request: &Request) -> Result<(), GraphError> {
    let token = given(uri, request);
    let is_question = path.id == "debug_token";
    if is_question && token.as_deref() == Some(&cloud.app_token()) {
        return Ok(());
    }
    if token.as_deref() != Some(cloud.token.as_str()) {
        return Err(GraphError::bad_token());
    }
    let grant = cloud.access.grant();
    if let Some((subcode, message)) = fault(cloud, &grant) {
        return Err(GraphError::dead_token(subcode, message));
    }
    if is_question { Ok(()) } else { may(cloud, &grant, path, request.method()) }
}

fn given(uri: &Uri, request: &Request) -> Option<String> {
    let header = request.headers().get(header::AUTHORIZATION);
    if let Some(bearer) = header.and_then(|value| bearer(value.to_str().ok()?)) {
        return Some(bearer.to_owned());
    }
    query(uri).remove("access_token")
}

/// The token in a header: resumable uploads show it as `OAuth`.
fn bearer(header: &str) -> Option<&str> {
    header.strip_prefix("Bearer ").or_else(|| header.strip_prefix("OAuth "))
}

/// Whether the grant reaches what the path names.
fn may(cloud: &Cloud, grant: &Grant, path: &Path<'_>, method: &Method) -> Result<(), GraphError> {
    let sends = matches!(path.edge, "register" | "deregister" | "block_users") || path.is_of_messages(cloud);
    let account = cloud.waba(path.id).or_else(|| cloud.number(path.id).map(|number| number.waba));
    if account.is_some_and(|waba| !grant.sees_account(&waba_id(waba))) {
        return Err(GraphError::unknown_object(method.as_str(), path.id));
    }
    match sends {
        true if !grant.has(MESSAGING) => {
            Err(GraphError::forbidden(10, "Application does not have permission for this action"))
        }
        false if !grant.has(MANAGEMENT) => Err(GraphError::forbidden(200, "Permissions error")),
        _ => Ok(()),
    }
}

/// Why the token is not valid: subcode and words.
fn fault(cloud: &Cloud, grant: &Grant) -> Option<(u32, String)> {
    let now_us = cloud.clock.now_us();
    if grant.revoked {
        let words = "Error validating access token: The session has been invalidated because the user changed their \
                     password or Facebook has changed the session for security reasons.";
        return Some((460, words.to_owned()));
    }
    grant.is_over(now_us).then(|| {
        let (end, now) = (date(grant.expires_at), date(now_us / 1_000_000));
        (463, format!("Error validating access token: Session has expired on {end}. The current time is {now}."))
    })
}

fn date(seconds: u64) -> String {
    let at = i64::try_from(seconds).ok().and_then(|seconds| DateTime::from_timestamp(seconds, 0)).unwrap_or_default();
    at.format("%A, %d-%b-%y %H:%M:%S UTC").to_string()
}

/// `GET /debug_token?input_token=`
pub(crate) fn debug_token(cloud: &Cloud, uri: &Uri) -> Result<Response, GraphError> {
    let Some(input) = query(uri).remove("input_token") else { return Err(GraphError::required("input_token")) };
    let grant = cloud.access.grant();
    let data = match fault(cloud, &grant) {
        _ if input != cloud.token => invalid("Invalid OAuth access token.", json!({ "scopes": [] })),
        Some((subcode, message)) => {
            let mut data = invalid(&message, node(&grant));
            data["error"]["subcode"] = json!(subcode);
            data
        }
        None => node(&grant),
    };
    Ok(Json(json!({ "data": data })).into_response())
}

fn invalid(message: &str, mut node: Value) -> Value {
    node["is_valid"] = json!(false);
    node["error"] = json!({ "code": 190, "message": message });
    node
}

fn node(grant: &Grant) -> Value {
    let granular = |scope: &String| match grant.target_ids.is_empty() {
        true => json!({ "scope": scope }),
        false => json!({ "scope": scope, "target_ids": grant.target_ids }),
    };
    json!({
        "app_id": APP_ID,
        "type": "SYSTEM_USER",
        "application": APP_NAME,
        "data_access_expires_at": 0,
        "expires_at": grant.expires_at,
        "is_valid": true,
        "scopes": grant.scopes,
        "granular_scopes": grant.scopes.iter().map(granular).collect::<Vec<_>>(),
        "user_id": "122100000000000001",
    })
}

/// `GET /{waba}/subscribed_apps`
pub(crate) fn subscribed_apps(cloud: &Cloud, waba: usize) -> Response {
    let mut app = json!({
        "whatsapp_business_api_data": {
            "id": APP_ID, "link": "https://www.facebook.com/games/?app_id=400000000000001", "name": APP_NAME,
        },
    });
    if let Some(elsewhere) = cloud.access.elsewhere(waba) {
        app["override_callback_uri"] = json!(elsewhere);
    }
    let apps = if cloud.webhooks.courier().is_subscribed() { vec![app] } else { Vec::new() };
    Json(json!({ "data": apps })).into_response()
}

/// `POST /{waba}/subscribed_apps`, perhaps with another address for the account's webhooks. It is shown, and neither verified nor
/// posted to.
pub(crate) async fn subscribe(cloud: &Cloud, waba: usize, request: Request) -> Result<Response, GraphError> {
    let given = Given::read(request).await?;
    let elsewhere = given.text("override_callback_uri")?;
    if elsewhere.is_some() {
        given.required("verify_token")?;
    }
    if elsewhere.is_some_and(|url| !url.starts_with("https://")) {
        return Err(GraphError::parameter("Param override_callback_uri must be a valid HTTPS URL."));
    }
    cloud.access.send_elsewhere(waba, elsewhere);
    cloud.webhooks.courier().subscribe(true);
    Ok(done())
}

/// `DELETE /{waba}/subscribed_apps`
pub(crate) fn unsubscribe(cloud: &Cloud, waba: usize) -> Response {
    cloud.access.send_elsewhere(waba, None);
    cloud.webhooks.courier().subscribe(false);
    done()
}
