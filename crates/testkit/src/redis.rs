//! A Redis per test, of the same making as the private one of `dawncast serve`.

use std::process::{Child, Command, Stdio};

use dawncast_store::private::{PrivateConfig, PrivateRedis};
use dawncast_store::{Store, StoreConfig};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

/// A Redis of the test's own, durable (`appendfsync always`), in a temporary folder. Gone, with its folder, when dropped
/// or when the test's process ends in whatever way.
pub struct TestRedis {
    server: Option<PrivateRedis>,
    guard: Child,
    folder: TempDir,
}

impl TestRedis {
    /// Starts one and waits until it answers.
    ///
    /// # Panics
    /// When it cannot be started, with the reason.
    pub async fn start() -> Self {
        let folder = tempfile::Builder::new().prefix("dawncast-test-").tempdir().unwrap();
        let guard = guard(&folder);
        let server = Some(launch(&folder).await);
        Self { server, guard, folder }
    }

    /// Its address; stays the same over [`restart`](Self::restart).
    pub fn url(&self) -> String {
        self.server().url()
    }

    /// Connects to it, with keys under `prefix`.
    pub async fn store(&self, prefix: &str) -> Store {
        Store::connect(&StoreConfig { url: self.url(), prefix: prefix.to_owned() }).await.unwrap()
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
        self.server = Some(launch(&self.folder).await);
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
        // Ended last, lest the test's process be killed in between; ended by force, so that it does not act.
        drop(self.server.take());
        let _ = self.guard.kill();
        let _ = self.guard.wait();
    }
}

async fn launch(folder: &TempDir) -> PrivateRedis {
    PrivateRedis::start(PrivateConfig::new(folder.path())).await.unwrap_or_else(|error| panic!("{error}"))
}

/// Destructors do not run in a test that is killed, at a time limit or by Ctrl-C. This shell outlives it, sees its
/// standard input close, and cleans up.
fn guard(folder: &TempDir) -> Child {
    use std::os::unix::process::CommandExt;
    Command::new("sh")
        .args(["-c", r#"read _; kill -9 "$(cat "$1/redis.pid")"; rm -rf "$1""#, "guard"])
        .arg(folder.path())
        .process_group(0)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader};
    use std::path::Path;
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
