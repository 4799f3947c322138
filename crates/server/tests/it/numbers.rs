use dawncast_core::{campaign::Priority, health::Reading, quota::hour};
use dawncast_store::{Reached, credit::Rate};
use reqwest::Method;
use serde_json::{Value, json};

use crate::rig::{Api, NOW, answer, faults, id, number_body};

#[tokio::test]
async fn a_number_is_added_with_its_defaults_and_its_token_never_comes_back() {
    let api = Api::start().await;
    let (status, added) = api.post("/v1/numbers", &number_body("101")).await;
    assert_eq!(status, 201);
    assert_eq!((&added["mps"], &added["role"], &added["paused"]), (&json!(80), &json!("active"), &json!(false)));
    let (_, listed) = api.get("/v1/numbers").await;
    assert_eq!((&listed["items"], &listed["next_cursor"]), (&json!([added]), &Value::Null));
    assert!(!listed.to_string().contains("EAAG"));
    let number = api.store.number(&id("101")).await.unwrap().unwrap();
    assert_eq!(api.store.access_token(&number).await.unwrap().unwrap().expose(), "EAAG");
}

#[tokio::test]
async fn every_fault_of_a_number_is_told_and_nothing_is_stored() {
    let api = Api::start().await;
    let body = json!({ "phone_number_id": "+91 80", "waba_id": "my-account", "access_token": " ", "pool": "a b",
                       "mps": 5000, "role": "spare", "colour": "red" });
    let (status, problem) = api.post("/v1/numbers", &body).await;
    assert_eq!(status, 422);
    let pointers: Vec<_> = faults(&problem).iter().map(|fault| fault.split(':').next().unwrap().to_owned()).collect();
    let expected =
        ["/phone_number_id", "/display_phone_number", "/access_token", "/pool", "/role", "/mps", "/waba_id", "/colour"];
    assert_eq!(pointers, expected, "{problem}");
    assert!(api.store.numbers().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_number_is_there_once() {
    let api = Api::start().await;
    api.number("101").await;
    let (status, problem) = api
        .post(
            "/v1/numbers",
            &json!({ "mps": 10, "phone_number_id": "101", "waba_id": "200",
        "display_phone_number": "x", "access_token": "other", "pool": "others" }),
        )
        .await;
    assert_eq!((status.as_u16(), &problem["type"]), (409, &json!("/problems/conflict")));
    assert_eq!(api.store.numbers().await.unwrap()[0].mps, 80);
}

#[tokio::test]
async fn a_number_is_patched_paused_and_removed() {
    let api = Api::start().await;
    api.number("101").await;
    let patch = |body: Value| answer(api.request(Method::PATCH, "/v1/numbers/101").json(&body));
    let (status, patched) = patch(json!({ "mps": 250, "role": "standby" })).await;
    assert_eq!((status.as_u16(), &patched["mps"], &patched["role"]), (200, &json!(250), &json!("standby")));
    let (status, problem) = patch(json!({ "mps": 0, "phone_number_id": "102" })).await;
    assert_eq!(status, 422);
    assert_eq!(faults(&problem).len(), 2, "{problem}");
    assert_eq!(api.act("/v1/numbers/101/pause").await["paused"], true);
    assert_eq!(api.act("/v1/numbers/101/resume").await["paused"], false);
    assert_eq!(answer(api.request(Method::DELETE, "/v1/numbers/101")).await.0, 204);
    assert_eq!(patch(json!({ "mps": 1 })).await.0, 404);
}

fn new_number_with(more: Value) -> Value {
    let mut body = number_body("101");
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}

#[tokio::test]
async fn caps_are_set_and_lifted_and_a_warm_up_is_begun_and_ended() {
    let api = Api::start().await;
    let (status, problem) =
        api.post("/v1/numbers", &new_number_with(json!({ "max_per_hour": 0, "warmup": "slowly" }))).await;
    assert_eq!((status.as_u16(), faults(&problem).len()), (422, 2), "{problem}");
    let (status, added) =
        api.post("/v1/numbers", &new_number_with(json!({ "max_per_day": 40, "warmup": "start" }))).await;
    assert_eq!(status, 201, "{added}");
    let shown =
        |number: &Value| ["max_per_hour", "max_per_day", "cap_remaining", "health"].map(|field| number[field].clone());
    assert_eq!(shown(&added), [json!(null), json!(40), json!(40), json!("warming")]);
    assert_eq!((&added["warmup"]["step"], &added["warmup"]["steps"]), (&json!(1), &json!(5)));
    let number = added["phone_number_id"].as_str().unwrap().parse().unwrap();
    let rate = Rate { mps: 1_000, headroom: 1.0, priority: Priority::Critical };
    assert_eq!(api.store.grant(&number, rate, 60).await.unwrap().count, 40, "it holds at once");
    let path = format!("/v1/numbers/{number}");
    let patch = |body: Value| answer(api.request(Method::PATCH, &path).json(&body));
    let (_, lifted) = patch(json!({ "max_per_day": null })).await;
    assert_eq!((&lifted["max_per_day"], &lifted["health"]), (&json!(null), &json!("warming")));
    assert_eq!(patch(json!({ "warmup": "start" })).await.1["warmup"], added["warmup"], "it goes on");
    let (_, over) = patch(json!({ "warmup": "stop", "max_per_hour": 7_000 })).await;
    assert_eq!(shown(&over), [json!(7_000), json!(null), json!(7_000), json!("active")]);
    assert_eq!(over["warmup"], json!(null));
}

#[tokio::test]
async fn pools_and_everything_are_stopped_and_started() {
    let api = Api::start().await;
    api.number("101").await;
    assert_eq!(api.act("/v1/pools/advisors/pause").await["paused"], true);
    let (_, pools) = api.get("/v1/pools").await;
    assert_eq!(pools["items"], json!([{ "id": "advisors", "numbers": ["101"], "paused": true }]));
    assert_eq!(api.act("/v1/pools/advisors/resume").await["paused"], false);
    assert_eq!(answer(api.request(Method::POST, "/v1/pools/nobody/pause")).await.0, 404);
    assert_eq!(api.act("/v1/stop").await["since"], "2026-11-20T12:00:00.000Z");
    assert!(api.store.stopped().await.unwrap().is_some());
    assert_eq!(api.act("/v1/start").await["stopped"], false);
    assert!(api.store.stopped().await.unwrap().is_none());
}

#[tokio::test]
async fn a_number_shows_what_meta_says_of_it_and_what_is_left_of_its_limit() {
    let api = Api::start().await;
    api.number("101").await;
    let (_, unread) = api.get("/v1/numbers/101").await;
    assert_eq!(
        (&unread["health"], &unread["meta"], &unread["daily_remaining"]),
        (&json!("active"), &Value::Null, &Value::Null)
    );
    let text = |text: &str| Some(text.to_owned());
    let reading = Reading {
        read_at: NOW,
        status: text("BANNED"),
        quality: text("RED"),
        messaging_limit: text("TIER_250"),
        portfolio: text("300"),
        ..Reading::default()
    };
    api.store.put_reading(&id("101"), &reading).await.unwrap();
    let reached = Reached { waba: id("200"), hour: hour(NOW) };
    api.store.note_reached(&[(reached, vec!["919800000001".to_owned()])]).await.unwrap();
    let (_, listed) = api.get("/v1/numbers").await;
    let number = &listed["items"][0];
    assert_eq!((&number["health"], &number["daily_remaining"]), (&json!("banned"), &json!(249)));
    assert_eq!(
        number["meta"],
        json!({ "status": "BANNED", "quality": "RED", "throughput": null, "messaging_limit": "TIER_250",
                "portfolio": "300", "read_at": "2026-11-20T12:00:00.000Z" })
    );
    assert_eq!(api.act("/v1/numbers/101/pause").await["health"], "paused", "what a person did comes first");
}

#[tokio::test]
async fn a_person_pins_a_number_and_lets_go_of_it_and_each_change_is_kept() {
    let api = Api::start().await;
    api.number("101").await;
    let condition = |number: &Value| {
        let condition = &number["condition"];
        [&condition["stage"], &condition["until"], &condition["pinned"], &condition["cause"]].map(Clone::clone)
    };
    let (_, fresh) = api.get("/v1/numbers/101").await;
    assert_eq!(condition(&fresh), [json!("fit"), Value::Null, json!(false), json!("nothing")]);
    let (status, pinned) = api.post("/v1/numbers/101/pin", &json!({ "stage": "paused", "for": "2h" })).await;
    assert_eq!(status, 200, "{pinned}");
    assert_eq!(condition(&pinned), [json!("paused"), json!("2026-11-20T14:00:00.000Z"), json!(true), json!("person")]);
    assert_eq!(pinned["health"], "paused");
    let let_go = api.act("/v1/numbers/101/unpin").await;
    assert_eq!((&let_go["condition"]["stage"], &let_go["condition"]["pinned"]), (&json!("paused"), &json!(false)));
    let (_, history) = api.get("/v1/numbers/101/history").await;
    let items = history["items"].as_array().unwrap();
    assert_eq!((items.len(), &items[1]["from"], &items[1]["to"]["stage"]), (2, &json!("fit"), &json!("paused")));
    assert_eq!(api.get("/v1/numbers/999/history").await.0, 404);
    for (body, told) in [
        (
            json!({ "stage": "asleep" }),
            "/stage: unknown variant `asleep`, expected one of `fit`, `cooldown`, `paused`.",
        ),
        (json!({ "stage": "fit", "for": "0s" }), "/for: must be longer than nothing"),
        (json!({ "stage": "fit", "for": "soon" }), "/for: `soon` is not a span of time"),
        (json!({}), "/stage: "),
    ] {
        let (status, problem) = api.post("/v1/numbers/101/pin", &body).await;
        assert_eq!(status, 422, "{problem}");
        assert!(faults(&problem)[0].starts_with(told), "{problem}");
    }
}
