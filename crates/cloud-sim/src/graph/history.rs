//! `GET /{number}/message_history` and `GET /{history}/events`: what became of messages, and of the webhooks that told of it.

use axum::Json;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::error::GraphError;
use super::listing::{Kind, cursor, page};
use super::query;
use crate::catalogue;
use crate::cloud::{Cloud, Number};
use crate::webhooks::{Delivery, Happening, Record, Status, Telling};

const HISTORY: Kind = Kind { name: "WhatsAppMessageHistory", default: &["id", "message_id"], always: &["id"] };

const EDGE: Kind = Kind { name: "WhatsAppMessageHistoryEventEdge", default: &["cursor", "node"], always: &[] };

/// Meta's words in the list of one message's events, which are not those of the history.
const OCCURRENCES: [&str; 5] = ["ACCEPTED", "SENT", "DELIVERED", "READ", "ERROR"];

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

/// `GET /{history}/events`: the same of one message, and that it was accepted; with `status_filter` that status alone.
pub(crate) fn events(cloud: &Cloud, id: &str, request: &Request) -> Result<Response, GraphError> {
    let record = id.parse().ok().and_then(|id| cloud.webhooks.courier().history().by_id(id));
    let record = record.ok_or_else(|| GraphError::unknown_object("get", id))?;
    let wanted = query(request.uri()).remove("status_filter");
    if wanted.as_ref().is_some_and(|wanted| !OCCURRENCES.contains(&wanted.as_str())) {
        return Err(GraphError::not_one_of("status_filter", &OCCURRENCES.join(", ")));
    }
    let accepted = occurrence(format!("{}00", record.id), "ACCEPTED", record.accepted_us);
    let others = happened(cloud, &record).into_iter().map(|(id, happening, telling)| {
        let status = if matches!(happening.status, Status::Failed(_)) { "ERROR" } else { word(happening.status) };
        let mut node = occurrence(id, status, happening.at_us);
        explain(&mut node, happening);
        if let Some(telling) = telling {
            node["application"] = json!({ "id": cloud.apps().all()[telling.app].id });
        }
        node
    });
    let is_wanted = |node: &Value| wanted.as_ref().is_none_or(|wanted| node["delivery_status"] == **wanted);
    let nodes = [accepted].into_iter().chain(others).filter(is_wanted).enumerate();
    let edges: Vec<_> = nodes.map(|(place, node)| json!({ "cursor": cursor(place + 1), "node": node })).collect();
    Ok(Json(page(&edges, &EDGE, request)?).into_response())
}

/// When its webhook tells that it happened is when it did.
fn occurrence(id: String, status: &str, at_us: u64) -> Value {
    let at = at_us / 1_000_000;
    json!({ "id": id, "delivery_status": status, "occurrence_timestamp": at, "status_timestamp": at })
}

/// What has happened until now, in order of time: once for each app that is told of it, each with an id.
fn happened<'a>(cloud: &Cloud, record: &'a Record) -> Vec<(String, &'a Happening, Option<&'a Telling>)> {
    let now_us = cloud.clock.now_us();
    let mut happened: Vec<_> = record.happenings.iter().zip(1..).filter(|(it, _)| it.at_us <= now_us).collect();
    happened.sort_by_key(|(it, _)| it.at_us);
    let mut all = Vec::new();
    for (happening, place) in happened {
        let told = happening.tellings.iter().map(Some);
        let nobody = happening.tellings.is_empty().then_some(None);
        all.extend(told.chain(nobody).map(|telling| {
            let app = telling.map_or(0, |telling| telling.app);
            (format!("{}{place}{app}", record.id), happening, telling)
        }));
    }
    all
}

fn node(cloud: &Cloud, record: &Record) -> Value {
    let events = happened(cloud, record).into_iter();
    let events: Vec<_> = events.map(|(id, happening, telling)| event(cloud, &id, happening, telling)).collect();
    json!({ "id": record.id.to_string(), "message_id": &*record.wamid, "events": { "data": events } })
}

fn event(cloud: &Cloud, id: &str, happening: &Happening, telling: Option<&Telling>) -> Value {
    let (status, at) = (word(happening.status), happening.at_us / 1_000_000);
    let mut event = json!({ "id": id, "delivery_status": status, "timestamp": at });
    explain(&mut event, happening);
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

fn explain(event: &mut Value, happening: &Happening) {
    if let Status::Failed(code) = happening.status {
        event["error_description"] = json!(catalogue::entry(code).title);
    }
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
