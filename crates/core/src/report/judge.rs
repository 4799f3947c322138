//! The judge: the SLA verdict from tallies.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{DropReason, Failure};
use crate::{UnixMs, campaign::Counts, fault::word};

word! {
    /// Whether the promise was kept.
    pub enum SlaVerdict {
        /// The deadline is ahead.
        Pending = "pending",
        /// It was.
        Pass = "pass",
        /// It was not.
        Fail = "fail",
        /// The run was cancelled.
        Cancelled = "cancelled",
    }
}

/// What was promised, and what was kept.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Sla {
    /// The share of eligible recipients that was promised, 0 to 1.
    pub objective: f64,
    /// How far a delivery must have come to count.
    pub counts: Counts,
    /// Recipients to whom the promise was made: all but those dropped on purpose.
    pub eligible: u64,
    /// Of these, how many came that far by the deadline.
    pub within_deadline: u64,
    /// Their share; 1 of nobody.
    pub attained: f64,
    /// Their share of those whom a message could reach at all.
    pub excluding_recipient_faults: f64,
    /// Whether the promise was kept.
    pub verdict: SlaVerdict,
    /// Receipts may still change this: the run is not closed.
    pub provisional: bool,
}

/// What the judge is told.
#[derive(Debug, Clone, Copy)]
pub struct SlaInput<'a> {
    /// The share that was promised, 0 to 1.
    pub objective: f64,
    /// How far a delivery must have come to count.
    pub counts: Counts,
    /// Recipients in the frozen audience.
    pub submitted: u64,
    /// Why some of them were dropped.
    pub dropped_by_reason: &'a BTreeMap<DropReason, u64>,
    /// Deliveries that came as far as counts by the deadline.
    pub within_deadline: u64,
    /// Why others failed.
    pub failures: &'a [Failure],
    /// The deadline.
    pub deadline_at: UnixMs,
    /// The run was cancelled.
    pub cancelled: bool,
    /// The run is closed: nothing that counts can change any more.
    pub closed: bool,
}

/// The verdict at `now`.
pub fn judge(input: &SlaInput<'_>, now: UnixMs) -> Sla {
    let intended = input.dropped_by_reason.iter().filter(|(reason, _)| !reason.is_defect()).map(|(_, count)| count);
    let of_class = |class: &str| input.failures.iter().filter(|f| f.class == class).map(|f| f.count).sum::<u64>();
    // Who was suppressed after the freeze is no more promised anything than who was before.
    let silenced = of_class(Failure::SUPPRESSED) + of_class(Failure::WITHHELD);
    let eligible = input.submitted.saturating_sub(intended.sum::<u64>() + silenced);
    let unreachable = of_class(Failure::RECIPIENT);
    let attained = share(input.within_deadline, eligible);
    let verdict = match (input.cancelled, now < input.deadline_at && !input.closed) {
        (true, _) => SlaVerdict::Cancelled,
        (false, true) => SlaVerdict::Pending,
        (false, false) if attained >= input.objective => SlaVerdict::Pass,
        (false, false) => SlaVerdict::Fail,
    };
    Sla {
        objective: input.objective,
        counts: input.counts,
        eligible,
        within_deadline: input.within_deadline,
        attained,
        excluding_recipient_faults: share(input.within_deadline, eligible.saturating_sub(unreachable)),
        verdict,
        provisional: !input.closed,
    }
}

/// At most 1: a message that counted as sent in time may fail at the recipient's later, and is then in
/// both figures.
pub(super) fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 1.0 } else { (part as f64 / whole as f64).min(1.0) }
}
