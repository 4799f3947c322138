//! When each recipient may hear: quiet hours by their own clocks, and steps instead of chance.

use chrono::DateTime;
use dawncast_core::{UnixMs, report::DropReason};
use dawncast_store::{records::Recipient, run::RunState};
use serde_json::{Value, json};

use crate::world::{FIRST_PHONE, World, calm, person, window};

const MINUTE: UnixMs = 60_000;
const HOUR: UnixMs = 60 * MINUTE;

/// Recipient `n`, whose clock is an hour ahead of UTC.
fn ahead(n: u64) -> Recipient {
    Recipient { timezone: Some("Etc/GMT-1".to_owned()), ..person(n) }
}

/// What a clock that is an hour ahead of UTC shows at `moment`.
fn hour_ahead(moment: UnixMs) -> String {
    DateTime::from_timestamp_millis(moment + HOUR).unwrap().format("%H:%M").to_string()
}

/// Quiet from one moment to another by a clock that is an hour ahead, in a window of `window`.
fn quiet_ahead(mut window: Value, from: UnixMs, to: UnixMs) -> Value {
    window["quiet_hours"] = json!({ "from": hour_ahead(from), "to": hour_ahead(to) });
    json!({ "window": window })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recipient_whose_window_is_quiet_is_dropped_and_others_hear() {
    let world = World::start(calm()).await;
    let now = world.clock.now();
    let audience = world.audience_of((0..6).map(person).chain((6..10).map(ahead))).await;
    let quiet = quiet_ahead(window("+3s", "+30s"), now - 30 * MINUTE, now + 30 * MINUTE);
    let run = world.submit(&audience, quiet).await;
    let _crew = (world.scheduler(), world.worker());
    let report = world.closed(&run).await;
    assert_eq!(report.dropped_by_reason.into_iter().collect::<Vec<_>>(), [(DropReason::Compliance, 4)]);
    assert_eq!((report.totals.submitted, report.sla.eligible), (10, 6), "whoever may not hear is nobody's loss");
    let dropped = world.store.dropped(&run).await.unwrap();
    let (from, to) = (hour_ahead(now - 30 * MINUTE), hour_ahead(now + 30 * MINUTE));
    let detail = format!("the whole window is quiet in Etc/GMT-1, from {from} to {to}");
    assert!(dropped.iter().all(|row| row.phone >= FIRST_PHONE + 6 && row.detail == detail), "{}", dropped[0].detail);
    assert!((0..6).all(|n| world.accepted(n) == 1) && (6..10).all(|n| world.accepted(n) == 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recipient_whose_quiet_hours_end_within_the_window_is_due_after_them() {
    let world = World::start(calm()).await;
    let audience = world.audience_of((0..50).map(person).chain((50..100).map(ahead))).await;
    let now = world.clock.now();
    let morning = (now + 5 * MINUTE) / MINUTE * MINUTE;
    let later = json!({ "opens": "+3m", "closes": "+8m", "deadline": "+9m" });
    let run = world.submit(&audience, quiet_ahead(later, now - 30 * MINUTE, morning)).await;
    let _scheduler = world.scheduler();
    world.reaches(&run, RunState::Planned).await;
    let rows = world.rows(&run).await;
    assert_eq!(rows.len(), 100);
    let earliest = |range: std::ops::Range<u64>| {
        let within = rows.iter().filter(|row| range.contains(&(row.recipient.phone - FIRST_PHONE)));
        within.map(|row| row.recipient.due).min().unwrap()
    };
    assert!(earliest(50..100) >= morning, "{} before {morning}", earliest(50..100));
    assert!(earliest(0..50) < morning);
}

#[tokio::test(flavor = "multi_thread")]
async fn staggered_messages_go_out_a_step_apart() {
    let world = World::start(calm()).await;
    let audience = world.audience(60).await;
    let patch = json!({ "window": window("+3s", "+30s"), "jitter": { "type": "stagger", "step": "50ms" } });
    let run = world.submit(&audience, patch).await;
    let _crew = (world.scheduler(), world.worker());
    world.closed(&run).await;
    world.everyone_once(60);
    let mut rows: Vec<_> = world.rows(&run).await.into_iter().map(|row| row.recipient).collect();
    rows.sort_by_key(|row| row.due);
    assert!(rows.windows(2).all(|pair| pair[1].due - pair[0].due == 50));
    assert!(rows.iter().take(6).all(|row| row.tier == "pro"), "the first tier goes first");
}
