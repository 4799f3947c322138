//! The process's clock: Redis' time at the last look plus what the monotonic clock says has passed. A worker whose own
//! clock is wrong still sends at the right minute.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, Instant},
};

use dawncast_core::UnixMs;
use dawncast_store::{Store, StoreError};
use tokio_util::sync::CancellationToken;
use tracing::warn;

/// A jump of Redis' clock that is worth a word.
const SKEW_MS: i64 = 1_000;
const SYNC_EVERY: Duration = Duration::from_secs(1);

/// See the module. Clones share what they know.
#[derive(Debug, Clone)]
pub struct Clock {
    started: Instant,
    /// Redis' time when `started` was taken.
    base: Arc<AtomicI64>,
}

impl Clock {
    /// A clock set by Redis.
    ///
    /// # Errors
    /// When Redis cannot be asked.
    pub async fn start(store: &Store) -> Result<Self, StoreError> {
        let clock = Self { started: Instant::now(), base: Arc::default() };
        clock.base.store(clock.base_now(store).await?, Ordering::Relaxed);
        Ok(clock)
    }

    /// Now, in Redis' time.
    pub fn now(&self) -> UnixMs {
        self.base.load(Ordering::Relaxed) + self.started.elapsed().as_millis() as i64
    }

    /// Asks Redis again each second until `stop`.
    pub(crate) async fn keep(&self, store: &Store, stop: &CancellationToken) {
        while !sleep_or_stop(SYNC_EVERY, stop).await {
            let Ok(base) = self.base_now(store).await else { continue };
            let moved = base - self.base.swap(base, Ordering::Relaxed);
            if moved.abs() > SKEW_MS {
                warn!(moved_ms = moved, "the clock of Redis moved against this process by {moved} ms");
            }
        }
    }

    /// What `base` should be: Redis answered half-way through the call.
    async fn base_now(&self, store: &Store) -> Result<i64, StoreError> {
        let asked = self.started.elapsed();
        let time = store.time().await?;
        let answered = self.started.elapsed();
        Ok(time - ((asked + answered) / 2).as_millis() as i64)
    }
}

/// Waits; true when `stop` came first.
pub(crate) async fn sleep_or_stop(wait: Duration, stop: &CancellationToken) -> bool {
    tokio::time::timeout(wait, stop.cancelled()).await.is_ok()
}

/// Runs `duty` every `interval` until `stop`. A duty is dull: what goes wrong it has logged itself.
pub(crate) async fn every<F: Future<Output = ()>>(
    interval: Duration,
    stop: &CancellationToken,
    mut duty: impl FnMut() -> F,
) {
    loop {
        duty().await;
        if sleep_or_stop(interval, stop).await {
            return;
        }
    }
}
