//! The clock of Redis jumps by minutes while a run waits and while it sends.

use std::collections::HashMap;

use dawncast_core::{ids::RunId, report::SlaVerdict};
use dawncast_store::run::RunState;
use dawncast_testkit::{RedisSetup, Shim, TestRedis};
use serde_json::json;

use crate::world::{World, calm, window};

const MINUTES: i64 = 300;
/// What a number may send in any second: its `mps`.
const RATE: usize = 80;

/// A world whose Redis goes by a clock of its own.
async fn world(shim: &Shim) -> World {
    let setup = RedisSetup { environment: shim.environment(), ..RedisSetup::default() };
    World::start_on(TestRedis::start_with(setup).await, calm()).await
}

/// When each number sent, by the simulator's clock.
fn sent(world: &World) -> HashMap<String, Vec<u64>> {
    let mut sent: HashMap<String, Vec<u64>> = HashMap::new();
    for attempt in world.sim.ledger().recipients.into_values().flat_map(|known| known.attempts) {
        sent.entry(attempt.number).or_default().push(attempt.at_ms);
    }
    sent.values_mut().for_each(|moments| moments.sort_unstable());
    sent
}

/// The most that any number sent in any second.
fn busiest_second(world: &World) -> usize {
    let busiest = |moments: &Vec<u64>| {
        let within = |from: &u64| moments.iter().filter(|at| (*from..from + 1_000).contains(*at)).count();
        moments.iter().map(within).max().unwrap_or_default()
    };
    sent(world).values().map(busiest).max().unwrap_or_default()
}

/// How often the busiest page was claimed.
async fn most_claims(world: &World, run: &RunId) -> u32 {
    let refs: Vec<_> = world.run(run).await.page_refs().collect();
    let headers = world.store.headers(&refs).await.unwrap();
    headers.into_iter().map(|(_, header)| header.epoch).max().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_goes_on_as_if_nothing_were_when_the_clock_of_redis_jumps() {
    let shim = Shim::new();
    let world = world(&shim).await;
    let people = 1_200;
    let run = world.submit(&world.audience(people).await, json!({ "window": window("+7s", "+40s") })).await;
    let _crew = (world.scheduler(), world.worker(), world.worker());
    for (accepted, ahead) in [(200, MINUTES), (500, -MINUTES), (800, 0)] {
        world.until_accepted(accepted).await;
        shim.set_clock(ahead);
    }
    let report = world.closed(&run).await;
    world.everyone_once(people as usize);
    assert_eq!((report.sla.verdict, report.attempts, report.resends), (SlaVerdict::Pass, people, 0));
    assert!(most_claims(&world, &run).await <= 2, "pages are taken over again and again");
    assert_eq!(world.sim.ledger().totals.rejected, [].into(), "a number was too fast");
    let busiest = busiest_second(&world);
    assert!(busiest <= RATE, "{busiest} messages in a second");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_window_opens_on_time_whatever_the_clock_of_redis_says() {
    let shim = Shim::new();
    let world = world(&shim).await;
    let later = json!({ "opens": "+5s", "closes": "+7s", "deadline": "+30s" });
    let run = world.submit(&world.audience(200).await, json!({ "window": later })).await;
    let _crew = (world.scheduler(), world.worker());
    let opens_at = world.reaches(&run, RunState::Open).await.record.opening.opens_at;
    shim.set_clock(MINUTES);
    world.passes(2_500).await;
    assert_eq!(world.sim.ledger().totals.accepted, 0, "it is not time yet");
    shim.set_clock(-MINUTES);
    let report = world.closed(&run).await;
    assert_eq!((report.sla.verdict, report.attempts, report.resends), (SlaVerdict::Pass, 200, 0));
    let first = sent(&world).into_values().flatten().min().unwrap() as i64;
    assert!((opens_at..opens_at + 1_000).contains(&first), "the first message went out {} ms late", first - opens_at);
}
