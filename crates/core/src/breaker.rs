//! The circuit breaker of a number, as one worker finds it. While nothing that it sends is served, messages are kept
//! back instead of being spent one attempt after another; what the wire is like is found out by a call that costs
//! nobody anything, and then by one message.
//!
//! Its time is that of a clock which never steps, in milliseconds since whenever.

use rand::{Rng, RngExt};

use crate::verdict::Verdict;

/// So many sends in a row that were not served open it. Strays do not come in such rows.
const OPENS_AT: u32 = 5;
/// The first rest is this long at most; each further one twice as long.
const FIRST_REST_MS: i64 = 250;
/// No rest is longer: what Meta serves again goes out this soon after.
const LONGEST_REST_MS: i64 = 2_000;
/// A call that asks whether the other side is there may take this long before another is made.
const PROBE_MS: i64 = 4_000;
/// The same for the one message that is tried.
const TRIAL_MS: i64 = 1_000;
/// Whoever has to wait looks again after this: another may have found out meanwhile.
const LOOK_MS: i64 = 100;

/// What may be sent now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// As much as there is credit for.
    Free,
    /// Nothing; ask first whether the Cloud API is there at all, and say so by [`Breaker::probed`].
    Probe,
    /// One message.
    Trial,
    /// Nothing for so many milliseconds.
    Wait(i64),
}

/// See the module.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Breaker {
    /// Sends in a row that were not served.
    failures: u32,
    /// How often it has opened since something was served.
    trips: u32,
    /// Since when it is open; none while it is closed.
    opened: Option<i64>,
    /// It has been open since then. Nothing is tried before this moment.
    until: i64,
    /// The Cloud API has answered since it opened: one message may be tried.
    half_open: bool,
}

/// Whether the Cloud API had a look at the message. A refusal for the message's own sake is a service as well.
fn is_served(verdict: Verdict) -> bool {
    matches!(verdict, Verdict::Accepted | Verdict::Rejected(_) | Verdict::PairLimited(_))
}

impl Breaker {
    /// What may be sent at `now`. Whoever is told to probe, or to try one message, is the only one for a while.
    pub fn admit(&mut self, now: i64) -> Admission {
        if self.opened.is_none() {
            return Admission::Free;
        }
        if now < self.until {
            return Admission::Wait((self.until - now).min(LOOK_MS));
        }
        self.until = now + if self.half_open { TRIAL_MS } else { PROBE_MS };
        if self.half_open { Admission::Trial } else { Admission::Probe }
    }

    /// Notes the verdict, heard at `now`, on a message that was sent at `sent`. While it is open, what was sent before
    /// says nothing of how things are, and what never left says nothing at any time.
    pub fn note(&mut self, verdict: Verdict, sent: i64, now: i64, rng: &mut impl Rng) {
        let is_stale = self.opened.is_some_and(|opened| sent < opened);
        if is_stale || verdict == Verdict::Withdrawn {
            return;
        }
        if is_served(verdict) {
            *self = Self::default();
            return;
        }
        self.failures += 1;
        if self.opened.is_some() || self.failures >= OPENS_AT {
            self.open(now, rng);
        }
    }

    /// Notes whether a probe found the Cloud API there.
    pub fn probed(&mut self, is_there: bool, now: i64, rng: &mut impl Rng) {
        if self.opened.is_none() || self.half_open {
            return;
        }
        if is_there {
            (self.half_open, self.until) = (true, now);
        } else {
            self.open(now, rng);
        }
    }

    /// True while messages are kept back.
    pub fn is_open(&self) -> bool {
        self.opened.is_some()
    }

    /// Opens for a while: half to all of the bound, so that workers do not come back together.
    fn open(&mut self, now: i64, rng: &mut impl Rng) {
        let rest = (FIRST_REST_MS << self.trips.min(8)).min(LONGEST_REST_MS);
        let until = now + rng.random_range(rest / 2..=rest);
        *self = Self { failures: self.failures, trips: self.trips + 1, opened: Some(now), until, half_open: false };
    }
}

#[cfg(test)]
mod tests {
    use rand::{SeedableRng, rngs::SmallRng};

    use super::*;

    const NOW: i64 = 60_000;
    const FAILURES: [Verdict; 4] =
        [Verdict::Unknown, Verdict::NumberDown(0), Verdict::Throttled(130_429), Verdict::Transient(131_057)];

    fn rng() -> SmallRng {
        SmallRng::seed_from_u64(7)
    }

    /// A breaker that has just opened at [`NOW`].
    fn opened() -> Breaker {
        let mut breaker = Breaker::default();
        for _ in 0..OPENS_AT {
            assert_eq!(breaker.admit(NOW), Admission::Free);
            breaker.note(Verdict::Unknown, NOW - 20, NOW, &mut rng());
        }
        breaker
    }

    #[test]
    fn strays_do_not_open_it_but_a_row_of_any_failures_does() {
        let mut breaker = Breaker::default();
        for n in 0..1_000 {
            let verdict = if n % 5 == 4 { Verdict::Rejected(131_026) } else { FAILURES[n % 4] };
            breaker.note(verdict, NOW, NOW, &mut rng());
        }
        assert!(!breaker.is_open());
        FAILURES.into_iter().chain([Verdict::Unknown]).for_each(|it| breaker.note(it, NOW, NOW, &mut rng()));
        assert!(breaker.is_open());
    }

    #[test]
    fn it_lets_one_probe_then_one_message_then_all_through() {
        let mut breaker = opened();
        assert_eq!(breaker.admit(NOW), Admission::Wait(LOOK_MS));
        let at = NOW + FIRST_REST_MS;
        assert_eq!(breaker.admit(at), Admission::Probe);
        assert_eq!(breaker.admit(at + 50), Admission::Wait(LOOK_MS), "one probe at a time");
        breaker.probed(true, at + 60, &mut rng());
        assert_eq!(breaker.admit(at + 60), Admission::Trial);
        assert_eq!(breaker.admit(at + 60), Admission::Wait(LOOK_MS), "one message at a time");
        breaker.note(Verdict::Accepted, at + 61, at + 90, &mut rng());
        assert_eq!(breaker.admit(at + 90), Admission::Free);
    }

    #[test]
    fn who_finds_nobody_there_spends_no_message() {
        let (mut breaker, mut now, mut probes) = (opened(), NOW, 0);
        while now < NOW + 120_000 {
            match breaker.admit(now) {
                Admission::Probe => {
                    probes += 1;
                    breaker.probed(false, now + 5, &mut rng());
                }
                Admission::Wait(ms) => now += ms,
                other => panic!("{other:?} in an outage"),
            }
        }
        assert!((50..150).contains(&probes), "about one in one or two seconds: {probes}");
    }

    #[test]
    fn what_was_sent_before_it_opened_or_never_left_neither_closes_it_nor_prolongs_it() {
        let breaker = opened();
        let mut same = breaker;
        same.note(Verdict::Withdrawn, NOW + 1, NOW + 100, &mut rng());
        assert_eq!(same, breaker);
        for verdict in [Verdict::Accepted, Verdict::Unknown] {
            let mut same = breaker;
            same.note(verdict, NOW - 1, NOW + 100, &mut rng());
            assert_eq!(same, breaker);
        }
    }

    #[test]
    fn a_probe_or_a_message_of_which_nothing_is_heard_is_followed_by_another() {
        let mut breaker = opened();
        let at = NOW + FIRST_REST_MS;
        assert_eq!(breaker.admit(at), Admission::Probe);
        assert_eq!(breaker.admit(at + PROBE_MS), Admission::Probe);
        breaker.probed(true, at + PROBE_MS, &mut rng());
        assert_eq!(breaker.admit(at + PROBE_MS), Admission::Trial);
        assert_eq!(breaker.admit(at + PROBE_MS + TRIAL_MS), Admission::Trial);
    }
}
