use std::collections::{BTreeMap, BTreeSet};

use dawncast_core::UnixMs;
use dawncast_store::{
    Store,
    records::{BeginImport, IMPORT_LAPSE_MS, Import, ImportMode, ImportState, ImportWriter, Recipient, Repeated},
};

use super::{fresh, id};

pub(super) fn row(phone: u64, name: &str) -> Recipient {
    let attributes = BTreeMap::from([("name".to_owned(), name.to_owned())]);
    Recipient { phone, id: None, tier: None, timezone: None, consent: None, user_id: None, attributes }
}

pub(super) fn columns(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

pub(super) async fn begin(store: &Store, import: &str, mode: ImportMode, now: UnixMs) -> Box<ImportWriter> {
    match store.begin_import(&id("aud_a"), &id(import), mode, now).await.unwrap() {
        BeginImport::Started(writer) => writer,
        BeginImport::Busy(other) => panic!("{other} is running"),
        BeginImport::Gone => panic!("the audience is gone"),
    }
}

pub(super) async fn import(store: &Store, name: &str, mode: ImportMode, rows: &[(u64, &str)], now: UnixMs) -> Import {
    let mut writer = begin(store, name, mode, now).await;
    for (line, &(phone, name)) in (1..).zip(rows) {
        writer.push(line, row(phone, name)).await.unwrap();
    }
    writer.finish(columns(&["name"]), || now).await.unwrap()
}

pub(super) async fn current(store: &Store) -> Vec<(u64, String)> {
    let Some(version) = store.audience_version(&id("aud_a")).await.unwrap() else { return Vec::new() };
    let mut reader = store.rows(&id("aud_a"), &version);
    let mut rows = Vec::new();
    while let Some(chunk) = reader.next().await.unwrap() {
        rows.extend(chunk.into_iter().map(|row| (row.phone, row.attributes["name"].clone())));
    }
    assert_eq!(rows.len() as u64, version.rows);
    rows
}

fn pairs(rows: &[(u64, &str)]) -> Vec<(u64, String)> {
    rows.iter().map(|&(phone, name)| (phone, name.to_owned())).collect()
}

#[tokio::test]
async fn a_completed_import_is_the_audience() {
    let (_redis, store) = fresh().await;
    let done = import(&store, "imp_1", ImportMode::Replace, &[(1, "a"), (2, "b"), (1, "c")], 5).await;
    assert_eq!((done.state, done.rows, done.accepted, done.duplicates), (ImportState::Done, 3, 3, 1));
    assert_eq!(current(&store).await, pairs(&[(1, "a"), (2, "b"), (1, "c")]));
    assert_eq!(store.import(&id("imp_1"), 999_999).await.unwrap(), Some(done));
    assert_eq!(store.import(&id("imp_2"), 0).await.unwrap(), None);
}

#[tokio::test]
async fn rows_of_many_chunks_keep_their_order() {
    let (_redis, store) = fresh().await;
    let rows: Vec<(u64, &str)> = (0..1_501).map(|n| (919_000_000_000 + n, "x")).collect();
    import(&store, "imp_1", ImportMode::Replace, &rows, 5).await;
    assert_eq!(current(&store).await, pairs(&rows));
    assert_eq!(store.audience_version(&id("aud_a")).await.unwrap().unwrap().chunks, 4);
}

#[tokio::test]
async fn readers_see_nothing_of_an_import_before_it_is_done() {
    let (_redis, store) = fresh().await;
    import(&store, "imp_1", ImportMode::Replace, &[(1, "old")], 5).await;
    let mut writer = begin(&store, "imp_2", ImportMode::Replace, 6).await;
    for phone in 0..600 {
        writer.push(phone, row(phone, "new")).await.unwrap();
    }
    assert!(writer.beat(7).await.unwrap());
    let running = store.import(&id("imp_2"), 8).await.unwrap().unwrap();
    assert_eq!((running.state, running.rows), (ImportState::Running, 600));
    assert_eq!(current(&store).await, pairs(&[(1, "old")]));
    let failed = writer.fail("the connection broke", 9).await.unwrap();
    assert_eq!((failed.state, failed.error.as_deref()), (ImportState::Failed, Some("the connection broke")));
    assert_eq!(current(&store).await, pairs(&[(1, "old")]));
}

#[tokio::test]
async fn replace_drops_what_upsert_keeps() {
    let (_redis, store) = fresh().await;
    import(&store, "imp_1", ImportMode::Replace, &[(1, "a"), (2, "b"), (3, "c")], 5).await;
    import(&store, "imp_2", ImportMode::Upsert, &[(4, "d"), (2, "B")], 6).await;
    assert_eq!(current(&store).await, pairs(&[(4, "d"), (2, "B"), (1, "a"), (3, "c")]));
    import(&store, "imp_3", ImportMode::Replace, &[(9, "z")], 7).await;
    assert_eq!(current(&store).await, pairs(&[(9, "z")]));
}

#[tokio::test]
async fn an_upsert_has_the_columns_of_both() {
    let (_redis, store) = fresh().await;
    import(&store, "imp_1", ImportMode::Replace, &[(1, "a")], 5).await;
    let mut writer = begin(&store, "imp_2", ImportMode::Upsert, 6).await;
    writer.push(1, row(2, "b")).await.unwrap();
    writer.finish(columns(&["city"]), || 6).await.unwrap();
    let version = store.audience_version(&id("aud_a")).await.unwrap().unwrap();
    assert_eq!(version.columns, columns(&["city", "name"]));
}

#[tokio::test]
async fn one_import_at_a_time_until_it_dies() {
    let (_redis, store) = fresh().await;
    let mut dead = begin(&store, "imp_1", ImportMode::Replace, 0).await;
    dead.push(1, row(1, "dead")).await.unwrap();
    let second =
        store.begin_import(&id("aud_a"), &id("imp_2"), ImportMode::Replace, IMPORT_LAPSE_MS - 1).await.unwrap();
    assert!(matches!(second, BeginImport::Busy(running) if running == id("imp_1")));
    assert_eq!(
        import(&store, "imp_3", ImportMode::Replace, &[(3, "live")], IMPORT_LAPSE_MS).await.state,
        ImportState::Done
    );
    assert!(!dead.beat(IMPORT_LAPSE_MS).await.unwrap());
    let late = dead.finish(columns(&[]), || IMPORT_LAPSE_MS).await.unwrap();
    assert_eq!(late.state, ImportState::Failed);
    assert_eq!(current(&store).await, pairs(&[(3, "live")]));
}

#[tokio::test]
async fn an_import_without_a_sign_of_life_has_failed_and_leaves_nothing_for_good() {
    let (redis, store) = fresh().await;
    let mut dead = begin(&store, "imp_1", ImportMode::Replace, 0).await;
    for phone in 0..500 {
        dead.push(phone, row(phone, "dead")).await.unwrap();
    }
    drop(dead);
    let read = async |now| store.import(&id("imp_1"), now).await.unwrap().unwrap();
    assert_eq!(read(IMPORT_LAPSE_MS - 1).await.state, ImportState::Running);
    assert_eq!(read(IMPORT_LAPSE_MS).await.state, ImportState::Failed);
    let mut connection = redis.store("").await.connection();
    let ttl: i64 = redis::cmd("TTL").arg("t:{aud:aud_a}:rows:1").query_async(&mut connection).await.unwrap();
    assert!((1..=600).contains(&ttl), "{ttl}");
}

#[tokio::test]
async fn rows_that_expired_meanwhile_are_no_audience() {
    let (_redis, store) = fresh().await;
    import(&store, "imp_1", ImportMode::Replace, &[(1, "a")], 0).await;
    let mut writer = begin(&store, "imp_2", ImportMode::Replace, 1).await;
    for phone in 0..500 {
        writer.push(phone, row(phone, "b")).await.unwrap();
    }
    // As if Redis' clock had jumped ahead.
    let gone = redis::cmd("PEXPIRE").arg("t:{aud:aud_a}:rows:2").arg(0).query_async(&mut store.connection()).await;
    assert_eq!(gone, Ok(1));
    writer.push(500, row(500, "b")).await.unwrap();
    assert_eq!(writer.finish(columns(&["name"]), || 2).await.unwrap().state, ImportState::Failed);
    assert_eq!(current(&store).await, pairs(&[(1, "a")]));
}

#[tokio::test]
async fn rejects_are_paged_in_the_order_of_the_upload() {
    let (_redis, store) = fresh().await;
    let mut writer = begin(&store, "imp_1", ImportMode::Replace, 0).await;
    writer.push(1, row(1, "a")).await.unwrap();
    for line in 2..=603 {
        writer.reject(line, format!("line {line}: empty")).await.unwrap();
    }
    let done = writer.finish(columns(&["name"]), || 1).await.unwrap();
    assert_eq!((done.rows, done.accepted, done.rejected), (603, 1, 602));
    let first = store.rejects_page(&id("imp_1"), 600, None).await.unwrap().unwrap();
    assert_eq!((first.items.len(), first.items[0].line), (600, 2));
    let last = store.rejects_page(&id("imp_1"), 600, first.next_cursor.as_deref()).await.unwrap().unwrap();
    assert_eq!((last.items.len(), last.items[1].line, last.next_cursor), (2, 603, None));
    assert!(store.rejects_page(&id("imp_9"), 10, None).await.unwrap().is_none());
}

async fn rows_of(store: &Store, import: &str, rows: impl Iterator<Item = Recipient>, mode: ImportMode) -> Import {
    let mut writer = begin(store, import, mode, 5).await;
    for (line, row) in (2..).zip(rows) {
        writer.push(line, row).await.unwrap();
    }
    writer.finish(columns(&["name"]), || 5).await.unwrap()
}

#[tokio::test]
async fn repeated_phones_and_ids_are_told_by_line() {
    let (_redis, store) = fresh().await;
    let of = |phone, id: &str| Recipient { id: Some(id.to_owned()), ..row(phone, "x") };
    let rows = [of(1, "a"), of(2, "b"), of(1, "a"), of(3, "b"), row(4, "x"), row(5, "x")];
    let done = rows_of(&store, "imp_1", rows.into_iter(), ImportMode::Replace).await;
    assert_eq!((done.accepted, done.duplicates, done.duplicate_ids), (6, 2, 1));
    let told = store.duplicates_page(&id("imp_1"), 1, None).await.unwrap().unwrap();
    let next = store.duplicates_page(&id("imp_1"), 1, told.next_cursor.as_deref()).await.unwrap().unwrap();
    let found = [&told, &next].map(|page| (page.items[0].line, page.items[0].by, page.items[0].first_line));
    assert_eq!(found, [(4, Repeated::Phone, 2), (5, Repeated::Id, 3)]);
    assert_eq!(next.next_cursor, None);
    assert!(store.duplicates_page(&id("imp_9"), 1, None).await.unwrap().is_none());
}

#[tokio::test]
async fn an_upsert_larger_than_the_memory_for_it_keeps_whom_it_does_not_name() {
    let (_redis, store) = fresh().await;
    // More phones than are held before they are laid down in files.
    let (many, half) = (150_000, 75_000);
    rows_of(&store, "imp_1", (0..many).map(|n| row(n + 1, "old")), ImportMode::Replace).await;
    let done = rows_of(&store, "imp_2", (half..many + half).map(|n| row(n + 1, "new")), ImportMode::Upsert).await;
    assert_eq!((done.accepted, done.duplicates), (many, 0));
    let rows = current(&store).await;
    let (new, old) = rows.split_at(many as usize);
    assert!(new.iter().zip(half..).all(|((phone, name), n)| *phone == n + 1 && name == "new"));
    assert!(
        old.len() == half as usize && old.iter().zip(0..).all(|((phone, name), n)| *phone == n + 1 && name == "old")
    );
}

#[tokio::test]
async fn an_import_without_room_for_its_scratch_files_fails_and_changes_nothing() {
    let (_redis, store) = fresh().await;
    import(&store, "imp_1", ImportMode::Replace, &[(1, "one")], 5).await;
    let file = tempfile::NamedTempFile::new().unwrap();
    // A file stands where the folder would have to be made.
    let mut writer = Box::new(begin(&store, "imp_2", ImportMode::Replace, 6).await.with_scratch(file.path().join("x")));
    let mut pushed = Ok(());
    for line in 0..140_000 {
        pushed = writer.push(line, row(line + 2, "two")).await;
        if pushed.is_err() {
            break;
        }
    }
    let why = pushed.unwrap_err().to_string();
    assert!(why.contains("make room in the data folder"), "{why}");
    writer.fail(&why, 7).await.unwrap();
    assert_eq!(current(&store).await, pairs(&[(1, "one")]));
}
