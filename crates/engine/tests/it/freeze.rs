//! Freeze: who is sent to, pinned once.

use dawncast_core::report::{DropReason, SlaVerdict};
use dawncast_store::{
    records::{BeginImport, ImportMode, Recipient},
    run::RunState,
};
use dawncast_testkit::until;
use serde_json::json;

use crate::world::{FIRST_PHONE, PATIENCE, World, calm, person, window};

/// Recipient `n`, of whom no first name is known.
fn nameless(n: u64) -> Recipient {
    let mut person = person(n);
    person.attributes.remove("first_name");
    person
}

#[tokio::test(flavor = "multi_thread")]
async fn too_many_defects_hold_the_run_and_say_why() {
    let world = World::start(calm()).await;
    let people = (0..18).map(person).chain((18..20).map(nameless));
    let run = world.submit(&world.audience_of(people).await, json!({ "window": window("+3s", "+30s") })).await;
    let _crew = (world.scheduler(), world.worker());
    let held = async || world.run(&run).await.waits_for;
    let why = until("the run is held", PATIENCE, held).await;
    assert!(why.contains("2 of 20 rows") && why.contains("2 missing_attribute"), "{why}");
    let opens_at = world.run(&run).await.frozen.unwrap().opens_at;
    world.passes(opens_at - world.clock.now() + 1_500).await;
    assert_eq!(world.run(&run).await.state, RunState::Planned);
    world.everyone_once(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_defect_below_the_bound_is_dropped_and_counts_against_the_sla() {
    let world = World::start(calm()).await;
    let people = (0..9).map(person).chain([nameless(9), person(0)]);
    let run = world.submit(&world.audience_of(people).await, json!({ "max_defects": 0.2 })).await;
    let _crew = (world.scheduler(), world.worker());
    let report = world.closed(&run).await;
    assert_eq!(
        report.dropped_by_reason.into_iter().collect::<Vec<_>>(),
        [(DropReason::Duplicate, 1), (DropReason::MissingAttribute, 1)]
    );
    assert_eq!((report.totals.submitted, report.totals.dropped), (11, 2));
    assert_eq!((report.sla.eligible, report.sla.within_deadline), (10, 9), "a repeated row is nobody's loss");
    assert_eq!(report.sla.verdict, SlaVerdict::Fail);
    let dropped = world.store.dropped(&run).await.unwrap();
    let defect = dropped.iter().find(|row| row.reason == DropReason::MissingAttribute).unwrap();
    assert!(defect.phone == FIRST_PHONE + 9 && defect.detail.contains("first_name"), "{}", defect.detail);
    let repeated = dropped.iter().find(|row| row.reason == DropReason::Duplicate).unwrap();
    assert_eq!((defect.row, repeated.row), (Some(10), Some(11)));
    assert_eq!(repeated.detail, "row 1 has the same phone");
    world.everyone_once(9);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_after_the_freeze_changes_nothing() {
    let world = World::start(calm()).await;
    let audience = world.audience(50).await;
    let run = world.submit(&audience, json!({})).await;
    let scheduler = world.scheduler();
    world.reaches(&run, RunState::Frozen).await;
    scheduler.kill();
    world.import(&audience, (1_000..1_030).map(person)).await;
    let _crew = (world.scheduler(), world.worker());
    let report = world.closed(&run).await;
    assert_eq!(report.totals.submitted, 50);
    world.everyone_once(50);
    assert!((0..50).all(|n| world.accepted(n) == 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_outside_the_segment_are_filtered_and_nobody_s_loss() {
    let world = World::start(calm()).await;
    let audience = world.audience_of((0..20).map(person).chain([person(10), nameless(1)])).await;
    let segment = json!({ "id": audience, "where": { "tier": ["pro", "gold"], "first_name": ["Asha 10", "Asha 11"] } });
    let run = world.submit(&audience, json!({ "audience": segment })).await;
    let _crew = (world.scheduler(), world.worker());
    let report = world.closed(&run).await;
    assert_eq!(
        report.dropped_by_reason.into_iter().collect::<Vec<_>>(),
        [(DropReason::Duplicate, 1), (DropReason::Filtered, 20)]
    );
    assert_eq!((report.totals.submitted, report.sla.eligible, report.sla.within_deadline), (22, 1, 1));
    assert_eq!(report.sla.verdict, SlaVerdict::Pass);
    let dropped = world.store.dropped(&run).await.unwrap();
    let outside = dropped.iter().find(|row| row.phone == FIRST_PHONE).unwrap();
    assert_eq!(outside.detail, "its `first_name` is outside the campaign's segment");
    assert_eq!((0..20).filter(|n| world.accepted(*n) == 1).collect::<Vec<_>>(), [10]);
}

#[tokio::test(flavor = "multi_thread")]
async fn yesterday_s_rows_hold_the_run_until_today_s_are_there() {
    const HOUR_MS: i64 = 3_600_000;
    let world = World::start(calm()).await;
    let audience = world.audience_of([]).await;
    let yesterday = world.clock.now() - 3 * HOUR_MS;
    let import = "imp_old".parse().unwrap();
    let begun = world.store.begin_import(&audience, &import, ImportMode::Replace, yesterday);
    let BeginImport::Started(mut old) = begun.await.unwrap() else { panic!("the import begins") };
    old.push(2, person(90)).await.unwrap();
    old.finish(["first_name".to_owned()].into(), || yesterday).await.unwrap();
    let fresh = json!({ "audience": { "id": audience, "require_fresh": "2h" }, "window": window("+3s", "+30s") });
    let run = world.submit(&audience, fresh).await;
    let _crew = (world.scheduler(), world.worker());
    let held = async || world.run(&run).await.waits_for;
    let why = until("the run is held", PATIENCE, held).await;
    assert!(why.contains("longer than require_fresh 2h before sending: import today's rows"), "{why}");
    assert_eq!(world.run(&run).await.state, RunState::Scheduled);
    world.import(&audience, (0..5).map(person)).await;
    let report = world.closed(&run).await;
    assert_eq!(report.totals.submitted, 5, "the rows of today alone");
    world.everyone_once(5);
}
