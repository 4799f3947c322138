//! The sum of several runs' reports: what became of a campaign over time.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{
    CountryLine, DropReason, Failure, LatenessMs, MessageLine, NumberLine, Part, Report, SlaVerdict, TierLine, Totals,
    judge,
};

/// Several runs of a campaign together.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Sum {
    /// How many runs.
    pub runs: u64,
    /// How they were judged.
    pub verdicts: BTreeMap<SlaVerdict, u64>,
    /// Where their deliveries stand.
    pub totals: Totals,
    /// The promise, over those that have kept or broken it.
    pub sla: SumSla,
    /// The worst of each figure over all runs; none before anything was sent.
    pub lateness_ms: Option<LatenessMs>,
    /// Attempts begun.
    pub attempts: u64,
    /// Attempts begun because an earlier one stayed unconfirmed.
    pub resends: u64,
    /// Messages beyond the first that are known to have reached a recipient.
    pub known_duplicates: u64,
    /// Why recipients were dropped.
    pub dropped_by_reason: BTreeMap<DropReason, u64>,
    /// Why deliveries failed.
    pub failures: Vec<Failure>,
    /// What each number did; its health is that of its latest run.
    pub numbers: Vec<NumberLine>,
    /// What became of each message that it sent. Empty as an earlier version adds up.
    #[serde(default)]
    pub by_message: Vec<MessageLine>,
    /// What became of each tier.
    pub by_tier: Vec<TierLine>,
    /// What became of each country.
    pub by_country: Vec<CountryLine>,
}

/// What was promised to all of them, and kept.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct SumSla {
    /// Recipients to whom the promise was made.
    pub eligible: u64,
    /// Of these, how many came as far as counts by the deadline of their run.
    pub within_deadline: u64,
    /// Their share; 1 of nobody.
    pub attained: f64,
}

impl Sum {
    /// The sum of these reports, the newest first.
    pub fn of<'a>(reports: impl IntoIterator<Item = &'a Report>) -> Self {
        let mut sum = Self::default();
        reports.into_iter().for_each(|report| sum.add(report));
        sum.sla.attained = judge::share(sum.sla.within_deadline, sum.sla.eligible);
        sum
    }

    fn add(&mut self, report: &Report) {
        self.runs += 1;
        *self.verdicts.entry(report.sla.verdict).or_default() += 1;
        if matches!(report.sla.verdict, SlaVerdict::Pass | SlaVerdict::Fail) {
            self.sla.eligible += report.sla.eligible;
            self.sla.within_deadline += report.sla.within_deadline;
        }
        add_totals(&mut self.totals, &report.totals);
        self.lateness_ms = worst(self.lateness_ms, report.lateness_ms);
        self.attempts += report.attempts;
        self.resends += report.resends;
        self.known_duplicates += report.known_duplicates;
        for (reason, count) in &report.dropped_by_reason {
            *self.dropped_by_reason.entry(*reason).or_default() += count;
        }
        add_failures(&mut self.failures, &report.failures);
        self.add_lines(report);
    }

    fn add_lines(&mut self, report: &Report) {
        for line in &report.numbers {
            match self.numbers.iter_mut().find(|known| known.phone_number_id == line.phone_number_id) {
                None => self.numbers.push(line.clone()),
                Some(known) => {
                    known.accepted += line.accepted;
                    known.throttled += line.throttled;
                    known.home += line.home;
                    known.stand_in += line.stand_in;
                    add_part(&mut known.part, &line.part);
                }
            }
        }
        for line in &report.by_message {
            let same = |known: &&mut MessageLine| (&known.message, known.fallback) == (&line.message, line.fallback);
            match self.by_message.iter_mut().find(same) {
                None => self.by_message.push(line.clone()),
                Some(known) => {
                    add_part(&mut known.part, &line.part);
                    line.count_delivered(&mut known.delivered_by_country);
                }
            }
        }
        for line in &report.by_tier {
            match self.by_tier.iter_mut().find(|known| known.tier == line.tier) {
                None => self.by_tier.push(line.clone()),
                Some(known) => add_part(&mut known.part, &line.part),
            }
        }
        for line in &report.by_country {
            match self.by_country.iter_mut().find(|known| known.calling_code == line.calling_code) {
                None => self.by_country.push(line.clone()),
                Some(known) => add_part(&mut known.part, &line.part),
            }
        }
    }
}

fn add_part(sum: &mut Part, part: &Part) {
    add_totals(&mut sum.totals, &part.totals);
    sum.within_deadline += part.within_deadline;
    add_failures(&mut sum.failures, &part.failures);
}

fn add_totals(sum: &mut Totals, totals: &Totals) {
    sum.submitted += totals.submitted;
    for (sum, (_, count)) in sum.by_state_mut().into_iter().zip(totals.by_state()) {
        *sum += count;
    }
}

fn add_failures(sum: &mut Vec<Failure>, failures: &[Failure]) {
    for failure in failures {
        match sum.iter_mut().find(|known| known.code == failure.code) {
            None => sum.push(failure.clone()),
            Some(known) => known.count += failure.count,
        }
    }
    sum.sort_by_key(|failure| failure.code);
}

fn worst(one: Option<LatenessMs>, other: Option<LatenessMs>) -> Option<LatenessMs> {
    let (Some(a), Some(b)) = (one, other) else { return one.or(other) };
    Some(LatenessMs { p50: a.p50.max(b.p50), p95: a.p95.max(b.p95), p99: a.p99.max(b.p99), max: a.max.max(b.max) })
}
