//! One run, many windows: everybody hears at the scheduled time by their own clock.

use chrono::DateTime;
use dawncast_core::{UnixMs, delivery::DeliveryState, ids::RunId, report::SlaVerdict};
use dawncast_store::{
    records::Recipient,
    run::{DeliveryRow, RunState},
};
use dawncast_testkit::until;
use serde_json::{Value, json};

use crate::world::{PATIENCE, World, calm, person, window};

const HOUR: UnixMs = 3_600_000;

/// A zone that is so many hours ahead of UTC.
fn zone(hours: i64) -> String {
    // By POSIX, what is ahead of Greenwich has a minus.
    format!("Etc/GMT{:+}", -hours)
}

fn living(n: u64, hours: i64) -> Recipient {
    Recipient { timezone: Some(zone(hours)), ..person(n) }
}

/// What clocks show at `moment` that are so many hours ahead of UTC, by which recipients without a zone live too.
fn by_own_clocks(moment: UnixMs, hours: i64, window: Value) -> Value {
    let local = DateTime::from_timestamp_millis(moment + hours * HOUR).unwrap();
    // A schedule has whole seconds.
    let at = local.format("%Y-%m-%dT%H:%M:%S").to_string();
    json!({ "window": window,
            "schedule": { "type": "at", "at": at, "timezone": zone(hours), "per_recipient": true } })
}

async fn rows_of(world: &World, run: &RunId, people: std::ops::Range<u64>) -> Vec<DeliveryRow> {
    let mut rows = Vec::new();
    for n in people {
        rows.push(world.row(run, n).await);
    }
    rows
}

#[tokio::test(flavor = "multi_thread")]
async fn everybody_has_a_window_and_a_deadline_of_their_own() {
    let world = World::start(calm()).await;
    let now = world.clock.now();
    let people = (0..20).map(|n| living(n, 2)).chain((20..30).map(|n| living(n, 1))).chain((30..35).map(person));
    let audience = world.audience_of(people).await;
    let run = world.submit(&audience, by_own_clocks(now + 2_000, 2, window("+2s", "+20s"))).await;
    let opening = world.run(&run).await.record.opening;
    assert_eq!(opening.deadline_at - opening.opens_at, HOUR + 20_000, "from the first to the last");
    let _crew = (world.scheduler(), world.worker());
    // Those of the first zone, and those who name none.
    world.until(&run, "the first are served", |totals| totals.delivered + totals.read == 25).await;
    for row in rows_of(&world, &run, 0..20).await.into_iter().chain(rows_of(&world, &run, 30..35).await) {
        assert_eq!(row.deadline_at, opening.opens_at + 20_000);
    }
    for row in rows_of(&world, &run, 20..30).await {
        let (first, last) = (opening.opens_at + HOUR, opening.opens_at + HOUR + 2_000);
        assert!((first..=last).contains(&row.recipient.due), "{row:?}");
        assert_eq!((row.state, row.deadline_at), (DeliveryState::Planned, opening.deadline_at));
    }
    world.store.cancel_run(&run, world.clock.now()).await.unwrap();
    let report = world.closed(&run).await;
    assert_eq!((report.totals.cancelled, report.sla.within_deadline), (10, 25));
}

#[tokio::test(flavor = "multi_thread")]
async fn whose_time_is_over_expires_and_the_others_hear() {
    let world = World::start(calm()).await;
    let now = world.clock.now();
    let audience = world.audience_of((0..6).map(|n| living(n, 3)).chain((6..20).map(|n| living(n, 2)))).await;
    // It was submitted long ago, and nobody was there when the first zone's time came.
    let spec = by_own_clocks(now + 2_000, 2, window("+2s", "+8s"));
    let run = world.submitted(&audience, spec, 2 * HOUR).await;
    let _crew = (world.scheduler(), world.worker());
    let report = world.closed(&run).await;
    assert_eq!((report.totals.expired, report.totals.delivered + report.totals.read), (6, 14), "{report:?}");
    assert_eq!((report.sla.eligible, report.sla.within_deadline, report.sla.verdict), (20, 14, SlaVerdict::Fail));
    assert!((0..6).all(|n| world.accepted(n) == 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_campaign_that_sends_late_serves_those_whose_time_is_over_too() {
    let world = World::start(calm()).await;
    let now = world.clock.now();
    let audience = world.audience_of((0..6).map(|n| living(n, 3)).chain((6..20).map(|n| living(n, 2)))).await;
    let late = json!({ "opens": "0s", "closes": "+2s", "deadline": "+8s", "late": "send" });
    let run = world.submitted(&audience, by_own_clocks(now + 2_000, 2, late), 2 * HOUR).await;
    let _crew = (world.scheduler(), world.worker());
    let report = world.closed(&run).await;
    assert_eq!((report.totals.expired, report.totals.delivered + report.totals.read), (0, 20), "{report:?}");
    assert_eq!(report.sla.within_deadline, 14, "late is late");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_is_over_at_its_own_deadline_while_the_run_goes_on() {
    let world = World::start(calm()).await;
    let now = world.clock.now();
    let audience = world.audience_of((0..5).map(|n| living(n, 2)).chain((5..10).map(|n| living(n, 1)))).await;
    let run = world.submit(&audience, by_own_clocks(now + 2_000, 2, window("+1s", "+3s"))).await;
    world.store.hold_run(&run, dawncast_store::run::Hold::Run, true).await.unwrap();
    let _crew = (world.scheduler(), world.worker());
    let open = world.reaches(&run, RunState::Open).await;
    world.passes(open.record.opening.opens_at + 3_100 - world.clock.now()).await;
    world.store.hold_run(&run, dawncast_store::run::Hold::Run, false).await.unwrap();
    let first_page = open.page_refs().next().unwrap();
    let finished =
        async || world.store.headers(std::slice::from_ref(&first_page)).await.unwrap()[0].1.finished.then_some(());
    until("the first page is finished", PATIENCE, finished).await;
    let states: Vec<_> = rows_of(&world, &run, 0..10).await.iter().map(|row| row.state).collect();
    assert_eq!(states[..5], [DeliveryState::Expired; 5]);
    assert_eq!(states[5..], [DeliveryState::Planned; 5]);
    assert_eq!(world.sim.ledger().totals.accepted, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_opens_earlier_when_somebody_farther_east_is_imported() {
    let world = World::start(calm()).await;
    let now = world.clock.now();
    let audience = world.audience_of((0..5).map(|n| living(n, 0))).await;
    let run = world.submit(&audience, by_own_clocks(now + 5 * HOUR, 0, window("+5m", "+6m"))).await;
    let before = world.run(&run).await.record.opening;
    let _scheduler = world.scheduler();
    world.import(&audience, (0..5).map(|n| living(n, 0)).chain([living(9, 2)])).await;
    let moved = async || Some(world.run(&run).await.record.opening).filter(|opening| *opening != before);
    let opening = until("the run has moved", PATIENCE, moved).await;
    assert_eq!((opening.opens_at, opening.deadline_at), (before.opens_at - 2 * HOUR, before.deadline_at));
    let listed = world.store.runs_from(None, 1).await.unwrap();
    assert_eq!(listed, [(opening.opens_at, run)]);
}
