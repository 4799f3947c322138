//! What is counted of numbers by the minute.

use std::collections::BTreeMap;

use dawncast_core::{health::Counts, ids::NumberId};

use crate::run_scene::Scene;

const NONE: Counts = Counts { messages: 0, failed: 0, opted_out: 0 };

#[tokio::test]
async fn what_was_counted_counts_for_as_long_as_its_minute_lies_in_the_window() {
    let (scene, number) = (Scene::set().await, "100".parse::<NumberId>().unwrap());
    let store = &scene.store;
    assert_eq!(store.counts(&number, 1..=10).await.unwrap(), NONE);
    let told = |minute, messages, failed, opted_out| (minute, Counts { messages, failed, opted_out });
    let first = BTreeMap::from([told(1, 40, 2, 0), told(5, 10, 0, 1)]);
    store.add_counts(&number, &first).await.unwrap();
    store.add_counts(&number, &BTreeMap::from([told(5, 3, 1, 0), told(9, 7, 0, 0)])).await.unwrap();
    assert_eq!(store.counts(&number, 1..=10).await.unwrap(), Counts { messages: 60, failed: 3, opted_out: 1 });
    assert_eq!(store.counts(&number, 1..=8).await.unwrap(), Counts { messages: 53, failed: 3, opted_out: 1 });
    assert_eq!(store.counts(&number, 2..=10).await.unwrap(), Counts { messages: 20, failed: 1, opted_out: 1 });
    assert_eq!(store.counts(&number, 1..=10).await.unwrap().messages, 20, "what is older than a window is forgotten");
    let other = "200".parse().unwrap();
    assert_eq!(store.counts(&other, 1..=10).await.unwrap(), NONE);
}

#[tokio::test]
async fn nothing_is_kept_of_a_number_for_which_nothing_is_counted_any_more() {
    let (scene, number) = (Scene::set().await, "100".parse::<NumberId>().unwrap());
    scene.store.add_counts(&number, &BTreeMap::from([(7, Counts::TAKEN.plus(Counts::FAILED))])).await.unwrap();
    let mut connection = scene.store.connection();
    let left: i64 = redis::cmd("TTL").arg("t:{num:100}:counts").query_async(&mut connection).await.unwrap();
    assert!((1..=86_400).contains(&left), "{left}");
    assert_eq!(scene.store.counts(&number, 8..=17).await.unwrap(), NONE);
    assert!(scene.contents().await.is_empty(), "the last field takes the key with it");
}
