//! What is known of the way by which receipts come.

use dawncast_core::retry::ReceiptPath;

use crate::run_scene::{OPENS, Scene};

#[tokio::test]
async fn a_webhook_that_beats_is_up_since_its_first_beat_after_a_break() {
    let scene = Scene::set().await;
    let path = async |now| scene.store.receipt_path(now).await.unwrap();
    assert_eq!(path(OPENS).await, ReceiptPath { last_receipt: None, up_since: OPENS, down_ms: 0 }, "never up");
    for beat in [0, 1_000, 2_000, 5_000] {
        scene.store.beat_webhook(OPENS + beat).await.unwrap();
    }
    assert_eq!(path(OPENS + 8_000).await.up_since, OPENS, "three seconds are no break");
    assert_eq!(path(OPENS + 8_001).await.up_since, OPENS + 8_001, "it is down");
    scene.store.beat_webhook(OPENS + 9_000).await.unwrap();
    let back = path(OPENS + 9_500).await;
    assert_eq!((back.up_since, back.down_ms), (OPENS + 9_000, 4_000), "it was down since its last beat");
    scene.store.beat_webhook(OPENS + 8_500).await.unwrap();
    assert_eq!(path(OPENS + 12_000).await.up_since, OPENS + 9_000, "another role's clock is a little behind");
}

#[tokio::test]
async fn a_webhook_that_was_down_for_a_moment_is_up_since_it_came_back() {
    let scene = Scene::set().await;
    scene.store.beat_webhook(OPENS).await.unwrap();
    scene.store.restart_webhook(OPENS + 400).await.unwrap();
    scene.store.beat_webhook(OPENS + 1_400).await.unwrap();
    assert_eq!(scene.store.receipt_path(OPENS + 1_500).await.unwrap().up_since, OPENS + 400);
}

#[tokio::test]
async fn the_last_receipt_of_any_number_counts() {
    let scene = Scene::set().await;
    let numbers = ["1", "2"].map(|number| number.parse().unwrap());
    scene.store.note_receipts(&numbers, OPENS).await.unwrap();
    scene.store.note_receipts(&numbers[..1], OPENS + 700).await.unwrap();
    scene.store.note_receipts(&[], OPENS + 900).await.unwrap();
    assert_eq!(scene.store.receipt_path(OPENS).await.unwrap().last_receipt, Some(OPENS + 700));
}
