use dawncast_core::{
    delivery::{Fact, Outcome, Standing},
    desk::Intent,
    ids::{PageRef, RunId},
};
use dawncast_store::page::{AttemptFact, Claim, Owner};
use serde_json::{Value, json};

use crate::{
    rig::{Api, NOW},
    runs::{list, open_run},
};

/// The delivery at `place` (`page.index`) of `run`.
async fn story(api: &Api, run: &RunId, place: &str) -> Value {
    let (status, delivery) = api.get(&format!("/v1/deliveries/{run}.{place}")).await;
    assert_eq!(status, 200, "{delivery}");
    delivery
}

/// Takes the second page over: what was begun there is unsure from now on.
async fn own(api: &Api, run: &RunId, nonce: u8) -> Owner {
    let page = PageRef { run: run.clone(), page: 1 };
    match api.store.claim(&page, [nonce; 8]).await.unwrap() {
        Claim::Claimed { owner, .. } => owner,
        other => panic!("{other:?}"),
    }
}

async fn begin(api: &Api, owner: &Owner, index: u16, attempt: u8, expected: Standing) {
    api.store.begin(owner, &[(Intent { index, attempt, expected }, 0)]).await.unwrap();
}

async fn fail(api: &Api, owner: &Owner, index: u8, code: u32) {
    let fact = Fact { attempt: 1, outcome: Outcome::FailedRetryable, throttled: true, code, at: NOW + 50 };
    api.store.commit(owner, &[AttemptFact { index, fact, message_id: None }]).await.unwrap();
}

#[tokio::test]
async fn a_refused_delivery_tells_what_its_code_means_and_that_nothing_follows() {
    let api = Api::start().await;
    let run = open_run(&api).await;
    let refused = story(&api, &run, "0.1").await;
    let attempt = &refused["story"][0];
    assert_eq!(
        (&attempt["code"], &attempt["class"], &attempt["because"]),
        (&json!(131_026), &json!("recipient"), &json!("due"))
    );
    assert!(attempt["meaning"].as_str().unwrap().starts_with("Undeliverable"), "{attempt}");
    assert!(attempt["after_ms"].is_i64());
    assert_eq!((&refused["home_number"], &attempt["stand_in"]), (&json!("101"), &json!(false)));
    assert_eq!((&refused["ended"]["why"], &refused["awaits"]), (&json!("refused"), &Value::Null));
    assert_eq!(refused["deadline_at"], "2026-11-23T00:35:00.000Z");
}

#[tokio::test]
async fn a_delivery_that_waits_tells_for_what_and_who_holds_it() {
    let api = Api::start().await;
    let run = open_run(&api).await;
    assert_eq!(story(&api, &run, "0.0").await["awaits"]["what"], "receipt");
    let waits = story(&api, &run, "0.2").await;
    assert_eq!((&waits["awaits"]["what"], &waits["awaits"]["held_by"]), (&json!("turn"), &json!([])));
    api.act(&format!("/v1/runs/{run}/pause")).await;
    assert_eq!(story(&api, &run, "0.2").await["awaits"]["held_by"], json!(["paused"]));
    api.act(&format!("/v1/runs/{run}/cancel")).await;
    let cancelled = story(&api, &run, "0.2").await;
    assert_eq!(cancelled["ended"], json!({ "why": "cancelled", "at": "2026-11-20T12:00:00.000Z" }));
    assert_eq!(cancelled["awaits"], Value::Null);
}

#[tokio::test]
async fn an_attempt_tells_whether_it_came_after_a_failure_or_after_one_that_nobody_knew_of() {
    let api = Api::start().await;
    let run = open_run(&api).await;
    let first = own(&api, &run, 2).await;
    begin(&api, &first, 0, 1, Standing::Planned).await;
    begin(&api, &first, 1, 1, Standing::Planned).await;
    fail(&api, &first, 1, 130_429).await;
    assert_eq!(story(&api, &run, "1.1").await["awaits"]["what"], "next_attempt");
    let second = own(&api, &run, 3).await;
    let unsure = story(&api, &run, "1.0").await;
    assert_eq!((&unsure["state"], &unsure["awaits"]["then"]), (&json!("unconfirmed"), &json!("resend")));
    assert!(unsure["awaits"]["until"].is_string());
    begin(&api, &second, 0, 2, Standing::Unconfirmed).await;
    begin(&api, &second, 1, 2, Standing::Retrying).await;
    for (place, because, code) in [("1.0", "resend", Value::Null), ("1.1", "retry", json!(130_429))] {
        let told = story(&api, &run, place).await;
        assert_eq!((&told["story"][1]["because"], &told["story"][0]["code"]), (&json!(because), &code), "{told}");
        assert_eq!(told["awaits"]["what"], "answer");
    }
}

#[tokio::test]
async fn a_delivery_that_the_deadline_overtook_tells_whether_anything_had_left() {
    let api = Api::start().await;
    let run = open_run(&api).await;
    let owner = own(&api, &run, 2).await;
    begin(&api, &owner, 0, 1, Standing::Planned).await;
    begin(&api, &owner, 1, 1, Standing::Planned).await;
    fail(&api, &owner, 0, 0).await;
    fail(&api, &owner, 1, 130_429).await;
    api.store.close_run(&run, "fail", NOW, None).await.unwrap();
    for (place, state, why) in
        [("0.2", "expired", "deadline"), ("1.0", "failed", "never_left"), ("1.1", "failed", "deadline")]
    {
        let told = story(&api, &run, place).await;
        assert_eq!((&told["state"], &told["ended"]["why"]), (&json!(state), &json!(why)), "{told}");
        assert_eq!(told["ended"]["at"], "2026-11-23T00:35:00.000Z");
    }
}

#[tokio::test]
async fn a_dropped_row_tells_where_it_stands_in_the_audience() {
    let api = Api::start().await;
    let run = open_run(&api).await;
    let dropped = &list(&api, &run, "?state=dropped").await["items"][0];
    assert_eq!((&dropped["audience_row"], &dropped["id"]), (&json!(6), &Value::Null));
    assert_eq!(list(&api, &run, "?state=sent").await["items"][0]["audience_row"], Value::Null);
}
