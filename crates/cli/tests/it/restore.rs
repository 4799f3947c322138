//! A private Redis that somebody put an older copy back under.

use std::{fs, path::Path, process::Command, time::Duration};

use dawncast_testkit::{TestRedis, until};

use crate::flow::{Deployment, get, serve};

const SOON: Duration = Duration::from_secs(20);

fn stop(it: &mut Deployment) {
    let pid = it.engine.0.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    assert!(it.engine.0.wait().unwrap().success());
}

/// A copy of Redis' files whose last beat is so old that it cannot be taken for a crash: to spare the test that wait.
async fn old_copy(files: &Path) -> tempfile::TempDir {
    let mut redis = TestRedis::start().await;
    redis.restore(files).await;
    let mut connection = redis.store("").await.connection();
    let mut back = redis::cmd("HINCRBY");
    back.arg("dawncast:{database}").arg("beat").arg(-10_000).exec_async(&mut connection).await.unwrap();
    redis.backup()
}

fn put_back(copy: &Path, files: &Path) {
    fs::remove_dir_all(files).unwrap();
    fs::create_dir(files).unwrap();
    for entry in fs::read_dir(copy).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, files.join(path.file_name().unwrap())).unwrap();
    }
}

/// Waits until the process says of a restored snapshot, for its metrics, what `value` says.
async fn is_exported(it: &Deployment, value: u8) {
    let line = format!("dawncast_unready{{reason=\"restored\"}} {value}");
    let url = format!("http://{}/metrics", it.metrics);
    until(&line, SOON, async || get(&url).await.filter(|metrics| metrics.contains(&line))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn e2e_a_restored_private_redis_is_noticed_at_start_and_waits_for_a_person() {
    let mut it = Deployment::start().await;
    let files = it.folder.path().join("data/appendonlydir");
    assert!(it.tell(&["restore"]).contains("nothing waits"));
    is_exported(&it, 0).await;
    stop(&mut it);
    let copy = old_copy(&files).await;
    it.engine = serve(it.folder.path());
    it.ready().await;
    stop(&mut it);
    put_back(copy.path(), &files);
    it.engine = serve(it.folder.path());
    is_exported(&it, 1).await;
    assert_eq!(get(&format!("http://{}/readyz", it.metrics)).await, None, "it is not ready");
    let told = it.tell(&["restore"]);
    assert!(told.contains("Snapshot of") && told.contains("dawncast restore acknowledge"), "{told}");
    assert_eq!(it.ask(&["restore", "acknowledge"])["restored"], false);
    it.ready().await;
    is_exported(&it, 0).await;
    assert!(it.tell(&["restore", "acknowledge"]).contains("nothing to acknowledge"));
}
