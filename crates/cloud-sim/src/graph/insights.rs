//! `GET /{waba}/template_analytics`, `GET /{template}/compare`, and insights turned on.

use std::collections::HashMap;

use axum::Json;
use axum::extract::Request;
use axum::http::Uri;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::error::GraphError;
use super::given::Given;
use super::query;
use crate::cloud::{Cloud, waba_id};
use crate::templates::Template;

/// Meta: templates in one question, sends that a comparison needs, and its windows in days.
const TEMPLATES: usize = 10;
const COMPARED: u64 = 1_000;
const WINDOWS: [u64; 4] = [7, 30, 60, 90];
const LOOK_BACK: u64 = 90;
const DAY: u64 = 86_400;

/// `POST /{waba}?is_enabled_for_insights=true`
pub(crate) async fn enable(cloud: &Cloud, waba: usize, request: Request) -> Result<Response, GraphError> {
    let given = Given::read(request).await?;
    let value =
        given.value("is_enabled_for_insights").ok_or_else(|| GraphError::required("is_enabled_for_insights"))?;
    if *value != json!(true) && *value != json!("true") {
        return Err(GraphError::parameter("Param is_enabled_for_insights can only be set to true."));
    }
    cloud.insights.enable(waba);
    Ok(Json(json!({ "id": waba_id(waba) })).into_response())
}

/// A time in seconds since 1970.
fn time(given: &HashMap<String, String>, name: &str) -> Result<u64, GraphError> {
    let text = given.get(name).ok_or_else(|| GraphError::required(name))?;
    text.parse().map_err(|_| GraphError::parameter(format_args!("Param {name} must be a valid UNIX timestamp")))
}

/// The ids in `[1,2]`, their quotes aside.
fn ids(given: &HashMap<String, String>) -> Result<Vec<u64>, GraphError> {
    let text = given.get("template_ids").ok_or_else(|| GraphError::required("template_ids"))?;
    let wrong = || GraphError::parameter("Param template_ids must be an array of template ids");
    let inner = text.trim().strip_prefix('[').and_then(|text| text.strip_suffix(']')).ok_or_else(wrong)?;
    inner.split(',').map(|id| id.trim().trim_matches('"').parse().map_err(|_| wrong())).collect()
}

fn of_account(cloud: &Cloud, waba: usize, id: u64) -> Result<u64, GraphError> {
    let template = cloud.templates.by_id(id).filter(|template| template.waba == waba);
    template.map(|template| template.id).ok_or_else(|| GraphError::unknown_object("get", &id.to_string()))
}

/// `GET /{waba}/template_analytics`. Of the metrics it knows `SENT` alone.
pub(crate) fn analytics(cloud: &Cloud, waba: usize, uri: &Uri) -> Result<Response, GraphError> {
    let given = query(uri);
    if !cloud.insights.is_enabled(waba) {
        return Err(GraphError::of(200_005));
    }
    if given.get("granularity").is_some_and(|it| it != "DAILY") {
        return Err(GraphError::not_one_of("granularity", "DAILY"));
    }
    let (start, end, ids) = (time(&given, "start")?, time(&given, "end")?, ids(&given)?);
    let now = cloud.clock.now_us() / 1_000_000;
    if start >= end || start.saturating_add(LOOK_BACK * DAY) < now {
        return Err(GraphError::parameter("Param start must lie before end and within the last 90 days"));
    }
    if ids.len() > TEMPLATES {
        return Err(GraphError::parameter("Param template_ids must have at most 10 elements"));
    }
    let mut points = Vec::new();
    for id in ids {
        let id = of_account(cloud, waba, id)?;
        let days = cloud.insights.days(id, start, end).into_iter();
        points.extend(days.map(
            |(start, end, sent)| json!({ "template_id": id.to_string(), "start": start, "end": end, "sent": sent }),
        ));
    }
    let data = json!([{ "granularity": "DAILY", "product_type": "CLOUD_API", "data_points": points }]);
    Ok(Json(json!({ "data": data })).into_response())
}

/// `GET /{template}/compare?template_ids=[OTHER]&start=&end=`. Nobody blocks for a template's sake here: both rates are equal.
pub(crate) fn compare(cloud: &Cloud, template: &Template, uri: &Uri) -> Result<Response, GraphError> {
    let given = query(uri);
    let (start, end, ids) = (time(&given, "start")?, time(&given, "end")?, ids(&given)?);
    if !WINDOWS.contains(&(end.saturating_sub(start) / DAY)) {
        return Err(GraphError::parameter("The time between start and end must be 7, 30, 60 or 90 days"));
    }
    let [other] = ids[..] else { return Err(GraphError::parameter("Param template_ids must have one element")) };
    let compared = [template.id, of_account(cloud, template.waba, other)?];
    let sends = compared.map(|id| cloud.insights.days(id, start, end).into_iter().map(|(.., sent)| sent).sum::<u64>());
    if sends.iter().any(|sent| *sent < COMPARED) {
        return Err(GraphError::parameter(
            "Each template must have been sent at least 1000 times in the time compared",
        ));
    }
    let keys = compared.map(|id| id.to_string());
    let values: Vec<Value> = keys.iter().zip(sends).map(|(key, value)| json!({ "key": key, "value": value })).collect();
    let reasons: Vec<Value> = keys.iter().map(|key| json!({ "key": key, "value": "UNKNOWN_BLOCK_REASON" })).collect();
    let data = json!([
        { "metric": "BLOCK_RATE", "type": "RELATIVE", "order_by_relative_metric": keys },
        { "metric": "MESSAGE_SENDS", "type": "NUMBER_VALUES", "number_values": values },
        { "metric": "TOP_BLOCK_REASON", "type": "STRING_VALUES", "string_values": reasons },
    ]);
    Ok(Json(json!({ "data": data })).into_response())
}
