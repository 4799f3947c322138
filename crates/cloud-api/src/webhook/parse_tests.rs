use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::{
    Class, Personal, Way,
    webhook::{Status, payload::*},
};

fn status_json(id: &str) -> Value {
    json!({"id": id, "status": "delivered", "timestamp": "1780000000", "recipient_id": "16505551234",
           "recipient_user_id": "US.1349", "biz_opaque_callback_data": "v1:x",
           "pricing": {"billable": true, "pricing_model": "PMP", "type": "regular", "category": "marketing"}})
}

fn body(statuses: Value) -> Value {
    json!({"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": [{"field": "messages", "value": {
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": "15550783881", "phone_number_id": "106540352242922"},
        "contacts": [{"profile": {"name": "Ana"}, "wa_id": "16505551234"}],
        "statuses": statuses}}]}]})
}

fn read(body: &Value) -> Parsed {
    parse(body.to_string().as_bytes()).unwrap()
}

fn ids(parsed: &Parsed) -> Vec<&str> {
    parsed.statuses.iter().map(|received| received.status.id.as_str()).collect()
}

/// Checks which statuses are found, and how many unknown and strange parts.
fn check(body: &Value, expected: &[&str], unknown: usize, skipped: usize) {
    let parsed = read(body);
    let parts = (ids(&parsed), parsed.unknown.len(), parsed.skipped);
    assert_eq!(parts, (expected.to_vec(), unknown, skipped), "{body}");
}

#[test]
fn a_status_is_read_with_its_number() {
    let parsed = read(&body(json!([status_json("wamid.1")])));
    let [received] = parsed.statuses.as_slice() else { panic!("{parsed:?}") };
    assert_eq!(received.phone_number_id.as_deref(), Some("106540352242922"));
    let status = &received.status;
    assert_eq!((status.status.clone(), status.timestamp), (Status::Delivered, 1_780_000_000));
    assert_eq!(status.recipient_id.as_ref().map(Personal::as_str), Some("16505551234"));
    assert_eq!(status.biz_opaque_callback_data.as_deref(), Some("v1:x"));
    assert_eq!(status.pricing.as_ref().unwrap().category.as_deref(), Some("marketing"));
}

#[test]
fn a_failed_status_keeps_its_errors() {
    let failed = json!({"id": "wamid.1", "status": "failed", "timestamp": 1_780_000_001,
        "errors": [{"code": 131049, "title": "Withheld", "message": "Withheld",
                    "error_data": {"details": "ecosystem"}, "href": "/x"}]});
    let parsed = read(&body(json!([failed])));
    let status = &parsed.statuses[0].status;
    assert_eq!((status.status.clone(), status.timestamp), (Status::Failed, 1_780_000_001));
    assert_eq!((status.errors[0].code, status.errors[0].title.as_str()), (131_049, "Withheld"));
    assert_eq!(status.errors[0].error_data.as_ref().unwrap().details, "ecosystem");
    assert_eq!(status.errors[0].entry().class(Way::Webhook), Class::PermanentRecipient);
}

#[test]
fn a_whole_batch_is_read_in_order() {
    let mut batch = body(json!([status_json("1"), status_json("2")]));
    let second = body(json!([status_json("3")]))["entry"][0].clone();
    batch["entry"].as_array_mut().unwrap().push(second);
    check(&batch, &["1", "2", "3"], 0, 0);
}

#[test]
fn other_kinds_of_update_are_kept_as_they_came() {
    let mut batch = body(json!([status_json("1")]));
    batch["entry"][0]["changes"][0]["value"]["messages"] = json!([{"from": "1", "id": "in.1"}, 7]);
    let changes = batch["entry"][0]["changes"].as_array_mut().unwrap();
    changes.push(json!({"field": "account_alerts", "value": {"event": "X"}}));
    changes.push(json!({"field": "calls", "value": {"statuses": [status_json("call")]}}));
    check(&batch, &["1"], 4, 0);
    batch["entry"][0]["changes"].as_array_mut().unwrap().push(json!({"field": "standby", "value": []}));
    check(&batch, &["1"], 5, 0);
    let parsed = read(&batch);
    let fields: Vec<_> = parsed.unknown.iter().map(|unknown| unknown.field.as_str()).collect();
    assert_eq!(fields, ["messages", "messages", "account_alerts", "calls", "standby"]);
    assert_eq!(parsed.unknown[2].value, json!({"event": "X"}));
}

#[test]
fn a_strange_status_does_not_cost_its_neighbours() {
    for strange in
        [json!(null), json!(7), json!([]), json!({}), json!({"id": "x", "status": "sent", "timestamp": "noon"})]
    {
        check(&body(json!([status_json("1"), strange, status_json("2")])), &["1", "2"], 0, 1);
    }
}

#[test]
fn a_strange_member_does_not_cost_its_status() {
    for name in ["recipient_id", "recipient_user_id", "biz_opaque_callback_data", "pricing", "conversation", "errors"] {
        let mut status = status_json("1");
        status[name] = json!([["strange"]]);
        check(&body(json!([status])), &["1"], 0, 0);
    }
    let mut status = status_json("1");
    status["errors"] = json!([{"code": "x"}, {"code": 131026}]);
    let parsed = read(&body(json!([status])));
    assert_eq!(parsed.statuses[0].status.errors.iter().map(|error| error.code).collect::<Vec<_>>(), [131_026]);
}

#[test]
fn strange_surroundings_do_not_cost_a_status() {
    let mut batch = body(json!([status_json("1")]));
    batch["object"] = json!(7);
    batch["entry"][0]["id"] = json!(null);
    batch["entry"][0]["changes"][0]["value"]["metadata"]["display_phone_number"] = json!(1);
    let entries = batch["entry"].as_array_mut().unwrap();
    entries.insert(0, json!({"changes": {"not": "a list"}}));
    entries.insert(1, json!({"changes": [null, {"field": "messages"}, {"value": {}}, {"field": "messages", "value": {"statuses": 7}}]}));
    let parsed = read(&batch);
    assert_eq!((ids(&parsed), parsed.skipped), (vec!["1"], 5));
    assert_eq!(parsed.statuses[0].phone_number_id.as_deref(), Some("106540352242922"));
}

#[test]
fn text_that_is_no_unicode_costs_only_its_own_place() {
    let good = body(json!([status_json("1"), status_json("bad"), status_json("2")])).to_string();
    let half_emoji = good.replace("\"bad\"", r#""\ud83d""#);
    assert_eq!(ids(&parse(half_emoji.as_bytes()).unwrap()), ["1", "2"]);
    let mut raw_byte = good.replace("Ana", "A~a").into_bytes();
    let at = raw_byte.iter().position(|&byte| byte == b'~').unwrap();
    raw_byte[at] = 0xFF;
    assert_eq!(ids(&parse(&raw_byte).unwrap()), ["1", "bad", "2"]);
}

#[test]
fn a_body_that_is_no_object_is_refused_without_being_quoted() {
    for bad in ["", "[]", "null", "\"919812345678\"", "{\"entry\":[{\"id\":\"919812345678\""] {
        let error = parse(bad.as_bytes()).unwrap_err().to_string();
        assert!(error.contains("line 1, column") && !error.contains("9198"), "{error}");
    }
}

#[test]
fn what_is_written_is_what_is_read() {
    let status = read(&body(json!([status_json("1")]))).statuses.remove(0).status;
    let value = MessagesValue {
        messaging_product: "whatsapp".to_owned(),
        metadata: Some(Metadata { display_phone_number: "1".to_owned(), phone_number_id: "2".to_owned() }),
        contacts: vec![serde_json::value::to_raw_value(&json!({"wa_id": "1"})).unwrap()],
        statuses: vec![status.clone()],
        ..MessagesValue::default()
    };
    let change = Change { field: "messages".to_owned(), value };
    let entry = Entry { id: "3".to_owned(), time: None, changes: vec![change] };
    let notification = Notification { object: "whatsapp_business_account".to_owned(), entry: vec![entry] };
    let written = serde_json::to_value(&notification).unwrap();
    let value = &written["entry"][0]["changes"][0]["value"];
    assert_eq!(value["statuses"], json!([status_json("1")]));
    assert_eq!(value["contacts"], json!([{"wa_id": "1"}]));
    assert_eq!(value.get("messages"), None);
    assert_eq!(read(&written).statuses, [ReceivedStatus { phone_number_id: Some("2".to_owned()), status }]);
}

#[test]
fn a_status_never_prints_its_recipient() {
    let shown = format!("{:?}", read(&body(json!([status_json("1")]))));
    assert!(shown.contains("***34") && !shown.contains("1650555"), "{shown}");
}

/// Any JSON, often with the names that a webhook uses.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        prop::sample::select(&["messages", "sent", "failed", "1780000000"]).prop_map(Value::from),
    ];
    let names = &[
        "entry",
        "changes",
        "field",
        "value",
        "statuses",
        "metadata",
        "phone_number_id",
        "errors",
        "id",
        "status",
        "timestamp",
        "code",
        "pricing",
        "messages",
        "contacts",
    ];
    leaf.prop_recursive(6, 48, 5, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::btree_map(prop::sample::select(names).prop_map(str::to_owned), inner, 0..5)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

fn insert(list: &mut Value, garbage: Vec<Value>, at: usize) {
    let list = list.as_array_mut().unwrap();
    let at = at.min(list.len());
    list.splice(at..at, garbage);
}

proptest! {
    #[test]
    fn no_bytes_make_the_parser_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = parse(&bytes);
    }

    #[test]
    fn no_json_makes_the_parser_panic(json in any_json()) {
        prop_assert_eq!(parse(json.to_string().as_bytes()).is_ok(), json.is_object());
    }

    #[test]
    fn a_good_status_is_found_among_any_garbage(
        garbage in prop::collection::vec(prop::collection::vec(any_json(), 0..3), 3), at in 0..2_usize,
    ) {
        let mut batch = body(json!([status_json("wamid.good")]));
        insert(&mut batch["entry"][0]["changes"][0]["value"]["statuses"], garbage[0].clone(), at);
        insert(&mut batch["entry"][0]["changes"], garbage[1].clone(), 1);
        insert(&mut batch["entry"], garbage[2].clone(), 1);
        let good = read(&body(json!([status_json("wamid.good")]))).statuses.remove(0);
        prop_assert!(read(&batch).statuses.contains(&good), "{}", batch);
    }

    #[test]
    fn both_ways_of_reading_agree_on_a_well_formed_batch(count in 0..5_usize, inbound in 0..3_usize) {
        let mut batch = body((0..count).map(|n| status_json(&n.to_string())).collect());
        batch["entry"][0]["changes"][0]["value"]["messages"] = vec![json!({"id": "in"}); inbound].into();
        let text = batch.to_string();
        let strict = Parsed::from(serde_json::from_str::<Notification>(&text).unwrap());
        prop_assert_eq!(strict, parse_loosely(&text).unwrap());
    }
}
