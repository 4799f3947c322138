//! The templates of a WhatsApp Business Account.

mod analytics;
mod list;
mod manage;

use serde::{Deserialize, Deserializer};

#[cfg(any(test, fuzzing))]
pub(crate) use analytics::Metric;
pub use analytics::{
    AnalyticsQuery, Clicks, ComparisonWindow, Cost, TemplateAnalytics, TemplateComparison, TemplateDay, TemplateProduct,
};
pub use list::{TemplateFilter, TemplatePage};
pub use manage::Unpaused;

use crate::{Quality, open_enum::open_enum};

/// A template in one language.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct TemplateInfo {
    /// Its id.
    pub id: String,
    /// Its name, the same in every language.
    pub name: String,
    /// Its locale, always as sends want it: `en_US`, never `en-US`.
    #[serde(deserialize_with = "locale")]
    pub language: String,
    /// Whether it may be sent.
    pub status: TemplateStatus,
    /// What it is for, hence how it is priced and limited.
    pub category: TemplateCategory,
    /// Whether parameters go by position or by name.
    #[serde(default = "positional")]
    pub parameter_format: ParameterFormat,
    /// Its parts.
    #[serde(default, deserialize_with = "none_if_null")]
    pub components: Vec<TemplateComponent>,
    /// How recipients rate it; `None` when Meta does not say.
    #[serde(default)]
    pub quality_score: Option<QualityScore>,
    /// Why it was rejected, such as `INVALID_FORMAT`; `NONE` when it was not.
    #[serde(default)]
    pub rejected_reason: Option<String>,
}

/// How recipients rate a template.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct QualityScore {
    /// The rating.
    pub score: Quality,
}

/// What becomes of a template that was created.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct CreatedTemplate {
    /// Its id.
    pub id: String,
    /// Mostly `Pending`: the review takes minutes, at most 24 hours (Meta: template review).
    pub status: TemplateStatus,
    /// Its category, which may differ from the one that was asked for.
    pub category: TemplateCategory,
}

/// A part of a template.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct TemplateComponent {
    /// Which part.
    #[serde(rename = "type")]
    pub kind: ComponentType,
    /// Of a header: text or which media.
    #[serde(default)]
    pub format: Option<HeaderFormat>,
    /// Of a header, body or footer: the text, with `{{1}}` or `{{name}}` in it.
    #[serde(default)]
    pub text: Option<String>,
    /// Of the buttons: each of them.
    #[serde(default, deserialize_with = "none_if_null")]
    pub buttons: Vec<TemplateButton>,
    /// Of a carousel: each card.
    #[serde(default, deserialize_with = "none_if_null")]
    pub cards: Vec<TemplateCard>,
    /// Of a limited-time offer: what is said of it.
    #[serde(default)]
    pub limited_time_offer: Option<TemplateOffer>,
}

/// A card of a carousel.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct TemplateCard {
    /// Its parts.
    #[serde(default, deserialize_with = "none_if_null")]
    pub components: Vec<TemplateComponent>,
}

/// A limited-time offer of a template.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct TemplateOffer {
    /// Whether it ends at a time that every message tells.
    #[serde(default)]
    pub has_expiration: Option<bool>,
}

/// A list that is null is empty: it must not cost the others of its answer.
fn none_if_null<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<T>, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// A button of a template.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct TemplateButton {
    /// What it does.
    #[serde(rename = "type")]
    pub kind: ButtonType,
    /// Its label.
    #[serde(default)]
    pub text: Option<String>,
    /// Of a URL button: the address, which ends in a variable if it takes a parameter.
    #[serde(default)]
    pub url: Option<String>,
}

open_enum! {
    /// Review and quality state of a template. Only `Approved` ones are sent.
    TemplateStatus {
        /// Ready.
        Approved = "APPROVED",
        /// In review.
        Pending = "PENDING",
        /// Refused in review.
        Rejected = "REJECTED",
        /// Stopped for low quality, for hours.
        Paused = "PAUSED",
        /// Stopped for good.
        Disabled = "DISABLED",
        /// Refused, under appeal.
        InAppeal = "IN_APPEAL",
        /// The account has too many templates.
        LimitExceeded = "LIMIT_EXCEEDED",
        /// Being deleted.
        PendingDeletion = "PENDING_DELETION",
        /// Deleted.
        Deleted = "DELETED",
        /// Unused for long.
        Archived = "ARCHIVED",
    }
}

open_enum! {
    /// Category of a template.
    TemplateCategory {
        /// Promotion.
        Marketing = "MARKETING",
        /// About something that the user asked for.
        Utility = "UTILITY",
        /// One-time codes.
        Authentication = "AUTHENTICATION",
    }
}

open_enum! {
    /// How parameters are matched to variables.
    ParameterFormat {
        /// In order: `{{1}}`, `{{2}}`.
        Positional = "POSITIONAL",
        /// By name: `{{first_name}}`.
        Named = "NAMED",
    }
}

open_enum! {
    /// Part of a template.
    ComponentType {
        /// On top: a text or one media file.
        Header = "HEADER",
        /// The text.
        Body = "BODY",
        /// Small print.
        Footer = "FOOTER",
        /// Below.
        Buttons = "BUTTONS",
        /// Several cards side by side.
        Carousel = "CAROUSEL",
        /// An offer that may end.
        LimitedTimeOffer = "LIMITED_TIME_OFFER",
    }
}

open_enum! {
    /// What a header holds.
    HeaderFormat {
        /// Text.
        Text = "TEXT",
        /// An image, to be given at every send.
        Image = "IMAGE",
        /// A video, to be given at every send.
        Video = "VIDEO",
        /// A document, to be given at every send.
        Document = "DOCUMENT",
        /// A place, to be given at every send.
        Location = "LOCATION",
        /// A product of a catalog, to be given at every send.
        Product = "PRODUCT",
        /// A silent video that starts by itself, to be given at every send; by the Marketing Messages API alone.
        Gif = "GIF",
    }
}

open_enum! {
    /// What a button does.
    ButtonType {
        /// Sends a reply.
        QuickReply = "QUICK_REPLY",
        /// Opens an address.
        Url = "URL",
        /// Calls a phone.
        PhoneNumber = "PHONE_NUMBER",
        /// Copies a code.
        CopyCode = "COPY_CODE",
        /// Takes over a one-time code.
        Otp = "OTP",
        /// Opens a flow.
        Flow = "FLOW",
        /// Opens a catalog.
        Catalog = "CATALOG",
        /// Opens several products of a catalog.
        Mpm = "MPM",
        /// Calls the number on WhatsApp.
        VoiceCall = "VOICE_CALL",
    }
}

/// A locale as sends want it: `en_US`, never `en-US`.
pub(crate) fn locale<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Ok(String::deserialize(deserializer)?.replace('-', "_"))
}

fn positional() -> ParameterFormat {
    ParameterFormat::Positional
}
