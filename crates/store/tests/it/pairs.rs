//! The pair limit as processes count it together: in Lua as in core.

use std::sync::atomic::{AtomicU32, Ordering};

use dawncast_core::{
    ids::NumberId,
    pair::{FULL_MS, INTERVAL_MS, Pair},
};
use dawncast_store::{PairAsked, Store};
use proptest::{prelude::*, test_runner::TestCaseError};

use crate::{
    run_scene::{OPENS, Scene},
    run_seeded,
};

const KEY: &str = "t:{num:1}:pairs";

fn number() -> NumberId {
    "1".parse().unwrap()
}

async fn take(store: &Store, person: u64, untold: u32, now: i64) -> (bool, Pair) {
    store.take_pairs(&number(), &[PairAsked { person, untold }], now).await.unwrap()[0]
}

#[tokio::test]
async fn two_processes_share_the_room_of_a_pair_and_of_no_other() {
    let scene = Scene::set().await;
    let (here, there) = (&scene.store, scene.connect(None).await);
    assert!(take(here, 7, 1, OPENS).await.0, "one was sent before");
    assert!(take(&there, 7, 1, OPENS).await.0);
    let mut granted = 0;
    for nth in 0..60 {
        let store = if nth % 2 == 0 { here } else { &there };
        granted += u32::from(take(store, 7, 0, OPENS).await.0);
    }
    assert_eq!(granted, 36, "forty in all");
    assert!(take(here, 8, 0, OPENS).await.0, "another user");
    let other = "2".parse().unwrap();
    let asked = [PairAsked { person: 7, untold: 0 }];
    assert!(here.take_pairs(&other, &asked, OPENS).await.unwrap()[0].0, "another number");
    assert!(!take(here, 7, 0, OPENS + INTERVAL_MS - 1).await.0);
    assert!(take(&there, 7, 0, OPENS + INTERVAL_MS).await.0);
}

#[tokio::test]
async fn what_counts_no_more_is_not_kept() {
    let scene = Scene::set().await;
    let asked: Vec<_> = (1..=64).map(|person| PairAsked { person, untold: 1 }).collect();
    let answered = scene.store.take_pairs(&number(), &asked, OPENS).await.unwrap();
    assert!(answered.iter().all(|(may, pair)| *may && pair.tat == OPENS + 2 * INTERVAL_MS));
    let kept = async || redis::cmd("ZCARD").arg(KEY).query_async::<u32>(&mut scene.store.connection()).await.unwrap();
    assert_eq!(kept().await, 64);
    take(&scene.store, 99, 0, OPENS + 2 * INTERVAL_MS).await;
    assert_eq!(kept().await, 1);
    let ttl: i64 = redis::cmd("PTTL").arg(KEY).query_async(&mut scene.store.connection()).await.unwrap();
    assert!((1..=FULL_MS).contains(&ttl), "{ttl}");
}

/// Ticks of the clock, some of them back, and what is told with each question.
fn histories() -> impl Strategy<Value = Vec<(i64, u32)>> {
    let tick = prop_oneof![8 => 0..7_000_i64, 1 => 0..300_000_i64, 1 => -400_000..0_i64];
    let untold = prop_oneof![6 => Just(0), 3 => 1..4_u32, 1 => 0..100_u32];
    prop::collection::vec((tick, untold), 20..120)
}

async fn lives(store: &Store, person: u64, history: &[(i64, u32)]) -> Result<(), TestCaseError> {
    let (mut now, mut pair) = (OPENS, Pair::default());
    for (tick, untold) in history {
        now += tick;
        let answered = take(store, person, *untold, now).await;
        let (may, next) = pair.take(*untold, now);
        prop_assert_eq!(answered, (may, next));
        pair = next;
    }
    Ok(())
}

#[test]
fn the_pair_limit_in_lua_and_its_twin_in_core_never_differ() {
    let persons = AtomicU32::new(1);
    run_seeded::play(100, histories(), async |scene, history| {
        lives(&scene.store, u64::from(persons.fetch_add(1, Ordering::SeqCst)), &history).await
    });
}
