//! Campaigns that come again, and when.

use serde_json::{Value, json};

use crate::rig::{Api, NOW, campaign_body, id};

async fn submit(api: &Api, schedule: Value) -> (u16, Value) {
    let mut body = campaign_body(&api.ready(3).await);
    body["schedule"] = schedule;
    let (status, answer) = api.post("/v1/campaigns", &body).await;
    (status.as_u16(), answer)
}

fn workdays() -> Value {
    json!({ "type": "cron", "cron": "0 6 * * 1-5", "timezone": "Asia/Kolkata", "skip_dates": ["2026-11-24"] })
}

#[tokio::test]
async fn a_cron_expression_is_echoed_in_words_and_has_its_first_run() {
    let api = Api::start().await;
    let (status, campaign) = submit(&api, workdays()).await;
    assert_eq!(status, 201, "{campaign}");
    let words = "At 06:00, on Monday, Tuesday, Wednesday, Thursday, and Friday, Asia/Kolkata time.";
    assert_eq!(campaign["schedule_in_words"], words);
    assert_eq!(campaign["next_run_at"], "2026-11-23T00:30:00.000Z");
    let id = campaign["id"].as_str().unwrap();
    let (_, shown) = api.get(&format!("/v1/campaigns/{id}")).await;
    assert_eq!(
        (&shown["schedule_in_words"], &shown["spec"]["schedule"]["cron"]),
        (&json!(words), &json!("0 6 * * 1-5"))
    );
    let (_, runs) = api.get(&format!("/v1/campaigns/{id}/runs?limit=1")).await;
    assert_eq!(runs["items"][0]["id"], campaign["next_run"]);
}

#[tokio::test]
async fn the_calendar_lists_what_comes_on_both_clocks_and_what_is_skipped() {
    let api = Api::start().await;
    let (_, campaign) = submit(&api, workdays()).await;
    let path = format!("/v1/campaigns/{}/calendar?limit=2&timezone=Europe/Berlin", campaign["id"].as_str().unwrap());
    let (status, page) = api.get(&path).await;
    assert_eq!(status, 200, "{page}");
    assert_eq!((&page["timezone"], &page["other_timezone"]), (&json!("Asia/Kolkata"), &json!("Europe/Berlin")));
    let [monday, tuesday] = [0, 1].map(|n| page["items"][n].clone());
    assert_eq!(monday["run"], campaign["next_run"]);
    assert_eq!(
        (&monday["local"], &monday["elsewhere"]),
        (&json!("2026-11-23T06:00:00+05:30"), &json!("2026-11-23T01:30:00+01:00"))
    );
    assert_eq!((&tuesday["run"], &tuesday["skipped"]), (&Value::Null, &json!("its date is among `skip_dates`")));
    let (_, next) = api.get(&format!("{path}&cursor={}", page["next_cursor"].as_str().unwrap())).await;
    assert_eq!(next["items"][0]["at"], "2026-11-25T00:30:00.000Z");
}

#[tokio::test]
async fn a_calendar_that_is_asked_wrongly_says_what_is_wrong() {
    let api = Api::start().await;
    let (_, campaign) = submit(&api, workdays()).await;
    let path = format!("/v1/campaigns/{}/calendar", campaign["id"].as_str().unwrap());
    for (query, told) in
        [("timezone=Kolkata", "not a time zone"), ("limit=0", "`limit` is 0"), ("cursor=x", "`cursor`")]
    {
        let (status, problem) = api.get(&format!("{path}?{query}")).await;
        assert_eq!(status, 400, "{query}");
        assert!(problem["detail"].as_str().unwrap().contains(told), "{problem}");
    }
    assert_eq!(api.get("/v1/campaigns/cmp_none/calendar").await.0, 404);
}

#[tokio::test]
async fn every_fault_of_a_schedule_is_named() {
    let api = Api::start().await;
    let (status, problem) =
        submit(&api, json!({ "type": "cron", "cron": "0 6 * * 8", "timezone": "Asia/Kolkatta" })).await;
    assert_eq!(status, 422, "{problem}");
    let pointers: Vec<_> = problem["errors"].as_array().unwrap().iter().map(|fault| fault["pointer"].clone()).collect();
    assert_eq!(pointers, ["/schedule/cron", "/schedule/timezone"]);
    let (_, problem) = submit(&api, json!({ "type": "cron", "cron": "0 6 31 2 *", "timezone": "UTC" })).await;
    assert!(problem["errors"][0]["detail"].as_str().unwrap().contains("names no time to come"), "{problem}");
}

#[tokio::test]
async fn a_paused_campaign_holds_all_its_runs_and_a_cancelled_one_ends_them() {
    let api = Api::start().await;
    let (_, campaign) = submit(&api, workdays()).await;
    let id = campaign["id"].as_str().unwrap();
    let run = format!("/v1/runs/{}", campaign["next_run"].as_str().unwrap());
    assert_eq!(api.post(&format!("/v1/campaigns/{id}/pause"), &json!({})).await.0, 200);
    assert_eq!(api.get(&run).await.1["holds"], json!(["paused"]));
    assert_eq!(api.post(&format!("/v1/campaigns/{id}/resume"), &json!({})).await.0, 200);
    assert_eq!(api.get(&run).await.1["holds"], json!([]));
    assert_eq!(api.post(&format!("/v1/campaigns/{id}/cancel"), &json!({})).await.0, 200);
    assert_eq!(api.get(&run).await.1["state"], "cancelled");
    let (_, calendar) = api.get(&format!("/v1/campaigns/{id}/calendar")).await;
    assert_eq!(calendar["items"], json!([]));
}

#[tokio::test]
async fn a_check_is_asked_for_before_freeze_alone() {
    let api = Api::start().await;
    let (_, campaign) = submit(&api, workdays()).await;
    let run: dawncast_core::ids::RunId = id(campaign["next_run"].as_str().unwrap());
    let (status, answer) = api.post(&format!("/v1/runs/{run}/check"), &json!({})).await;
    assert_eq!((status.as_u16(), &answer["checks"]), (202, &json!([])));
    assert_eq!(api.store.run(&run).await.unwrap().unwrap().check_asked, Some(NOW));
    api.post(&format!("/v1/runs/{run}/cancel"), &json!({})).await;
    let (status, problem) = api.post(&format!("/v1/runs/{run}/check"), &json!({})).await;
    assert_eq!(status, 409, "{problem}");
    assert!(problem["detail"].as_str().unwrap().starts_with("The run is cancelled"));
}
