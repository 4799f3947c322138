//! Free-form messages and what they fall back to, as they are submitted and previewed.

use serde_json::{Value, json};

use crate::rig::{Api, NOW, campaign_body, faults};

/// Buttons, with `daily_text_v1` for those who have no open window, to go out at once.
fn body(audience: &str) -> Value {
    let mut body = campaign_body(audience);
    let mut template = body["message"].take();
    template["category"] = json!("UTILITY");
    let reply = json!({ "type": "reply", "reply": { "id": "yes", "title": "Yes" } });
    let buttons =
        json!({ "type": "button", "body": { "text": "Well, {{ first_name }}?" }, "action": { "buttons": [reply] } });
    body["message"] = json!({ "type": "interactive", "interactive": buttons, "fallback": [template] });
    body["schedule"] = json!({ "type": "now" });
    body["window"] = json!({ "opens": "+0s", "closes": "+20s", "deadline": "+25s" });
    body
}

async fn refused(api: &Api, body: &Value) -> Vec<String> {
    let (status, problem) = api.post("/v1/campaigns/validate", body).await;
    assert_eq!(status, 422, "{problem}");
    faults(&problem)
}

#[tokio::test]
async fn both_messages_are_checked_and_every_fault_is_told_where_it_stands() {
    let api = Api::start().await;
    let audience = api.ready(1).await;
    let mut bad = body(&audience);
    bad["message"]["interactive"]["body"]["text"] = json!("{{ nothing }}");
    bad["message"]["interactive"]["footer"] = json!({ "text": "x".repeat(61) });
    assert_eq!(
        refused(&api, &bad).await,
        ["/message/interactive/footer/text: is longer than 60 characters, the most that Meta takes: shorten it."]
    );
    bad["message"]["interactive"]["footer"] = Value::Null;
    bad["message"]["fallback"][0]["name"] = json!("daily_text_v9");
    let told = refused(&api, &bad).await;
    assert!(told[0].starts_with("/message/interactive/body/text: the audience `subscribers` has no column `nothing`"));
    assert!(told[1].starts_with("/message/fallback/0/name: (#132001) template name (daily_text_v9) does not exist"));
    assert_eq!(told.len(), 2, "{told:#?}");
}

#[tokio::test]
async fn files_of_both_messages_must_be_there_and_fit() {
    let api = Api::start().await;
    let audience = api.ready(1).await;
    for (name, mime) in [("wave", "image/webp"), ("dot", "image/png")] {
        let upload =
            api.request(reqwest::Method::POST, &format!("/v1/assets?name={name}")).header("content-type", mime);
        assert_eq!(upload.body("bytes").send().await.unwrap().status(), 201);
    }
    let image = json!({ "type": "header", "parameters": [{ "type": "image", "image": { "asset": "wave" } }] });
    let with_sticker = |asset: &str| {
        let mut body = body(&audience);
        let mut template = body["message"]["fallback"][0].take();
        template["name"] = json!("daily_pack_v1");
        template["components"].as_array_mut().unwrap().push(image.clone());
        body["message"] = json!({ "type": "sticker", "sticker": { "asset": asset }, "fallback": [template] });
        body
    };
    let header = "/message/fallback/0/components/1/parameters/0/image/asset: the asset `wave` is image/webp; this takes images, JPEG or PNG.";
    assert_eq!(refused(&api, &with_sticker("wave")).await, [header]);
    let none = "/message/sticker/asset: there is no asset `lost`; upload it first.".to_owned();
    assert_eq!(refused(&api, &with_sticker("lost")).await, [none, header.to_owned()]);
    let png =
        "/message/sticker/asset: the asset `dot` is image/png; this takes stickers, which are image/webp.".to_owned();
    assert_eq!(refused(&api, &with_sticker("dot")).await, [png, header.to_owned()]);
}

#[tokio::test]
async fn a_campaign_with_a_fallback_is_stored_as_it_was_sent_and_says_whom_it_is_for() {
    let api = Api::start().await;
    let audience = api.ready(3).await;
    let (status, created) = api.post("/v1/campaigns", &body(&audience)).await;
    assert_eq!(status, 201, "{created}");
    let warnings = created["forecast"]["warnings"].to_string();
    assert!(warnings.contains("the others get the template daily_text_v1."), "{warnings}");
    let (_, shown) = api.get(&format!("/v1/campaigns/{}", created["id"].as_str().unwrap())).await;
    assert_eq!((&shown["spec"]["message"], &shown["name"]), (&body(&audience)["message"], &json!("interactive")));
}

#[tokio::test]
async fn a_preview_shows_both_messages_and_who_would_get_which() {
    let api = Api::start().await;
    let audience = api.ready(5).await;
    api.number("102").await;
    let wrote = [919_800_000_000, 919_800_000_003].map(|person| (person, NOW - 1_000));
    api.store.note_inbound(&"102".parse().unwrap(), &wrote, NOW).await.unwrap();
    let (status, preview) = api.post("/v1/campaigns/preview?samples=2", &body(&audience)).await;
    assert_eq!(status, 200, "{preview}");
    let messages = json!([{ "message": "interactive", "fallback": false, "recipients": 2 },
                          { "message": "template daily_text_v1", "fallback": true, "recipients": 3 }]);
    assert_eq!((&preview["messages"], &preview["recipients"]["planned"]), (&messages, &json!(5)));
    let samples = preview["samples"].as_array().unwrap();
    let told: Vec<_> = samples.iter().map(|it| (it["body"].as_str().unwrap(), &it["phone_number_id"])).collect();
    assert_eq!((told[0], told[1]), (("Well, Asha?", &json!("102")), ("Good morning Asha", &Value::Null)));
    assert!(told.len() == 4 && told[2] == ("Well, Asha?", &Value::Null) && told[3].1.is_string(), "{told:?}");
    assert_eq!(samples[0]["buttons"], json!([{ "reply": "Yes" }]));

    let mut alone = body(&audience);
    alone["message"].as_object_mut().unwrap().remove("fallback");
    let (_, preview) = api.post("/v1/campaigns/preview", &alone).await;
    assert_eq!(preview["recipients"]["dropped_by_reason"], json!({ "compliance": 3 }), "{preview}");
    assert_eq!(preview["samples"].as_array().unwrap().len(), 3, "what it would say is shown all the same");
}
