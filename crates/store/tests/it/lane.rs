//! Lanes: who may work on which page until when.

use std::{collections::HashMap, time::Duration};

use dawncast_core::{UnixMs, ids::PageRef};
use dawncast_store::{
    Store,
    lane::{LaneLoad, Leased, Put},
};

use crate::run_scene::{OPENS, Scene, lane};

const LEASE: Duration = Duration::from_secs(4);

fn page(page: u32) -> PageRef {
    PageRef { run: "cmp_x-20261123T060000-UTC".parse().unwrap(), page }
}

/// A lane of pages due at these moments after the opening.
async fn set(dues: &[UnixMs]) -> Scene {
    let scene = Scene::set().await;
    let pages: Vec<_> = dues.iter().zip(0..).map(|(due, n)| (page(n), OPENS + due)).collect();
    assert_eq!(scene.store.put_pages(&lane(), Put::Keep, &pages).await.unwrap(), dues.len() as u64);
    scene
}

/// Leases up to `limit` pages: which.
async fn lease(store: &Store, limit: usize, token: &str) -> Vec<Leased> {
    store.lease(&lane(), limit, LEASE, token).await.unwrap().pages
}

fn numbers(leased: &[Leased]) -> Vec<u32> {
    leased.iter().map(|leased| leased.page.page).collect()
}

#[tokio::test]
async fn what_is_due_is_leased_most_urgent_first() {
    let scene = set(&[-10, 5, -30, 0]).await;
    let found = scene.store.lease(&lane(), 2, LEASE, "a").await.unwrap();
    assert_eq!((found.now, numbers(&found.pages)), (OPENS, vec![2, 0]));
    assert_eq!(found.next_due, Some(OPENS), "one is due and left");
    let found = scene.store.lease(&lane(), 9, LEASE, "b").await.unwrap();
    assert_eq!((numbers(&found.pages), found.next_due), (vec![3], Some(OPENS + 5)));
}

#[tokio::test]
async fn an_empty_lane_has_nothing_due() {
    let scene = Scene::set().await;
    let found = scene.store.lease(&lane(), 9, LEASE, "a").await.unwrap();
    assert_eq!((found.pages.len(), found.next_due), (0, None));
    assert_eq!(scene.store.lane_load(&lane(), OPENS).await.unwrap(), LaneLoad { pages: 0, oldest_due_age_ms: 0 });
}

#[tokio::test]
async fn a_lease_that_ends_hands_its_page_on() {
    let scene = set(&[0]).await;
    let lost = lease(&scene.store, 1, "a").await.remove(0);
    scene.at(OPENS + 3_999);
    assert!(lease(&scene.store, 1, "b").await.is_empty());
    assert!(scene.store.renew_lease(&lost, LEASE).await.unwrap());
    scene.at(OPENS + 7_998);
    assert!(lease(&scene.store, 1, "b").await.is_empty(), "it was renewed");
    scene.at(OPENS + 7_999);
    assert_eq!(numbers(&lease(&scene.store, 1, "b").await), [0]);
}

#[tokio::test]
async fn whoever_lost_a_lease_changes_nothing_in_the_lane() {
    let scene = set(&[0]).await;
    let lost = lease(&scene.store, 1, "a").await.remove(0);
    scene.at(OPENS + 4_000);
    lease(&scene.store, 1, "b").await;
    let before = scene.contents().await;
    assert!(!scene.store.renew_lease(&lost, LEASE).await.unwrap());
    assert!(!scene.store.release_lease(&lost, OPENS).await.unwrap());
    assert!(!scene.store.end_lease(&lost).await.unwrap());
    assert_eq!(scene.contents().await.changes(&before), [""; 0]);
}

#[tokio::test]
async fn a_released_page_comes_back_when_it_is_due() {
    let scene = set(&[0]).await;
    let held = lease(&scene.store, 1, "a").await.remove(0);
    assert!(scene.store.release_lease(&held, OPENS + 500).await.unwrap());
    assert!(!scene.store.renew_lease(&held, LEASE).await.unwrap(), "it was given back");
    scene.at(OPENS + 499);
    assert!(lease(&scene.store, 1, "b").await.is_empty());
    scene.at(OPENS + 500);
    assert_eq!(numbers(&lease(&scene.store, 1, "b").await), [0]);
}

#[tokio::test]
async fn an_ended_page_leaves_no_trace() {
    let scene = set(&[0]).await;
    let held = lease(&scene.store, 1, "a").await.remove(0);
    assert!(scene.store.end_lease(&held).await.unwrap());
    assert!(scene.contents().await.is_empty());
}

/// Where page 0 is leased from after it was put again, due `due` after the opening.
async fn due_after(leased: bool, put: Put, due: UnixMs) -> UnixMs {
    let scene = set(&[0]).await;
    if leased {
        lease(&scene.store, 1, "a").await;
    }
    let added = scene.store.put_pages(&lane(), put, &[(page(0), OPENS + due)]).await.unwrap();
    assert_eq!(added, 0);
    scene.at(OPENS - 10_000);
    scene.store.lease(&lane(), 1, LEASE, "b").await.unwrap().next_due.unwrap() - OPENS
}

#[tokio::test]
async fn a_page_that_is_there_moves_only_forward_only_when_free_and_hurried() {
    assert_eq!(due_after(false, Put::Keep, -50).await, 0);
    assert_eq!(due_after(false, Put::Hurry, -50).await, -50);
    assert_eq!(due_after(false, Put::Hurry, 50).await, 0);
    assert_eq!(due_after(true, Put::Hurry, -50).await, 4_000, "its owner has it");
}

#[tokio::test]
async fn more_pages_than_one_script_takes_are_put() {
    let dues: Vec<UnixMs> = (0..700).collect();
    let scene = set(&dues).await;
    let load = scene.store.lane_load(&lane(), OPENS + 250).await.unwrap();
    assert_eq!(load, LaneLoad { pages: 700, oldest_due_age_ms: 250 });
}

/// What a worker leases until the lane is empty for now.
async fn drain(store: Store, worker: usize) -> Vec<Leased> {
    let mut all = Vec::new();
    for turn in 0.. {
        let leased = lease(&store, 3, &format!("{worker}-{turn}")).await;
        if leased.is_empty() {
            break;
        }
        all.extend(leased);
    }
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn of_racing_workers_each_page_is_leased_by_one_per_lease() {
    let scene = set(&[0; 100]).await;
    for round in 0..3 {
        scene.at(OPENS + round * 4_000);
        let mut workers = tokio::task::JoinSet::new();
        for worker in 0..8 {
            workers.spawn(drain(scene.connect(None).await, worker));
        }
        let mut leases: HashMap<u32, u32> = HashMap::new();
        for leased in workers.join_all().await.into_iter().flatten() {
            *leases.entry(leased.page.page).or_default() += 1;
            assert!(scene.store.renew_lease(&leased, LEASE).await.unwrap(), "whoever was told of a lease holds it");
        }
        assert_eq!((leases.len(), leases.values().max()), (100, Some(&1)), "round {round}");
    }
}
