//! `GET /{waba}/template_analytics`, `GET /{template}/compare`, and insights turned on.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::Request;
use axum::http::Uri;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::error::GraphError;
use super::given::Given;
use super::query;
use crate::cloud::{Cloud, waba_id};
use crate::insights::{self, Day};
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

fn of_account(cloud: &Cloud, waba: usize, id: u64) -> Result<Arc<Template>, GraphError> {
    let template = cloud.templates.by_id(id).filter(|template| template.waba == waba);
    template.ok_or_else(|| GraphError::unknown_object("get", &id.to_string()))
}

const METRICS: [&str; 5] = ["SENT", "DELIVERED", "READ", "CLICKED", "COST"];

/// The metrics asked for, `A,B` or `["A","B"]`; all when none are.
fn metrics(given: &HashMap<String, String>) -> Result<Vec<&'static str>, GraphError> {
    let Some(text) = given.get("metric_types").filter(|text| !text.is_empty()) else { return Ok(METRICS.to_vec()) };
    let names = text.trim_matches(['[', ']']).split(',').map(|name| name.trim().trim_matches('"'));
    let known = |name: &str| METRICS.into_iter().find(|it| it.eq_ignore_ascii_case(name));
    let unknown = || GraphError::not_one_of("metric_types", &METRICS.join(", "));
    names.map(|name| known(name).ok_or_else(unknown)).collect()
}

/// Whether the Marketing Messages API is asked about.
fn is_lite(given: &HashMap<String, String>) -> Result<bool, GraphError> {
    match given.get("product_type").map(String::as_str) {
        None | Some(CLOUD_API) => Ok(false),
        Some(MARKETING_API) => Ok(true),
        Some(_) => Err(GraphError::not_one_of("product_type", &[CLOUD_API, MARKETING_API].join(", "))),
    }
}

const CLOUD_API: &str = "CLOUD_API";
const MARKETING_API: &str = "MARKETING_MESSAGES_API_FOR_WHATSAPP";

/// `GET /{waba}/template_analytics`
pub(crate) fn analytics(cloud: &Cloud, waba: usize, uri: &Uri) -> Result<Response, GraphError> {
    let given = query(uri);
    if !cloud.insights.is_enabled(waba) {
        return Err(GraphError::of(200_005));
    }
    if given.get("granularity").is_some_and(|it| it != "DAILY") {
        return Err(GraphError::not_one_of("granularity", "DAILY"));
    }
    let (metrics, is_lite) = (metrics(&given)?, is_lite(&given)?);
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
        let template = of_account(cloud, waba, id)?;
        let price = cloud.rules.get().prices.get(&template.category.to_ascii_lowercase()).copied();
        for (start, end, day) in cloud.insights.days(id, is_lite, start, end) {
            let mut point = json!({ "template_id": id.to_string(), "start": start, "end": end });
            metrics
                .iter()
                .filter_map(|metric| measured(metric, &day, price))
                .for_each(|(name, value)| point[name] = value);
            points.push(point);
        }
    }
    let product = if is_lite { MARKETING_API } else { CLOUD_API };
    let data = json!([{ "granularity": "DAILY", "product_type": product, "data_points": points }]);
    Ok(Json(json!({ "data": data })).into_response())
}

/// One metric of a day; no cost without a price.
fn measured(metric: &str, day: &Day, price: Option<f64>) -> Option<(&'static str, Value)> {
    Some(match metric {
        "SENT" => ("sent", json!(day.sent)),
        "DELIVERED" => ("delivered", json!(day.delivered)),
        "READ" => ("read", json!(day.read)),
        "CLICKED" => {
            let clicks = day.clicks.iter();
            let clicks = clicks.map(|((kind, label), n)| json!({ "type": kind, "button_content": label, "count": n }));
            ("clicked", clicks.collect())
        }
        _ => ("cost", costs(day, price?)),
    })
}

/// What a day cost in all, by delivered message and by tap; without a value where there is nothing to divide by.
fn costs(day: &Day, price: f64) -> Value {
    let spent = price * day.billed as f64;
    let taps: u64 = day.clicks.iter().filter(|((kind, _), _)| *kind == insights::URL).map(|(_, n)| n).sum();
    let share = |kind: &str, of: u64| match of {
        0 => json!({ "type": kind }),
        of => json!({ "type": kind, "value": spent / of as f64 }),
    };
    let whole = json!({ "type": "amount_spent", "value": spent });
    json!([whole, share("cost_per_delivered", day.delivered), share("cost_per_url_button_click", taps)])
}

/// `GET /{template}/compare?template_ids=[OTHER]&start=&end=`. A block counts for the template that was sent last.
pub(crate) fn compare(cloud: &Cloud, template: &Template, uri: &Uri) -> Result<Response, GraphError> {
    let given = query(uri);
    let (start, end, ids) = (time(&given, "start")?, time(&given, "end")?, ids(&given)?);
    if !WINDOWS.contains(&(end.saturating_sub(start) / DAY)) {
        return Err(GraphError::parameter("The time between start and end must be 7, 30, 60 or 90 days"));
    }
    let [other] = ids[..] else { return Err(GraphError::parameter("Param template_ids must have one element")) };
    let compared = [template.id, of_account(cloud, template.waba, other)?.id];
    let sums = compared.map(|id| {
        let both = [false, true].into_iter().flat_map(|is_lite| cloud.insights.days(id, is_lite, start, end));
        both.fold((0, 0), |(sent, blocked), (.., day)| (sent + day.sent, blocked + day.blocked))
    });
    let sends = sums.map(|(sent, _)| sent);
    if sends.iter().any(|sent| *sent < COMPARED) {
        return Err(GraphError::parameter(
            "Each template must have been sent at least 1000 times in the time compared",
        ));
    }
    let keys = compared.map(|id| id.to_string());
    let values: Vec<Value> = keys.iter().zip(sends).map(|(key, value)| json!({ "key": key, "value": value })).collect();
    let reasons: Vec<Value> = keys.iter().map(|key| json!({ "key": key, "value": "UNKNOWN_BLOCK_REASON" })).collect();
    let rate = |place: usize| sums[place].1 as f64 / sums[place].0 as f64;
    let mut by_rate = keys.clone();
    if rate(1) < rate(0) {
        by_rate.reverse();
    }
    let data = json!([
        { "metric": "BLOCK_RATE", "type": "RELATIVE", "order_by_relative_metric": by_rate },
        { "metric": "MESSAGE_SENDS", "type": "NUMBER_VALUES", "number_values": values },
        { "metric": "TOP_BLOCK_REASON", "type": "STRING_VALUES", "string_values": reasons },
    ]);
    Ok(Json(json!({ "data": data })).into_response())
}
