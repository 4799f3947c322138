//! A Cloud API that is slow, that refuses everything, or that is not there.

use std::collections::BTreeMap;

use dawncast_cloud_sim::SimConfig;
use dawncast_core::{callback::Callback, ids::RunId};
use dawncast_testkit::until;
use serde_json::{Value, json};

use crate::world::{PATIENCE, World, calm, phone, window};

/// No rest of a number that is not served is longer, and a look takes this long on a busy machine.
const RECOVERY_MS: i64 = 2_000 + 2_000;

/// An accepted message.
struct Sent {
    at: i64,
    number: String,
    callback: Callback,
}

/// Every accepted message, oldest first.
fn sent(world: &World) -> Vec<Sent> {
    let attempts = world.sim.ledger().recipients.into_values().flat_map(|known| known.attempts);
    let mut sent: Vec<Sent> = attempts
        .map(|it| Sent { at: it.at_ms as i64, number: it.number, callback: it.callback_data.unwrap().parse().unwrap() })
        .collect();
    sent.sort_by_key(|it| it.at);
    sent
}

fn last_sent_at(world: &World) -> i64 {
    sent(world).last().unwrap().at
}

/// How often the simulator found a number too fast by itself, or refused as it was told to.
fn refused(world: &World) -> u64 {
    world.sim.ledger().totals.rejected.get("130429").copied().unwrap_or_default()
}

/// Retries soon enough for a test.
fn hasty() -> Value {
    json!({ "max_attempts": 3, "base": "200ms", "cap": "1s" })
}

/// Whatever the outage, how often a number may have sent in vain: the row that opens its breaker, what was on the wire by
/// then, and one message per rest.
fn in_vain(outage_ms: u64) -> u64 {
    let numbers = 3;
    numbers * (5 + 16 + outage_ms / 500)
}

/// Of each number, the second page waits until the first is all but sent.
fn check_most_urgent_first(world: &World, since: i64) {
    let mut pages: BTreeMap<String, Vec<u32>> = BTreeMap::new();
    for it in sent(world).into_iter().filter(|it| it.at >= since) {
        pages.entry(it.number).or_default().push(it.callback.delivery.page.page);
    }
    for (number, pages) in pages {
        let first = *pages.iter().min().unwrap();
        let places: Vec<usize> = (0..pages.len()).filter(|at| pages[*at] == first).collect();
        assert!(
            places.len() > 50 && pages.len() - places.len() > 30,
            "{number} has a backlog of both pages: {pages:?}"
        );
        // A few that were refused before wait for their time.
        let nearly_all = places[places.len() * 9 / 10];
        let before = pages[..nearly_all].iter().filter(|page| **page != first).count();
        assert!(before <= pages.len() / 20, "{number} sent {before} of later pages before: {pages:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_that_take_two_seconds_make_nobody_late_while_there_are_places_on_the_wire() {
    let world = World::start(calm()).await;
    world.faults(json!([{ "fault": { "kind": "slow", "ms": 2_000 } }]));
    let run = world.submit(&world.audience(300).await, json!({ "window": window("+3s", "+40s") })).await;
    let _crew = (world.scheduler(), world.worker());
    let report = world.closed(&run).await;
    world.everyone_once(300);
    assert_eq!((report.attempts, report.resends), (300, 0));
    let lateness = report.lateness_ms.unwrap();
    assert!(lateness.p99 < 1_000.0, "{lateness:?}");
    assert!(world.sim.most_under_way() > 100, "they are slow: {}", world.sim.most_under_way());
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_answers_never_take_more_places_than_there_are() {
    let mut world = World::start(calm()).await;
    world.ctx.settings.in_flight = 40;
    world.faults(json!([{ "fault": { "kind": "slow", "ms": 2_000 } }]));
    let run = world.submit(&world.audience(200).await, json!({ "window": window("+3s", "+40s") })).await;
    let _crew = (world.scheduler(), world.worker());
    let report = world.closed(&run).await;
    world.everyone_once(200);
    assert_eq!(world.sim.most_under_way(), 40, "never more, and all of them are used");
    // 40 places and 2 s: 20 a second, so 10 s for all.
    let lateness = report.lateness_ms.unwrap();
    assert!(lateness.max < 12_000.0, "{lateness:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn while_everything_is_refused_nobody_fails_and_then_all_go_out_at_once() {
    let mut world = World::start(calm()).await;
    (world.ctx.settings.pages, world.ctx.settings.in_flight) = (2, 16);
    world.faults(json!([{ "fault": { "kind": "throttle" } }]));
    let patch = json!({ "window": window("+3s", "+40s"), "retry": hasty() });
    let run = world.submit(&world.audience(150).await, patch).await;
    let _crew = (world.scheduler(), world.worker());
    until("it is refused", PATIENCE, async || (refused(&world) >= 10).then_some(())).await;
    world.passes(6_000).await;
    let refs: Vec<_> = world.run(&run).await.page_refs().collect();
    assert_eq!(refs.len(), 3);
    let headers = world.store.headers(&refs).await.unwrap();
    assert_eq!(headers.iter().filter(|(_, header)| header.epoch > 0).count(), 2, "no more pages than settings.pages");
    world.faults(json!([]));
    let (back, told) = (world.clock.now(), refused(&world));
    assert!(told < in_vain(6_000), "{told} refused");
    let report = world.closed(&run).await;
    world.everyone_once(150);
    assert_eq!((report.totals.failed, report.known_duplicates), (0, 0));
    assert!(refused(&world) <= told + 16, "what was on the wire, and then none");
    assert!(last_sent_at(&world) < back + RECOVERY_MS + 2_000, "150 take a second or two");
    assert!(world.sim.most_under_way() <= 16);
}

#[tokio::test(flavor = "multi_thread")]
async fn after_an_outage_the_backlog_goes_out_as_fast_as_the_rates_allow_and_the_most_urgent_first() {
    let world = World::start(calm()).await;
    let patch = json!({ "window": window("+7s", "+40s"), "retry": hasty(),
                        "unconfirmed": { "then": "resend", "grace": "2s" } });
    let run = world.submit(&world.audience(1_200).await, patch).await;
    let _crew = (world.scheduler(), world.worker());
    world.until_accepted(100).await;
    world.faults(json!([{ "fault": { "kind": "down", "ms": 60_000 } }]));
    world.passes(6_000).await;
    let before = world.sim.ledger().totals.accepted;
    world.faults(json!([]));
    let back = world.clock.now();
    let report = world.closed(&run).await;
    world.everyone_once(1_200);
    let vain = report.attempts - 1_200;
    assert!(vain < in_vain(0), "a probe costs nobody an attempt: {vain}");
    assert_eq!((report.totals.failed, report.totals.unconfirmed, refused(&world)), (0, 0, 0));
    let allowed = (1_200 - before) as i64 * 1_000 / (3 * 72);
    let took = last_sent_at(&world) - back;
    assert!(took < allowed + RECOVERY_MS, "{took} ms instead of {allowed} ms");
    check_most_urgent_first(&world, back);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cloud_api_that_resets_everything_puts_few_messages_in_doubt() {
    let world = World::start(calm()).await;
    let patch = json!({ "window": window("+4s", "+14s"), "unconfirmed": { "then": "give_up", "grace": "1s" } });
    let run = world.submit(&world.audience(600).await, patch).await;
    let _crew = (world.scheduler(), world.worker());
    world.until_accepted(50).await;
    world.faults(json!([{ "fault": { "kind": "reset_before_read" } }]));
    world.passes(5_000).await;
    world.faults(json!([]));
    let report = world.closed(&run).await;
    let totals = report.totals;
    assert!((1..in_vain(5_000)).contains(&totals.unconfirmed), "{totals:?}");
    assert_eq!(totals.delivered + totals.read + totals.unconfirmed, 600, "{totals:?}");
    assert!(sent(&world).len() as u64 == totals.delivered + totals.read, "nobody twice");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_go_out_before_the_deadline_does_not_go_out_after_it() {
    let world = World::start(calm()).await;
    let run = world.submit(&world.audience(600).await, json!({ "window": window("+4s", "+6s") })).await;
    let _crew = (world.scheduler(), world.worker());
    world.until_accepted(100).await;
    world.faults(json!([{ "fault": { "kind": "down", "ms": 60_000 } }]));
    let deadline = world.run(&run).await.record.opening.deadline_at;
    world.passes(deadline - world.clock.now() - 300).await;
    world.faults(json!([]));
    let report = world.closed(&run).await;
    let totals = report.totals;
    // The simulator stamps what it has read; 20 ms lie between begin and that.
    assert!(last_sent_at(&world) <= deadline + 500, "{} ms late", last_sent_at(&world) - deadline);
    assert!(totals.expired > 100, "{totals:?}");
    assert_eq!(totals.delivered + totals.read, sent(&world).len() as u64);
}

/// Two minutes of `outage` in the middle of a run of `people`, which then has all the time it needs.
async fn live_two_minutes(outage: Value, people: u64) -> (World, RunId, i64) {
    let world = World::start(SimConfig { numbers: 3, ..calm() }).await;
    let patch = json!({ "window": window("+30s", "+290s"), "unconfirmed": { "then": "give_up", "grace": "3s" },
                        "retry": { "max_attempts": 3, "base": "1s", "cap": "30s" } });
    let run = world.submit(&world.audience(people).await, patch).await;
    let crew = (world.scheduler(), world.worker());
    world.faults(json!([{ "fault": outage }]));
    let end = world.clock.now() + 120_000;
    let over = async || (world.clock.now() >= end).then_some(());
    until("two minutes have passed", 3 * PATIENCE, over).await;
    world.faults(json!([]));
    let everyone = async || (world.sim.ledger().totals.accepted >= people).then_some(());
    until("everyone is served", 4 * PATIENCE, everyone).await;
    drop(crew);
    (world, run, end)
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "two minutes: make test-live"]
async fn live_two_minutes_without_a_connection_cost_nobody_the_message() {
    let (world, run, end) = live_two_minutes(json!({ "kind": "down", "ms": 600_000 }), 3_000).await;
    world.everyone_once(3_000);
    let report = world.report(&run).await;
    assert!(report.attempts - 3_000 < in_vain(0), "{} attempts", report.attempts);
    let took = last_sent_at(&world) - end;
    assert!(took < 3_000 * 1_000 / (3 * 72) + RECOVERY_MS, "{took} ms");
    assert_eq!((report.totals.failed, refused(&world)), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "two minutes: make test-live"]
async fn live_two_minutes_of_refusals_fail_not_even_a_single_recipient() {
    let (world, run, _) = live_two_minutes(json!({ "kind": "throttle" }), 1).await;
    let report = world.report(&run).await;
    assert_eq!((world.accepted(0), report.totals.failed), (1, 0), "{}", phone(0));
    assert!(report.attempts <= 8, "a record has room for eight: {}", report.attempts);
}
