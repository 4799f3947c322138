use std::time::Duration;

use dawncast_cloud_sim::{NumberOrder, RecipientRecord, Rules, SimConfig, Simulator};
use serde_json::json;

use crate::support::*;

#[tokio::test]
async fn each_number_has_a_throughput_of_its_own() {
    let sim = start_with(SimConfig { mps: 1, ..config() }).await;
    assert_eq!(send(&sim, &hello("+919000000001")).await.status, 200);
    let refused = send(&sim, &hello("+919000000002")).await;
    assert_eq!((refused.status, refused.error_code()), (400, 130429));
    assert!(refused.body.contains("(#130429) Rate limit hit"), "{}", refused.body);
    assert_eq!(send_from(&sim, OTHER_NUMBER, &hello("+919000000002")).await.status, 200);
    assert_eq!(sim.ledger().totals.rejected, [("130429".to_owned(), 1)].into());
}

#[tokio::test]
async fn throughput_comes_back_with_the_simulators_clock() {
    let sim = start_with(SimConfig { mps: 1, ..config() }).await;
    assert_eq!(send(&sim, &hello("+919000000001")).await.status, 200);
    assert_eq!(send(&sim, &hello("+919000000002")).await.error_code(), 130429);
    sim.advance(Duration::from_secs(1));
    assert_eq!(send(&sim, &hello("+919000000002")).await.status, 200);
}

#[tokio::test]
async fn one_user_gets_a_burst_of_45_then_one_message_in_six_seconds() {
    let sim = start().await;
    for _ in 0..45 {
        assert_eq!(send(&sim, &hello(PHONE)).await.status, 200);
    }
    let refused = send(&sim, &hello(PHONE)).await;
    assert_eq!((refused.status, refused.error_code()), (400, 131056));
    assert_eq!(send(&sim, &hello("+919000000002")).await.status, 200, "the limit is per pair");
    assert_eq!(send_from(&sim, OTHER_NUMBER, &hello(PHONE)).await.status, 200, "the limit is per pair");
    sim.advance(Duration::from_secs(6));
    assert_eq!(send(&sim, &hello(PHONE)).await.status, 200);
    assert_eq!(accepted(&sim, PHONE), 47);
}

#[tokio::test]
async fn one_user_too_many_in_a_day_is_accepted_and_fails_whichever_number_writes() {
    let sim = start().await;
    let limit = NumberOrder { messaging_limit: Some("TIER_50".to_owned()), ..NumberOrder::default() };
    sim.order_number(NUMBER, limit).unwrap();
    let phone = |n: u64| format!("+91980000{n:04}");
    for n in 0..50 {
        assert_eq!(send_from(&sim, [NUMBER, OTHER_NUMBER][n as usize % 2], &hello(&phone(n))).await.status, 200);
    }
    for (n, expected) in [(50, Some(131_048)), (7, None)] {
        assert_eq!(send(&sim, &hello(&phone(n))).await.status, 200);
        let last = |known: RecipientRecord| known.attempts.last().unwrap().failed;
        assert_eq!(last(sim.ledger().recipients.remove(&phone(n)[1..]).unwrap()), expected, "user {n}");
    }
}

/// The code with which the user's last message failed.
fn last_failure(sim: &Simulator, phone: &str) -> Option<u32> {
    sim.ledger().recipients[&phone[1..]].attempts.last().unwrap().failed
}

async fn offered(sim: &Simulator, phone: &str) -> Option<u32> {
    assert_eq!(send(sim, &offer(phone)).await.status, 200);
    last_failure(sim, phone)
}

async fn start_by(rules: Rules) -> Simulator {
    start_with(SimConfig { rules, ..config() }).await
}

#[tokio::test]
async fn a_user_who_does_not_answer_gets_so_much_marketing_in_a_day_and_no_more() {
    let sim = start_by(Rules { marketing_per_user: Some(2), ..Rules::default() }).await;
    assert_eq!([offered(&sim, PHONE).await, offered(&sim, PHONE).await], [None, None]);
    assert_eq!(offered(&sim, PHONE).await, Some(131_049));
    assert_eq!(offered(&sim, "+919000000002").await, None, "it is for each user");
    assert_eq!(send(&sim, &hello(PHONE)).await.status, 200);
    assert_eq!(last_failure(&sim, PHONE), None, "it is for marketing alone");
    write_in(&sim).await;
    assert_eq!(offered(&sim, PHONE).await, None, "the service window is open");
    sim.advance(Duration::from_secs(24 * 3600));
    let again = [offered(&sim, PHONE).await, offered(&sim, PHONE).await, offered(&sim, PHONE).await];
    assert_eq!(again, [None, None, Some(131_049)], "a day later");
    sim.advance(Duration::from_secs(24 * 3600));
    assert_eq!(offered(&sim, PHONE).await, None);
}

#[tokio::test]
async fn marketing_is_withheld_by_chance_and_from_the_united_states_where_that_is_asked_for() {
    let sim = start_by(Rules { us_marketing_paused: true, ..Rules::default() }).await;
    assert_eq!(offered(&sim, "+12125550100").await, Some(131_049));
    assert_eq!(offered(&sim, "+14165550100").await, None, "Canada is not meant");
    let sim = start_by(Rules { marketing_withheld: 0.5, ..Rules::default() }).await;
    let mut withheld = 0;
    for n in 0..60 {
        let failure = offered(&sim, &format!("+{}", 919_000_000_000_u64 + n)).await;
        assert!(matches!(failure, None | Some(131_049)));
        withheld += u32::from(failure.is_some());
    }
    assert!((15..=45).contains(&withheld), "{withheld} of 60");
    let sim = start().await;
    assert_eq!(offered(&sim, "+12125550100").await, None, "off unless asked for");
}

#[tokio::test]
async fn what_is_assumed_can_be_switched() {
    let sim = start_by(Rules { limit_code: 131_049, long_callback_code: 131_009, ..Rules::default() }).await;
    let limit = NumberOrder { messaging_limit: Some("TIER_50".to_owned()), ..NumberOrder::default() };
    sim.order_number(NUMBER, limit).unwrap();
    for n in 0..51 {
        send(&sim, &hello(&format!("+91980000{n:04}"))).await;
    }
    assert_eq!(last_failure(&sim, "+919800000050"), Some(131_049));
    let mut long = hello(PHONE);
    long["biz_opaque_callback_data"] = json!("x".repeat(513));
    assert_eq!(send(&sim, &long).await.error_code(), 131_009);
    assert_eq!(send(&start().await, &long).await.error_code(), 100);
}

#[tokio::test]
async fn a_user_within_a_service_window_does_not_count_for_the_messaging_limit() {
    let sim = start().await;
    let limit = NumberOrder { messaging_limit: Some("TIER_50".to_owned()), ..NumberOrder::default() };
    sim.order_number(NUMBER, limit).unwrap();
    let phone = |n: u64| format!("+91980000{n:04}");
    for n in 0..60 {
        stage(&sim, "/_sim/reply", json!({ "from": phone(n), "number": NUMBER, "text": "hi" })).await;
        send(&sim, &hello(&phone(n))).await;
        assert_eq!(last_failure(&sim, &phone(n)), None, "user {n}");
    }
    for n in 100..150 {
        send(&sim, &hello(&phone(n))).await;
        assert_eq!(last_failure(&sim, &phone(n)), None, "user {n}");
    }
    send(&sim, &hello(&phone(150))).await;
    assert_eq!(last_failure(&sim, &phone(150)), Some(131_048));
}

#[tokio::test]
async fn an_account_creates_a_hundred_templates_an_hour() {
    let sim = start_with(SimConfig { wabas: 2, ..config() }).await;
    let create = async |account: &str, n: usize| {
        let body = json!({ "name": format!("note_{n}"), "language": "en_US", "category": "UTILITY",
                           "components": [{ "type": "BODY", "text": "A note" }] });
        post(&sim, &format!("/{account}/message_templates"), &body).await
    };
    for n in 0..100 {
        assert_eq!(create(WABA, n).await.status, 200);
    }
    let refused = create(WABA, 100).await;
    assert_eq!((refused.status, refused.error_code()), (400, 80_007));
    assert!(refused.body.contains("100 message templates in the last hour"), "{}", refused.body);
    assert_eq!(create("200000000000002", 100).await.status, 200, "the other account has its own");
    sim.advance(Duration::from_secs(3600));
    assert_eq!(create(WABA, 100).await.status, 200);
}

#[tokio::test]
async fn an_approved_template_is_edited_once_a_day_and_ten_times_a_month() {
    let sim = start_with(SimConfig { review: Duration::from_secs(60), ..config() }).await;
    let path = format!("/{WABA}/message_templates?name=hello_world");
    let id = get(&sim, &path).await.json()["data"][0]["id"].as_str().unwrap().to_owned();
    let edit = async |n: usize| {
        let body = json!({ "components": [{ "type": "BODY", "text": format!("Edited {n} times") }] });
        let answer = post(&sim, &format!("/{id}"), &body).await;
        sim.advance(Duration::from_secs(60));
        answer
    };
    let day = Duration::from_secs(24 * 3600);
    assert_eq!(edit(0).await.status, 200);
    let refused = edit(1).await;
    assert_eq!((refused.error_code(), &refused.json()["error"]["error_subcode"]), (100, &json!(2_388_039)));
    for n in 1..10 {
        sim.advance(day);
        assert_eq!(edit(n).await.status, 200, "day {n}");
    }
    sim.advance(day);
    assert_eq!(edit(10).await.error_code(), 100, "the eleventh in thirty days");
    sim.advance(20 * day);
    assert_eq!(edit(10).await.status, 200);
    stage(&sim, "/_sim/reviews", json!({ "status": "REJECTED" })).await;
    sim.advance(day);
    assert_eq!(edit(11).await.status, 200);
    assert_eq!([edit(12).await.status, edit(13).await.status], [200, 200], "a rejected one as often as one likes");
}
