//! When the next attempt may go out, and what becomes of one whose fate is not known.

use rand::{Rng, RngExt};

use crate::{
    UnixMs,
    delivery::{Attempt, MAX_ATTEMPTS},
    verdict::Verdict,
};

/// The retry policy of a campaign. Times in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RetryPolicy {
    /// How many attempts in all.
    pub max_attempts: Attempt,
    /// The first delay's upper bound.
    pub base_ms: u64,
    /// No delay is longer.
    pub cap_ms: u64,
}

/// Meta: after a pair rate limit, wait 4^X seconds, X counting from 0.
const PAIR_BASE_MS: u64 = 1_000;

/// When the attempt after attempt `n` may be begun: full jitter, so that those who failed together do not come back
/// together. A throttled attempt waits at least half its bound: at once would only be turned away again.
pub fn next_attempt_at(verdict: Verdict, n: Attempt, now: UnixMs, policy: &RetryPolicy, rng: &mut impl Rng) -> UnixMs {
    let doublings = u32::from(n.saturating_sub(1)).min(30);
    let bound = policy.base_ms.saturating_mul(1 << doublings).min(policy.cap_ms);
    let delay = match verdict {
        Verdict::PairLimited(_) => PAIR_BASE_MS << (2 * doublings.min(4)),
        Verdict::Throttled(_) | Verdict::NumberDown(_) => rng.random_range(bound / 2..=bound),
        _ => rng.random_range(0..=bound),
    };
    now + delay as i64
}

/// The last attempts that a record has room for are not spent on one bad stretch.
const KEPT_FOR_LATER: Attempt = 2;

/// They wait for this long at most.
const MAX_SPARING_MS: i64 = 120_000;

/// Before when nothing more may be begun after attempt `n`, which a limit or an outage turned away at `now`. Such
/// attempts do not count for the policy, yet a record has room for eight of all kinds: the last ones share the time that
/// is left until `deadline`, so that a delivery does not fail for a bad stretch while it could still be on time.
pub fn spared_until(verdict: Verdict, n: Attempt, now: UnixMs, deadline: Option<UnixMs>) -> UnixMs {
    let left = MAX_ATTEMPTS.saturating_sub(n);
    if !verdict.keeps_attempt() || left > KEPT_FOR_LATER {
        return now;
    }
    let remaining = deadline.map_or(i64::MAX, |deadline| (deadline - now).max(0));
    now + (remaining >> left).min(MAX_SPARING_MS)
}

/// What is known of the way by which receipts come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ReceiptPath {
    /// When the last receipt for this number, or another behind the same webhook, came in.
    pub last_receipt: Option<UnixMs>,
    /// Since when Redis and webhook have been up without a break: grace starts again after an outage.
    pub up_since: UnixMs,
    /// How long that break was. What came in vain meanwhile comes again, after pauses that have grown as long.
    pub down_ms: i64,
}

/// What to do with an unsure attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Patience {
    /// Ask again at this moment, or when a receipt has come.
    Wait(UnixMs),
    /// Its receipt would have come: the campaign's policy decides.
    Decide,
    /// It is too late to tell, and too late to send again in time: it stays unconfirmed.
    Leave,
}

/// How long before the deadline a resend must be decided to be sent, and stamped as sent, in time.
const RESEND_LEAD_MS: i64 = 2_000;

/// Receipts held up by a break are waited for so much longer at most.
const MAX_CATCH_UP_MS: i64 = 60_000;

/// How often grace is waited out at most where no receipt comes at all.
const SILENT_GRACES: i64 = 3;

/// Rule 4, unsure is waited out: decides about an attempt that has been unsure since `since`. Grace counts only while the receipt path is known to
/// be alive: some receipt came after the POST and after the last outage. An attempt from before an outage waits for as
/// long again as that took: Meta's retries come with growing pauses. Nothing waits for ever: with no receipt at
/// all the policy decides after three times the grace. It decides early enough for a resend to meet the deadline,
/// but never before half the grace: a blind resend is a double.
pub fn patience(since: UnixMs, now: UnixMs, grace_ms: i64, path: &ReceiptPath, deadline: Option<UnixMs>) -> Patience {
    let alive = path.last_receipt.is_some_and(|at| at > since.max(path.up_since));
    let catch_up = path.down_ms.clamp(0, MAX_CATCH_UP_MS);
    let start = if since < path.up_since { path.up_since + catch_up } else { since };
    let due = start + if alive { grace_ms } else { SILENT_GRACES * grace_ms };
    let Some(deadline) = deadline else {
        return if now >= due { Patience::Decide } else { Patience::Wait(due) };
    };
    let last_call = deadline - RESEND_LEAD_MS;
    let earliest = start + grace_ms / 2;
    if now >= deadline {
        Patience::Leave
    } else if now >= due || (now >= last_call && now >= earliest) {
        Patience::Decide
    } else {
        Patience::Wait(due.min(last_call.max(earliest)).min(deadline))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rand::{SeedableRng, rngs::SmallRng};

    use super::*;

    const POLICY: RetryPolicy = RetryPolicy { max_attempts: 3, base_ms: 1_000, cap_ms: 30_000 };

    fn path(last_receipt: Option<UnixMs>) -> ReceiptPath {
        ReceiptPath { last_receipt, up_since: 0, down_ms: 0 }
    }

    #[test]
    fn grace_counts_only_once_a_receipt_has_come_since() {
        assert_eq!(patience(100, 1_000, 500, &path(Some(700)), None), Patience::Decide);
        assert_eq!(patience(100, 1_000, 500, &path(Some(90)), None), Patience::Wait(1_600));
        assert_eq!(patience(100, 1_000, 500, &path(None), None), Patience::Wait(1_600));
    }

    #[test]
    fn grace_starts_again_after_an_outage() {
        let path = ReceiptPath { last_receipt: Some(700), up_since: 900, down_ms: 0 };
        assert_eq!(patience(100, 1_000, 500, &path, None), Patience::Wait(2_400));
    }

    #[test]
    fn what_an_outage_held_up_is_waited_for_as_long_as_the_outage_took() {
        let path = ReceiptPath { last_receipt: Some(1_000), up_since: 900, down_ms: 700 };
        assert_eq!(patience(100, 1_000, 500, &path, None), Patience::Wait(2_100));
        assert_eq!(patience(950, 1_000, 500, &path, None), Patience::Wait(1_450), "begun after it");
    }

    #[test]
    fn nothing_waits_for_ever() {
        assert_eq!(patience(0, 1_500, 500, &path(None), None), Patience::Decide);
    }

    #[test]
    fn a_resend_still_meets_the_deadline_but_is_never_blind() {
        let deadline = Some(10_000);
        assert_eq!(patience(5_000, 7_900, 6_000, &path(None), deadline), Patience::Wait(8_000));
        assert_eq!(patience(5_000, 8_000, 6_000, &path(None), deadline), Patience::Decide);
        assert_eq!(patience(9_000, 9_500, 6_000, &path(Some(9_400)), deadline), Patience::Wait(10_000));
        assert_eq!(patience(9_000, 10_000, 6_000, &path(Some(9_400)), deadline), Patience::Leave);
    }

    #[test]
    fn the_pair_limit_waits_as_meta_says() {
        let mut rng = SmallRng::seed_from_u64(1);
        let waits = [1, 2, 3, 4].map(|n| next_attempt_at(Verdict::PairLimited(131_056), n, 0, &POLICY, &mut rng));
        assert_eq!(waits, [1_000, 4_000, 16_000, 64_000]);
    }

    #[test]
    fn the_last_attempts_share_the_time_that_is_left() {
        let spared = |n, deadline| spared_until(Verdict::Throttled(130_429), n, 1_000, deadline) - 1_000;
        assert_eq!([5, 6, 7].map(|n| spared(n, Some(81_000))), [0, 20_000, 40_000]);
        assert_eq!([6, 7].map(|n| spared(n, None)), [MAX_SPARING_MS; 2], "nobody waits for hours");
        assert_eq!(spared(6, Some(0)), 0, "past the deadline");
        assert_eq!(spared_until(Verdict::Transient(131_057), 7, 1_000, None), 1_000, "the policy counts these");
    }

    proptest! {
        #[test]
        fn a_retry_waits_no_longer_than_its_bound(n in 1..=8u8, seed in any::<u64>()) {
            let mut rng = SmallRng::seed_from_u64(seed);
            let at = next_attempt_at(Verdict::Transient(131_000), n, 50, &POLICY, &mut rng);
            let bound = (1_000i64 << (n - 1)).min(30_000);
            prop_assert!((50..=50 + bound).contains(&at));
        }

        #[test]
        fn a_wait_always_lies_ahead(since in 0..10_000i64, later in 0..20_000i64, grace in 1..8_000i64,
                                    receipt in proptest::option::of(0..20_000i64), deadline in proptest::option::of(0..20_000i64)) {
            let now = since + later;
            if let Patience::Wait(until) = patience(since, now, grace, &path(receipt), deadline) {
                prop_assert!(until > now);
            }
        }
    }
}
