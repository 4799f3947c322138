//! A Redis that crashes and comes back without the last second or so of what it had acknowledged (rule 9).

use std::collections::HashMap;

use dawncast_core::{
    delivery::DeliveryState,
    ids::RunId,
    report::{Report, SlaVerdict},
};
use dawncast_store::{private::Appendfsync, run::RunState};
use dawncast_testkit::{Proxy, RedisSetup, TestRedis, Upstream, until};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    postbox::Mode,
    world::{PATIENCE, World, calm, window},
};

const PEOPLE: u64 = 400;

/// A world on a Redis that may lose what it acknowledged in the last second.
async fn world() -> World {
    let setup = RedisSetup { appendfsync: Appendfsync::EverySec, ..RedisSetup::default() };
    World::start_on(TestRedis::start_with(setup).await, calm()).await
}

fn campaign(then: &str) -> Value {
    json!({ "window": window("+5s", "+20s"), "unconfirmed": { "then": then, "grace": "2s" } })
}

impl World {
    /// Redis crashes, and comes back as it was when `kept` was taken.
    async fn loses(&mut self, kept: &TempDir) {
        self.redis.kill9();
        self.redis.restore(kept.path()).await;
        until("Redis answers", PATIENCE, async || self.store.time().await.ok()).await;
    }

    /// What the webhook has acknowledged and kept for itself comes again, as if Meta had not been answered.
    async fn receipts_come_again(&self) {
        self.postbox.set(Mode::Apply);
        for call in self.postbox.kept() {
            self.postbox.deliver(call).await;
        }
    }

    /// Waits until so many more messages are accepted.
    async fn until_more(&self, count: u64) {
        self.until_accepted(self.sim.ledger().totals.accepted + count).await;
    }

    /// How many messages were accepted beyond the first of each recipient.
    fn surplus(&self) -> u64 {
        self.sim.ledger().recipients.values().map(|known| known.accepted.saturating_sub(1)).sum()
    }

    /// Whoever got nothing is known to be in doubt.
    async fn nobody_is_lost(&self, run: &RunId) {
        let ledger = self.sim.ledger();
        let states: HashMap<String, DeliveryState> =
            self.rows(run).await.into_iter().map(|row| (row.recipient.phone.to_string(), row.state)).collect();
        assert_eq!(states.len() as u64, PEOPLE);
        for (phone, state) in states {
            let got = ledger.recipients.get(&phone).is_some_and(|known| known.accepted > 0);
            assert!(got || state == DeliveryState::Unconfirmed, "{phone} got nothing and is {state:?}");
        }
    }
}

fn on_phones(report: &Report) -> u64 {
    report.totals.delivered + report.totals.read
}

#[tokio::test(flavor = "multi_thread")]
async fn owners_that_live_on_tell_redis_again_what_it_has_lost() {
    let mut world = world().await;
    let run = world.submit(&world.audience(PEOPLE).await, campaign("give_up")).await;
    let _crew = (world.scheduler(), world.worker(), world.worker());
    world.until_accepted(100).await;
    let kept = world.redis.backup();
    world.until_more(60).await;
    world.loses(&kept).await;
    let report = world.closed(&run).await;
    world.everyone_once(PEOPLE as usize);
    assert_eq!((report.known_duplicates, on_phones(&report)), (0, PEOPLE), "{:?}", report.totals);
    assert_eq!(report.sla.verdict, SlaVerdict::Pass);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_whose_claim_was_lost_tells_what_it_knows_and_leaves() {
    let mut world = world().await;
    let run = world.submit(&world.audience(PEOPLE).await, campaign("resend")).await;
    let _scheduler = world.scheduler();
    world.reaches(&run, RunState::Open).await;
    let kept = world.redis.backup();
    // Only the owner can tell: no receipt does.
    world.postbox.set(Mode::Keep);
    let _worker = world.worker();
    world.until_accepted(60).await;
    world.loses(&kept).await;
    world.until_accepted(PEOPLE).await;
    world.receipts_come_again().await;
    let report = world.closed(&run).await;
    world.everyone_once(PEOPLE as usize);
    assert_eq!((report.known_duplicates, on_phones(&report)), (0, PEOPLE), "{:?}", report.totals);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_owner_that_is_told_to_give_up_sends_to_nobody_who_may_have_been_served() {
    let mut world = world().await;
    let run = world.submit(&world.audience(PEOPLE).await, campaign("give_up")).await;
    let (_scheduler, doomed) = (world.scheduler(), world.worker());
    world.until_accepted(100).await;
    let kept = world.redis.backup();
    // The webhook forgets as well, as if it had crashed after its 200.
    world.postbox.set(Mode::Keep);
    world.until_more(60).await;
    doomed.kill();
    world.loses(&kept).await;
    let _next = world.worker();
    world.finished(&run).await;
    world.receipts_come_again().await;
    let report = world.closed(&run).await;
    assert_eq!((world.surplus(), report.known_duplicates), (0, 0));
    world.nobody_is_lost(&run).await;
    let served = world.sim.ledger().recipients.len() as u64;
    assert_eq!((on_phones(&report), report.totals.unconfirmed), (served, PEOPLE - served), "{:?}", report.totals);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_owner_that_sends_again_counts_whoever_got_it_twice() {
    let mut world = world().await;
    let run = world.submit(&world.audience(PEOPLE).await, campaign("resend")).await;
    let (_scheduler, doomed) = (world.scheduler(), world.worker());
    world.until_accepted(100).await;
    let kept = world.redis.backup();
    world.postbox.set(Mode::Keep);
    world.until_more(60).await;
    doomed.kill();
    world.loses(&kept).await;
    let _next = world.worker();
    until("some are sent again", PATIENCE, async || (world.surplus() > 0).then_some(())).await;
    world.finished(&run).await;
    world.receipts_come_again().await;
    let report = world.closed(&run).await;
    assert_eq!((report.known_duplicates, on_phones(&report)), (world.surplus(), PEOPLE), "{:?}", report.totals);
    assert_eq!(world.sim.ledger().recipients.len() as u64, PEOPLE);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_whose_lease_had_lapsed_does_not_go_on_where_the_next_owners_claim_was_lost() {
    let mut world = world().await;
    let proxy = Proxy::start(Upstream::of(&world.redis.url())).await;
    let run = world.submit(&world.audience(PEOPLE).await, campaign("give_up")).await;
    let _scheduler = world.scheduler();
    let _cut_off = world.worker_at(proxy.redis_url());
    world.until_accepted(40).await;
    proxy.blackhole();
    let kept = world.redis.backup();
    world.postbox.set(Mode::Keep);
    let next = world.worker();
    world.until_more(80).await;
    next.kill();
    world.loses(&kept).await;
    proxy.heal();
    world.finished(&run).await;
    world.receipts_come_again().await;
    let report = world.closed(&run).await;
    assert_eq!((world.surplus(), report.known_duplicates), (0, 0));
    world.nobody_is_lost(&run).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn receipts_that_were_acknowledged_and_lost_are_written_again() {
    let mut world = world().await;
    world.postbox.set(Mode::Keep);
    let run = world.submit(&world.audience(60).await, json!({})).await;
    let crew = (world.scheduler(), world.worker());
    world.until_accepted(60).await;
    until("everything is told", PATIENCE, async || (world.sim.pending_webhooks() == 0).then_some(())).await;
    world.until(&run, "every answer is written", |totals| totals.accepted == 60).await;
    drop(crew);
    let kept = world.redis.backup();
    for call in world.postbox.kept() {
        world.postbox.deliver(call).await;
    }
    let before = world.totals(&run).await;
    assert_eq!(before.delivered + before.read, 60);
    world.loses(&kept).await;
    world.until(&run, "it is as before", |totals| *totals == before).await;
}
