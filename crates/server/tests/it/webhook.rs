use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use dawncast_cloud_api::webhook::{AppSecret, Parsed, ReceivedStatus, sign};
use dawncast_server::{Unavailable, WebhookState, webhook_router};
use reqwest::Response;
use serde_json::{Value, json};

use crate::rig::{client, listen};

const VERIFY_TOKEN: &str = "verify";

fn secret(text: &str) -> AppSecret {
    AppSecret::new(text).unwrap()
}

/// What the handler was given.
type Seen = Arc<Mutex<Vec<ReceivedStatus>>>;

async fn webhook(outcome: Result<(), Unavailable>) -> (SocketAddr, Seen) {
    let seen = Seen::default();
    let handler = {
        let seen = Arc::clone(&seen);
        move |parsed: Parsed| {
            seen.lock().unwrap().extend(parsed.statuses);
            async move { outcome }
        }
    };
    let state = WebhookState::new(vec![secret("new"), secret("old")], VERIFY_TOKEN, handler);
    (listen(webhook_router(state)).await, seen)
}

fn batch() -> Vec<u8> {
    let status = json!({ "id": "wamid.1", "status": "delivered", "timestamp": "1795176000", "recipient_id": "919876543210",
                         "biz_opaque_callback_data": "x" });
    let value = json!({ "messaging_product": "whatsapp", "statuses": [status],
                        "metadata": { "display_phone_number": "91", "phone_number_id": "101" } });
    let body = json!({ "object": "whatsapp_business_account",
                       "entry": [{ "id": "200", "changes": [{ "field": "messages", "value": value }] }] });
    serde_json::to_vec(&body).unwrap()
}

async fn post(address: SocketAddr, signature: &str, body: Vec<u8>) -> Response {
    let request = client().post(format!("http://{address}/webhook")).header("x-hub-signature-256", signature);
    request.body(body).send().await.unwrap()
}

#[tokio::test]
async fn a_batch_that_any_secret_signed_reaches_the_handler_before_the_200() {
    let (address, seen) = webhook(Ok(())).await;
    for name in ["new", "old"] {
        let response = post(address, &sign(&secret(name), &batch()), batch()).await;
        assert_eq!(response.status(), 200);
    }
    let seen = seen.lock().unwrap();
    assert_eq!(seen.len(), 2);
    assert_eq!((seen[0].phone_number_id.as_deref(), seen[0].status.id.as_str()), (Some("101"), "wamid.1"));
}

#[tokio::test]
async fn one_strange_part_never_spoils_a_batch() {
    let (address, seen) = webhook(Ok(())).await;
    let mut strange: Value = serde_json::from_slice(&batch()).unwrap();
    let statuses = strange["entry"][0]["changes"][0]["value"]["statuses"].as_array_mut().unwrap();
    let good = statuses[0].clone();
    statuses.extend([
        json!(7),
        json!({ "id": null }),
        json!({ "id": "w", "status": "sent", "timestamp": "soon" }),
        good,
    ]);
    strange["entry"].as_array_mut().unwrap().extend([json!("x"), json!({ "changes": 3 })]);
    let body = serde_json::to_vec(&strange).unwrap();
    assert_eq!(post(address, &sign(&secret("new"), &body), body.clone()).await.status(), 200);
    assert_eq!(seen.lock().unwrap().len(), 2, "the good ones");
}

#[tokio::test]
async fn a_forged_batch_is_turned_away_unread() {
    let (address, seen) = webhook(Ok(())).await;
    let genuine = sign(&secret("new"), &batch());
    let mut changed = batch();
    let last = changed.len() - 3;
    changed[last] ^= 1;
    for (signature, body) in [
        (sign(&secret("other"), &batch()), batch()),
        (genuine.clone(), changed),
        (genuine.replace("sha256=", "sha1="), batch()),
        (String::new(), batch()),
    ] {
        let response = post(address, &signature, body).await;
        assert_eq!(response.status(), 401, "{signature}");
        assert_eq!(response.json::<Value>().await.unwrap()["type"], "/problems/forged");
    }
    let bare = client().post(format!("http://{address}/webhook")).body(batch()).send().await.unwrap();
    assert_eq!(bare.status(), 401);
    assert!(seen.lock().unwrap().is_empty());
}

#[tokio::test]
async fn what_could_not_be_stored_is_asked_for_again() {
    let (address, _) = webhook(Err(Unavailable)).await;
    let response = post(address, &sign(&secret("new"), &batch()), batch()).await;
    assert_eq!(response.status(), 503);
}

#[tokio::test]
async fn a_handler_that_hangs_holds_no_request() {
    let state = WebhookState::new(vec![secret("new")], VERIFY_TOKEN, |_| std::future::pending());
    let address = listen(webhook_router(state)).await;
    let started = std::time::Instant::now();
    let response = post(address, &sign(&secret("new"), &batch()), batch()).await;
    assert_eq!(response.status(), 503);
    assert!(started.elapsed().as_secs_f64() < 2.5);
}

#[tokio::test]
async fn a_body_too_large_or_broken_is_refused() {
    let (address, seen) = webhook(Ok(())).await;
    assert_eq!(post(address, "", vec![b' '; 3 * 1024 * 1024 + 1]).await.status(), 413);
    let broken = b"{\"entry\": [".to_vec();
    assert_eq!(post(address, &sign(&secret("new"), &broken), broken.clone()).await.status(), 400);
    let nothing = b"{\"object\":\"whatsapp_business_account\",\"entry\":[]}".to_vec();
    assert_eq!(post(address, &sign(&secret("new"), &nothing), nothing.clone()).await.status(), 200);
    assert!(seen.lock().unwrap().is_empty());
}

#[tokio::test]
async fn the_handshake_gives_the_challenge_back_for_our_token_only() {
    let (address, _) = webhook(Ok(())).await;
    let get = async |token: &str| {
        let query = format!("hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token={token}");
        let response = client().get(format!("http://{address}/webhook?{query}")).send().await.unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    };
    assert_eq!(get(VERIFY_TOKEN).await, (200, "1158201444".to_owned()));
    assert_eq!(get("wrong").await.0, 403);
}

#[tokio::test]
async fn nothing_else_is_served_there() {
    let (address, _) = webhook(Ok(())).await;
    for path in ["/", "/healthz", "/v1/campaigns"] {
        assert_eq!(client().get(format!("http://{address}{path}")).send().await.unwrap().status(), 404, "{path}");
    }
    assert_eq!(client().delete(format!("http://{address}/webhook")).send().await.unwrap().status(), 405);
}

#[tokio::test]
async fn what_is_turned_away_is_counted() {
    let recorder = metrics_exporter_prometheus::PrometheusBuilder::new().build_recorder();
    let handle = recorder.handle();
    // The test and its server share this thread.
    let _guard = metrics::set_default_local_recorder(&recorder);
    dawncast_server::metrics::describe();
    let rendered = handle.render();
    assert!(rendered.contains("dawncast_receipts_total{status=\"unknown\",outcome=\"rejected\"} 0"));
    assert!(rendered.contains("dawncast_webhook_duration_seconds_count{code=\"503\"} 0"), "{rendered}");
    let (address, _) = webhook(Ok(())).await;
    post(address, "sha256=00", batch()).await;
    post(address, &sign(&secret("new"), &batch()), batch()).await;
    let rendered = handle.render();
    for line in [
        "dawncast_receipts_total{status=\"unknown\",outcome=\"rejected\"} 1",
        "dawncast_webhook_duration_seconds_count{code=\"401\"} 1",
        "dawncast_webhook_duration_seconds_count{code=\"200\"} 1",
    ] {
        assert!(rendered.contains(line), "{line} is missing in:\n{rendered}");
    }
}
