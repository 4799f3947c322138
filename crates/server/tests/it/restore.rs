//! A restored snapshot over HTTP, and what `/readyz` says of Redis.

use axum::http::StatusCode;
use dawncast_store::restore::Seen;
use serde_json::{Value, json};

use crate::rig::{Api, answer, campaign_body};

/// Marks the database as an hour behind what was seen of it. The run of a campaign whose time came in that hour.
async fn restored(api: &Api) -> Value {
    let known = api.store.compare(&Seen::nothing("")).await.unwrap().seen;
    let audience = api.ready(2).await;
    let campaign = json!({ "schedule": { "type": "now" }, "name": "morning" });
    let mut body = campaign_body(&audience);
    body.as_object_mut().unwrap().extend(campaign.as_object().unwrap().clone());
    let (status, created) = api.post("/v1/campaigns", &body).await;
    assert_eq!(status, 201, "{created}");
    let beat = known.beat.max(crate::rig::NOW) + 3_600_000;
    api.store.compare(&Seen { beat, ..known }).await.unwrap();
    api.store.line_up_holds().await.unwrap();
    created["next_run"].clone()
}

#[tokio::test]
async fn a_restored_snapshot_is_shown_with_its_runs_and_acknowledged_once() {
    let api = Api::start().await;
    assert_eq!(api.get("/v1/restore").await, (StatusCode::OK, json!({ "restored": false })));
    let run = restored(&api).await;
    let (_, held) = api.get(&format!("/v1/runs/{}", run.as_str().unwrap())).await;
    assert_eq!(held["holds"], json!(["restored"]));
    let (_, shown) = api.get("/v1/restore").await;
    assert_eq!((&shown["restored"], &shown["runs"][0]["run"]), (&true.into(), &run), "{shown}");
    assert_eq!(
        (&shown["runs"][0]["name"], &shown["runs"][0]["on_acknowledge"]),
        (&"morning".into(), &"cancelled".into())
    );
    let acknowledged = api.act("/v1/restore/acknowledge").await;
    assert_eq!((&acknowledged["restored"], &acknowledged["runs"]), (&false.into(), &shown["runs"]));
    assert_eq!(api.act("/v1/restore/acknowledge").await, json!({ "restored": false }));
}

#[tokio::test]
async fn only_an_admin_may_acknowledge_a_restore() {
    let api = Api::start().await;
    let (_, key) = api.post("/v1/keys", &json!({ "name": "ci", "scopes": ["numbers:write"] })).await;
    for (method, path) in [("GET", "/v1/restore"), ("POST", "/v1/restore/acknowledge")] {
        let request = api.client.request(method.parse().unwrap(), format!("http://{}{path}", api.address));
        let (status, _) = answer(request.bearer_auth(key["secret"].as_str().unwrap())).await;
        assert_eq!(status, StatusCode::FORBIDDEN, "{path}");
    }
}

/// The only reason for which `/readyz` is not ready, and whether it says what to do.
async fn reason(api: &Api) -> Option<String> {
    let (status, body) = answer(api.client.get(format!("http://{}/readyz", api.address))).await;
    assert_eq!(status == StatusCode::OK, body["status"] == "ready", "{body}");
    let reason = body["reasons"][0].as_str()?.to_owned();
    assert!(body["detail"].as_str().is_some_and(|detail| detail.len() > 40), "{body}");
    Some(reason)
}

async fn tell(api: &Api, words: &[&str]) {
    redis::cmd(words[0]).arg(&words[1..]).exec_async(&mut api.store.connection()).await.unwrap();
}

#[tokio::test]
async fn readiness_tells_a_full_a_read_only_and_a_restored_redis_apart() {
    let api = Api::start().await;
    assert_eq!(reason(&api).await, None);
    tell(&api, &["CONFIG", "SET", "maxmemory", "1"]).await;
    assert_eq!(reason(&api).await.as_deref(), Some("redis_full"));
    tell(&api, &["CONFIG", "SET", "maxmemory", "0"]).await;
    tell(&api, &["REPLICAOF", "127.0.0.1", "1"]).await;
    assert_eq!(reason(&api).await.as_deref(), Some("redis_read_only"));
    tell(&api, &["REPLICAOF", "NO", "ONE"]).await;
    assert_eq!(reason(&api).await, None);
    restored(&api).await;
    assert_eq!(reason(&api).await.as_deref(), Some("restored"));
    api.act("/v1/restore/acknowledge").await;
    assert_eq!(reason(&api).await, None);
}
