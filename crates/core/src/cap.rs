//! Caps: how many messages a number sends in an hour and in a day, beside its rate. A person sets them, or its warm-up.
//!
//! What was granted is counted in buckets: five minutes for the hour, an hour for the day. As many count as make up the
//! span, the current one with them, so that an hour is 55 minutes at least and a day 23 hours: who sends every morning at
//! the same time finds yesterday's messages gone. A cap is the operator's wish, no limit of Meta's; of that see `quota`.
//!
//! This rule runs in Lua as well (`grant.lua`), in doubles.

use serde::{Deserialize, Serialize};

/// The most messages of a number; `None` is as many as its rate lets through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Caps {
    /// In an hour.
    pub per_hour: Option<u32>,
    /// In a day.
    pub per_day: Option<u32>,
}

/// The time that a cap is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Span {
    /// 12 buckets of five minutes.
    Hour,
    /// 24 buckets of an hour.
    Day,
}

const MINUTE_US: i64 = 60_000_000;
/// A bucket is kept as one number: which, times this, and how many were sent in it. Exact in a double until 2³⁹ buckets.
const PACK: i64 = 1 << 24;

impl Span {
    /// How long a bucket is, microseconds.
    pub fn bucket_us(self) -> i64 {
        match self {
            Self::Hour => 5 * MINUTE_US,
            Self::Day => 60 * MINUTE_US,
        }
    }

    /// How many buckets count.
    pub fn buckets(self) -> i64 {
        match self {
            Self::Hour => 12,
            Self::Day => 24,
        }
    }

    /// How often it is over within `length_ms`.
    pub fn times_within(self, length_ms: i64) -> u64 {
        (length_ms.max(0) * 1_000 / (self.buckets() * self.bucket_us())) as u64
    }
}

/// What a number was granted of late: a ring, so that old buckets are overwritten.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    span: Span,
    /// A bucket since 1970, and how many were granted in it.
    slots: Vec<Option<(i64, u64)>>,
}

/// What a cap leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    /// So many messages.
    pub left: u64,
    /// When there is room for one, microseconds since 1970: now, while there is.
    pub from_us: i64,
}

impl Sent {
    /// Nothing was granted.
    pub fn none(span: Span) -> Self {
        Self { span, slots: vec![None; span.buckets() as usize] }
    }

    /// As it is kept in Redis.
    pub fn unpacked(span: Span, packed: impl IntoIterator<Item = i64>) -> Self {
        let mut sent = Self::none(span);
        for packed in packed {
            let bucket = packed.div_euclid(PACK);
            *sent.slot(bucket) = Some((bucket, packed.rem_euclid(PACK) as u64));
        }
        sent
    }

    fn slot(&mut self, bucket: i64) -> &mut Option<(i64, u64)> {
        &mut self.slots[bucket.rem_euclid(self.span.buckets()) as usize]
    }

    /// Counts `count` messages that were granted at `now_us`.
    pub fn add(&mut self, count: u32, now_us: i64) {
        let bucket = now_us.div_euclid(self.span.bucket_us());
        let slot = self.slot(bucket);
        let before = slot.filter(|(there, _)| *there == bucket).map_or(0, |(_, count)| count);
        *slot = Some((bucket, before + u64::from(count)));
    }

    /// What `cap` leaves at `now_us`. A bucket that lies ahead, as the clock was set back, counts as well, unless it lies a
    /// whole span ahead.
    pub fn room(&self, cap: u32, now_us: i64) -> Room {
        let (width, buckets) = (self.span.bucket_us(), self.span.buckets());
        let current = now_us.div_euclid(width);
        let mut counted: Vec<(i64, u64)> =
            self.slots.iter().flatten().copied().filter(|(bucket, _)| (bucket - current).abs() < buckets).collect();
        counted.sort_unstable();
        let mut used: u64 = counted.iter().map(|(_, count)| count).sum();
        let cap = u64::from(cap);
        if used < cap {
            return Room { left: cap - used, from_us: now_us };
        }
        for (bucket, count) in counted {
            used -= count;
            if used < cap {
                return Room { left: 0, from_us: (bucket + buckets) * width };
            }
        }
        // A cap of nothing: nobody can say when.
        Room { left: 0, from_us: now_us + buckets * width }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A full hour.
    const NOW: i64 = 1_795_392_000_000_000;
    const HOUR: i64 = 60 * MINUTE_US;

    #[test]
    fn what_was_sent_leaves_room_when_its_bucket_has_left_the_span() {
        let mut sent = Sent::none(Span::Day);
        sent.add(700, NOW + 20 * MINUTE_US);
        sent.add(300, NOW + 2 * HOUR);
        assert_eq!(sent.room(1_500, NOW + 3 * HOUR), Room { left: 500, from_us: NOW + 3 * HOUR });
        assert_eq!(sent.room(1_000, NOW + 3 * HOUR), Room { left: 0, from_us: NOW + 24 * HOUR });
        assert_eq!(
            sent.room(300, NOW + 3 * HOUR),
            Room { left: 0, from_us: NOW + 26 * HOUR },
            "a cap that was lowered"
        );
        assert_eq!(sent.room(1_000, NOW + 24 * HOUR).left, 700, "the same time on the next day");
    }

    #[test]
    fn an_hour_is_made_of_five_minutes() {
        let mut sent = Sent::none(Span::Hour);
        sent.add(10, NOW + MINUTE_US);
        assert_eq!(sent.room(10, NOW + 59 * MINUTE_US), Room { left: 0, from_us: NOW + HOUR });
        assert_eq!(sent.room(10, NOW + HOUR).left, 10);
    }

    #[test]
    fn a_clock_that_was_set_back_forgets_nothing_that_it_counted_within_a_span() {
        let mut sent = Sent::none(Span::Day);
        sent.add(10, NOW);
        assert_eq!(sent.room(10, NOW - 5 * HOUR).left, 0);
        assert_eq!(sent.room(10, NOW - 24 * HOUR).left, 10);
    }

    proptest! {
        #[test]
        fn no_23_hours_hold_more_than_the_cap(cap in 1_u32..500, steps in prop::collection::vec((0..3 * HOUR, 0_u32..200), 1..80)) {
            let (mut sent, mut now, mut granted) = (Sent::none(Span::Day), NOW, Vec::new());
            for (step, wanted) in steps {
                now += step;
                let count = u64::from(wanted).min(sent.room(cap, now).left) as u32;
                sent.add(count, now);
                granted.push((now, u64::from(count)));
                let within: u64 = granted.iter().filter(|(at, _)| now - at <= 23 * HOUR).map(|(_, count)| count).sum();
                prop_assert!(within <= u64::from(cap), "{within}");
                let from = sent.room(cap, now).from_us;
                prop_assert!(from >= now && sent.room(cap, from).left > 0);
                prop_assert!(from == now || sent.room(cap, from - 1).left == 0);
            }
        }
    }
}
