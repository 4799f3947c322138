//! Limits on management calls, and the headers that tell of them.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::*;

fn usage(answer: &Answer) -> (u64, Option<(u64, u64)>) {
    let read = |name: &str| answer.header(name).map(|text| serde_json::from_str::<Value>(text).unwrap());
    let account = read("x-business-use-case-usage").map(|all| {
        let told = &all[WABA][0];
        assert_eq!(told["type"], "whatsapp_business_management");
        (told["call_count"].as_u64().unwrap(), told["estimated_time_to_regain_access"].as_u64().unwrap())
    });
    (read("x-app-usage").unwrap()["call_count"].as_u64().unwrap(), account)
}

#[tokio::test]
async fn an_account_is_refused_above_five_thousand_calls_an_hour_and_told_for_how_long() {
    let sim = start().await;
    let path = format!("/{WABA}/phone_numbers");
    assert_eq!(usage(&get(&sim, &path).await), (0, Some((0, 0))));
    stage(&sim, "/_sim/calls", json!({ "account": WABA, "calls": 4_999 })).await;
    assert_eq!(usage(&get(&sim, &path).await).1, Some((100, 60)), "the last one is taken");
    let refused = get(&sim, &path).await;
    assert_eq!((refused.status, refused.error_code(), usage(&refused).1), (400, 80_007, Some((100, 60))));
    assert_eq!(get(&sim, &format!("/{NUMBER}")).await.error_code(), 80_007, "its numbers are of the account");
    assert_eq!(send(&sim, &hello(PHONE)).await.status, 200, "messages are not");
    sim.advance(Duration::from_secs(1800));
    assert_eq!(usage(&get(&sim, &path).await).1, Some((100, 30)));
    sim.advance(Duration::from_secs(1800));
    assert_eq!(get(&sim, &path).await.status, 200);
}

#[tokio::test]
async fn an_account_without_a_registered_number_has_two_hundred_calls() {
    let sim = start().await;
    for number in sim.numbers() {
        stage(&sim, &format!("/_sim/numbers/{number}"), json!({ "status": "DISCONNECTED" })).await;
    }
    stage(&sim, "/_sim/calls", json!({ "account": WABA, "calls": 199 })).await;
    assert_eq!(get(&sim, &format!("/{WABA}/phone_numbers")).await.status, 200);
    assert_eq!(get(&sim, &format!("/{WABA}/phone_numbers")).await.error_code(), 80_007);
}

#[tokio::test]
async fn the_app_has_a_limit_of_its_own() {
    let sim = start().await;
    stage(&sim, "/_sim/calls", json!({ "calls": 4_999 })).await;
    let debug = "/debug_token?input_token=SIM_TOKEN";
    assert_eq!(usage(&get(&sim, debug).await), (100, None));
    let refused = get(&sim, debug).await;
    assert_eq!((refused.status, refused.error_code()), (400, 4));
    let sent = send(&sim, &hello(PHONE)).await;
    assert_eq!((sent.status, sent.header("x-app-usage")), (200, None));
}
