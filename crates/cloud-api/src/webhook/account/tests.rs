//! What Meta tells of accounts, numbers and templates (Meta: webhooks reference, account fields). Read loosely, for members
//! come and go between versions; what is not understood is kept with the unknown.

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
        /// The category that it will get within a day, where it is only announced.
        correct: Option<String>,
    },
    /// The texts of a template changed: field `message_template_components_update`.
    TemplateComponents {
        /// Which.
        template: TemplateKey,
        /// Its body, as it is now.
        body: Option<String>,
    },
    /// Something of a number changed: field `phone_number_quality_update`. Its quality rating is never told, and to be asked
    /// for.
    Number {
        /// The number, digits alone.
        display_phone_number: String,
        /// `THROUGHPUT_UPGRADE`, `FLAGGED` and the like.
        event: String,
        /// The messaging limit, such as `TIER_2K`, where it is told.
        limit: Option<String>,
    },
    /// A number's display name was reviewed: field `phone_number_name_update`.
    NumberName {
        /// The number, digits alone.
        display_phone_number: String,
        /// `APPROVED`, `REJECTED`, `DEFERRED`, `PENDING`.
        decision: String,
        /// The name that was asked for.
        name: Option<String>,
        /// Why it was rejected.
        reason: Option<String>,
    },
    /// Somebody is at a number's PIN: field `security`.
    Security {
        /// The number, digits alone.
        display_phone_number: String,
        /// `PIN_CHANGED`, `PIN_RESET_REQUEST`, `PIN_REQUEST_SUCCESS`.
        event: String,
    },
    /// The account is restricted, banned, let go and the like: field `account_update`.
    Account {
        /// `ACCOUNT_RESTRICTION`, `DISABLED_UPDATE` and the like.
        event: String,
        /// How, where it is restricted, such as `RESTRICTED_BIZ_INITIATED_MESSAGING`.
        restrictions: Vec<String>,
        /// What was violated, where something was.
        violation: Option<String>,
        /// `DISABLE`, `REINSTATE` or `SCHEDULE_FOR_DISABLE`, where it is banned or let go.
        ban: Option<String>,
    },
    /// Meta warns of something: field `account_alerts`.
    Alert {
        /// What it is about, such as `PHONE_NUMBER`.
        entity: Option<String>,
        /// `CRITICAL`, `WARNING`, `INFORMATIONAL`.
        severity: Option<String>,
        /// What it is, such as `OBA_REJECTED`.
        kind: String,
        /// In words.
        description: Option<String>,
    },
    /// The account was reviewed: field `account_review_update`.
    Review {
        /// `APPROVED`, `REJECTED`, `PENDING`, `DEFERRED`.
        decision: String,
    },
    /// A flow changed or fails: field `flows`.
    Flow {
        /// `FLOW_STATUS_CHANGE`, `ENDPOINT_ERROR_RATE` and the like.
        event: String,
        /// Its id.
        flow_id: Option<String>,
        /// Its status now, where that changed.
        status: Option<String>,
        /// In words.
        message: Option<String>,
    },
    /// The messaging limit or another capability changed: field `business_capability_update`.
    Capability {
        /// How many users may be reached in a day, as text: a number or a tier.
        daily: Option<String>,
        /// How many numbers an account may have.
        numbers: Option<i64>,
    },
}

/// A template as webhooks name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateKey {
    /// Its name.
    pub name: String,
    /// Its locale, always as sends want it: `en_US`, never `en-US`.
    pub language: String,
}

/// Reads the value of a field; `None` of one that is not known, or lacks what it is for.
pub(super) fn event(field: &str, value: &Value) -> Option<AccountEvent> {
    template_event(field, value).or_else(|| number_event(field, value)).or_else(|| account_event(field, value))
}

/// A member as text, unless it is absent or empty; a number as it is written.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn template_event(field: &str, value: &Value) -> Option<AccountEvent> {
    let text = |name: &str| text(&value[name]);
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
        "template_category_update" => AccountEvent::TemplateCategory {
            template: template(value)?,
            category: text("new_category")?,
            correct: text("correct_category"),
        },
        "message_template_components_update" => {
            AccountEvent::TemplateComponents { template: template(value)?, body: text("message_template_element") }
        }
        _ => return None,
    })
}

fn number_event(field: &str, value: &Value) -> Option<AccountEvent> {
    let text = |name: &str| text(&value[name]);
    let digits = || Some(text("display_phone_number")?.chars().filter(char::is_ascii_digit).collect::<String>());
    Some(match field {
        "phone_number_quality_update" => AccountEvent::Number {
            display_phone_number: digits()?,
            event: text("event")?,
            limit: text("max_daily_conversations_per_business").or_else(|| text("current_limit")),
        },
        "phone_number_name_update" => AccountEvent::NumberName {
            display_phone_number: digits()?,
            decision: text("decision")?,
            name: text("requested_verified_name"),
            reason: text("rejection_reason").filter(|reason| reason != "NONE"),
        },
        "security" => AccountEvent::Security { display_phone_number: digits()?, event: text("event")? },
        _ => return None,
    })
}

fn account_event(field: &str, value: &Value) -> Option<AccountEvent> {
    let text = |name: &str| text(&value[name]);
    let inner = |part: &str, name: &str| self::text(&value[part][name]);
    Some(match field {
        "account_update" => {
            let restrictions = value["restriction_info"].as_array().map_or(&[][..], Vec::as_slice);
            let kind = |restriction: &Value| restriction["restriction_type"].as_str().map(str::to_owned);
            AccountEvent::Account {
                event: text("event")?,
                restrictions: restrictions.iter().filter_map(kind).collect(),
                violation: inner("violation_info", "violation_type"),
                ban: inner("ban_info", "waba_ban_state"),
            }
        }
        "account_alerts" => AccountEvent::Alert {
            entity: text("entity_type"),
            severity: inner("alert_info", "alert_severity"),
            kind: inner("alert_info", "alert_type")?,
            description: inner("alert_info", "alert_description"),
        },
        "account_review_update" => AccountEvent::Review { decision: text("decision")? },
        "flows" => AccountEvent::Flow {
            event: text("event")?,
            flow_id: text("flow_id"),
            status: text("new_status"),
            message: text("message"),
        },
        "business_capability_update" => AccountEvent::Capability {
            daily: text("max_daily_conversations_per_business").or_else(|| text("max_daily_conversation_per_phone")),
            numbers: ["max_phone_numbers_per_business", "max_phone_numbers_per_waba"]
                .iter()
                .find_map(|name| value[name].as_i64()),
        },
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
        assert_eq!(parsed.unknown.len(), usize::from(parsed.accounts.is_empty()));
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
        let expected =
            AccountEvent::TemplateCategory { template: key(), category: "MARKETING".to_owned(), correct: None };
        check("template_category_update", value("new_category", "MARKETING"), expected);
    }

    #[test]
    fn what_becomes_of_numbers_and_accounts_is_read() {
        let value = json!({ "display_phone_number": "+1 555-0783-881", "event": "THROUGHPUT_UPGRADE",
                            "max_daily_conversations_per_business": "TIER_UNLIMITED" });
        let (display_phone_number, event) = ("15550783881".to_owned(), "THROUGHPUT_UPGRADE".to_owned());
        let limit = Some("TIER_UNLIMITED".to_owned());
        check("phone_number_quality_update", value, AccountEvent::Number { display_phone_number, event, limit });
        let value = json!({ "event": "ACCOUNT_RESTRICTION", "restriction_info": [
            { "restriction_type": "RESTRICTED_BIZ_INITIATED_MESSAGING", "expiration": 1_780_000_000 } ] });
        let restrictions = vec!["RESTRICTED_BIZ_INITIATED_MESSAGING".to_owned()];
        let (event, violation, ban) = ("ACCOUNT_RESTRICTION".to_owned(), None, None);
        check("account_update", value, AccountEvent::Account { event, restrictions, violation, ban });
        let value = json!({ "max_daily_conversations_per_business": 2000, "max_phone_numbers_per_waba": 25 });
        let expected = AccountEvent::Capability { daily: Some("2000".to_owned()), numbers: Some(25) };
        check("business_capability_update", value, expected);
    }

    #[test]
    fn bans_alerts_reviews_names_pins_and_flows_are_read() {
        let own = str::to_owned;
        let value = json!({ "event": "DISABLED_UPDATE", "ban_info": { "waba_ban_state": "DISABLE", "waba_ban_date": "April 17, 2025" } });
        let (event, restrictions, ban) = (own("DISABLED_UPDATE"), vec![], Some(own("DISABLE")));
        check("account_update", value, AccountEvent::Account { event, restrictions, violation: None, ban });
        let value = json!({ "entity_type": "BUSINESS", "entity_id": "5", "alert_info": {
            "alert_severity": "WARNING", "alert_status": "ACTIVE", "alert_type": "OBA_REJECTED", "alert_description": "why" } });
        let (entity, severity, description) = (Some(own("BUSINESS")), Some(own("WARNING")), Some(own("why")));
        check(
            "account_alerts",
            value,
            AccountEvent::Alert { entity, severity, kind: own("OBA_REJECTED"), description },
        );
        let value = json!({ "decision": "APPROVED" });
        check("account_review_update", value, AccountEvent::Review { decision: own("APPROVED") });
        let value = json!({ "display_phone_number": "15550783881", "decision": "REJECTED",
                            "requested_verified_name": "Lucky Shrub", "rejection_reason": "NAME_EMPLOYEE_ISSUE" });
        let (display_phone_number, decision) = (own("15550783881"), own("REJECTED"));
        let (name, reason) = (Some(own("Lucky Shrub")), Some(own("NAME_EMPLOYEE_ISSUE")));
        check(
            "phone_number_name_update",
            value,
            AccountEvent::NumberName { display_phone_number, decision, name, reason },
        );
        let value = json!({ "display_phone_number": "15550783881", "event": "PIN_CHANGED", "requester": "6155" });
        let (display_phone_number, event) = (own("15550783881"), own("PIN_CHANGED"));
        check("security", value, AccountEvent::Security { display_phone_number, event });
        let value =
            json!({ "event": "FLOW_STATUS_CHANGE", "flow_id": "69", "old_status": "DRAFT", "new_status": "BLOCKED" });
        let (event, flow_id, status) = (own("FLOW_STATUS_CHANGE"), Some(own("69")), Some(own("BLOCKED")));
        check("flows", value, AccountEvent::Flow { event, flow_id, status, message: None });
        let value = json!({ "message_template_name": "promo", "message_template_language": "en_US",
                            "message_template_element": "Body {{1}}" });
        let expected = AccountEvent::TemplateComponents { template: key(), body: Some(own("Body {{1}}")) };
        check("message_template_components_update", value, expected);
    }

    #[test]
    fn what_lacks_what_it_is_for_is_kept_with_the_unknown() {
        assert!(told("message_template_status_update", json!({ "event": "PAUSED" })).is_empty());
        assert!(told("account_update", json!([])).is_empty());
        assert!(told("account_alerts", json!({ "event": "X" })).is_empty());
    }
}
