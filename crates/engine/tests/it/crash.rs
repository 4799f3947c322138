//! Workers that are killed or stopped, and a Redis that is killed, while a run sends.

use std::{collections::HashMap, time::Duration};

use dawncast_cloud_sim::SimConfig;
use dawncast_core::{callback::Callback, ids::PageRef, report::SlaVerdict};
use dawncast_testkit::until;
use serde_json::json;

use crate::world::{PATIENCE, World, calm, window};

/// For each page that has another owner than in `before`: how long after `killed` it sent its first message.
fn gaps(world: &World, before: &HashMap<PageRef, u32>, killed: u64) -> HashMap<PageRef, u64> {
    let mut gaps = HashMap::new();
    for sent in world.sim.ledger().recipients.into_values().flat_map(|known| known.attempts) {
        let callback: Callback = sent.callback_data.unwrap().parse().unwrap();
        let page = callback.delivery.page;
        if before.get(&page).is_some_and(|epoch| *epoch > 0 && callback.epoch > *epoch) {
            let gap = gaps.entry(page).or_insert(u64::MAX);
            *gap = sent.at_ms.saturating_sub(killed).min(*gap);
        }
    }
    gaps
}

#[tokio::test(flavor = "multi_thread")]
async fn e2e_when_a_worker_is_killed_another_goes_on_with_its_pages() {
    let mut world = World::start(SimConfig { latency: Duration::from_millis(60), ..calm() }).await;
    let run = world.submit(&world.audience(720).await, json!({ "window": window("+12s", "+50s") })).await;
    let _scheduler = world.scheduler();
    let settings = world.ctx.settings.clone();
    world.ctx.settings.pages = 2;
    let doomed = world.worker();
    world.until_accepted(30).await;
    world.ctx.settings = settings;
    let _survivor = world.worker();
    world.until_accepted(200).await;
    let refs: Vec<PageRef> = world.run(&run).await.page_refs().collect();
    let headers = world.store.headers(&refs).await.unwrap();
    let before = headers.into_iter().map(|(page, header)| (page, header.epoch)).collect();
    doomed.kill();
    let killed = world.clock.now() as u64;
    let report = world.closed(&run).await;
    world.everyone_once(720);
    assert_eq!(report.sla.verdict, SlaVerdict::Pass);
    let gaps = gaps(&world, &before, killed);
    println!("from the kill to the next message of its pages, in ms: {:?}", gaps.values());
    assert_eq!(gaps.len(), 2, "two pages had to be taken over");
    assert!(gaps.values().all(|gap| *gap < 10_000));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_is_told_to_stop_leaves_nothing_in_doubt() {
    let world = World::start(SimConfig { latency: Duration::from_millis(200), ..calm() }).await;
    let run = world.submit(&world.audience(240).await, json!({ "window": window("+5s", "+40s") })).await;
    let _scheduler = world.scheduler();
    let leaving = world.worker();
    world.until_accepted(50).await;
    let took = leaving.stop().await;
    assert!(took < Duration::from_secs(5), "it took {took:?}");
    let totals = world.totals(&run).await;
    assert_eq!((totals.sending, totals.unconfirmed, totals.imbalance()), (0, 0, 0));
    assert!(totals.planned > 0, "it was stopped mid-run");
    let _next = world.worker();
    let report = world.closed(&run).await;
    assert_eq!((report.attempts, report.resends), (240, 0));
    world.everyone_once(240);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_goes_on_by_itself_when_redis_was_killed() {
    let mut world = World::start(calm()).await;
    let run = world.submit(&world.audience(400).await, json!({ "window": window("+6s", "+50s") })).await;
    let _crew = (world.scheduler(), world.worker(), world.worker());
    world.until_accepted(120).await;
    world.redis.kill9();
    world.passes(1_500).await;
    world.redis.restart().await;
    let answers = async || world.store.time().await.ok();
    until("Redis answers", PATIENCE, answers).await;
    let report = world.closed(&run).await;
    assert_eq!(report.known_duplicates, 0);
    assert_eq!(report.sla.verdict, SlaVerdict::Pass);
    world.everyone_once(400);
}
