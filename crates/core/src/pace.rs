//! Pace: how much a number may send right now.
//!
//! Rate credit by the generic cell rate algorithm: one moment per number says until when its rate is spoken
//! for. It may lie ahead of the clock by the burst and never further, whatever happens: credit that was
//! granted and lost is lost time and never a burst later.
//!
//! This rule runs in Lua as well, whose numbers are doubles. Hence whole microseconds, below 2⁵³ until the
//! year 2255, and nothing but `+`, `-`, `min`, `max` and floor division.

use crate::campaign::Priority;

/// How far ahead a number may send. At a headroom of 0.9 a sliding second then holds at most
/// 0.9 × (1 + 0.1) = 0.99 of the number's throughput: a number never exceeds its limit by its own doing.
const BURST_US: u64 = 100_000;
/// Who asks every 10 ms gets the full rate at any pace.
const POLL_US: u64 = 10_000;
/// An hour: the slowest pace there is, so that no rate, however small, overflows.
const SLOWEST_US: u64 = 3_600_000_000;
/// Full speed, in thousandths.
const FULL: u32 = 1_000;
/// The slowest that throttling makes a number: one eighth.
const LEAST: u32 = FULL / 8;
/// After this long without another throttle, the speed doubles.
const RECOVERY_US: u64 = 5_000_000;
/// No rest is longer: what looks like a longer one was set before the clock stepped back.
const LONGEST_REST_US: i64 = 60_000_000;
/// Throttles this close together answer one burst, sent before the first of them was heard.
const SAME_BURST_US: u64 = 1_000_000;

/// A number's pace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// Microseconds per message.
    pub interval_us: u64,
    /// How far ahead of the clock credit may be granted, microseconds.
    pub burst_us: u64,
}

impl Pace {
    /// The pace of a number of `mps` messages per second, held to the share `headroom` of it, and slowed to
    /// `factor_milli` thousandths (see [`Throttle`]). Without a rate: one message per hour.
    pub fn from_rate(mps: u32, headroom: f64, factor_milli: u32) -> Self {
        let rate = f64::from(mps) * headroom * f64::from(factor_milli) / f64::from(FULL);
        let interval_us = if rate > 0.0 { ((1e6 / rate) as u64).clamp(1, SLOWEST_US) } else { SLOWEST_US };
        Self { interval_us, burst_us: BURST_US.max(interval_us + POLL_US) }
    }

    /// The part of the burst that is closed to `priority`: half of it to bulk, a quarter to normal, so that
    /// a scarce number serves whoever is more urgent first. A slow number keeps its rate open to everyone.
    pub fn reserve_us(self, priority: Priority) -> u64 {
        let closed = match priority {
            Priority::Bulk => self.burst_us / 2,
            Priority::Normal => self.burst_us / 4,
            Priority::Critical => 0,
        };
        closed.min(self.burst_us.saturating_sub(self.interval_us + POLL_US))
    }
}

/// The rate credit of a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Credit {
    /// The theoretical arrival time, microseconds since 1970: until when the rate is spoken for.
    pub tat_us: i64,
    /// Nothing is granted before this moment, microseconds since 1970.
    pub until_us: i64,
}

impl Credit {
    /// Grants nothing before `until_us`, or before a later moment if one was set, as of `now_us`.
    pub fn hold(self, until_us: i64, now_us: i64) -> Self {
        Self { until_us: self.rests_until(now_us).max(until_us), ..self }
    }

    /// Until when the number rests. A clock that has stepped back by minutes must not keep it at rest for minutes.
    fn rests_until(self, now_us: i64) -> i64 {
        if self.until_us.saturating_sub(now_us) > LONGEST_REST_US { 0 } else { self.until_us }
    }
}

/// What was granted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grant {
    /// How many messages may be sent now.
    pub granted: u32,
    /// What is left.
    pub credit: Credit,
    /// When one more would be granted, microseconds since 1970.
    pub retry_at_us: i64,
}

/// Grants up to `wanted` messages at `now_us`, keeping `reserve_us` of the burst for others.
///
/// A clock that steps back finds the credit at most a burst ahead, so nobody waits for longer than that.
pub fn grant(credit: Credit, pace: Pace, now_us: i64, wanted: u32, reserve_us: u64) -> Grant {
    let (interval, burst) = (pace.interval_us as i64, pace.burst_us as i64);
    let ceiling = burst - reserve_us as i64;
    let ahead = credit.tat_us.saturating_sub(now_us).clamp(0, burst);
    let until_us = credit.rests_until(now_us);
    let room = if now_us < until_us { 0 } else { (ceiling - ahead).max(0) };
    let granted = i64::from(wanted).min(room / interval);
    let ahead = ahead + granted * interval;
    let wait = (ahead + interval - ceiling).max(0);
    // What was asked in vain of a rested number leaves no mark that a clock could step back behind.
    let tat_us = if granted > 0 || credit.tat_us > now_us { now_us + ahead } else { credit.tat_us };
    Grant { granted: granted as u32, credit: Credit { tat_us, until_us }, retry_at_us: (now_us + wait).max(until_us) }
}

/// How far a number is slowed because the Cloud API found it too fast.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Throttle {
    /// Its speed after the last throttle, thousandths of the paced rate: 125 to 1000.
    pub factor_milli: u32,
    /// When that was, microseconds since 1970.
    pub since_us: i64,
}

impl Default for Throttle {
    fn default() -> Self {
        Self { factor_milli: FULL, since_us: 0 }
    }
}

impl Throttle {
    /// The speed at `now_us`, thousandths of the paced rate: doubled every five seconds without a throttle.
    pub fn factor_at(self, now_us: i64) -> u32 {
        let doublings = now_us.abs_diff(self.since_us) / RECOVERY_US;
        (self.factor_milli << doublings.min(3)).clamp(LEAST, FULL)
    }

    /// After a throttle heard at `now_us`: half the speed, down to an eighth. The throttles of one burst,
    /// heard within a second, count once.
    pub fn slowed(self, now_us: i64) -> Self {
        if self.factor_milli < FULL && now_us.abs_diff(self.since_us) < SAME_BURST_US {
            return self;
        }
        Self { factor_milli: (self.factor_at(now_us) / 2).max(LEAST), since_us: now_us }
    }
}

/// The answers to a number's sends of the last second or two, as one worker hears them.
///
/// A stray throttle among hundreds of sends is no reason to halve a number: the message goes out again. A number that
/// is really too fast hears them by the dozen, since everything above its limit is turned away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Answers {
    since_us: i64,
    all: u32,
    throttled: u32,
}

/// Fewer throttles than this are strays.
const MANY: u32 = 5;
/// One answer in so many: more throttles than that, and the number is too fast.
const ONE_IN: u32 = 7;

impl Answers {
    /// Notes an answer heard at `now_us`; true when the number is too fast and should be slowed.
    pub fn note(&mut self, throttled: bool, now_us: i64) -> bool {
        if now_us.abs_diff(self.since_us) >= SAME_BURST_US {
            // Half of what was heard is kept, so that a second that has just begun is not judged by itself.
            (self.since_us, self.all, self.throttled) = (now_us, self.all / 2, self.throttled / 2);
        }
        self.all += 1;
        self.throttled += u32::from(throttled);
        let too_fast = throttled && self.throttled >= MANY && self.throttled * ONE_IN >= self.all;
        if too_fast {
            *self = Self { since_us: now_us, ..Self::default() };
        }
        too_fast
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NOW: i64 = 1_795_393_770_000_000;
    const SECOND: i64 = 1_000_000;

    /// Asks for one at a time, every `step_us`, for `asks` times: how many were granted.
    fn granted_in(pace: Pace, reserve_us: u64, step_us: i64, asks: i64) -> u64 {
        let mut credit = Credit::default();
        let mut total = 0;
        for i in 0..asks {
            let grant = grant(credit, pace, NOW + i * step_us, u32::MAX, reserve_us);
            credit = grant.credit;
            total += u64::from(grant.granted);
        }
        total
    }

    #[test]
    fn the_pace_is_the_rate_times_headroom_times_factor() {
        let interval = |mps, factor| Pace::from_rate(mps, 0.9, factor).interval_us;
        assert_eq!((interval(80, 1000), interval(80, 500), interval(1000, 1000)), (13_888, 27_777, 1_111));
        assert_eq!((interval(0, 1000), interval(u32::MAX, 1000)), (SLOWEST_US, 1));
        assert_eq!(Pace::from_rate(80, f64::NAN, 1000).interval_us, SLOWEST_US);
    }

    #[test]
    fn a_second_never_holds_more_than_the_throughput() {
        for mps in [20, 80, 250, 1000] {
            let pace = Pace::from_rate(mps, 0.9, 1000);
            assert!(granted_in(pace, 0, 1_000, 1_000) <= u64::from(mps), "{mps}");
        }
    }

    #[test]
    fn a_rested_number_grants_its_burst_and_says_when_to_ask_again() {
        let pace = Pace { interval_us: 10_000, burst_us: 100_000 };
        let first = grant(Credit::default(), pace, NOW, 50, 0);
        assert_eq!((first.granted, first.retry_at_us), (10, NOW + 10_000));
        assert_eq!(grant(first.credit, pace, first.retry_at_us - 1, 50, 0).granted, 0);
        assert_eq!(grant(first.credit, pace, first.retry_at_us, 50, 0).granted, 1);
    }

    #[test]
    fn credit_that_was_not_used_does_not_pile_up() {
        let pace = Pace { interval_us: 10_000, burst_us: 100_000 };
        let first = grant(Credit::default(), pace, NOW, 50, 0);
        assert_eq!(grant(first.credit, pace, NOW + 3600 * SECOND, 50, 0).granted, 10);
    }

    #[test]
    fn a_held_number_grants_nothing_until_then() {
        let pace = Pace::from_rate(80, 0.9, 1000);
        let held = Credit::default().hold(NOW + SECOND, NOW).hold(NOW, NOW);
        let refused = grant(held, pace, NOW, 1, 0);
        assert_eq!((refused.granted, refused.retry_at_us), (0, NOW + SECOND));
        assert_eq!(grant(refused.credit, pace, NOW + SECOND, 1, 0).granted, 1);
    }

    #[test]
    fn a_rest_does_not_outlive_a_clock_that_stepped_back() {
        let pace = Pace::from_rate(80, 0.9, 1000);
        let held = Credit::default().hold(NOW + SECOND, NOW);
        let back = NOW - 300 * SECOND;
        let first = grant(held, pace, back, 1, 0);
        assert_eq!((first.granted, grant(first.credit, pace, NOW - SECOND, 1, 0).granted), (1, 1), "nor come back");
        assert_eq!(held.hold(back + SECOND, back).until_us, back + SECOND);
    }

    #[test]
    fn credit_is_refused_to_bulk_before_normal_before_critical() {
        let pace = Pace { interval_us: 1_000, burst_us: 100_000 };
        let ask = |credit, priority| grant(credit, pace, NOW, 1_000, pace.reserve_us(priority));
        let bulk = ask(Credit::default(), Priority::Bulk);
        let normal = ask(bulk.credit, Priority::Normal);
        let critical = ask(normal.credit, Priority::Critical);
        assert_eq!((bulk.granted, normal.granted, critical.granted), (50, 25, 25));
        assert_eq!(ask(normal.credit, Priority::Bulk).granted, 0);
    }

    #[test]
    fn a_throttled_number_halves_down_to_an_eighth_and_doubles_back() {
        let mut throttle = Throttle::default();
        let mut now = NOW;
        for expected in [500, 250, 125, 125] {
            throttle = throttle.slowed(now);
            assert_eq!(throttle.factor_at(now), expected);
            now += 2 * SECOND;
        }
        let heard = throttle.since_us;
        let factors = [0, 4, 5, 10, 15, 1_000_000].map(|seconds| throttle.factor_at(heard + seconds * SECOND));
        assert_eq!(factors, [125, 125, 250, 500, 1000, 1000]);
    }

    /// How often a number that hears a throttle for one in `one_in` of its sends is found too fast in `seconds`.
    fn found_too_fast(one_in: i64, per_second: i64, seconds: i64) -> usize {
        let mut answers = Answers::default();
        let gap = SECOND / per_second;
        (0..per_second * seconds).filter(|i| answers.note(i % one_in == 0, NOW + i * gap)).count()
    }

    #[test]
    fn stray_throttles_do_not_slow_a_number_but_a_real_limit_does() {
        assert_eq!(found_too_fast(20, 72, 60), 0, "one in twenty");
        assert!(found_too_fast(4, 72, 5) >= 5, "one in four, as at a limit of 54");
        assert!(found_too_fast(2, 18, 5) >= 5, "every other one, on a slow number");
    }

    #[test]
    fn the_throttles_of_one_burst_count_once() {
        let once = Throttle::default().slowed(NOW);
        assert_eq!((0..20).fold(once, |throttle, i| throttle.slowed(NOW + i * 1_000)), once);
    }

    /// Paces of all kinds, and requests `(µs since the last, wanted, priority)`.
    fn paces() -> impl Strategy<Value = Pace> {
        (1_u32..2_000, 0.05..1.0, prop::sample::select(vec![125, 250, 500, 1000]))
            .prop_map(|(mps, headroom, factor)| Pace::from_rate(mps, headroom, factor))
    }

    fn requests(steps: std::ops::Range<i64>) -> impl Strategy<Value = Vec<(i64, u32, Priority)>> {
        prop::collection::vec((steps, 0_u32..200, prop::sample::select(Priority::ALL)), 1..200)
    }

    proptest! {
        #[test]
        fn no_stretch_of_time_holds_more_than_its_rate_and_one_burst(pace in paces(), requests in requests(0..200_000)) {
            let (mut credit, mut now) = (Credit::default(), NOW);
            let mut grants: Vec<(i64, u64)> = vec![];
            for (step, wanted, priority) in requests {
                now += step;
                let given = grant(credit, pace, now, wanted, pace.reserve_us(priority));
                prop_assert!(given.granted <= wanted && given.credit.tat_us >= credit.tat_us);
                credit = given.credit;
                grants.push((now, u64::from(given.granted)));
            }
            for (i, (from, _)) in grants.iter().enumerate() {
                let mut sum = 0;
                for (at, granted) in &grants[i..] {
                    sum += granted;
                    let stretch = (at - from) as u64;
                    prop_assert!(sum * pace.interval_us <= stretch + pace.burst_us, "{sum} in {stretch} µs");
                }
            }
        }

        #[test]
        fn whoever_keeps_asking_gets_the_rate(pace in paces(), priority in prop::sample::select(Priority::ALL)) {
            let asks = 100 * pace.interval_us.div_ceil(1_000).max(100);
            let granted = granted_in(pace, pace.reserve_us(priority), 1_000, asks as i64);
            let due = asks * 1_000 / pace.interval_us;
            prop_assert!(granted * 100 >= due * 99, "{granted} of {due}");
        }

        #[test]
        fn a_clock_that_steps_back_costs_at_most_a_burst(pace in paces(), back in 0_i64..1_000_000_000_000) {
            let before = grant(Credit::default(), pace, NOW, u32::MAX, 0);
            let after = grant(before.credit, pace, NOW - back, 1, 0);
            prop_assert!(after.retry_at_us <= NOW - back + pace.interval_us as i64);
            prop_assert_eq!(grant(after.credit, pace, after.retry_at_us, 1, 0).granted, 1);
        }

        #[test]
        fn asking_at_the_told_moment_is_never_in_vain(pace in paces(), requests in requests(-500_000..500_000)) {
            let (mut credit, mut now) = (Credit::default(), NOW);
            for (step, wanted, priority) in requests {
                now += step;
                let reserve = pace.reserve_us(priority);
                let given = grant(credit, pace, now, wanted, reserve);
                prop_assert!(given.retry_at_us >= now);
                prop_assert_eq!(grant(given.credit, pace, given.retry_at_us, 1, reserve).granted, 1);
                credit = given.credit;
            }
        }
    }
}
