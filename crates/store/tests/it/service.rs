//! Service windows: who has written to which number, and until when that lets it send.

use dawncast_core::consent::SERVICE_WINDOW_MS;

use crate::run_scene::Scene;

const NOW: i64 = 1_795_176_000_000;

#[tokio::test]
async fn a_message_opens_the_window_of_its_person_and_number_for_a_day() {
    let scene = Scene::set().await;
    let (store, one, other) = (&scene.store, "101".parse().unwrap(), "102".parse().unwrap());
    store.note_inbound(&one, &[(1, NOW - 50), (2, NOW - 10)], NOW).await.unwrap();
    let until = |at: i64| Some(at + SERVICE_WINDOW_MS);
    assert_eq!(store.service_windows(&one, &[2, 1, 3]).await.unwrap(), [until(NOW - 10), until(NOW - 50), None]);
    assert_eq!(store.service_windows(&other, &[1]).await.unwrap(), [None], "it belongs to the number");
    assert_eq!(store.service_windows(&one, &[]).await.unwrap(), []);
}

#[tokio::test]
async fn a_message_that_comes_late_twice_or_from_the_future_moves_no_end() {
    let scene = Scene::set().await;
    let (store, number) = (&scene.store, "101".parse().unwrap());
    for at in [NOW - 10, NOW - 900, NOW - 10, NOW - SERVICE_WINDOW_MS] {
        store.note_inbound(&number, &[(1, at)], NOW).await.unwrap();
    }
    store.note_inbound(&number, &[(2, NOW + 5_000)], NOW).await.unwrap();
    let ends = store.service_windows(&number, &[1, 2]).await.unwrap();
    assert_eq!(ends, [NOW - 10, NOW].map(|at| Some(at + SERVICE_WINDOW_MS)));
}

#[tokio::test]
async fn a_window_that_is_over_is_forgotten() {
    let scene = Scene::set().await;
    let (store, number) = (&scene.store, "101".parse().unwrap());
    store.note_inbound(&number, &[(1, NOW)], NOW).await.unwrap();
    store.note_inbound(&number, &[(2, NOW + SERVICE_WINDOW_MS)], NOW + SERVICE_WINDOW_MS).await.unwrap();
    assert_eq!(store.service_windows(&number, &[1]).await.unwrap(), [None]);
}
