//! Meta's messaging limit at submission: what it leaves, with the arithmetic.

use dawncast_core::health::Reading;
use serde_json::{Value, json};

use crate::rig::{Api, NOW, campaign_body, faults, id};

/// An API whose one number's portfolio may reach so many in a day, and an audience of `rows`.
async fn limited(tier: &str, rows: usize) -> (Api, String) {
    let api = Api::start().await;
    let audience = api.ready(rows).await;
    let text = |text: &str| Some(text.to_owned());
    let reading = Reading { read_at: NOW, messaging_limit: text(tier), portfolio: text("300"), ..Reading::default() };
    api.store.put_reading(&id("101"), &reading).await.unwrap();
    (api, audience)
}

async fn submit(api: &Api, audience: &str, patch: &Value) -> (u16, Value) {
    let mut body = campaign_body(audience);
    for (key, value) in patch.as_object().unwrap() {
        body[key] = value.clone();
    }
    let (status, answer) = api.post("/v1/campaigns", &body).await;
    (status.as_u16(), answer)
}

#[tokio::test]
async fn a_campaign_beyond_what_is_left_is_refused_with_the_arithmetic_unless_forced() {
    let (api, first) = limited("TIER_250", 180).await;
    let (status, accepted) = submit(&api, &first, &json!({})).await;
    assert_eq!((status, &accepted["forecast"]["quotas"][0]["left"]), (201, &json!(250)), "{accepted}");
    let run = accepted["next_run"].as_str().unwrap();

    let second = api.filled_audience(100).await;
    let (status, problem) = submit(&api, &second, &json!({})).await;
    assert_eq!(status, 422, "{problem}");
    assert_eq!(
        faults(&problem),
        [format!(
            "/audience/id: 100 recipients, but Meta's messaging limit leaves 70: portfolio 300 may reach 250 users in 24 \
             hours and has reached 0, 180 are promised to run {run}. Write to fewer, wait until Meta raises the limit, or \
             send it all the same with `\"force\": true`."
        )]
    );

    let (status, forced) = submit(&api, &second, &json!({ "force": true })).await;
    assert_eq!(status, 201, "{forced}");
    assert!(forced["forecast"]["warnings"].to_string().contains("leaves 70"), "{forced}");
}

#[tokio::test]
async fn the_same_people_count_once_and_another_day_counts_anew() {
    let (api, audience) = limited("TIER_250", 200).await;
    assert_eq!(submit(&api, &audience, &json!({})).await.0, 201);
    let hour_later = json!({ "schedule": { "type": "at", "at": "2026-11-23T07:00:00", "timezone": "Asia/Kolkata" } });
    assert_eq!(submit(&api, &audience, &hour_later).await.0, 201, "the same audience");
    let other = api.filled_audience(200).await;
    assert_eq!(submit(&api, &other, &hour_later).await.0, 422, "other people");
    let days_later = json!({ "schedule": { "type": "at", "at": "2026-11-25T07:00:00", "timezone": "Asia/Kolkata" } });
    assert_eq!(submit(&api, &other, &days_later).await.0, 201);
}

#[tokio::test]
async fn what_still_keeps_the_promise_is_taken_with_a_warning() {
    let (api, audience) = limited("TIER_50", 52).await;
    let sla = |objective: f64| json!({ "sla": { "objective": objective, "counts": "sent" } });
    assert_eq!(submit(&api, &audience, &sla(0.99)).await.0, 422);
    let (status, accepted) = submit(&api, &audience, &sla(0.9)).await;
    assert_eq!(status, 201, "{accepted}");
    assert!(accepted["forecast"]["warnings"].to_string().contains("52 recipients"), "{accepted}");
}

#[tokio::test]
async fn without_a_limit_or_without_knowing_it_nothing_is_refused() {
    for tier in ["TIER_UNLIMITED", "UNTIERED"] {
        let (api, audience) = limited(tier, 300).await;
        let (status, accepted) = submit(&api, &audience, &json!({})).await;
        assert_eq!((status, &accepted["forecast"]["quotas"]), (201, &Value::Null), "{accepted}");
    }
}

#[tokio::test]
async fn all_may_have_to_be_sent_what_a_free_form_message_falls_back_to_and_without_it_none_counts() {
    let (api, audience) = limited("TIER_250", 300).await;
    let text = json!({ "type": "text", "text": { "body": "Hello {{ first_name }}" } });
    let (status, accepted) = submit(&api, &audience, &json!({ "message": text })).await;
    assert_eq!((status, &accepted["forecast"]["quotas"]), (201, &Value::Null), "{accepted}");

    let mut with_fallback = text;
    with_fallback["fallback"] = json!([campaign_body(&audience)["message"]]);
    let (status, problem) = submit(&api, &audience, &json!({ "message": with_fallback })).await;
    assert_eq!(status, 422, "{problem}");
    assert!(faults(&problem)[0].contains("300 recipients, but Meta's messaging limit leaves 250"), "{problem}");
}
