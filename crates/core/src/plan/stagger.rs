//! Staggered messages: one each step, over all numbers. Who is next is a question of tiers; which number sends it, of
//! homes, as long as the home has had its spacing since its last message.

use super::{
    Candidate, Entry,
    cells::Cell,
    home::{self, Home},
    slots::{Ns, Slots},
};
use crate::UnixMs;

/// The shortest step that `slots` can follow with `messages`, or `None` if no number may send as many.
///
/// With a step of a k-th of a spacing, k numbers of that spacing or less are never all within their spacing: whichever
/// of the numbers sends a message, another is free for the next. Unequal numbers could be woven closer than that, but
/// not with every home and tier.
pub(super) fn shortest_step(slots: &[Slots], messages: u64) -> Option<Ns> {
    let mut spacings: Vec<_> = slots.iter().filter(|s| s.quota >= messages.max(1)).map(|s| s.spacing).collect();
    spacings.sort_unstable();
    spacings.iter().zip(1..).map(|(spacing, turns)| spacing.div_ceil(turns)).min()
}

/// How many messages go out in a window of `length`.
pub(super) fn fitting(length: Ns, step: Ns) -> u64 {
    length.div_ceil(step)
}

/// A number on its way through the run.
struct Sending<'a> {
    slots: &'a Slots,
    /// From when it may send its next message.
    free_at: Ns,
    /// What it may still send.
    quota: u64,
    /// Those of the present tier who are at home here, the last first.
    waiting: Vec<u32>,
    timeline: Vec<Entry>,
}

impl Sending<'_> {
    fn may(&self, now: Ns) -> bool {
        self.free_at <= now && self.quota > 0
    }

    /// How long it takes to send to all who wait here.
    fn work(&self) -> Ns {
        self.slots.spacing.saturating_mul(self.waiting.len() as u64)
    }
}

/// What each number sends, in the order of time: the tiers of `cells` one after the other, a message each `step` while a
/// cell has messages.
pub(super) fn timelines(
    cells: &[Cell],
    candidates: &[Candidate],
    homes: &[Home],
    slots: &[Slots],
    step: Ns,
    at: impl Fn(Ns) -> UnixMs,
) -> Vec<Vec<Entry>> {
    let begin = |slots| Sending { slots, free_at: 0, quota: slots.quota, waiting: vec![], timeline: vec![] };
    let mut numbers: Vec<_> = slots.iter().map(begin).collect();
    let phone = |candidate: u32| candidates[candidate as usize].phone;
    let mut now = 0;
    let tiers = cells.iter().flat_map(|cell| cell.tiers.iter().map(|tier| (cell.begins, tier)));
    for (begins, tier) in tiers {
        now = now.max(begins.div_ceil(step) * step);
        for candidate in tier.iter().rev() {
            let home = home::best(phone(*candidate), homes, |number| slots[number].quota > 0);
            numbers[home.expect("some number may send")].waiting.push(*candidate);
        }
        for _ in tier {
            let (number, candidate) = next(&mut numbers, now, |candidate, numbers: &[Sending<'_>]| {
                home::best(phone(candidate), homes, |number| numbers[number].may(now))
            });
            let sending = &mut numbers[number];
            sending.timeline.push(Entry { candidate, due: at(now) });
            sending.free_at = now + sending.slots.spacing;
            sending.quota -= 1;
            now += step;
        }
    }
    numbers.into_iter().map(|number| number.timeline).collect()
}

/// Who sends to whom at `now`: of the numbers that may, the one with the most work ahead, to one who is at home there;
/// if nobody is, one of those who would wait longest goes to the best number that may.
fn next(numbers: &mut [Sending<'_>], now: Ns, stand_in: impl Fn(u32, &[Sending<'_>]) -> Option<usize>) -> (usize, u32) {
    let busiest = |numbers: &[Sending<'_>], may: &dyn Fn(&Sending<'_>) -> bool| {
        let wanted = numbers.iter().enumerate().filter(|(_, number)| !number.waiting.is_empty() && may(number));
        // The first of equals.
        wanted.max_by_key(|(place, number)| (number.work(), usize::MAX - place)).map(|(place, _)| place)
    };
    let at_home = busiest(numbers, &|number| number.may(now));
    let home = at_home.or_else(|| busiest(numbers, &|_| true)).expect("somebody is left of the tier");
    let candidate = numbers[home].waiting.pop().expect("only numbers that are waited for are chosen");
    let number = at_home.or_else(|| stand_in(candidate, numbers));
    (number.expect("a step that fits leaves a number free for each message"), candidate)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Sender;

    const MS: Ns = 1_000_000;

    fn slots(mps: u32, quota: Option<u64>) -> Slots {
        Slots::of(&Sender { id: "1".parse().expect("an id"), mps, quota }, 1.0)
    }

    #[test]
    fn numbers_that_take_turns_allow_a_step_that_is_as_much_shorter() {
        assert_eq!(shortest_step(&[slots(100, None)], 5), Some(10 * MS));
        assert_eq!(shortest_step(&[slots(100, None); 4], 5), Some(10 * MS / 4));
    }

    #[test]
    fn a_slow_number_makes_no_step_longer() {
        assert_eq!(shortest_step(&[slots(1, None), slots(100, None)], 5), Some(10 * MS));
        assert_eq!(shortest_step(&[slots(60, None), slots(100, None)], 5), Some(1_000 * MS / 120 + 1));
    }

    #[test]
    fn a_number_whose_quota_does_not_hold_the_run_is_not_counted_on() {
        assert_eq!(shortest_step(&[slots(100, Some(4)), slots(50, Some(5))], 5), Some(20 * MS));
        assert_eq!(shortest_step(&[slots(100, Some(4)), slots(0, None)], 5), None);
    }
}
