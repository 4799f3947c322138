//! `GET` and `POST /{number}/whatsapp_business_profile`.

use axum::Json;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};

use super::error::GraphError;
use super::given::Given;
use super::{done, query};
use crate::cloud::{Cloud, Number};

/// The texts of a profile, each with its most characters (Meta: business profiles).
const TEXTS: [(&str, usize); 4] = [("about", 139), ("address", 256), ("description", 512), ("email", 128)];
const VERTICALS: [&str; 21] = [
    "UNDEFINED",
    "OTHER",
    "AUTO",
    "BEAUTY",
    "APPAREL",
    "EDU",
    "ENTERTAIN",
    "EVENT_PLAN",
    "FINANCE",
    "GROCERY",
    "GOVT",
    "HOTEL",
    "HEALTH",
    "NONPROFIT",
    "PROF_SERVICES",
    "RETAIL",
    "TRAVEL",
    "RESTAURANT",
    "NOT_A_BIZ",
    "ALCOHOL",
    "ONLINE_GAMBLING",
];

pub(crate) fn show(cloud: &Cloud, number: &Number, request: &Request) -> Response {
    let fields = query(request.uri()).remove("fields").unwrap_or_default();
    let profile = cloud.belongings.of(number.place, |owned| owned.profile.clone());
    let mut shown: Map<String, Value> =
        profile.into_iter().filter(|(name, _)| fields.split(',').any(|field| field.trim() == name)).collect();
    shown.insert("messaging_product".to_owned(), json!("whatsapp"));
    Json(json!({ "data": [shown] })).into_response()
}

pub(crate) async fn update(cloud: &Cloud, number: &Number, request: Request) -> Result<Response, GraphError> {
    let given = Given::read(request).await?;
    given.check_product()?;
    let mut changes = Map::new();
    for (name, most) in TEXTS {
        let Some(text) = given.text(name)? else { continue };
        if text.chars().count() > most || (name == "about" && text.is_empty()) {
            let words = format_args!("Param {name} must be a string with length between 1 and {most}.");
            return Err(GraphError::parameter(words));
        }
        changes.insert(name.to_owned(), json!(text));
    }
    if let Some(vertical) = given.text("vertical")? {
        if !VERTICALS.contains(&vertical) {
            return Err(GraphError::not_one_of("vertical", &VERTICALS.join(", ")));
        }
        changes.insert("vertical".to_owned(), json!(vertical));
    }
    if let Some(websites) = given.value("websites") {
        changes.insert("websites".to_owned(), json!(checked_websites(websites)?));
    }
    if let Some(handle) = given.text("profile_picture_handle")? {
        if !cloud.uploads.knows(handle) {
            return Err(GraphError::parameter("Param profile_picture_handle is not of an uploaded file."));
        }
        changes.insert("profile_picture_url".to_owned(), json!(format!("https://pps.whatsapp.net/{}", number.id)));
    }
    cloud.belongings.of(number.place, |owned| owned.profile.extend(changes));
    Ok(done())
}

/// Two addresses at most, of 256 characters each.
fn checked_websites(given: &Value) -> Result<Vec<&str>, GraphError> {
    let is_website = |text: &&str| text.starts_with("http://") || text.starts_with("https://");
    let websites: Option<Vec<&str>> = given.as_array().and_then(|all| all.iter().map(Value::as_str).collect());
    let websites = websites.filter(|all| all.len() <= 2 && all.iter().all(|it| is_website(it) && it.len() <= 256));
    websites.ok_or_else(|| GraphError::parameter("Param websites must be an array of at most 2 valid URLs."))
}
