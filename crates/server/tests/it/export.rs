//! Audiences on their way out: exported, and deleted.

use reqwest::Method;
use serde_json::json;

use crate::rig::{Api, answer, campaign_body};

const FILE: &str = "phone,id,tier,timezone,consent,user_id,city,first_name\n\
                    +919876543210,a,pro,Asia/Kolkata,yes,IN.1,Pune,\"Asha, \"\"A\"\"\"\n\
                    +919876543211,,,,,,,Ravi\n";

async fn export(api: &Api, audience: &str, accept: &str) -> (String, String) {
    let request = api.request(Method::GET, &format!("/v1/audiences/{audience}/export")).header("accept", accept);
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), 200);
    let mime = response.headers()["content-type"].to_str().unwrap().to_owned();
    (mime, response.text().await.unwrap())
}

#[tokio::test]
async fn what_is_exported_can_be_imported_and_is_the_same() {
    let api = Api::start().await;
    let (one, other) = (api.audience().await, api.audience().await);
    api.upload(&one, "replace", "text/csv", FILE).await;
    let csv = ("text/csv; charset=utf-8".to_owned(), FILE.to_owned());
    assert_eq!(export(&api, &one, "*/*").await, csv);
    let (mime, lines) = export(&api, &one, "application/x-ndjson").await;
    assert_eq!(mime, "application/x-ndjson");
    let second: serde_json::Value = serde_json::from_str(lines.lines().nth(1).unwrap()).unwrap();
    assert_eq!(second, json!({ "phone": "+919876543211", "first_name": "Ravi" }));
    api.upload(&other, "replace", "application/x-ndjson", lines).await;
    assert_eq!(export(&api, &other, "text/csv").await, csv);
}

#[tokio::test]
async fn an_export_is_of_one_version_whatever_is_imported_meanwhile() {
    let api = Api::start().await;
    let audience = api.filled_audience(20_000).await;
    let request = api.request(Method::GET, &format!("/v1/audiences/{audience}/export"));
    let mut response = request.send().await.unwrap();
    let mut csv = response.chunk().await.unwrap().unwrap().to_vec();
    api.upload(&audience, "replace", "text/csv", "phone\n919876543210\n").await;
    while let Some(piece) = response.chunk().await.unwrap() {
        csv.extend_from_slice(&piece);
    }
    let csv = String::from_utf8(csv).unwrap();
    assert_eq!(csv.lines().count(), 20_001);
    assert!(csv.lines().last().unwrap().starts_with("+919800019999,r19999,"));
    assert_eq!(export(&api, &audience, "").await.1.lines().count(), 2);
}

#[tokio::test]
async fn an_audience_without_rows_exports_the_names_of_its_columns() {
    let api = Api::start().await;
    let audience = api.audience().await;
    assert_eq!(export(&api, &audience, "").await.1, "phone,id,tier,timezone,consent,user_id\n");
    assert_eq!(export(&api, &audience, "application/x-ndjson").await.1, "");
    assert_eq!(api.get("/v1/audiences/aud_none/export").await.0, 404);
}

#[tokio::test]
async fn an_audience_is_deleted_once_nothing_uses_it() {
    let api = Api::start().await;
    let audience = api.ready(3).await;
    let (status, campaign) = api.post("/v1/campaigns", &campaign_body(&audience)).await;
    assert_eq!(status, 201, "{campaign}");
    let path = format!("/v1/audiences/{audience}");
    let delete = async || answer(api.request(Method::DELETE, &path)).await;
    let (status, problem) = delete().await;
    let campaign = campaign["id"].as_str().unwrap();
    assert_eq!((status.as_u16(), &problem["type"]), (409, &json!("/problems/conflict")));
    assert_eq!(
        problem["detail"],
        format!("The campaign `{campaign}` may still send to this audience; cancel it first.")
    );
    api.act(&format!("/v1/campaigns/{campaign}/cancel")).await;
    assert_eq!(delete().await.0, 204);
    assert_eq!(api.get(&path).await.0, 404);
    assert_eq!(delete().await.0, 404);
    let import = api.request(Method::POST, &format!("{path}/imports?mode=replace"));
    assert_eq!(answer(import.header("content-type", "text/csv").body("phone\n919876543210\n")).await.0, 404);
    let (_, list) = api.get("/v1/audiences").await;
    assert_eq!(list["items"], json!([]));
}
