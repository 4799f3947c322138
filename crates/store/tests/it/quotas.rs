//! Readings of numbers, and whom an account has reached.

use std::{collections::BTreeSet, time::Duration};

use dawncast_core::{
    health::{Health, Reading},
    ids::WabaId,
    quota::{DailyLimit, hour},
};
use dawncast_store::{
    Reached,
    records::{Number, NumberRole, TokenChange},
};
use dawncast_testkit::TestRedis;

const NOW: i64 = 1_795_393_770_000;
const HOUR: i64 = 3_600_000;

fn number(id: &str, waba: &str) -> Number {
    Number {
        phone_number_id: id.parse().unwrap(),
        waba_id: waba.parse().unwrap(),
        display_phone_number: "1555".to_owned(),
        plain_token: None,
        pool: "advisors".parse().unwrap(),
        mps: 80,
        role: NumberRole::Active,
        paused: false,
        condition: Default::default(),
        caps: Default::default(),
        warmup: None,
        created_at: 1,
    }
}

fn reading(limit: &str, portfolio: Option<&str>) -> Reading {
    let portfolio = portfolio.map(str::to_owned);
    Reading { read_at: NOW, messaging_limit: Some(limit.to_owned()), portfolio, ..Reading::default() }
}

fn phones(range: std::ops::Range<u64>) -> Vec<String> {
    range.map(|n| (919_800_000_000 + n).to_string()).collect()
}

#[tokio::test]
async fn users_count_once_for_a_day_over_all_accounts_of_a_portfolio() {
    let redis = TestRedis::start().await;
    let store = redis.store("t:").await;
    let [one, two] = ["200", "201"].map(|id| id.parse::<WabaId>().unwrap());
    let told = |waba: &WabaId, at: i64, range| (Reached { waba: waba.clone(), hour: hour(at) }, phones(range));
    let whom = [told(&one, NOW, 0..100), told(&two, NOW - 3 * HOUR, 50..150), told(&one, NOW - 30 * HOUR, 500..600)];
    for _ in 0..2 {
        store.note_reached(&whom).await.unwrap();
    }
    let both = BTreeSet::from([one.clone(), two]);
    let within = |count: u64, wanted: u64| count.abs_diff(wanted) <= 2;
    assert!(within(store.reached(&both, NOW).await.unwrap(), 150));
    assert!(within(store.reached(&BTreeSet::from([one]), NOW).await.unwrap(), 100));
    assert!(within(store.reached(&both, NOW + 22 * HOUR).await.unwrap(), 100), "the earlier hour is over");
}

#[tokio::test]
async fn numbers_are_grouped_by_the_portfolio_that_meta_names_else_by_account() {
    let redis = TestRedis::start().await;
    let store = redis.store("t:").await;
    for (id, waba) in [("101", "200"), ("102", "201"), ("103", "202")] {
        store.add_number(&number(id, waba), &TokenChange::Keep).await.unwrap();
    }
    store.put_reading(&"101".parse().unwrap(), &reading("TIER_2K", Some("300"))).await.unwrap();
    store.put_reading(&"102".parse().unwrap(), &reading("TIER_250", Some("300"))).await.unwrap();
    let portfolios = store.portfolios(NOW).await.unwrap();
    let seen: Vec<_> = portfolios.iter().map(|it| (it.id.as_str(), it.limit, it.numbers.len())).collect();
    assert_eq!(seen, [("202", None, 1), ("300", Some(DailyLimit::Users(250)), 2)]);
}

#[tokio::test]
async fn a_number_is_asked_about_once_in_a_while_and_what_was_said_goes_with_it() {
    let redis = TestRedis::start().await;
    let store = redis.store("t:").await;
    let id = "101".parse().unwrap();
    store.add_number(&number("101", "200"), &TokenChange::Keep).await.unwrap();
    assert!(store.claim_reading(&id, Duration::from_secs(60)).await.unwrap());
    assert!(!store.claim_reading(&id, Duration::from_secs(60)).await.unwrap(), "another monitor asks");
    let banned = Reading { status: Some("BANNED".to_owned()), ..reading("TIER_250", None) };
    store.put_reading(&id, &banned).await.unwrap();
    let number = store.number(&id).await.unwrap().unwrap();
    let health = store.number_health(&number, store.reading(&id).await.unwrap().as_ref(), NOW).await.unwrap();
    assert_eq!(health, Health::Banned);
    assert!(store.remove_number(&id).await.unwrap());
    assert_eq!(store.reading(&id).await.unwrap(), None);
}
