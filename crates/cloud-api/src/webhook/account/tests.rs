use serde_json::{Value, json};

use super::super::parse;
use super::*;
use crate::TemplateStatus;

fn told(field: &str, value: &Value) -> Vec<AccountUpdate> {
    let change = json!({ "field": field, "value": value });
    let status = json!({ "id": "wamid.1", "status": "sent", "timestamp": "5" });
    let messages = json!({ "field": "messages", "value": { "messaging_product": "whatsapp", "statuses": [status] } });
    let body = json!({ "object": "whatsapp_business_account", "entry": [
        { "id": "7", "time": 1_780_000_000, "changes": [change] }, { "id": "7", "changes": [messages] } ] });
    let parsed = parse(body.to_string().as_bytes()).unwrap();
    assert_eq!((parsed.statuses.len(), parsed.skipped), (1, 0), "what comes with it is read all the same");
    assert_eq!(parsed.unknown.len(), usize::from(parsed.accounts.is_empty()));
    parsed.accounts
}

fn event_of(field: &str, value: &Value) -> AccountEvent {
    let [update] = &told(field, value)[..] else { panic!("{field} is one update: {value}") };
    assert_eq!((update.waba_id.as_str(), update.time, &update.value), ("7", Some(1_780_000_000), value));
    update.event.clone()
}

/// The leaves of a value, as they are written.
fn leaves(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => members.values().for_each(|value| leaves(value, found)),
        Value::Array(items) => items.iter().for_each(|value| leaves(value, found)),
        Value::String(text) => found.push(text.clone()),
        Value::Null => {}
        other => found.push(other.to_string()),
    }
}

/// Meta's examples, with every member that its reference names.
fn examples() -> Vec<(&'static str, Value)> {
    let template = |more: Value| {
        let mut value = json!({ "message_template_id": 5_944_254_792_615_960_001_u64,
            "message_template_name": "promo", "message_template_language": "en_US" });
        value.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        value
    };
    let account = |more: Value| {
        let mut value = json!({ "event": "SOMETHING" });
        value.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        value
    };
    vec![
        (
            "message_template_status_update",
            template(json!({ "event": "PAUSED", "reason": "ABUSIVE_CONTENT", "message_template_category": "MARKETING",
                "other_info": { "title": "FIRST_PAUSE", "description": "paused for 3 hours" },
                "disable_info": { "disable_date": 1_790_000_000 },
                "rejection_info": { "reason": "no sample", "recommendation": "give one" } })),
        ),
        (
            "message_template_quality_update",
            template(json!({ "previous_quality_score": "GREEN", "new_quality_score": "YELLOW" })),
        ),
        (
            "template_category_update",
            template(json!({ "previous_category": "UTILITY", "new_category": "AUTHENTICATION",
                "correct_category": "MARKETING", "category_update_timestamp": 1_790_000_000 })),
        ),
        (
            "message_template_components_update",
            template(json!({ "message_template_title": "Header", "message_template_element": "Body {{1}}",
                "message_template_footer": "F", "message_template_buttons": [{ "message_template_button_type": "URL",
                "message_template_button_text": "Go", "message_template_button_url": "https://e.x/" }] })),
        ),
        (
            "phone_number_quality_update",
            json!({ "display_phone_number": "15550783881", "event": "THROUGHPUT_UPGRADE", "old_limit": "TIER_2K",
                "current_limit": "TIER_10K", "max_daily_conversations_per_business": "TIER_UNLIMITED" }),
        ),
        (
            "phone_number_name_update",
            json!({ "display_phone_number": "15550783881", "decision": "REJECTED",
                "requested_verified_name": "Lucky Shrub", "rejection_reason": "NAME_EMPLOYEE_ISSUE" }),
        ),
        (
            "account_update",
            account(json!({ "restriction_info": [
            { "restriction_type": "RESTRICTED_BIZ_INITIATED_MESSAGING", "expiration": 1_780_000_000 } ] })),
        ),
        ("account_update", account(json!({ "violation_info": { "violation_type": "SCAM" } }))),
        (
            "account_update",
            account(json!({ "ban_info": { "waba_ban_state": "DISABLE", "waba_ban_date": "April 17, 2025" } })),
        ),
        ("account_update", account(json!({ "waba_info": { "waba_id": "12", "owner_business_id": "34" } }))),
        ("account_update", account(json!({ "country": "IN" }))),
        ("account_update", account(json!({ "auth_international_rate_eligibility": { "start_time": 1_780_000_000 } }))),
        (
            "account_update",
            account(json!({ "volume_tier_info": { "tier_update_time": 1_780_000_000,
            "pricing_category": "UTILITY", "tier": "0:750000", "effective_month": "2026-01", "region": "India" } })),
        ),
        (
            "account_alerts",
            json!({ "entity_type": "BUSINESS", "entity_id": "506914307656634", "alert_info": { "alert_severity": "WARNING",
                "alert_status": "ACTIVE", "alert_type": "OBA_REJECTED", "alert_description": "why" } }),
        ),
        ("account_review_update", json!({ "decision": "APPROVED" })),
        (
            "business_capability_update",
            json!({ "max_daily_conversations_per_business": 2000, "max_daily_conversation_per_phone": -1,
                "max_phone_numbers_per_waba": 25, "max_phone_numbers_per_business": 20 }),
        ),
        ("security", json!({ "display_phone_number": "15550783881", "event": "PIN_RESET_REQUEST", "requester": "61" })),
        (
            "flows",
            json!({ "event": "ENDPOINT_ERROR_RATE", "message": "It fails.", "flow_id": "691244242662581", "error_rate": 14.28,
                "threshold": 10.0, "alert_state": "ACTIVATED",
                "errors": [{ "error_type": "TIMEOUT", "error_rate": 66.6, "error_count": 20 }] }),
        ),
        (
            "flows",
            json!({ "event": "ENDPOINT_LATENCY", "flow_id": "6", "old_status": "DRAFT", "new_status": "BLOCKED",
                "p50_latency": 700.5, "p90_latency": 900.5, "requests_count": 31, "availability": 75.5, "warning": "old" }),
        ),
    ]
}

#[test]
fn every_member_that_meta_names_is_typed() {
    for (field, value) in examples() {
        let shown = format!("{:?}", event_of(field, &value)).to_uppercase();
        let mut given = Vec::new();
        leaves(&value, &mut given);
        // Who asked for a PIN is a person, and not shown.
        for leaf in given.iter().filter(|leaf| *leaf != "61") {
            assert!(shown.contains(&leaf.to_uppercase()), "{field} drops {leaf}: {shown}");
        }
    }
}

#[test]
fn a_member_of_another_type_costs_no_other() {
    for (field, value) in examples() {
        let needed = [
            "event",
            "decision",
            "message_template_name",
            "message_template_language",
            "new_quality_score",
            "new_category",
            "display_phone_number",
            "alert_info",
        ];
        for name in value.as_object().unwrap().keys().filter(|name| !needed.contains(&name.as_str())) {
            for strange in [json!(null), json!([[]]), json!({ "x": {} }), json!(true)] {
                let mut value = value.clone();
                value[name] = strange;
                event_of(field, &value);
            }
        }
    }
}

#[test]
fn the_pause_of_a_template_is_read() {
    let value = json!({ "event": "PAUSED", "message_template_id": 594_425_479_261_596_u64, "reason": "NONE",
        "message_template_name": "promo", "message_template_language": "en-US",
        "other_info": { "title": "FIRST_PAUSE", "description": "…paused for 3 hours…" } });
    let AccountEvent::TemplateStatus(told) = event_of("message_template_status_update", &value) else {
        panic!("{value}")
    };
    let id = Some("594425479261596".to_owned());
    assert_eq!(told.template, TemplateKey { id, name: "promo".to_owned(), language: "en_US".to_owned() });
    assert_eq!((told.status, told.reason), (TemplateStatus::Paused, None));
    assert_eq!(told.other_info.unwrap().title.as_deref(), Some("FIRST_PAUSE"));
}

#[test]
fn a_limit_is_read_by_either_name() {
    let limit = |name: &str| {
        let value = json!({ "display_phone_number": "+1 555-0783-881", "event": "UPGRADE", name: "TIER_2K" });
        let AccountEvent::Number(told) = event_of("phone_number_quality_update", &value) else { panic!("{value}") };
        assert_eq!(told.display_phone_number, "15550783881");
        told.limit().map(str::to_owned)
    };
    let known = Some("TIER_2K".to_owned());
    assert_eq!(
        ["max_daily_conversations_per_business", "current_limit", "old_limit"].map(limit),
        [known.clone(), known, None]
    );
}

#[test]
fn what_lacks_what_it_is_for_is_kept_with_the_unknown() {
    assert!(told("message_template_status_update", &json!({ "event": "PAUSED" })).is_empty());
    assert!(told("account_update", &json!([])).is_empty());
    assert!(told("account_review_update", &json!(["APPROVED"])).is_empty());
    assert!(told("account_alerts", &json!({ "event": "X" })).is_empty());
}
