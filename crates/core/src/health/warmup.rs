//! Warm-up: a new number sends few messages on its first day and more on each that follows, as long as recipients rate it
//! well. The steps are the playbook's, and ours: Meta names none.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Cause, Condition, Reading, Stage};
use crate::UnixMs;

/// A step takes this long at least.
pub const STEP_MS: i64 = 24 * 60 * 60 * 1_000;

/// Where a number stands in its warm-up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Warmup {
    /// Its step; 0 is the first.
    pub step: u32,
    /// Since when.
    pub since: UnixMs,
    /// It has been set back for what still speaks against it, and is not again until that is over.
    #[serde(default)]
    pub set_back: bool,
}

impl Warmup {
    /// One that begins at `now`.
    pub fn starting(now: UnixMs) -> Self {
        Self { step: 0, since: now, set_back: false }
    }

    /// How many messages it sends in a day, as the plan has it; `None` when that has no steps.
    pub fn cap(self, plan: &[u32]) -> Option<u32> {
        plan.get(self.place(plan)).copied()
    }

    /// The same as people count: from one.
    pub fn day(self, plan: &[u32]) -> usize {
        self.place(plan) + 1
    }

    /// *A plan that was shortened since*: the last step that there is.
    fn place(self, plan: &[u32]) -> usize {
        (self.step as usize).min(plan.len().saturating_sub(1))
    }

    /// The warm-up at `now`, by the number's condition at that moment and what Meta says of it; `None` when it is over. It
    /// grows after a day, while the number is fit and rated GREEN. It falls back once for each time that the number is
    /// rated RED or the monitor stops it.
    pub fn stepped(self, condition: &Condition, reading: Option<&Reading>, now: UnixMs, plan: &[u32]) -> Option<Self> {
        let quality = reading.and_then(|reading| reading.quality.as_deref());
        let is_stopped = condition.stage == Stage::Paused && condition.cause != Cause::Person;
        let place = self.place(plan);
        if quality == Some("RED") || is_stopped {
            let back = Self { step: place.saturating_sub(1) as u32, since: now, set_back: true };
            return Some(if self.set_back { self } else { back });
        }
        let next = Self { set_back: false, ..self };
        let is_green = condition.stage == Stage::Fit && quality == Some("GREEN");
        if !is_green || now - self.since < STEP_MS {
            return Some(next);
        }
        (place + 1 < plan.len()).then_some(Self { step: place as u32 + 1, since: now, set_back: false })
    }
}

/// In words.
pub struct Told<'a>(pub Option<Warmup>, pub &'a [u32]);

impl fmt::Display for Told<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(warmup, plan) = self;
        match warmup.and_then(|warmup| Some((warmup.day(plan), warmup.cap(plan)?))) {
            Some((day, cap)) => write!(f, "step {day} of {}, {cap} messages a day", plan.len()),
            None => f.write_str("over"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::health::Pin;

    const DAY: i64 = STEP_MS;
    const PLAN: [u32; 3] = [50, 250, 1_000];

    fn rated(quality: &str) -> Reading {
        Reading { quality: Some(quality.to_owned()), ..Reading::default() }
    }

    fn stage(stage: Stage, cause: Cause) -> Condition {
        Condition { stage, cause, ..Condition::default() }
    }

    /// The caps that follow on a start at 0, each seen at its time.
    fn check(seen: &[(i64, &str, Stage)], expected: &[Option<u32>]) {
        let mut warmup = Some(Warmup::starting(0));
        let caps = seen.iter().map(|(at, quality, at_stage)| {
            let condition = stage(*at_stage, Cause::SpamLimit);
            warmup = warmup.and_then(|now| now.stepped(&condition, Some(&rated(quality)), *at, &PLAN));
            warmup.and_then(|warmup| warmup.cap(&PLAN))
        });
        assert_eq!(caps.collect::<Vec<_>>(), expected, "{seen:?}");
    }

    #[test]
    fn it_grows_by_the_day_while_all_is_green_and_ends() {
        let green = |at| (at, "GREEN", Stage::Fit);
        let days = [green(DAY - 1), green(DAY), green(DAY + 1), green(2 * DAY), green(3 * DAY), green(9 * DAY)];
        check(&days, &[Some(50), Some(250), Some(250), Some(1_000), None, None]);
    }

    #[test]
    fn it_stays_while_the_rating_is_medium_or_unknown_or_the_number_cools_down() {
        let days = [(DAY, "YELLOW", Stage::Fit), (2 * DAY, "UNKNOWN", Stage::Fit), (3 * DAY, "GREEN", Stage::Cooldown)];
        check(&days, &[Some(50); 3]);
        let unread = Warmup::starting(0).stepped(&Condition::default(), None, 5 * DAY, &PLAN);
        assert_eq!(unread, Some(Warmup::starting(0)));
    }

    #[test]
    fn it_falls_back_once_for_one_thing_and_takes_a_day_from_there() {
        let red = |at| (at, "RED", Stage::Paused);
        let days = [(DAY, "GREEN", Stage::Fit), (2 * DAY, "GREEN", Stage::Fit), red(2 * DAY + 1), red(2 * DAY + 2)];
        check(&days, &[Some(250), Some(1_000), Some(250), Some(250)]);
        let back = [days[0], red(DAY + 1), (DAY + 2, "GREEN", Stage::Paused), (2 * DAY, "GREEN", Stage::Fit)];
        check(&back, &[Some(250), Some(50), Some(50), Some(50)]);
        check(&[red(1), (2, "GREEN", Stage::Fit), (DAY + 1, "GREEN", Stage::Fit)], &[Some(50), Some(50), Some(250)]);
    }

    #[test]
    fn a_person_who_stops_it_sets_nothing_back() {
        let condition = Condition::default().pinned_by(Pin { stage: Stage::Paused, until: None }, 0);
        let warm = Warmup { step: 2, ..Warmup::starting(0) };
        assert_eq!(warm.stepped(&condition, Some(&rated("GREEN")), 5 * DAY, &PLAN), Some(warm));
    }

    #[test]
    fn a_plan_that_was_changed_is_followed_from_where_it_stands() {
        let warm = Warmup { step: 9, ..Warmup::starting(0) };
        assert_eq!((warm.cap(&PLAN), warm.cap(&[])), (Some(1_000), None));
        assert_eq!(warm.stepped(&Condition::default(), Some(&rated("GREEN")), DAY, &PLAN), None);
        assert_eq!(Told(Some(warm), &PLAN).to_string(), "step 3 of 3, 1000 messages a day");
    }
}
