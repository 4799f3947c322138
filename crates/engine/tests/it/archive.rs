//! The last step of a run: written into the archive by the scheduler, and gone from Redis.

use std::{fs, time::Duration};

use dawncast_cloud_api::webhook::ReceivedStatus;
use dawncast_core::ids::RunId;
use dawncast_store::run::Run;
use dawncast_testkit::until;
use serde_json::json;

use crate::{
    postbox::Mode,
    world::{PATIENCE, World, calm},
};

const PEOPLE: u64 = 300;

impl World {
    async fn archived(&self, id: &RunId) -> Run {
        let freed = async || Some(self.run(id).await).filter(|run| run.freed_at.is_some());
        until("the run is archived", PATIENCE, freed).await
    }

    /// Keys and bytes that Redis spends on a run. *Freed before let go*: a scheduler says that the run is freed, and then gives
    /// back its claim on archiving it.
    async fn spent(&self, id: &RunId) -> (usize, u64) {
        let mut connection = self.store.connection();
        let mut keys: Vec<String> =
            redis::cmd("KEYS").arg(format!("t:{{run:{id}}}*")).query_async(&mut connection).await.unwrap();
        keys.retain(|key| !key.ends_with(":archiving"));
        let mut pipe = redis::pipe();
        for key in &keys {
            pipe.cmd("MEMORY").arg("USAGE").arg(key).arg("SAMPLES").arg(0);
        }
        // What a step has kept for a while may be gone by now.
        let bytes: Vec<Option<u64>> = pipe.query_async(&mut connection).await.unwrap();
        (keys.len(), bytes.iter().flatten().sum())
    }
}

/// And so is one that was closed before there was an archive.
#[tokio::test(flavor = "multi_thread")]
async fn a_closed_run_is_archived_once_it_is_due_and_redis_has_its_memory_back() {
    let folder = tempfile::tempdir().unwrap();
    let mut world = World::start(calm()).await;
    let run = world.submit(&world.audience(PEOPLE).await, json!({})).await;
    let (before_archive, _worker) = (world.scheduler(), world.worker());
    world.closed(&run).await;
    let (before, rows, report) = (world.spent(&run).await, world.rows(&run).await, world.report(&run).await);
    world.passes(1_500).await;
    assert!(world.run(&run).await.archived.is_none(), "there is no archive");
    drop(before_archive);
    world.archive(folder.path(), Duration::from_secs(2));
    let _scheduler = world.scheduler();
    let archived = world.archived(&run).await;
    assert!(archived.freed_at >= archived.closed_at.map(|at| at + 2_000));
    let (after, bytes) = (world.spent(&run).await, archived.archived.unwrap().bytes);
    println!("{PEOPLE} deliveries: {before:?} keys and bytes, then {after:?}; {bytes} in the archive");
    assert_eq!(after.0, 3, "the run itself, its tallies and its report");
    assert!(before.1 - after.1 > 60 * PEOPLE, "{before:?} then {after:?}");
    assert_eq!((world.rows(&run).await, world.report(&run).await), (rows, report));
    world.audit(&run).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_that_comes_after_the_archive_is_foreign_and_answered() {
    let folder = tempfile::tempdir().unwrap();
    let mut world = World::start(calm()).await;
    world.archive(folder.path(), Duration::ZERO);
    world.postbox.set(Mode::Keep);
    let run = world
        .submit(&world.audience(20).await, json!({ "window": { "opens": "0s", "closes": "+1s", "deadline": "+4s" } }))
        .await;
    let _crew = (world.scheduler(), world.worker());
    world.until_accepted(20).await;
    let archived = world.archived(&run).await;
    let late: Vec<ReceivedStatus> = world.postbox.kept().into_iter().flatten().collect();
    assert!(!late.is_empty());
    world.postbox.deliver(late).await;
    assert_eq!(world.run(&run).await, archived);
    assert_eq!((world.report(&run).await.totals.accepted, world.spent(&run).await.0), (20, 3));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_archive_that_is_away_is_waited_for_and_nothing_is_removed_meanwhile() {
    let folder = tempfile::tempdir().unwrap();
    let mut world = World::start(calm()).await;
    let archive = folder.path().join("archive");
    world.archive(&archive, Duration::ZERO);
    // Where its folder was is a file now: nothing can be written there, even by an administrator.
    fs::remove_dir(&archive).unwrap();
    fs::write(&archive, "").unwrap();
    let run = world.submit(&world.audience(20).await, json!({})).await;
    let _crew = (world.scheduler(), world.worker());
    world.closed(&run).await;
    world.passes(3_000).await;
    let waiting = world.run(&run).await;
    assert_eq!((waiting.archived, world.rows(&run).await.len()), (None, 20));
    assert_eq!(world.store.pending_archive().await.unwrap().runs, 1);
    fs::remove_file(&archive).unwrap();
    fs::create_dir(&archive).unwrap();
    world.archived(&run).await;
    assert_eq!((world.rows(&run).await.len(), world.spent(&run).await.0), (20, 3));
}
