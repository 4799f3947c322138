//! Telling a user that their message was read.

use serde::Serialize;

use crate::{CallError, Client, Token};

#[derive(Serialize)]
struct Receipt<'a> {
    messaging_product: &'static str,
    status: &'static str,
    message_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    typing_indicator: Option<Typing>,
}

#[derive(Serialize)]
struct Typing {
    r#type: &'static str,
}

impl Client {
    /// Marks a user's message, and all before it, as read (Meta: mark messages as read). The message is at most 30 days old.
    /// May be repeated at will.
    ///
    /// # Errors
    /// [`CallError::Invalid`] without a message id; [`CallError::Api`] where Meta does not know the message.
    pub async fn mark_read(&self, phone_number_id: &str, token: &Token, message_id: &str) -> Result<(), CallError> {
        self.tell_read(phone_number_id, token, message_id, None).await
    }

    /// The same, and shows the user that an answer is being typed: until it comes, for 25 seconds at most (Meta: typing
    /// indicators).
    ///
    /// # Errors
    /// As [`mark_read`](Self::mark_read).
    pub async fn mark_read_typing(
        &self,
        phone_number_id: &str,
        token: &Token,
        message_id: &str,
    ) -> Result<(), CallError> {
        self.tell_read(phone_number_id, token, message_id, Some(Typing { r#type: "text" })).await
    }

    async fn tell_read(
        &self,
        phone_number_id: &str,
        token: &Token,
        message_id: &str,
        typing_indicator: Option<Typing>,
    ) -> Result<(), CallError> {
        if message_id.is_empty() {
            return Err(CallError::Invalid("message_id: give the id of the user's message, not nothing".to_owned()));
        }
        let receipt = Receipt { messaging_product: "whatsapp", status: "read", message_id, typing_indicator };
        let request = self.post(phone_number_id, "messages", token).json(&receipt);
        self.change(request, "`success` is false").await
    }
}
