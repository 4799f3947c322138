use dawncast_cloud_sim::{SimConfig, Simulator};
use serde_json::{Value, json};

use crate::support::*;

/// The named member of every object of a listing, and where the next page is.
async fn page(sim: &Simulator, path: &str, member: &str) -> (Vec<String>, Option<String>) {
    let body = get(sim, path).await.json();
    let members = body["data"].as_array().unwrap_or_else(|| panic!("{body}")).iter();
    let members = members.map(|object| object[member].as_str().unwrap().to_owned()).collect();
    let next = body["paging"]["next"].as_str().map(|url| url.strip_prefix("http://sim.test").unwrap().to_owned());
    (members, next)
}

#[tokio::test]
async fn templates_are_listed_page_by_page() {
    let sim = start().await;
    let (first, next) = page(&sim, &format!("/v24.0/{WABA}/message_templates?limit=3&fields=name"), "name").await;
    assert_eq!(first, ["hello_world", "daily_pack_v1", "daily_pack_v2"]);
    let (second, next) = page(&sim, &next.unwrap(), "name").await;
    assert_eq!((second, next), (vec!["daily_text_v1".to_owned(), "weekly_offer_v1".to_owned()], None));
}

#[tokio::test]
async fn a_page_has_25_objects_unless_told_otherwise() {
    let sim = start_with(SimConfig { numbers: 30, ..config() }).await;
    let (first, next) = page(&sim, &format!("/{WABA}/phone_numbers"), "id").await;
    let (second, last) = page(&sim, &next.unwrap(), "id").await;
    assert_eq!((first.len(), second.len(), last), (25, 5, None));
    assert_eq!([first, second].concat(), sim.numbers());
}

#[tokio::test]
async fn templates_are_filtered_by_name_and_shown_whole() {
    let sim = start().await;
    let body = get(&sim, &format!("/{WABA}/message_templates?name=daily_pack_v1")).await.json();
    let template = &body["data"][0];
    assert_eq!(body["data"].as_array().unwrap().len(), 1);
    assert_eq!((&template["status"], &template["language"]), (&json!("APPROVED"), &json!("en_IN")));
    assert_eq!(
        (&template["components"][0]["format"], &template["components"][1]["type"]),
        (&json!("IMAGE"), &json!("BODY"))
    );
    assert!(template["components"][1]["text"].as_str().unwrap().contains("{{1}}"));
    assert_eq!(template.get("quality_score"), None, "only shown when asked for");
    let (none, next) = page(&sim, &format!("/{WABA}/message_templates?name=nope"), "name").await;
    assert_eq!((none, next), (vec![], None));
}

#[tokio::test]
async fn bad_cursors_and_limits_are_refused() {
    let sim = start().await;
    for (query, code) in [("after=what", 131059), ("limit=0", 100), ("limit=many", 100)] {
        let answer = get(&sim, &format!("/{WABA}/message_templates?{query}")).await;
        assert_eq!((answer.status, answer.error_code()), (400, code), "{query}");
    }
}

#[tokio::test]
async fn a_number_shows_the_fields_asked_for() {
    let sim = start().await;
    let default = get(&sim, &format!("/v24.0/{NUMBER}")).await.json();
    let expected = json!({
        "id": NUMBER, "display_phone_number": "+1 555-010-0001", "verified_name": "Dawncast Simulator",
        "quality_rating": "GREEN", "code_verification_status": "VERIFIED",
    });
    assert_eq!(default, expected);
    let path = format!("/v24.0/{NUMBER}?fields=status,throughput{{level}},health_status");
    let chosen = get(&sim, &path).await.json();
    assert_eq!((&chosen["status"], &chosen["throughput"]), (&json!("CONNECTED"), &json!({ "level": "HIGH" })));
    assert_eq!(chosen["health_status"]["can_send_message"], "AVAILABLE");
    let unknown = get(&sim, &format!("/{NUMBER}?fields=shoe_size")).await;
    assert!(unknown.body.contains("nonexisting field (shoe_size)"), "{}", unknown.body);
}

#[tokio::test]
async fn the_throughput_level_follows_the_configured_rate() {
    for (mps, level) in [(20, "NOT_APPLICABLE"), (80, "STANDARD"), (1000, "HIGH")] {
        let sim = start_with(SimConfig { mps, ..config() }).await;
        let number = get(&sim, &format!("/{NUMBER}?fields=throughput")).await.json();
        assert_eq!(number["throughput"]["level"], level);
    }
}

#[tokio::test]
async fn what_does_not_exist_is_refused_as_meta_refuses_it() {
    let sim = start().await;
    for (path, code, subcode) in [
        ("/42".to_owned(), 100, json!(33)),
        ("/".to_owned(), 100, json!(33)),
        ("/42/message_templates".to_owned(), 100, json!(33)),
        (format!("/{WABA}/messages"), 2500, Value::Null),
        (format!("/{NUMBER}/horoscope"), 2500, Value::Null),
    ] {
        let answer = get(&sim, &path).await;
        let error = &answer.json()["error"];
        assert_eq!((answer.status, &error["code"], &error["error_subcode"]), (400, &json!(code), &subcode), "{path}");
    }
}

#[tokio::test]
async fn a_banned_number_says_so_and_sends_nothing_until_it_is_connected_again() {
    let sim = start().await;
    let path = format!("/_sim/numbers/{NUMBER}");
    stage(&sim, &path, json!({ "status": "BANNED", "quality_rating": "RED" })).await;
    let node = get(&sim, &format!("/{NUMBER}?fields=status,quality_rating,health_status")).await.json();
    assert_eq!((&node["status"], &node["quality_rating"]), (&json!("BANNED"), &json!("RED")));
    assert_eq!(node["health_status"]["can_send_message"], "BLOCKED");
    assert_eq!(node["health_status"]["entities"][2]["entity_type"], "BUSINESS");
    let refused = send(&sim, &hello(PHONE)).await;
    assert_eq!((refused.status, refused.error_code()), (403, 131031));
    assert_eq!(send_from(&sim, OTHER_NUMBER, &hello(PHONE)).await.status, 200);
    stage(&sim, &path, json!({ "status": "CONNECTED" })).await;
    assert_eq!(send(&sim, &hello(PHONE)).await.status, 200);
    assert_eq!(get(&sim, &path).await.json()["quality_rating"], "RED", "what is left out stays");
    let unknown = call(&sim, "POST", &path, "", json!({ "status": "SLEEPY" }).to_string().as_bytes()).await;
    assert!(unknown.status == 400 && unknown.body.contains("CONNECTED"), "{}", unknown.body);
}
