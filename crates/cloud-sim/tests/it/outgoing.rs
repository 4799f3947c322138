//! Messages that wait for a phone that is off, and what is counted of templates.

use std::time::Duration;

use dawncast_cloud_api::{AnalyticsQuery, Client, ClientConfig, TemplateDay, Token};
use dawncast_cloud_sim::{Rules, SimConfig, Simulator};
use serde_json::{Value, json};

use crate::receiver::Receiver;
use crate::support::*;

const HOUR: Duration = Duration::from_secs(3600);

async fn start_by(rules: Rules) -> (Receiver, Simulator) {
    let (receiver, url) = Receiver::start([]).await;
    let review = Duration::from_secs(60);
    let mut config = SimConfig { webhook: Some(url), rules, review, ..config() };
    config.receipts.read_share = 1.0;
    (receiver, start_with(config).await)
}

async fn quiet(sim: &Simulator) {
    // Whatever is due within a second.
    sim.advance(Duration::from_secs(1));
    eventually("every webhook is delivered", || sim.pending_webhooks() == 0).await;
}

async fn phone_is(sim: &Simulator, offline: bool) {
    stage(sim, &format!("/_sim/users/{}", &PHONE[1..]), json!({ "offline": offline })).await;
}

fn told(receiver: &Receiver) -> Vec<String> {
    receiver.statuses().iter().map(|status| status["status"].as_str().unwrap().to_owned()).collect()
}

async fn created(sim: &Simulator, name: &str, category: &str, ttl: Value) -> Answer {
    let mut template = json!({ "name": name, "language": "en_US", "category": category,
        "message_send_ttl_seconds": ttl, "components": [{ "type": "BODY", "text": "A note" }] });
    if ttl.is_null() {
        template.as_object_mut().unwrap().remove("message_send_ttl_seconds");
    }
    let answer = post(sim, &format!("/{WABA}/message_templates"), &template).await;
    sim.advance(Duration::from_secs(60));
    answer
}

fn note(name: &str) -> Value {
    let mut message = hello(PHONE);
    message["template"]["name"] = json!(name);
    message
}

#[tokio::test]
async fn what_is_sent_to_a_phone_that_is_off_arrives_when_it_is_on_again() {
    let (receiver, sim) = start_by(Rules::default()).await;
    phone_is(&sim, true).await;
    send(&sim, &hello(PHONE)).await;
    send(&sim, &hello("+919000000002")).await;
    quiet(&sim).await;
    let of_user = |receiver: &Receiver| {
        let mine = receiver.statuses().into_iter().filter(|status| status["recipient_id"] == PHONE[1..]);
        mine.collect::<Vec<_>>()
    };
    assert_eq!(of_user(&receiver).len(), 1, "it is sent, and no more");
    assert_eq!(receiver.statuses().len(), 4, "another user's phone is on");
    let sent: u64 = of_user(&receiver)[0]["timestamp"].as_str().unwrap().parse().unwrap();
    sim.advance(48 * HOUR);
    phone_is(&sim, false).await;
    quiet(&sim).await;
    let words: Vec<_> = of_user(&receiver).iter().map(|it| it["status"].as_str().unwrap().to_owned()).collect();
    assert_eq!(words, ["sent", "delivered", "read"]);
    let delivered: u64 = of_user(&receiver)[1]["timestamp"].as_str().unwrap().parse().unwrap();
    assert!(delivered >= sent + 48 * 3600, "{delivered} after {sent}");
    phone_is(&sim, false).await;
    quiet(&sim).await;
    assert_eq!(of_user(&receiver).len(), 3, "it arrives once");
}

#[tokio::test]
async fn a_message_that_is_too_old_is_dropped_and_nobody_hears_of_it() {
    let (receiver, sim) = start_by(Rules::default()).await;
    assert_eq!(created(&sim, "brief", "UTILITY", json!(3600)).await.status, 200);
    assert_eq!(created(&sim, "usual", "UTILITY", Value::Null).await.status, 200);
    assert_eq!(created(&sim, "long", "UTILITY", json!(-1)).await.status, 200);
    quiet(&sim).await;
    phone_is(&sim, true).await;
    for name in ["brief", "usual", "long"] {
        assert_eq!(send(&sim, &note(name)).await.status, 200);
    }
    sim.advance(29 * 24 * HOUR);
    phone_is(&sim, false).await;
    quiet(&sim).await;
    let delivered = told(&receiver).iter().filter(|word| *word == "delivered").count();
    assert_eq!((delivered, told(&receiver).contains(&"failed".to_owned())), (2, false), "silently");
    phone_is(&sim, true).await;
    send(&sim, &note("usual")).await;
    sim.advance(30 * 24 * HOUR);
    phone_is(&sim, false).await;
    quiet(&sim).await;
    assert_eq!(told(&receiver).iter().filter(|word| *word == "delivered").count(), 2, "thirty days are the longest");
    let path = format!("/{WABA}/message_templates?name=brief&fields=message_send_ttl_seconds");
    assert_eq!(get(&sim, &path).await.json()["data"][0]["message_send_ttl_seconds"], 3600);
}

#[tokio::test]
async fn how_long_a_message_may_wait_has_bounds_by_category() {
    let (_receiver, sim) = start_by(Rules::default()).await;
    for (place, (category, seconds, is_good)) in [
        ("UTILITY", 29, false),
        ("UTILITY", 30, true),
        ("UTILITY", 43_201, false),
        ("MARKETING", 43_199, false),
        ("MARKETING", -1, false),
        ("MARKETING", 2_592_000, true),
        ("AUTHENTICATION", 901, false),
        ("AUTHENTICATION", -1, true),
        ("UTILITY", 0, false),
    ]
    .into_iter()
    .enumerate()
    {
        let answer = created(&sim, &format!("note_{place}"), category, json!(seconds)).await;
        assert_eq!(answer.status == 200, is_good, "{category} {seconds}: {}", answer.body);
        assert!(is_good || answer.body.contains("message_send_ttl_seconds must be between"), "{}", answer.body);
    }
}

fn client(sim: &Simulator) -> (Client, Token) {
    let config = ClientConfig { base_url: sim.base_url(), ..ClientConfig::default() };
    (Client::new(config).unwrap(), Token::new("SIM_TOKEN").unwrap())
}

async fn now(sim: &Simulator) -> i64 {
    get(sim, "/_sim/clock").await.json()["now_ms"].as_i64().unwrap() / 1000
}

/// What the client reads of a template's days.
async fn days(sim: &Simulator, id: &str, metrics: &[&str]) -> Vec<TemplateDay> {
    let (client, token) = client(sim);
    let (now, ids) = (now(sim).await, [id.to_owned()]);
    let query = AnalyticsQuery { template_ids: &ids, start: now - 5 * 86_400, end: now + 86_400, metrics };
    let all = client.template_analytics(WABA, &token, &query).await.unwrap();
    all.into_iter().flat_map(|product| product.data_points).collect()
}

async fn linked(sim: &Simulator) -> String {
    stage(sim, "/_sim/reviews", json!({})).await;
    let buttons = json!([{ "type": "URL", "text": "Open", "url": "https://example.com/" },
                         { "type": "QUICK_REPLY", "text": "Yes" }]);
    let template = json!({ "name": "linked", "language": "en_US", "category": "MARKETING",
        "components": [{ "type": "BODY", "text": "A note" }, { "type": "BUTTONS", "buttons": buttons }] });
    let created = post(sim, &format!("/{WABA}/message_templates"), &template).await.json();
    sim.advance(Duration::from_secs(60));
    created["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn deliveries_reads_taps_and_costs_are_counted_when_they_happen() {
    let rules = Rules { prices: [("marketing".to_owned(), 0.5)].into(), ..Rules::default() };
    let (_receiver, sim) = start_by(rules).await;
    let id = linked(&sim).await;
    assert_eq!(post(&sim, &format!("/{WABA}?is_enabled_for_insights=true"), &json!({})).await.status, 200);
    let others = ["+919000000002", "+919000000003", "+919000000004"];
    phone_is(&sim, true).await;
    for phone in others.into_iter().chain([PHONE]) {
        let mut message = note("linked");
        message["to"] = json!(phone);
        assert_eq!(send(&sim, &message).await.status, 200);
    }
    quiet(&sim).await;
    for (from, button) in [(others[0], "Open"), (others[0], "Open"), (others[1], "Open"), (others[1], "Yes")] {
        stage(&sim, "/_sim/click", json!({ "from": from, "number": NUMBER, "button": button })).await;
    }
    let all = days(&sim, &id, &[]).await;
    let sum = |of: fn(&TemplateDay) -> Option<u64>| all.iter().filter_map(of).sum::<u64>();
    assert_eq!((sum(|day| day.sent), sum(|day| day.delivered), sum(|day| day.read)), (4, 3, 3));
    let clicks = |kind: &str| -> u64 {
        let of_kind = all.iter().flat_map(|day| &day.clicked).filter(|clicks| clicks.kind == kind);
        of_kind.map(|clicks| clicks.count).sum()
    };
    assert_eq!((clicks("url_button"), clicks("unique_url_button"), clicks("quick_reply_button")), (3, 2, 1));
    let spent = |days: &[TemplateDay]| -> f64 {
        let amounts = days.iter().flat_map(|day| &day.cost).filter(|cost| cost.kind == "amount_spent");
        amounts.filter_map(|cost| cost.value.as_ref()?.as_f64()).sum()
    };
    assert!((spent(&all) - 1.5).abs() < 1e-9, "{all:?}");
    assert!(all.iter().flat_map(|day| &day.cost).any(|cost| cost.kind == "cost_per_url_button_click"));

    sim.advance(48 * HOUR);
    phone_is(&sim, false).await;
    quiet(&sim).await;
    let later = days(&sim, &id, &["DELIVERED"]).await;
    assert_eq!(later.last().unwrap().delivered, Some(1), "on the day on which it arrived");
    assert!(later.iter().all(|day| day.sent.is_none() && day.cost.is_empty()), "only what is asked for: {later:?}");
}

#[tokio::test]
async fn failures_are_not_delivered_and_endpoints_are_counted_apart() {
    let (_receiver, sim) = start_by(Rules::default()).await;
    let id = linked(&sim).await;
    assert_eq!(post(&sim, &format!("/{WABA}?is_enabled_for_insights=true"), &json!({})).await.status, 200);
    stage(&sim, "/_sim/block", json!({ "from": PHONE, "number": NUMBER })).await;
    send(&sim, &note("linked")).await;
    let mut lite = note("linked");
    lite["to"] = json!("+919000000002");
    assert_eq!(post(&sim, &format!("/{NUMBER}/marketing_messages"), &lite).await.status, 200);
    quiet(&sim).await;
    let days = async |product: &str| {
        let (now, base) = (now(&sim).await, format!("/{WABA}/template_analytics?granularity=DAILY"));
        let path = format!("{base}&start={}&end={}&template_ids=[{id}]{product}", now - 86_400, now + 86_400);
        get(&sim, &path).await
    };
    let cloud = days("").await.json()["data"][0].clone();
    let lite = days("&product_type=MARKETING_MESSAGES_API_FOR_WHATSAPP").await.json()["data"][0].clone();
    let figures = |data: &Value| (data["data_points"][0]["sent"].clone(), data["data_points"][0]["delivered"].clone());
    assert_eq!((&cloud["product_type"], figures(&cloud)), (&json!("CLOUD_API"), (json!(1), json!(0))));
    assert_eq!(figures(&lite), (json!(1), json!(1)));
    assert!(cloud["data_points"][0].get("cost").is_none(), "no costs without prices");
    for (bad, words) in
        [("&metric_types=SMELL", "metric_types must be one of"), ("&product_type=X", "product_type must be one of")]
    {
        let refused = days(bad).await;
        assert!(refused.error_code() == 100 && refused.body.contains(words), "{}", refused.body);
    }
    for (order, words) in [
        (json!({ "from": PHONE, "number": NUMBER, "button": "Open" }), "has sent this user no template"),
        (json!({ "from": "+919000000002", "number": NUMBER, "button": "Close" }), "no such button"),
        (json!({ "from": "+919000000002", "number": "42", "button": "Open" }), "`42` is not a number"),
    ] {
        let refused = call(&sim, "POST", "/_sim/click", "", order.to_string().as_bytes()).await;
        assert!(refused.status == 400 && refused.body.contains(words), "{}", refused.body);
    }
    for prices in [json!({ "space": 1 }), json!({ "utility": -1 })] {
        let order = json!({ "prices": prices }).to_string();
        let refused = call(&sim, "POST", "/_sim/rules", "", order.as_bytes()).await;
        assert!(refused.status == 400 && refused.body.contains("`prices` is not usable"), "{}", refused.body);
    }
}
