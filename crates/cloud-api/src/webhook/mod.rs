//! What Meta posts to the callback address: the handshake, the signature, and the payload.
//!
//! The order for a receiver: [`verify_signature`] over the raw bytes, [`parse()`], store, and only then answer 200.
//! Anything but 200 makes Meta send the whole batch again, for up to 7 days (Meta: webhooks overview), so a status that
//! nobody knows, or that cannot be read, must not fail the batch.

mod account;
mod content;
mod inbound;
mod loose;
mod parse;
mod payload;
mod signature;
mod subscription;

pub use account::{
    AccountAlert, AccountChange, AccountEvent, AccountReview, AccountUpdate, AlertInfo, BanInfo, CapabilityUpdate,
    DisableInfo, FlowErrors, FlowUpdate, NumberNameUpdate, NumberUpdate, OtherInfo, RejectionInfo, Restriction,
    SecurityUpdate, TemplateCategoryUpdate, TemplateComponentsUpdate, TemplateKey, TemplateQualityUpdate,
    TemplateStatusUpdate, UpdatedButton, ViolationInfo, VolumeTier, WabaInfo,
};
pub use content::{
    Answered, Content, OrderedProduct, ReceivedButton, ReceivedChoice, ReceivedFlow, ReceivedLocation, ReceivedMedia,
    ReceivedOrder, ReceivedPermission, ReceivedReaction, ReceivedSystem, ReceivedText, ReceivedUnsupported, Referral,
    ReferredProduct, WelcomeMessage,
};
pub use inbound::{Inbound, Preference};
#[cfg(any(test, fuzzing))]
pub(crate) use parse::parse_loosely;
pub use parse::{NumberError, ParseError, Parsed, ReceivedStatus, Unknown, parse};
pub use payload::{
    Change, Conversation, ConversationOrigin, Entry, ErrorData, ErrorItem, MessagesValue, Metadata, Notification,
    Pricing, Status, StatusUpdate,
};
pub use signature::{AppSecret, SIGNATURE_HEADER, SignatureError, sign, verify_signature};
pub use subscription::{SubscriptionQuery, verify_subscription};
