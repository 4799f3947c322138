//! `GET /{number}/message_history`: what became of messages, and of the webhooks that told of it.

use axum::Json;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::error::GraphError;
use super::listing::{Kind, page};
use super::query;
use crate::catalogue;
use crate::cloud::{Cloud, Number};
use crate::webhooks::{Delivery, Happening, Record, Status, Telling};

const HISTORY: Kind = Kind { name: "WhatsAppMessageHistory", default: &["id", "message_id"], always: &["id"] };

/// Meta: most messages of a page.
const MOST: u64 = 100;

/// Those of the latest messages first; with `message_id` of that one, if it is known.
pub(crate) fn list(cloud: &Cloud, number: &Number, request: &Request) -> Result<Response, GraphError> {
    let mut given = query(request.uri());
    if given.get("limit").is_some_and(|limit| limit.parse().is_ok_and(|limit: u64| limit > MOST)) {
        return Err(GraphError::parameter(format_args!("Param limit must be at most {MOST}")));
    }
    let wanted = given.remove("message_id");
    let records = cloud.webhooks.courier().history().of(number.place, wanted.as_deref());
    let nodes: Vec<_> = records.iter().map(|record| node(cloud, record)).collect();
    Ok(Json(page(&nodes, &HISTORY, request)?).into_response())
}

/// What has happened until now, in order of time: once for each app that is told of it.
fn node(cloud: &Cloud, record: &Record) -> Value {
    let now_us = cloud.clock.now_us();
    let mut happened: Vec<_> = record.happenings.iter().enumerate().filter(|(_, it)| it.at_us <= now_us).collect();
    happened.sort_by_key(|(_, it)| it.at_us);
    let mut events = Vec::new();
    for (place, happening) in happened {
        let told = happening.tellings.iter().map(Some);
        let nobody = happening.tellings.is_empty().then_some(None);
        for telling in told.chain(nobody) {
            let mut event = event(cloud, happening, telling);
            event["id"] = json!(format!("{}{place}{}", record.id, telling.map_or(0, |telling| telling.app)));
            events.push(event);
        }
    }
    json!({ "id": record.id.to_string(), "message_id": &*record.wamid, "events": { "data": events } })
}

fn event(cloud: &Cloud, happening: &Happening, telling: Option<&Telling>) -> Value {
    let mut event = json!({ "delivery_status": word(happening.status), "timestamp": happening.at_us / 1_000_000 });
    if let Status::Failed(code) = happening.status {
        event["error_description"] = json!(catalogue::entry(code).title);
    }
    if let Some(Telling { app, route, delivery }) = telling {
        let app = &cloud.apps().all()[*app];
        event["application"] = json!({ "id": app.id });
        event["webhook_update_state"] = json!(state(*delivery));
        if let Some(url) = app.url_of(*route) {
            event["webhook_uri"] = json!(url.as_str());
        }
    }
    event
}

fn word(status: Status) -> &'static str {
    match status {
        Status::Sent => "SENT",
        Status::Delivered => "DELIVERED",
        Status::Read => "READ",
        Status::Failed(_) => "FAILED",
    }
}

fn state(delivery: Delivery) -> &'static str {
    match delivery {
        Delivery::Pending => "PENDING",
        Delivery::Retrying => "RETRYING",
        Delivery::Delivered => "DELIVERED",
        Delivery::Failed => "FAILED",
    }
}
