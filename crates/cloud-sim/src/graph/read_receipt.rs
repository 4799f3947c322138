//! `POST /{number}/messages` with a status: the user's message was read, and perhaps an answer is being typed.

use axum::response::Response;

use super::done;
use super::error::GraphError;
use super::send::SendRequest;
use crate::cloud::{Cloud, Number};

pub(crate) fn mark(cloud: &Cloud, number: &Number, request: &SendRequest) -> Result<Response, GraphError> {
    if request.status.as_deref() != Some("read") {
        return Err(GraphError::not_one_of("status", "READ"));
    }
    let message_id = request.message_id.as_deref().ok_or_else(|| GraphError::required("message_id"))?;
    if let Some(typing) = &request.typing_indicator {
        match typing.r#type.as_deref() {
            None => return Err(GraphError::required("typing_indicator['type']")),
            Some("text") => {}
            Some(_) => return Err(GraphError::not_one_of("typing_indicator['type']", "TEXT")),
        }
    }
    let now_us = cloud.clock.now_us();
    let Some(writer) = cloud.inbox.writer(message_id, number.place, now_us) else {
        let words = "Message id is not of a message that came to this number in the last 30 days";
        return Err(GraphError::invalid(words));
    };
    cloud.conversations.read_by_number((writer, number.place), message_id, now_us, request.typing_indicator.is_some());
    Ok(done())
}
