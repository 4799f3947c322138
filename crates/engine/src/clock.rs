//! The process's clock. It is set by Redis, so that a worker whose own clock is wrong still sends at the right minute, and
//! it runs by the monotonic clock. It follows Redis no faster than [`SLEW_US`] a second, and steps only when Redis and this
//! machine agree that it is wrong: a Redis whose clock jumps by itself is not followed.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
    time::{Duration, SystemTime},
};

use dawncast_core::UnixMs;
use dawncast_store::{ProcessTime, Store, StoreError};
use metrics::gauge;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::{Context, metrics::CLOCK_SKEW};

/// Clocks this close together agree.
const AGREE_US: i64 = 1_000_000;
/// How much the clock is moved each second towards one that it agrees with: little enough for no number to exceed its rate
/// by it.
const SLEW_US: i64 = 10_000;
/// An answer that took longer says too little about when it was given. A process that was frozen meanwhile would be set
/// wrong by half of its sleep.
const SLOW_US: i64 = 250_000;
/// Looks at the start, of which the quickest counts.
const FIRST_LOOKS: usize = 3;
const SYNC_EVERY: Duration = Duration::from_secs(1);

/// See the module. Clones share what they know.
#[derive(Debug, Clone, Default)]
pub struct Clock {
    time: Arc<ProcessTime>,
    /// By the monotonic clock of `time`, when it was last stepped; zero for never.
    stepped_us: Arc<AtomicI64>,
    /// Redis' clock is not followed.
    alone: Arc<AtomicBool>,
}

/// What a look at the other clocks found.
#[derive(Debug, Clone, Copy)]
struct Look {
    /// Redis' clock, half-way through the call, against what was expected of it.
    unexpected_us: i64,
    /// The same against this clock.
    redis_us: i64,
    /// This machine's clock against this clock.
    machine_us: i64,
    /// How long the answer took.
    took_us: i64,
}

/// What follows from a look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Correction {
    /// A little, this time.
    Slew(i64),
    /// At once, by so much.
    Step(i64),
    /// None: Redis' clock is wrong.
    Stand,
}

fn correction(redis_us: i64, machine_us: i64) -> Correction {
    if redis_us.abs() <= AGREE_US {
        Correction::Slew(redis_us.clamp(-SLEW_US, SLEW_US))
    } else if (machine_us - redis_us).abs() <= AGREE_US {
        Correction::Step(redis_us)
    } else {
        Correction::Stand
    }
}

impl Clock {
    /// A clock set by Redis.
    ///
    /// # Errors
    /// When Redis cannot be asked.
    pub async fn start(store: &Store) -> Result<Self, StoreError> {
        let clock = Self::default();
        let mut best = clock.look(store).await?;
        for _ in 1..FIRST_LOOKS {
            let look = clock.look(store).await?;
            best = if look.took_us < best.took_us { look } else { best };
        }
        clock.time.correct(best.redis_us);
        clock.time.expect(best.unexpected_us);
        Ok(clock)
    }

    /// Now.
    pub fn now(&self) -> UnixMs {
        self.time.now_us() / 1_000
    }

    /// The same context, whose scripts go by this clock.
    pub(crate) fn rule(&self, ctx: Context) -> Context {
        Context { store: ctx.store.by_time(Arc::clone(&self.time)), ..ctx }
    }

    /// Whether the clock has been stepped within `span`.
    pub(crate) fn has_stepped_within(&self, span: Duration) -> bool {
        let stepped = self.stepped_us.load(Ordering::Relaxed);
        stepped > 0 && self.time.elapsed_us() - stepped < span.as_micros() as i64
    }

    /// Looks at the other clocks each second until `stop`.
    pub(crate) async fn keep(&self, store: &Store, stop: &CancellationToken) {
        while !sleep_or_stop(SYNC_EVERY, stop).await {
            match self.look(store).await {
                Ok(look) if look.took_us <= SLOW_US => self.heed(look),
                _ => {}
            }
        }
    }

    fn heed(&self, look: Look) {
        self.time.expect(look.unexpected_us);
        gauge!(CLOCK_SKEW).set(look.redis_us as f64 / 1e6);
        let correction = correction(look.redis_us, look.machine_us);
        let stands = correction == Correction::Stand;
        if self.alone.swap(stands, Ordering::Relaxed) != stands {
            tell(stands, look.redis_us);
        }
        match correction {
            Correction::Slew(by) => self.time.correct(by),
            Correction::Step(by) => {
                warn!("the clocks of Redis and of this machine have both moved by {} ms: followed", by / 1_000);
                self.stepped_us.store(self.time.elapsed_us(), Ordering::Relaxed);
                self.time.correct(by);
            }
            Correction::Stand => {}
        }
    }

    async fn look(&self, store: &Store) -> Result<Look, StoreError> {
        let asked = self.time.elapsed_us();
        let said = store.time_us().await?;
        let answered = self.time.elapsed_us();
        let took_us = answered - asked;
        // Redis answered half-way through the call.
        let redis_us = said + took_us / 2;
        let machine = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Ok(Look {
            unexpected_us: redis_us - self.time.redis_us(),
            redis_us: redis_us - self.time.now_us(),
            machine_us: machine.as_micros() as i64 - self.time.now_us(),
            took_us,
        })
    }
}

fn tell(alone: bool, skew_us: i64) {
    let skew_ms = skew_us / 1_000;
    if alone {
        warn!(
            skew_ms,
            "the clock of Redis has moved by {skew_ms} ms and is not followed: have its machine keep time by NTP. No \
             process can start until it is right again"
        );
    } else {
        info!("the clock of Redis is followed again");
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

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTES: i64 = 300_000_000;

    fn look(redis_us: i64, machine_us: i64) -> Look {
        Look { unexpected_us: 0, redis_us, machine_us, took_us: 0 }
    }

    #[test]
    fn a_clock_is_followed_slowly_a_lone_jump_never_and_two_that_agree_at_once() {
        assert_eq!(correction(3, 0), Correction::Slew(3));
        assert_eq!(correction(-900_000, 0), Correction::Slew(-SLEW_US));
        assert_eq!(correction(900_000, MINUTES), Correction::Slew(SLEW_US), "this machine's clock is wrong");
        assert_eq!(correction(MINUTES, 0), Correction::Stand, "that of Redis is");
        assert_eq!(correction(-MINUTES, MINUTES), Correction::Stand, "who can tell?");
        assert_eq!(correction(MINUTES, MINUTES - 1_000), Correction::Step(MINUTES), "this process was suspended");
        assert_eq!(correction(-MINUTES, -MINUTES), Correction::Step(-MINUTES));
    }

    #[test]
    fn a_step_is_known_for_a_while_and_a_jump_of_redis_changes_nothing() {
        let clock = Clock::default();
        clock.heed(look(MINUTES, 0));
        assert!(clock.now() < 1_000 && !clock.has_stepped_within(Duration::from_secs(60)));
        clock.heed(look(MINUTES, MINUTES));
        assert!(clock.now() >= MINUTES / 1_000 && clock.has_stepped_within(Duration::from_secs(60)));
        assert!(!clock.has_stepped_within(Duration::ZERO));
    }
}
