//! The Marketing Messages API: marketing templates by an endpoint of their own.

use bytes::Bytes;
use serde::Serialize;

use crate::{Client, InvalidMessage, Message, SendOutcome, Token, message::Endpoint};

/// A marketing template for [`Client::send_marketing`] (Meta: Marketing Messages API).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MarketingMessage {
    /// A template of the category marketing; anything else is refused (codes 100 and 134100). A GIF header is taken here
    /// alone.
    #[serde(flatten)]
    pub message: Message,
    /// What becomes of a message that this API does not take; Meta's default is the fallback.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub product_policy: Option<ProductPolicy>,
    /// Whether Meta may use what the recipient does with it to improve delivery; the account's own setting when none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message_activity_sharing: Option<bool>,
}

/// What becomes of a message that the Marketing Messages API does not take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ProductPolicy {
    /// It goes out by the Cloud API, at its price.
    CloudApiFallback,
    /// It fails.
    Strict,
}

impl From<Message> for MarketingMessage {
    fn from(message: Message) -> Self {
        Self { message, product_policy: None, message_activity_sharing: None }
    }
}

impl MarketingMessage {
    /// As [`Message::check`].
    ///
    /// # Errors
    /// Every limit that is not kept, and any content that is no template.
    pub fn check(&self) -> Result<(), InvalidMessage> {
        self.message.check_for(Endpoint::MarketingMessages)
    }
}

impl Client {
    /// Sends a marketing template by the Marketing Messages API, once, if it [passes](MarketingMessage::check). Its receipts
    /// come as those of any message, with the price category `marketing_lite`, or `marketing` where it fell back.
    ///
    /// Dropping the future after its first poll leaves the outcome unknown.
    ///
    /// # Errors
    /// Every limit that the message does not keep. Nothing was sent then.
    pub async fn send_marketing(
        &self,
        phone_number_id: &str,
        token: &Token,
        message: &MarketingMessage,
    ) -> Result<SendOutcome, InvalidMessage> {
        message.check()?;
        let body = serde_json::to_vec(message).expect("a message is strings, numbers, booleans and lists");
        Ok(self.send_marketing_body(phone_number_id, token, body).await)
    }

    /// Sends an already serialised marketing template, once: the fast path for callers that render bodies themselves.
    ///
    /// Dropping the future after its first poll leaves the outcome unknown.
    pub async fn send_marketing_body(
        &self,
        phone_number_id: &str,
        token: &Token,
        body: impl Into<Bytes>,
    ) -> SendOutcome {
        self.post_message(phone_number_id, "marketing_messages", token, body.into()).await
    }
}
