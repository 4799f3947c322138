//! `appendfsync everysec` on a slow disk: a Redis that is killed has lost what it had acknowledged. What that costs is
//! measured, and what is promised all the same is held.

use std::time::Duration;

use dawncast_core::{
    callback::Callback,
    delivery::{DeliveryState, Outcome},
    ids::RunId,
};
use dawncast_store::{private::Appendfsync, run::RunState};
use dawncast_testkit::{Proxy, RedisSetup, Shim, TestRedis, Upstream, until};
use serde_json::json;

use crate::{
    process::Process,
    world::{PATIENCE, World, calm, window},
};

const PEOPLE: u64 = 1_600;
/// Redis holds writes back while the disk is busy, which is most of each second then.
const SLOW_DISK: Duration = Duration::from_millis(900);
const KILLS: u64 = 4;

/// What a kill has cost.
#[derive(Debug, Default)]
struct Cost {
    /// Messages that were accepted, and whose begin is gone.
    begins: usize,
    /// Messages whose begin is there and what was known of them is gone.
    outcomes: usize,
}

async fn cost(world: &World, run: &RunId) -> Cost {
    let (rows, mut cost) = (world.rows(run).await, Cost::default());
    for attempt in world.sim.ledger().recipients.into_values().flat_map(|known| known.attempts) {
        let sent: Callback = attempt.callback_data.unwrap().parse().unwrap();
        let row = rows.iter().find(|row| row.id == sent.delivery).unwrap();
        match row.record.outcomes.get(sent.attempt) {
            Outcome::None => cost.begins += 1,
            Outcome::Begun | Outcome::Unsure => cost.outcomes += 1,
            _ => {}
        }
    }
    cost
}

/// Nobody twice, and whoever was not reached for certain is named.
async fn keeps_the_promise(world: &World, run: &RunId) {
    let totals = world.report(run).await.totals;
    assert_eq!((totals.imbalance(), totals.planned, totals.sending), (0, 0, 0), "{totals:?}");
    let (ledger, mut unsent) = (world.sim.ledger(), 0);
    for row in world.rows(run).await {
        let accepted = ledger.recipients.get(&row.recipient.phone.to_string()).map_or(0, |known| known.accepted);
        let named = row.state == DeliveryState::Unconfirmed;
        assert!(accepted == 1 || (accepted == 0 && named), "{}: {accepted} messages, {:?}", row.id, row.state);
        unsent += u64::from(accepted == 0);
    }
    println!("in the end {} are unconfirmed, and {unsent} of them were never sent", totals.unconfirmed);
}

/// What dies with Redis.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Victim {
    Redis,
    /// The workers as well: nobody is left who knows what was lost.
    RedisAndWorkers,
}

async fn survives(victim: Victim) {
    let shim = Shim::new();
    let setup = RedisSetup { appendfsync: Appendfsync::EverySec, environment: shim.environment() };
    let mut world = World::start_on(TestRedis::start_with(setup).await, calm()).await;
    let proxy = Proxy::start(Upstream::of(&world.redis.url())).await;
    let policy = json!({ "then": "give_up", "grace": "3s" });
    let patch = json!({ "window": window("+16s", "+50s"), "unconfirmed": policy });
    let run = world.submit(&world.audience(PEOPLE).await, patch).await;
    let _scheduler = world.scheduler();
    let mut workers = [(); 2].map(|()| world.worker_at(proxy.redis_url()));
    for kill in 1..=KILLS {
        // Not by messages accepted: whoever is in doubt gets none.
        let share = kill * PEOPLE / (KILLS + 2);
        world.until(&run, "a share is under way", |totals| totals.submitted - totals.planned >= share).await;
        shim.set_disk(SLOW_DISK);
        world.passes(1_500).await;
        world.redis.kill9();
        // Nobody mends anything before the loss is counted.
        proxy.cut();
        shim.set_disk(Duration::ZERO);
        world.redis.restart().await;
        until("Redis answers", PATIENCE, async || world.store.time().await.ok()).await;
        println!("kill {kill} of {KILLS}: {:?}", cost(&world, &run).await);
        if victim == Victim::RedisAndWorkers {
            workers.into_iter().for_each(Process::kill);
            proxy.heal();
            workers = [(); 2].map(|()| world.worker_at(proxy.redis_url()));
        }
        proxy.heal();
    }
    world.reaches(&run, RunState::Closed).await;
    until("every receipt is in", PATIENCE, async || (world.sim.pending_webhooks() == 0).then_some(())).await;
    keeps_the_promise(&world, &run).await;
    drop(workers);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "half a minute: make test-live"]
async fn live_a_redis_that_loses_what_it_acknowledged_serves_nobody_twice() {
    survives(Victim::Redis).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "half a minute: make test-live"]
async fn live_a_redis_that_loses_what_it_acknowledged_along_with_its_workers_serves_nobody_twice() {
    survives(Victim::RedisAndWorkers).await;
}
