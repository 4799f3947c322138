//! What Meta tells of accounts, numbers and templates (Meta: webhooks reference, account fields). Read loosely, for members
//! come and go between versions: what is absent or of another type is `None`, and what is not known is in
//! [`AccountUpdate::value`]. An update that lacks what it is for is kept with the unknown.

mod business;
mod flow;
mod number;
mod template;

use std::fmt;

use serde::Deserialize;
use serde_json::Value;

pub use business::{
    AccountAlert, AccountChange, AccountReview, AlertInfo, BanInfo, CapabilityUpdate, Restriction, ViolationInfo,
    VolumeTier, WabaInfo,
};
pub use flow::{FlowErrors, FlowUpdate};
pub use number::{NumberNameUpdate, NumberUpdate, SecurityUpdate};
pub use template::{
    DisableInfo, OtherInfo, RejectionInfo, TemplateCategoryUpdate, TemplateComponentsUpdate, TemplateKey,
    TemplateQualityUpdate, TemplateStatusUpdate, UpdatedButton,
};

/// Something that became of an account, a number or a template of it.
#[derive(Clone, PartialEq)]
pub struct AccountUpdate {
    /// Id of the WhatsApp Business Account.
    pub waba_id: String,
    /// When it was told, in Unix seconds; `None` when the webhook does not say.
    pub time: Option<i64>,
    /// What became of it.
    pub event: AccountEvent,
    /// All that was told, as it came. `Debug` leaves it out.
    pub value: Value,
}

impl fmt::Debug for AccountUpdate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { waba_id, time, event, .. } = self;
        f.debug_struct("AccountUpdate")
            .field("waba_id", waba_id)
            .field("time", time)
            .field("event", event)
            .finish_non_exhaustive()
    }
}

/// What became of it, by the webhook's field.
#[derive(Clone, Debug, PartialEq)]
pub enum AccountEvent {
    /// A template was reviewed, paused or the like: field `message_template_status_update`.
    TemplateStatus(TemplateStatusUpdate),
    /// A template is rated anew: field `message_template_quality_update`.
    TemplateQuality(TemplateQualityUpdate),
    /// A template got another category, or will: field `template_category_update`.
    TemplateCategory(TemplateCategoryUpdate),
    /// The texts of a template changed: field `message_template_components_update`.
    TemplateComponents(TemplateComponentsUpdate),
    /// Something of a number changed: field `phone_number_quality_update`.
    Number(NumberUpdate),
    /// A number's display name was reviewed: field `phone_number_name_update`.
    NumberName(NumberNameUpdate),
    /// Somebody is at a number's PIN: field `security`.
    Security(SecurityUpdate),
    /// The account is restricted, banned, let go and the like: field `account_update`.
    Account(Box<AccountChange>),
    /// Meta warns of something: field `account_alerts`.
    Alert(AccountAlert),
    /// The account was reviewed: field `account_review_update`.
    Review(AccountReview),
    /// The messaging limit or another capability changed: field `business_capability_update`.
    Capability(CapabilityUpdate),
    /// A flow changed or fails: field `flows`.
    Flow(Box<FlowUpdate>),
}

/// Reads the value of a field; `None` of one that is not known, or lacks what it is for.
pub(super) fn event(field: &str, value: &Value) -> Option<AccountEvent> {
    fn of<'a, T: Deserialize<'a>>(value: &'a Value) -> Option<T> {
        // serde would take a list for a struct, member by member.
        value.is_object().then(|| T::deserialize(value).ok()).flatten()
    }
    Some(match field {
        "message_template_status_update" => AccountEvent::TemplateStatus(of(value)?),
        "message_template_quality_update" => AccountEvent::TemplateQuality(of(value)?),
        "template_category_update" => AccountEvent::TemplateCategory(of(value)?),
        "message_template_components_update" => AccountEvent::TemplateComponents(of(value)?),
        "phone_number_quality_update" => AccountEvent::Number(of(value)?),
        "phone_number_name_update" => AccountEvent::NumberName(of(value)?),
        "security" => AccountEvent::Security(of(value)?),
        "account_update" => AccountEvent::Account(of(value)?),
        "account_alerts" => AccountEvent::Alert(of(value)?),
        "account_review_update" => AccountEvent::Review(of(value)?),
        "business_capability_update" => AccountEvent::Capability(of(value)?),
        "flows" => AccountEvent::Flow(of(value)?),
        _ => return None,
    })
}

#[cfg(test)]
mod tests;
