//! Receipts in any order, repetition and selection.

use std::collections::HashMap;

use dawncast_cloud_api::webhook::{ReceivedStatus, Status};
use dawncast_testkit::until;
use serde_json::json;

use crate::{
    postbox::Mode,
    world::{PATIENCE, World, calm},
};

/// How many of the messages that `statuses` tell of were read.
fn read(statuses: &[ReceivedStatus]) -> u64 {
    let known: HashMap<&str, bool> = statuses.iter().fold(HashMap::new(), |mut known, received| {
        *known.entry(received.status.id.as_str()).or_default() |= received.status.status == Status::Read;
        known
    });
    known.values().filter(|read| **read).count() as u64
}

#[tokio::test(flavor = "multi_thread")]
async fn receipts_that_come_backwards_twice_and_in_part_leave_exact_totals() {
    const PEOPLE: u64 = 120;
    let world = World::start(calm()).await;
    world.postbox.set(Mode::Keep);
    let run = world.submit(&world.audience(PEOPLE).await, json!({})).await;
    let _crew = (world.scheduler(), world.worker());
    world.until_accepted(PEOPLE).await;
    let told = async || (world.sim.pending_webhooks() == 0).then_some(());
    until("everything is told", PATIENCE, told).await;
    let mut statuses: Vec<ReceivedStatus> = world.postbox.kept().into_iter().flatten().collect();
    let read = read(&statuses);
    assert!((1..PEOPLE).contains(&read), "some are read: {read}");
    statuses.reverse();
    for status in &statuses {
        world.postbox.deliver(vec![status.clone(), status.clone()]).await;
    }
    let totals = world.totals(&run).await;
    assert_eq!((totals.read, totals.delivered, totals.imbalance()), (read, PEOPLE - read, 0));
    statuses.reverse();
    world.postbox.deliver(statuses).await;
    assert_eq!(world.totals(&run).await, totals);
    let report = world.closed(&run).await;
    assert_eq!((report.sla.within_deadline, report.known_duplicates), (PEOPLE, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn read_tells_of_delivered_as_well() {
    let world = World::start(calm()).await;
    world.postbox.set(Mode::Keep);
    let run = world.submit(&world.audience(40).await, json!({ "sla": { "counts": "delivered" } })).await;
    let _crew = (world.scheduler(), world.worker());
    world.until_accepted(40).await;
    until("everything is told", PATIENCE, async || (world.sim.pending_webhooks() == 0).then_some(())).await;
    let mut statuses: Vec<ReceivedStatus> = world.postbox.kept().into_iter().flatten().collect();
    let read = read(&statuses);
    statuses.retain(|received| received.status.status == Status::Read);
    world.postbox.deliver(statuses).await;
    let report = world.report(&run).await;
    assert_eq!((report.totals.read, report.totals.accepted), (read, 40 - read));
    assert_eq!(report.sla.within_deadline, read);
}
