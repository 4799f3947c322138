//! The only process of its kind is killed (SIGKILL) in every step of a run and started again: the run goes on at once,
//! and everybody is served once.

use std::{
    process::Stdio,
    time::{Duration, Instant},
};

use dawncast_core::delivery::Standing;
use dawncast_store::run::{Run, RunState};
use dawncast_testkit::until;
use tokio::time::timeout;

use crate::{
    dawncast::run,
    kill_scene::{Broadcast, Scene},
};

const SOON: Duration = Duration::from_secs(20);
/// A run goes on this soon after the start at most: a lease lasts four seconds.
const GOES_ON_WITHIN: Duration = Duration::from_secs(6);
/// A moment lasts milliseconds, and may be over before the kill: so often it is tried.
const TRIES: usize = 6;

/// When to kill.
#[derive(Debug, Clone, Copy)]
enum Moment {
    /// The audience is pinned, and being sorted.
    Freeze,
    /// Some pages are written.
    Plan,
    /// Numbers are being asked how they are.
    Preflight,
    /// Preflight let the run go, and nothing may begin yet.
    Ready,
    /// Attempts may begin, and hardly a page is in its lane.
    Open,
    /// A third has gone out.
    MidSend,
}

impl Moment {
    const ALL: [Self; 6] = [Self::Freeze, Self::Plan, Self::Preflight, Self::Ready, Self::Open, Self::MidSend];

    /// Whether it has come. For the kill to be in time nothing more is asked than has to be.
    async fn has_come(self, scene: &Scene, broadcast: &Broadcast) -> bool {
        let id = &broadcast.run;
        match self {
            Self::Freeze => scene.is_pinned().await,
            Self::Plan => scene.tallies(id).await.tallies.count(Standing::Planned) > 0,
            Self::Preflight => scene.run(id).await.state >= RunState::Planned,
            Self::Ready => scene.run(id).await.state >= RunState::Ready,
            Self::Open => scene.run(id).await.state >= RunState::Open,
            Self::MidSend => {
                let taken: u64 = scene.tallies(id).await.numbers.values().map(|number| number.accepted).sum();
                taken >= broadcast.recipients() / 3
            }
        }
    }

    /// Whether the kill has met it, by what was left behind.
    async fn was_met(self, scene: &Scene, broadcast: &Broadcast, left: &Run) -> bool {
        match self {
            Self::Freeze => left.state == RunState::Scheduled,
            Self::Plan => left.state == RunState::Frozen,
            Self::Preflight => left.state == RunState::Planned,
            Self::Ready => left.state == RunState::Ready,
            Self::Open => left.state == RunState::Open && scene.taken(broadcast).await == 0,
            Self::MidSend => {
                let some = broadcast.recipients() / 3..broadcast.recipients();
                some.contains(&scene.taken(broadcast).await)
            }
        }
    }
}

/// Waits for a moment that is over in milliseconds: asks without a pause.
async fn wait_for(moment: Moment, scene: &Scene, broadcast: &Broadcast) {
    let asking = async { while !moment.has_come(scene, broadcast).await {} };
    timeout(SOON, asking).await.unwrap_or_else(|_| panic!("{moment:?} did not come within {SOON:?}"));
}

/// Kills the process of `role` in a broadcast of its own and starts it again. True when the kill met its moment; the
/// run has to go on and serve everybody once either way.
async fn kill_at(moment: Moment, role: &'static str, scene: &mut Scene) -> bool {
    let broadcast = scene.order().await;
    wait_for(moment, scene, &broadcast).await;
    scene.kill(role);
    let killed_at = scene.store.time().await.unwrap();
    let left = scene.run(&broadcast.run).await;
    let met = moment.was_met(scene, &broadcast, &left).await;
    let went_on = start_again(role, scene, &broadcast, &left).await;
    println!(
        "{role}, killed in {moment:?} (met: {met}), left the run {:?}; it went on after {went_on:.1?}",
        left.state
    );
    if role == Scene::WHOLE {
        // Receipts came in vain meanwhile: messages of unknown fate are not sent again before grace has passed anew.
        let path = scene.store.receipt_path(scene.store.time().await.unwrap()).await.unwrap();
        assert!(path.up_since >= killed_at, "the webhook counts as up over its own death");
    }
    scene.prove(&broadcast).await;
    met
}

/// How long after its start a role carries the run on: its next state, or its next message.
async fn start_again(role: &'static str, scene: &mut Scene, broadcast: &Broadcast, left: &Run) -> Duration {
    let (begun, redis) = (scene.tallies(&broadcast.run).await.tallies.attempts, scene.private_redis());
    let started = Instant::now();
    scene.start(role);
    until("the run goes on", GOES_ON_WITHIN, async || {
        let moved = scene.run(&broadcast.run).await.state > left.state;
        (moved || scene.tallies(&broadcast.run).await.tallies.attempts > begun).then_some(())
    })
    .await;
    assert_eq!(scene.private_redis(), redis, "the Redis that was left is adopted, and no second one started");
    started.elapsed()
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
async fn e2e_the_only_engine_is_killed_in_each_step_and_everybody_is_served_once() {
    kill_at_each(&Moment::ALL, Scene::WHOLE, Scene::whole().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn e2e_the_only_scheduler_is_killed_in_each_step_and_everybody_is_served_once() {
    kill_at_each(&Moment::ALL, Scene::SCHEDULER, Scene::split().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn e2e_the_only_worker_is_killed_amid_sending_and_everybody_is_served_once() {
    kill_at_each(&[Moment::MidSend], Scene::WORKER, Scene::split().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn e2e_a_second_engine_on_the_data_of_a_living_one_is_refused_by_folder_and_process() {
    let scene = Scene::whole().await;
    let anywhere = ["DAWNCAST_API__LISTEN", "DAWNCAST_WEBHOOK__LISTEN"].map(|listen| (listen, "127.0.0.1:0"));
    let said = run(scene.serve(Scene::WHOLE).envs(anywhere).stderr(Stdio::piped()));
    let (folder, first) = (scene.data_dir().unwrap().display().to_string(), scene.pid(Scene::WHOLE).to_string());
    assert_eq!(said.code, 1, "{}", said.err);
    assert!(said.err.contains(&folder) && said.err.contains(&format!("process {first}")), "{}", said.err);
    assert_eq!(scene.private_redis().len(), 1);
    assert!(scene.is_ready().await, "the first one lives on");
}
