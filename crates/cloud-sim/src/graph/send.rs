//! `POST /{number}/messages`.

use std::sync::Arc;
use std::time::Duration;

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use super::error::GraphError;
use super::file::File;
use super::interactive::{self, InteractiveRequest};
use super::parameters::{self, TemplateRequest};
use crate::cloud::{Cloud, Number};
use crate::faults::{Fault, Try};
use crate::limits::PAIR;
use crate::listener::Line;
use crate::message::Message;
use crate::templates::MARKETING;
use crate::wa_id::WaId;
use crate::wamid::Direction;

/// Meta: longest `biz_opaque_callback_data`, in characters.
const CALLBACK_CHARS: usize = 512;
/// Meta: longest body of a text message, in characters.
const TEXT_CHARS: usize = 4096;

/// Message types that Meta has; `contacts`, `location` and `reaction` are not simulated.
const TYPES: &str = "AUDIO, CONTACTS, DOCUMENT, IMAGE, INTERACTIVE, LOCATION, REACTION, STICKER, TEMPLATE, TEXT, VIDEO";

#[derive(Deserialize)]
struct SendRequest {
    messaging_product: Option<String>,
    recipient_type: Option<String>,
    to: Option<String>,
    r#type: Option<String>,
    text: Option<Text>,
    image: Option<File>,
    video: Option<File>,
    audio: Option<File>,
    document: Option<File>,
    sticker: Option<File>,
    interactive: Option<InteractiveRequest>,
    template: Option<TemplateRequest>,
    biz_opaque_callback_data: Option<String>,
}

#[derive(Deserialize)]
struct Text {
    body: Option<String>,
}

/// Takes a message, or refuses it, or has the accident that was ordered.
pub(crate) async fn message(cloud: &Cloud, number: &Number, body: &[u8], line: &Line) -> Result<Response, GraphError> {
    let request = parse(body)?;
    if let Some(code) = cloud.standings.refuses(number.place) {
        return Err(GraphError::of(code));
    }
    let (input, user) = recipient(&request, number)?;
    let nth = cloud.users.with(user, |user| {
        user.tried += 1;
        user.tried
    });
    let fault = cloud.faults.decide(&Try { user, number: &number.id, nth });
    match fault {
        Some(Fault::ResetBeforeRead) => return Ok(line.reset()),
        Some(Fault::Throttle) => return Err(GraphError::of(130_429)),
        Some(Fault::Error { code, http_status }) => {
            return Err(GraphError::of(code).with_status(http_status));
        }
        _ => {}
    }
    let category = content(cloud, number, &request)?;
    let message = accept(cloud, number, user, category, fault, request.biz_opaque_callback_data.clone())?;
    cloud.webhooks.announce(&message, message.failure, nth);
    Ok(answer(input, &message, fault, line).await)
}

fn parse(body: &[u8]) -> Result<SendRequest, GraphError> {
    let request: SendRequest = serde_json::from_slice(body).map_err(|reason| match reason.classify() {
        serde_json::error::Category::Data => GraphError::parameter(format_args!("Invalid parameter: {reason}")),
        _ => GraphError::required("messaging_product"),
    })?;
    match request.messaging_product.as_deref() {
        None => Err(GraphError::required("messaging_product")),
        Some("whatsapp") => Ok(request),
        Some(_) => Err(GraphError::not_one_of("messaging_product", "WHATSAPP")),
    }
}

fn recipient<'a>(request: &'a SendRequest, number: &Number) -> Result<(&'a str, WaId), GraphError> {
    if request.recipient_type.as_deref().is_some_and(|kind| kind != "individual") {
        return Err(GraphError::not_one_of("recipient_type", "INDIVIDUAL"));
    }
    let input = request.to.as_deref().filter(|to| !to.is_empty()).ok_or_else(|| GraphError::required("to"))?;
    let user: WaId = input.parse().map_err(|_| GraphError::detailed(131_009, "Recipient phone number is not valid"))?;
    if user.digits() == number.display { Err(GraphError::of(131_021)) } else { Ok((input, user)) }
}

/// Checks type, shape, limits, template and parameters, and gives the template's category.
fn content(cloud: &Cloud, number: &Number, request: &SendRequest) -> Result<Option<&'static str>, GraphError> {
    let file = |kind: &str, file: Option<&File>| {
        file.ok_or_else(|| GraphError::required(kind))?.check_message(kind, cloud, number)
    };
    match request.r#type.as_deref().unwrap_or("text") {
        "text" => text(request.text.as_ref())?,
        kind @ "image" => file(kind, request.image.as_ref())?,
        kind @ "video" => file(kind, request.video.as_ref())?,
        kind @ "audio" => file(kind, request.audio.as_ref())?,
        kind @ "document" => file(kind, request.document.as_ref())?,
        kind @ "sticker" => file(kind, request.sticker.as_ref())?,
        "interactive" => interactive::check(request.interactive.as_ref(), cloud, number)?,
        "template" => {
            let named = parameters::named(request.template.as_ref())?;
            callback_data(request)?;
            return parameters::check(cloud, number, &named).map(Some);
        }
        other if TYPES.split(", ").any(|known| known.eq_ignore_ascii_case(other)) => {
            return Err(GraphError::of(131_051));
        }
        _ => return Err(GraphError::not_one_of("type", TYPES)),
    }
    callback_data(request).map(|()| None)
}

fn text(text: Option<&Text>) -> Result<(), GraphError> {
    let text = text.ok_or_else(|| GraphError::required("text"))?;
    let body = text.body.as_deref().filter(|body| !body.is_empty());
    match body.ok_or_else(|| GraphError::required("text['body']"))?.chars().count() {
        0..=TEXT_CHARS => Ok(()),
        _ => Err(too_long("text['body']", TEXT_CHARS)),
    }
}

fn callback_data(request: &SendRequest) -> Result<(), GraphError> {
    let data = request.biz_opaque_callback_data.as_deref().unwrap_or_default();
    // A string has no more characters than bytes, and nearly all are short: count only when in doubt.
    if data.len() > CALLBACK_CHARS && data.chars().count() > CALLBACK_CHARS {
        return Err(too_long("biz_opaque_callback_data", CALLBACK_CHARS));
    }
    Ok(())
}

fn too_long(parameter: &str, chars: usize) -> GraphError {
    GraphError::parameter(format_args!("Param {parameter} must be at most {chars} characters long."))
}

/// Service window, pair limit, throughput, then the ledger: one critical section per user, so that what is refused
/// spends nothing and what is accepted is on record.
fn accept(
    cloud: &Cloud,
    number: &Number,
    user: WaId,
    category: Option<&'static str>,
    fault: Option<Fault>,
    callback_data: Option<String>,
) -> Result<Arc<Message>, GraphError> {
    let wamid = cloud.mint.wamid(user, Direction::Outbound);
    cloud.users.with(user, |record| {
        let now_us = cloud.clock.now_us();
        let contact = record.contact(number.place, now_us);
        if category.is_none() && !contact.window_open(now_us) {
            return Err(GraphError::of(131_047));
        }
        if !contact.pair.ready(PAIR, now_us) {
            return Err(GraphError::of(131_056));
        }
        if !number.spend(now_us) {
            return Err(GraphError::of(130_429));
        }
        contact.pair.take(PAIR, now_us);
        let failure = match fault {
            Some(Fault::AsyncError { code }) => Some(code),
            Some(Fault::Undeliverable) => Some(131_026),
            _ if category == Some(MARKETING) && contact.stopped_marketing => Some(131_050),
            _ if contact.blocked || cloud.faults.is_undeliverable(user) => Some(131_026),
            _ if contact.window_open(now_us) || cloud.standings.may_reach(user, now_us) => None,
            _ => Some(131_048),
        };
        let at_us = now_us;
        let message = Arc::new(Message { user, number: number.place, wamid, callback_data, at_us, category, failure });
        record.accepted.push(Arc::clone(&message));
        cloud.totals.accepted();
        Ok(message)
    })
}

async fn answer(input: &str, message: &Message, fault: Option<Fault>, line: &Line) -> Response {
    match fault {
        Some(Fault::AcceptThenDropResponse) => line.close(),
        Some(Fault::AcceptThen500) => GraphError::of(131_000).into_response(),
        Some(Fault::OkWithHtml) => {
            let page = "<!DOCTYPE html><html><head><title>Facebook</title></head><body>Sorry, something went wrong.</body></html>";
            ([(header::CONTENT_TYPE, "text/html; charset=utf-8")], page).into_response()
        }
        Some(Fault::Slow { ms }) => {
            tokio::time::sleep(Duration::from_millis(ms)).await;
            confirmation(input, message)
        }
        _ => confirmation(input, message),
    }
}

/// The body is written by hand: phone, digits and id hold no character that JSON would escape.
fn confirmation(input: &str, message: &Message) -> Response {
    let status = if message.category.is_some() { r#","message_status":"accepted""# } else { "" };
    let body = format!(
        r#"{{"messaging_product":"whatsapp","contacts":[{{"input":"{input}","wa_id":"{}"}}],"messages":[{{"id":"{}"{status}}}]}}"#,
        message.user.digits(),
        message.wamid,
    );
    (StatusCode::OK, [(header::CONTENT_TYPE, "application/json; charset=UTF-8")], body).into_response()
}
