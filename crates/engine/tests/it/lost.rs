//! A worker to whom Redis answers late, or not at all.

use std::time::Duration;

use dawncast_core::{delivery::Standing, ids::RunId, report::SlaVerdict};
use dawncast_store::run::RunState;
use dawncast_testkit::{Proxy, Upstream, until};
use serde_json::{Value, json};

use crate::{
    postbox::Mode,
    world::{PATIENCE, World, calm, person, window},
};

/// So slow that something is always on its way.
const SLOW: Duration = Duration::from_millis(25);

/// Four runs of `people` each: many pages, so that some begin is always on its way.
async fn submit_many(world: &World, people: u64, patch: Value) -> Vec<RunId> {
    let mut runs = Vec::new();
    for n in 0..4 {
        let audience = world.audience_of((people * n..people * (n + 1)).map(person)).await;
        runs.push(world.submit(&audience, patch.clone()).await);
    }
    runs
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_was_cut_off_wakes_up_and_undoes_nothing() {
    let world = World::start(calm()).await;
    let proxy = Proxy::start(Upstream::of(&world.redis.url())).await;
    // So patient that nothing unsure is sent again before its receipt comes.
    let patient = json!({ "then": "resend", "grace": "20s" });
    let patch = json!({ "window": window("+5s", "+50s"), "unconfirmed": patient });
    let runs = submit_many(&world, 150, patch).await;
    let _scheduler = world.scheduler();
    let _cut_off = world.worker_at(proxy.redis_url());
    world.until_accepted(20).await;
    proxy.delay(SLOW);
    world.until_accepted(100).await;
    proxy.blackhole();
    // What the other one sends in its place is accepted, and nothing more is known of it.
    world.postbox.set(Mode::Refuse);
    let _other = world.worker();
    world.until_accepted(500).await;
    proxy.heal();
    world.passes(2_500).await;
    world.postbox.set(Mode::Apply);
    for run in &runs {
        let report = world.closed(run).await;
        assert_eq!((report.sla.verdict, report.known_duplicates), (SlaVerdict::Pass, 0));
    }
    world.everyone_once(4 * 150);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_in_doubt_when_a_run_is_cancelled_is_not_left_sending() {
    let world = World::start(calm()).await;
    let proxy = Proxy::start(Upstream::of(&world.redis.url())).await;
    let runs = submit_many(&world, 100, json!({ "window": window("+12s", "+50s") })).await;
    let _scheduler = world.scheduler();
    let _worker = world.worker_at(proxy.redis_url());
    world.until_accepted(20).await;
    for (lost, run) in runs.iter().enumerate() {
        proxy.delay(SLOW);
        world.until_accepted(world.sim.ledger().totals.accepted + 10).await;
        proxy.drop_next_reply();
        until("a reply is lost", PATIENCE, async || (proxy.dropped_replies() > lost).then_some(())).await;
        proxy.blackhole();
        world.store.cancel_run(run, world.clock.now()).await.unwrap();
        proxy.heal();
    }
    for run in &runs {
        let run = world.reaches(run, RunState::Closed).await;
        let tallies = world.store.run_tallies(&run.record.id).await.unwrap().tallies;
        assert_eq!(tallies.count(Standing::Sending), 0);
        world.audit(&run.record.id).await;
    }
    let ledger = world.sim.ledger();
    assert!(ledger.recipients.values().all(|known| known.accepted == 1), "nobody twice");
}

#[tokio::test(flavor = "multi_thread")]
async fn replies_that_are_lost_cost_nobody_a_message() {
    let world = World::start(calm()).await;
    let proxy = Proxy::start(Upstream::of(&world.redis.url())).await;
    let run = world.submit(&world.audience(400).await, json!({ "window": window("+6s", "+40s") })).await;
    let _scheduler = world.scheduler();
    let _worker = world.worker_at(proxy.redis_url());
    for lost in 1..=12 {
        world.until_accepted(20 * lost).await;
        proxy.drop_next_reply();
        until("a reply is lost", PATIENCE, async || (proxy.dropped_replies() as u64 >= lost).then_some(())).await;
    }
    let report = world.closed(&run).await;
    assert_eq!((report.sla.verdict, report.resends), (SlaVerdict::Pass, 0));
    world.everyone_once(400);
}
