//! `GET`, `POST` and `DELETE /{number}/block_users`.

use axum::Json;
use axum::extract::Request;
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::json;

use super::error::GraphError;
use super::given::Given;
use super::listing::{Kind, page};
use crate::cloud::{Cloud, Number};
use crate::wa_id::WaId;

/// Meta: the most that a number blocks.
const MOST: usize = 64_000;

const BLOCKED: Kind =
    Kind { name: "WhatsAppBusinessBlockedUser", default: &["messaging_product", "wa_id"], always: &[] };

#[derive(Deserialize)]
struct Asked {
    user: String,
}

/// With whom it cannot be done, by the code of the reason.
type Verdict = Result<WaId, u32>;

pub(crate) async fn change(cloud: &Cloud, number: &Number, request: Request) -> Result<Response, GraphError> {
    let blocks = request.method() == Method::POST;
    let given = Given::read(request).await?;
    given.check_product()?;
    let asked = given.value("block_users").ok_or_else(|| GraphError::required("block_users"))?;
    let asked = Vec::<Asked>::deserialize(asked)
        .map_err(|_| GraphError::parameter("Param block_users must be an array of objects with key \"user\"."))?;
    if asked.is_empty() {
        return Err(GraphError::required("block_users"));
    }
    let verdicts: Vec<(&str, Verdict)> = asked
        .iter()
        .map(|Asked { user }| {
            (user.as_str(), if blocks { block(cloud, number, user) } else { unblock(cloud, number, user) })
        })
        .collect();
    Ok(answer(&verdicts, if blocks { "added_users" } else { "removed_users" }))
}

fn block(cloud: &Cloud, number: &Number, user: &str) -> Verdict {
    let user: WaId = user.parse().map_err(|_| 131_009_u32)?;
    let now_us = cloud.clock.now_us();
    if !cloud.users.with(user, |it| it.contact(number.place, now_us).window_open(now_us)) {
        return Err(131_047);
    }
    cloud.belongings.block(number.place, user, MOST).then_some(user).ok_or(139_101)
}

fn unblock(cloud: &Cloud, number: &Number, user: &str) -> Verdict {
    let user: WaId = user.parse().map_err(|_| 131_009_u32)?;
    cloud.belongings.of(number.place, |owned| owned.blocked.retain(|blocked| *blocked != user));
    Ok(user)
}

/// Meta: 400 with both lists and code 139100 unless it was done with all of them.
fn answer(verdicts: &[(&str, Verdict)], done: &str) -> Response {
    let added: Vec<_> = verdicts
        .iter()
        .filter_map(|(input, verdict)| Some(json!({ "input": input, "wa_id": verdict.as_ref().ok()?.digits() })))
        .collect();
    let failed: Vec<_> = verdicts
        .iter()
        .filter_map(|(input, verdict)| {
            let error = GraphError::of(*verdict.as_ref().err()?);
            Some(json!({ "input": input, "errors": [error.body()] }))
        })
        .collect();
    let mut body = json!({ "messaging_product": "whatsapp", "block_users": { done: added } });
    if failed.is_empty() {
        return Json(body).into_response();
    }
    body["block_users"]["failed_users"] = json!(failed);
    body["error"] = json!(GraphError::of(139_100).body());
    (StatusCode::BAD_REQUEST, Json(body)).into_response()
}

pub(crate) fn list(cloud: &Cloud, number: &Number, request: &Request) -> Result<Response, GraphError> {
    let node = |user: &WaId| json!({ "messaging_product": "whatsapp", "wa_id": user.digits() });
    let nodes: Vec<_> = cloud.belongings.of(number.place, |owned| owned.blocked.iter().map(node).collect());
    Ok(Json(page(&nodes, &BLOCKED, request)?).into_response())
}
