//! What comes back for a message that was accepted: the confirmation, or the accident that was ordered.

use std::convert::Infallible;
use std::time::Duration;

use axum::body::Body;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures::stream::{self, StreamExt};
use tokio::time::{Instant, sleep, sleep_until};

use super::error::GraphError;
use crate::cloud::Cloud;
use crate::faults::{Fault, is_away};
use crate::listener::Line;
use crate::message::Message;

/// How many bytes of a slow answer come at once.
const PIECE: usize = 8;

/// The body is written by hand: phone, user id, digits and id hold no character that JSON would escape.
pub(super) fn confirmation(input: &str, message: &Message, tells_user_id: bool) -> String {
    let status = match message.category {
        Some(_) if message.held_by.is_some() => r#","message_status":"held_for_quality_assessment""#,
        Some(_) => r#","message_status":"accepted""#,
        None => "",
    };
    let (wa_id, user_id) = (message.user.digits(), message.user.user_id());
    let contact = match (message.by_user_id, tells_user_id) {
        (true, _) => format!(r#""user_id":"{user_id}""#),
        (false, false) => format!(r#""wa_id":"{wa_id}""#),
        (false, true) => format!(r#""wa_id":"{wa_id}","user_id":"{user_id}""#),
    };
    format!(
        r#"{{"messaging_product":"whatsapp","contacts":[{{"input":"{input}",{contact}}}],"messages":[{{"id":"{}"{status}}}]}}"#,
        message.wamid,
    )
}

/// Answers with the confirmation, unless a fault has it otherwise.
pub(super) async fn answer(cloud: &Cloud, confirmation: String, fault: Option<Fault>, line: &Line) -> Response {
    match fault {
        Some(Fault::AcceptThenDropResponse) => line.close(),
        Some(Fault::AcceptThen500) => GraphError::of(131_000).into_response(),
        Some(Fault::AcceptThenError { code, http_status }) => {
            GraphError::of(code).with_status(http_status).into_response()
        }
        Some(Fault::OkWithHtml) => {
            let page = "<!DOCTYPE html><html><head><title>Facebook</title></head><body>Sorry, something went wrong.</body></html>";
            ([(header::CONTENT_TYPE, "text/html; charset=utf-8")], page).into_response()
        }
        Some(Fault::Slow { ms }) => {
            sleep(Duration::from_millis(ms)).await;
            json(Body::from(confirmation))
        }
        Some(Fault::SlowBytes { ms }) => trickle(cloud, confirmation.into(), Duration::from_millis(ms), line.clone()),
        _ => json(Body::from(confirmation)),
    }
}

fn json(body: Body) -> Response {
    ([(header::CONTENT_TYPE, "application/json; charset=UTF-8")], body).into_response()
}

/// The headers at once, and the bytes one piece after the other, the last when the time is over. When the simulator goes away in
/// between, the rest is lost.
fn trickle(cloud: &Cloud, whole: Bytes, span: Duration, line: Line) -> Response {
    let (length, began, away) = (whole.len(), Instant::now(), cloud.faults.away());
    let pieces = stream::iter((0..length).step_by(PIECE)).then(move |start| {
        let piece = whole.slice(start..length.min(start + PIECE));
        let due = began + span.mul_f64((start + piece.len()) as f64 / length as f64);
        let (line, away) = (line.clone(), away.clone());
        async move {
            sleep_until(due).await;
            if is_away(&away.borrow()) {
                line.reset();
            }
            Ok::<_, Infallible>(piece)
        }
    });
    ([(header::CONTENT_LENGTH, length)], json(Body::from_stream(pieces))).into_response()
}
