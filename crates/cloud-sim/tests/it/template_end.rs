//! Templates that are deleted, unpaused, counted and compared.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use dawncast_cloud_sim::{Fault, FaultOrder, FaultRule, Simulator};
use serde_json::{Value, json};

use crate::support::*;

async fn with(sim: &Simulator, method: &str, path: &str) -> Answer {
    call(sim, method, path, BEARER, b"").await
}

async fn id(sim: &Simulator, name: &str) -> String {
    let found = get(sim, &format!("/{WABA}/message_templates?name={name}")).await.json();
    found["data"][0]["id"].as_str().unwrap().to_owned()
}

async fn create(sim: &Simulator, name: &str, language: &str) -> Answer {
    let body = json!({ "name": name, "language": language, "category": "UTILITY",
        "components": [{ "type": "BODY", "text": "Hello." }] });
    post(sim, &format!("/{WABA}/message_templates"), &body).await
}

fn subcode(answer: &Answer) -> Value {
    answer.json()["error"]["error_subcode"].clone()
}

#[tokio::test]
async fn a_deleted_template_is_gone_and_its_name_locked_for_thirty_days() {
    let sim = start().await;
    let deleted = with(&sim, "DELETE", &format!("/{WABA}/message_templates?name=hello_world")).await;
    assert_eq!(deleted.json(), json!({ "success": true }));
    assert_eq!(send(&sim, &hello(PHONE)).await.error_code(), 132_001);
    assert_eq!(subcode(&create(&sim, "hello_world", "en_US").await), 2_388_023);
    assert_eq!(create(&sim, "hello_world", "pt_BR").await.status, 200, "another language is free");
    let again = with(&sim, "DELETE", &format!("/{WABA}/message_templates?name=nope")).await;
    assert_eq!((again.status, again.error_code()), (400, 100));
    sim.advance(Duration::from_secs(30 * 24 * 3600));
    assert_eq!(create(&sim, "hello_world", "en_US").await.status, 200);
    assert_eq!(subcode(&create(&sim, "hello_world", "en_US").await), 2_388_024);
}

#[tokio::test]
async fn one_language_is_deleted_by_id_and_name_together() {
    let sim = start().await;
    let other = create(&sim, "hello_world", "pt_BR").await.json()["id"].as_str().unwrap().to_owned();
    let path = format!("/{WABA}/message_templates?hsm_id={other}&name=");
    assert_eq!(with(&sim, "DELETE", &format!("{path}daily_pack_v1")).await.error_code(), 100, "both have to fit");
    assert_eq!(with(&sim, "DELETE", &format!("{path}hello_world")).await.status, 200);
    assert_eq!(send(&sim, &hello(PHONE)).await.status, 200);
    assert_eq!(subcode(&get(&sim, &format!("/{other}")).await), 33);
    let nameless = with(&sim, "DELETE", &format!("/{WABA}/message_templates?hsm_id={other}")).await;
    assert!(nameless.body.contains("name is required"), "{}", nameless.body);
    stage(&sim, "/_sim/templates/daily_pack_v1", json!({ "status": "DISABLED" })).await;
    let disabled = with(&sim, "DELETE", &format!("/{WABA}/message_templates?name=daily_pack_v1")).await;
    assert!(disabled.status == 400 && disabled.body.contains("cannot be deleted"), "{}", disabled.body);
}

#[tokio::test]
async fn a_pause_is_taken_back_and_nothing_else() {
    let sim = start().await;
    let id = id(&sim, "hello_world").await;
    let unpaused = with(&sim, "POST", &format!("/{id}/unpause")).await.json();
    assert_eq!((&unpaused["success"], unpaused["reason"].is_string()), (&json!(false), true));
    stage(&sim, "/_sim/templates/hello_world", json!({ "status": "PAUSED" })).await;
    assert_eq!(send(&sim, &hello(PHONE)).await.error_code(), 132_015);
    assert_eq!(with(&sim, "POST", &format!("/{id}/unpause")).await.json(), json!({ "success": true }));
    assert_eq!(send(&sim, &hello(PHONE)).await.status, 200);
}

#[tokio::test]
async fn templates_are_found_by_content_and_quality() {
    let sim = start().await;
    stage(&sim, "/_sim/templates/daily_text_v1", json!({ "quality_score": "RED" })).await;
    for (filter, names) in [
        ("name_or_content=THREE%20lessons", vec!["weekly_offer_v1"]),
        ("name_or_content=daily_pack", vec!["daily_pack_v1", "daily_pack_v2"]),
        ("quality_score=red", vec!["daily_text_v1"]),
        ("category=MARKETING&status=PAUSED", vec![]),
    ] {
        let found = get(&sim, &format!("/{WABA}/message_templates?fields=name&{filter}")).await.json();
        let found: Vec<_> = found["data"].as_array().unwrap().iter().map(|it| it["name"].as_str().unwrap()).collect();
        assert_eq!(found, names, "{filter}");
    }
}

#[tokio::test]
async fn messages_of_a_template_are_counted_by_day_once_insights_are_on() {
    let sim = start().await;
    let id = id(&sim, "hello_world").await;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let (start, end) = (now - 86_400, now + 86_400);
    let path = format!("/{WABA}/template_analytics?start={start}&end={end}&granularity=DAILY&template_ids=[{id}]");
    assert_eq!(get(&sim, &path).await.error_code(), 200_005);
    let off = with(&sim, "POST", &format!("/{WABA}?is_enabled_for_insights=false")).await;
    assert_eq!(off.error_code(), 100, "there is no way back");
    let on = with(&sim, "POST", &format!("/{WABA}?is_enabled_for_insights=true")).await;
    assert_eq!(on.json(), json!({ "id": WABA }));
    for _ in 0..3 {
        assert_eq!(send(&sim, &hello(PHONE)).await.status, 200);
    }
    sim.set_faults(FaultOrder { faults: vec![FaultRule::always(Fault::ResetBeforeRead)] }).unwrap();
    exchange(sim.addr(), &send_request(NUMBER, &hello(PHONE))).await.expect_err("it is not accepted, and not counted");
    let counted = get(&sim, &path).await.json();
    let sent: u64 =
        counted["data"][0]["data_points"].as_array().unwrap().iter().map(|it| it["sent"].as_u64().unwrap()).sum();
    assert_eq!(sent, 3, "{counted}");
    for bad in ["template_ids=[x]", "granularity=HOURLY", "start=9999999999", "template_ids=[1]", "start=1"] {
        let (name, _) = bad.split_once('=').unwrap();
        let kept = path.split_once('?').unwrap().1.split('&').filter(|it| !it.starts_with(name));
        let query = kept.chain([bad]).collect::<Vec<_>>().join("&");
        let refused = get(&sim, &format!("/{WABA}/template_analytics?{query}")).await;
        assert_eq!((refused.status, refused.error_code()), (400, 100), "{bad}: {}", refused.body);
    }
}

#[tokio::test]
async fn templates_that_were_sent_too_seldom_are_not_compared() {
    let sim = start().await;
    let (one, other) = (id(&sim, "hello_world").await, id(&sim, "daily_text_v1").await);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() + 60;
    let path = |days: u64| format!("/{one}/compare?template_ids=[{other}]&start={}&end={now}", now - days * 86_400);
    let seldom = get(&sim, &path(7)).await;
    assert!(seldom.status == 400 && seldom.body.contains("at least 1000 times"), "{}", seldom.body);
    assert!(get(&sim, &path(8)).await.body.contains("7, 30, 60 or 90 days"));
    with(&sim, "POST", &format!("/{WABA}?is_enabled_for_insights=true")).await;
    for place in 0..1_000 {
        let phone = format!("+9198{place:08}");
        assert_eq!(send(&sim, &hello(&phone)).await.status, 200);
        let mut text = daily(&phone, json!([]), json!([{ "type": "text", "text": "Asha" }]));
        text["template"]["name"] = json!("daily_text_v1");
        text["template"]["components"].as_array_mut().unwrap().remove(0);
        assert_eq!(send_from(&sim, OTHER_NUMBER, &text).await.status, 200);
    }
    let compared = get(&sim, &path(7)).await.json();
    assert_eq!(compared["data"][1]["number_values"][1], json!({ "key": other, "value": 1_000 }));
    let by_rate = |compared: &Value| compared["data"][0]["order_by_relative_metric"].clone();
    assert_eq!(compared["data"][0]["metric"], "BLOCK_RATE");
    assert_eq!(by_rate(&compared), json!([one, other]), "nobody blocks");
    stage(&sim, "/_sim/block", json!({ "from": "+919800000001", "number": NUMBER })).await;
    assert_eq!(by_rate(&get(&sim, &path(7)).await.json()), json!([other, one]), "the first was sent last");
}
