//! The templates of a WhatsApp Business Account.

use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::{CallError, Client, Quality, Token, call::done, open_enum::open_enum};

const FIELDS: &str = "id,name,language,status,category,parameter_format,components,quality_score,rejected_reason";
/// Templates per page. An account holds 250 templates, or 6,000 once verified (Meta: templates).
const PAGE: &str = "100";

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
    #[serde(default)]
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
    #[serde(default)]
    pub buttons: Vec<TemplateButton>,
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
    }
}

fn locale<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Ok(String::deserialize(deserializer)?.replace('-', "_"))
}

fn positional() -> ParameterFormat {
    ParameterFormat::Positional
}

#[derive(Deserialize)]
struct Page {
    data: Vec<TemplateInfo>,
    #[serde(default)]
    paging: Option<Paging>,
}

#[derive(Deserialize)]
struct Paging {
    #[serde(default)]
    cursors: Cursors,
    #[serde(default)]
    next: Option<String>,
}

#[derive(Default, Deserialize)]
struct Cursors {
    #[serde(default)]
    after: Option<String>,
}

impl Page {
    /// The cursor of the following page. `next` only says that there is one: its address is not followed, so that the
    /// token goes nowhere but to the configured host.
    fn following(self) -> (Vec<TemplateInfo>, Option<String>) {
        let after = self.paging.filter(|paging| paging.next.is_some()).and_then(|paging| paging.cursors.after);
        (self.data, after)
    }
}

impl Client {
    /// Lists the templates of a WhatsApp Business Account, all pages; with `name` only those of exactly that name, in
    /// all their languages.
    ///
    /// # Errors
    /// As any call; [`CallError::Malformed`] also when paging does not advance.
    pub async fn templates(
        &self,
        waba_id: &str,
        token: &Token,
        name: Option<&str>,
    ) -> Result<Vec<TemplateInfo>, CallError> {
        let mut found = Vec::new();
        let mut cursor: Option<String> = None;
        loop {
            let (templates, following) = self.template_page(waba_id, token, name, cursor.as_deref()).await?.following();
            // Meta's name filter also finds longer names.
            found.extend(templates.into_iter().filter(|template| name.is_none_or(|name| template.name == name)));
            match following {
                None => return Ok(found),
                Some(_) if following == cursor => {
                    return Err(CallError::Malformed("a page of templates names itself as the next one".to_owned()));
                }
                Some(_) => cursor = following,
            }
        }
    }

    /// Creates a template in one language. `definition` is Meta's own shape: `name`, `language`, `category`, `components`,
    /// perhaps `parameter_format`, with a sample for each variable. An account may create 100 templates an hour (Meta:
    /// templates).
    ///
    /// # Errors
    /// As any call. Repeated after an answer that was lost, it is refused: the template is there (subcode 2388024).
    pub async fn create_template(
        &self,
        waba_id: &str,
        token: &Token,
        definition: &Value,
    ) -> Result<CreatedTemplate, CallError> {
        self.call(self.post(waba_id, "message_templates", token).json(definition)).await
    }

    /// Edits a template: `changes` holds its `components` as a whole, or its `category`, or both. An approved one may be
    /// edited once in 24 hours and ten times in 30 days, and keeps its category (Meta: template management).
    ///
    /// # Errors
    /// As any call; [`CallError::Malformed`] also when Meta says that it did nothing.
    pub async fn edit_template(&self, id: &str, token: &Token, changes: &Value) -> Result<(), CallError> {
        done(self.call(self.post_to(id, token).json(changes)).await?, "the template was not changed")
    }

    async fn template_page(
        &self,
        waba_id: &str,
        token: &Token,
        name: Option<&str>,
        after: Option<&str>,
    ) -> Result<Page, CallError> {
        let optional = [("name", name), ("after", after)];
        let request = self
            .get(&[waba_id, "message_templates"], token)
            .query(&[("fields", FIELDS), ("limit", PAGE)])
            .query(&optional.map(|(key, value)| value.map(|value| (key, value))));
        self.call(request).await
    }
}
