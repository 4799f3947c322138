//! Slots: when each number could send, at the earliest, were it to send without a break. Capacity,
//! forecast and fair shares all follow from these. Times are nanoseconds since the window opened.

use super::Sender;
use crate::{UnixMs, window::Span};

/// Nanoseconds: fine enough that a number of 1,000 messages per second loses nothing to rounding.
pub(super) type Ns = u64;

const SECOND: Ns = 1_000_000_000;
/// Nanoseconds per millisecond.
pub(super) const MS: Ns = 1_000_000;

/// Over two years, longer than any campaign's window: 256 tiers of that length still add up without overflow.
const LONGEST: Ns = 70_000_000_000_000_000;

/// One number's sequence of slots: 0, spacing, 2 × spacing, …
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Slots {
    /// The rate that it is planned at, messages per second.
    pub(super) rate: f64,
    /// The least time between two of its messages.
    pub(super) spacing: Ns,
    /// How many slots today's quota leaves.
    pub(super) quota: u64,
}

impl Slots {
    /// The slots of a number paced at mps × headroom.
    ///
    /// A sliding second holds whole messages, so a broken rate is rounded down; below one message per
    /// second, a second with one message is the least there is.
    pub(super) fn of(sender: &Sender, headroom: f64) -> Self {
        // 80 × 0.7 must not fall below 56 by a rounding in the last bit.
        const EPSILON: f64 = 1e-9;
        let paced = f64::from(sender.mps) * headroom;
        if paced.is_nan() || paced <= 0.0 {
            return Self { rate: 0.0, spacing: LONGEST, quota: 0 };
        }
        let rate = if paced < 1.0 { paced } else { (paced + EPSILON).floor() };
        let spacing = ((SECOND as f64 / rate).ceil() as Ns).clamp(1, LONGEST);
        Self { rate, spacing, quota: sender.quota.unwrap_or(u64::MAX) }
    }

    /// How many of its slots come before `end`.
    pub(super) fn before(&self, end: Ns) -> u64 {
        end.div_ceil(self.spacing).min(self.quota)
    }
}

/// The length of a window; 0 if it closes before it opens, and no more than [`LONGEST`].
pub(super) fn length(opens_at: UnixMs, closes_at: UnixMs) -> Ns {
    u64::try_from(closes_at.saturating_sub(opens_at)).unwrap_or(0).saturating_mul(MS).min(LONGEST)
}

/// A span in nanoseconds.
pub(super) fn span(span: Span) -> Ns {
    span.ms().unsigned_abs().saturating_mul(MS)
}

/// The slots of all numbers.
pub(super) fn all(senders: &[Sender], headroom: f64) -> Vec<Slots> {
    senders.iter().map(|sender| Slots::of(sender, headroom)).collect()
}

/// How many slots of all numbers come before `end`.
pub(super) fn total_before(slots: &[Slots], end: Ns) -> u64 {
    slots.iter().fold(0, |sum: u64, s| sum.saturating_add(s.before(end)))
}

/// The shortest time that holds `wanted` slots, or `None` if the quotas do not hold as many.
pub(super) fn shortest(slots: &[Slots], wanted: u64) -> Option<Ns> {
    let widest = slots.iter().map(|s| s.spacing.saturating_mul(wanted)).max().unwrap_or(0);
    let (mut low, mut high) = (0, widest);
    while low < high {
        let middle = low + (high - low) / 2;
        if total_before(slots, middle) < wanted { low = middle + 1 } else { high = middle }
    }
    (total_before(slots, low) >= wanted).then_some(low)
}

/// How many of the first `wanted` slots, in the order of time (numbers in their given order where slots
/// coincide), are each number's. Taken so, the numbers are done at the earliest possible moment.
pub(super) fn first(slots: &[Slots], wanted: u64) -> Vec<u64> {
    let end = shortest(slots, wanted).expect("no more is wanted than the quotas hold");
    let mut shares: Vec<_> = slots.iter().map(|s| s.before(end.saturating_sub(1))).collect();
    let mut missing = wanted - shares.iter().sum::<u64>();
    for (share, s) in shares.iter_mut().zip(slots) {
        if missing > 0 && s.before(end) > *share {
            *share += 1;
            missing -= 1;
        }
    }
    shares
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slots(mps: u32, quota: Option<u64>) -> Slots {
        Slots::of(&Sender { id: "1".parse().expect("an id"), mps, quota }, 0.9)
    }

    #[test]
    fn a_window_holds_what_rate_times_seconds_says() {
        for (mps, seconds, held) in [(80, 5, 360), (1000, 300, 270_000), (5, 10, 40), (1, 10, 9), (0, 10, 0)] {
            assert_eq!(slots(mps, None).before(seconds * SECOND), held, "{mps} mps for {seconds} s");
        }
        assert_eq!(slots(80, None).before(0), 0);
        assert_eq!(slots(80, Some(7)).before(5 * SECOND), 7);
    }

    #[test]
    fn a_rate_that_is_no_rate_has_no_slots() {
        let sender = Sender { id: "1".parse().expect("an id"), mps: 80, quota: None };
        for headroom in [0.0, -1.0, f64::NAN] {
            assert_eq!(Slots::of(&sender, headroom).before(u64::MAX), 0, "{headroom}");
        }
    }

    #[test]
    fn a_window_that_closes_before_it_opens_has_no_length() {
        assert_eq!(length(10, 5), 0);
        assert_eq!(length(i64::MIN, i64::MAX), LONGEST);
        assert_eq!(length(5, 10), 5 * MS);
    }

    #[test]
    fn the_shortest_time_is_the_first_that_suffices() {
        let pool = [slots(80, None), slots(1000, Some(50)), slots(7, None)];
        for wanted in 1..300 {
            let end = shortest(&pool, wanted).expect("enough");
            assert!(total_before(&pool, end) >= wanted && total_before(&pool, end - 1) < wanted, "{wanted}");
        }
        assert_eq!(shortest(&pool[1..2], 51), None);
        assert_eq!(shortest(&[], 1), None);
        assert_eq!(shortest(&[], 0), Some(0));
    }

    #[test]
    fn first_slots_sum_up_and_never_shrink_as_more_are_wanted() {
        let pool = [slots(80, None), slots(80, Some(20)), slots(7, None), slots(0, None)];
        let mut before = first(&pool, 0);
        for wanted in 1..300 {
            let after = first(&pool, wanted);
            assert_eq!(after.iter().sum::<u64>(), wanted);
            assert!(before.iter().zip(&after).all(|(b, a)| b <= a), "{wanted}: {before:?} then {after:?}");
            before = after;
        }
    }
}
