//! Checks of a run while people are awake.

use dawncast_cloud_sim::TokenOrder;
use dawncast_core::{UnixMs, ids::RunId};
use dawncast_store::run::{Check, RunState};
use dawncast_testkit::until;
use serde_json::json;

use crate::world::{NUMBERS, PATIENCE, World, calm, person};

/// A check of the run that was made after `since`.
async fn checked(world: &World, run: &RunId, since: UnixMs) -> Check {
    let found = async || world.run(run).await.checks.into_iter().find(|check| check.at > since);
    until("the run is checked", PATIENCE, found).await
}

/// Asks for a check, as the API does, and waits for it.
async fn ask(world: &World, run: &RunId) -> Check {
    let now = world.clock.now();
    world.store.note_run(run, "check_asked", &now.to_string()).await.unwrap();
    checked(world, run, now).await
}

/// A run that opens in twenty minutes: five before it is frozen.
async fn tomorrow(world: &World) -> RunId {
    let audience = world.audience_of([person(0), person(1), person(1)]).await;
    let window = json!({ "opens": "+20m", "closes": "+21m", "deadline": "+22m" });
    world.submit(&audience, json!({ "window": window })).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_would_go_is_said_to() {
    let world = World::start(calm()).await;
    let run = tomorrow(&world).await;
    let _scheduler = world.scheduler();
    let check = checked(&world, &run, 0).await;
    assert_eq!((check.would_go, check.occasion.as_str()), (true, "1h before"), "{check:?}");
    assert_eq!(check.remarks, ["of 3 rows these would be dropped: 1 duplicate"]);
    let run = world.run(&run).await;
    assert_eq!((run.state, run.waits_for), (RunState::Scheduled, None), "a check moves nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_would_hold_a_run_is_named_and_gone_once_it_is_mended() {
    let world = World::start(calm()).await;
    let run = tomorrow(&world).await;
    let pause = async |paused: bool| {
        for id in NUMBERS {
            world.store.change_number(&id.parse().unwrap(), |number| number.paused = paused).await.unwrap();
        }
    };
    pause(true).await;
    let _scheduler = world.scheduler();
    let check = checked(&world, &run, 0).await;
    assert!(!check.would_go);
    assert!(check.holds[0].contains("number 100000000000001 cannot send: it is paused"), "{check:?}");
    pause(false).await;
    let audience = world.run(&run).await.record.spec.audience.id;
    world.import(&audience, []).await;
    let check = ask(&world, &run).await;
    assert_eq!(check.holds, [format!("audience {audience} holds no rows: import some")]);
    world.import(&audience, [person(0)]).await;
    let check = ask(&world, &run).await;
    assert!(check.would_go && check.occasion == "asked", "{check:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_lets_go_of_the_rows_that_it_has_read() {
    let world = World::start(calm()).await;
    let run = tomorrow(&world).await;
    let _scheduler = world.scheduler();
    checked(&world, &run, 0).await;
    let audience = world.run(&run).await.record.spec.audience.id;
    let held = world.store.audience_version(&audience).await.unwrap().unwrap();
    world.import(&audience, [person(5)]).await;
    ask(&world, &run).await;
    let mut rows = world.store.rows(&audience, &held);
    assert!(rows.next().await.is_err(), "the version that was replaced is deleted");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_tells_of_a_token_that_ends_and_of_an_account_that_tells_nobody() {
    let world = World::start(calm()).await;
    let ends_at = world.clock.now() / 1_000 + 7_200;
    let order = TokenOrder { expires_at: Some(ends_at as u64), ..TokenOrder::default() };
    world.sim.order_token(order).unwrap();
    let run = tomorrow(&world).await;
    let scheduler = world.scheduler();
    let check = checked(&world, &run, 0).await;
    let said = format!("number {}: the token expires at", NUMBERS.join(", "));
    assert!(check.would_go && check.remarks.iter().any(|it| it.starts_with(&said)), "{check:?}");
    world.sim.subscribe(false);
    // What was well is asked again after a minute: another scheduler has not asked.
    drop(scheduler);
    let _another = world.scheduler();
    let check = ask(&world, &run).await;
    assert!(!check.would_go && check.holds[0].contains("no subscribed app"), "{check:?}");
}
