use dawncast_store::{
    Store,
    records::{Number, NumberRole, NumberWritten, Secret, TokenChange},
};

use super::{fresh, id};

pub(super) fn number(phone_number_id: &str, pool: &str, created_at: i64) -> Number {
    Number {
        phone_number_id: id(phone_number_id),
        waba_id: id("200"),
        display_phone_number: "+91 80 1234 5678".into(),
        plain_token: None,
        pool: id(pool),
        mps: 80,
        role: NumberRole::Active,
        paused: false,
        condition: Default::default(),
        caps: Default::default(),
        warmup: None,
        created_at,
    }
}

/// Adds a number with a token; false when its id is taken.
pub(super) async fn add(store: &Store, number: Number) -> bool {
    let token = TokenChange::Give(Secret::new("EAAG"));
    matches!(store.add_number(&number, &token).await.unwrap(), NumberWritten::Written(_))
}

#[tokio::test]
async fn a_number_reads_back_with_its_token() {
    let (_redis, store) = fresh().await;
    assert!(add(&store, number("101", "advisors", 1)).await);
    let back = store.number(&id("101")).await.unwrap().unwrap();
    assert_eq!(back, number("101", "advisors", 1));
    assert_eq!(store.access_token(&back).await.unwrap().unwrap().expose(), "EAAG");
}

#[tokio::test]
async fn a_second_number_with_the_same_id_is_refused_and_changes_nothing() {
    let (_redis, store) = fresh().await;
    add(&store, number("101", "advisors", 1)).await;
    assert!(!add(&store, number("101", "others", 2)).await);
    assert!(add(&store, number("101", "advisors", 1)).await, "the same call again is no duplicate");
    assert_eq!(store.numbers().await.unwrap(), [number("101", "advisors", 1)]);
}

#[tokio::test]
async fn numbers_are_changed_and_removed() {
    let (_redis, store) = fresh().await;
    add(&store, number("101", "advisors", 1)).await;
    let changed = store.change_number(&id("101"), |number| number.paused = true).await.unwrap().unwrap();
    assert!(changed.paused && store.number(&id("101")).await.unwrap().unwrap().paused);
    assert!(store.change_number(&id("999"), |number| number.mps = 1).await.unwrap().is_none());
    assert!(store.remove_number(&id("101")).await.unwrap());
    assert!(!store.remove_number(&id("101")).await.unwrap());
    assert!(store.numbers().await.unwrap().is_empty());
}

#[tokio::test]
async fn concurrent_changes_are_all_kept() {
    let (_redis, store) = fresh().await;
    add(&store, number("101", "advisors", 1)).await;
    let change = async || store.change_number(&id("101"), |number| number.mps += 1).await.unwrap();
    futures::future::join_all((0..20).map(|_| change())).await;
    assert_eq!(store.number(&id("101")).await.unwrap().unwrap().mps, 100);
}

#[tokio::test]
async fn a_list_is_paged_newest_first_and_ends() {
    let (_redis, store) = fresh().await;
    for n in 0..5 {
        add(&store, number(&format!("10{n}"), "advisors", n)).await;
    }
    let (mut seen, mut cursor) = (Vec::new(), None);
    loop {
        let page = store.numbers_page(2, cursor.as_deref()).await.unwrap();
        seen.push(page.items.iter().map(|number| number.phone_number_id.to_string()).collect::<Vec<_>>());
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(seen, [vec!["104", "103"], vec!["102", "101"], vec!["100"]]);
    let full = store.numbers_page(5, None).await.unwrap();
    assert_eq!((full.items.len(), full.next_cursor), (5, None));
}

#[tokio::test]
async fn pools_come_from_their_numbers() {
    let (_redis, store) = fresh().await;
    for (number_id, pool) in [("102", "b"), ("101", "b"), ("103", "a")] {
        add(&store, number(number_id, pool, 1)).await;
    }
    store.set_pool_paused(&id("b"), true).await.unwrap();
    let pools = store.pools().await.unwrap();
    let seen: Vec<_> = pools.iter().map(|pool| (pool.id.as_str(), pool.numbers.len(), pool.paused)).collect();
    assert_eq!(seen, [("a", 1, false), ("b", 2, true)]);
    assert_eq!(pools[1].numbers, [id("101"), id("102")]);
    assert_eq!(store.pool_numbers(&id("b")).await.unwrap().len(), 2);
    store.set_pool_paused(&id("b"), false).await.unwrap();
    assert!(!store.pool_paused(&id("b")).await.unwrap());
}

#[tokio::test]
async fn the_first_stop_stands_until_the_start() {
    let (_redis, store) = fresh().await;
    assert_eq!(store.stopped().await.unwrap(), None);
    store.stop(5).await.unwrap();
    store.stop(9).await.unwrap();
    assert_eq!(store.stopped().await.unwrap(), Some(5));
    store.start().await.unwrap();
    assert_eq!(store.stopped().await.unwrap(), None);
}
