//! The scripts of rule 9 and of restored snapshots: a lost reply and a second call change nothing twice.

use dawncast_core::{
    delivery::{Outcome, Standing},
    desk::Intent,
    image::{Mark, Missing},
};
use dawncast_store::{
    Store,
    page::Marked,
    restore::{Compared, Seen},
};

use crate::{
    run_repeat::{check, twice},
    run_scene::{OPENS, Scene, fact, new_page},
};

#[tokio::test]
async fn suspects_are_marked_once() {
    let scene = Scene::set().await;
    let owner = scene.owned(2).await;
    let intents = [Intent { index: 0, attempt: 1, expected: Standing::Planned }];
    let suspect = async |store: &Store| store.suspect(&owner, &intents, OPENS, Some(OPENS + 5_000)).await;
    let marked = check(&scene, "page/suspect.lua", suspect).await;
    let Marked::Settled(ledger) = marked else { panic!("it is its owner: {marked:?}") };
    assert_eq!(ledger.records[0].outcomes.iter().collect::<Vec<_>>(), [Outcome::Unsure]);
}

#[tokio::test]
async fn what_an_owner_still_knows_is_told_again_once() {
    let scene = Scene::set().await;
    let owner = scene.owned(2).await;
    let marks =
        vec![Mark { index: 0, attempt: 1, number: 0, at: OPENS }, Mark { index: 1, attempt: 1, number: 0, at: OPENS }];
    let missing = Missing { marks, facts: vec![fact(0, 1, Outcome::Accepted)] };
    let recalled = check(&scene, "page/recall.lua", async |store| store.recall(&owner, &missing).await).await.unwrap();
    let outcomes = recalled.ledger.records.iter().map(|record| record.outcomes.get(1));
    assert_eq!(outcomes.collect::<Vec<_>>(), [Outcome::Accepted, Outcome::Begun]);
}

/// A database that has beaten, and what is known of it.
async fn beaten(scene: &Scene) -> Seen {
    let answer = scene.store.compare(&Seen::nothing("")).await.unwrap();
    scene.store.compare(&Seen::nothing(answer.seen.database)).await.unwrap().seen
}

#[tokio::test]
async fn a_database_is_named_beats_and_is_found_restored_once() {
    let scene = Scene::set().await;
    let path = "restore/compare.lua";
    let named = check(&scene, path, async |store| store.compare(&Seen::nothing("")).await).await;
    let known = Seen::nothing(named.seen.database);
    scene.at(OPENS + 1_000);
    let beats = check(&scene, path, async |store| store.compare(&known).await).await;
    assert_eq!((beats.compared, beats.seen.beat), (Compared::Beats, OPENS + 1_000));
    let ahead = Seen { beat: OPENS + 3_600_000, ..beats.seen };
    let found = check(&scene, path, async |store| store.compare(&ahead).await).await;
    assert_eq!(found.compared, Compared::Restored);
}

#[tokio::test]
async fn a_restore_is_acknowledged_once_however_far_the_first_try_came() {
    for path in ["restore/doubt.lua", "restore/lift.lua"] {
        let scene = Scene::set().await;
        let run = scene.open(&[new_page(0, 2)]).await;
        let seen = beaten(&scene).await;
        let ahead = Seen { beat: OPENS + 3_600_000, ..seen };
        assert_eq!(scene.store.compare(&ahead).await.unwrap().compared, Compared::Restored);
        twice(&scene, path, async |store| store.acknowledge_restore(OPENS).await).await;
        assert_eq!(scene.store.restored().await.unwrap(), None);
        let doubt = scene.store.run(&run).await.unwrap().unwrap().doubt_until;
        assert!(doubt.is_some_and(|until| until >= ahead.beat), "{doubt:?}");
        let once = scene.contents().await;
        scene.store.acknowledge_restore(OPENS).await.unwrap();
        assert_eq!(scene.contents().await.changes(&once), [""; 0], "once more after {path}");
    }
}

#[tokio::test]
async fn asking_whether_redis_takes_writes_leaves_nothing_to_repeat() {
    let scene = Scene::set().await;
    let probed = async |store: &Store| match store.unready().await {
        None => Ok(()),
        Some(_) => Err(dawncast_store::StoreError::Unavailable(std::io::Error::other("unready").into())),
    };
    check(&scene, "restore/probe.lua", probed).await;
}
