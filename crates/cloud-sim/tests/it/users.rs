//! Users by their business-scoped ids, and what messages to them cost.

use std::time::Duration;

use dawncast_cloud_sim::{Rules, SimConfig, Simulator};
use serde_json::{Value, json};

use crate::receiver::Receiver;
use crate::support::*;

const DAY: Duration = Duration::from_secs(24 * 3600);

async fn start_by(rules: Rules) -> (Receiver, Simulator) {
    let (receiver, url) = Receiver::start([]).await;
    let mut config = SimConfig { webhook: Some(url), rules, ..config() };
    config.receipts.read_share = 1.0;
    (receiver, start_with(config).await)
}

async fn quiet(sim: &Simulator) {
    eventually("every webhook is delivered", || sim.pending_webhooks() == 0).await;
}

async fn user_id(sim: &Simulator) -> String {
    let ids = call(sim, "GET", &format!("/_sim/users/{}", &PHONE[1..]), "", b"").await.json();
    ids["user_id"].as_str().unwrap().to_owned()
}

async fn be(sim: &Simulator, order: Value) {
    stage(sim, &format!("/_sim/users/{}", &PHONE[1..]), order).await;
}

/// The statuses of one kind, in order of arrival.
fn of_kind(receiver: &Receiver, kind: &str) -> Vec<Value> {
    receiver.statuses().into_iter().filter(|status| status["status"] == kind).collect()
}

#[tokio::test]
async fn a_hidden_user_is_known_by_the_user_id_until_the_phone_is_written_to() {
    let (receiver, sim) = start_by(Rules::default()).await;
    let id = user_id(&sim).await;
    be(&sim, json!({ "hidden": true })).await;
    let written = write_in(&sim).await;
    stage(&sim, "/_sim/preference", json!({ "from": PHONE, "number": NUMBER, "value": "stop" })).await;
    quiet(&sim).await;
    let message = &receiver.all("messages")[0];
    assert_eq!((message.get("from"), &message["from_user_id"]), (None, &json!(id)));
    let contact = &receiver.all("contacts")[0];
    assert_eq!((contact.get("wa_id"), &contact["user_id"]), (None, &json!(id)));
    let wish = &receiver.all("user_preferences")[0];
    assert_eq!((wish.get("wa_id"), &wish["user_id"]), (None, &json!(id)));
    assert!(receiver.posts().iter().all(|post| !post.contains(&PHONE[1..])), "the phone is nowhere");
    assert_eq!(message["id"], json!(written));
    let parsed = &receiver.parsed()[0].inbound[0];
    assert_eq!((parsed.from.is_none(), parsed.from_user_id.is_some()), (true, true), "the client reads it");

    // An answer to the user id, in the window that the user opened.
    let mut answer = text(PHONE);
    answer.as_object_mut().unwrap().remove("to");
    answer["recipient"] = json!(id);
    let confirmed = send(&sim, &answer).await.json();
    assert_eq!(confirmed["contacts"][0], json!({ "input": id, "user_id": id }));
    quiet(&sim).await;
    let sent = &of_kind(&receiver, "sent")[0];
    assert_eq!((sent.get("recipient_id"), &sent["recipient_user_id"]), (None, &json!(id)));

    send(&sim, &hello(PHONE)).await;
    write_in(&sim).await;
    quiet(&sim).await;
    let message = receiver.all("messages").pop().unwrap();
    assert_eq!((&message["from"], &message["from_user_id"]), (&json!(PHONE[1..]), &Value::Null));
    sim.advance(31 * DAY);
    write_in(&sim).await;
    quiet(&sim).await;
    assert_eq!(receiver.all("messages").pop().unwrap().get("from"), None, "that is 31 days ago");
}

#[tokio::test]
async fn a_one_time_code_goes_to_phones_alone() {
    let sim = start_with(SimConfig { review: Duration::from_secs(60), ..config() }).await;
    let button = json!({ "type": "OTP", "otp_type": "COPY_CODE", "text": "Copy" });
    let template = json!({ "name": "code", "language": "en_US", "category": "AUTHENTICATION",
        "components": [{ "type": "BODY" }, { "type": "BUTTONS", "buttons": [button] }] });
    assert_eq!(post(&sim, &format!("/{WABA}/message_templates"), &template).await.status, 200);
    sim.advance(Duration::from_secs(60));
    let code = json!([{ "type": "text", "text": "123456" }]);
    let mut message = json!({
        "messaging_product": "whatsapp", "to": PHONE, "type": "template",
        "template": { "name": "code", "language": { "code": "en_US" }, "components": [
            { "type": "body", "parameters": code },
            { "type": "button", "sub_type": "url", "index": "0", "parameters": code }] },
    });
    assert_eq!(send(&sim, &message).await.status, 200);
    message.as_object_mut().unwrap().remove("to");
    message["recipient"] = json!(user_id(&sim).await);
    let refused = send(&sim, &message).await;
    assert_eq!((refused.status, refused.error_code()), (400, 131_062));
}

#[tokio::test]
async fn user_ids_are_told_of_everyone_where_that_is_asked_for() {
    let (receiver, sim) = start_by(Rules { user_ids: true, ..Rules::default() }).await;
    let id = user_id(&sim).await;
    let confirmed = send(&sim, &hello(PHONE)).await.json();
    assert_eq!(confirmed["contacts"][0], json!({ "input": PHONE, "wa_id": PHONE[1..], "user_id": id }));
    write_in(&sim).await;
    stage(&sim, "/_sim/block", json!({ "from": PHONE, "number": NUMBER })).await;
    send(&sim, &hello(PHONE)).await;
    quiet(&sim).await;
    let message = &receiver.all("messages")[0];
    assert_eq!((&message["from"], &message["from_user_id"]), (&json!(PHONE[1..]), &json!(id)));
    let sent = &of_kind(&receiver, "sent")[0];
    assert_eq!((&sent["recipient_id"], &sent["recipient_user_id"]), (&json!(PHONE[1..]), &json!(id)));
    let failed = &of_kind(&receiver, "failed")[0];
    assert_eq!((&failed["recipient_id"], failed.get("recipient_user_id")), (&json!(PHONE[1..]), None));
    let contacts = receiver.all("contacts");
    assert!(contacts.len() > 1 && contacts.iter().all(|it| it["user_id"] == json!(id) && it["wa_id"] == PHONE[1..]));
    assert_eq!(receiver.parsed().iter().map(|parsed| parsed.skipped + parsed.unknown.len()).sum::<usize>(), 0);
}

#[tokio::test]
async fn statuses_tell_of_a_conversation_up_to_v23() {
    let (receiver, sim) = start_by(Rules { webhook_version: "v23.0".to_owned(), ..Rules::default() }).await;
    send(&sim, &hello(PHONE)).await;
    send(&sim, &offer(PHONE)).await;
    quiet(&sim).await;
    let sent = of_kind(&receiver, "sent");
    let conversation = |status: &Value| status["conversation"].clone();
    let of_hello = sent.iter().find(|status| status["pricing"]["category"] == "utility").unwrap();
    let (at, until) = (&of_hello["timestamp"], &conversation(of_hello)["expiration_timestamp"]);
    let seconds = |text: &Value| text.as_str().unwrap().parse::<u64>().unwrap();
    assert!((86_399..=86_400).contains(&(seconds(until) - seconds(at))));
    assert_eq!(conversation(of_hello)["origin"]["type"], "utility");
    assert_ne!(conversation(&sent[0])["id"], conversation(&sent[1])["id"], "each message has its own");
    let read = &of_kind(&receiver, "read")[0];
    assert!(conversation(read)["id"].is_string() && conversation(read).get("expiration_timestamp").is_none());
    let parsed: Vec<_> = receiver.parsed().into_iter().flat_map(|parsed| parsed.statuses).collect();
    assert!(parsed.iter().all(|status| status.status.conversation.is_some()), "the client reads it");

    let (receiver, sim) = start_by(Rules::default()).await;
    send(&sim, &hello(PHONE)).await;
    quiet(&sim).await;
    assert!(receiver.statuses().iter().all(|status| status.get("conversation").is_none()), "none since v24");
    let refused = call(&sim, "POST", "/_sim/rules", "", br#"{"webhook_version":"24"}"#).await;
    assert!(refused.status == 400 && refused.body.contains("give one such as `v24.0`"), "{}", refused.body);
}

/// Type, category and whether it is charged, of the last message's `sent`.
async fn price(receiver: &Receiver, sim: &Simulator) -> (String, String, bool) {
    quiet(sim).await;
    let pricing = of_kind(receiver, "sent").pop().unwrap()["pricing"].clone();
    let text = |name: &str| pricing[name].as_str().unwrap().to_owned();
    (text("type"), text("category"), pricing["billable"].as_bool().unwrap())
}

fn is(kind: &str, category: &str, billable: bool) -> (String, String, bool) {
    (kind.to_owned(), category.to_owned(), billable)
}

#[tokio::test]
async fn within_a_service_window_utility_and_free_text_cost_nothing_and_marketing_does() {
    let (receiver, sim) = start_by(Rules::default()).await;
    send(&sim, &hello(PHONE)).await;
    assert_eq!(price(&receiver, &sim).await, is("regular", "utility", true));
    write_in(&sim).await;
    send(&sim, &hello(PHONE)).await;
    assert_eq!(price(&receiver, &sim).await, is("free_customer_service", "utility", false));
    send(&sim, &text(PHONE)).await;
    assert_eq!(price(&receiver, &sim).await, is("free_customer_service", "service", false));
    send(&sim, &offer(PHONE)).await;
    assert_eq!(price(&receiver, &sim).await, is("regular", "marketing", true));
}

#[tokio::test]
async fn service_is_charged_after_a_thousand_messages_a_month_where_that_is_asked_for() {
    let (receiver, sim) = start_by(Rules { charges_service: true, ..Rules::default() }).await;
    stage(&sim, "/_sim/webhooks", json!({ "stop_ms": 0 })).await;
    let phone = |n: u64| format!("+{}", 919_000_000_000_u64 + n);
    for n in 0..1000 {
        stage(&sim, "/_sim/reply", json!({ "from": phone(n), "number": NUMBER, "text": "hi" })).await;
        assert_eq!(send(&sim, &text(&phone(n))).await.status, 200);
    }
    let counted = |kind: &str| of_kind(&receiver, "sent").iter().filter(|it| it["pricing"]["type"] == kind).count();
    quiet(&sim).await;
    assert_eq!((counted("free_customer_service"), counted("regular")), (1000, 0));
    send(&sim, &text(&phone(0))).await;
    assert_eq!(price(&receiver, &sim).await, is("regular", "service", true));
    send(&sim, &hello(&phone(0))).await;
    assert_eq!(price(&receiver, &sim).await, is("regular", "utility", true), "utility in the window as well");
    sim.advance(31 * DAY);
    write_in(&sim).await;
    send(&sim, &text(PHONE)).await;
    assert_eq!(price(&receiver, &sim).await, is("free_customer_service", "service", false), "a new month");
}

#[tokio::test]
async fn everything_is_free_for_three_days_after_the_answer_to_who_came_by_an_advertisement() {
    let (receiver, sim) = start_by(Rules::default()).await;
    be(&sim, json!({ "came_to": NUMBER })).await;
    write_in(&sim).await;
    sim.advance(DAY / 2);
    send(&sim, &text(PHONE)).await;
    assert_eq!(price(&receiver, &sim).await, is("free_entry_point", "referral_conversion", false));
    let sent = of_kind(&receiver, "sent").pop().unwrap();
    assert_eq!(sent["conversation"]["origin"]["type"], "referral_conversion", "told of in every version");
    sim.advance(2 * DAY + DAY / 2);
    send(&sim, &offer(PHONE)).await;
    assert_eq!(price(&receiver, &sim).await, is("free_entry_point", "referral_conversion", false));
    sim.advance(DAY);
    send(&sim, &offer(PHONE)).await;
    assert_eq!(price(&receiver, &sim).await, is("regular", "marketing", true));
    be(&sim, json!({ "came_to": NUMBER })).await;
    sim.advance(DAY);
    send(&sim, &hello(PHONE)).await;
    assert_eq!(price(&receiver, &sim).await.0, "regular", "the answer came too late");
    let unknown = call(&sim, "POST", "/_sim/users/919876543210", "", br#"{"came_to":"42"}"#).await;
    assert!(unknown.status == 400 && unknown.body.contains("`42` is not a number"), "{}", unknown.body);
}
