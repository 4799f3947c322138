//! Which receipts a message gets, and when.

use std::time::Duration;

use rand::RngExt;
use rand::rngs::SmallRng;

use crate::config::{Receipts, Span};
use crate::odds::{Odds, fraction};

/// What a receipt says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Status {
    Sent,
    Delivered,
    Read,
    Failed(u32),
}

/// One receipt of a message; times count from its acceptance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Step {
    pub(crate) status: Status,
    /// When it happened.
    pub(crate) happened: Duration,
    /// When it is announced.
    pub(crate) announced: Duration,
    /// Whether it carries the price: `sent`, and one of `delivered` and `read`.
    pub(crate) priced: bool,
}

/// When each status of a message happens, in Unix microseconds of the simulator's clock; none of what does not happen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Course {
    pub(crate) sent_us: Option<u64>,
    pub(crate) delivered_us: Option<u64>,
    pub(crate) read_us: Option<u64>,
    /// With its code.
    pub(crate) failed: Option<(u32, u64)>,
}

impl Course {
    pub(super) fn of(steps: &[Step], went_out_us: u64) -> Self {
        let mut course = Self::default();
        for step in steps {
            let at_us = went_out_us + u64::try_from(step.happened.as_micros()).unwrap_or_default();
            match step.status {
                Status::Sent => course.sent_us = Some(at_us),
                Status::Delivered => course.delivered_us = Some(at_us),
                Status::Read => course.read_us = Some(at_us),
                Status::Failed(code) => course.failed = Some((code, at_us)),
            }
        }
        course
    }

    /// With what was known before of the same message.
    pub(crate) fn after(self, earlier: Self) -> Self {
        Self {
            sent_us: self.sent_us.or(earlier.sent_us),
            delivered_us: self.delivered_us.or(earlier.delivered_us),
            read_us: self.read_us.or(earlier.read_us),
            failed: self.failed.or(earlier.failed),
        }
    }
}

/// How long after the first copy of a status its second may come.
const DUPLICATE: Span = Span::millis(20, 800);

/// A message's receipts, the last to be announced first.
pub(crate) fn steps(receipts: &Receipts, odds: &Odds, failure: Option<u32>, dice: &mut SmallRng) -> Vec<Step> {
    let mut steps = match failure {
        Some(code) => vec![step(Status::Failed(code), draw(receipts.sent, dice), false)],
        None => successes(receipts, odds, dice),
    };
    if steps.len() > 1 && fraction(dice) < odds.reorder {
        swap_two(&mut steps, dice);
    }
    for place in 0..steps.len() {
        if fraction(dice) < odds.duplicate {
            let first = steps[place];
            steps.push(Step { announced: first.announced + draw(DUPLICATE, dice), ..first });
        }
    }
    steps.sort_by_key(|step| std::cmp::Reverse(step.announced));
    steps
}

/// Lets a failure come after everything else, though the message was delivered.
pub(crate) fn fail_late(steps: &mut Vec<Step>, code: u32) {
    let last = steps.iter().map(|step| step.announced).max().unwrap_or_default();
    // The last to be announced stands first.
    steps.insert(0, step(Status::Failed(code), last + Duration::from_millis(20), false));
}

fn successes(receipts: &Receipts, odds: &Odds, dice: &mut SmallRng) -> Vec<Step> {
    let mut sent = step(Status::Sent, draw(receipts.sent, dice), true);
    let delivered_at = sent.happened + draw(receipts.delivered, dice);
    let read_at = delivered_at + draw(receipts.read, dice);
    if fraction(dice) < receipts.early_share {
        sent.announced = Duration::ZERO;
    }
    if fraction(dice) < odds.skip_delivered {
        // Read at the moment of delivery: `read` alone tells of both.
        return vec![sent, step(Status::Read, delivered_at, true)];
    }
    let mut steps = vec![sent, step(Status::Delivered, delivered_at, true)];
    if fraction(dice) < receipts.read_share {
        steps.push(step(Status::Read, read_at, false));
    }
    steps
}

fn step(status: Status, at: Duration, priced: bool) -> Step {
    Step { status, happened: at, announced: at, priced }
}

/// Lets a status and the one after it change places on the way.
fn swap_two(steps: &mut [Step], dice: &mut SmallRng) {
    let place = dice.random_range(0..steps.len() - 1);
    let earlier = steps[place].announced;
    steps[place].announced = steps[place + 1].announced;
    steps[place + 1].announced = earlier;
}

fn draw(span: Span, dice: &mut SmallRng) -> Duration {
    dice.random_range(span.min..=span.max)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dice::{Purpose, dice};
    use crate::odds::FaultProfile;

    fn plans(profile: FaultProfile, failure: Option<u32>) -> Vec<Vec<Step>> {
        let (receipts, odds) = (Receipts::default(), Odds::of(profile));
        let user = "919876543210".parse().unwrap();
        let plan = |nth| {
            let mut steps = steps(&receipts, &odds, failure, &mut dice(7, user, nth, Purpose::Receipts));
            steps.reverse();
            steps
        };
        (0..2000).map(plan).collect()
    }

    fn statuses(plan: &[Step]) -> Vec<Status> {
        plan.iter().map(|step| step.status).collect()
    }

    #[test]
    fn without_faults_every_message_is_sent_and_delivered_and_some_are_read() {
        let plans = plans(FaultProfile::None, None);
        assert!(plans.iter().all(|plan| statuses(plan).starts_with(&[Status::Sent, Status::Delivered])));
        let read = plans.iter().filter(|plan| plan.len() == 3).count();
        assert!((700..=900).contains(&read), "{read} of 2000");
    }

    #[test]
    fn receipts_come_within_two_seconds_by_default() {
        let last = plans(FaultProfile::None, None).iter().flatten().map(|step| step.announced).max().unwrap();
        assert!(last <= Duration::from_secs(2), "{last:?}");
    }

    #[test]
    fn two_receipts_carry_the_price() {
        for plan in plans(FaultProfile::None, None) {
            assert_eq!(plan.iter().filter(|step| step.priced).count(), 2, "{plan:?}");
        }
    }

    #[test]
    fn a_failure_is_the_only_word() {
        for plan in plans(FaultProfile::Harsh, Some(131_026)) {
            assert!(plan.iter().all(|step| step.status == Status::Failed(131_026) && !step.priced));
        }
    }

    #[test]
    fn harsh_skips_repeats_and_reorders_but_never_loses_sent() {
        let plans = plans(FaultProfile::Harsh, None);
        let some = |test: &dyn Fn(&[Status]) -> bool| plans.iter().any(|plan| test(&statuses(plan)));
        assert!(some(&|it| !it.contains(&Status::Delivered) && it.contains(&Status::Read)), "delivered is skipped");
        assert!(some(&|it| it.iter().filter(|status| **status == Status::Sent).count() == 2), "sent comes twice");
        assert!(some(&|it| it.starts_with(&[Status::Delivered, Status::Sent])), "delivered comes first");
        assert!(plans.iter().all(|plan| statuses(plan).contains(&Status::Sent)));
    }
}
