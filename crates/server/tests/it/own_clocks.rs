//! Campaigns whose recipients hear by their own clocks: what is answered before anything goes out.

use serde_json::{Value, json};

use crate::rig::{Api, campaign_body, faults};

/// `rows` people in each of these zones; an empty name is none.
async fn living_in(api: &Api, rows: u64, zones: &[&str]) -> Value {
    let audience = api.audience().await;
    let mut file = "phone,timezone,first_name\n".to_owned();
    for (place, zone) in (0..).zip(zones) {
        (0..rows).for_each(|n| file.push_str(&format!("{},{zone},Asha\n", 919_800_000_000 + 1_000 * place + n)));
    }
    let import = api.upload(&audience, "replace", "text/csv", file).await;
    assert_eq!(import["state"], "done", "{import}");
    let mut body = campaign_body(&audience);
    body["schedule"]["per_recipient"] = json!(true);
    body
}

#[tokio::test]
async fn a_forecast_tells_of_each_window_and_the_run_spans_them() {
    let api = Api::start().await;
    api.ready(1).await;
    let body = living_in(&api, 10, &["", "Asia/Tokyo", "Europe/Berlin", "Europe/Paris"]).await;
    let (status, created) = api.post("/v1/campaigns", &body).await;
    assert_eq!(status, 201, "{created}");
    let windows = created["forecast"]["windows"].as_array().unwrap();
    let told = |window: &Value| (window["timezones"].clone(), window["recipients"].clone(), window["opens_at"].clone());
    let expected = [
        (json!(["Asia/Tokyo"]), json!(10), json!("2026-11-22T20:59:30.000Z")),
        (json!(["Asia/Kolkata"]), json!(10), json!("2026-11-23T00:29:30.000Z")),
        (json!(["Europe/Berlin", "Europe/Paris"]), json!(20), json!("2026-11-23T04:59:30.000Z")),
    ];
    assert_eq!(windows.iter().map(told).collect::<Vec<_>>(), expected);
    assert_eq!(created["forecast"]["recipients"], 20, "of the fullest");
    let (_, run) = api.get(&format!("/v1/runs/{}", created["next_run"].as_str().unwrap())).await;
    let window = json!({ "opens_at": "2026-11-22T20:59:30.000Z", "closes_at": "2026-11-23T05:04:30.000Z",
                         "deadline_at": "2026-11-23T05:05:00.000Z" });
    assert_eq!(run["window"], window);
    let campaign = created["id"].as_str().unwrap();
    let (_, calendar) = api.get(&format!("/v1/campaigns/{campaign}/calendar")).await;
    let line = &calendar["items"][0];
    assert_eq!((&line["at"], &line["opens_at"]), (&json!("2026-11-23T00:30:00.000Z"), &window["opens_at"]));
    let preview = api.act(&format!("/v1/campaigns/{campaign}/preview?samples=20")).await;
    assert_eq!((&preview["recipients"]["planned"], &preview["shortage"]), (&json!(40), &Value::Null));
    let due = |sample: &Value| sample["due_at"].as_str().unwrap()[..14].to_owned();
    let samples = preview["samples"].as_array().unwrap();
    assert!(samples[..10].iter().all(|sample| ["2026-11-23T00:"].contains(&due(sample).as_str())), "{samples:?}");
    assert!(samples[10..].iter().all(|sample| ["2026-11-22T20:", "2026-11-22T21:"].contains(&due(sample).as_str())));
}

#[tokio::test]
async fn a_window_that_does_not_hold_its_own_recipients_is_named_by_its_zone() {
    let api = Api::start().await;
    api.ready(1).await;
    let mut body = living_in(&api, 300, &["Asia/Tokyo", "Asia/Kolkata"]).await;
    body["window"] = json!({ "opens": "0s", "closes": "+4s", "deadline": "+1m" });
    let (status, problem) = api.post("/v1/campaigns", &body).await;
    assert_eq!(status, 422, "{problem}");
    let told = faults(&problem);
    let start =
        |zone: &str| format!("/window/closes: in {zone}: 300 recipients do not fit: 1 number × 72/s × 4.0 s = 288");
    assert!(told.len() == 2 && told[0].starts_with(&start("Asia/Tokyo")), "{told:#?}");
    assert!(told[1].starts_with(&start("Asia/Kolkata")), "{told:#?}");
    // Together they would not fit in one window, but each has its own.
    body["window"]["closes"] = json!("+5s");
    assert_eq!(api.post("/v1/campaigns", &body).await.0, 201);
}

#[tokio::test]
async fn a_time_that_has_passed_for_some_is_refused_and_one_that_comes_again_begins_when_it_has_for_nobody() {
    let api = Api::start().await;
    api.ready(1).await;
    let mut body = living_in(&api, 3, &["Asia/Kolkata", "Pacific/Kiritimati"]).await;
    // It is 2026-11-20T12:00Z: Kiritimati, fourteen hours ahead, has the 21st.
    body["schedule"]["at"] = json!("2026-11-20T23:00:00");
    let (status, problem) = api.post("/v1/campaigns", &body).await;
    assert_eq!(status, 422, "{problem}");
    let told = "/schedule: 2026-11-20 23:00:00 has passed already for 3 recipients, in Pacific/Kiritimati: \
                schedule a later day, or leave them out.";
    assert_eq!(faults(&problem), [told]);
    body["schedule"] =
        json!({ "type": "cron", "cron": "0 23 * * *", "timezone": "Asia/Kolkata", "per_recipient": true });
    let (status, created) = api.post("/v1/campaigns", &body).await;
    assert_eq!(status, 201, "{created}");
    assert!(created["next_run"].as_str().unwrap().ends_with("-20261121T230000-Asia_Kolkata"), "{created}");
    let words = created["schedule_in_words"].as_str().unwrap();
    assert!(words.ends_with("by each recipient's own clock, or else Asia/Kolkata time."), "{words}");
}

#[tokio::test]
async fn what_cannot_be_by_own_clocks_is_refused() {
    let api = Api::start().await;
    api.ready(1).await;
    let mut body = living_in(&api, 3, &["Asia/Kolkata"]).await;
    body["canary"] = json!({ "share": 0.5 });
    let told = faults(&api.post("/v1/campaigns", &body).await.1);
    assert!(told[0].starts_with("/canary: cannot be with a schedule by each recipient's own clock"), "{told:#?}");
    body["canary"] = Value::Null;
    let template = body["message"].take();
    body["message"] = json!({ "type": "text", "text": { "body": "hi" } });
    let told = faults(&api.post("/v1/campaigns", &body).await.1);
    assert!(told[0].starts_with("/schedule/per_recipient: cannot be with a free-form message"), "{told:#?}");
    body["message"] = template;
    body["schedule"] = json!({ "type": "now", "per_recipient": true });
    let told = faults(&api.post("/v1/campaigns", &body).await.1);
    assert!(told[0].starts_with("/schedule/per_recipient: "), "{told:#?}");
}
