//! A wall clock that is wrong and a disk that is slow to order, for a process that is started with them.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;

/// The source of the library, compiled by the C compiler that the build needs anyway.
const SOURCE: &str = include_str!("shim.c");
/// Where the orders are in the shared file: seconds and microseconds, eight bytes each.
const CLOCK_AT: u64 = 0;
const DISK_AT: u64 = 8;

/// A library that a process is started with. Its clock and its disk are right until told otherwise; the monotonic clock
/// stays true. Has to outlive the process.
pub struct Shim {
    folder: TempDir,
    orders: File,
}

impl Shim {
    /// Makes one.
    ///
    /// # Panics
    /// When there is no C compiler (`make setup`).
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (source, library) = (folder.path().join("shim.c"), folder.path().join("shim.so"));
        fs::write(&source, SOURCE).unwrap();
        let compiled = Command::new("cc").args(["-shared", "-fPIC", "-O1", "-o"]).arg(library).arg(source).output();
        let compiled =
            compiled.unwrap_or_else(|why| panic!("there is no C compiler, `make setup` installs one: {why}"));
        assert!(compiled.status.success(), "{}", String::from_utf8_lossy(&compiled.stderr));
        let orders = File::create(folder.path().join("orders")).unwrap();
        let shim = Self { folder, orders };
        shim.set_clock(0);
        shim.set_disk(Duration::ZERO);
        shim
    }

    /// The wall clock is `ahead_s` seconds ahead of the true time, or behind it.
    pub fn set_clock(&self, ahead_s: i64) {
        self.order(CLOCK_AT, ahead_s);
    }

    /// Each flush to the disk takes this much longer.
    pub fn set_disk(&self, delay: Duration) {
        self.order(DISK_AT, delay.as_micros() as i64);
    }

    /// What a process is started with.
    pub fn environment(&self) -> Vec<(String, String)> {
        let path = |name| self.folder.path().join(name).display().to_string();
        [("LD_PRELOAD", path("shim.so")), ("TESTKIT_SHIM", path("orders"))]
            .map(|(name, value)| (name.to_owned(), value))
            .into()
    }

    fn order(&self, at: u64, value: i64) {
        self.orders.write_all_at(&value.to_ne_bytes(), at).unwrap();
    }
}

impl Default for Shim {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Instant, SystemTime, UNIX_EPOCH};

    use super::*;
    use crate::{RedisSetup, TestRedis};

    async fn shimmed(shim: &Shim) -> TestRedis {
        TestRedis::start_with(RedisSetup { environment: shim.environment(), ..RedisSetup::default() }).await
    }

    #[tokio::test]
    async fn redis_goes_by_the_clock_that_it_is_given() {
        let shim = Shim::new();
        let redis = shimmed(&shim).await;
        let store = redis.store("").await;
        for ahead in [0, 300, -300, 2] {
            shim.set_clock(ahead);
            let (said, now) = (store.time().await.unwrap(), SystemTime::now().duration_since(UNIX_EPOCH).unwrap());
            assert!((said - now.as_millis() as i64 - ahead * 1_000).abs() < 1_000, "{ahead} s: {said}");
        }
    }

    #[tokio::test]
    async fn redis_waits_for_the_disk_that_it_is_given() {
        let shim = Shim::new();
        let redis = shimmed(&shim).await;
        let mut connection = redis.store("").await.connection();
        let slow = Duration::from_millis(60);
        shim.set_disk(slow);
        let started = Instant::now();
        ::redis::cmd("SET").arg("key").arg("value").exec_async(&mut connection).await.unwrap();
        assert!(started.elapsed() >= slow);
    }
}
