//! The pair limit: how many messages one number may send to one user. Meta takes one in six seconds, and up to 45 at once
//! that are borrowed from the future; what is over is refused with 131056 (Meta: pair rate limit).
//!
//! Counted like rate credit: one moment says until when a pair's rate is spoken for. A process counts by itself what it sends
//! to a pair that has had nothing of it of late, and asks the count that all processes share only for a pair that it has
//! written to within the last seconds. So a campaign of one message to each costs nothing, and what each process has not
//! told yet is held back from the shared burst.
//!
//! The shared count runs in Lua as well (`pairs.lua`), in doubles.

use crate::{UnixMs, verdict::Verdict};

/// One message in this time, milliseconds (Meta: pair rate limit).
pub const INTERVAL_MS: i64 = 6_000;
/// So many at once (Meta: pair rate limit).
const META_BURST: i64 = 45;
/// Of these, kept for what processes have sent and not told: one message of each of so many.
const UNTOLD: i64 = 5;
/// How far ahead of the clock a pair may be, milliseconds: 40 messages.
pub const BURST_MS: i64 = (META_BURST - UNTOLD) * INTERVAL_MS;
/// No pair is further ahead, milliseconds: what looks so was written before the clock stepped back.
pub const FULL_MS: i64 = META_BURST * INTERVAL_MS;

/// What a number has sent to a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Pair {
    /// The theoretical arrival time: until when the pair's rate is spoken for.
    pub tat: UnixMs,
}

impl Pair {
    fn ahead(self, now: UnixMs) -> i64 {
        self.tat.saturating_sub(now).clamp(0, FULL_MS)
    }

    /// Whether an earlier message still counts.
    pub fn is_hot(self, now: UnixMs) -> bool {
        self.ahead(now) > 0
    }

    /// When there is room for one more: `now`, while there is.
    pub fn room_at(self, now: UnixMs) -> UnixMs {
        now + (self.ahead(now) + INTERVAL_MS - BURST_MS).max(0)
    }

    /// With so many messages more, whether there is room for them or not.
    pub fn with(self, messages: u32, now: UnixMs) -> Self {
        let ahead = self.ahead(now).saturating_add(i64::from(messages) * INTERVAL_MS);
        Self { tat: now + ahead.min(FULL_MS) }
    }

    /// Counts what was sent `untold`, and one message more if there is room for it: the shared count's rule.
    pub fn take(self, untold: u32, now: UnixMs) -> (bool, Self) {
        let told = self.with(untold, now);
        match told.room_at(now) <= now {
            true => (true, told.with(1, now)),
            false => (false, told),
        }
    }
}

/// What one process knows of a pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Known {
    pair: Pair,
    /// Messages that the shared count has not been told of.
    untold: u32,
}

impl Known {
    /// When there is room for one more, by what this process knows.
    pub fn room_at(&self, now: UnixMs) -> UnixMs {
        self.pair.room_at(now)
    }

    /// Whether it tells anything any more.
    pub fn is_over(&self, now: UnixMs) -> bool {
        !self.pair.is_hot(now)
    }

    /// One message is to go out. None when it may: the pair has had nothing of late. Else the shared count has to be asked,
    /// and to be told of so many messages before.
    pub fn ask(&mut self, now: UnixMs, has_to_ask: bool) -> Option<u32> {
        if self.is_over(now) && !has_to_ask {
            *self = Self { pair: Pair::default().with(1, now), untold: 1 };
            return None;
        }
        Some(if self.is_over(now) { 0 } else { std::mem::take(&mut self.untold) })
    }

    /// The shared count has answered.
    pub fn told(&mut self, shared: Pair) {
        self.pair.tat = self.pair.tat.max(shared.tat);
    }

    /// The shared count cannot be asked: the process's own decides. `untold` are those that it was to be told of. True when
    /// the message may go out.
    pub fn decide(&mut self, untold: u32, now: UnixMs) -> bool {
        let (may, pair) = self.pair.take(0, now);
        *self = Self { pair, untold: self.untold + untold + u32::from(may) };
        may
    }

    /// A message that was counted was certainly not taken. What the shared count was told stays counted: a moment lost.
    pub fn take_back(&mut self) {
        if self.untold > 0 {
            *self = Self { pair: Pair { tat: self.pair.tat - INTERVAL_MS }, untold: self.untold - 1 };
        }
    }
}

/// Whether an attempt with this verdict may count at Meta.
pub fn counts(verdict: Verdict) -> bool {
    matches!(verdict, Verdict::Accepted | Verdict::Unknown | Verdict::PairLimited(_))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What Meta lets through: in any time, its burst and one for each interval in it.
    fn is_within_meta(sent: &[UnixMs]) -> bool {
        let held = |first: usize, last: usize| {
            let (count, span) = ((last - first + 1) as i64, sent[last] - sent[first]);
            count <= META_BURST + span / INTERVAL_MS
        };
        (0..sent.len()).all(|first| (first..sent.len()).all(|last| held(first, last)))
    }

    #[test]
    fn forty_go_at_once_and_then_one_in_six_seconds() {
        let mut pair = Pair::default();
        let mut sent = 0;
        while let (true, next) = pair.take(0, 1_000) {
            (pair, sent) = (next, sent + 1);
        }
        assert_eq!((sent, pair.room_at(1_000)), (40, 7_000));
        assert!(!pair.take(0, 6_999).0);
        let (may, pair) = pair.take(0, 7_000);
        assert_eq!((may, pair.room_at(7_000)), (true, 13_000));
        assert!(pair.is_hot(240_000) && !pair.is_hot(247_000));
    }

    #[test]
    fn a_clock_that_was_set_back_holds_nobody_for_longer_than_a_full_burst() {
        let pair = Pair::default().with(3, 9_000_000);
        assert_eq!(pair.room_at(0), FULL_MS - BURST_MS + INTERVAL_MS);
    }

    #[test]
    fn a_single_message_asks_nobody_and_a_second_one_tells_of_it() {
        let mut known = Known::default();
        assert_eq!(known.ask(0, false), None);
        assert_eq!(known.ask(6_000, false), None, "the first counts no more");
        assert_eq!(known.ask(7_000, false), Some(1));
        known.told(Pair { tat: 60_000 });
        assert_eq!(known.ask(59_000, false), Some(0));
        assert_eq!(known.ask(60_000, false), None);
        assert_eq!(Known::default().ask(0, true), Some(0));
    }

    #[test]
    fn what_was_certainly_not_taken_is_taken_back_unless_it_was_told() {
        let mut known = Known::default();
        assert_eq!(known.ask(0, false), None);
        known.take_back();
        assert_eq!(known.ask(10, false), None, "as if it had never been");
        assert_eq!(known.ask(20, false), Some(1));
        known.told(Pair { tat: 12_000 });
        known.take_back();
        assert_eq!(known.ask(30, false), Some(0));
        let unsure = [Verdict::Accepted, Verdict::Unknown, Verdict::PairLimited(131_056)];
        assert!(unsure.into_iter().all(counts) && !counts(Verdict::Throttled(130_429)) && !counts(Verdict::Withdrawn));
    }

    #[test]
    fn without_the_shared_count_a_process_goes_by_its_own_and_tells_later() {
        let mut known = Known::default();
        assert_eq!(known.ask(0, false), None);
        for _ in 1..40 {
            let untold = known.ask(0, false).expect("hot");
            assert!(known.decide(untold, 0));
        }
        let untold = known.ask(0, false).expect("hot");
        assert!(!known.decide(untold, 0) && known.room_at(0) == 6_000);
        assert_eq!(known.ask(1, false), Some(40));
    }

    proptest! {
        #[test]
        fn no_time_holds_more_than_meta_lets_through(steps in prop::collection::vec(0_i64..9_000, 1..200)) {
            let (mut pair, mut now, mut sent) = (Pair::default(), 0, Vec::new());
            for step in steps {
                now += step;
                let (may, next) = pair.take(0, now);
                prop_assert_eq!(may, pair.room_at(now) == now);
                pair = next;
                sent.extend(may.then_some(now));
            }
            prop_assert!(is_within_meta(&sent));
        }

        /// Up to five processes, each of which sends its first message unasked, and some of whose questions fail.
        #[test]
        fn processes_that_share_a_count_keep_the_limit_together(
            processes in 1_usize..=5,
            steps in prop::collection::vec(0_i64..5_900, 1..120),
        ) {
            let (mut shared, mut now, mut sent) = (Pair::default(), 0, Vec::new());
            let mut all = vec![Known::default(); processes];
            for step in steps {
                now += step;
                for known in &mut all {
                    if known.room_at(now) > now {
                        continue;
                    }
                    let may = match known.ask(now, false) {
                        None => true,
                        Some(untold) => {
                            let (may, next) = shared.take(untold, now);
                            shared = next;
                            known.told(shared);
                            may
                        }
                    };
                    sent.extend(may.then_some(now));
                }
            }
            prop_assert!(is_within_meta(&sent), "{}", sent.len());
        }
    }
}
