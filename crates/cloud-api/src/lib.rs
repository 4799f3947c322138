#![doc = include_str!("../README.md")]
#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test that panics has failed"))]

mod account;
mod api_error;
mod block;
mod call;
mod cause;
mod classify;
mod client;
mod error_table;
#[cfg(feature = "flows")]
pub mod flows;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
mod history;
mod marketing;
mod media;
mod message;
mod number;
mod open_enum;
mod paging;
mod personal;
mod profile;
mod read_receipt;
mod registration;
mod secret;
mod send;
mod template;
mod upload;
mod usage;
pub mod webhook;

pub use account::{App, GranularScope, SubscribedApp, TokenFault, TokenInfo, WebhookOverride};
pub use api_error::ApiError;
pub use block::{BlockFailure, BlockOutcome, BlockedUser};
pub use call::CallError;
pub use cause::{Cause, CauseKind};
pub use classify::{Class, ErrorEntry, Scope, Way, classify, is_throttle};
pub use client::{Client, ClientConfig, ClientError};
pub use history::{DeliveryStatus, MessageEvent, MessageHistory, MessageOccurrence, OccurrenceStatus, WebhookState};
pub use marketing::{MarketingMessage, ProductPolicy};
pub use media::{MediaId, MediaInfo, MediaKind};
pub use message::{
    Action, Audio, Button, CaptionedMedia, Card, CatalogLink, Component, ContactAddress, ContactCard, ContactEmail,
    ContactName, ContactOrganisation, ContactPhone, ContactUrl, Content, Currency, Document, Flow, FlowAction,
    FlowName, FlowScreen, Header, Interactive, InteractiveHeader, InvalidMessage, LinkButton, ListRow, ListSection,
    Location, Media, MediaSource, Message, Parameter, Place, ProductSection, Reaction, Recipient, ReplyButton,
    Template, TemplateLanguage, Text, TextParameter, Violation, Words,
};
pub use number::{
    CanSend, Health, HealthEntity, HealthError, MessagingLimit, NumberInfo, NumberStatus, Quality, Throughput,
    ThroughputLevel,
};
pub use personal::Personal;
pub use profile::{BusinessProfile, ProfileChanges};
pub use registration::CodeMethod;
pub use secret::{InvalidSecret, Token};
pub use send::{MessageStatus, SendOutcome, SendResponse, SentContact, SentMessage};
pub use template::{
    AnalyticsQuery, ButtonType, Clicks, ComparisonWindow, ComponentType, Cost, CreatedTemplate, HeaderFormat,
    ParameterFormat, QualityScore, TemplateAnalytics, TemplateButton, TemplateCard, TemplateCategory,
    TemplateComparison, TemplateComponent, TemplateDay, TemplateFilter, TemplateInfo, TemplateOffer, TemplatePage,
    TemplateProduct, TemplateStatus, Unpaused,
};
pub use upload::UploadHandle;
pub use usage::{AccountUsage, CallUsage, Usage};
