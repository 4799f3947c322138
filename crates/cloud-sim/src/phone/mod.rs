//! The phone of a user: what it shows of its conversations, and what a person does with it. Calls under `/_sim/`.

mod view;

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::bubble::{Bubble, Press};
use crate::cloud::{Cloud, Number};
use crate::control::{Refusal, read};
use crate::conversations::Entry;
use crate::wa_id::WaId;

/// How many conversations are listed unless `limit` says otherwise.
const LISTED: usize = 50;

/// The longest emoji, in characters: those of families and flags are of many.
const EMOJI_CHARS: usize = 16;

pub(crate) fn router() -> Router<Arc<Cloud>> {
    Router::new()
        .route("/_sim/numbers", get(view::numbers))
        .route("/_sim/templates", get(view::templates))
        .route("/_sim/conversations", get(list))
        .route("/_sim/conversations/{number}/{phone}", get(conversation))
        .route("/_sim/press", post(press))
        .route("/_sim/react", post(react))
        .route("/_sim/read", post(mark_read))
        .route("/_sim/media/{id}", get(picture))
}

/// Which conversations are asked for.
#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Search {
    /// Digits of the phone.
    phone: String,
    /// The id of the number.
    number: Option<String>,
    limit: usize,
}

impl Default for Search {
    fn default() -> Self {
        Self { phone: String::new(), number: None, limit: LISTED }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Pressed {
    from: WaId,
    number: String,
    message: String,
    /// Its key.
    button: String,
    /// What was entered into a flow.
    response: Option<Map<String, Value>>,
    location: Option<Spot>,
}

/// Where the phone is.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Spot {
    latitude: f64,
    longitude: f64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Reaction {
    from: WaId,
    number: String,
    message: String,
    /// Nothing takes it back.
    #[serde(default)]
    emoji: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Opened {
    from: WaId,
    number: String,
}

async fn list(
    State(cloud): State<Arc<Cloud>>,
    search: Result<Query<Search>, QueryRejection>,
) -> Result<Json<Value>, Refusal> {
    let Query(Search { phone, number, limit }) = search.map_err(|reason| Refusal::new(reason.body_text()))?;
    if limit == 0 {
        return Err(Refusal::new("limit: give at least 1".to_owned()));
    }
    let number = number.map(|id| cloud.known_number(&id).map(|number| number.place)).transpose()?;
    let digits: String = phone.chars().filter(char::is_ascii_digit).collect();
    if digits.is_empty() && !phone.is_empty() {
        return Err(Refusal::new(format!("phone: `{phone}` has no digits to search for")));
    }
    let is_meant = |(user, place): (WaId, usize)| {
        number.is_none_or(|number| number == place) && (digits.is_empty() || user.digits().contains(&digits))
    };
    let (latest, all) = cloud.conversations.latest(limit, is_meant);
    Ok(Json(view::list(&cloud, &latest, all)))
}

async fn conversation(
    State(cloud): State<Arc<Cloud>>,
    Path((number, phone)): Path<(String, String)>,
) -> Result<Json<Value>, Refusal> {
    let number = cloud.known_number(&number)?;
    let phone = phone.parse().map_err(|reason| Refusal::new(format!("phone: {reason}")))?;
    Ok(Json(view::conversation(&cloud, number, phone)))
}

/// A message of the conversation that is on the phone; `field` names it.
pub(crate) fn kept(cloud: &Cloud, from: WaId, number: &Number, field: &str, id: &str) -> Result<Entry, Refusal> {
    let conversation = cloud.conversations.of((from, number.place)).unwrap_or_default();
    let found = conversation.messages.into_iter().find(|entry| entry.id() == id);
    let unknown = || format!("{field}: `{id}` is not among those that are kept of this conversation");
    match found.ok_or_else(|| Refusal::new(unknown()))? {
        Entry::Sent(sent) if sent.message.failure.is_some() => {
            Err(Refusal::new(format!("{field}: `{id}` failed, and is not on the phone")))
        }
        entry => Ok(entry),
    }
}

async fn press(State(cloud): State<Arc<Cloud>>, body: Bytes) -> Result<Json<Value>, Refusal> {
    let pressed: Pressed = read(&body)?;
    let number = cloud.known_number(&pressed.number)?;
    let entry = kept(&cloud, pressed.from, number, "message", &pressed.message)?;
    let bubble = Bubble::of(&entry);
    let Some(button) = bubble.buttons().find(|button| button.key == pressed.button) else {
        let keys: Vec<_> = bubble.buttons().map(|button| button.key.as_str()).collect();
        let keys = if keys.is_empty() { "none at all".to_owned() } else { keys.join(", ") };
        return Err(Refusal::new(format!("button: there is no `{}` on the message, which has {keys}", pressed.button)));
    };
    if let Entry::Sent(sent) = &entry {
        cloud.count_click(&sent.message, &button.text);
    }
    let (kind, content) = match &button.press {
        Press::Tells { kind, content } => (*kind, content.clone()),
        Press::Flow { token } => ("interactive", entered(token, pressed.response)),
        Press::Place => ("location", spot(pressed.location)?),
        nobody_is_told => return Ok(Json(json!(nobody_is_told))),
    };
    Ok(Json(json!({ "id": cloud.say(pressed.from, number, kind, content, Some(pressed.message))? })))
}

/// What a flow's end tells; Meta writes what was entered as a string.
fn entered(token: &str, response: Option<Map<String, Value>>) -> Value {
    let mut response = response.unwrap_or_default();
    response.insert("flow_token".to_owned(), json!(token));
    let reply = json!({ "name": "flow", "body": "Sent", "response_json": Value::Object(response).to_string() });
    json!({ "type": "nfm_reply", "nfm_reply": reply })
}

fn spot(given: Option<Spot>) -> Result<Value, Refusal> {
    let words = "location: this button sends one: give its latitude (-90 to 90) and longitude (-180 to 180)";
    match given {
        Some(Spot { latitude, longitude }) if latitude.abs() <= 90.0 && longitude.abs() <= 180.0 => {
            Ok(json!({ "latitude": latitude, "longitude": longitude }))
        }
        _ => Err(Refusal::new(words.to_owned())),
    }
}

async fn react(State(cloud): State<Arc<Cloud>>, body: Bytes) -> Result<Json<Value>, Refusal> {
    let Reaction { from, number, message, emoji } = read(&body)?;
    let number = cloud.known_number(&number)?;
    kept(&cloud, from, number, "message", &message)?;
    if emoji.is_ascii() && !emoji.is_empty() || emoji.chars().count() > EMOJI_CHARS {
        return Err(Refusal::new("emoji: give one emoji, or nothing to take it back".to_owned()));
    }
    let mut content = json!({ "message_id": message });
    if !emoji.is_empty() {
        content["emoji"] = json!(emoji);
    }
    Ok(Json(json!({ "id": cloud.say(from, number, "reaction", content, None)? })))
}

async fn mark_read(State(cloud): State<Arc<Cloud>>, body: Bytes) -> Result<Json<Value>, Refusal> {
    let Opened { from, number } = read(&body)?;
    let (number, now_us) = (cloud.known_number(&number)?, cloud.clock.now_us());
    let read = cloud.conversations.read_by_user((from, number.place), now_us);
    read.iter().for_each(|message| cloud.webhooks.read(message, now_us));
    Ok(Json(json!({ "read": read.len() })))
}

/// A picture that was uploaded, without the token that Meta's address of it needs.
async fn picture(State(cloud): State<Arc<Cloud>>, Path(id): Path<String>) -> Response {
    let medium = cloud.media.find(&id, cloud.clock.now_us()).filter(|medium| medium.mime.starts_with("image/"));
    match medium.and_then(|medium| Some((medium.mime, medium.bytes?))) {
        Some((mime, bytes)) => ([(header::CONTENT_TYPE, mime.as_str()), NO_SNIFFING], bytes).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

const NO_SNIFFING: (header::HeaderName, &str) = (header::X_CONTENT_TYPE_OPTIONS, "nosniff");
