//! A trial of a new version beside the one that goes out: a share of the recipients gets it, and the share is moved only on
//! evidence. Evidence is weighed after every run, however many there are, by a test that allows for being looked at often.

use serde::{Deserialize, Serialize};

use crate::{UnixMs, campaign::TrialShare, ids::RunId, report::Totals};

/// The shares that a trial goes through, in thousandths, from whichever it begins with: after the last, all get the version.
const SHARES_MILLI: [u16; 2] = [100, 500];
/// What is learnt of fewer messages than this, of either version, moves nothing.
const LEAST: u64 = 100;
/// How large a difference between two shares is looked for: 0.03 is three of a hundred.
const EXPECTED: f64 = 0.03;
/// So many times likelier must it be that two shares differ than that they do not: then of trials between equals at most one
/// in so many ever moves for it, over all looks together (Ville's inequality).
const BOUND: f64 = 20.0;
/// Runs that are remembered as counted, the latest.
const RUNS: usize = 1_000;

/// What became of a version's messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Arm {
    /// Accepted by Meta, or more, or failed.
    pub tried: u64,
    /// Of those, failed for good.
    pub failed: u64,
    /// Delivered, or read.
    pub delivered: u64,
    /// Of those, read.
    pub read: u64,
}

/// A trial that goes on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trial {
    /// The template that is tried.
    pub version: String,
    /// The share of recipients that gets it, in thousandths.
    pub share_milli: u16,
    /// Since when they do.
    pub since: UnixMs,
    /// What became of its messages since.
    pub tried: Arm,
    /// What became of those of the version that goes out.
    pub current: Arm,
    /// Which runs that is of: each counts once.
    #[serde(default)]
    runs: Vec<RunId>,
}

/// What evidence says of a version on trial.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finding {
    /// Nothing yet.
    Open,
    /// More of its messages are read, and no more fail.
    Better,
    /// Fewer of its messages are read.
    ReadLess,
    /// More of its messages fail.
    FailsMore,
}

impl From<&Totals> for Arm {
    fn from(totals: &Totals) -> Self {
        let (tried, failed) = (totals.reached() + totals.failed, totals.failed);
        Self { tried, failed, delivered: totals.arrived(), read: totals.read }
    }
}

impl Arm {
    /// Adds what became of others.
    pub fn add(&mut self, other: Self) {
        self.tried += other.tried;
        self.failed += other.failed;
        self.delivered += other.delivered;
        self.read += other.read;
    }

    fn reads(self) -> Share {
        Share { hits: self.read, of: self.delivered }
    }

    fn failures(self) -> Share {
        Share { hits: self.failed, of: self.tried }
    }
}

#[derive(Clone, Copy)]
struct Share {
    hits: u64,
    of: u64,
}

impl Share {
    fn value(self) -> f64 {
        self.hits as f64 / (self.of as f64).max(1.0)
    }

    /// Whether evidence says that this share is greater than the other: a mixture sequential probability ratio test of two
    /// proportions, which may be looked at after every run (Johari, Pekelis, Walsh: Always Valid Inference, 2015).
    fn exceeds(self, other: Self) -> bool {
        if self.of.min(other.of) < LEAST || self.value() <= other.value() {
            return false;
        }
        let both = Self { hits: self.hits + other.hits, of: self.of + other.of }.value();
        let variance = both * (1.0 - both) * (1.0 / self.of as f64 + 1.0 / other.of as f64);
        let (prior, difference) = (EXPECTED * EXPECTED, self.value() - other.value());
        let spread = variance + prior;
        let likelier = (variance / spread).sqrt() * (difference * difference * prior / (2.0 * variance * spread)).exp();
        likelier >= BOUND
    }
}

impl Trial {
    /// A trial that begins.
    pub fn starting(version: &str, share: TrialShare, since: UnixMs) -> Self {
        let none = Arm::default();
        Self {
            version: version.to_owned(),
            share_milli: share.milli(),
            since,
            tried: none,
            current: none,
            runs: vec![],
        }
    }

    /// Takes what became of the messages of `run`; false when it was counted before.
    pub(super) fn count(&mut self, run: &RunId, tried: Arm, current: Arm) -> bool {
        if self.runs.contains(run) {
            return false;
        }
        self.runs.push(run.clone());
        self.runs.drain(..self.runs.len().saturating_sub(RUNS));
        self.tried.add(tried);
        self.current.add(current);
        true
    }

    /// What evidence says of it.
    pub fn finding(&self) -> Finding {
        let (tried, current) = (self.tried, self.current);
        match () {
            () if tried.failures().exceeds(current.failures()) => Finding::FailsMore,
            () if current.reads().exceeds(tried.reads()) => Finding::ReadLess,
            () if tried.reads().exceeds(current.reads()) => Finding::Better,
            () => Finding::Open,
        }
    }

    /// The share that follows on this one; none when all are to get it. What is learnt of each share stands for itself.
    pub(super) fn next(&self, at: UnixMs) -> Option<Self> {
        let share = SHARES_MILLI.into_iter().find(|share| *share > self.share_milli)?;
        Some(Self { runs: self.runs.clone(), ..Self::starting(&self.version, TrialShare::of(share), at) })
    }

    /// What was seen, in words.
    pub fn evidence(&self) -> String {
        let percent = |share: Share| format!("{:.1} %", 100.0 * share.value());
        let (tried, current) = (self.tried, self.current);
        format!(
            "{} of {} read against {} of {}, {} failed against {}",
            percent(tried.reads()),
            tried.delivered,
            percent(current.reads()),
            current.delivered,
            percent(tried.failures()),
            percent(current.failures()),
        )
    }
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng, rngs::SmallRng};

    use super::*;

    fn run(n: usize) -> RunId {
        format!("run_{n}").parse().unwrap_or_else(|_| panic!("run {n}"))
    }

    /// So many messages, of which these shares were read and failed.
    fn arm(of: u64, read: f64, failed: f64, rng: &mut SmallRng) -> Arm {
        let mut arm = Arm { tried: of, ..Arm::default() };
        for _ in 0..of {
            if rng.random_bool(failed) {
                arm.failed += 1;
            } else {
                arm.delivered += 1;
                arm.read += u64::from(rng.random_bool(read));
            }
        }
        arm
    }

    /// The first run after which something is found, of `runs` of 2,000 with a tenth on trial.
    fn found(tried: (f64, f64), current: (f64, f64), runs: usize, seed: u64) -> Option<(usize, Finding)> {
        let mut rng = SmallRng::seed_from_u64(seed);
        let mut trial = Trial::starting("v2", TrialShare::of(100), 0);
        (1..=runs).find_map(|n| {
            let (few, many) = (arm(200, tried.0, tried.1, &mut rng), arm(1_800, current.0, current.1, &mut rng));
            assert!(trial.count(&run(n), few, many));
            Some((n, trial.finding())).filter(|(_, finding)| *finding != Finding::Open)
        })
    }

    #[test]
    fn between_equals_hardly_a_trial_moves_however_often_it_is_looked() {
        let moved = (0..200).filter(|seed| found((0.6, 0.01), (0.6, 0.01), 30, *seed).is_some()).count();
        // Three tests, of which each may err in a twentieth; this is far less, and a plain test at each look errs in a third.
        assert!(moved <= 20, "{moved} of 200");
    }

    #[test]
    fn a_difference_that_matters_is_found_within_days_and_the_right_way_round() {
        for seed in 0..20 {
            let (days, finding) = found((0.70, 0.01), (0.60, 0.01), 30, seed).expect("it is found");
            assert!(finding == Finding::Better && days <= 15, "{finding:?} after {days}");
            let (days, finding) = found((0.50, 0.01), (0.60, 0.01), 30, seed).expect("it is found");
            assert!(finding == Finding::ReadLess && days <= 15, "{finding:?} after {days}");
            let (days, finding) = found((0.60, 0.20), (0.60, 0.01), 30, seed).expect("it is found");
            assert!(finding == Finding::FailsMore && days <= 5, "{finding:?} after {days}");
        }
    }

    #[test]
    fn few_messages_say_nothing_and_a_run_counts_once() {
        let mut trial = Trial::starting("v2", TrialShare::of(500), 0);
        let (all, none) =
            (Arm { tried: 99, failed: 0, delivered: 99, read: 99 }, Arm { tried: 99, failed: 99, ..Arm::default() });
        assert!(trial.count(&run(1), all, none));
        assert_eq!(trial.finding(), Finding::Open);
        assert!(!trial.count(&run(1), all, none), "counted before");
        assert_eq!(trial.tried.tried, 99);
    }

    #[test]
    fn each_share_is_judged_by_what_is_seen_of_it() {
        let mut trial = Trial::starting("v2", TrialShare::of(50), 0);
        trial.count(&run(1), Arm { tried: 500, failed: 0, delivered: 500, read: 400 }, Arm::default());
        let next = trial.next(9).expect("a tenth");
        assert_eq!((next.share_milli, next.since, next.tried), (100, 9, Arm::default()));
        let half = next.next(10).expect("half");
        assert_eq!((half.share_milli, half.next(11)), (500, None));
    }
}
