use dawncast_store::records::{Audience, AudienceRemoval, BeginImport, IMPORT_LAPSE_MS, ImportMode, ImportState};

use super::{
    fresh, id,
    imports::{current, import},
};

#[tokio::test]
async fn an_audience_is_created_once_and_listed() {
    let (_redis, store) = fresh().await;
    let audience = Audience { id: id("aud_a"), name: "subscribers".into(), created_at: 5 };
    assert!(store.add_audience(&audience).await.unwrap());
    assert!(!store.add_audience(&Audience { name: "others".into(), ..audience.clone() }).await.unwrap());
    assert_eq!(store.audience(&audience.id).await.unwrap().as_ref(), Some(&audience));
    assert_eq!(store.audiences_page(10, None).await.unwrap().items, std::slice::from_ref(&audience));
    assert_eq!(store.audience_version(&audience.id).await.unwrap(), None);
    assert_eq!(store.pin(&audience.id, &id("run_1")).await.unwrap(), None);
}

#[tokio::test]
async fn a_pinned_version_outlives_the_imports_after_it() {
    let (_redis, store) = fresh().await;
    import(&store, "imp_1", ImportMode::Replace, &[(1, "one")], 5).await;
    let pinned = store.pin(&id("aud_a"), &id("run_1")).await.unwrap().unwrap();
    import(&store, "imp_2", ImportMode::Replace, &[(2, "two")], 6).await;
    import(&store, "imp_3", ImportMode::Replace, &[(3, "three")], 7).await;
    let rows = store.rows(&id("aud_a"), &pinned).next().await.unwrap().unwrap();
    assert_eq!(rows[0].phone, 1);
    let again = store.pin(&id("aud_a"), &id("run_1")).await.unwrap().unwrap();
    assert_eq!(again, pinned, "a run keeps what it pinned first");
    assert_eq!(current(&store).await[0].0, 3);
}

#[tokio::test]
async fn a_version_goes_with_its_last_pin_unless_it_is_current() {
    let (redis, store) = fresh().await;
    let mut connection = redis.store("").await.connection();
    let mut stored = async || -> Vec<String> {
        let mut keys: Vec<String> =
            redis::cmd("KEYS").arg("t:{aud:aud_a}:rows:*").query_async(&mut connection).await.unwrap();
        keys.sort();
        keys.iter().map(|key| key.rsplit(':').next().unwrap().to_owned()).collect()
    };
    import(&store, "imp_1", ImportMode::Replace, &[(1, "one")], 5).await;
    for run in ["run_1", "run_2"] {
        store.pin(&id("aud_a"), &id(run)).await.unwrap();
    }
    import(&store, "imp_2", ImportMode::Replace, &[(2, "two")], 6).await;
    store.pin(&id("aud_a"), &id("run_3")).await.unwrap();
    assert_eq!(stored().await, ["1", "2"]);
    store.unpin(&id("aud_a"), &id("run_1")).await.unwrap();
    assert_eq!(stored().await, ["1", "2"], "run_2 still holds it");
    for run in ["run_2", "run_3", "run_3"] {
        store.unpin(&id("aud_a"), &id(run)).await.unwrap();
    }
    assert_eq!(stored().await, ["2"], "the current version stays");
    import(&store, "imp_3", ImportMode::Replace, &[(3, "three")], 7).await;
    assert_eq!(stored().await, ["3"]);
}

#[tokio::test]
async fn what_is_current_stays_for_good() {
    let (redis, store) = fresh().await;
    import(&store, "imp_1", ImportMode::Replace, &[(1, "one")], 5).await;
    let mut connection = redis.store("").await.connection();
    let ttl: i64 = redis::cmd("TTL").arg("t:{aud:aud_a}:rows:1").query_async(&mut connection).await.unwrap();
    assert_eq!(ttl, -1);
}

#[tokio::test]
async fn rows_that_are_read_go_only_when_nobody_reads_on() {
    let (_redis, store) = fresh().await;
    import(&store, "imp_1", ImportMode::Replace, &[(1, "one")], 5).await;
    let (version, mut rows) = store.read_audience(&id("aud_a")).await.unwrap().unwrap();
    assert_eq!(version.version, 1);
    import(&store, "imp_2", ImportMode::Replace, &[(2, "two")], 6).await;
    let ttl = async || -> i64 {
        redis::cmd("TTL").arg("t:{aud:aud_a}:rows:1").query_async(&mut store.connection()).await.unwrap()
    };
    assert!((1..=120).contains(&ttl().await), "they go by themselves");
    let sooner: i64 =
        redis::cmd("EXPIRE").arg("t:{aud:aud_a}:rows:1").arg(30).query_async(&mut store.connection()).await.unwrap();
    assert_eq!(sooner, 1);
    assert_eq!(rows.next().await.unwrap().unwrap()[0].phone, 1);
    assert!(ttl().await > 30, "whoever reads on keeps them");
    assert!(rows.next().await.unwrap().is_none());
    assert_eq!(current(&store).await[0].0, 2);
}

#[tokio::test]
async fn an_audience_is_deleted_with_its_rows_when_nothing_uses_it() {
    let (redis, store) = fresh().await;
    let audience = Audience { id: id("aud_a"), name: "subscribers".into(), created_at: 5 };
    store.add_audience(&audience).await.unwrap();
    import(&store, "imp_1", ImportMode::Replace, &[(1, "one")], 5).await;
    store.pin(&audience.id, &id("run_1")).await.unwrap();
    import(&store, "imp_2", ImportMode::Replace, &[(2, "two")], 6).await;
    let remove = async |now| store.remove_audience(&audience.id, now).await.unwrap();
    assert_eq!(remove(7).await, AudienceRemoval::HeldBy(id("run_1")));
    assert_eq!(current(&store).await[0].0, 2, "a refusal deletes nothing");
    store.unpin(&audience.id, &id("run_1")).await.unwrap();
    let dead = super::imports::begin(&store, "imp_3", ImportMode::Replace, 8).await;
    assert_eq!(remove(9).await, AudienceRemoval::Importing(id("imp_3")));
    assert_eq!(remove(8 + IMPORT_LAPSE_MS).await, AudienceRemoval::Removed, "a dead import uses nothing");
    let mut connection = redis.store("").await.connection();
    let keys: Vec<String> = redis::cmd("KEYS").arg("t:{aud:aud_a}:*").query_async(&mut connection).await.unwrap();
    let records = |key: &String| !key.contains(":import:");
    assert_eq!(keys.into_iter().filter(records).collect::<Vec<_>>(), ["t:{aud:aud_a}:state"]);
    let late = dead.finish(Default::default(), || 9).await.unwrap();
    assert_eq!(late.state, ImportState::Failed, "nothing is imported into what is gone");
    let again = store.begin_import(&audience.id, &id("imp_4"), ImportMode::Replace, 10).await.unwrap();
    assert!(matches!(again, BeginImport::Gone));
}
