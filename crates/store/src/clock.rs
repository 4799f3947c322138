//! What a process takes the time to be. Scripts are told it, so that a step of Redis' own clock opens no window, ends no
//! lease and expires nothing. Rate credit alone goes by Redis' clock, which is the same for every worker to the
//! microsecond, and is told what the process expects of it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Instant,
};

/// A process's time and the time that it expects of Redis, each a moment plus what the monotonic clock says has passed
/// since. Microseconds since 1970.
#[derive(Debug)]
pub struct ProcessTime {
    started: Instant,
    ours: AtomicI64,
    theirs: AtomicI64,
}

impl Default for ProcessTime {
    fn default() -> Self {
        Self { started: Instant::now(), ours: AtomicI64::new(0), theirs: AtomicI64::new(0) }
    }
}

impl ProcessTime {
    /// Now.
    pub fn now_us(&self) -> i64 {
        self.ours.load(Ordering::Relaxed) + self.elapsed_us()
    }

    /// What Redis is expected to say now.
    pub fn redis_us(&self) -> i64 {
        self.theirs.load(Ordering::Relaxed) + self.elapsed_us()
    }

    /// The monotonic clock, since this was made.
    pub fn elapsed_us(&self) -> i64 {
        self.started.elapsed().as_micros() as i64
    }

    /// Moves the process's time by `by_us`.
    pub fn correct(&self, by_us: i64) {
        self.ours.fetch_add(by_us, Ordering::Relaxed);
    }

    /// Redis was found to say `by_us` more than was expected of it.
    pub fn expect(&self, by_us: i64) {
        self.theirs.fetch_add(by_us, Ordering::Relaxed);
    }
}

/// Where scripts have the time from.
#[derive(Clone)]
pub(crate) enum Time {
    /// From Redis itself.
    Redis,
    /// From the process.
    Process(Arc<ProcessTime>),
    /// From a test, in Unix milliseconds; for rate credit as well.
    Test(Arc<AtomicI64>),
}

impl Time {
    /// What scripts take as the time, in milliseconds: nothing, for Redis' own.
    pub(crate) fn now_argument(&self) -> String {
        match self {
            Self::Redis => String::new(),
            Self::Process(time) => (time.now_us() / 1_000).to_string(),
            Self::Test(clock) => clock.load(Ordering::SeqCst).to_string(),
        }
    }

    /// What credit scripts take as the time, in microseconds: nothing, for Redis' own.
    pub(crate) fn credit_argument(&self) -> String {
        match self {
            Self::Redis | Self::Process(_) => String::new(),
            Self::Test(clock) => (clock.load(Ordering::SeqCst) * 1_000).to_string(),
        }
    }

    /// What Redis is expected to say, in microseconds; nothing when nobody knows.
    pub(crate) fn expected_argument(&self) -> String {
        match self {
            Self::Process(time) => time.redis_us().to_string(),
            Self::Redis | Self::Test(_) => String::new(),
        }
    }
}
