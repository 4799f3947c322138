//! Schedulers that die at their work.

use std::time::Duration;

use dawncast_cloud_sim::{SimConfig, WABA_ID};
use dawncast_core::ids::RunId;
use dawncast_store::run::RunState;
use dawncast_testkit::until;
use serde_json::json;

use crate::world::{NUMBERS, PATIENCE, World, calm, person, pictures, window};

/// Runs a scheduler until `moment` has come, then kills it.
async fn killed_when(what: &str, world: &World, moment: impl AsyncFn() -> bool) {
    let scheduler = world.scheduler();
    until(what, PATIENCE, async || moment().await.then_some(())).await;
    scheduler.kill();
}

async fn state(world: &World, run: &RunId) -> RunState {
    world.run(run).await.state
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_survives_a_scheduler_killed_in_each_of_its_chores() {
    // Slow calls to the Cloud API hold plan and preflight open.
    let world = World::start(SimConfig { latency: Duration::from_millis(150), ..calm() }).await;
    let asset = world.asset().await;
    let people = (0..60).map(person).chain([person(0)]);
    let patch = json!({ "message": pictures(), "window": window("+8s", "+40s") });
    let run = world.submit(&world.audience_of(people).await, patch).await;
    let _worker = world.worker();
    let store = &world.store;
    killed_when("freeze is done", &world, async || state(&world, &run).await >= RunState::Frozen).await;
    let dropped = async || !store.dropped(&run).await.unwrap().is_empty();
    killed_when("plan has dropped a row", &world, dropped).await;
    let number = NUMBERS[0].parse().unwrap();
    let uploaded = async || store.media_id(&asset, &number).await.unwrap().is_some();
    killed_when("plan has uploaded the first picture", &world, uploaded).await;
    assert!(state(&world, &run).await <= RunState::Frozen, "killed in plan");
    let waba = WABA_ID.parse().unwrap();
    let read = async || store.templates_read_at(&waba).await.unwrap().is_some();
    killed_when("preflight has read the templates", &world, read).await;
    assert!(state(&world, &run).await <= RunState::Planned, "killed in preflight");
    killed_when("the run is open", &world, async || state(&world, &run).await >= RunState::Open).await;
    let _scheduler = world.scheduler();
    let report = world.closed(&run).await;
    assert_eq!(report.totals.delivered + report.totals.read, 60);
    world.everyone_once(60);
}
