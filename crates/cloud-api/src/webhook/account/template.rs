//! What Meta tells of templates.

use serde::Deserialize;

use crate::{TemplateStatus, template::locale, webhook::loose};

/// A template as webhooks name it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct TemplateKey {
    /// Its id: up to 19 digits, an integer in the payload.
    #[serde(default, rename = "message_template_id", deserialize_with = "loose::text")]
    pub id: Option<String>,
    /// Its name.
    #[serde(rename = "message_template_name")]
    pub name: String,
    /// Its locale, always as sends want it: `en_US`, never `en-US`.
    #[serde(rename = "message_template_language", deserialize_with = "locale")]
    pub language: String,
}

/// How a template stands now (Meta: `message_template_status_update`).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct TemplateStatusUpdate {
    /// Which.
    #[serde(flatten)]
    pub template: TemplateKey,
    /// How it stands now.
    #[serde(rename = "event")]
    pub status: TemplateStatus,
    /// Why, such as `INVALID_FORMAT`; `None` when there is nothing to say.
    #[serde(default, deserialize_with = "loose::reason")]
    pub reason: Option<String>,
    /// Its category.
    #[serde(default, rename = "message_template_category", deserialize_with = "loose::text")]
    pub category: Option<String>,
    /// Which pause it is, and for how long.
    #[serde(default, deserialize_with = "loose::any")]
    pub other_info: Option<OtherInfo>,
    /// When it is disabled.
    #[serde(default, deserialize_with = "loose::any")]
    pub disable_info: Option<DisableInfo>,
    /// Why it was rejected, and what to do.
    #[serde(default, deserialize_with = "loose::any")]
    pub rejection_info: Option<RejectionInfo>,
}

/// Which pause of a template it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct OtherInfo {
    /// `FIRST_PAUSE`, `SECOND_PAUSE`, `RATE_LIMITING_PAUSE`, `UNPAUSE`, `DISABLED`.
    #[serde(default, deserialize_with = "loose::text")]
    pub title: Option<String>,
    /// In words.
    #[serde(default, deserialize_with = "loose::text")]
    pub description: Option<String>,
}

/// When a template is disabled.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct DisableInfo {
    /// The day, as Meta writes it.
    #[serde(default, deserialize_with = "loose::text")]
    pub disable_date: Option<String>,
}

/// Why a template was rejected.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct RejectionInfo {
    /// In words.
    #[serde(default, deserialize_with = "loose::text")]
    pub reason: Option<String>,
    /// What to do.
    #[serde(default, deserialize_with = "loose::text")]
    pub recommendation: Option<String>,
}

/// How a template is rated now (Meta: `message_template_quality_update`).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct TemplateQualityUpdate {
    /// Which.
    #[serde(flatten)]
    pub template: TemplateKey,
    /// `GREEN`, `YELLOW`, `RED` or `UNKNOWN`.
    #[serde(rename = "new_quality_score")]
    pub score: String,
    /// What it was before.
    #[serde(default, rename = "previous_quality_score", deserialize_with = "loose::text")]
    pub previous: Option<String>,
}

/// A template's category (Meta: `template_category_update`): it has changed, or, where `correct` is told, will within a day.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct TemplateCategoryUpdate {
    /// Which.
    #[serde(flatten)]
    pub template: TemplateKey,
    /// The category that it has now.
    #[serde(rename = "new_category")]
    pub category: String,
    /// What it was before.
    #[serde(default, rename = "previous_category", deserialize_with = "loose::text")]
    pub previous: Option<String>,
    /// The category that it will get, where that is only announced.
    #[serde(default, rename = "correct_category", deserialize_with = "loose::text")]
    pub correct: Option<String>,
    /// When it will, in Unix seconds.
    #[serde(default, rename = "category_update_timestamp", deserialize_with = "loose::whole")]
    pub changes_at: Option<i64>,
}

/// The texts of a template as they are now (Meta: `message_template_components_update`).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct TemplateComponentsUpdate {
    /// Which.
    #[serde(flatten)]
    pub template: TemplateKey,
    /// The text of its header.
    #[serde(default, rename = "message_template_title", deserialize_with = "loose::text")]
    pub header: Option<String>,
    /// Its body.
    #[serde(default, rename = "message_template_element", deserialize_with = "loose::text")]
    pub body: Option<String>,
    /// Its footer.
    #[serde(default, rename = "message_template_footer", deserialize_with = "loose::text")]
    pub footer: Option<String>,
    /// Its buttons.
    #[serde(default, rename = "message_template_buttons", deserialize_with = "loose::list")]
    pub buttons: Vec<UpdatedButton>,
}

/// A button of a template, as it is now.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct UpdatedButton {
    /// What it does, such as `URL`.
    #[serde(rename = "message_template_button_type")]
    pub kind: String,
    /// What it says.
    #[serde(default, rename = "message_template_button_text", deserialize_with = "loose::text")]
    pub text: Option<String>,
    /// What it opens.
    #[serde(default, rename = "message_template_button_url", deserialize_with = "loose::text")]
    pub url: Option<String>,
}
