use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use dawncast_store::private::{Appendfsync, PrivateConfig, PrivateError, PrivateRedis};
use dawncast_testkit::until;
use redis::aio::MultiplexedConnection;
use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use tempfile::TempDir;

const SOON: Duration = Duration::from_secs(10);

async fn start(folder: &TempDir) -> PrivateRedis {
    PrivateRedis::start(PrivateConfig::new(folder.path())).await.unwrap()
}

async fn connect(url: &str) -> MultiplexedConnection {
    redis::Client::open(url).unwrap().get_multiplexed_async_connection().await.unwrap()
}

async fn set(url: &str, value: u32) {
    redis::cmd("SET").arg("key").arg(value).exec_async(&mut connect(url).await).await.unwrap();
}

async fn get(url: &str) -> Option<u32> {
    redis::cmd("GET").arg("key").query_async(&mut connect(url).await).await.unwrap()
}

async fn config(url: &str, name: &str) -> String {
    let query = redis::cmd("CONFIG").arg("GET").arg(name).query_async(&mut connect(url).await).await;
    let (_, value): (String, String) = query.unwrap();
    value
}

fn pid(id: u32) -> Pid {
    Pid::from_raw(i32::try_from(id).unwrap()).unwrap()
}

/// An orphan stays in the table of processes as a zombie until init cares, so its state is asked for.
async fn is_gone(id: u32) {
    let state = || fs::read_to_string(format!("/proc/{id}/stat"));
    until("the process is gone", SOON, async || state().map_or(true, |stat| stat.contains(") Z ")).then_some(())).await;
}

/// A dawncast that started a Redis on `folder` and was killed; the id of the Redis that it left.
async fn leave_an_orphan(folder: &Path) -> u32 {
    let mut owner = spawn_owner(folder);
    let redis = wait_for_owner(&mut owner);
    owner.kill().unwrap();
    owner.wait().unwrap();
    redis
}

fn spawn_owner(folder: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "private::an_owner", "--ignored", "--nocapture"])
        .env("OWNED_FOLDER", folder)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

fn wait_for_owner(owner: &mut Child) -> u32 {
    let lines = BufReader::new(owner.stdout.take().unwrap()).lines();
    lines.map(Result::unwrap).find_map(|line| line.strip_prefix("redis ")?.parse().ok()).unwrap()
}

/// Another process that owns a folder, for the other tests.
#[tokio::test]
#[ignore = "run by other tests"]
async fn an_owner() {
    let folder = std::env::var("OWNED_FOLDER").expect("run by other tests only");
    let redis = PrivateRedis::start(PrivateConfig::new(folder)).await.unwrap();
    println!("\nredis {}", redis.pid());
    std::future::pending::<()>().await;
}

#[tokio::test]
async fn data_stay_between_starts() {
    let folder = TempDir::new().unwrap();
    let redis = start(&folder).await;
    let old = redis.pid();
    set(&redis.url(), 7).await;
    redis.stop().await.unwrap();
    assert!(test_kill_process(pid(old)).is_err(), "stop returns when it has stopped");
    let redis = start(&folder).await;
    assert_eq!(get(&redis.url()).await, Some(7));
    redis.stop().await.unwrap();
}

#[tokio::test]
async fn it_is_durable_never_evicts_and_has_no_port() {
    let folder = TempDir::new().unwrap();
    let wanted = PrivateConfig { max_memory: Some(64 << 20), ..PrivateConfig::new(folder.path()) };
    let redis = PrivateRedis::start(wanted).await.unwrap();
    let set_up = [
        ("appendonly", "yes"),
        ("appendfsync", "always"),
        ("save", ""),
        ("maxmemory", "67108864"),
        ("maxmemory-policy", "noeviction"),
        ("port", "0"),
    ];
    for (name, value) in set_up {
        assert_eq!(config(&redis.url(), name).await, value, "{name}");
    }
}

#[tokio::test]
async fn dropping_it_ends_it() {
    let folder = TempDir::new().unwrap();
    let redis = start(&folder).await;
    let id = redis.pid();
    drop(redis);
    is_gone(id).await;
}

#[tokio::test]
async fn deleting_its_folder_first_does_not_keep_it_alive() {
    let folder = TempDir::new().unwrap();
    let redis = start(&folder).await;
    let id = redis.pid();
    drop(folder);
    drop(redis);
    is_gone(id).await;
}

#[tokio::test]
async fn the_orphan_of_a_killed_owner_is_adopted_and_then_stopped() {
    let folder = TempDir::new().unwrap();
    let orphan = leave_an_orphan(folder.path()).await;
    let redis = start(&folder).await;
    assert_eq!(redis.pid(), orphan);
    set(&redis.url(), 1).await;
    redis.stop().await.unwrap();
    is_gone(orphan).await;
}

#[tokio::test]
async fn an_orphan_set_up_otherwise_is_ended_and_its_data_are_kept() {
    let folder = TempDir::new().unwrap();
    let orphan = leave_an_orphan(folder.path()).await;
    set(&format!("redis+unix://{}/redis.sock", folder.path().display()), 3).await;
    let wanted = PrivateConfig { appendfsync: Appendfsync::EverySec, ..PrivateConfig::new(folder.path()) };
    let redis = PrivateRedis::start(wanted).await.unwrap();
    assert_ne!(redis.pid(), orphan);
    is_gone(orphan).await;
    assert_eq!(config(&redis.url(), "appendfsync").await, "everysec");
    assert_eq!(get(&redis.url()).await, Some(3));
}

#[tokio::test]
async fn an_orphan_whose_socket_was_deleted_is_ended() {
    let folder = TempDir::new().unwrap();
    let orphan = leave_an_orphan(folder.path()).await;
    fs::remove_file(folder.path().join("redis.sock")).unwrap();
    let redis = start(&folder).await;
    assert_ne!(redis.pid(), orphan);
    is_gone(orphan).await;
}

#[tokio::test]
async fn a_second_start_on_the_folder_is_refused_by_name_and_process() {
    let folder = TempDir::new().unwrap();
    let mut owner = spawn_owner(folder.path());
    let redis = wait_for_owner(&mut owner);
    let refusal = PrivateRedis::start(PrivateConfig::new(folder.path())).await.unwrap_err();
    assert!(matches!(refusal, PrivateError::Held { owner: Some(id), .. } if id == owner.id()), "{refusal:?}");
    let text = refusal.to_string();
    assert!(text.contains(folder.path().to_str().unwrap()) && text.contains(&owner.id().to_string()), "{text}");
    assert!(test_kill_process(pid(redis)).is_ok(), "the first one is not disturbed");
    owner.kill().unwrap();
    owner.wait().unwrap();
    start(&folder).await.stop().await.unwrap();
}

#[tokio::test]
async fn of_many_starts_at_once_one_wins() {
    let folder = TempDir::new().unwrap();
    let attempts = (0..4).map(|_| PrivateRedis::start(PrivateConfig::new(folder.path())));
    let results = futures::future::join_all(attempts).await;
    let (won, lost): (Vec<_>, Vec<_>) = results.into_iter().partition(Result::is_ok);
    assert_eq!(won.len(), 1);
    assert!(lost.iter().all(|refused| matches!(refused, Err(PrivateError::Held { .. }))), "{lost:?}");
}

#[tokio::test]
async fn leftovers_of_a_crash_do_not_hinder_a_start() {
    let folder = TempDir::new().unwrap();
    for (file, left) in [("redis.sock", ""), ("redis.pid", "1"), ("lock", "1"), ("redis.lock", ""), ("redis.conf", "x")]
    {
        fs::write(folder.path().join(file), left).unwrap();
    }
    let redis = start(&folder).await;
    set(&redis.url(), 1).await;
    kill_process(pid(redis.pid()), Signal::KILL).unwrap();
    drop(redis);
    assert!(folder.path().join("redis.sock").exists() && folder.path().join("redis.pid").exists());
    assert_eq!(get(&start(&folder).await.url()).await, Some(1));
}

#[tokio::test]
async fn a_folder_too_deep_for_a_socket_works_as_well() {
    let folder = TempDir::new().unwrap();
    let deep = folder.path().join("a folder\"/".repeat(12));
    let redis = PrivateRedis::start(PrivateConfig::new(&deep)).await.unwrap();
    set(&redis.url(), 1).await;
    assert_eq!(config(&redis.url(), "dir").await, deep.canonicalize().unwrap().to_str().unwrap());
    let socket = config(&redis.url(), "unixsocket").await;
    redis.stop().await.unwrap();
    assert!(!Path::new(&socket).exists());
}

#[tokio::test]
async fn a_missing_program_says_what_to_install() {
    let folder = TempDir::new().unwrap();
    let wanted = PrivateConfig { binary: Some("no-such-redis".into()), ..PrivateConfig::new(folder.path()) };
    let text = PrivateRedis::start(wanted).await.unwrap_err().to_string();
    for part in ["`no-such-redis`", "apt-get install redis-server", "brew install redis", "redis.url"] {
        assert!(text.contains(part), "{text}");
    }
}

#[tokio::test]
async fn a_server_that_dies_at_its_start_is_quoted() {
    let folder = TempDir::new().unwrap();
    fs::create_dir(folder.path().join("appendonlydir")).unwrap();
    fs::write(folder.path().join("appendonlydir/appendonly.aof.manifest"), "rubbish\n").unwrap();
    let error = PrivateRedis::start(PrivateConfig::new(folder.path())).await.unwrap_err();
    let text = error.to_string();
    assert!(matches!(error, PrivateError::Died { .. }), "{text}");
    assert!(text.contains("manifest") && text.contains("redis.log"), "{text}");
}
