//! Everything that can be wrong with a campaign: told precisely, and nothing stored.

use dawncast_store::records::NumberRole;
use reqwest::Method;
use serde_json::{Value, json};

use crate::rig::{Api, answer, campaign_body, faults};

/// Submits a campaign changed by `change`; the faults.
async fn refused(api: &Api, audience: &str, change: impl FnOnce(&mut Value)) -> Vec<String> {
    let mut body = campaign_body(audience);
    change(&mut body);
    let (status, problem) = api.post("/v1/campaigns", &body).await;
    assert_eq!(status, 422, "{problem}");
    faults(&problem)
}

async fn assert_nothing_stored(api: &Api) {
    assert!(api.store.campaigns_page(10, None).await.unwrap().items.is_empty());
    assert!(api.store.active_runs().await.unwrap().is_empty());
}

#[tokio::test]
async fn each_fault_is_told_with_its_place_and_remedy() {
    let api = Api::start().await;
    let audience = api.ready(3).await;
    let body_text = |text: &str| json!([{ "type": "body", "parameters": [{ "type": "text", "text": text }] }]);
    let cases: [(&str, Value, &str); 13] = [
        ("/schedule/at", json!("2026-11-19T06:00:00"), "/schedule/at: 2026-11-19 06:00:00 in Asia/Kolkata has passed"),
        ("/schedule/timezone", json!("Asia/Calcuta"), "/schedule/timezone: "),
        ("/pool", json!("advisor"), "/pool: there is no pool `advisor`; there are `advisors`."),
        ("/audience/id", json!("aud_none"), "/audience/id: there is no audience `aud_none`"),
        (
            "/message/name",
            json!("daily_text_v2"),
            "/message/name: (#132001) template name (daily_text_v2) does not exist",
        ),
        ("/message/language", json!("en_US"), "/message/language: (#132001)"),
        ("/message/components", json!([]), "/message/components: (#132000) body: number of localizable_params (0)"),
        (
            "/message/components",
            body_text("Dear {{ frist_name }}"),
            "/message/components/0/parameters/0/text: the audience `subscribers` has no column `frist_name`; \
             it has `first_name`, `id`, `image`.",
        ),
        (
            "/audience/where",
            json!({ "city": ["Pune"] }),
            "/audience/where/city: the audience `subscribers` has no column `city`; it has `first_name`, `id`, `image`.",
        ),
        ("/audience/require_fresh", json!("soon"), "/audience/require_fresh: `soon` is not a span of time"),
        ("/canary", json!({ "share": 1.0 }), "/canary/share: must be above 0 and below 1, such as 0.05"),
        (
            "/canary",
            json!({ "share": 0.1, "watch": "5m" }),
            "/canary/watch: 5m, and 3s to judge, is the whole window from -30s to +4m30s: watch for less",
        ),
        ("/windw", json!({}), "/windw: "),
    ];
    for (pointer, value, expected) in cases {
        let found = refused(&api, &audience, |body| {
            let (parent, field) = pointer.rsplit_once('/').unwrap();
            body.pointer_mut(parent).unwrap()[field] = value;
        });
        let found = found.await;
        assert_eq!(found.len(), 1, "{found:#?}");
        assert!(found[0].starts_with(expected), "{found:#?}");
    }
    assert_nothing_stored(&api).await;
}

#[tokio::test]
async fn a_window_too_small_is_told_with_its_arithmetic() {
    let api = Api::start().await;
    let audience = api.ready(800).await;
    let window = json!({ "opens": "+0s", "closes": "+10s", "deadline": "+20s" });
    let found = refused(&api, &audience, |body| body["window"] = window).await;
    assert_eq!(found.len(), 1, "{found:#?}");
    assert!(
        found[0].starts_with("/window/closes: 800 recipients do not fit: 1 number × 72/s × 10.0 s = 720"),
        "{found:#?}"
    );
    assert!(found[0].contains("widen the window") && found[0].contains("add 1 number"), "{found:#?}");
    assert_nothing_stored(&api).await;
}

#[tokio::test]
async fn what_the_caps_of_numbers_do_not_hold_is_told() {
    let api = Api::start().await;
    let audience = api.ready(800).await;
    let (status, number) =
        answer(api.request(Method::PATCH, "/v1/numbers/101").json(&json!({ "max_per_day": 500 }))).await;
    assert_eq!(status, 200, "{number}");
    let found = refused(&api, &audience, |_| {}).await;
    assert_eq!(found.len(), 1, "{found:#?}");
    assert!(found[0].contains("holds 500; whatever the window, the quotas left today do not suffice"), "{found:#?}");
}

#[tokio::test]
async fn a_step_that_fits_neither_window_nor_numbers_is_told_with_its_arithmetic() {
    let api = Api::start().await;
    let audience = api.ready(800).await;
    let window = json!({ "opens": "+0s", "closes": "+20s", "deadline": "+30s" });
    let refused = async |step: &str| {
        let jitter = json!({ "type": "stagger", "step": step });
        let change = |body: &mut Value| {
            body["window"] = window.clone();
            body["jitter"] = jitter;
        };
        refused(&api, &audience, change).await
    };
    let too_long = refused("50ms").await;
    let expected = "/jitter/step: 800 recipients, one each 50ms, take 40.0 s, and the window has 20.0 s; \
                    take a step of 25ms at most, or widen the window to at least 40.0 s. `\"force\": true` takes it all the same.";
    assert_eq!(too_long, [expected]);
    let too_short = refused("10ms").await;
    let expected = "/jitter/step: one message each 10ms is 100/s, and 1 number sends 72/s; \
                    take a step of 14ms at least, or add numbers.";
    assert_eq!(too_short, [expected]);
    assert_nothing_stored(&api).await;
}

#[tokio::test]
async fn faults_of_every_kind_are_told_at_once() {
    let api = Api::start().await;
    let audience = api.ready(1).await;
    let found = refused(&api, &audience, |body| {
        body["pool"] = json!("nobody");
        body["schedule"]["at"] = json!("2020-01-01T06:00:00");
        body["message"]["components"][0]["parameters"][0]["text"] = json!("{{ nothing }}");
    });
    let pointers: Vec<_> = found.await.iter().map(|fault| fault.split(':').next().unwrap().to_owned()).collect();
    assert_eq!(pointers, ["/schedule/at", "/message/components/0/parameters/0/text", "/pool"]);
    assert_nothing_stored(&api).await;
}

#[tokio::test]
async fn an_audience_without_rows_and_a_pool_without_active_numbers_are_faults() {
    let api = Api::start().await;
    api.ready(1).await;
    let empty = api.audience().await;
    api.store.change_number(&"101".parse().unwrap(), |number| number.role = NumberRole::Standby).await.unwrap();
    let found = refused(&api, &empty, |_| {}).await;
    assert_eq!(
        found,
        [
            "/audience/id: the audience `subscribers` has no rows; import some first.",
            "/pool: the pool `advisors` has no active number, only standbys; make one active.",
        ]
    );
}

#[tokio::test]
async fn an_asset_named_outright_must_be_there_and_fit() {
    let api = Api::start().await;
    let audience = api.ready(1).await;
    let header =
        |asset: &str| json!({ "type": "header", "parameters": [{ "type": "image", "image": { "asset": asset } }] });
    let with_header = async |asset: &str| {
        refused(&api, &audience, |body| {
            body["message"]["name"] = json!("daily_pack_v1");
            body["message"]["components"].as_array_mut().unwrap().insert(0, header(asset));
        })
        .await
    };
    let place = "/message/components/0/parameters/0/image/asset";
    assert_eq!(with_header("pack.png").await, [format!("{place}: there is no asset `pack.png`; upload it first.")]);
    let path = "/v1/assets?name=clip.mp4";
    let upload = api.request(reqwest::Method::POST, path).header("content-type", "video/mp4").body("bytes");
    assert_eq!(upload.send().await.unwrap().status(), 201);
    assert_eq!(
        with_header("clip.mp4").await,
        [format!("{place}: the asset `clip.mp4` is video/mp4; this takes images, JPEG or PNG.")]
    );
    let mut varying = campaign_body(&audience);
    varying["message"]["name"] = json!("daily_pack_v1");
    varying["message"]["components"].as_array_mut().unwrap().insert(0, header("{{ image }}"));
    let (status, body) = api.post("/v1/campaigns/validate", &varying).await;
    assert_eq!(status, 200, "{body}");
}

#[tokio::test]
async fn faults_of_two_accounts_name_the_account() {
    let api = Api::start().await;
    let audience = api.ready(1).await;
    let mut second = crate::rig::number_body("102");
    second["waba_id"] = json!("300");
    assert_eq!(api.post("/v1/numbers", &second).await.0, 201);
    api.store.put_templates(&"300".parse().unwrap(), &[], 0).await.unwrap();
    let found = refused(&api, &audience, |_| {}).await;
    assert_eq!(found.len(), 1, "{found:#?}");
    assert!(found[0].starts_with("/message/name: account 300: (#132001)"), "{found:#?}");
}
