use reqwest::Method;
use serde_json::{Value, json};

use crate::rig::{Api, answer, campaign_body};

async fn post(api: &Api, path: &str, key: &str, body: &Value) -> (u16, Value) {
    let (status, answer) = answer(api.request(Method::POST, path).header("idempotency-key", key).json(body)).await;
    (status.as_u16(), answer)
}

#[tokio::test]
async fn the_same_call_twice_creates_once_and_answers_alike() {
    let api = Api::start().await;
    let audience = api.ready(3).await;
    let first = post(&api, "/v1/campaigns", "k1", &campaign_body(&audience)).await;
    assert_eq!(first.0, 201, "{}", first.1);
    assert_eq!(post(&api, "/v1/campaigns", "k1", &campaign_body(&audience)).await, first);
    assert_ne!(post(&api, "/v1/campaigns", "k2", &campaign_body(&audience)).await.1["id"], first.1["id"]);
    assert_eq!(api.store.campaigns_page(10, None).await.unwrap().items.len(), 2);
}

#[tokio::test]
async fn the_same_calls_at_once_create_once() {
    let api = Api::start().await;
    let body = json!({ "name": "a" });
    let calls = futures::future::join_all((0..8).map(|_| post(&api, "/v1/audiences", "k", &body))).await;
    assert!(calls.iter().all(|(status, _)| [201, 409].contains(status)), "{calls:?}");
    assert_eq!(api.store.audiences_page(10, None).await.unwrap().items.len(), 1);
}

#[tokio::test]
async fn another_body_under_the_same_key_is_refused() {
    let api = Api::start().await;
    assert_eq!(post(&api, "/v1/audiences", "k", &json!({ "name": "a" })).await.0, 201);
    let (status, problem) = post(&api, "/v1/audiences", "k", &json!({ "name": "b" })).await;
    assert_eq!((status, &problem["type"]), (422, &json!("/problems/idempotency-mismatch")));
    assert_eq!(post(&api, "/v1/audiences", "", &json!({ "name": "b" })).await.0, 400);
}

#[tokio::test]
async fn a_refused_call_can_be_mended_and_sent_again_under_its_key() {
    let api = Api::start().await;
    assert_eq!(post(&api, "/v1/audiences", "k", &json!({ "name": 1 })).await.0, 422);
    let number = json!({ "phone_number_id": "101", "waba_id": "200", "display_phone_number": "x", "access_token": "t",
                         "pool": "a" });
    api.number("101").await;
    assert_eq!(post(&api, "/v1/numbers", "n", &number).await.0, 409);
    answer(api.request(Method::DELETE, "/v1/numbers/101")).await;
    assert_eq!(post(&api, "/v1/numbers", "n", &number).await.0, 201);
}

#[tokio::test]
async fn a_call_that_died_after_creating_is_repeated_without_a_second_campaign() {
    let api = Api::start().await;
    let audience = api.ready(3).await;
    let body = serde_json::to_vec(&campaign_body(&audience)).unwrap();
    let send = || {
        let request = api.request(Method::POST, "/v1/campaigns").header("idempotency-key", "k");
        answer(request.body(body.clone()))
    };
    let (_, first) = send().await;
    // The answer was never remembered: as if the server had died just before.
    let mut connection = api.redis.store("").await.connection();
    let keys: Vec<String> = redis::cmd("KEYS").arg("t:idempotency:*").query_async(&mut connection).await.unwrap();
    let forget = redis::cmd("HDEL").arg(&keys[0]).arg(&["status", "body"]).exec_async(&mut connection).await;
    forget.unwrap();
    assert_eq!(send().await.1["type"], "/problems/in-progress");
    redis::cmd("HSET").arg(&keys[0]).arg(&["until", "0"]).exec_async(&mut connection).await.unwrap();
    let (status, second) = send().await;
    assert_eq!((status.as_u16(), &second["id"], &second["next_run"]), (201, &first["id"], &first["next_run"]));
    assert_eq!(api.store.campaigns_page(10, None).await.unwrap().items.len(), 1);
}

/// Uploads `file` under the key.
async fn import(api: &Api, audience: &str, key: &str, file: &str) -> (u16, Value) {
    let request = api.request(Method::POST, &format!("/v1/audiences/{audience}/imports?mode=replace"));
    let request = request.header("idempotency-key", key).header("content-type", "text/csv").body(file.to_owned());
    let (status, answer) = answer(request).await;
    (status.as_u16(), answer)
}

#[tokio::test]
async fn the_same_upload_twice_is_taken_in_once_and_another_under_its_key_is_refused() {
    let api = Api::start().await;
    let audience = api.audience().await;
    let file = "phone,id\n+919876543210,a\n+919876543211,b\n";
    let first = import(&api, &audience, "k", file).await;
    assert_eq!((first.0, &first.1["state"], &first.1["rows"]), (202, &json!("done"), &json!(2)), "{}", first.1);
    let version = async || api.get(&format!("/v1/audiences/{audience}")).await.1["version"].clone();
    let before = version().await;
    assert_eq!(import(&api, &audience, "k", file).await, first);
    let (status, problem) = import(&api, &audience, "k", &file.replace(",b", ",c")).await;
    assert_eq!((status, &problem["type"]), (422, &json!("/problems/idempotency-mismatch")));
    assert_eq!(version().await, before, "neither made a version");
    assert_ne!(import(&api, &audience, "other", file).await.1["id"], first.1["id"]);
}

#[tokio::test]
async fn an_upload_that_failed_or_was_refused_can_be_sent_again_mended_under_its_key() {
    let api = Api::start().await;
    let audience = api.audience().await;
    let failed = import(&api, &audience, "k", "phone\n").await;
    assert_eq!((failed.0, &failed.1["state"]), (202, &json!("failed")), "{}", failed.1);
    assert_eq!(import(&api, "aud_none", "k", "phone\n").await.0, 404);
    let mended = import(&api, &audience, "k", "phone\n+919876543210\n").await;
    assert_eq!((mended.0, &mended.1["state"]), (202, &json!("done")), "{}", mended.1);
}

#[tokio::test]
async fn a_key_that_is_made_twice_is_made_once_and_its_secret_is_not_told_again() {
    let api = Api::start().await;
    let body = json!({ "name": "ci", "scopes": ["campaigns:read"] });
    let (status, made) = post(&api, "/v1/keys", "k", &body).await;
    assert_eq!(status, 201, "{made}");
    let (status, problem) = post(&api, "/v1/keys", "k", &body).await;
    assert_eq!((status, &problem["type"]), (409, &json!("/problems/conflict")));
    assert!(problem["detail"].as_str().unwrap().contains(made["id"].as_str().unwrap()), "{problem}");
    assert!(!problem.to_string().contains(made["secret"].as_str().unwrap()));
    let other = json!({ "name": "ci", "scopes": ["admin"] });
    assert_eq!(post(&api, "/v1/keys", "k", &other).await.1["type"], "/problems/idempotency-mismatch");
    assert_eq!(api.store.keys_page(10, None).await.unwrap().items.len(), 1);
    // Nothing that is stored says the secret.
    let mut connection = api.redis.store("").await.connection();
    let keys: Vec<String> = redis::cmd("KEYS").arg("t:idempotency:*").query_async(&mut connection).await.unwrap();
    let kept: Vec<String> = redis::cmd("HVALS").arg(&keys[0]).query_async(&mut connection).await.unwrap();
    assert!(!kept.concat().contains(made["secret"].as_str().unwrap().split_once('.').unwrap().1), "{kept:?}");
}
