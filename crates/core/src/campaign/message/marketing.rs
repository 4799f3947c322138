//! The Marketing Messages API: marketing templates by an endpoint of their own (Meta: Marketing Messages API).

use serde::Serialize;

use crate::fault::{read::Node, word};

/// How a template goes out by the Marketing Messages API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct MarketingMessages {
    /// What becomes of a message that this API does not take; Meta's default is the fallback.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub product_policy: Option<ProductPolicy>,
    /// Whether Meta may use what the recipient does with it to improve delivery; the account's own setting when none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message_activity_sharing: Option<bool>,
}

word! {
    /// What becomes of a message that the Marketing Messages API does not take.
    pub enum ProductPolicy {
        /// It goes out by the Cloud API, at its price.
        CloudApiFallback = "CLOUD_API_FALLBACK",
        /// It fails.
        Strict = "STRICT",
    }
}

impl MarketingMessages {
    pub(super) fn read(node: &Node<'_>) -> Option<Self> {
        node.object(|fields| {
            let product_policy = fields.maybe("product_policy", Node::parse);
            let message_activity_sharing = fields.maybe("message_activity_sharing", Node::flag);
            Some(Self { product_policy: product_policy?, message_activity_sharing: message_activity_sharing? })
        })
    }
}
