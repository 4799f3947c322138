//! Token buckets: messages per second of a number, and of one number to one user.

use std::time::Duration;

/// Meta: messaging limits and the limits per user count the last 24 hours.
pub(crate) const DAY_US: u64 = Duration::from_secs(24 * 3600).as_micros() as u64;

/// How much a bucket holds and how fast it fills.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limit {
    capacity: f64,
    per_us: f64,
}

/// Meta's pair rate limit: a burst of 45 to one user, then one message in 6 s.
pub(crate) const PAIR: Limit = Limit { capacity: 45.0, per_us: 1.0 / 6_000_000.0 };

impl Limit {
    /// Messages per second of a number, with one second's tokens in the bucket.
    pub(crate) fn per_second(mps: u32) -> Self {
        Self { capacity: f64::from(mps), per_us: f64::from(mps) / 1_000_000.0 }
    }
}

/// A bucket at one moment of the simulator's clock.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bucket {
    tokens: f64,
    filled_us: u64,
}

impl Bucket {
    pub(crate) fn full(limit: Limit, now_us: u64) -> Self {
        Self { tokens: limit.capacity, filled_us: now_us }
    }

    /// Whether [`Bucket::take`] would succeed now.
    pub(crate) fn ready(&mut self, limit: Limit, now_us: u64) -> bool {
        let elapsed = now_us.saturating_sub(self.filled_us);
        self.tokens = limit.capacity.min(self.tokens + elapsed as f64 * limit.per_us);
        self.filled_us = self.filled_us.max(now_us);
        self.tokens >= 1.0
    }

    /// Spends one token, or says that there is none.
    pub(crate) fn take(&mut self, limit: Limit, now_us: u64) -> bool {
        let ready = self.ready(limit, now_us);
        if ready {
            self.tokens -= 1.0;
        }
        ready
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many of `tries` takes succeed at `now_us`.
    fn taken(bucket: &mut Bucket, limit: Limit, now_us: u64, tries: u32) -> u32 {
        (0..tries).map(|_| u32::from(bucket.take(limit, now_us))).sum()
    }

    #[test]
    fn a_full_bucket_holds_one_seconds_tokens() {
        let limit = Limit::per_second(80);
        let mut bucket = Bucket::full(limit, 0);
        assert_eq!(taken(&mut bucket, limit, 0, 200), 80);
        assert_eq!(taken(&mut bucket, limit, 500_000, 200), 40);
        assert_eq!(taken(&mut bucket, limit, 60_000_000, 200), 80);
    }

    #[test]
    fn the_pair_limit_gives_a_burst_of_45_then_one_in_six_seconds() {
        let mut bucket = Bucket::full(PAIR, 0);
        assert_eq!(taken(&mut bucket, PAIR, 0, 100), 45);
        assert_eq!(taken(&mut bucket, PAIR, 5_900_000, 100), 0);
        assert_eq!(taken(&mut bucket, PAIR, 6_100_000, 100), 1);
    }

    #[test]
    fn asking_does_not_spend() {
        let mut bucket = Bucket::full(PAIR, 0);
        assert!((0..100).all(|_| bucket.ready(PAIR, 0)));
        assert_eq!(taken(&mut bucket, PAIR, 0, 100), 45);
    }

    #[test]
    fn time_going_back_refills_nothing() {
        let limit = Limit::per_second(10);
        let mut bucket = Bucket::full(limit, 1_000_000);
        assert_eq!(taken(&mut bucket, limit, 1_000_000, 20), 10);
        assert_eq!(taken(&mut bucket, limit, 0, 20), 0);
        assert_eq!(taken(&mut bucket, limit, 1_000_000, 20), 0);
    }
}
