//! Who hears of an account, and where: `subscribed_apps`, and other addresses for an account or a number.

use axum::Json;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use reqwest::Url;
use serde_json::{Map, Value, json};

use super::error::{GraphError, too_long};
use super::given::Given;
use super::{done, enrolment};
use crate::cloud::{Cloud, Number};
use crate::webhooks::{App, Route};

/// Meta: longest address, in characters (webhook overrides).
const URL_CHARS: usize = 200;

/// `GET /{waba}/subscribed_apps`
pub(crate) fn subscribed_apps(cloud: &Cloud, waba: usize) -> Response {
    let node = |app: &App| {
        let mut node = json!({
            "whatsapp_business_api_data": {
                "id": app.id, "link": format!("https://www.facebook.com/games/?app_id={}", app.id), "name": app.name,
            },
        });
        if let Some(elsewhere) = app.elsewhere(Route::Account(waba)) {
            node["override_callback_uri"] = json!(elsewhere);
        }
        node
    };
    let subscribed = cloud.apps().all().iter().filter(|app| app.is_subscribed(waba));
    Json(json!({ "data": subscribed.map(node).collect::<Vec<_>>() })).into_response()
}

/// `POST /{waba}/subscribed_apps`, perhaps with another address for the account's messages, which is verified first.
pub(crate) async fn subscribe(cloud: &Cloud, app: &App, waba: usize, request: Request) -> Result<Response, GraphError> {
    let given = Given::read(request).await?;
    let elsewhere = match given.text("override_callback_uri")? {
        Some(url) => Some(verified(cloud, url, given.required("verify_token")?).await?),
        None => None,
    };
    app.send_elsewhere(Route::Account(waba), elsewhere);
    app.subscribe(waba, true);
    Ok(done())
}

/// `DELETE /{waba}/subscribed_apps`
pub(crate) fn unsubscribe(app: &App, waba: usize) -> Response {
    app.send_elsewhere(Route::Account(waba), None);
    app.subscribe(waba, false);
    done()
}

/// `POST /{number}`: another address for its messages, a new PIN, or both. An empty address takes the other back.
pub(crate) async fn change_number(
    cloud: &Cloud,
    app: &App,
    number: &Number,
    request: Request,
) -> Result<Response, GraphError> {
    let given = Given::read(request).await?;
    let Some(configuration) = given.value("webhook_configuration") else {
        return enrolment::set_pin(cloud, number, &given);
    };
    let configuration = object(configuration)?;
    let text = |name: &str| configuration.get(name).and_then(Value::as_str);
    let required =
        |name: &str| text(name).ok_or_else(|| GraphError::required(&format!("webhook_configuration['{name}']")));
    let elsewhere = match required("override_callback_uri")? {
        "" => None,
        url => Some(verified(cloud, url, required("verify_token")?).await?),
    };
    if given.value("pin").is_some() {
        enrolment::set_pin(cloud, number, &given)?;
    }
    app.send_elsewhere(Route::Number(number.place), elsewhere);
    Ok(done())
}

/// In a form the object is written as JSON.
fn object(value: &Value) -> Result<Map<String, Value>, GraphError> {
    let written = value.as_str().and_then(|text| serde_json::from_str(text).ok());
    let object = written.or_else(|| value.as_object().cloned());
    object.ok_or_else(|| GraphError::parameter("Param webhook_configuration must be an object."))
}

/// The addresses of a number's messages, in order of precedence.
pub(crate) fn configuration(app: &App, number: &Number) -> Value {
    let mut shown = Map::new();
    let routes = [
        ("phone_number", app.elsewhere(Route::Number(number.place))),
        ("whatsapp_business_account", app.elsewhere(Route::Account(number.waba))),
        ("application", app.url().map(|url| url.to_string())),
    ];
    shown.extend(routes.into_iter().filter_map(|(name, url)| Some((name.to_owned(), json!(url?)))));
    Value::Object(shown)
}

/// An address that answered Meta's question. Meta takes HTTPS with a public certificate; the simulator takes HTTP as well.
async fn verified(cloud: &Cloud, url: &str, verify_token: &str) -> Result<Url, GraphError> {
    if url.chars().count() > URL_CHARS {
        return Err(too_long("override_callback_uri", URL_CHARS));
    }
    let url = Url::parse(url).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
    let url = url.ok_or_else(|| GraphError::parameter("Param override_callback_uri must be a valid URL."))?;
    let verified = cloud.webhooks.courier().verify(url.clone(), verify_token).await;
    verified.map_err(GraphError::unverified)?;
    Ok(url)
}
