use std::collections::BTreeSet;
use std::time::Duration;

use dawncast_cloud_sim::{Fault, FaultOrder, FaultProfile, FaultRule, Receipts, SimConfig, SimError, Simulator};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::receiver::{Receiver, members, story};
use crate::support::*;

async fn start_for(url: String, change: impl FnOnce(&mut SimConfig)) -> Simulator {
    let mut config = SimConfig { webhook: Some(url), ..config() };
    change(&mut config);
    start_with(config).await
}

async fn quiet(sim: &Simulator) {
    eventually("every webhook is delivered", || sim.pending_webhooks() == 0).await;
}

fn phone(n: usize) -> String {
    format!("+{}", 919_000_000_000 + n)
}

#[tokio::test]
async fn an_accepted_message_is_sent_then_delivered_then_read() {
    let (receiver, url) = Receiver::start([]).await;
    let sim = start_for(url, |config| config.receipts.read_share = 1.0).await;
    let answer = send(&sim, &hello(PHONE)).await.json();
    quiet(&sim).await;
    let statuses = receiver.statuses();
    assert_eq!(story(&statuses, answer["messages"][0]["id"].as_str().unwrap()), ["sent", "delivered", "read"]);
    for status in &statuses {
        assert_eq!(
            (&status["recipient_id"], &status["biz_opaque_callback_data"]),
            (&json!("919876543210"), &json!(format!("for:{PHONE}")))
        );
        assert!(status["timestamp"].as_str().unwrap().parse::<u64>().is_ok());
        assert_eq!(status.get("pricing").is_some(), status["status"] != "read", "{status}");
    }
    let pricing = json!({ "billable": true, "pricing_model": "PMP", "type": "regular", "category": "utility" });
    assert_eq!(statuses[0]["pricing"], pricing);
}

#[tokio::test]
async fn the_envelope_names_account_and_number() {
    let (receiver, url) = Receiver::start([]).await;
    let sim = start_for(url, |_| {}).await;
    send_from(&sim, OTHER_NUMBER, &hello(PHONE)).await;
    quiet(&sim).await;
    let post: Value = serde_json::from_str(&receiver.posts()[0]).unwrap();
    assert_eq!((&post["object"], &post["entry"][0]["id"]), (&json!("whatsapp_business_account"), &json!(WABA)));
    let change = &post["entry"][0]["changes"][0];
    assert_eq!(change["field"], "messages");
    let metadata = json!({ "display_phone_number": "15550100002", "phone_number_id": OTHER_NUMBER });
    assert_eq!((&change["value"]["metadata"], &change["value"]["messaging_product"]), (&metadata, &json!("whatsapp")));
}

#[tokio::test]
async fn a_post_is_repeated_until_it_is_answered_200() {
    let (receiver, url) = Receiver::start([500, 404, 204, 302]).await;
    let sim = start_for(url, |config| config.receipts.linger = Duration::from_millis(100)).await;
    send(&sim, &hello(PHONE)).await;
    quiet(&sim).await;
    let posts = receiver.posts();
    assert!(posts.len() >= 5 && posts[..5].iter().all(|post| *post == posts[0]), "{}", posts.len());
}

#[tokio::test]
async fn an_outage_of_the_receiver_loses_nothing() {
    let (receiver, url) = Receiver::start([]).await;
    let sim = start_for("http://127.0.0.1:9/webhook".to_owned(), |_| {}).await;
    for n in 0..20 {
        send(&sim, &hello(&phone(n))).await;
    }
    assert!(sim.pending_webhooks() >= 40);
    sim.set_webhook(Some(&url)).unwrap();
    quiet(&sim).await;
    let sent = receiver.statuses().iter().filter(|status| status["status"] == "sent").count();
    assert_eq!(sent, 20);
}

#[tokio::test]
async fn a_post_that_nobody_answers_is_given_up_after_seven_days() {
    let sim = start_for("http://127.0.0.1:9/webhook".to_owned(), |config| {
        config.receipts.retry_cap = Duration::from_secs(24 * 3600);
        config.receipts.retry_base = Duration::from_secs(12 * 3600);
    })
    .await;
    send(&sim, &hello(PHONE)).await;
    sim.advance(Duration::from_secs(6 * 24 * 3600));
    assert!(sim.pending_webhooks() > 0);
    let a_day_later = || {
        sim.advance(Duration::from_secs(24 * 3600));
        sim.pending_webhooks() == 0
    };
    eventually("it is given up", a_day_later).await;
}

#[tokio::test]
async fn statuses_come_in_batches_of_bounded_size() {
    let (receiver, url) = Receiver::start([]).await;
    let sim = start_for(url, |config| {
        config.receipts = Receipts { max_batch: 7, read_share: 0.0, ..config.receipts.clone() }
    })
    .await;
    for n in 0..50 {
        send(&sim, &hello(&phone(n))).await;
    }
    quiet(&sim).await;
    let sizes: Vec<_> =
        receiver.posts().iter().map(|post| members(&serde_json::from_str(post).unwrap(), "statuses").len()).collect();
    assert_eq!(sizes.iter().sum::<usize>(), 100);
    assert!(sizes.iter().all(|size| *size <= 7) && sizes.iter().any(|size| *size > 1), "{sizes:?}");
}

#[tokio::test]
async fn a_harsh_day_duplicates_and_reorders_but_every_accepted_message_is_told_of() {
    let (receiver, url) = Receiver::start([500; 5]).await;
    let sim = start_for(url, |config| config.faults = FaultProfile::Harsh).await;
    let send = |n| {
        let addr = sim.addr();
        // Whatever comes of it; the ledger tells what was accepted.
        async move { exchange(addr, &send_request(NUMBER, &hello(&phone(n)))).await.ok() }
    };
    (0..150).map(send).collect::<JoinSet<_>>().join_all().await;
    quiet(&sim).await;
    let statuses = receiver.statuses();
    let ledger = sim.ledger();
    let stories: Vec<_> =
        ledger.recipients.values().flat_map(|it| &it.attempts).map(|it| story(&statuses, &it.wamid)).collect();
    assert!(stories.len() > 100);
    assert!(stories.iter().all(|story| story.iter().any(|it| it == "sent" || it == "failed")), "{stories:?}");
    assert!(stories.iter().any(|story| story.len() > story.iter().collect::<BTreeSet<_>>().len()), "duplicates");
    assert!(stories.iter().any(|story| story.first().is_some_and(|first| first == "delivered")), "disorder");
    assert!(
        stories.iter().any(|story| story.contains(&"read".to_owned()) && !story.contains(&"delivered".to_owned())),
        "skipped"
    );
}

async fn failure_of(fault: Fault) -> Vec<Value> {
    let (receiver, url) = Receiver::start([]).await;
    let sim = start_for(url, |_| {}).await;
    sim.set_faults(FaultOrder { faults: vec![FaultRule::always(fault)] }).unwrap();
    assert_eq!(send(&sim, &hello(PHONE)).await.status, 200);
    quiet(&sim).await;
    assert_eq!(accepted(&sim, PHONE), 1);
    let (statuses, ledger) = (receiver.statuses(), sim.ledger());
    let failed = ledger.recipients[PHONE.trim_start_matches('+')].attempts[0].failed;
    assert_eq!(json!(failed), statuses[0]["errors"][0]["code"], "the ledger says the same");
    statuses
}

#[tokio::test]
async fn an_undeliverable_message_is_accepted_and_then_failed() {
    let statuses = failure_of(Fault::Undeliverable).await;
    assert_eq!(statuses.len(), 1);
    let status = &statuses[0];
    assert_eq!(
        (&status["status"], &status["biz_opaque_callback_data"]),
        (&json!("failed"), &json!(format!("for:{PHONE}")))
    );
    assert_eq!(status["errors"][0]["code"], 131026);
    assert_eq!(status["errors"][0]["title"], "Message undeliverable");
    assert!(status.get("pricing").is_none());
}

#[tokio::test]
async fn an_async_error_brings_the_code_that_was_ordered() {
    let statuses = failure_of(Fault::AsyncError { code: 131049 }).await;
    assert_eq!(statuses[0]["errors"][0]["code"], 131049);
}

#[tokio::test]
async fn a_message_that_was_delivered_may_be_told_as_failed_as_well() {
    let (receiver, url) = Receiver::start([]).await;
    let sim = start_for(url, |_| {}).await;
    sim.set_faults(FaultOrder { faults: vec![FaultRule::always(Fault::DeliveredThenFailed { code: 131_026 })] })
        .unwrap();
    let answer = send(&sim, &hello(PHONE)).await.json();
    quiet(&sim).await;
    let statuses = receiver.statuses();
    let story = story(&statuses, answer["messages"][0]["id"].as_str().unwrap());
    assert_eq!((story[1].as_str(), story.last().unwrap().as_str()), ("delivered", "failed"));
    assert_eq!(statuses.last().unwrap()["errors"][0]["code"], 131_026);
    assert_eq!(sim.ledger().recipients[&PHONE[1..]].attempts[0].failed, None, "it arrived");
}

#[tokio::test]
async fn sent_can_come_before_the_http_response() {
    let (receiver, url) = Receiver::start([]).await;
    let sim = start_for(url, |config| {
        config.receipts = Receipts { early_share: 1.0, linger: Duration::ZERO, ..config.receipts.clone() };
    })
    .await;
    let slow = FaultRule::always(Fault::Slow { ms: 400 });
    sim.set_faults(FaultOrder { faults: vec![slow] }).unwrap();
    let message = hello(PHONE);
    let mut answering = std::pin::pin!(send(&sim, &message));
    let told = eventually("the status is there", || !receiver.posts().is_empty());
    tokio::select! {
        biased;
        _ = &mut answering => panic!("the response came first"),
        () = told => {}
    }
    assert_eq!(answering.await.status, 200);
}

#[tokio::test]
async fn a_reply_arrives_as_an_inbound_message_with_escapes_and_opens_the_window() {
    let (receiver, url) = Receiver::start([]).await;
    let sim = start_for(url, |_| {}).await;
    assert_eq!(send(&sim, &text(PHONE)).await.error_code(), 131047);
    let reply = json!({ "from": "919876543210", "number": NUMBER, "text": "grüß dich 👍" });
    let id = stage(&sim, "/_sim/reply", reply).await["id"].clone();
    quiet(&sim).await;
    let message = receiver.all("messages")[0].clone();
    assert_eq!((&message["from"], &message["id"], &message["type"]), (&json!("919876543210"), &id, &json!("text")));
    assert_eq!(message["text"]["body"], "grüß dich 👍");
    assert_eq!(receiver.all("contacts")[0]["wa_id"], "919876543210");
    assert!(receiver.posts()[0].is_ascii() && receiver.posts()[0].contains("gr\\u00fc\\u00df"));

    assert_eq!(send(&sim, &text(PHONE)).await.status, 200);
    quiet(&sim).await;
    assert_eq!(receiver.statuses()[0]["pricing"]["category"], "service");
    sim.advance(Duration::from_secs(24 * 3600));
    assert_eq!(send(&sim, &text(PHONE)).await.error_code(), 131047);
}

#[tokio::test]
async fn a_user_who_blocks_a_number_gets_nothing_from_it_any_more() {
    let (receiver, url) = Receiver::start([]).await;
    let sim = start_for(url, |_| {}).await;
    stage(&sim, "/_sim/block", json!({ "from": PHONE, "number": NUMBER })).await;
    assert_eq!(send(&sim, &hello(PHONE)).await.status, 200);
    quiet(&sim).await;
    assert_eq!(receiver.statuses()[0]["errors"][0]["code"], 131026);
    send_from(&sim, OTHER_NUMBER, &hello(PHONE)).await;
    quiet(&sim).await;
    assert!(receiver.statuses().iter().any(|status| status["status"] == "sent"), "the other number is not blocked");
}

#[tokio::test]
async fn who_stops_marketing_is_told_of_and_gets_none_until_it_is_resumed() {
    let (receiver, url) = Receiver::start([]).await;
    let sim = start_for(url, |_| {}).await;
    let wish = |value| json!({ "from": PHONE, "number": NUMBER, "value": value });
    stage(&sim, "/_sim/preference", wish("stop")).await;
    quiet(&sim).await;
    let told = &receiver.all("user_preferences")[0];
    assert_eq!((&told["wa_id"], &told["value"]), (&json!("919876543210"), &json!("stop")));
    assert!(told["timestamp"].is_u64() && receiver.posts()[0].contains("\"field\":\"user_preferences\""));

    assert_eq!(send(&sim, &offer(PHONE)).await.status, 200);
    send(&sim, &hello(PHONE)).await;
    quiet(&sim).await;
    let statuses = receiver.statuses();
    let failed: Vec<_> = statuses.iter().filter(|status| status["status"] == "failed").collect();
    assert_eq!(failed.len(), 1, "marketing alone: {statuses:?}");
    assert_eq!(failed[0]["errors"][0]["code"], 131050);

    stage(&sim, "/_sim/preference", wish("resume")).await;
    send_from(&sim, NUMBER, &offer(PHONE)).await;
    quiet(&sim).await;
    assert_eq!(receiver.statuses().iter().filter(|status| status["status"] == "failed").count(), 1);
}

#[tokio::test]
async fn nothing_is_announced_without_a_url_or_with_receipts_off() {
    let sim = start().await;
    send(&sim, &hello(PHONE)).await;
    assert_eq!(sim.pending_webhooks(), 0);
    let sim = start_for("http://127.0.0.1:9/".to_owned(), |config| config.receipts = Receipts::off()).await;
    send(&sim, &hello(PHONE)).await;
    assert_eq!(sim.pending_webhooks(), 0);
}

#[tokio::test]
async fn a_webhook_is_verified_by_token_and_challenge() {
    let (_, url) = Receiver::start([]).await;
    start_for(url.clone(), |_| {}).await.verify_webhook().await.unwrap();
    let stranger = start_for(url, |config| config.verify_token = "other".to_owned()).await;
    let refused = stranger.verify_webhook().await;
    assert!(matches!(refused, Err(SimError::Verification(reason)) if reason.contains("403")));
}

#[tokio::test]
async fn a_url_that_is_not_http_is_refused() {
    let sim = start().await;
    for url in ["ftp://host/", "webhook"] {
        assert!(matches!(sim.set_webhook(Some(url)), Err(SimError::WebhookUrl(reason)) if reason.contains(url)));
    }
}
