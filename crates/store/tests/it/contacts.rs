//! What frequency caps count: over runs, within a time, of those whom a run has written to.

use std::collections::HashSet;

use dawncast_core::{consent::Scope, ids::RunId};
use dawncast_store::{Contact, Store};

use crate::run_scene::{OPENS, Scene};

const HOUR_MS: i64 = 3_600_000;

/// Counts persons for a run that opens `hours` later, two in 24 hours.
async fn count(store: &Store, scope: Scope, run: &str, hours: i64, persons: &[u64]) -> Vec<bool> {
    let run: RunId = run.parse().unwrap();
    let contact = Contact { scope, run: &run, at: OPENS + hours * HOUR_MS, cap: "2/24h".parse().unwrap() };
    store.count_contacts(&contact, persons, OPENS).await.unwrap()
}

#[tokio::test]
async fn a_person_gets_as_many_messages_of_a_category_as_the_cap_allows() {
    let scene = Scene::set().await;
    let marketing =
        async |run, hours, persons: &[u64]| count(&scene.store, Scope::Marketing, run, hours, persons).await;
    assert_eq!(marketing("a", 0, &[1, 2]).await, [true, true]);
    assert_eq!(marketing("b", 1, &[2, 3]).await, [true, true]);
    assert_eq!(marketing("c", 2, &[1, 2, 3]).await, [true, false, true]);
    assert_eq!(marketing("c", 2, &[1, 2, 3]).await, [true, false, true], "counted once for a run");
    assert_eq!(marketing("d", 24, &[1, 2]).await, [true, true], "a day after the first");
    assert_eq!(count(&scene.store, Scope::Utility, "e", 2, &[2]).await, [true], "another category");
}

#[tokio::test]
async fn who_was_not_written_to_is_given_back() {
    let scene = Scene::set().await;
    let (scope, run) = (Scope::Marketing, "a".parse().unwrap());
    count(&scene.store, scope, "a", 0, &[1, 2]).await;
    count(&scene.store, scope, "b", 1, &[1, 2]).await;
    assert!(scene.store.has_contacts(scope, &run).await.unwrap());
    assert_eq!(scene.store.release_contacts(scope, &run, &HashSet::from([1])).await.unwrap(), 1);
    assert_eq!(count(&scene.store, scope, "c", 2, &[1, 2]).await, [false, true]);
    assert_eq!(scene.store.release_contacts(scope, &run, &HashSet::from([1])).await.unwrap(), 0, "once");
}

#[tokio::test]
async fn what_counts_no_more_goes_by_itself() {
    let scene = Scene::set().await;
    count(&scene.store, Scope::Marketing, "a", 0, &[1]).await;
    let key = "t:{contacts:marketing}:a";
    let ttl: i64 = redis::cmd("PTTL").arg(key).query_async(&mut scene.store.connection()).await.unwrap();
    assert!((24 * HOUR_MS..=48 * HOUR_MS).contains(&ttl), "{ttl}");
}
