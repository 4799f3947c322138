//! A Redis per test, of the same making as the private one of `dawncast serve`; or a whole set that Sentinel looks after.

mod guard;
mod sentinel;
mod shim;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use dawncast_store::private::{Appendfsync, PrivateConfig, PrivateRedis};
use dawncast_store::records::Secret;
use dawncast_store::{Keyring, Store, StoreConfig};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use self::guard::Guard;
pub use self::{sentinel::TestSentinel, shim::Shim};

/// Where Redis keeps its append-only files, within its folder.
const DATA: &str = "appendonlydir";

/// What tests seal credentials under, as `credentials.keys` takes it.
pub const CREDENTIALS_KEY: &str = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";

/// A keyring of that alone.
pub fn keyring() -> Keyring {
    Keyring::new(&[Secret::new(CREDENTIALS_KEY)]).unwrap()
}

/// How a test's Redis is set up. By default durable (`appendfsync always`), with nothing odd about it.
#[derive(Debug, Clone, Default)]
pub struct RedisSetup {
    /// When writes reach the disk.
    pub appendfsync: Appendfsync,
    /// What it is started with: a library that makes its clock wrong or its disk slow.
    pub environment: Vec<(String, String)>,
}

/// A Redis of the test's own, in a temporary folder. Gone, with its folder, when dropped
/// or when the test's process ends in whatever way.
pub struct TestRedis {
    server: Option<PrivateRedis>,
    _guard: Guard,
    setup: RedisSetup,
    folder: TempDir,
}

impl TestRedis {
    /// Starts one and waits until it answers.
    ///
    /// # Panics
    /// When it cannot be started, with the reason.
    pub async fn start() -> Self {
        Self::start_with(RedisSetup::default()).await
    }

    /// The same, set up otherwise.
    ///
    /// # Panics
    /// As [`start`](Self::start).
    pub async fn start_with(setup: RedisSetup) -> Self {
        let folder = tempfile::Builder::new().prefix("dawncast-test-").tempdir().unwrap();
        let guard = Guard::over(folder.path());
        let server = Some(launch(&folder, &setup).await);
        Self { server, _guard: guard, setup, folder }
    }

    /// Its address; stays the same over [`restart`](Self::restart).
    pub fn url(&self) -> String {
        self.server().url()
    }

    /// Connects to it, with keys under `prefix`.
    pub async fn store(&self, prefix: &str) -> Store {
        Store::connect(&StoreConfig::new(self.url(), prefix)).await.unwrap().with_keyring(keyring())
    }

    /// Ends it as a crash would, without a word of warning. Its data stay.
    pub fn kill9(&self) {
        let pid = i32::try_from(self.server().pid()).ok().and_then(Pid::from_raw).unwrap();
        // It may have ended by itself, or by the test's hand.
        let _ = kill_process(pid, Signal::KILL);
    }

    /// Starts it again on the same data, ending it first if it lives.
    pub async fn restart(&mut self) {
        drop(self.server.take());
        self.server = Some(launch(&self.folder, &self.setup).await);
    }

    /// A copy of its data as they are now, as a backup takes one.
    pub fn backup(&self) -> TempDir {
        let backup = tempfile::tempdir().unwrap();
        copy(&self.folder.path().join(DATA), backup.path());
        backup
    }

    /// Ends it and starts it again on the data of a backup.
    pub async fn restore(&mut self, backup: impl AsRef<Path>) {
        drop(self.server.take());
        let data = self.folder.path().join(DATA);
        fs::remove_dir_all(&data).unwrap();
        copy(backup.as_ref(), &data);
        self.server = Some(launch(&self.folder, &self.setup).await);
    }

    fn server(&self) -> &PrivateRedis {
        self.server.as_ref().expect("there is a server except while it restarts")
    }
}

impl Drop for TestRedis {
    fn drop(&mut self) {
        if self.server.is_some() {
            self.kill9();
        }
        drop(self.server.take());
    }
}

/// Copies the files of a folder.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, to.join(path.file_name().unwrap())).unwrap();
    }
}

async fn launch(folder: &TempDir, setup: &RedisSetup) -> PrivateRedis {
    let binary = (!setup.environment.is_empty()).then(|| wrapper(folder, &setup.environment));
    let config = PrivateConfig { appendfsync: setup.appendfsync, binary, ..PrivateConfig::new(folder.path()) };
    PrivateRedis::start(config).await.unwrap_or_else(|error| panic!("{error}"))
}

/// A program that is `redis-server` in this environment.
fn wrapper(folder: &TempDir, environment: &[(String, String)]) -> PathBuf {
    let path = folder.path().join("redis-server");
    let exports = environment.iter().map(|(name, value)| format!("export {name}='{value}'\n"));
    fs::write(&path, format!("#!/bin/sh\n{}exec redis-server \"$@\"\n", exports.collect::<String>())).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).unwrap();
    path
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader};
    use std::process::{Command, Stdio};
    use std::time::Duration;

    use super::*;
    use crate::until;

    const SOON: Duration = Duration::from_secs(10);

    async fn is_up(url: &str) -> bool {
        let client = ::redis::Client::open(url).unwrap();
        client.get_multiplexed_async_connection().await.is_ok()
    }

    #[tokio::test]
    async fn acknowledged_data_survive_kill_and_restart() {
        let mut redis = TestRedis::start().await;
        let url = redis.url();
        let mut connection = redis.store("").await.connection();
        ::redis::cmd("SET").arg("key").arg("value").exec_async(&mut connection).await.unwrap();
        redis.kill9();
        until("it is down", SOON, async || (!is_up(&url).await).then_some(())).await;
        redis.restart().await;
        assert_eq!(redis.url(), url);
        let mut connection = redis.store("").await.connection();
        let value: String = ::redis::cmd("GET").arg("key").query_async(&mut connection).await.unwrap();
        assert_eq!(value, "value");
    }

    #[tokio::test]
    async fn nothing_is_left_after_drop() {
        let redis = TestRedis::start().await;
        let (url, folder) = (redis.url(), redis.folder.path().to_owned());
        assert!(is_up(&url).await && folder.exists());
        drop(redis);
        assert!(!is_up(&url).await && !folder.exists());
    }

    /// Run by the next test, in a process of its own.
    #[tokio::test]
    #[ignore = "part of `nothing_is_left_by_a_test_that_is_killed`"]
    async fn a_test_that_hangs() {
        let redis = TestRedis::start().await;
        println!("\nat {}", redis.folder.path().display());
        std::future::pending::<()>().await;
    }

    #[tokio::test]
    async fn nothing_is_left_by_a_test_that_is_killed() {
        let mut test = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "redis::tests::a_test_that_hangs", "--ignored", "--nocapture"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(test.stdout.take().unwrap()).lines();
        let folder = lines.map(Result::unwrap).find_map(|line| line.strip_prefix("at ").map(str::to_owned)).unwrap();
        let url = format!("redis+unix://{folder}/redis.sock");
        assert!(is_up(&url).await);
        test.kill().unwrap();
        test.wait().unwrap();
        until("all is gone", SOON, async || (!is_up(&url).await && !Path::new(&folder).exists()).then_some(())).await;
    }
}
