//! Everything that is answered of a run is the same before and after it was archived, with its pages gone from Redis.

use std::{collections::BTreeMap, fs, path::PathBuf};

use dawncast_core::{
    delivery::{Fact, Outcome, Standing},
    desk::Intent,
    ids::{PageRef, RunId},
};
use dawncast_store::{
    archive::{Archive, ArchiveConfig, Marked, S3Config},
    page::{AttemptFact, Claim},
    run::Run,
};
use dawncast_testkit::TestRedis;
use reqwest::Method;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    rig::{Api, NOW, answer, explain},
    runs::open_run,
};

/// An API whose runs are archived in a folder.
async fn archiving() -> (Api, TempDir) {
    let (redis, folder) = (TestRedis::start().await, tempfile::tempdir().unwrap());
    let store = redis.store("t:").await.with_archive(open(&folder));
    (Api::start_on(redis, store).await, folder)
}

fn open(folder: &TempDir) -> Archive {
    let url = format!("file://{}/archive", folder.path().display());
    Archive::open(&ArchiveConfig { url, s3: S3Config::default() }).unwrap()
}

/// A closed run: of one delivery the first attempt failed and told so late, of another both got through, and one was
/// turned away.
async fn closed_run(api: &Api) -> RunId {
    let run = open_run(api).await;
    let page = PageRef { run: run.clone(), page: 1 };
    let Claim::Claimed { owner, .. } = api.store.claim(&page, [1; 8]).await.unwrap() else { panic!("it is free") };
    let begin = async |index, attempt, expected| {
        api.store.begin(&owner, &[(Intent { index, attempt, expected }, 0)]).await.unwrap();
    };
    let told = async |index, attempt, outcome, code, id: Option<&str>| {
        let fact = Fact { attempt, outcome, throttled: code == 130_429, code, at: NOW + 77 };
        let message_id = id.map(str::to_owned);
        api.store.commit(&owner, &[AttemptFact { index, fact, message_id }]).await.unwrap();
    };
    begin(0, 1, Standing::Planned).await;
    told(0, 1, Outcome::FailedRetryable, 131_000, None).await;
    begin(0, 2, Standing::Retrying).await;
    told(0, 2, Outcome::Read, 0, Some("wamid.HBgMOTE5ODc2NTQzMjEwFQIAERgSQTRDMEY1NzUwQ0Q5ODhERTUzAA==")).await;
    told(0, 1, Outcome::Delivered, 0, Some("wamid.late")).await;
    begin(1, 1, Standing::Planned).await;
    told(1, 1, Outcome::FailedRetryable, 130_429, None).await;
    api.store.close_run(&run, "fail", NOW, None).await.unwrap();
    let report = api.store.report(&stored(api, &run).await, NOW, explain).await.unwrap();
    api.store.keep_report(&report).await.unwrap();
    run
}

async fn stored(api: &Api, run: &RunId) -> Run {
    api.store.run(run).await.unwrap().unwrap()
}

async fn archive(api: &Api, run: &RunId) {
    let (store, run) = (&api.store, stored(api, run).await);
    let written = store.write_archive(&run, 7, NOW + 5, explain).await.unwrap().expect("nothing moves");
    assert_eq!(store.mark_archived(&run, &written).await.unwrap(), Marked::Done);
    assert!(store.free_pages(&run, &written).await.unwrap());
    assert!(store.free_run(&run, &written, NOW + 5).await.unwrap());
}

async fn keys(api: &Api, pattern: &str) -> Vec<String> {
    redis::cmd("KEYS").arg(pattern).query_async(&mut api.store.connection()).await.unwrap()
}

/// The file of the only archived run.
fn file(folder: &TempDir) -> PathBuf {
    let campaign = fs::read_dir(folder.path().join("archive")).unwrap().next().unwrap().unwrap();
    let files: Vec<_> = fs::read_dir(campaign.path()).unwrap().map(|file| file.unwrap().path()).collect();
    assert_eq!(files.len(), 1, "{files:?}");
    files[0].clone()
}

/// What only an archived run has.
fn without_archive(mut answer: Value) -> Value {
    if let Some(items) = answer["items"].as_array_mut() {
        items.iter_mut().for_each(|item| *item = without_archive(item.take()));
    }
    if let Some(fields) = answer.as_object_mut() {
        fields.retain(|name, _| !name.starts_with("archive"));
    }
    answer
}

/// All that is told of a run.
async fn answers(api: &Api, run: &RunId) -> BTreeMap<String, Value> {
    let campaign = stored(api, run).await.record.campaign;
    let mut paths = vec![
        "/v1/runs".to_owned(),
        format!("/v1/runs/{run}"),
        format!("/v1/runs/{run}/report"),
        format!("/v1/campaigns/{campaign}/runs"),
        format!("/v1/campaigns/{campaign}/report?from=2026-11-01&to=2026-12-01"),
        "/v1/deliveries?phone=%2B919800000001".to_owned(),
        "/v1/deliveries?phone=%2B919800000004&limit=1".to_owned(),
    ];
    let lists = ["", "?limit=4", "?limit=2&cursor=p0.2", "?cursor=d0", "?phone=%2B919800000004", "?recipient_id=r2"];
    let states = ["read", "expired", "failed", "dropped", "sent"].map(|state| format!("?state={state}"));
    paths.extend(
        lists.map(str::to_owned).iter().chain(&states).map(|query| format!("/v1/runs/{run}/deliveries{query}")),
    );
    paths
        .extend(["0.0", "0.1", "0.2", "1.0", "1.1", "1.2", "2.0"].map(|place| format!("/v1/deliveries/{run}.{place}")));
    let mut answers = BTreeMap::new();
    for path in paths {
        let (status, body) = api.get(&path).await;
        answers.insert(path, json!([status.as_u16(), without_archive(body)]));
    }
    answers.insert("csv".to_owned(), json!(text(api, run, "deliveries", "text/csv").await));
    let events = text(api, run, "events", "text/event-stream").await;
    let told = events.lines().filter_map(|line| line.strip_prefix("data: "));
    let told = told.map(|data| without_archive(serde_json::from_str(data).unwrap()));
    answers.insert("events".to_owned(), told.collect());
    answers
}

async fn text(api: &Api, run: &RunId, what: &str, accept: &str) -> String {
    let request = api.request(Method::GET, &format!("/v1/runs/{run}/{what}")).header("accept", accept);
    request.send().await.unwrap().text().await.unwrap()
}

#[tokio::test]
async fn everything_is_answered_as_before_from_an_archived_run_whose_memory_is_given_back() {
    let (api, folder) = archiving().await;
    let run = closed_run(&api).await;
    let before = answers(&api, &run).await;
    assert_eq!(keys(&api, "t:{run:*:[lrt]").await.len(), 6);
    archive(&api, &run).await;
    let mut left = keys(&api, "t:{run:*").await;
    left.sort();
    assert_eq!(left, ["", ":report", ":tally"].map(|kind| format!("t:{{run:{run}}}{kind}")));
    let after = answers(&api, &run).await;
    for (what, answer) in &before {
        assert_eq!(after[what], *answer, "{what}");
    }
    let (_, shown) = api.get(&format!("/v1/runs/{run}")).await;
    assert_eq!(shown["archived_at"], "2026-11-20T12:00:00.005Z");
    assert_eq!(shown["archive_url"], format!("file://{}", file(&folder).display()));
}

#[tokio::test]
async fn the_failures_of_an_archived_run_are_sent_to_again() {
    let (api, _folder) = archiving().await;
    let run = closed_run(&api).await;
    archive(&api, &run).await;
    let (status, retry) = answer(api.request(Method::POST, &format!("/v1/runs/{run}/retry"))).await;
    assert_eq!(status, 201, "{retry}");
    let counts = ["retried", "reached", "failed_for_good"].map(|name| retry["recipients"][name].as_u64().unwrap());
    assert_eq!(counts, [2, 2, 1], "{retry}");
}

#[tokio::test]
async fn an_archive_that_is_away_is_named_and_answers_when_it_is_back() {
    let (api, folder) = archiving().await;
    let run = closed_run(&api).await;
    archive(&api, &run).await;
    let [there, away] = ["archive", "away"].map(|name| folder.path().join(name));
    fs::rename(&there, &away).unwrap();
    for path in [format!("/v1/runs/{run}/deliveries"), format!("/v1/deliveries/{run}.0.0")] {
        let (status, problem) = api.get(&path).await;
        assert_eq!((status.as_u16(), &problem["type"]), (503, &json!("/problems/unavailable")), "{problem}");
        assert!(problem["detail"].as_str().unwrap().contains(&format!("file://{}", there.display())), "{problem}");
    }
    // What Redis keeps of it needs no archive.
    for path in [format!("/v1/runs/{run}"), format!("/v1/runs/{run}/report"), "/v1/runs".to_owned()] {
        assert_eq!(api.get(&path).await.0, 200, "{path}");
    }
    fs::rename(&away, &there).unwrap();
    assert_eq!(api.get(&format!("/v1/runs/{run}/deliveries")).await.0, 200);
}

#[tokio::test]
async fn an_object_that_was_cut_off_is_no_shorter_list() {
    let (api, folder) = archiving().await;
    let run = closed_run(&api).await;
    archive(&api, &run).await;
    let file = file(&folder);
    let whole = fs::read(&file).unwrap();
    // Another process, which has not seen where its parts are.
    let fresh = Api::start_on(TestRedis::start().await, api.store.clone().with_archive(open(&folder))).await;
    for length in [whole.len() - 1, whole.len() / 2, 0] {
        fs::write(&file, &whole[..length]).unwrap();
        let (status, problem) = fresh.get(&format!("/v1/runs/{run}/deliveries")).await;
        assert_eq!(status, 503, "{length}: {problem}");
        assert!(problem["detail"].as_str().unwrap().contains("archive"), "{problem}");
    }
}

#[tokio::test]
async fn a_server_without_the_archive_says_that_it_lacks_it() {
    let (api, _folder) = archiving().await;
    let run = closed_run(&api).await;
    archive(&api, &run).await;
    let without = Api::start_on(TestRedis::start().await, api.redis.store("t:").await).await;
    let (status, problem) = without.get(&format!("/v1/runs/{run}/deliveries")).await;
    assert_eq!(status, 503);
    assert!(problem["detail"].as_str().unwrap().contains("set archive.url"), "{problem}");
}
