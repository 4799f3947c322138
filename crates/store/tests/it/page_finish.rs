//! Finish is the ledger's word, not the owner's.

use dawncast_core::delivery::{Outcome, Standing};
use dawncast_store::{
    page::{AttemptFact, Finish, Renewal},
    run::Hold,
};

use crate::run_scene::{DEADLINE, OPENS, Scene, fact};

/// A page of one delivery of each kind: accepted, planned, sending, unsure, to be tried again, failed.
async fn motley(scene: &Scene) -> dawncast_store::page::Owner {
    let owner = scene.owned(6).await;
    scene.begin(&owner, &[0, 2, 3, 4, 5], 1, Standing::Planned).await;
    let outcomes = [(0, Outcome::Accepted), (3, Outcome::Unsure), (4, Outcome::FailedRetryable), (5, Outcome::Failed)];
    let facts: Vec<_> = outcomes.iter().map(|(index, outcome)| fact(*index, 1, *outcome)).collect();
    scene.commit(&owner, &facts).await;
    owner
}

async fn check(left: &[u8], meanwhile: impl AsyncFnOnce(&Scene, &dawncast_store::page::Owner), expected: Finish) {
    let scene = Scene::set().await;
    let owner = motley(&scene).await;
    meanwhile(&scene, &owner).await;
    let before = scene.contents().await;
    assert_eq!(scene.store.finish(&owner, left).await.unwrap(), expected);
    if matches!(expected, Finish::Unsettled(_)) {
        assert_eq!(scene.contents().await.changes(&before), [""; 0], "a refused finish writes nothing");
    }
}

#[tokio::test]
async fn finish_names_what_is_unsettled() {
    check(&[], async |_, _| {}, Finish::Unsettled(vec![1, 2, 3, 4])).await;
    check(&[3, 5], async |_, _| {}, Finish::Unsettled(vec![1, 2, 4])).await;
    let held = async |scene: &Scene, owner: &dawncast_store::page::Owner| {
        scene.store.hold_run(&owner.page.run, Hold::Stop, true).await.unwrap();
    };
    check(&[3], held, Finish::Unsettled(vec![1, 2, 4])).await;
}

#[tokio::test]
async fn nobody_waits_for_a_turn_that_will_not_come() {
    check(&[3], async |scene, _| scene.at(DEADLINE), Finish::Unsettled(vec![2])).await;
    let over = async |scene: &Scene, owner: &dawncast_store::page::Owner| {
        scene.store.cancel_run(&owner.page.run, OPENS).await.unwrap();
        scene.commit(owner, &[fact(2, 1, Outcome::Accepted)]).await;
    };
    check(&[3], over, Finish::Finished).await;
}

#[tokio::test]
async fn a_settled_page_is_marked_once() {
    let scene = Scene::set().await;
    let owner = scene.owned(2).await;
    for index in [0, 1] {
        scene.attempt(&owner, index, Outcome::Accepted).await;
    }
    assert_eq!(scene.store.finish(&owner, &[]).await.unwrap(), Finish::Finished);
    assert!(matches!(scene.store.renew(&owner).await.unwrap(), Renewal::Owned { finished: true, .. }));
    let once = scene.contents().await;
    assert_eq!(scene.store.finish(&owner, &[]).await.unwrap(), Finish::Finished);
    assert_eq!(scene.contents().await.changes(&once), [""; 0]);
}

#[tokio::test]
async fn finishing_gives_back_the_room_that_the_tail_does_not_need() {
    let scene = Scene::set().await;
    let owner = scene.owned(64).await;
    for index in 0..64 {
        scene.begin(&owner, &[u16::from(index)], 1, Standing::Planned).await;
        let id = format!("a message id of an unusual length, number {index}");
        scene.commit(&owner, &[AttemptFact { message_id: Some(id), ..fact(index, 1, Outcome::Accepted) }]).await;
    }
    let tail = scene.store.page(&owner.page).await.unwrap().unwrap().tail;
    let room = async || {
        let mut connection = scene.store.connection();
        let key = format!("t:{{run:{}}}:0:t", owner.page.run);
        redis::cmd("MEMORY").arg("USAGE").arg(key).query_async::<usize>(&mut connection).await.unwrap()
    };
    let before = room().await;
    assert_eq!(scene.store.finish(&owner, &[]).await.unwrap(), Finish::Finished);
    assert!(room().await * 10 < before * 9, "{} of {before} bytes", room().await);
    assert_eq!(scene.store.page(&owner.page).await.unwrap().unwrap().tail, tail);
}
