use reqwest::Method;
use serde_json::{Value, json};

use crate::rig::{Api, answer, campaign_body, id};

async fn submit(api: &Api, audience: &str) -> Value {
    let (status, campaign) = api.post("/v1/campaigns", &campaign_body(audience)).await;
    assert_eq!(status, 201, "{campaign}");
    campaign
}

#[tokio::test]
async fn a_submitted_campaign_has_a_run_and_a_forecast() {
    let api = Api::start().await;
    let audience = api.ready(3).await;
    let campaign = submit(&api, &audience).await;
    let name = campaign["id"].as_str().unwrap();
    assert_eq!(campaign["state"], "active");
    assert_eq!(campaign["next_run_at"], "2026-11-23T00:30:00.000Z");
    assert_eq!(campaign["next_run"], format!("{name}-20261123T060000-Asia_Kolkata"));
    let forecast = &campaign["forecast"];
    assert_eq!(
        (&forecast["recipients"], &forecast["numbers"], &forecast["warnings"]),
        (&json!(3), &json!(1), &json!([]))
    );
    let run = api.store.run(&id(campaign["next_run"].as_str().unwrap())).await.unwrap().unwrap();
    assert_eq!((run.record.campaign.as_str(), run.state.as_str()), (name, "scheduled"));
    let (_, shown) = api.get(&format!("/v1/campaigns/{name}")).await;
    assert_eq!((&shown["name"], &shown["next_run"]), (&json!("daily_text_v1"), &campaign["next_run"]));
    assert_eq!(shown["spec"]["retry"]["max_attempts"], 3, "defaults are shown");
    let (_, runs) = api.get(&format!("/v1/campaigns/{name}/runs")).await;
    assert_eq!(runs["items"][0]["id"], campaign["next_run"]);
}

#[tokio::test]
async fn validation_says_the_same_and_stores_nothing() {
    let api = Api::start().await;
    let audience = api.ready(3).await;
    let (status, valid) = api.post("/v1/campaigns/validate", &campaign_body(&audience)).await;
    assert_eq!((status.as_u16(), &valid["valid"]), (200, &json!(true)), "{valid}");
    assert_eq!(
        (&valid["next_run_at"], &valid["forecast"]["recipients"]),
        (&json!("2026-11-23T00:30:00.000Z"), &json!(3))
    );
    let (status, problem) = api.post("/v1/campaigns/validate", &json!({})).await;
    assert_eq!((status.as_u16(), &problem["type"]), (422, &json!("/problems/validation")));
    assert!(api.store.campaigns_page(10, None).await.unwrap().items.is_empty());
    assert!(api.store.active_runs().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_campaign_for_now_counts_from_now() {
    let api = Api::start().await;
    let audience = api.ready(3).await;
    let mut body = campaign_body(&audience);
    body["schedule"] = json!({ "type": "now" });
    body["window"] = json!({ "opens": "+0s", "closes": "+20s", "deadline": "+25s" });
    let (status, campaign) = api.post("/v1/campaigns", &body).await;
    assert_eq!((status.as_u16(), &campaign["next_run_at"]), (201, &json!("2026-11-20T12:00:00.000Z")), "{campaign}");
}

#[tokio::test]
async fn templates_that_are_not_known_yet_are_a_warning() {
    let api = Api::start().await;
    api.number("101").await;
    let audience = api.filled_audience(1).await;
    let campaign = submit(&api, &audience).await;
    let warning = campaign["forecast"]["warnings"][0].as_str().unwrap();
    assert!(warning.contains("templates of account 200 are not known yet"), "{warning}");
}

#[tokio::test]
async fn what_is_paused_is_a_warning() {
    let api = Api::start().await;
    let audience = api.ready(1).await;
    api.act("/v1/pools/advisors/pause").await;
    api.act("/v1/numbers/101/pause").await;
    let warnings = submit(&api, &audience).await["forecast"]["warnings"].clone();
    assert_eq!(warnings.as_array().unwrap().len(), 2, "{warnings}");
}

#[tokio::test]
async fn a_campaign_is_paused_resumed_and_cancelled_with_its_run() {
    let api = Api::start().await;
    let audience = api.ready(3).await;
    let campaign = submit(&api, &audience).await;
    let path = format!("/v1/campaigns/{}", campaign["id"].as_str().unwrap());
    let run = async || {
        let (_, run) = api.get(&format!("/v1/runs/{}", campaign["next_run"].as_str().unwrap())).await;
        (run["state"].as_str().unwrap().to_owned(), run["holds"].clone())
    };
    assert_eq!(api.act(&format!("{path}/pause")).await["state"], "paused");
    assert_eq!(run().await, ("scheduled".into(), json!(["paused"])));
    assert_eq!(api.act(&format!("{path}/pause")).await["state"], "paused");
    assert_eq!(api.act(&format!("{path}/resume")).await["state"], "active");
    assert_eq!(run().await, ("scheduled".into(), json!([])));
    let cancelled = api.act(&format!("{path}/cancel")).await;
    assert_eq!((&cancelled["state"], &cancelled["next_run"]), (&json!("cancelled"), &Value::Null));
    assert_eq!(run().await.0, "cancelled");
    let (status, problem) = answer(api.request(Method::POST, &format!("{path}/resume"))).await;
    assert_eq!((status.as_u16(), &problem["type"]), (409, &json!("/problems/conflict")));
    assert_eq!(answer(api.request(Method::POST, "/v1/campaigns/cmp_none/pause")).await.0, 404);
}

#[tokio::test]
async fn campaigns_are_listed_newest_first_by_cursor() {
    let api = Api::start().await;
    let audience = api.ready(1).await;
    let mut ids = Vec::new();
    for _ in 0..3 {
        ids.push(submit(&api, &audience).await["id"].as_str().unwrap().to_owned());
    }
    let (_, first) = api.get("/v1/campaigns?limit=2").await;
    let cursor = first["next_cursor"].as_str().unwrap();
    let (_, second) = api.get(&format!("/v1/campaigns?limit=2&cursor={cursor}")).await;
    assert_eq!(second["next_cursor"], Value::Null);
    let pages = [&first, &second].map(|page| page["items"].as_array().unwrap().clone());
    let mut listed: Vec<_> = pages.iter().flatten().map(|item| item["id"].as_str().unwrap().to_owned()).collect();
    listed.sort();
    ids.sort();
    assert_eq!((listed, pages[0].len()), (ids, 2));
}

#[tokio::test]
async fn a_segment_is_counted_and_old_rows_are_warned_of() {
    let api = Api::start().await;
    let audience = api.ready(3).await;
    let file = "phone,tier,first_name\n919800000000,pro,A\n919800000001,basic,B\n919800000002,pro,C\n919800000003,,D\n";
    api.upload(&audience, "replace", "text/csv", file).await;
    let forecast = async |of: Value| {
        let mut body = campaign_body(&audience);
        body["audience"] = of;
        let (status, answer) = api.post("/v1/campaigns/validate", &body).await;
        assert_eq!(status, 200, "{answer}");
        (answer["forecast"]["recipients"].clone(), answer["forecast"]["warnings"].clone())
    };
    let none = json!([]);
    assert_eq!(forecast(json!({ "id": audience, "where": { "tier": ["pro"] } })).await, (json!(2), none.clone()));
    let narrow = json!({ "id": audience, "where": { "tier": ["pro", "basic"], "first_name": ["B", "C", "D"] } });
    assert_eq!(forecast(narrow).await.0, 2);
    let nobody = forecast(json!({ "id": audience, "where": { "tier": ["Pro"] } })).await;
    assert_eq!(nobody, (json!(0), json!(["None of the 4 rows is in the segment; nobody would get this."])));
    assert_eq!(forecast(json!({ "id": audience, "require_fresh": "72h" })).await, (json!(4), none));
    let (_, warnings) = forecast(json!({ "id": audience, "require_fresh": "12h" })).await;
    assert_eq!(
        warnings,
        json!([format!(
            "The audience {audience} was last updated at 2026-11-20T12:00:00Z, longer than require_fresh 12h before \
             sending: import before the run freezes, or it will be held."
        )])
    );
}
