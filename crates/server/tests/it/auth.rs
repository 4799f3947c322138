use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::rig::{Api, answer, number_body};

async fn key(api: &Api, scopes: &[&str]) -> String {
    let (status, key) = api.post("/v1/keys", &json!({ "name": "ci", "scopes": scopes })).await;
    assert_eq!(status, 201, "{key}");
    key["secret"].as_str().unwrap().to_owned()
}

async fn status(api: &Api, method: Method, path: &str, secret: &str) -> StatusCode {
    let request = api.client.request(method, format!("http://{}{path}", api.address)).bearer_auth(secret);
    answer(request.json(&json!({}))).await.0
}

#[tokio::test]
async fn without_a_known_key_nothing_is_answered() {
    let api = Api::start().await;
    let url = format!("http://{}/v1/campaigns", api.address);
    for authorization in ["", "Bearer", "Bearer ", "Basic Ym9v", "Bearer wrong", "Bearer key_aaaaaaaaaa.bbbb"] {
        let response = api.client.get(&url).header("authorization", authorization).send().await.unwrap();
        assert_eq!(
            (response.status().as_u16(), &response.headers()["www-authenticate"]),
            (401, &"Bearer".parse().unwrap())
        );
        let problem: serde_json::Value = response.json().await.unwrap();
        assert_eq!(problem["type"], "/problems/unauthorized", "{authorization:?}");
    }
    assert_eq!(api.client.get(&url).send().await.unwrap().status(), 401);
}

#[tokio::test]
async fn a_key_may_do_what_its_scopes_say() {
    let api = Api::start().await;
    let calls = [
        (Method::GET, "/v1/campaigns"),
        (Method::POST, "/v1/campaigns/validate"),
        (Method::POST, "/v1/numbers"),
        (Method::POST, "/v1/keys"),
    ];
    for (scope, allowed) in [
        ("campaigns:read", [true, false, false, false]),
        ("campaigns:write", [true, true, false, false]),
        ("numbers:write", [true, false, true, false]),
        ("admin", [true, true, true, true]),
    ] {
        let secret = key(&api, &[scope]).await;
        for ((method, path), allowed) in calls.iter().zip(allowed) {
            let forbidden = status(&api, method.clone(), path, &secret).await == StatusCode::FORBIDDEN;
            assert_eq!(forbidden, !allowed, "{scope}: {method} {path}");
        }
    }
}

#[tokio::test]
async fn a_forbidden_call_says_which_scope_it_needs_and_does_nothing() {
    let api = Api::start().await;
    let secret = key(&api, &["campaigns:write"]).await;
    let request = api.client.post(format!("http://{}/v1/numbers", api.address)).bearer_auth(secret);
    let (status, problem) = answer(request.json(&number_body("101"))).await;
    assert_eq!((status.as_u16(), problem["type"].as_str().unwrap()), (403, "/problems/forbidden"));
    assert!(problem["detail"].as_str().unwrap().contains("`numbers:write` or `admin`"), "{problem}");
    assert!(api.store.numbers().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_secret_is_shown_once_and_worthless_once_revoked() {
    let api = Api::start().await;
    let (_, made) = api.post("/v1/keys", &json!({ "name": "ci", "scopes": ["campaigns:read"] })).await;
    let (secret, id) = (made["secret"].as_str().unwrap(), made["id"].as_str().unwrap());
    let (_, listed) = api.get("/v1/keys").await;
    assert_eq!(listed["items"][0]["id"], id);
    assert!(!listed.to_string().contains(secret) && listed["items"][0].get("secret").is_none());
    assert_eq!(status(&api, Method::GET, "/v1/runs", secret).await, 200);
    let revoke = || answer(api.request(Method::DELETE, &format!("/v1/keys/{id}")));
    assert_eq!(revoke().await.0, 204);
    assert_eq!(revoke().await.0, 404);
    assert_eq!(status(&api, Method::GET, "/v1/runs", secret).await, 401);
}
