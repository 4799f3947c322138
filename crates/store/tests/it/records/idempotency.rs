use dawncast_store::records::Reservation;

use super::fresh;

#[tokio::test]
async fn the_same_request_is_answered_as_it_was_the_first_time() {
    let (_redis, store) = fresh().await;
    let Reservation::Fresh { .. } = store.reserve("s", "k", b"hash", 0).await.unwrap() else { panic!("it is new") };
    assert_eq!(store.reserve("s", "k", b"hash", 10).await.unwrap(), Reservation::Busy);
    store.complete("s", "k", 201, "{}").await.unwrap();
    let done = Reservation::Done { status: 201, body: "{}".into() };
    assert_eq!(store.reserve("s", "k", b"hash", 20).await.unwrap(), done);
    store.release("s", "k").await.unwrap();
    assert_eq!(store.reserve("s", "k", b"hash", 30).await.unwrap(), done, "an answer is not released");
}

#[tokio::test]
async fn another_body_is_a_mismatch_and_another_scope_another_key() {
    let (_redis, store) = fresh().await;
    let _ = store.reserve("s", "k", b"hash", 0).await.unwrap();
    assert_eq!(store.reserve("s", "k", b"other", 0).await.unwrap(), Reservation::Mismatch);
    assert!(matches!(store.reserve("s2", "k", b"other", 0).await.unwrap(), Reservation::Fresh { .. }));
}

#[tokio::test]
async fn a_request_that_died_is_taken_over_under_the_same_minted_id() {
    let (_redis, store) = fresh().await;
    let first = store.reserve("s", "k", b"hash", 0).await.unwrap();
    assert_eq!(store.reserve("s", "k", b"hash", 29_999).await.unwrap(), Reservation::Busy);
    assert_eq!(store.reserve("s", "k", b"hash", 30_000).await.unwrap(), first);
    assert_eq!(store.reserve("s", "k", b"hash", 30_001).await.unwrap(), Reservation::Busy);
}

#[tokio::test]
async fn a_released_key_is_free_for_another_body() {
    let (_redis, store) = fresh().await;
    let _ = store.reserve("s", "k", b"hash", 0).await.unwrap();
    store.release("s", "k").await.unwrap();
    assert!(matches!(store.reserve("s", "k", b"other", 0).await.unwrap(), Reservation::Fresh { .. }));
}
