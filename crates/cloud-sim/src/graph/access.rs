//! Asking for the token before anything else, what it may do.

use axum::Json;
use axum::extract::Request;
use axum::http::{Method, Uri, header};
use axum::response::{IntoResponse, Response};
use chrono::DateTime;
use serde_json::{Value, json};

use super::error::GraphError;
use super::{Path, query};
use crate::access::{Grant, MANAGEMENT, MESSAGING};
use crate::cloud::{Cloud, waba_id};
use crate::webhooks::App;

/// Refuses a call without a token, with one whose time is over or that was taken back, and one that the token's scopes do not
/// allow. The app that the token was made for.
pub(crate) fn authorise<'a>(
    cloud: &'a Cloud,
    path: &Path<'_>,
    uri: &Uri,
    request: &Request,
) -> Result<&'a App, GraphError> {
    let token = given(uri, request).unwrap_or_default();
    let is_question = path.id == "debug_token";
    if let Some(app) = cloud.apps().all().iter().find(|app| is_question && app.app_token() == token) {
        return Ok(app);
    }
    let place = cloud.apps().by_token(&token).ok_or_else(GraphError::bad_token)?;
    let grant = grant(cloud, place);
    if let Some((subcode, message)) = fault(cloud, &grant) {
        return Err(GraphError::dead_token(subcode, message));
    }
    if !is_question {
        may(cloud, &grant, path, request.method())?;
    }
    Ok(&cloud.apps().all()[place])
}

/// What the token of an app may do. The second app's is whole and without end.
fn grant(cloud: &Cloud, app: usize) -> Grant {
    if app == 0 { cloud.access.grant() } else { Grant::whole(cloud.accounts()) }
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
    let Some(place) = cloud.apps().by_token(&input) else {
        let data = invalid("Invalid OAuth access token.", json!({ "scopes": [] }));
        return Ok(Json(json!({ "data": data })).into_response());
    };
    let (app, grant) = (&cloud.apps().all()[place], grant(cloud, place));
    let data = match fault(cloud, &grant) {
        Some((subcode, message)) => {
            let mut data = invalid(&message, node(app, &grant));
            data["error"]["subcode"] = json!(subcode);
            data
        }
        None => node(app, &grant),
    };
    Ok(Json(json!({ "data": data })).into_response())
}

fn invalid(message: &str, mut node: Value) -> Value {
    node["is_valid"] = json!(false);
    node["error"] = json!({ "code": 190, "message": message });
    node
}

fn node(app: &App, grant: &Grant) -> Value {
    let granular = |scope: &String| match grant.target_ids.is_empty() {
        true => json!({ "scope": scope }),
        false => json!({ "scope": scope, "target_ids": grant.target_ids }),
    };
    json!({
        "app_id": app.id,
        "type": "SYSTEM_USER",
        "application": app.name,
        "data_access_expires_at": 0,
        "expires_at": grant.expires_at,
        "is_valid": true,
        "scopes": grant.scopes,
        "granular_scopes": grant.scopes.iter().map(granular).collect::<Vec<_>>(),
        "user_id": "122100000000000001",
    })
}
