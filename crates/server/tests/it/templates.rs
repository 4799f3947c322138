//! Templates over the API: lint, submission, versions, and what came of them.

use std::sync::Arc;

use axum::http::{Method, StatusCode};
use dawncast_core::{
    ids::WabaId,
    template::{Draft, Submitted},
};
use dawncast_server::{ApiState, TemplateDesk, api_router};
use dawncast_store::records::Secret;
use dawncast_testkit::TestRedis;
use futures::future::BoxFuture;
use serde_json::{Value, json};

use crate::rig::{Api, KEY, answer, client, explain, listen};

fn draft() -> Value {
    json!({
        "name": "daily_text_v2", "language": "en_IN", "category": "UTILITY",
        "components": [ { "type": "BODY", "text": "Good day {{1}}, here is what you asked for today.",
                          "example": { "body_text": [["Asha"]] } } ],
    })
}

/// Stands for the engine, which knows Meta: takes everything for one account, and cannot reach it for another.
struct Desk;

impl TemplateDesk for Desk {
    fn submit(&self, draft: Draft, only: Option<WabaId>) -> BoxFuture<'static, Result<Vec<Submitted>, String>> {
        Box::pin(async move {
            match only.as_ref().map(WabaId::as_str) {
                Some("300") => Ok(Vec::new()),
                Some("400") => Err("redis://user:secret@host is away".to_owned()),
                _ => {
                    assert_eq!(draft.document["name"], "daily_text_v2");
                    let waba_id = only.unwrap_or_else(|| "200".parse().unwrap());
                    Ok(vec![Submitted { waba_id, status: Some("PENDING".to_owned()), error: None }])
                }
            }
        })
    }

    fn sync(&self) -> BoxFuture<'static, Result<(), String>> {
        Box::pin(async { Ok(()) })
    }
}

async fn submitted(path: &str, body: &Value) -> (StatusCode, Value) {
    let redis = TestRedis::start().await;
    let state = ApiState::new(redis.store("t:").await, Some(Secret::new(KEY)), explain).with_templates(Arc::new(Desk));
    let address = listen(api_router(state)).await;
    answer(client().post(format!("http://{address}{path}")).bearer_auth(KEY).json(body)).await
}

#[tokio::test]
async fn a_lint_tells_faults_and_warnings_with_their_places_and_submits_nothing() {
    let api = Api::start().await;
    let (status, linted) = api.post("/v1/templates/lint", &draft()).await;
    assert_eq!((status, &linted["sound"], &linted["faults"]), (StatusCode::OK, &json!(true), &json!([])));
    let mut bad = draft();
    bad["name"] = json!("Daily");
    bad["components"][0]["text"] = json!("Good day {{1}}, hurry: our offer ends soon, so come by.");
    let (_, linted) = api.post("/v1/templates/lint", &bad).await;
    assert_eq!((&linted["sound"], &linted["faults"][0]["pointer"]), (&json!(false), &json!("/name")));
    assert_eq!(linted["warnings"][0]["pointer"], "/components/0/text");
    let (_, shapeless) = api.post("/v1/templates/lint", &json!({ "name": "x" })).await;
    assert_eq!(shapeless["faults"].as_array().unwrap().len(), 3, "{shapeless}");
}

#[tokio::test]
async fn an_asset_as_a_sample_has_to_be_there_and_of_a_type_that_meta_takes() {
    let api = Api::start().await;
    api.ready(1).await;
    let mut with = draft();
    with["components"].as_array_mut().unwrap().push(json!({
        "type": "HEADER", "format": "DOCUMENT", "example": { "header_handle": ["asset:nope"] },
    }));
    let (_, linted) = api.post("/v1/templates/lint", &with).await;
    let place = linted["faults"][0]["pointer"].as_str().unwrap();
    assert!(place.ends_with("/example/header_handle/0"), "{linted}");
    assert!(linted.to_string().contains("there is no asset `nope`"), "{linted}");
}

#[tokio::test]
async fn a_sound_template_is_submitted_and_a_faulty_one_is_not() {
    let (status, answer) = submitted("/v1/templates", &draft()).await;
    assert_eq!(status, StatusCode::ACCEPTED, "{answer}");
    assert_eq!(answer["accounts"], json!([{ "waba_id": "200", "status": "PENDING", "error": null }]));
    let mut bad = draft();
    bad["components"][0]["text"] = json!("{{1}}");
    let (status, problem) = submitted("/v1/templates", &bad).await;
    assert_eq!(
        (status, &problem["errors"][0]["pointer"]),
        (StatusCode::UNPROCESSABLE_ENTITY, &json!("/components/0/text"))
    );
    let (status, problem) = submitted("/v1/templates?waba=300", &draft()).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{problem}");
    let (status, problem) = submitted("/v1/templates?waba=400", &draft()).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(!problem.to_string().contains("secret"), "what is inside stays inside: {problem}");
    let (status, _) = Api::start().await.post("/v1/templates", &draft()).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "nobody here knows Meta");
}

#[tokio::test]
async fn templates_are_listed_and_shown_as_each_account_has_them() {
    let api = Api::start().await;
    api.ready(1).await;
    let (_, page) = api.get("/v1/templates").await;
    let names: Vec<_> = page["items"].as_array().unwrap().iter().map(|it| it["name"].clone()).collect();
    assert_eq!(names, ["daily_pack_v1", "daily_text_v1"]);
    let (_, shown) = api.get("/v1/templates/daily_text_v1").await;
    assert_eq!((&shown["accounts"][0]["status"], &shown["versions"]), (&json!("APPROVED"), &json!(["daily_text_v1"])));
    assert_eq!(api.get("/v1/templates/nope").await.0, StatusCode::NOT_FOUND);
    assert_eq!(api.get("/v1/templates/daily_text_v1?language=hi").await.0, StatusCode::NOT_FOUND);
}

/// An API that knows of a second version like `daily_text_v1`, approved, and of a third that is not.
async fn three_versions() -> Api {
    let api = Api::start().await;
    api.ready(1).await;
    let mut known = api.store.templates(&"200".parse().unwrap()).await.unwrap().unwrap();
    let like = known.iter().find(|it| it.name == "daily_text_v1").unwrap().clone();
    known.push(dawncast_core::template::Definition { name: "daily_text_v2".into(), ..like.clone() });
    known.push(dawncast_core::template::Definition { name: "daily_text_v3".into(), status: "PENDING".into(), ..like });
    api.store.put_templates(&"200".parse().unwrap(), &known, crate::rig::NOW).await.unwrap();
    api
}

#[tokio::test]
async fn a_template_is_rotated_to_what_fits_and_rolled_back() {
    let api = three_versions().await;
    let rotate = async |to: &str| api.post("/v1/templates/daily_text_v1/rotate", &json!({ "to": to })).await;
    for (to, why) in
        [("daily_pack_v1", "another kind of header"), ("nope", "no template"), ("daily_text_v3", "PENDING")]
    {
        let (status, problem) = rotate(to).await;
        assert_eq!(
            (status, &problem["errors"][0]["pointer"]),
            (StatusCode::UNPROCESSABLE_ENTITY, &json!("/to")),
            "{to}"
        );
        assert!(problem.to_string().contains(why), "{problem}");
    }
    let (status, rotated) = rotate("daily_text_v2").await;
    assert_eq!((status, &rotated["versions"]), (StatusCode::OK, &json!(["daily_text_v2", "daily_text_v1"])));
    let (_, back) = api.post("/v1/templates/daily_text_v1/rollback", &json!({})).await;
    assert_eq!((&back["versions"], back["rotations"].as_array().unwrap().len()), (&json!(["daily_text_v1"]), 2));
    let (status, _) = api.post("/v1/templates/daily_text_v1/rollback", &json!({})).await;
    assert_eq!(status, StatusCode::CONFLICT, "there is nothing to take back");
}

#[tokio::test]
async fn a_version_is_tried_on_a_share_until_its_trial_is_ended() {
    let (api, path) = (three_versions().await, "/v1/templates/daily_text_v1/trial");
    let remove = async || answer(api.request(Method::DELETE, path)).await;
    let (status, problem) = api.post(path, &json!({ "version": "daily_text_v3", "share": 1.0 })).await;
    assert_eq!((status, &problem["errors"][0]["pointer"]), (StatusCode::UNPROCESSABLE_ENTITY, &json!("/share")));
    let (_, problem) = api.post(path, &json!({ "version": "daily_text_v3" })).await;
    assert_eq!(problem["errors"][0]["pointer"], "/version", "{problem}");
    assert!(problem.to_string().contains("PENDING"), "{problem}");
    let (status, shown) = api.post(path, &json!({ "version": "daily_text_v2" })).await;
    assert_eq!(
        (status, &shown["trial"]["share"], &shown["versions"]),
        (StatusCode::OK, &json!(0.1), &json!(["daily_text_v1"]))
    );
    let (_, stats) = api.get("/v1/templates/daily_text_v1/stats").await;
    let versions: Vec<_> = stats["versions"].as_array().unwrap().iter().map(|it| it["version"].clone()).collect();
    assert_eq!(versions, ["daily_text_v1", "daily_text_v2"]);
    assert_eq!(remove().await.0, StatusCode::OK);
    assert_eq!(api.get("/v1/templates/daily_text_v1").await.1["trial"], Value::Null);
    assert_eq!(remove().await.0, StatusCode::CONFLICT);
    let (status, _) = api.post(path, &json!({ "version": "daily_text_v1" })).await;
    assert_eq!(status, StatusCode::CONFLICT, "all get it");
}

#[tokio::test]
async fn statistics_of_a_template_that_never_went_out_are_zero() {
    let api = Api::start().await;
    api.ready(1).await;
    let (status, stats) = api.get("/v1/templates/daily_text_v1/stats?days=7").await;
    let line = &stats["versions"][0];
    assert_eq!((status, &line["runs"], &line["read_share"]), (StatusCode::OK, &json!(0), &Value::Null));
    assert_eq!(api.get("/v1/templates/daily_text_v1/stats?days=0").await.0, StatusCode::BAD_REQUEST);
}
