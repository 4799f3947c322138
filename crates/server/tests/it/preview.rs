//! Preview: what a campaign would do, storing nothing.

use serde_json::{Value, json};

use crate::rig::{Api, campaign_body, faults};

/// What the API needs, and a campaign for 300 rows: 260 of them to be reached.
async fn prepared(api: &Api) -> Value {
    api.ready(1).await;
    api.number("102").await;
    let audience = api.audience().await;
    let mut file = "phone,id,tier,timezone,first_name\n".to_owned();
    for n in 0..300_u64 {
        // Ten without a name, ten with the phone of another, twenty who sleep.
        let name = if n < 10 { "" } else { "Asha" };
        let phone = 919_800_000_000 + if (10..20).contains(&n) { n + 10 } else { n };
        let zone = if n >= 280 { "America/New_York" } else { "" };
        let tier = if n.is_multiple_of(2) { "pro" } else { "" };
        file.push_str(&format!("{phone},r{n},{tier},{zone},{name}\n"));
    }
    let import = api.upload(&audience, "replace", "text/csv", file).await;
    assert_eq!((&import["state"], &import["accepted"]), (&json!("done"), &json!(300)), "{import}");
    let mut body = campaign_body(&audience);
    body["window"] = json!({ "quiet_hours": { "from": "19:00", "to": "05:00" } });
    body
}

fn assert_previewed(preview: &Value) {
    let dropped = json!({ "duplicate": 10, "compliance": 20, "missing_attribute": 10 });
    assert_eq!(
        preview["recipients"],
        json!({ "rows": 300, "planned": 260, "dropped": 40, "dropped_by_reason": dropped })
    );
    let buckets = preview["histogram"]["buckets"].as_array().unwrap();
    assert_eq!((&preview["histogram"]["bucket_seconds"], buckets.len()), (&json!(10.0), 30));
    assert_eq!(buckets[0]["from"], "2026-11-23T00:29:30.000Z");
    assert_eq!(buckets.iter().map(|bucket| bucket["messages"].as_u64().unwrap()).sum::<u64>(), 260);
    let numbers = preview["numbers"].as_array().unwrap();
    let ids: Vec<_> = numbers.iter().map(|number| number["phone_number_id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["101", "102"]);
    assert_eq!(numbers.iter().map(|number| number["recipients"].as_u64().unwrap()).sum::<u64>(), 260);
    assert!(numbers.iter().all(|number| number["share"].as_f64().unwrap() > 0.3), "{numbers:?}");
    assert_eq!((&preview["seed"], &preview["shortage"]), (&json!(1), &Value::Null));
}

#[tokio::test]
async fn a_stored_campaign_is_previewed_by_its_own_planner() {
    let api = Api::start().await;
    let body = prepared(&api).await;
    let (status, created) = api.post("/v1/campaigns", &body).await;
    assert_eq!(status, 201, "{created}");
    let preview = api.act(&format!("/v1/campaigns/{}/preview", created["id"].as_str().unwrap())).await;
    assert_previewed(&preview);
    let samples = preview["samples"].as_array().unwrap();
    assert_eq!(samples.len(), 3);
    assert_eq!((&samples[0]["body"], &samples[0]["header"]), (&json!("Good morning Asha"), &Value::Null));
    assert_eq!((&samples[0]["id"], &samples[1]["tier"]), (&json!("r10"), &Value::Null));
    assert!(samples[0]["phone"].as_str().unwrap().contains('•'), "phones are masked");
    let due = samples[0]["due_at"].as_str().unwrap();
    assert!(("2026-11-23T00:29:30.000Z".."2026-11-23T00:34:30.000Z").contains(&due), "{due}");
    assert_eq!(preview, api.act(&format!("/v1/campaigns/{}/preview", created["id"].as_str().unwrap())).await);
    assert_eq!(api.get("/v1/runs").await.1["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_preview_shows_the_time_in_which_a_canary_is_watched() {
    let api = Api::start().await;
    let mut body = prepared(&api).await;
    body["canary"] = json!({ "share": 0.2, "watch": "1m40s" });
    let (status, preview) = api.post("/v1/campaigns/preview", &body).await;
    assert_eq!(status, 200, "{preview}");
    let buckets = preview["histogram"]["buckets"].as_array().unwrap();
    let messages: Vec<u64> = buckets.iter().map(|bucket| bucket["messages"].as_u64().unwrap()).collect();
    // Of 300 s, 103 are for watch and judging: a fifth of 197 s before, the rest after.
    assert_eq!((messages.iter().sum::<u64>(), messages[..4].iter().sum::<u64>()), (260, 52));
    assert_eq!(messages[4..14].iter().sum::<u64>(), 0, "{messages:?}");
}

#[tokio::test]
async fn a_body_is_previewed_without_being_stored() {
    let api = Api::start().await;
    let body = prepared(&api).await;
    let (status, preview) = api.post("/v1/campaigns/preview?samples=20", &body).await;
    assert_eq!(status, 200, "{preview}");
    assert_previewed(&preview);
    assert_eq!(preview["samples"].as_array().unwrap().len(), 20);
    assert!(api.store.campaigns_page(10, None).await.unwrap().items.is_empty());
    assert!(api.store.active_runs().await.unwrap().is_empty());
}

#[tokio::test]
async fn an_image_and_a_step_are_shown_as_they_would_go_out() {
    let api = Api::start().await;
    let audience = api.ready(40).await;
    let upload = api.request(reqwest::Method::POST, "/v1/assets?name=pack.png").header("content-type", "image/png");
    assert_eq!(upload.body("bytes").send().await.unwrap().status(), 201);
    let mut body = campaign_body(&audience);
    body["message"]["name"] = json!("daily_pack_v1");
    let image = json!({ "type": "image", "image": { "asset": "{{ image }}" } });
    let header = json!({ "type": "header", "parameters": [image] });
    body["message"]["components"].as_array_mut().unwrap().insert(0, header);
    body["jitter"] = json!({ "type": "stagger", "step": "1s" });
    let (status, preview) = api.post("/v1/campaigns/preview?samples=1", &body).await;
    assert_eq!(status, 200, "{preview}");
    assert_eq!(preview["samples"][0]["header"], json!({ "image": "pack.png" }));
    let bars: Vec<_> = preview["histogram"]["buckets"].as_array().unwrap().iter().map(|bar| &bar["messages"]).collect();
    assert_eq!(bars[..5], [10, 10, 10, 10, 0]);
}

#[tokio::test]
async fn what_cannot_be_previewed_says_why() {
    let api = Api::start().await;
    let body = prepared(&api).await;
    let mut wrong = body.clone();
    wrong["pool"] = json!("nobody");
    let (status, problem) = api.post("/v1/campaigns/preview", &wrong).await;
    assert_eq!((status.as_u16(), faults(&problem).len()), (422, 1), "{problem}");
    assert!(faults(&problem)[0].starts_with("/pool: there is no pool `nobody`"), "{problem}");
    let (status, problem) = api.post("/v1/campaigns/preview?samples=21", &body).await;
    assert_eq!(status, 400, "{problem}");
    assert_eq!(problem["detail"], "samples is 21; ask for 20 at most.");
    assert_eq!(api.post("/v1/campaigns/cmp_none/preview", &json!({})).await.0, 404);
}
