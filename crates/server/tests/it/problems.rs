use std::time::Duration;

use dawncast_testkit::until;
use reqwest::Method;
use serde_json::json;

use crate::rig::{Api, answer, faults};

#[tokio::test]
async fn every_problem_is_a_document_of_a_stable_type() {
    let api = Api::start().await;
    let broken = api.request(Method::POST, "/v1/audiences").body("{\"name\": \"a\",}");
    let large = api.request(Method::POST, "/v1/audiences").body(vec![b' '; 1024 * 1024 + 1]);
    let calls = [
        (api.request(Method::GET, "/v1/nothing"), 404, "not-found"),
        (api.request(Method::GET, "/"), 404, "not-found"),
        (api.request(Method::GET, "/v1/runs/no%20id"), 404, "not-found"),
        (api.request(Method::DELETE, "/v1/campaigns"), 405, "method-not-allowed"),
        (api.request(Method::GET, "/v1/campaigns?limit=0"), 400, "malformed"),
        (api.request(Method::GET, "/v1/campaigns?limit=x"), 400, "malformed"),
        (api.request(Method::GET, "/v1/campaigns?page=2"), 400, "malformed"),
        (broken, 400, "malformed"),
        (api.request(Method::POST, "/v1/audiences").body("[]"), 400, "malformed"),
        (api.request(Method::POST, "/v1/audiences").body("{}"), 422, "validation"),
        (large, 413, "too-large"),
    ];
    for (request, status, kind) in calls {
        let response = request.send().await.unwrap();
        let what = response.url().to_string();
        assert_eq!(
            (response.status().as_u16(), &response.headers()["content-type"]),
            (status, &"application/problem+json".parse().unwrap()),
            "{what}"
        );
        let problem: serde_json::Value = response.json().await.unwrap();
        assert_eq!(
            (&problem["type"], &problem["status"]),
            (&json!(format!("/problems/{kind}")), &json!(status)),
            "{what}"
        );
        assert!(problem["title"].is_string() && problem["detail"].is_string(), "{problem}");
    }
    assert!(api.store.audiences_page(10, None).await.unwrap().items.is_empty());
}

#[tokio::test]
async fn a_streamed_body_without_a_length_is_limited_as_well() {
    let api = Api::start().await;
    let pieces = (0..1100).map(|_| Ok::<_, std::io::Error>(vec![b' '; 1024]));
    let body = reqwest::Body::wrap_stream(futures::stream::iter(pieces));
    let (status, problem) = answer(api.request(Method::POST, "/v1/audiences").body(body)).await;
    assert_eq!((status.as_u16(), &problem["type"]), (413, &json!("/problems/too-large")));
}

#[tokio::test]
async fn broken_json_is_told_where_it_breaks_and_an_unknown_field_by_its_pointer() {
    let api = Api::start().await;
    let broken = api.request(Method::POST, "/v1/audiences").body("{\n  \"name\": oops\n}");
    let (_, problem) = answer(broken).await;
    assert!(problem["detail"].as_str().unwrap().contains("line 2"), "{problem}");
    let (status, problem) = api.post("/v1/audiences", &json!({ "name": "a", "nam/e": 1 })).await;
    assert_eq!(status, 422);
    assert_eq!(faults(&problem), ["/nam~1e: is not a field of this body; those are `name`."]);
}

#[tokio::test]
async fn health_needs_no_key_and_readiness_needs_redis() {
    let api = Api::start().await;
    let read = async |path: &str| {
        let response = api.client.get(format!("http://{}{path}", api.address)).send().await.unwrap();
        (response.status().as_u16(), response.json::<serde_json::Value>().await.unwrap())
    };
    assert_eq!(read("/healthz").await.0, 200);
    assert_eq!(read("/readyz").await, (200, json!({ "status": "ready", "reasons": [] })));
    api.redis.kill9();
    let unready = async || Some(read("/readyz").await).filter(|(status, _)| *status == 503);
    let (_, body) = until("it is not ready", Duration::from_secs(10), unready).await;
    assert_eq!(body["reasons"], json!(["redis_unreachable"]));
    assert_eq!(read("/healthz").await.0, 200);
    let (status, problem) = api.get("/v1/campaigns").await;
    assert_eq!((status.as_u16(), &problem["type"]), (503, &json!("/problems/unavailable")));
}
