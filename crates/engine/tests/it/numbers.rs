//! Numbers that go away while a run sends: others stand in for them.

use dawncast_core::{
    ids::{PageRef, RunId},
    report::SlaVerdict,
};
use serde_json::json;

use crate::world::{NUMBERS, World, calm, pictures, window};

/// How late those were begun whose home is the number at `place` and who were due after `at`: half of them later.
async fn median_lateness(world: &World, run: &RunId, place: u16, at: i64) -> i64 {
    let refs: Vec<_> = world.run(run).await.page_refs().collect();
    let headers = world.store.headers(&refs).await.unwrap();
    let at_home = |page: &PageRef| headers.iter().any(|(known, header)| known == page && header.home == place);
    let rows = world.rows(run).await.into_iter().filter(|row| at_home(&row.id.page) && row.recipient.due > at);
    let mut late: Vec<i64> = rows.map(|row| row.record.first_begun.unwrap() - row.recipient.due).collect();
    late.sort_unstable();
    late[late.len() / 2]
}

#[tokio::test(flavor = "multi_thread")]
async fn others_stand_in_at_once_for_a_number_that_is_paused() {
    let world = World::start(calm()).await;
    world.asset().await;
    let patch = json!({ "message": pictures(), "window": window("+6s", "+40s") });
    let run = world.submit(&world.audience(300).await, patch).await;
    let _crew = (world.scheduler(), world.worker());
    world.until_accepted(60).await;
    let number = NUMBERS[0].parse().unwrap();
    world.store.change_number(&number, |number| number.paused = true).await.unwrap();
    let paused = world.store.time().await.unwrap();
    let report = world.closed(&run).await;
    assert_eq!(report.sla.verdict, SlaVerdict::Pass);
    world.everyone_once(300);
    let rows = world.rows(&run).await;
    let begun = rows.iter().filter(|row| row.number.as_ref() == Some(&number)).filter_map(|row| row.record.last_begun);
    let after = begun.max().unwrap() - paused;
    assert!(after < 500, "the paused number began a message {after} ms later");
    let late = median_lateness(&world, &run, 0, paused + 500).await;
    assert!(late < 400, "its own recipients waited {late} ms for a stand-in");
}

#[tokio::test(flavor = "multi_thread")]
async fn others_stand_in_for_numbers_that_are_removed_or_whose_token_is_refused() {
    let world = World::start(calm()).await;
    let refused = json!({ "kind": "error", "code": 190, "http_status": 401 });
    world.faults(json!([{ "match": { "number": NUMBERS[0] }, "fault": refused }]));
    let run = world.submit(&world.audience(200).await, json!({ "window": window("+9s", "+40s") })).await;
    let _crew = (world.scheduler(), world.worker());
    world.until_accepted(20).await;
    assert!(world.store.remove_number(&NUMBERS[1].parse().unwrap()).await.unwrap());
    let removed = world.clock.now() as u64;
    let report = world.closed(&run).await;
    assert_eq!((report.sla.verdict, report.totals.failed), (SlaVerdict::Pass, 0));
    world.everyone_once(200);
    let sent: Vec<_> = world.sim.ledger().recipients.into_values().flat_map(|known| known.attempts).collect();
    assert!(sent.iter().all(|message| message.number != NUMBERS[0]));
    // Tokens are read again every five seconds.
    let late = |number: &str| sent.iter().filter(|sent| sent.number == number && sent.at_ms > removed + 5_500).count();
    assert_eq!(late(NUMBERS[1]), 0);
    assert!(late(NUMBERS[2]) > 0);
}
