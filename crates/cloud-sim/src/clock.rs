//! The simulator's clock: limits, windows, media lives, webhooks and every timestamp it writes.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tokio::sync::watch;

/// Wall time at start, moved on by a monotonic clock (a step of the wall clock must not refill a bucket), plus
/// whatever was advanced by order. Copies show the same time.
#[derive(Clone)]
pub(crate) struct Clock(Arc<Face>);

struct Face {
    started: Instant,
    started_us: u64,
    offset_us: AtomicU64,
    /// Wakes whoever waits for a time when the clock is advanced.
    moved: watch::Sender<()>,
}

impl Clock {
    pub(crate) fn start() -> Self {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let moved = watch::Sender::new(());
        let face = Face { started: Instant::now(), started_us: micros(wall), offset_us: AtomicU64::new(0), moved };
        Self(Arc::new(face))
    }

    /// Microseconds since the Unix epoch.
    pub(crate) fn now_us(&self) -> u64 {
        self.0.started_us + micros(self.0.started.elapsed()) + self.0.offset_us.load(Ordering::Relaxed)
    }

    /// Moves the clock forward; it never goes back.
    pub(crate) fn advance(&self, by: Duration) {
        self.0.offset_us.fetch_add(micros(by), Ordering::Relaxed);
        self.0.moved.send_replace(());
    }

    pub(crate) fn offset(&self) -> Duration {
        Duration::from_micros(self.0.offset_us.load(Ordering::Relaxed))
    }

    /// Returns when it shows this time, by itself or because it was advanced.
    pub(crate) async fn until(&self, at_us: u64) {
        // Before the time is read, so that no advance falls in between.
        let mut moved = self.0.moved.subscribe();
        while let Some(left) = at_us.checked_sub(self.now_us()).filter(|left| *left > 0) {
            tokio::select! {
                () = tokio::time::sleep(Duration::from_micros(left)) => {}
                // The sender lives as long as `self`.
                _ = moved.changed() => {}
            }
        }
    }

    pub(crate) async fn sleep(&self, span: Duration) {
        self.until(self.now_us().saturating_add(micros(span))).await;
    }
}

pub(crate) fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_waits_is_woken_when_the_clock_is_advanced() {
        let clock = Clock::start();
        let waiter = clock.clone();
        let due = clock.now_us() + micros(Duration::from_secs(3600));
        let waiting = tokio::spawn(async move { waiter.until(due).await });
        clock.advance(Duration::from_secs(3601));
        tokio::time::timeout(Duration::from_secs(10), waiting).await.unwrap().unwrap();
    }
}
