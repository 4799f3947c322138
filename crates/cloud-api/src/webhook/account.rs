//! What Meta tells of accounts, numbers and templates (Meta: webhooks reference, account fields). Read loosely, for members
//! come and go between versions; what is not understood is counted with the others.

use serde_json::Value;

use crate::TemplateStatus;

/// Something that became of an account, a number or a template of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountUpdate {
    /// Id of the WhatsApp Business Account.
    pub waba_id: String,
    /// When it was told, in Unix seconds; `None` when the webhook does not say.
    pub time: Option<i64>,
    /// What became of it.
    pub event: AccountEvent,
}

/// What became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AccountEvent {
    /// A template was reviewed, paused or the like: field `message_template_status_update`.
    TemplateStatus {
        /// Which.
        template: TemplateKey,
        /// How it stands now.
        status: TemplateStatus,
        /// Why; `None` when there is nothing to say.
        reason: Option<String>,
        /// Which pause it is, such as `FIRST_PAUSE`.
        title: Option<String>,
    },
    /// A template is rated anew: field `message_template_quality_update`.
    TemplateQuality {
        /// Which.
        template: TemplateKey,
        /// `GREEN`, `YELLOW`, `RED` or `UNKNOWN`.
        score: String,
    },
    /// A template got another category: field `template_category_update`.
    TemplateCategory {
        /// Which.
        template: TemplateKey,
        /// The category that it has now.
        category: String,
    },
    /// Something of a number changed: field `phone_number_quality_update`. Its quality rating is never told, and to be asked
    /// for.
    Number {
        /// The number, digits alone.
        display_phone_number: String,
        /// `THROUGHPUT_UPGRADE`, `FLAGGED` and the like.
        event: String,
    },
    /// The account is restricted, banned, let go and the like: field `account_update`.
    Account {
        /// `ACCOUNT_RESTRICTION`, `DISABLED_UPDATE` and the like.
        event: String,
        /// How, where it is restricted, such as `RESTRICTED_BIZ_INITIATED_MESSAGING`.
        restrictions: Vec<String>,
    },
    /// The messaging limit or another capability changed: field `business_capability_update`.
    Capability,
}

/// A template as webhooks name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateKey {
    /// Its name.
    pub name: String,
    /// Its locale, always as sends want it: `en_US`, never `en-US`.
    pub language: String,
}

/// The fields that are read.
const FIELDS: [&str; 6] = [
    "message_template_status_update",
    "message_template_quality_update",
    "template_category_update",
    "phone_number_quality_update",
    "account_update",
    "business_capability_update",
];

/// Whether changes of this field tell of accounts.
pub(super) fn is_account(field: &str) -> bool {
    FIELDS.contains(&field)
}

/// Reads the value of such a field; `None` when it lacks what it is for.
pub(super) fn event(field: &str, value: &Value) -> Option<AccountEvent> {
    let text = |name: &str| value[name].as_str().filter(|text| !text.is_empty()).map(str::to_owned);
    Some(match field {
        "message_template_status_update" => AccountEvent::TemplateStatus {
            template: template(value)?,
            status: TemplateStatus::from(text("event")?.as_str()),
            reason: text("reason").filter(|reason| reason != "NONE"),
            title: value["other_info"]["title"].as_str().map(str::to_owned),
        },
        "message_template_quality_update" => {
            AccountEvent::TemplateQuality { template: template(value)?, score: text("new_quality_score")? }
        }
        "template_category_update" => {
            AccountEvent::TemplateCategory { template: template(value)?, category: text("new_category")? }
        }
        "phone_number_quality_update" => AccountEvent::Number {
            display_phone_number: text("display_phone_number")?.chars().filter(char::is_ascii_digit).collect(),
            event: text("event")?,
        },
        "account_update" => {
            let restrictions = value["restriction_info"].as_array().map_or(&[][..], Vec::as_slice);
            let kind = |restriction: &Value| restriction["restriction_type"].as_str().map(str::to_owned);
            AccountEvent::Account {
                event: text("event")?,
                restrictions: restrictions.iter().filter_map(kind).collect(),
            }
        }
        "business_capability_update" => AccountEvent::Capability,
        _ => return None,
    })
}

fn template(value: &Value) -> Option<TemplateKey> {
    let text = |name: &str| value[name].as_str().map(str::to_owned);
    let language = text("message_template_language")?.replace('-', "_");
    Some(TemplateKey { name: text("message_template_name")?, language })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::parse;
    use super::*;

    fn told(field: &str, value: Value) -> Vec<AccountUpdate> {
        let change = json!({ "field": field, "value": value });
        let status = json!({ "id": "wamid.1", "status": "sent", "timestamp": "5" });
        let messages =
            json!({ "field": "messages", "value": { "messaging_product": "whatsapp", "statuses": [status] } });
        let body = json!({ "object": "whatsapp_business_account", "entry": [
            { "id": "7", "time": 1_780_000_000, "changes": [change] }, { "id": "7", "changes": [messages] } ] });
        let parsed = parse(body.to_string().as_bytes()).unwrap();
        assert_eq!((parsed.statuses.len(), parsed.skipped), (1, 0), "what comes with it is read all the same");
        assert_eq!(parsed.others, usize::from(parsed.accounts.is_empty()));
        parsed.accounts
    }

    fn check(field: &str, value: Value, expected: AccountEvent) {
        let update = AccountUpdate { waba_id: "7".to_owned(), time: Some(1_780_000_000), event: expected };
        assert_eq!(told(field, value), [update]);
    }

    fn key() -> TemplateKey {
        TemplateKey { name: "promo".to_owned(), language: "en_US".to_owned() }
    }

    #[test]
    fn the_review_and_the_pause_of_a_template_are_read() {
        let value = json!({ "event": "PAUSED", "message_template_id": 594_425_479_261_596_u64, "reason": "NONE",
            "message_template_name": "promo", "message_template_language": "en-US",
            "other_info": { "title": "FIRST_PAUSE", "description": "…paused for 3 hours…" } });
        let status = TemplateStatus::Paused;
        let title = Some("FIRST_PAUSE".to_owned());
        let expected = AccountEvent::TemplateStatus { template: key(), status, reason: None, title };
        check("message_template_status_update", value, expected);
        let value = json!({ "event": "REJECTED", "reason": "INVALID_FORMAT",
            "message_template_name": "promo", "message_template_language": "en_US" });
        let (status, reason) = (TemplateStatus::Rejected, Some("INVALID_FORMAT".to_owned()));
        let expected = AccountEvent::TemplateStatus { template: key(), status, reason, title: None };
        check("message_template_status_update", value, expected);
    }

    #[test]
    fn ratings_and_categories_of_templates_are_read() {
        let value = |name: &str, word: &str| json!({ name: word, "message_template_name": "promo", "message_template_language": "en_US" });
        let expected = AccountEvent::TemplateQuality { template: key(), score: "RED".to_owned() };
        check("message_template_quality_update", value("new_quality_score", "RED"), expected);
        let expected = AccountEvent::TemplateCategory { template: key(), category: "MARKETING".to_owned() };
        check("template_category_update", value("new_category", "MARKETING"), expected);
    }

    #[test]
    fn what_becomes_of_numbers_and_accounts_is_read() {
        let value = json!({ "display_phone_number": "+1 555-0783-881", "event": "THROUGHPUT_UPGRADE" });
        let (display_phone_number, event) = ("15550783881".to_owned(), "THROUGHPUT_UPGRADE".to_owned());
        check("phone_number_quality_update", value, AccountEvent::Number { display_phone_number, event });
        let value = json!({ "event": "ACCOUNT_RESTRICTION", "restriction_info": [
            { "restriction_type": "RESTRICTED_BIZ_INITIATED_MESSAGING", "expiration": 1_780_000_000 } ] });
        let restrictions = vec!["RESTRICTED_BIZ_INITIATED_MESSAGING".to_owned()];
        check("account_update", value, AccountEvent::Account { event: "ACCOUNT_RESTRICTION".to_owned(), restrictions });
        let value = json!({ "max_daily_conversations_per_business": 2000 });
        check("business_capability_update", value, AccountEvent::Capability);
    }

    #[test]
    fn what_lacks_what_it_is_for_is_counted_with_the_others() {
        assert!(told("message_template_status_update", json!({ "event": "PAUSED" })).is_empty());
        assert!(told("account_update", json!([])).is_empty());
        assert!(told("account_alerts", json!({ "event": "X" })).is_empty());
    }
}
