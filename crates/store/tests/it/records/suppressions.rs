//! The suppression list: entries by phone, changes at once and one after the other, pages.

use dawncast_core::{
    consent::{Change, Entry, Scope, Source},
    phone::Phone,
};

use crate::run_scene::Scene;

fn phone(n: u64) -> Phone {
    Phone::from_digits(919_800_000_000 + n).unwrap()
}

fn stop(source: Source, since: i64) -> Change {
    Change::Add(Entry { scope: Scope::All, source, since })
}

#[tokio::test]
async fn a_phone_is_found_however_it_is_written() {
    let scene = Scene::set().await;
    let [given, told]: [Phone; 2] = ["+5531987654321", "+553187654321"].map(|text| text.parse().unwrap());
    scene.store.suppress(&[(told, stop(Source::Reply, 1))]).await.unwrap();
    let found = scene.store.suppressions(&[phone(1), given]).await.unwrap();
    assert_eq!(found.iter().map(Option::is_some).collect::<Vec<_>>(), [false, true]);
    assert_eq!(scene.store.suppressions(&[]).await.unwrap(), []);
}

#[tokio::test]
async fn changes_of_one_phone_in_one_call_follow_each_other() {
    let scene = Scene::set().await;
    let start = Change::Lift { source: Some(Source::Reply), scope: None, until: 2 };
    let changes =
        [(phone(1), stop(Source::Reply, 1)), (phone(1), start), (phone(2), start), (phone(2), stop(Source::Reply, 3))];
    scene.store.suppress(&changes).await.unwrap();
    assert_eq!(scene.store.suppression(phone(1)).await.unwrap(), None);
    assert!(scene.store.suppression(phone(2)).await.unwrap().is_some());
}

#[tokio::test]
async fn nobody_is_lost_when_many_change_the_list_at_once() {
    let scene = Scene::set().await;
    let sources = [Source::Api, Source::Import, Source::Reply, Source::UserPreferences];
    let changes = sources.map(|source| {
        let store = scene.store.clone();
        async move { store.suppress(&[(phone(1), stop(source, 1)), (phone(2), stop(source, 1))]).await.unwrap() }
    });
    futures::future::join_all(changes).await;
    for n in [1, 2] {
        assert_eq!(scene.store.suppression(phone(n)).await.unwrap().unwrap().entries.len(), 4);
    }
}

#[tokio::test]
async fn the_list_is_read_by_pages_and_whoever_came_last_comes_first() {
    let scene = Scene::set().await;
    let changes: Vec<_> = (0..1_203).map(|n| (phone(n), stop(Source::Import, n as i64))).collect();
    scene.store.suppress(&changes).await.unwrap();
    let (mut seen, mut cursor) = (Vec::new(), None);
    loop {
        let page = scene.store.suppressions_page(500, cursor.as_deref()).await.unwrap();
        seen.extend(page.items.iter().map(|known| known.phone));
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(seen, (0..1_203).rev().map(phone).collect::<Vec<_>>());
}

#[tokio::test]
async fn another_reason_leaves_a_phone_in_its_place() {
    let scene = Scene::set().await;
    for (n, since) in [(1, 1), (2, 2), (1, 9)] {
        let source = if since == 9 { Source::Reply } else { Source::Api };
        scene.store.suppress(&[(phone(n), stop(source, since))]).await.unwrap();
    }
    let page = scene.store.suppressions_page(10, None).await.unwrap();
    assert_eq!(page.items.iter().map(|known| known.phone).collect::<Vec<_>>(), [phone(2), phone(1)]);
}
