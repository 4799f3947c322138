//! The only process of its kind is killed (SIGKILL) in every step of a run and started again: the run goes on at once,
//! and everybody is served once.

use std::time::{Duration, Instant};

use dawncast_core::delivery::Standing;
use dawncast_store::run::{Run, RunState};
use dawncast_testkit::until;
use tokio::time::timeout;

use crate::kill_scene::{Broadcast, Scene};

const SOON: Duration = Duration::from_secs(20);
/// A run goes on this soon after the start at most: a lease lasts four seconds.
const GOES_ON_WITHIN: Duration = Duration::from_secs(6);
/// A moment lasts milliseconds, and may be over before the kill: so often it is tried.
const TRIES: usize = 4;

/// When to kill.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Moment {
    /// The audience is pinned, and being sorted.
    Freeze,
    /// Some pages are written.
    Plan,
    /// Numbers are being asked how they are.
    Preflight,
    /// Between preflight and the first messages.
    Open,
    /// A third has gone out.
    MidSend,
}

impl Moment {
    const ALL: [Self; 5] = [Self::Freeze, Self::Plan, Self::Preflight, Self::Open, Self::MidSend];

    /// Whether it is now. For the kill to be in time nothing more is asked than has to be.
    async fn is_now(self, scene: &Scene, broadcast: &Broadcast) -> bool {
        let id = &broadcast.run;
        match self {
            Self::Freeze => is_pinned(scene).await,
            Self::Plan => scene.tallies(id).await.tallies.count(Standing::Planned) > 0,
            Self::Preflight => scene.run(id).await.state >= RunState::Planned,
            Self::Open => scene.run(id).await.state >= RunState::Ready,
            Self::MidSend => {
                let taken = scene.tallies(id).await.numbers.values().map(|number| number.accepted).sum::<u64>();
                taken >= broadcast.recipients() / 3
            }
        }
    }

    /// Whether the kill has met it, by what was left behind.
    async fn was_met(self, scene: &Scene, broadcast: &Broadcast, run: &Run) -> bool {
        match self {
            Self::Freeze => run.state == RunState::Scheduled,
            Self::Plan => run.state == RunState::Frozen,
            Self::Preflight => run.state == RunState::Planned,
            Self::Open => run.state >= RunState::Ready && scene.taken(broadcast).await == 0,
            Self::MidSend => {
                let taken = scene.taken(broadcast).await;
                (broadcast.recipients() / 3..broadcast.recipients()).contains(&taken)
            }
        }
    }
}

/// Freeze pins the audience first of all; close lets go of it.
async fn is_pinned(scene: &Scene) -> bool {
    let pins: Vec<String> = redis::cmd("KEYS").arg("*:pins").query_async(&mut scene.store.connection()).await.unwrap();
    !pins.is_empty()
}

/// Waits for a moment that is over in milliseconds: asks without a pause.
async fn wait_for(moment: Moment, scene: &Scene, broadcast: &Broadcast) {
    let asking = async { while !moment.is_now(scene, broadcast).await {} };
    timeout(SOON, asking).await.unwrap_or_else(|_| panic!("{moment:?} did not come within {SOON:?}"));
}

/// Kills the process of `role` in a broadcast of its own and starts it again. True when the moment was met; the run
/// has to go on and serve everybody once either way.
async fn kill_at(moment: Moment, role: &'static str, scene: &mut Scene) -> bool {
    let broadcast = scene.order().await;
    wait_for(moment, scene, &broadcast).await;
    scene.kill(role);
    let left = scene.run(&broadcast.run).await;
    let met = moment.was_met(scene, &broadcast, &left).await;
    let (begun, redis) = (scene.tallies(&broadcast.run).await.tallies.attempts, scene.private_redis());
    if let Ok(ms) = std::env::var("DOWN_MS") {
        let killed = Instant::now();
        until("down", SOON, async || (killed.elapsed() > Duration::from_millis(ms.parse().unwrap())).then_some(())).await;
    }
    let started = Instant::now();
    scene.start(role);
    until("the run goes on", GOES_ON_WITHIN, async || {
        let moved = scene.run(&broadcast.run).await.state > left.state;
        (moved || scene.tallies(&broadcast.run).await.tallies.attempts > begun).then_some(())
    })
    .await;
    let went_on = started.elapsed();
    scene.prove(&broadcast).await;
    println!("{role} killed in {moment:?} (met: {met}, {} left): went on {went_on:.1?} after its start", left.state.as_str());
    assert_eq!(scene.private_redis(), redis, "the Redis that was left is adopted, and there is one at most");
    met
}

async fn kill_at_each(moments: &[Moment], role: &'static str, mut scene: Scene) {
    for moment in moments {
        let mut tries = 1;
        while !kill_at(*moment, role, &mut scene).await {
            assert!(tries < TRIES, "{moment:?} was missed {TRIES} times");
            tries += 1;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn e2e_the_only_engine_is_killed_in_each_step_and_serves_everybody_once() {
    kill_at_each(&Moment::ALL, "all", Scene::whole().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn e2e_the_only_scheduler_is_killed_in_each_step_and_everybody_is_served_once() {
    kill_at_each(&Moment::ALL, "scheduler", Scene::split().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn e2e_the_only_worker_is_killed_amid_sending_and_everybody_is_served_once() {
    kill_at_each(&[Moment::MidSend], "worker", Scene::split().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn x_down() {
    let mut scene = Scene::whole().await;
    for _ in 0..3 {
        kill_at(Moment::MidSend, "all", &mut scene).await;
    }
}
