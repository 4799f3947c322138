//! What the archive holds, and the races between writing, marking and freeing.

use std::io::Read;

use dawncast_core::{
    UnixMs,
    delivery::{Outcome, Standing},
    ids::PageRef,
    report::Explained,
};
use dawncast_store::{
    Store,
    archive::{Archive, ArchiveConfig, Marked, S3Config, Written},
    page::{Owner, Recorded},
    run::{DeliveryRow, Run, Story},
};
use serde_json::Value;
use tempfile::TempDir;

use crate::run_scene::{OPENS, Scene, fact, new_page};

pub(crate) fn unexplained(_: u32) -> Explained {
    Explained { class: "unknown", meaning: None }
}

/// An archive in a folder.
pub(crate) fn open_archive(folder: &TempDir) -> Archive {
    let url = format!("file://{}", folder.path().display());
    Archive::open(&ArchiveConfig { url, s3: S3Config::default() }).unwrap()
}

impl Scene {
    /// A closed run of one page of `count` deliveries, the first of which was accepted.
    pub(crate) async fn closed(&self, count: u16) -> Run {
        let owner = self.owned(count).await;
        self.attempt(&owner, 0, Outcome::Accepted).await;
        self.close(&owner).await
    }

    async fn close(&self, owner: &Owner) -> Run {
        self.store.close_run(&owner.page.run, "fail", OPENS, None).await.unwrap();
        self.store.await_archive(&owner.page.run, OPENS).await.unwrap();
        self.store.run(&owner.page.run).await.unwrap().unwrap()
    }
}

async fn again(store: &Store, run: &Run) -> Run {
    store.run(&run.record.id).await.unwrap().unwrap()
}

async fn write(store: &Store, run: &Run, token: u32) -> Written {
    store.write_archive(run, token, OPENS, unexplained).await.unwrap().expect("nothing moves")
}

/// Every delivery of a run, each with its attempts.
async fn told(store: &Store, run: &Run, now: UnixMs) -> Vec<(DeliveryRow, Vec<Story>)> {
    let mut told = Vec::new();
    for page in 0..run.pages {
        for row in store.deliveries(run, page, now).await.unwrap().unwrap() {
            told.push(store.delivery(&row.id, now).await.unwrap().unwrap());
        }
    }
    told
}

fn lines(folder: &TempDir, written: &Written) -> Vec<Value> {
    let file = std::fs::File::open(folder.path().join(&written.mark().object)).unwrap();
    let mut text = String::new();
    flate2::read::MultiGzDecoder::new(file).read_to_string(&mut text).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test]
async fn anybody_can_read_what_is_in_the_archive() {
    let (scene, folder) = (Scene::set().await, tempfile::tempdir().unwrap());
    let store = scene.store.clone().with_archive(open_archive(&folder));
    let run = scene.closed(3).await;
    let written = write(&store, &run, 1).await;
    let lines = lines(&folder, &written);
    let kinds: Vec<_> = lines.iter().map(|line| line["type"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["run", "report", "delivery", "delivery", "delivery", "index", "end"]);
    assert_eq!((&lines[0]["format"], &lines[0]["id"]), (&Value::from(1), &Value::from(run.record.id.as_str())));
    let first = &lines[2];
    assert_eq!((&first["phone"], &first["state"]), (&"+919800000000".into(), &"accepted".into()));
    assert_eq!(
        (&first["attributes"]["first_name"], &first["attempts"][0]["outcome"]),
        (&"name 0".into(), &"accepted".into())
    );
    assert_eq!((&lines[6]["deliveries"], &lines[6]["dropped"]), (&3.into(), &0.into()));
}

#[tokio::test]
async fn what_is_read_from_the_archive_is_what_the_ledger_knew_to_the_last_bit() {
    let (scene, folder) = (Scene::set().await, tempfile::tempdir().unwrap());
    let store = scene.store.clone().with_archive(open_archive(&folder));
    let pages: Vec<_> = (0..3).map(|page| new_page(page, 200)).collect();
    let id = scene.open(&pages).await;
    let mut owner = None;
    for page in 0..3 {
        owner = Some(scene.claim(&PageRef { run: id.clone(), page }, 1).await);
        let owner = owner.as_ref().unwrap();
        for (index, outcome) in (0..9_u8).zip(Outcome::ALL) {
            scene.begin(owner, &[u16::from(index)], 1, Standing::Planned).await;
            scene.commit(owner, &[fact(index, 1, outcome)]).await;
        }
        scene.begin(owner, &[5], 2, Standing::Retrying).await;
        scene.commit(owner, &[fact(5, 2, Outcome::Read), fact(5, 1, Outcome::Delivered)]).await;
    }
    let run = scene.close(&owner.unwrap()).await;
    let before = told(&store, &run, OPENS).await;
    let written = write(&store, &run, 1).await;
    assert_eq!(store.mark_archived(&run, &written).await.unwrap(), Marked::Done);
    assert!(store.free_pages(&run, &written).await.unwrap());
    let run = again(&store, &run).await;
    assert!(store.headers(&run.page_refs().collect::<Vec<_>>()).await.unwrap().is_empty());
    assert_eq!(told(&store, &run, OPENS).await, before);
    assert_eq!(store.dropped(&run.record.id).await.unwrap(), []);
}

/// A receipt after the object was written and before its page is freed: it is in the second object, and nothing is lost.
#[tokio::test]
async fn a_receipt_that_comes_while_a_run_is_archived_is_archived_too() {
    let (scene, folder) = (Scene::set().await, tempfile::tempdir().unwrap());
    let store = scene.store.clone().with_archive(open_archive(&folder));
    let id = scene.open(&[new_page(0, 2), new_page(1, 2)]).await;
    let owner = scene.claim(&PageRef { run: id.clone(), page: 0 }, 1).await;
    scene.attempt(&owner, 0, Outcome::Accepted).await;
    let run = scene.close(&owner).await;
    let first = write(&store, &run, 1).await;
    scene.receipt(&owner.page, &[fact(0, 1, Outcome::Read)]).await;
    store.mark_archived(&run, &first).await.unwrap();
    assert!(!store.free_pages(&run, &first).await.unwrap(), "what the receipt has changed stays");
    let run = again(&store, &run).await;
    assert_eq!(told(&store, &run, OPENS).await[0].0.record.read_at, Some(OPENS + 1_000), "it is read from Redis");
    // The second page is in the first object alone by now.
    let second = write(&store, &run, 2).await;
    assert_eq!(store.mark_archived(&run, &second).await.unwrap(), Marked::Done);
    store.remove_archived(&run, first.mark()).await.unwrap();
    assert!(store.free_pages(&run, &second).await.unwrap());
    assert!(store.free_run(&run, &second, OPENS).await.unwrap());
    // Whoever holds the record of before reads all the same.
    let told = told(&store, &run, OPENS).await;
    assert_eq!((told.len(), told[0].0.record.read_at), (4, Some(OPENS + 1_000)));
    assert_eq!(store.report(&again(&store, &run).await, OPENS, unexplained).await.unwrap().totals.read, 1);
    assert_eq!(store.receipt(&owner.page, &[fact(0, 1, Outcome::Read)]).await.unwrap(), Recorded::Foreign);
    assert_eq!(store.pending_archive().await.unwrap().runs, 0);
}

#[tokio::test]
async fn of_two_schedulers_that_archive_one_run_one_counts_and_neither_frees_what_the_other_wrote() {
    let (scene, folder) = (Scene::set().await, tempfile::tempdir().unwrap());
    let store = scene.store.clone().with_archive(open_archive(&folder));
    let run = scene.closed(2).await;
    let [slow, fast] = [write(&store, &run, 1).await, write(&store, &run, 2).await];
    assert_eq!(store.mark_archived(&run, &fast).await.unwrap(), Marked::Done);
    assert_eq!(store.mark_archived(&run, &slow).await.unwrap(), Marked::Refused);
    assert!(!store.free_pages(&run, &slow).await.unwrap());
    assert!(!store.free_run(&run, &slow, OPENS).await.unwrap());
    assert!(store.free_pages(&run, &fast).await.unwrap());
}

#[tokio::test]
async fn a_run_that_is_not_closed_is_not_marked() {
    let (scene, folder) = (Scene::set().await, tempfile::tempdir().unwrap());
    let store = scene.store.clone().with_archive(open_archive(&folder));
    let page = scene.page(1).await;
    let run = store.run(&page.run).await.unwrap().unwrap();
    let written = write(&store, &run, 1).await;
    assert_eq!(store.mark_archived(&run, &written).await.unwrap(), Marked::Refused);
    assert!(!store.free_pages(&run, &written).await.unwrap());
    assert!(store.page(&page).await.unwrap().is_some());
}

#[tokio::test]
async fn runs_that_were_closed_before_there_was_an_archive_are_found() {
    let scene = Scene::set().await;
    let owner = scene.owned(1).await;
    scene.store.close_run(&owner.page.run, "fail", OPENS + 7, None).await.unwrap();
    scene.page(1).await;
    scene.store.list_unarchived().await.unwrap();
    let pending = scene.store.pending_archive().await.unwrap();
    assert_eq!((pending.runs, pending.oldest), (1, Some(OPENS + 7)));
    assert_eq!(scene.store.archivable(OPENS + 6, 9).await.unwrap(), []);
    assert_eq!(scene.store.archivable(OPENS + 7, 9).await.unwrap(), [owner.page.run]);
}

#[tokio::test]
async fn settings_that_cannot_be_right_are_refused_by_their_name() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a file");
    std::fs::write(&file, "").unwrap();
    let s3 = |endpoint: &str| S3Config { endpoint: Some(endpoint.into()), region: "r".into(), ..keys() };
    let check = |url: &str, s3: S3Config, key: &str, says: &str| {
        let refused = Archive::open(&ArchiveConfig { url: url.into(), s3 }).unwrap_err();
        assert_eq!(refused.key, key, "{url}: {refused}");
        assert!(refused.reason.contains(says), "{url}: {refused}");
    };
    check("/var/lib", keys(), "archive.url", "file:///folder");
    check("ftp://host/folder", keys(), "archive.url", "ftp");
    check("file://host/folder", keys(), "archive.url", "from its root on");
    check(&format!("file://{}/x", file.display()), keys(), "archive.url", "cannot be made");
    check("s3:///prefix", keys(), "archive.url", "bucket");
    check("s3://bucket", S3Config::default(), "archive.access_key_id", "is not set");
    check("s3://bucket", S3Config { secret_access_key: None, ..keys() }, "archive.secret_access_key", "is not set");
    check("s3://bucket", s3("http://127.0.0.1:9"), "archive.endpoint", "archive.allow_http");
    check("s3://bucket", s3("here"), "archive.endpoint", "https://s3.example.com");
}

fn keys() -> S3Config {
    let key = dawncast_store::records::Secret::new("key");
    S3Config {
        region: "r".into(),
        access_key_id: Some(key.clone()),
        secret_access_key: Some(key),
        ..S3Config::default()
    }
}
