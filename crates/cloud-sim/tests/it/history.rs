//! The history of messages: what became of them, and of the webhooks that told of it.

use std::time::{Duration, Instant};

use dawncast_cloud_api::{CallError, Client, ClientConfig, DeliveryStatus, OccurrenceStatus, Token, WebhookState};
use dawncast_cloud_sim::{SecondApp, SimConfig, Simulator};
use serde_json::{Value, json};

use crate::receiver::Receiver;
use crate::support::*;

const APP: &str = "400000000000001";
const HOUR: Duration = Duration::from_secs(3600);

/// Posts are repeated after half a day, by the simulator's clock.
fn patient() -> SimConfig {
    let mut config = unread();
    (config.receipts.retry_base, config.receipts.retry_cap) = (12 * HOUR, 12 * HOUR);
    config
}

/// What is listed of a number, with these parameters.
async fn listed(sim: &Simulator, number: &str, parameters: &str) -> Value {
    get(sim, &format!("/v24.0/{number}/message_history?{parameters}")).await.json()
}

async fn events(sim: &Simulator, wamid: &str) -> Vec<Value> {
    let history = listed(sim, NUMBER, &format!("message_id={wamid}&fields=message_id,events{{delivery_status}}")).await;
    assert_eq!(history["data"][0]["message_id"], wamid, "{history}");
    history["data"][0]["events"]["data"].as_array().unwrap().clone()
}

/// Waits until these happened, each with how far its webhook is.
async fn until(sim: &Simulator, wamid: &str, expected: &[(&str, &str)]) -> Vec<Value> {
    let deadline = Instant::now() + Duration::from_secs(10);
    // Management calls are limited by the hour.
    let mut tick = tokio::time::interval(Duration::from_millis(5));
    loop {
        tick.tick().await;
        let events = events(sim, wamid).await;
        let found: Vec<_> = events
            .iter()
            .map(|it| (it["delivery_status"].as_str().unwrap(), it["webhook_update_state"].as_str().unwrap_or("none")))
            .collect();
        if found == expected {
            return events;
        }
        assert!(Instant::now() < deadline, "{found:?} within ten seconds");
    }
}

#[tokio::test]
async fn it_tells_what_happened_who_was_told_and_where() {
    let (_receiver, url) = Receiver::start([]).await;
    let sim = start_with(SimConfig { webhook: Some(url.clone()), ..unread() }).await;
    let wamid = sent(&sim, &hello(PHONE)).await;
    let told = until(&sim, &wamid, &[("SENT", "DELIVERED"), ("DELIVERED", "DELIVERED")]).await;
    let now = get(&sim, "/_sim/clock").await.json()["now_ms"].as_u64().unwrap() / 1000;
    for event in &told {
        assert_eq!((&event["application"], &event["webhook_uri"]), (&json!({ "id": APP }), &json!(url)));
        assert!((now - 60..=now).contains(&event["timestamp"].as_u64().unwrap()), "{event}");
    }
    assert_ne!(told[0]["id"], told[1]["id"]);
    stage(&sim, "/_sim/read", json!({ "from": PHONE, "number": NUMBER })).await;
    until(&sim, &wamid, &[("SENT", "DELIVERED"), ("DELIVERED", "DELIVERED"), ("READ", "DELIVERED")]).await;
    stage(&sim, "/_sim/block", json!({ "from": PHONE, "number": NUMBER })).await;
    let failed = sent(&sim, &hello(PHONE)).await;
    let told = until(&sim, &failed, &[("FAILED", "DELIVERED")]).await;
    assert_eq!(told[0]["error_description"], "Message undeliverable");
}

#[tokio::test]
async fn messages_are_listed_newest_first_by_page_and_number() {
    let sim = start().await;
    let mut wamids = Vec::new();
    for n in 0..3 {
        wamids.insert(0, sent(&sim, &hello(&format!("+91900000000{n}"))).await);
    }
    let first = listed(&sim, NUMBER, "limit=2").await;
    let bare = |entry: &Value| entry.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(bare(&first["data"][0]), ["id", "message_id"], "events have to be asked for");
    let after = first["paging"]["cursors"]["after"].as_str().unwrap();
    let second = listed(&sim, NUMBER, &format!("limit=2&after={after}")).await;
    let all = first["data"].as_array().unwrap().iter().chain(second["data"].as_array().unwrap());
    assert_eq!(all.map(|entry| entry["message_id"].as_str().unwrap()).collect::<Vec<_>>(), wamids);
    let of_this = format!("message_id={}", wamids[0]);
    assert_eq!(listed(&sim, OTHER_NUMBER, &of_this).await["data"], json!([]), "it is another number's");
    assert_eq!(listed(&sim, NUMBER, "message_id=wamid.none").await["data"], json!([]));
    let unknown = listed(&sim, NUMBER, "fields=colour").await;
    assert!(unknown["error"]["message"].as_str().unwrap().contains("nonexisting field (colour)"), "{unknown}");
    let beyond = listed(&sim, NUMBER, "limit=101").await;
    assert!(beyond["error"]["message"].as_str().unwrap().contains("limit"), "{beyond}");
}

#[tokio::test]
async fn a_webhook_is_pending_until_it_is_posted_and_retrying_until_it_is_answered_200() {
    let (receiver, url) = Receiver::start([500, 500]).await;
    let sim = start_with(SimConfig { webhook: Some(url), ..patient() }).await;
    stage(&sim, "/_sim/webhooks", json!({ "stop_ms": 3_600_000 })).await;
    let wamid = sent(&sim, &hello(PHONE)).await;
    sim.advance(HOUR / 2);
    until(&sim, &wamid, &[("SENT", "PENDING"), ("DELIVERED", "PENDING")]).await;
    sim.advance(HOUR / 2);
    until(&sim, &wamid, &[("SENT", "RETRYING"), ("DELIVERED", "RETRYING")]).await;
    sim.advance(12 * HOUR);
    eventually("it is posted again", || receiver.posts().len() == 2).await;
    // *The clock goes on before the second answer is read*: the pause begins only then.
    eventually("it is posted a third time", || {
        sim.advance(HOUR);
        receiver.posts().len() == 3
    })
    .await;
    until(&sim, &wamid, &[("SENT", "DELIVERED"), ("DELIVERED", "DELIVERED")]).await;
}

#[tokio::test]
async fn a_webhook_that_was_not_answered_200_in_seven_days_has_failed() {
    let (_receiver, url) = Receiver::start([500; 1000]).await;
    let sim = start_with(SimConfig { webhook: Some(url), ..patient() }).await;
    let wamid = sent(&sim, &hello(PHONE)).await;
    until(&sim, &wamid, &[("SENT", "RETRYING"), ("DELIVERED", "RETRYING")]).await;
    sim.advance(8 * 24 * HOUR);
    until(&sim, &wamid, &[("SENT", "FAILED"), ("DELIVERED", "FAILED")]).await;
}

#[tokio::test]
async fn each_app_is_told_for_itself_and_who_was_told_stays_so() {
    let (_first, url) = Receiver::start([]).await;
    let (_other, others) = Receiver::start_for("sim_app_secret_2", "sim_verify_2", [500; 1000]).await;
    let second_app = Some(SecondApp { webhook: Some(others), ..SecondApp::default() });
    let sim = start_with(SimConfig { webhook: Some(url), second_app, ..patient() }).await;
    let wamid = sent(&sim, &hello(PHONE)).await;
    let both = [("SENT", "DELIVERED"), ("SENT", "RETRYING"), ("DELIVERED", "DELIVERED"), ("DELIVERED", "RETRYING")];
    let told = until(&sim, &wamid, &both).await;
    assert_eq!(
        (&told[0]["application"]["id"], &told[1]["application"]["id"]),
        (&json!(APP), &json!("400000000000002"))
    );
    let mut ids: Vec<_> = told.iter().map(|event| event["id"].as_str().unwrap()).collect();
    ids.dedup();
    assert_eq!(ids.len(), 4);
}

#[tokio::test]
async fn what_nobody_is_told_happens_all_the_same_and_what_is_held_back_has_not_happened() {
    let sim = start_with(unread()).await;
    let wamid = sent(&sim, &hello(PHONE)).await;
    let events_of_it = until(&sim, &wamid, &[("SENT", "none"), ("DELIVERED", "none")]).await;
    assert!(events_of_it.iter().all(|event| event["application"].is_null() && event["webhook_uri"].is_null()));
    stage(&sim, "/_sim/templates/weekly_offer_v1", json!({ "pacing": "HELD" })).await;
    let held = sent(&sim, &offer(PHONE)).await;
    assert_eq!(events(&sim, &held).await, [Value::Null; 0]);
    stage(&sim, "/_sim/templates/weekly_offer_v1", json!({ "pacing": "RELEASED" })).await;
    until(&sim, &held, &[("SENT", "none"), ("DELIVERED", "none")]).await;
}

#[tokio::test]
async fn the_events_of_one_message_begin_with_its_acceptance_and_are_listed_by_page_and_status() {
    let sim = start_with(unread()).await;
    stage(&sim, "/_sim/faults", json!({ "faults": [{ "fault": { "kind": "undeliverable" }, "times": 1 }] })).await;
    let (failed, wamid) = (sent(&sim, &hello(PHONE)).await, sent(&sim, &hello(PHONE)).await);
    until(&sim, &failed, &[("FAILED", "none")]).await;
    let told = until(&sim, &wamid, &[("SENT", "none"), ("DELIVERED", "none")]).await;
    let of = async |wamid: &str, parameters: &str| {
        let history = listed(&sim, NUMBER, &format!("message_id={wamid}")).await;
        let id = history["data"][0]["id"].as_str().unwrap().to_owned();
        get(&sim, &format!("/v24.0/{id}/events?{parameters}")).await.json()
    };
    let statuses = |listed: &Value| {
        let edges = listed["data"].as_array().unwrap().iter();
        edges.map(|edge| edge["node"]["delivery_status"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let all = of(&wamid, "").await;
    assert_eq!(statuses(&all), ["ACCEPTED", "SENT", "DELIVERED"]);
    assert_eq!((&all["data"][1]["node"]["id"], &all["data"][2]["node"]["id"]), (&told[0]["id"], &told[1]["id"]));
    assert_eq!(all["data"][1]["node"]["occurrence_timestamp"], told[0]["timestamp"]);
    let first = of(&wamid, "limit=2").await;
    let cursor = first["data"][1]["cursor"].as_str().unwrap();
    assert_eq!(first["paging"]["cursors"]["after"], cursor);
    assert_eq!(statuses(&of(&wamid, &format!("limit=2&after={cursor}")).await), ["DELIVERED"]);
    assert_eq!(statuses(&of(&wamid, "status_filter=SENT").await), ["SENT"]);
    let all = of(&failed, "").await;
    assert_eq!(statuses(&all), ["ACCEPTED", "ERROR"]);
    assert_eq!(all["data"][1]["node"]["error_description"], "Message undeliverable");
    let unknown = of(&failed, "status_filter=FAILED").await;
    assert!(unknown["error"]["message"].as_str().unwrap().contains("must be one of {ACCEPTED, SENT"), "{unknown}");
    assert_eq!(get(&sim, "/v24.0/600000000000099/events").await.json()["error"]["error_subcode"], 33);
}

#[tokio::test]
async fn the_client_reads_it() {
    let (_receiver, url) = Receiver::start([]).await;
    let sim = start_with(SimConfig { webhook: Some(url.clone()), ..unread() }).await;
    let client = Client::new(ClientConfig { base_url: sim.base_url(), ..ClientConfig::default() }).unwrap();
    let token = Token::new("SIM_TOKEN").unwrap();
    let wamid = sent(&sim, &hello(PHONE)).await;
    until(&sim, &wamid, &[("SENT", "DELIVERED"), ("DELIVERED", "DELIVERED")]).await;
    let history = client.message_history(NUMBER, &token, &wamid).await.unwrap().unwrap();
    let [sent, delivered] = &history.events[..] else { panic!("{history:?}") };
    assert_eq!((&history.message_id, &sent.delivery_status), (&wamid, &DeliveryStatus::Sent));
    assert_eq!((&delivered.delivery_status, sent.timestamp <= delivered.timestamp), (&DeliveryStatus::Delivered, true));
    assert_eq!(sent.webhook_update_state, Some(WebhookState::Delivered));
    assert_eq!((sent.application.as_deref(), sent.webhook_uri.as_ref()), (Some(APP), Some(&url)));
    let events = client.message_events(&history.id, &token, None).await.unwrap();
    let statuses: Vec<_> = events.iter().map(|event| event.delivery_status.as_str()).collect();
    assert_eq!(statuses, ["ACCEPTED", "SENT", "DELIVERED"]);
    assert_eq!((events[0].application.as_deref(), events[1].application.as_deref()), (None, Some(APP)));
    assert_eq!((&events[1].id, events[1].occurrence_timestamp), (&sent.id, sent.timestamp));
    let sent_alone = client.message_events(&history.id, &token, Some(&OccurrenceStatus::Sent)).await.unwrap();
    assert_eq!(sent_alone, events[1..2]);
    let unknown = client.message_events("600000000000099", &token, None).await.unwrap_err();
    assert!(matches!(&unknown, CallError::Api(error) if error.code == Some(100)), "{unknown}");
    assert_eq!(client.message_history(NUMBER, &token, "wamid.none").await, Ok(None));
    let nothing = client.message_history(NUMBER, &token, "").await.unwrap_err();
    assert!(matches!(&nothing, CallError::Invalid(words) if words.starts_with("message_id: ")), "{nothing}");
}
