//! Another run now, another campaign, a test, a retry.

use dawncast_core::{
    consent::Told,
    delivery::{Fact, Outcome},
    ids::{PageRef, RunId},
    phone::Phone,
};
use dawncast_store::{page::AttemptFact, records::WithheldChange};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    rig::{Api, NOW, answer, campaign_body, faults, id},
    runs::open_run,
};

async fn submitted(api: &Api) -> String {
    let (status, campaign) = api.post("/v1/campaigns", &campaign_body(&api.ready(3).await)).await;
    assert_eq!(status, 201, "{campaign}");
    format!("/v1/campaigns/{}", campaign["id"].as_str().unwrap())
}

async fn post(api: &Api, path: &str, key: &str, body: &Value) -> (u16, Value) {
    let (status, answer) = answer(api.request(Method::POST, path).header("idempotency-key", key).json(body)).await;
    (status.as_u16(), answer)
}

async fn bare(api: &Api, path: &str, key: &str) -> (u16, Value) {
    let (status, answer) = answer(api.request(Method::POST, path).header("idempotency-key", key)).await;
    (status.as_u16(), answer)
}

#[tokio::test]
async fn a_run_now_is_started_once_for_its_key_and_leaves_the_schedule_alone() {
    let api = Api::start().await;
    let path = submitted(&api).await;
    let first = bare(&api, &format!("{path}/run-now"), "k").await;
    assert_eq!(
        (first.0, &first.1["origin"], &first.1["state"]),
        (201, &json!("run_now"), &json!("scheduled")),
        "{}",
        first.1
    );
    assert_eq!(first.1["window"]["opens_at"], "2026-11-20T12:00:00.000Z");
    assert_eq!(bare(&api, &format!("{path}/run-now"), "k").await, first);
    assert_ne!(bare(&api, &format!("{path}/run-now"), "other").await.1["id"], first.1["id"]);
    let (_, runs) = api.get(&format!("{path}/runs")).await;
    let origins: Vec<_> = runs["items"].as_array().unwrap().iter().map(|run| run["origin"].clone()).collect();
    assert_eq!(origins, ["schedule", "run_now", "run_now"]);
    assert_eq!(api.get(&path).await.1["next_run_at"], "2026-11-23T00:30:00.000Z");
}

#[tokio::test]
async fn a_run_now_of_what_stands_still_or_does_not_fit_is_refused() {
    let api = Api::start().await;
    let path = submitted(&api).await;
    api.act(&format!("{path}/pause")).await;
    assert_eq!(bare(&api, &format!("{path}/run-now"), "k").await.0, 409);
    api.act(&format!("{path}/resume")).await;
    answer(api.request(Method::DELETE, "/v1/numbers/101")).await;
    let (status, problem) = bare(&api, &format!("{path}/run-now"), "k").await;
    assert_eq!(status, 422, "{problem}");
    assert!(faults(&problem)[0].starts_with("/pool"), "{problem}");
    api.number("101").await;
    assert_eq!(bare(&api, &format!("{path}/run-now"), "k").await.0, 201, "mended, under the same key");
    api.act(&format!("{path}/cancel")).await;
    assert_eq!(bare(&api, &format!("{path}/run-now"), "l").await.0, 409);
    assert_eq!(bare(&api, "/v1/campaigns/cmp_none/run-now", "k").await.0, 404);
}

#[tokio::test]
async fn a_duplicate_says_the_same_but_for_what_is_patched() {
    let api = Api::start().await;
    let path = submitted(&api).await;
    let (status, same) = bare(&api, &format!("{path}/duplicate"), "k").await;
    assert_eq!(status, 201, "{same}");
    let shown = async |id: &Value| api.get(&format!("/v1/campaigns/{}", id.as_str().unwrap())).await.1;
    let (original, copy) = (api.get(&path).await.1, shown(&same["id"]).await);
    assert_eq!(copy["spec"], original["spec"]);
    assert_ne!((&copy["id"], &copy["next_run"]), (&original["id"], &original["next_run"]));
    let patch = json!({ "name": "evening", "schedule": { "at": "2026-11-23T18:00:00" }, "sla": { "objective": 0.5 } });
    let (_, other) = post(&api, &format!("{path}/duplicate"), "l", &patch).await;
    let other = shown(&other["id"]).await;
    assert_eq!((&other["name"], &other["next_run_at"]), (&json!("evening"), &json!("2026-11-23T12:30:00.000Z")));
    assert_eq!(other["spec"]["sla"], json!({ "objective": 0.5, "counts": "sent" }));
    let past = json!({ "schedule": { "at": "2020-01-01T06:00:00" }, "tiers": ["a", "a"] });
    let (status, problem) = post(&api, &format!("{path}/duplicate"), "m", &past).await;
    assert_eq!((status, faults(&problem).len()), (422, 2), "{problem}");
    assert_eq!(post(&api, &format!("{path}/duplicate"), "n", &json!([1])).await.0, 400);
    assert_eq!(bare(&api, &format!("{path}/duplicate"), "k").await.1["id"], same["id"]);
}

#[tokio::test]
async fn a_test_is_a_run_of_its_own_to_the_named_phones_alone() {
    let api = Api::start().await;
    let path = submitted(&api).await;
    let body = json!({ "to": ["+919876500001", "919876500002"], "recipient": "r1" });
    let first = post(&api, &format!("{path}/test"), "k", &body).await;
    assert_eq!(first.0, 201, "{}", first.1);
    let waiting =
        |phone| json!({ "phone": phone, "state": "waiting", "message_id": null, "code": null, "detail": null });
    assert_eq!(
        first.1["results"],
        json!([waiting("+919876500001"), waiting("+919876500002")]),
        "there is no engine here"
    );
    assert_eq!(post(&api, &format!("{path}/test"), "k", &body).await, first);
    let run = api.store.run(&id(first.1["run"].as_str().unwrap())).await.unwrap().unwrap();
    assert_eq!(run.record.origin.as_str(), "test");
    let audience = &run.record.spec.audience.id;
    let version = api.store.audience_version(audience).await.unwrap().unwrap();
    let rows = api.store.rows(audience, &version).next().await.unwrap().unwrap();
    let named: Vec<_> =
        rows.iter().map(|row| (row.phone, row.id.as_deref(), row.attributes["first_name"].as_str())).collect();
    assert_eq!(named, [(919_876_500_001, Some("r1"), "Asha"), (919_876_500_002, Some("r1"), "Asha")]);
    assert_eq!(api.get("/v1/audiences").await.1["items"].as_array().unwrap().len(), 1, "it is on no list");
    let given = json!({ "to": ["+919876500001"], "attributes": { "first_name": "Ravi" } });
    assert_eq!(post(&api, &format!("{path}/test"), "l", &given).await.0, 201);
}

#[tokio::test]
async fn every_fault_of_a_test_is_told_and_nothing_is_sent() {
    let api = Api::start().await;
    let path = submitted(&api).await;
    for (body, places) in [
        (json!({}), vec!["/to"]),
        (json!({ "to": [] }), vec!["/to"]),
        (json!({ "to": vec!["+919876500001"; 21] }), vec!["/to", "/to/1"]),
        (json!({ "to": ["12", "+919876500001", "919876500001"], "tone": 1 }), vec!["/to/0", "/to/2", "/tone"]),
        (json!({ "to": ["+919876500001"], "recipient": "a", "attributes": {} }), vec!["/attributes"]),
        (json!({ "to": ["+919876500001"], "recipient": "nobody" }), vec!["/recipient"]),
    ] {
        let (status, problem) = api.post(&format!("{path}/test"), &body).await;
        assert_eq!(status, 422, "{body}: {problem}");
        let told: Vec<_> = problem["errors"].as_array().unwrap().iter().map(|fault| fault["pointer"].clone()).collect();
        assert!(places.iter().all(|place| told.contains(&json!(place))), "{body}: {told:?}");
    }
    assert_eq!(api.store.active_runs().await.unwrap().len(), 1, "only the campaign's own");
}

/// An open run whose campaign's deadline is over once it is closed: one sent, one failed for good, three never tried.
async fn closed(api: &Api) -> RunId {
    let run = open_run(api).await;
    api.store.close_run(&run, "fail", NOW, None).await.unwrap();
    run
}

#[tokio::test]
async fn a_retry_sends_to_those_alone_who_were_not_reached_and_may_be() {
    let api = Api::start().await;
    let run = closed(&api).await;
    let path = format!("/v1/runs/{run}/retry");
    let (status, retry) = answer(api.request(Method::POST, &path)).await;
    assert_eq!((status.as_u16(), &retry["origin"], &retry["retry_of"]), (201, &json!("retry"), &json!(run)), "{retry}");
    let expected =
        json!({ "retried": 3, "reached": 1, "unconfirmed": 0, "withheld": 0, "failed_for_good": 1, "cancelled": 0 });
    assert_eq!(retry["recipients"], expected);
    let stored = api.store.run(&id(retry["id"].as_str().unwrap())).await.unwrap().unwrap();
    let audience = &stored.record.spec.audience.id;
    let version = api.store.audience_version(audience).await.unwrap().unwrap();
    let rows = api.store.rows(audience, &version).next().await.unwrap().unwrap();
    let named: Vec<_> = rows.iter().map(|row| (row.id.as_deref().unwrap(), row.tier.as_deref().unwrap())).collect();
    assert_eq!(named, [("r3", "pro"), ("r4", "pro"), ("r5", "pro")]);
    let (status, again) = answer(api.request(Method::POST, &path)).await;
    assert_eq!((status.as_u16(), &again["id"], &again["recipients"]), (200, &retry["id"], &Value::Null));
}

#[tokio::test]
async fn what_meta_withheld_is_retried_when_its_wait_is_over_and_not_before() {
    for (waits, expected) in [(true, (3, 1)), (false, (4, 0))] {
        let api = Api::start().await;
        let run = open_run(&api).await;
        let (page, fact) = (
            PageRef { run: run.clone(), page: 0 },
            Fact { attempt: 1, outcome: Outcome::Failed, throttled: false, code: 131_049, at: NOW + 90 },
        );
        api.store.receipt(&page, &[AttemptFact { index: 0, fact, message_id: None }]).await.unwrap();
        api.store.close_run(&run, "fail", NOW, None).await.unwrap();
        let rows = api.store.page(&page).await.unwrap().unwrap().recipients.rows;
        // The campaign is no marketing: what holds it too is that nothing could be delivered, on two days.
        let days = if waits { &[1, 0][..] } else { &[0] };
        let phone = Phone::from_digits(rows[0].phone).unwrap();
        let strike = |day: &i64| (phone, WithheldChange::Told(Told::Undeliverable, NOW - *day * 86_400_000));
        let changes: Vec<_> = days.iter().map(strike).collect();
        api.store.change_withheld(&changes, NOW).await.unwrap();
        let (_, retry) = answer(api.request(Method::POST, &format!("/v1/runs/{run}/retry"))).await;
        let count = |name: &str| retry["recipients"][name].as_u64().unwrap();
        assert_eq!((count("retried"), count("withheld")), expected, "{retry}");
    }
}

#[tokio::test]
async fn nothing_is_retried_before_a_run_is_closed_or_when_nobody_is_left() {
    let api = Api::start().await;
    let run = open_run(&api).await;
    let retry = async |run: &str| answer(api.request(Method::POST, &format!("/v1/runs/{run}/retry"))).await;
    let (status, problem) = retry(run.as_str()).await;
    assert_eq!(status, 409, "{problem}");
    assert!(problem["detail"].as_str().unwrap().contains("not closed"), "{problem}");
    api.store.cancel_run(&run, NOW).await.unwrap();
    api.store.close_run(&run, "cancelled", NOW, None).await.unwrap();
    let (status, problem) = retry(run.as_str()).await;
    assert_eq!(status, 409);
    assert!(problem["detail"].as_str().unwrap().contains("3 were cancelled"), "{problem}");
    assert_eq!(retry("run_none").await.0, 404);
}
