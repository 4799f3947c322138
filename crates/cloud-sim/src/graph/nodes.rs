//! Reading numbers and templates.

use std::collections::HashMap;

use axum::Json;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::error::GraphError;
use super::listing::{Kind, page, select};
use super::{callbacks, query};
use crate::cloud::{Cloud, Number, PORTFOLIO_ID, waba_id};
use crate::standing::throughput_level;
use crate::webhooks::App;

const NUMBER: Kind = Kind {
    name: "WhatsAppBusinessPhoneNumber",
    default: &["verified_name", "code_verification_status", "display_phone_number", "quality_rating"],
    always: &["id"],
};

pub(super) const TEMPLATE: Kind = Kind {
    name: "WhatsAppMessageTemplate",
    default: &["name", "parameter_format", "components", "language", "status", "category"],
    always: &["id"],
};

/// `GET /{number}?fields=`
pub(crate) fn number(
    cloud: &Cloud,
    app: &App,
    number: &Number,
    query: &HashMap<String, String>,
) -> Result<Response, GraphError> {
    let node = select(&number_node(cloud, app, number), &NUMBER, query.get("fields").map(String::as_str))?;
    Ok(Json(node).into_response())
}

/// `GET /{waba}/phone_numbers`
pub(crate) fn numbers(cloud: &Cloud, app: &App, waba: usize, request: &Request) -> Result<Response, GraphError> {
    let nodes: Vec<_> =
        cloud.numbers.iter().filter(|it| it.waba == waba).map(|number| number_node(cloud, app, number)).collect();
    Ok(Json(page(&nodes, &NUMBER, request)?).into_response())
}

/// `GET /{waba}/message_templates`, filtered by `name`, `name_or_content`, `language`, `category`, `status` and `quality_score`.
pub(crate) fn templates(cloud: &Cloud, waba: usize, request: &Request) -> Result<Response, GraphError> {
    let filters = query(request.uri());
    let fits = |node: &Value| {
        let is_it = |name: &str, value: &Value| {
            let given = filters.get(name);
            given.is_none_or(|wanted| value.as_str().is_some_and(|it| it.eq_ignore_ascii_case(wanted)))
        };
        let holds = |text: &str| text_of(node).to_lowercase().contains(&text.to_lowercase());
        ["name", "language", "category", "status"].iter().all(|name| is_it(name, &node[*name]))
            && is_it("quality_score", &node["quality_score"]["score"])
            && filters.get("name_or_content").is_none_or(|text| holds(text))
    };
    let nodes: Vec<_> = cloud
        .templates
        .all()
        .iter()
        .filter(|it| it.waba == waba)
        .map(|template| template.node())
        .filter(fits)
        .collect();
    Ok(Json(page(&nodes, &TEMPLATE, request)?).into_response())
}

/// A template's name and the texts of its parts.
fn text_of(node: &Value) -> String {
    let parts = node["components"].as_array().map_or(&[][..], Vec::as_slice).iter();
    let texts = parts.filter_map(|part| part["text"].as_str());
    texts.chain(node["name"].as_str()).collect::<Vec<_>>().join("\n")
}

fn number_node(cloud: &Cloud, app: &App, number: &Number) -> Value {
    let (country, rest) = number.display.split_at(1);
    let standing = cloud.standings.of(number.place);
    let entity =
        |kind: &str, id: &str, can_send: &str| json!({ "entity_type": kind, "id": id, "can_send_message": can_send });
    let can_send = standing.can_send();
    json!({
        "id": number.id,
        "display_phone_number": format!("+{country} {}-{}-{}", &rest[..3], &rest[3..6], &rest[6..]),
        "verified_name": "Dawncast Simulator",
        "quality_rating": standing.quality_rating,
        "quality_score": { "score": standing.quality_rating },
        "code_verification_status": if standing.status == "UNVERIFIED" { "NOT_VERIFIED" } else { "VERIFIED" },
        "status": standing.status,
        "name_status": "APPROVED",
        "platform_type": "CLOUD_API",
        "account_mode": "LIVE",
        "throughput": { "level": throughput_level(standing.mps.unwrap_or(cloud.mps)) },
        "whatsapp_business_manager_messaging_limit": standing.messaging_limit,
        "health_status": {
            "can_send_message": can_send,
            "entities": [
                entity("PHONE_NUMBER", &number.id, can_send),
                entity("WABA", &waba_id(number.waba), "AVAILABLE"),
                entity("BUSINESS", PORTFOLIO_ID, "AVAILABLE"),
            ],
        },
        "webhook_configuration": callbacks::configuration(app, number),
        "is_official_business_account": false,
        "is_on_biz_app": false,
        "is_pin_enabled": true,
    })
}
