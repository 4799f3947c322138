//! `GET /v1/doctor`: what was asked is handed to the doctor, and what is found is answered.

use axum::http::StatusCode;
use dawncast_core::doctor::{Check, Finding, Ward};
use dawncast_server::{ApiState, api_router};
use dawncast_store::records::Secret;
use dawncast_testkit::TestRedis;
use serde_json::{Value, json};

use crate::rig::{Api, KEY, answer, client, explain, listen};

/// What a doctor who knows one run answers.
async fn asked(path: &str) -> (StatusCode, Value) {
    let redis = TestRedis::start().await;
    let store = redis.store("t:").await;
    let state = ApiState::new(store, Some(Secret::new(KEY)), explain).with_doctor(async |ward| match ward {
        Ward::All => Ok(Some(vec![
            Finding::ok(Check::Redis, "version", "Redis 7.2.4"),
            Finding::warn(Check::Token, "1", "it expires", "make another"),
        ])),
        Ward::Run(id) if id.as_str() == "run_1" => Ok(Some(Vec::new())),
        Ward::Run(_) => Ok(None),
        Ward::Campaign(_) => Err("redis://user:secret@host is away".to_owned()),
    });
    let address = listen(api_router(state)).await;
    answer(client().get(format!("http://{address}{path}")).bearer_auth(KEY)).await
}

#[tokio::test]
async fn what_was_found_is_answered_with_the_worst_of_it() {
    let (status, examined) = asked("/v1/doctor").await;
    assert_eq!((status, &examined["outcome"]), (StatusCode::OK, &json!("warn")));
    let token = json!({ "check": "token", "outcome": "warn", "subject": "1", "evidence": "it expires", "remedy": "make another" });
    assert_eq!(examined["findings"][1], token);
    assert_eq!(asked("/v1/doctor?run=run_1").await.1["outcome"], "ok");
}

#[tokio::test]
async fn a_wrong_question_and_a_doctor_who_cannot_look_are_told_apart() {
    for (path, status) in [
        ("/v1/doctor?run=run_2", StatusCode::NOT_FOUND),
        ("/v1/doctor?run=run_1&campaign=cmp_1", StatusCode::BAD_REQUEST),
        ("/v1/doctor?campaign=cmp_1", StatusCode::SERVICE_UNAVAILABLE),
    ] {
        let (answered, problem) = asked(path).await;
        assert_eq!(answered, status, "{path}: {problem}");
        assert!(!problem.to_string().contains("secret"), "what is inside stays inside: {problem}");
    }
    let (status, problem) = Api::start().await.get("/v1/doctor").await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{problem}");
}
