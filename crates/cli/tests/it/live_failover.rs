//! The master of a real Sentinel set is lost amid sending. Its replicas either keep up, or are a second behind, so that
//! what it acknowledged is lost with it. Run by `make test-live`.

use std::time::{Duration, Instant};

use dawncast_store::{Durability, Store, StoreConfig};
use dawncast_testkit::{TestSentinel, until};

use crate::kill_scene::{Broadcast, Scene};

const SOON: Duration = Duration::from_secs(20);
/// How long the replicas lag behind when they do: less than what makes the master refuse writes.
const LAG: Duration = Duration::from_millis(1_200);
/// More than all socket buffers between a master and a replica hold: what follows it has not left the master.
const STUFFING: usize = 24 << 20;

/// What else is the case when the master is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Besides {
    /// The replicas have what it has.
    Nothing,
    /// They are behind.
    Lag,
    /// They are behind, and the worker ends as well: what it knew is known to nobody.
    LagAndWorkerLost,
}

/// A broadcast in whose midst the master is lost, a third of it sent. Tells how many begins the lost master had written
/// that the new one does not know.
async fn broadcast(redis: &TestSentinel, durability: Durability, besides: Besides) -> (Scene, Broadcast, i64) {
    let store = StoreConfig::new(redis.url(), "dawncast:").with_durability(durability);
    let mut scene = Scene::over(store).await;
    let broadcast = scene.order_under("give_up").await;
    until("a third is sent", SOON, async || {
        (scene.taken(&broadcast).await >= broadcast.recipients() / 3).then_some(())
    })
    .await;
    let begins_lost = lose_master(redis, &mut scene, &broadcast, besides).await;
    println!("{durability:?}, besides {besides:?}: {begins_lost} begins lost");
    (scene, broadcast, begins_lost)
}

/// How many attempts the server on `port` knows of, once it has read the last of what its master had sent.
async fn known_to(redis: &TestSentinel, port: u16, broadcast: &Broadcast) -> i64 {
    until("the replica is alone", SOON, async || {
        let info: String = redis.ask(port, &["INFO", "replication"]).await.ok()?;
        info.contains("master_link_status:down").then_some(())
    })
    .await;
    let store = StoreConfig::new(format!("redis://127.0.0.1:{port}"), "dawncast:");
    Store::connect(&store).await.unwrap().run_tallies(&broadcast.run).await.unwrap().tallies.attempts
}

async fn lose_master(redis: &TestSentinel, scene: &mut Scene, broadcast: &Broadcast, besides: Besides) -> i64 {
    let old = redis.master().await;
    let others: Vec<u16> = redis.ports().into_iter().filter(|port| *port != old).collect();
    if besides != Besides::Nothing {
        others.iter().for_each(|port| redis.freeze(*port));
        redis.ask::<()>(old, &["SET", "stuffing", &"x".repeat(STUFFING)]).await.unwrap();
        let since = Instant::now();
        until("the replicas are behind", SOON, async || (since.elapsed() >= LAG).then_some(())).await;
    }
    let written = scene.tallies(&broadcast.run).await.tallies.attempts;
    redis.kill9(old);
    if besides == Besides::LagAndWorkerLost {
        scene.kill(Scene::WORKER);
    }
    let (lost, taken) = (Instant::now(), scene.taken(broadcast).await);
    others.iter().for_each(|port| redis.thaw(*port));
    let mut known = 0;
    for port in others {
        known = known.max(known_to(redis, port, broadcast).await);
    }
    redis.promoted(old).await;
    if besides == Besides::LagAndWorkerLost {
        scene.start(Scene::WORKER);
    }
    until("the new master is found", SOON, async || scene.store.time().await.ok()).await;
    // Without a worker that remembers, all that was due may be in doubt.
    if besides != Besides::LagAndWorkerLost {
        until("sending goes on", SOON, async || (scene.taken(broadcast).await > taken + 5).then_some(())).await;
        println!("sending went on after {:.1?}", lost.elapsed());
    }
    written - known
}

/// Holds the deliveries CSV against the simulator's own record once the run is closed: nobody is served twice, whoever
/// has nothing is named as unsure, and whoever has the message is either known to or named as unsure. Tells how many of
/// the unsure have the message.
async fn audit(scene: &Scene, broadcast: &Broadcast) -> usize {
    scene.closed(broadcast).await;
    let outcomes = scene.outcomes(broadcast).await;
    let count = |wanted: &dyn Fn(u64, &str) -> bool| outcomes.iter().filter(|(n, state)| wanted(*n, state)).count();
    let twice = count(&|taken, _| taken > 1);
    let unnamed = count(&|taken, state| taken == 0 && state != "unconfirmed");
    let unknown = count(&|taken, state| taken == 1 && !["delivered", "read", "unconfirmed"].contains(&state));
    assert_eq!((twice, unnamed, unknown), (0, 0, 0), "{outcomes:?}");
    let unsure = count(&|_, state| state == "unconfirmed");
    let unsure_and_sent = count(&|taken, state| taken == 1 && state == "unconfirmed");
    println!("of {} recipients {unsure} are unsure, and {unsure_and_sent} of those have the message", outcomes.len());
    unsure_and_sent
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "live: real Sentinels"]
async fn live_strict_when_the_master_is_lost_nobody_is_lost_and_nobody_served_twice() {
    let redis = TestSentinel::start("always").await;
    let (scene, broadcast, _) = broadcast(&redis, Durability::Strict, Besides::Nothing).await;
    assert_eq!(audit(&scene, &broadcast).await, 0, "a receipt that was answered is lost");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "live: real Sentinels"]
async fn live_strict_when_a_master_ahead_of_its_replicas_is_lost_nobody_is_lost_and_nobody_served_twice() {
    let redis = TestSentinel::start("always").await;
    let (scene, broadcast, _) = broadcast(&redis, Durability::Strict, Besides::Lag).await;
    assert_eq!(audit(&scene, &broadcast).await, 0, "a receipt that was answered is lost");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "live: real Sentinels"]
async fn live_standard_when_a_master_ahead_of_its_replicas_is_lost_nobody_is_served_twice_and_everybody_named() {
    let redis = TestSentinel::start("everysec").await;
    let (scene, broadcast, begins_lost) = broadcast(&redis, Durability::Standard, Besides::Lag).await;
    assert!(begins_lost > 0, "no acknowledged write was lost, so nothing is proven");
    audit(&scene, &broadcast).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "live: real Sentinels"]
async fn live_standard_when_the_worker_is_lost_with_its_master_nobody_is_served_twice_and_everybody_named() {
    let redis = TestSentinel::start("everysec").await;
    let (scene, broadcast, begins_lost) = broadcast(&redis, Durability::Standard, Besides::LagAndWorkerLost).await;
    assert!(begins_lost > 0, "no acknowledged write was lost, so nothing is proven");
    audit(&scene, &broadcast).await;
}
