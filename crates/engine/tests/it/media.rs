//! Pictures: each number has its own id for them.

use std::collections::BTreeSet;

use dawncast_store::run::RunState;
use serde_json::json;

use crate::world::{NUMBERS, World, calm, pictures};

#[tokio::test(flavor = "multi_thread")]
async fn each_number_has_the_picture_under_an_id_of_its_own_before_the_window_opens() {
    let world = World::start(calm()).await;
    let asset = world.asset().await;
    let window = json!({ "opens": "+3s", "closes": "+5s", "deadline": "+30s" });
    let run = world.submit(&world.audience(40).await, json!({ "message": pictures(), "window": window })).await;
    let _crew = (world.scheduler(), world.worker());
    let planned = world.reaches(&run, RunState::Planned).await;
    assert!(world.clock.now() < planned.record.opening.opens_at);
    let mut ids = BTreeSet::new();
    for number in NUMBERS {
        ids.insert(world.store.media_id(&asset, &number.parse().unwrap()).await.unwrap().unwrap().media_id);
    }
    assert_eq!(ids.len(), 3);
    // The simulator refuses another number's media id.
    let report = world.closed(&run).await;
    assert!(world.sim.ledger().totals.rejected.is_empty());
    assert!(report.numbers.iter().all(|number| number.accepted > 0));
    world.everyone_once(40);
}
