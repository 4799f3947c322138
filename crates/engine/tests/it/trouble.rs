//! Redis is away, takes no writes or is full while a run sends: the engine pauses, and goes on by itself.

use std::fs;

use dawncast_core::{callback::Callback, delivery::Outcome, ids::RunId, report::SlaVerdict};
use dawncast_testkit::{Proxy, Upstream, until};
use serde_json::{Value, json};

use crate::{
    process::Process,
    world::{PATIENCE, World, calm, window},
};

const PEOPLE: u64 = 500;
/// What was on its way when the trouble began has come to its end.
const IN_FLIGHT_MS: i64 = 500;
/// A short trouble: a lease outlives it.
const SHORT_MS: i64 = 1_000;
/// A worker holds the pages that it owns and what is on the wire, whatever happens: this much is noise.
const GROWTH_KB: u64 = 48 * 1024;

/// A run under way, by workers that reach Redis through a proxy.
struct Scene {
    world: World,
    run: RunId,
    proxy: Proxy,
    _crew: [Process; 3],
}

impl Scene {
    async fn set(window: Value) -> Self {
        let world = World::start(calm()).await;
        let proxy = Proxy::start(Upstream::of(&world.redis.url())).await;
        let run = world.submit(&world.audience(PEOPLE).await, json!({ "window": window })).await;
        let crew = [world.scheduler(), world.worker_at(proxy.redis_url()), world.worker_at(proxy.redis_url())];
        world.until_accepted(100).await;
        Self { world, run, proxy, _crew: crew }
    }

    /// Sets something in Redis, past the proxy.
    async fn order(&self, words: &str) {
        let (command, arguments) = words.split_once(' ').unwrap();
        let mut order = redis::cmd(command);
        for argument in arguments.split(' ') {
            order.arg(argument);
        }
        order.exec_async(&mut self.world.store.connection()).await.unwrap();
    }

    /// While the trouble lasts nothing begins, and what went out has its intent in the ledger.
    async fn pauses_for(&self, ms: i64) {
        let before = resident_kb();
        self.world.passes(IN_FLIGHT_MS).await;
        let sent = self.world.sim.ledger().totals.accepted;
        self.world.passes(ms).await;
        assert_eq!(self.world.sim.ledger().totals.accepted, sent, "something was begun");
        assert!(sent < PEOPLE, "the trouble came too late");
        let grown = resident_kb().saturating_sub(before);
        assert!(grown < GROWTH_KB, "{grown} kB were piled up");
        self.every_message_has_its_intent().await;
    }

    async fn every_message_has_its_intent(&self) {
        let rows = self.world.rows(&self.run).await;
        for attempt in self.world.sim.ledger().recipients.into_values().flat_map(|known| known.attempts) {
            let sent: Callback = attempt.callback_data.unwrap().parse().unwrap();
            let row = rows.iter().find(|row| row.id == sent.delivery).unwrap();
            assert_ne!(
                row.record.outcomes.get(sent.attempt),
                Outcome::None,
                "{sent} was sent and is not in the ledger"
            );
        }
    }

    /// It goes on by itself: nobody is lost, nobody served twice, nobody left in doubt.
    async fn goes_on(&self) {
        let report = self.world.closed(&self.run).await;
        self.world.everyone_once(PEOPLE as usize);
        assert_eq!((report.sla.verdict, report.resends, report.known_duplicates), (SlaVerdict::Pass, 0, 0));
        assert_eq!((report.totals.unconfirmed, report.totals.sending), (0, 0));
    }
}

/// The memory of this process, workers and all.
fn resident_kb() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

fn soon() -> Value {
    window("+6s", "+40s")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_without_redis_costs_a_second() {
    let scene = Scene::set(soon()).await;
    scene.proxy.cut();
    scene.pauses_for(SHORT_MS).await;
    scene.proxy.heal();
    scene.goes_on().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a minute: make test-live"]
async fn live_a_minute_without_redis_costs_a_minute() {
    let scene = Scene::set(window("+6s", "+110s")).await;
    scene.proxy.cut();
    let cut = scene.world.clock.now();
    // Longer than the patience of one wait.
    for _ in 0..2 {
        scene.pauses_for(30_000).await;
    }
    scene.proxy.heal();
    let sent = scene.world.sim.ledger().totals.accepted;
    let more = async || (scene.world.sim.ledger().totals.accepted > sent).then(|| scene.world.clock.now());
    let first = until("the next message goes out", PATIENCE, more).await;
    println!("cut for {} ms, the next message went out by then", first - cut);
    scene.goes_on().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_takes_no_writes_is_waited_for() {
    let scene = Scene::set(soon()).await;
    // A replica of nobody: it answers reads, and refuses writes.
    scene.order("REPLICAOF 127.0.0.1 1").await;
    scene.pauses_for(SHORT_MS).await;
    scene.order("REPLICAOF NO ONE").await;
    scene.goes_on().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_lacks_replicas_is_waited_for() {
    let scene = Scene::set(soon()).await;
    scene.order("CONFIG SET min-replicas-to-write 1").await;
    scene.pauses_for(SHORT_MS).await;
    scene.order("CONFIG SET min-replicas-to-write 0").await;
    scene.goes_on().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_is_full_is_waited_for_and_takes_what_is_known_at_once() {
    let scene = Scene::set(soon()).await;
    scene.order("CONFIG SET maxmemory 1").await;
    scene.pauses_for(SHORT_MS).await;
    let sending = scene.world.totals(&scene.run).await.sending;
    assert_eq!(sending, 0, "answers are recorded all the same");
    scene.order("CONFIG SET maxmemory 0").await;
    scene.goes_on().await;
}
