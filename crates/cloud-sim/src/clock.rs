//! The simulator's clock: limits, windows, media lives and every timestamp it writes.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Wall time at start, moved on by a monotonic clock (a step of the wall clock must not refill a bucket), plus
/// whatever was advanced by order.
pub(crate) struct Clock {
    started: Instant,
    started_us: u64,
    offset_us: AtomicU64,
}

impl Clock {
    pub(crate) fn start() -> Self {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { started: Instant::now(), started_us: micros(wall), offset_us: AtomicU64::new(0) }
    }

    /// Microseconds since the Unix epoch.
    pub(crate) fn now_us(&self) -> u64 {
        self.started_us + micros(self.started.elapsed()) + self.offset_us.load(Ordering::Relaxed)
    }

    /// Moves the clock forward; it never goes back.
    pub(crate) fn advance(&self, by: Duration) {
        self.offset_us.fetch_add(micros(by), Ordering::Relaxed);
    }

    pub(crate) fn offset(&self) -> Duration {
        Duration::from_micros(self.offset_us.load(Ordering::Relaxed))
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
