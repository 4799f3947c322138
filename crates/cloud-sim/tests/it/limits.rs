use std::time::Duration;

use dawncast_cloud_sim::{NumberOrder, RecipientRecord, SimConfig};

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
