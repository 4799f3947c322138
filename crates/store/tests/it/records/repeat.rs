//! The scripts of administrative records: a lost reply and a second call change nothing twice.

use std::collections::BTreeSet;

use dawncast_core::consent::{Change, Entry, Scope, Source, Told};
use dawncast_store::{
    Store, StoreError,
    records::{
        Audience, AudienceRemoval, BeginImport, Import, ImportMode, ImportState, ImportWriter, NewAsset, NumberWritten,
        Reservation, Secret, TokenChange, UploadedAsset, WithheldChange,
    },
};
use dawncast_testkit::{Proxy, Upstream};

use super::{
    id,
    imports::{current, import, row},
};
use crate::{
    run_repeat::{check, order_loss, twice},
    run_scene::Scene,
};

#[tokio::test]
async fn a_record_is_added_once_and_its_caller_hears_so() {
    let scene = Scene::set().await;
    let audience = Audience { id: id("aud_a"), name: "subscribers".into(), created_at: 5 };
    assert!(check(&scene, "records/insert.lua", async |store| store.add_audience(&audience).await).await);
    assert_eq!(scene.store.audiences_page(10, None).await.unwrap().items, [audience]);
}

#[tokio::test]
async fn a_record_is_changed_once() {
    let scene = Scene::set().await;
    super::numbers::add(&scene.store, super::numbers::number("101", "advisors", 1)).await;
    let slower = async |store: &Store| store.change_number(&id("101"), |number| number.mps = 20).await;
    let changed = check(&scene, "records/replace.lua", slower).await;
    assert_eq!(changed.unwrap().mps, 20);
}

#[tokio::test]
async fn a_number_is_added_once_and_its_token_set_once() {
    let scene = Scene::set().await;
    let (number, waba) = (super::numbers::number("101", "advisors", 1), id("200"));
    for token in ["EAAG", "of its own"] {
        let give = TokenChange::Give(Secret::new(token));
        let written = check(&scene, "records/put_number.lua", async |store| {
            store.change_number_and_token(&number.phone_number_id, |_| {}, &give, 5).await
        });
        let added = check(&scene, "records/put_number.lua", async |store| store.add_number(&number, &give).await);
        let written = if token == "EAAG" { added.await } else { written.await };
        assert_eq!(written, NumberWritten::Written(Box::new(number.clone())));
        assert_eq!(scene.store.access_token(&number).await.unwrap().unwrap().expose(), token);
    }
    let rotate = async |store: &Store| store.set_credential(&waba, &Secret::new("EAAH"), 6).await;
    check(&scene, "records/put_credential.lua", rotate).await;
}

#[tokio::test]
async fn an_asset_is_added_once_under_its_name() {
    let scene = Scene::set().await;
    let asset = id("ast_a");
    let new = || NewAsset { id: &asset, name: "pack.png", mime: "image/png", bytes: b"one" };
    let added = check(&scene, "records/add_asset.lua", async |store| store.add_asset(new(), 5).await).await;
    assert!(matches!(added, UploadedAsset::Same(there) if there.id == asset));
}

#[tokio::test]
async fn a_version_is_pinned_and_let_go_of_once() {
    let scene = Scene::set().await;
    import(&scene.store, "imp_1", ImportMode::Replace, &[(1, "one")], 5).await;
    let (audience, run) = (id("aud_a"), id("run_1"));
    let pinned = check(&scene, "records/pin.lua", async |store| store.pin(&audience, &run).await).await.unwrap();
    import(&scene.store, "imp_2", ImportMode::Replace, &[(2, "two")], 6).await;
    assert!(scene.store.rows(&audience, &pinned).next().await.unwrap().is_some(), "held by the run");
    check(&scene, "records/unpin.lua", async |store| store.unpin(&audience, &run).await).await;
    assert_eq!(current(&scene.store).await, [(2, "two".to_owned())]);
}

#[tokio::test]
async fn a_version_is_marked_as_read_once() {
    let scene = Scene::set().await;
    import(&scene.store, "imp_1", ImportMode::Replace, &[(1, "one")], 5).await;
    let read = async |store: &Store| store.read_audience(&id("aud_a")).await;
    let (_, mut rows) = check(&scene, "records/read_version.lua", read).await.unwrap();
    import(&scene.store, "imp_2", ImportMode::Replace, &[(2, "two")], 6).await;
    assert_eq!(rows.next().await.unwrap().unwrap()[0].phone, 1, "its rows stay while they are read");
}

#[tokio::test]
async fn the_rows_of_an_audience_are_deleted_once() {
    let scene = Scene::set().await;
    let audience = Audience { id: id("aud_a"), name: "subscribers".into(), created_at: 5 };
    scene.store.add_audience(&audience).await.unwrap();
    import(&scene.store, "imp_1", ImportMode::Replace, &[(1, "one")], 5).await;
    let remove = async |store: &Store| store.remove_audience(&audience.id, 6).await;
    assert_eq!(twice(&scene, "records/remove_audience.lua", remove).await, AudienceRemoval::Removed);
    assert_eq!(scene.store.audience(&audience.id).await.unwrap(), None);
    assert_eq!(scene.store.remove_audience(&audience.id, 7).await.unwrap(), AudienceRemoval::Missing);
}

#[tokio::test]
async fn a_reservation_nobody_heard_of_is_taken_over_under_the_same_minted_id() {
    let scene = Scene::set().await;
    let path = "records/reserve.lua";
    assert_eq!(check(&scene, path, async |store| store.reserve("s", "k", b"body", 0).await).await, Reservation::Busy);
    let Reservation::Fresh { minted } = scene.store.reserve("s", "k", b"body", 30_000).await.unwrap() else {
        panic!("its request has died")
    };
    let again = twice(&scene, path, async |store| store.reserve("s", "k", b"body", 60_000).await).await;
    assert_eq!(again, Reservation::Busy);
    assert_eq!(scene.store.reserve("s", "k", b"body", 90_000).await.unwrap(), Reservation::Fresh { minted });
    check(&scene, "records/release.lua", async |store| store.release("s", "k").await).await;
}

#[tokio::test]
async fn an_import_is_begun_once() {
    let scene = Scene::set().await;
    let begin = async |store: &Store| store.begin_import(&id("aud_a"), &id("imp_1"), ImportMode::Replace, 5).await;
    let begun = check(&scene, "records/begin_import.lua", begin).await;
    assert!(matches!(begun, BeginImport::Started(_)), "its own import does not stand in its way");
}

async fn begin(store: &Store) -> Box<ImportWriter> {
    super::imports::begin(store, "imp_2", ImportMode::Replace, 6).await
}

/// Lets an import with a row do something whose reply is lost, and the same import once more.
async fn check_import<T>(what: &str, act: impl AsyncFn(Box<ImportWriter>) -> Result<T, StoreError>) -> (Scene, T) {
    let scene = Scene::set().await;
    import(&scene.store, "imp_1", ImportMode::Replace, &[(1, "one")], 5).await;
    let proxy = Proxy::start(Upstream::of(&scene.redis.url())).await;
    let mut first = begin(&scene.connect(Some(proxy.redis_url())).await).await;
    let mut second = begin(&scene.store).await;
    for writer in [&mut first, &mut second] {
        writer.push(1, row(2, "two")).await.unwrap();
    }
    order_loss(&scene.store, &proxy, what).await;
    assert!(matches!(act(first).await, Err(StoreError::Unavailable(_))), "the reply of {what} was lost");
    let once = scene.contents().await;
    let answer = act(second).await.unwrap();
    let changed = scene.contents().await.changes(&once);
    // The rows of a version that nobody refers to any more go away by themselves.
    assert!(changed.iter().all(|key| key.ends_with("rows:2")), "{changed:?}");
    assert_eq!(proxy.dropped_replies(), 1);
    (scene, answer)
}

#[tokio::test]
async fn an_import_shows_once_that_it_is_alive() {
    let beat = async |mut writer: Box<ImportWriter>| writer.beat(7).await;
    let (_scene, alive) = check_import("records/beat_import.lua", beat).await;
    assert!(alive);
}

#[tokio::test]
async fn an_import_is_finished_once() {
    let finish = async |writer: Box<ImportWriter>| writer.finish(BTreeSet::from(["name".to_owned()]), || 8).await;
    let (scene, Import { state, .. }) = check_import("records/finish_import.lua", finish).await;
    assert_eq!(state, ImportState::Done);
    assert_eq!(current(&scene.store).await, [(2, "two".to_owned())]);
    let mut connection = scene.store.connection();
    let ttl: i64 = redis::cmd("TTL").arg("t:{aud:aud_a}:rows:2").query_async(&mut connection).await.unwrap();
    assert_eq!(ttl, -1, "what became the audience stays");
}

#[tokio::test]
async fn an_import_fails_once() {
    let fail = async |writer: Box<ImportWriter>| writer.fail("the connection broke", 8).await;
    let (scene, Import { state, .. }) = check_import("records/fail_import.lua", fail).await;
    assert_eq!(state, ImportState::Failed);
    assert_eq!(current(&scene.store).await, [(1, "one".to_owned())]);
}

#[tokio::test]
async fn a_phone_is_suppressed_once_and_taken_off_once() {
    let scene = Scene::set().await;
    let phone = "+919876543210".parse().unwrap();
    let add = Change::Add(Entry { scope: Scope::All, source: Source::Api, since: 5 });
    check(&scene, "records/suppress.lua", async |store| store.suppress(&[(phone, add)]).await).await;
    assert_eq!(scene.store.suppression(phone).await.unwrap().unwrap().since, 5);
    let lift = Change::Lift { source: None, scope: None, until: 5 };
    check(&scene, "records/suppress.lua", async |store| store.suppress(&[(phone, lift)]).await).await;
    assert_eq!(scene.store.suppressions_page(10, None).await.unwrap().items, []);
}

#[tokio::test]
async fn what_meta_withholds_is_noted_once() {
    let scene = Scene::set().await;
    let phone = "+919876543210".parse().unwrap();
    let told = [(phone, WithheldChange::Told(Told::Marketing(131_049), 5))];
    let note = async |store: &Store| store.change_withheld(&told, 5).await;
    assert_eq!(check(&scene, "records/withheld.lua", note).await, 0);
    let lift = [(phone, WithheldChange::Lift(None))];
    check(&scene, "records/withheld.lua", async |store| store.change_withheld(&lift, 6).await).await;
    assert_eq!(scene.store.withheld(&[phone]).await.unwrap(), [None]);
}
