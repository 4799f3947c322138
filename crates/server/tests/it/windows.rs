//! Quiet hours and blackout dates, as they are submitted and imported.

use serde_json::{Value, json};

use crate::rig::{Api, campaign_body, faults};

/// A campaign for Monday the 23rd, 06:00 in Kolkata, in a window changed by `window`.
fn body(audience: &str, window: Value) -> Value {
    let mut body = campaign_body(audience);
    body["window"] = window;
    body
}

#[tokio::test]
async fn a_campaign_for_a_blackout_date_is_refused() {
    let api = Api::start().await;
    let audience = api.ready(1).await;
    let (status, problem) =
        api.post("/v1/campaigns", &body(&audience, json!({ "blackout": ["2026-12-25", "2026-11-23"] }))).await;
    assert_eq!(status, 422, "{problem}");
    let expected = "/window/blackout/1: 2026-11-23 is the day that it is scheduled for: schedule another, or take the \
                    date out.";
    assert_eq!(faults(&problem), [expected]);
    assert!(api.store.campaigns_page(10, None).await.unwrap().items.is_empty());
    let (status, created) = api.post("/v1/campaigns", &body(&audience, json!({ "blackout": ["2026-11-24"] }))).await;
    assert_eq!(status, 201, "{created}");
    let path = format!("/v1/campaigns/{}", created["id"].as_str().unwrap());
    assert_eq!(api.get(&path).await.1["spec"]["window"]["blackout"], json!(["2026-11-24"]));
}

#[tokio::test]
async fn quiet_hours_that_cover_the_window_are_told_before_anything_goes_out() {
    let api = Api::start().await;
    let audience = api.ready(1).await;
    let validate = async |to: &str| {
        let quiet = json!({ "quiet_hours": { "from": "21:00", "to": to } });
        let (status, answer) = api.post("/v1/campaigns/validate", &body(&audience, quiet)).await;
        assert_eq!(status, 200, "{answer}");
        answer["forecast"]["warnings"].clone()
    };
    let warning = "Recipients without a `timezone` of their own are dropped: the whole window is quiet in \
                   Asia/Kolkata, from 21:00 to 08:00.";
    assert_eq!(validate("08:00").await, json!([warning]));
    assert_eq!(validate("06:00").await, json!([]));
    let wrong = json!({ "quiet_hours": { "from": "9pm" }, "blackout": ["23/11/2026"] });
    let (status, problem) = api.post("/v1/campaigns", &body(&audience, wrong)).await;
    assert_eq!(status, 422);
    let pointers: Vec<_> = faults(&problem).iter().map(|fault| fault.split(':').next().unwrap().to_owned()).collect();
    assert_eq!(pointers, ["/window/quiet_hours/from", "/window/quiet_hours/to", "/window/blackout/0"]);
}

#[tokio::test]
async fn a_row_with_a_zone_that_is_none_is_rejected_with_its_line() {
    let api = Api::start().await;
    let audience = api.audience().await;
    let file = "phone,timezone\n919876543210,Asia/Kolkata\n919876543211,kolkata\n919876543212,\n";
    let import = api.upload(&audience, "replace", "text/csv", file).await;
    assert_eq!((&import["accepted"], &import["rejected"]), (&json!(2), &json!(1)));
    let (_, rejects) = api.get(&format!("/v1/imports/{}/rejects", import["id"].as_str().unwrap())).await;
    let reason =
        "`kolkata` is not a time zone: write an IANA name such as `Asia/Kolkata`. Did you mean `Asia/Kolkata`?";
    assert_eq!(rejects["items"], json!([{ "line": 3, "reason": reason }]));
}
