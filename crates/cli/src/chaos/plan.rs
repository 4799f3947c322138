//! What will be done to whom and when: drawn from the seed alone, before anything starts.

use std::{fmt, ops::RangeInclusive, time::Duration};

use dawncast_core::campaign::Then;
use rand::{RngExt, SeedableRng, rngs::SmallRng};
use serde::Serialize;

/// Nothing is done before this: sending has to be under way.
const CALM_BEFORE: Duration = Duration::from_secs(1);
/// All blows are over so long before the window closes: what they broke off has then this long, and the time up to the
/// deadline, to be made good.
const CALM_AFTER: Duration = Duration::from_secs(3);
/// Counts below are for a run whose window has this length.
const UNIT: Duration = Duration::from_secs(50);
/// Share of runs, of one unit each, in which Redis is killed.
const REDIS_DIES: f64 = 0.6;

/// A process of the engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Member {
    /// The process that serves the API and takes the webhooks.
    Webhook,
    /// The process that runs the chores and the monitor.
    Scheduler,
    /// A worker, counted from 0.
    Worker(usize),
}

impl fmt::Display for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Webhook => f.write_str("webhook"),
            Self::Scheduler => f.write_str("scheduler"),
            Self::Worker(place) => write!(f, "worker-{place}"),
        }
    }
}

/// Something that goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(super) enum Blow {
    /// SIGKILL; another starts in its place.
    Kill { member: Member },
    /// SIGSTOP, then SIGCONT.
    Freeze { worker: usize },
    /// SIGKILL of Redis, which starts again on the same data.
    KillRedis,
    /// No connection to Redis, for one process or for all.
    CutRedis { member: Option<Member> },
    /// Every exchange with Redis takes longer, for all.
    DelayRedis { delay_ms: u64 },
    /// No connection from this worker to the Cloud API.
    CutCloud { worker: usize },
    /// No connection from the Cloud API to the webhook.
    CutWebhook,
}

impl fmt::Display for Blow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kill { member } => write!(f, "SIGKILL {member}"),
            Self::Freeze { worker } => write!(f, "SIGSTOP worker-{worker}"),
            Self::KillRedis => f.write_str("SIGKILL Redis"),
            Self::CutRedis { member: Some(member) } => write!(f, "{member} cut off from Redis"),
            Self::CutRedis { member: None } => f.write_str("all cut off from Redis"),
            Self::DelayRedis { delay_ms } => write!(f, "Redis {delay_ms} ms away"),
            Self::CutCloud { worker } => write!(f, "worker-{worker} cut off from the Cloud API"),
            Self::CutWebhook => f.write_str("webhooks cut off"),
        }
    }
}

/// A blow with its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(super) struct Stroke {
    /// Counted from the opening of the window, in milliseconds.
    pub(super) at_ms: u64,
    /// How long it lasts: until the restart, the SIGCONT, the way being open again.
    pub(super) lasts_ms: u64,
    #[serde(flatten)]
    pub(super) blow: Blow,
}

/// How often each kind of blow is dealt.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub(super) struct Counts {
    pub(super) worker_kills: usize,
    pub(super) worker_freezes: usize,
    pub(super) webhook_kills: usize,
    pub(super) scheduler_kills: usize,
    pub(super) redis_kills: usize,
    pub(super) redis_cuts: usize,
    pub(super) redis_delays: usize,
    pub(super) cloud_cuts: usize,
    pub(super) webhook_cuts: usize,
}

impl Counts {
    /// Of these blows.
    pub(super) fn of(blows: impl IntoIterator<Item = Blow>) -> Self {
        let mut counts = Self::default();
        for blow in blows {
            *match blow {
                Blow::Kill { member: Member::Worker(_) } => &mut counts.worker_kills,
                Blow::Kill { member: Member::Webhook } => &mut counts.webhook_kills,
                Blow::Kill { member: Member::Scheduler } => &mut counts.scheduler_kills,
                Blow::Freeze { .. } => &mut counts.worker_freezes,
                Blow::KillRedis => &mut counts.redis_kills,
                Blow::CutRedis { .. } => &mut counts.redis_cuts,
                Blow::DelayRedis { .. } => &mut counts.redis_delays,
                Blow::CutCloud { .. } => &mut counts.cloud_cuts,
                Blow::CutWebhook => &mut counts.webhook_cuts,
            } += 1;
        }
        counts
    }
}

/// The whole plan of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Plan {
    /// What follows a send that stays unconfirmed.
    pub(super) policy: Then,
    /// In the order of their times.
    pub(super) strokes: Vec<Stroke>,
}

impl Plan {
    /// The plan that follows from `seed`, for a window of this length and so many workers.
    pub(super) fn draw(seed: u64, window: Duration, workers: usize) -> Self {
        let dice = SmallRng::seed_from_u64(seed);
        let units = window.as_secs_f64() / UNIT.as_secs_f64();
        let horizon = window.saturating_sub(CALM_AFTER);
        Draw { dice, units, horizon, workers, strokes: Vec::new() }.plan()
    }

    pub(super) fn counts(&self) -> Counts {
        Counts::of(self.strokes.iter().map(|stroke| stroke.blow))
    }
}

/// A plan in the making.
struct Draw {
    dice: SmallRng,
    /// How long the window is, in units.
    units: f64,
    horizon: Duration,
    workers: usize,
    strokes: Vec<Stroke>,
}

impl Draw {
    fn plan(mut self) -> Plan {
        let policy = if self.dice.random_bool(0.5) { Then::GiveUp } else { Then::Resend };
        let kills = self.often(3..=5);
        self.deal(kills, 0..=3_000, |draw| Blow::Kill { member: Member::Worker(draw.worker()) });
        let freezes = self.often(1..=3);
        self.deal(freezes, 500..=8_000, |draw| Blow::Freeze { worker: draw.worker() });
        let deaths = self.chance(REDIS_DIES);
        self.deal(deaths, 0..=2_000, |_| Blow::KillRedis);
        for member in [Member::Webhook, Member::Scheduler] {
            let kills = self.often(1..=1);
            self.deal(kills, 0..=2_000, |_| Blow::Kill { member });
        }
        let cuts = self.often(1..=2);
        self.deal(cuts, 100..=3_000, |draw| Blow::CutRedis { member: draw.somebody() });
        let delays = self.often(0..=2);
        self.deal(delays, 2_000..=5_000, |draw| Blow::DelayRedis { delay_ms: draw.dice.random_range(20..=300) });
        let cuts = self.often(1..=2);
        self.deal(cuts, 100..=2_000, |draw| Blow::CutCloud { worker: draw.worker() });
        let cuts = self.often(0..=1);
        self.deal(cuts, 100..=3_000, |_| Blow::CutWebhook);
        self.strokes.sort_by_key(|stroke| stroke.at_ms);
        Plan { policy, strokes: self.strokes }
    }

    /// How often, when it is so often in a unit. At least once where it is so in every unit.
    fn often(&mut self, in_a_unit: RangeInclusive<usize>) -> usize {
        let at_least = usize::from(*in_a_unit.start() > 0);
        let expected = self.dice.random_range(in_a_unit) as f64 * self.units;
        let extra = usize::from(self.dice.random_bool(expected.fract()));
        (expected.floor() as usize + extra).max(at_least)
    }

    /// How often, when it happens in this share of units.
    fn chance(&mut self, share: f64) -> usize {
        let units = self.units.ceil() as usize;
        (0..units).filter(|_| self.dice.random_bool(share)).count()
    }

    /// Deals `count` blows at even odds over the time there is, each for a time within `lasts_ms`.
    fn deal(&mut self, count: usize, lasts_ms: RangeInclusive<u64>, blow: impl Fn(&mut Self) -> Blow) {
        let (first, end) = (CALM_BEFORE.as_millis() as u64, self.horizon.as_millis() as u64);
        // In a short run blows are short as well: at most a third of the time there is.
        let longest = (end.saturating_sub(first) / 3).max(*lasts_ms.start());
        for _ in 0..count {
            let lasts_ms = self.dice.random_range(lasts_ms.clone()).min(longest);
            let at_ms = self.dice.random_range(first..=end.saturating_sub(lasts_ms).max(first));
            let blow = blow(self);
            self.strokes.push(Stroke { at_ms, lasts_ms, blow });
        }
    }

    fn worker(&mut self) -> usize {
        self.dice.random_range(0..self.workers)
    }

    /// One process at even odds, or all.
    fn somebody(&mut self) -> Option<Member> {
        match self.dice.random_range(0..self.workers + 3) {
            0 => None,
            1 => Some(Member::Webhook),
            2 => Some(Member::Scheduler),
            worker => Some(Member::Worker(worker - 3)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draw(seed: u64) -> Plan {
        Plan::draw(seed, UNIT, 4)
    }

    #[test]
    fn the_same_seed_draws_the_same_plan_and_another_another() {
        assert_eq!(draw(7), draw(7));
        assert_ne!(draw(7), draw(8));
    }

    #[test]
    fn every_blow_is_over_before_the_window_closes() {
        for (seed, seconds) in (0..200).zip([12, 50, 100].into_iter().cycle()) {
            let window = Duration::from_secs(seconds);
            let over = (window - CALM_AFTER).as_millis() as u64;
            let plan = Plan::draw(seed, window, 4);
            assert!(plan.strokes.iter().all(|stroke| stroke.at_ms + stroke.lasts_ms <= over), "{plan:?}");
            assert!(plan.strokes.is_sorted_by_key(|stroke| stroke.at_ms));
        }
    }

    #[test]
    fn every_run_kills_workers_the_webhook_and_the_scheduler() {
        for seed in 0..100 {
            let counts = draw(seed).counts();
            assert!((3..=5).contains(&counts.worker_kills) && counts.worker_freezes >= 1, "{counts:?}");
            assert!(counts.webhook_kills == 1 && counts.scheduler_kills == 1 && counts.redis_cuts >= 1, "{counts:?}");
        }
    }

    #[test]
    fn fifty_runs_kill_enough_and_play_both_policies() {
        let plans: Vec<_> = (1..=50).map(draw).collect();
        let sum = |count: fn(Counts) -> usize| plans.iter().map(|plan| count(plan.counts())).sum::<usize>();
        assert!(sum(|counts| counts.worker_kills) >= 100 && sum(|counts| counts.redis_kills) >= 20);
        let gives_up = plans.iter().filter(|plan| plan.policy == Then::GiveUp).count();
        assert!((15..=35).contains(&gives_up), "{gives_up}");
    }

    #[test]
    fn each_kind_is_drawn_and_counted_once() {
        let plans: Vec<_> = (0..50).map(draw).collect();
        let counts = serde_json::to_value(Counts::of(plans.iter().flat_map(|plan| &plan.strokes).map(|it| it.blow)));
        let counts: std::collections::BTreeMap<String, usize> = serde_json::from_value(counts.unwrap()).unwrap();
        assert!(counts.values().all(|count| *count > 0), "{counts:?}");
        assert_eq!(counts.values().sum::<usize>(), plans.iter().map(|plan| plan.strokes.len()).sum::<usize>());
    }
}
