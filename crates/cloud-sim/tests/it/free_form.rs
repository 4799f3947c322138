//! Places, visiting cards, reactions, answers, users without a phone, and receipts for what users wrote.

use serde_json::{Value, json};

use crate::receiver::{Receiver, story};
use crate::support::*;

fn place() -> Value {
    let place = json!({ "latitude": "12.97", "longitude": 77.59, "name": "Office", "address": "1 MG Road" });
    free_form("location", place)
}

fn card() -> Value {
    let name = json!({ "formatted_name": "Dr. Ana B", "first_name": "Ana" });
    let phones = json!([{ "phone": "+1555", "type": "CELL", "wa_id": "1555" }]);
    free_form("contacts", json!([{ "name": name, "phones": phones, "birthday": "1990-01-31" }]))
}

fn reaction(message_id: &str) -> Value {
    free_form("reaction", json!({ "message_id": message_id, "emoji": "👍" }))
}

#[tokio::test]
async fn free_forms_are_refused_with_what_meta_does_not_take() {
    let cards = |count: usize| json!(vec![card()["contacts"][0].clone(); count]);
    for (base, pointer, value, code, words) in [
        (place(), "/location", Value::Null, 100, "The parameter location is required."),
        (place(), "/location/latitude", Value::Null, 100, "location['latitude'] is required"),
        (place(), "/location/latitude", json!("90.5"), 131009, "latitude must be a number from -90 to 90"),
        (place(), "/location/longitude", json!("east"), 131009, "longitude must be a number from -180 to 180"),
        (card(), "/contacts", Value::Null, 100, "The parameter contacts is required."),
        (card(), "/contacts", json!([]), 131009, "Min allowed contacts: 1, Max allowed contacts: 257"),
        (card(), "/contacts", cards(258), 131009, "Max allowed contacts: 257"),
        (
            card(),
            "/contacts/0/name/formatted_name",
            Value::Null,
            100,
            "contacts[0]['name']['formatted_name'] is required",
        ),
        (card(), "/contacts/0/name/first_name", Value::Null, 131009, "at least one other name"),
        (card(), "/contacts/0/birthday", json!("31.1.1990"), 131009, "birthday must be YYYY-MM-DD"),
        (reaction("wamid.1"), "/reaction/message_id", json!(""), 100, "reaction['message_id'] is required"),
        (reaction("wamid.1"), "/reaction/emoji", Value::Null, 100, "reaction['emoji'] is required"),
        (reaction("wamid.1"), "/context", json!({ "message_id": "wamid.2" }), 131009, "not supported for reaction"),
    ] {
        refused(base, &[(pointer, value)], 400, code, words).await;
    }
}

#[tokio::test]
async fn free_forms_answer_whoever_has_written() {
    let sim = start().await;
    assert_eq!(send(&sim, &place()).await.error_code(), 131_047);
    let written = write_in(&sim).await;
    let mut full = card();
    full["contacts"] = json!(vec![full["contacts"][0].clone(); 257]);
    let mut answer = text(PHONE);
    answer["context"] = json!({ "message_id": "wamid.gone" });
    for message in [place(), card(), full, reaction(&written), answer] {
        let answer = send(&sim, &message).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
    }
}

#[tokio::test]
async fn a_reaction_is_sent_and_no_more_is_heard_or_fails_where_it_has_no_target() {
    let (receiver, url) = Receiver::start([]).await;
    let sim = start_with(dawncast_cloud_sim::SimConfig { webhook: Some(url), ..config() }).await;
    let written = write_in(&sim).await;
    let sent = |answer: Answer| answer.json()["messages"][0]["id"].as_str().unwrap().to_owned();
    let good = sent(send(&sim, &reaction(&written)).await);
    let message = sent(send(&sim, &text(PHONE)).await);
    let on_own = sent(send(&sim, &reaction(&message)).await);
    let on_reaction = sent(send(&sim, &reaction(&good)).await);
    let on_nothing = sent(send(&sim, &reaction("wamid.gone")).await);
    eventually("all is told", || sim.pending_webhooks() == 0).await;
    let statuses = receiver.statuses();
    let told = |id: &str| story(&statuses, id);
    assert_eq!((told(&good), told(&on_own)), (vec!["sent".to_owned()], vec!["sent".to_owned()]));
    assert_eq!((told(&on_reaction), told(&on_nothing)), (vec!["failed".to_owned()], vec!["failed".to_owned()]));
    assert!(told(&message).contains(&"delivered".to_owned()));
    let failed =
        sim.ledger().recipients["919876543210"].attempts.iter().filter(|it| it.failed == Some(131_009)).count();
    assert_eq!(failed, 2);
}

#[tokio::test]
async fn a_user_without_a_phone_is_written_to_by_user_id() {
    let (receiver, url) = Receiver::start([]).await;
    let sim = start_with(dawncast_cloud_sim::SimConfig { webhook: Some(url), ..config() }).await;
    let ids = call(&sim, "GET", &format!("/_sim/users/{}", &PHONE[1..]), "", b"").await.json();
    let user_id = ids["user_id"].as_str().unwrap().to_owned();
    let mut message = hello(PHONE);
    message.as_object_mut().unwrap().remove("to");
    message["recipient"] = json!(user_id);
    let answer = send(&sim, &message).await.json();
    assert_eq!(answer["contacts"], json!([{ "input": user_id, "user_id": user_id }]));
    assert_eq!(accepted(&sim, PHONE), 1, "it is the same user");
    eventually("all is told", || sim.pending_webhooks() == 0).await;
    let status = &receiver.statuses()[0];
    assert_eq!((&status["recipient_user_id"], status.get("recipient_id")), (&json!(user_id), None));
    message["recipient"] = json!("US.1");
    assert_eq!(send(&sim, &message).await.error_code(), 131_009);
    message["to"] = json!(PHONE);
    assert_eq!(send(&sim, &message).await.json()["contacts"][0]["wa_id"], "919876543210", "a phone wins");
}

#[tokio::test]
async fn what_a_user_wrote_is_marked_as_read() {
    let sim = start().await;
    let written = write_in(&sim).await;
    let receipt = |changes: Value| {
        let mut body = json!({ "messaging_product": "whatsapp", "status": "read", "message_id": written });
        body.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        body
    };
    for good in [json!({}), json!({ "typing_indicator": { "type": "text" } })] {
        let answer = send(&sim, &receipt(good)).await;
        assert_eq!((answer.status, answer.json()), (200, json!({ "success": true })));
    }
    for (change, code, words) in [
        (json!({ "status": "seen" }), 100, "status must be one of {READ}"),
        (json!({ "message_id": null }), 100, "The parameter message_id is required."),
        (json!({ "message_id": "wamid.gone" }), 131_009, "Message id is not of a message"),
        (json!({ "typing_indicator": {} }), 100, "typing_indicator['type'] is required"),
        (json!({ "typing_indicator": { "type": "voice" } }), 100, "must be one of {TEXT}"),
    ] {
        let answer = send(&sim, &receipt(change)).await;
        assert_eq!((answer.status, answer.error_code()), (400, code), "{}", answer.body);
        assert!(answer.body.contains(words), "{}", answer.body);
    }
    assert_eq!(send_from(&sim, OTHER_NUMBER, &receipt(json!({}))).await.error_code(), 131_009, "it came to another");
    stage(&sim, "/_sim/clock", json!({ "advance_ms": 30_u64 * 24 * 3_600_000 + 1000 })).await;
    assert_eq!(send(&sim, &receipt(json!({}))).await.error_code(), 131_009, "it is too old");
    assert_eq!(sim.ledger().totals.accepted, 0);
}
