//! Sending one message once, and what can be known afterwards.

use bytes::Bytes;
use reqwest::header::CONTENT_TYPE;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    ApiError, Cause, CauseKind, Client, InvalidMessage, Message, Personal, Token,
    client::{Answer, exchange},
    open_enum::open_enum,
};

/// What is known after a POST. A value, not an error: each variant is a normal event in the life of a message.
///
/// Meta has no idempotency key, so what may be repeated is decided here: [`NotSent`](Self::NotSent) always may,
/// [`Refused`](Self::Refused) by its [class](ApiError::class), [`Unknown`](Self::Unknown) only after its status
/// webhook has been waited for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "the outcome says whether the message may be repeated"]
pub enum SendOutcome {
    /// HTTP 200 with a message id. It means accepted, never delivered: that comes by webhook.
    Accepted {
        /// The id under which status webhooks come.
        wamid: String,
        /// Whether the message goes out now.
        message_status: MessageStatus,
        /// The recipient as WhatsApp spells it, which may differ from the number sent to.
        wa_id: Option<Personal>,
        /// The recipient's business-scoped user id.
        user_id: Option<Personal>,
    },
    /// The API answered with an error, or the edge with HTTP 401, 403 or 429 and no code. Not accepted, unless its
    /// class is [`Ambiguous`](crate::Class::Ambiguous).
    Refused(Box<ApiError>),
    /// The request was never written: repeating it is safe.
    NotSent(Cause),
    /// The message may have been accepted: the connection broke or timed out after bytes may have been written, or the
    /// answer does not say.
    Unknown(Cause),
}

open_enum! {
    /// What Meta does with an accepted message (Meta: template pacing).
    MessageStatus {
        /// On its way. Also when the response does not say.
        Accepted = "accepted",
        /// Held until the template's quality is judged, normally within an hour; if bad it fails with code 132015.
        HeldForQualityAssessment = "held_for_quality_assessment",
        /// The template is paused.
        Paused = "paused",
    }
}

/// The body of a successful response.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SendResponse {
    /// `whatsapp`.
    pub messaging_product: String,
    /// The recipient, as asked and as understood.
    #[serde(default)]
    pub contacts: Vec<SentContact>,
    /// One element: the message.
    pub messages: Vec<SentMessage>,
}

/// The recipient in a [`SendResponse`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SentContact {
    /// Exactly what was sent.
    pub input: Personal,
    /// The WhatsApp id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wa_id: Option<Personal>,
    /// The business-scoped user id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<Personal>,
}

/// The message in a [`SendResponse`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SentMessage {
    /// The id under which status webhooks come.
    pub id: String,
    /// Absent means accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message_status: Option<MessageStatus>,
}

impl Client {
    /// Sends a message, once, if it [passes](Message::check).
    ///
    /// Dropping the future after its first poll leaves the outcome unknown.
    ///
    /// # Errors
    /// Every limit that the message does not keep. Nothing was sent then.
    pub async fn send(
        &self,
        phone_number_id: &str,
        token: &Token,
        message: &Message,
    ) -> Result<SendOutcome, InvalidMessage> {
        message.check()?;
        let body = serde_json::to_vec(message).expect("a message is strings, numbers, booleans and lists");
        Ok(self.send_body(phone_number_id, token, body).await)
    }

    /// Sends an already serialised message, once: the fast path for callers that render bodies themselves.
    ///
    /// Dropping the future after its first poll leaves the outcome unknown.
    pub async fn send_body(&self, phone_number_id: &str, token: &Token, body: impl Into<Bytes>) -> SendOutcome {
        self.post_message(phone_number_id, "messages", token, body.into()).await
    }

    pub(crate) async fn post_message(
        &self,
        phone_number_id: &str,
        edge: &str,
        token: &Token,
        body: Bytes,
    ) -> SendOutcome {
        let request = self.post(phone_number_id, edge, token).header(CONTENT_TYPE, "application/json").body(body);
        match exchange(request).await {
            Ok(answer) => SendOutcome::read(answer),
            Err(cause) if cause.kind.is_never_written() => SendOutcome::NotSent(cause),
            Err(cause) => SendOutcome::Unknown(cause),
        }
    }
}

impl SendOutcome {
    pub(crate) fn read(answer: Answer) -> Self {
        if answer.status == 200 {
            return accepted(&answer.body).unwrap_or_else(|| Self::Unknown(unreadable()));
        }
        match refusal(&answer) {
            Some(error) => Self::Refused(error),
            None => Self::Unknown(Cause::status(answer.status)),
        }
    }
}

/// The error in an answer that is no success. HTTP 401, 403 and 429 need no body to say that nothing was accepted.
pub(crate) fn refusal(answer: &Answer) -> Option<Box<ApiError>> {
    let parsed = (answer.status >= 400).then(|| ApiError::parse(answer.status, &answer.body)).flatten();
    let bare = || matches!(answer.status, 401 | 403 | 429).then(|| ApiError::bare(answer.status));
    let error = parsed.or_else(bare)?;
    Some(Box::new(ApiError { retry_after: answer.retry_after, ..error }))
}

fn unreadable() -> Cause {
    Cause::new(CauseKind::Unreadable, "HTTP 200 without a message id")
}

fn accepted(body: &[u8]) -> Option<SendOutcome> {
    let response = serde_json::from_slice(body).ok().or_else(|| essentials(body))?;
    let SendResponse { contacts, messages, .. } = response;
    let SentMessage { id: wamid, message_status } = messages.into_iter().next().filter(|sent| !sent.id.is_empty())?;
    let (wa_id, user_id) = contacts.into_iter().next().map_or((None, None), |to| (to.wa_id, to.user_id));
    Some(SendOutcome::Accepted {
        wamid,
        message_status: message_status.unwrap_or(MessageStatus::Accepted),
        wa_id,
        user_id,
    })
}

/// The id alone, when the rest of the body has an unexpected shape: an odd contact must not put the message in doubt.
fn essentials(body: &[u8]) -> Option<SendResponse> {
    let body: Value = serde_json::from_slice(body).ok()?;
    let message = body.pointer("/messages/0")?;
    let id = message.get("id")?.as_str()?.to_owned();
    let message_status = message.get("message_status").and_then(Value::as_str).map(MessageStatus::from);
    let messages = vec![SentMessage { id, message_status }];
    Some(SendResponse { messaging_product: String::new(), contacts: Vec::new(), messages })
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderMap;

    use super::*;
    use crate::Class;

    fn read(status: u16, body: &str) -> SendOutcome {
        SendOutcome::read(Answer {
            status,
            retry_after: None,
            headers: HeaderMap::new(),
            body: Bytes::copy_from_slice(body.as_bytes()),
        })
    }

    fn check(body: &str, expected_status: MessageStatus, expected_wa_id: Option<&str>) {
        let SendOutcome::Accepted { wamid, message_status, wa_id, .. } = read(200, body) else { panic!("{body}") };
        assert_eq!((wamid.as_str(), message_status), ("wamid.1", expected_status), "{body}");
        assert_eq!(wa_id.as_ref().map(Personal::as_str), expected_wa_id, "{body}");
    }

    #[test]
    fn an_accepted_message_keeps_its_id_and_what_became_of_the_recipient() {
        check(
            r#"{"messaging_product":"whatsapp","contacts":[{"input":"+919812345678","wa_id":"919812345678"}],
                "messages":[{"id":"wamid.1","message_status":"accepted"}]}"#,
            MessageStatus::Accepted,
            Some("919812345678"),
        );
        check(r#"{"messaging_product":"whatsapp","messages":[{"id":"wamid.1"}]}"#, MessageStatus::Accepted, None);
    }

    #[test]
    fn a_held_message_is_accepted_yet_said_to_be_held() {
        let body = |status| {
            format!(r#"{{"messaging_product":"whatsapp","messages":[{{"id":"wamid.1","message_status":"{status}"}}]}}"#)
        };
        check(&body("held_for_quality_assessment"), MessageStatus::HeldForQualityAssessment, None);
        check(&body("paused"), MessageStatus::Paused, None);
        check(&body("brand_new"), MessageStatus::Other("brand_new".to_owned()), None);
    }

    #[test]
    fn an_odd_contact_does_not_put_an_accepted_message_in_doubt() {
        check(r#"{"contacts":"x","messages":[{"id":"wamid.1","message_status":7}]}"#, MessageStatus::Accepted, None);
    }

    #[test]
    fn a_success_without_a_message_id_is_unknown() {
        for body in
            ["", "<html>", "null", "{}", r#"{"messages":[]}"#, r#"{"messages":[{"id":""}]}"#, r#"{"error":{"code":2}}"#]
        {
            assert_eq!(read(200, body), SendOutcome::Unknown(unreadable()), "{body}");
        }
    }

    #[test]
    fn a_graph_error_is_a_refusal_whatever_its_http_status() {
        for status in [400, 401, 404, 429, 500, 503] {
            let SendOutcome::Refused(error) = read(status, r#"{"error":{"code":131000}}"#) else { panic!("{status}") };
            assert_eq!((error.code, error.http_status, error.class()), (Some(131_000), status, Class::Ambiguous));
        }
    }

    #[test]
    fn without_a_graph_error_only_401_403_and_429_say_that_nothing_was_accepted() {
        for status in [401, 403, 429] {
            let SendOutcome::Refused(error) = read(status, "<html>") else { panic!("{status}") };
            assert_eq!((error.code, error.class()), (None, Class::RetrySoon));
        }
        for status in [201, 204, 301, 400, 404, 408, 500, 502, 504] {
            assert_eq!(read(status, "<html>"), SendOutcome::Unknown(Cause::status(status)));
        }
    }

    #[test]
    fn an_outcome_never_prints_the_whole_recipient() {
        let outcome = read(
            200,
            r#"{"messaging_product":"whatsapp","contacts":[{"input":"+919812345678","wa_id":"919812345678","user_id":"US.13491208655302741918"}],
                "messages":[{"id":"wamid.1"}]}"#,
        );
        let shown = format!("{outcome:?}");
        assert!(shown.contains("***78") && !shown.contains("9812345") && !shown.contains("1349"), "{shown}");
    }
}
