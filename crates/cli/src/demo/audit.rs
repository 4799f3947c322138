//! The audit: what the engine says of its run, held against what the simulator recorded by itself.

use std::{collections::HashSet, fmt};

use dawncast_cloud_sim::LedgerSnapshot;
use dawncast_core::report::{Report, SlaVerdict};
use serde::Deserialize;
use serde_json::Value;

use crate::{
    failure::Failure,
    output::thousands,
    play::{Scene, Stage},
    report,
};

/// The states of a delivery that say a message got through to Meta.
const TAKEN: [&str; 4] = ["accepted", "sent", "delivered", "read"];

/// A row of the list of deliveries, as far as it matters here.
#[derive(Debug, Deserialize)]
struct Delivery {
    phone: String,
    state: String,
}

/// What the audit found.
#[derive(Debug)]
pub(super) struct Audit {
    recipients: u64,
    messages: u64,
    reached: usize,
    faults: Vec<String>,
}

impl Audit {
    /// Audits a closed run.
    pub(super) async fn of(stage: &Stage, scene: &Scene, found: &Value) -> Result<Self, Failure> {
        let unreadable = |why: &dyn fmt::Display| Failure::new(format!("the audit cannot be made: {why}"));
        let ledger = stage.sim.get(&["_sim", "ledger"], &[]).await?;
        let ledger: LedgerSnapshot = serde_json::from_value(ledger).map_err(|why| unreadable(&why))?;
        let list = stage.api.get_csv(&["v1", "runs", &scene.run, "deliveries"], &[]).await?;
        let list = list.bytes().await.map_err(|why| unreadable(&why))?;
        let deliveries: Result<Vec<Delivery>, _> = csv::Reader::from_reader(&*list).deserialize().collect();
        let deliveries = deliveries.map_err(|why| unreadable(&why))?;
        Ok(Self::weigh(scene.recipients, &report::read(found)?, &deliveries, &ledger))
    }

    fn weigh(recipients: u64, report: &Report, deliveries: &[Delivery], ledger: &LedgerSnapshot) -> Self {
        let faults = [
            verdict(report),
            conservation(recipients, report, deliveries),
            claims(deliveries, ledger),
            strangers(deliveries, ledger),
            repeats(ledger),
        ];
        let (messages, reached) = (ledger.totals.accepted, ledger.recipients.len());
        Self { recipients, messages, reached, faults: faults.into_iter().flatten().collect() }
    }

    /// Whether the SLA passed, everybody is accounted for and nobody heard twice.
    pub(super) fn passed(&self) -> bool {
        self.faults.is_empty()
    }
}

impl fmt::Display for Audit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (messages, reached) = (thousands(self.messages), thousands(self.reached as u64));
        writeln!(f, "The simulator's own record: {messages} messages taken, for {reached} recipients.")?;
        if self.passed() {
            let recipients = thousands(self.recipients);
            return write!(
                f,
                "PASS: the SLA is met, each of {recipients} recipients is accounted for, and none heard twice."
            );
        }
        write!(f, "FAIL:")?;
        self.faults.iter().try_for_each(|fault| write!(f, "\n  {fault}"))
    }
}

fn verdict(report: &Report) -> Option<String> {
    (report.sla.verdict != SlaVerdict::Pass).then(|| format!("the verdict on the SLA is `{}`", report.sla.verdict))
}

fn conservation(recipients: u64, report: &Report, deliveries: &[Delivery]) -> Option<String> {
    let totals = &report.totals;
    let (submitted, listed) = (totals.submitted, deliveries.len() as u64);
    if submitted != recipients || listed != recipients {
        return Some(format!("{recipients} recipients were imported, {submitted} submitted, {listed} are listed"));
    }
    if totals.imbalance() != 0 {
        return Some(format!("{submitted} recipients were submitted, and the states sum to {}", totals.sum()));
    }
    let open = totals.planned + totals.sending;
    (open > 0).then(|| format!("{open} deliveries of a closed run are still open"))
}

/// Nothing may be claimed that the simulator did not take.
fn claims(deliveries: &[Delivery], ledger: &LedgerSnapshot) -> Option<String> {
    let taken = deliveries.iter().filter(|delivery| TAKEN.contains(&delivery.state.as_str()));
    let untrue = taken.filter(|delivery| !ledger.recipients.contains_key(digits(&delivery.phone))).count();
    (untrue > 0).then(|| format!("{untrue} deliveries are claimed that the simulator knows nothing of"))
}

/// Nobody may be written to whom nobody named.
fn strangers(deliveries: &[Delivery], ledger: &LedgerSnapshot) -> Option<String> {
    let known: HashSet<_> = deliveries.iter().map(|delivery| digits(&delivery.phone)).collect();
    let strangers = ledger.recipients.keys().filter(|phone| !known.contains(phone.as_str())).count();
    (strangers > 0).then(|| format!("{strangers} people were written to who are not in the audience"))
}

fn repeats(ledger: &LedgerSnapshot) -> Option<String> {
    let twice = ledger.recipients.values().filter(|recipient| recipient.accepted > 1).count();
    (twice > 0).then(|| format!("{twice} recipients were written to more than once"))
}

fn digits(phone: &str) -> &str {
    phone.trim_start_matches('+')
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// The faults found in a run of two recipients, one of them read, one failed, after `change`.
    fn check(change: impl FnOnce(&mut Value, &mut Vec<Delivery>, &mut Value)) -> Vec<String> {
        let mut report = crate::samples::report();
        let zeros = ["dropped", "sent", "delivered"].map(|state| (state, 0));
        for (state, count) in zeros.into_iter().chain([("submitted", 2), ("read", 1), ("failed", 1)]) {
            report["totals"][state] = json!(count);
        }
        let delivery = |phone: &str, state: &str| Delivery { phone: phone.to_owned(), state: state.to_owned() };
        let mut deliveries = vec![delivery("+911", "read"), delivery("+912", "failed")];
        let taken = json!({ "accepted": 1, "attempts": [] });
        let mut ledger =
            json!({ "recipients": { "911": taken, "912": taken }, "totals": { "accepted": 2, "rejected": {} } });
        change(&mut report, &mut deliveries, &mut ledger);
        let (report, ledger) = (report::read(&report).unwrap(), serde_json::from_value(ledger).unwrap());
        Audit::weigh(2, &report, &deliveries, &ledger).faults
    }

    #[test]
    fn a_run_that_the_simulator_bears_out_passes() {
        assert_eq!(check(|_, _, _| ()), Vec::<String>::new());
    }

    #[test]
    fn every_kind_of_untruth_is_found() {
        let found =
            |faults: Vec<String>, part: &str| assert!(faults.len() == 1 && faults[0].contains(part), "{faults:?}");
        found(check(|report, _, _| report["sla"]["verdict"] = json!("fail")), "`fail`");
        found(check(|report, _, _| report["totals"]["failed"] = json!(0)), "sum to 1");
        found(check(|report, _, _| report["totals"]["submitted"] = json!(3)), "3 submitted");
        found(
            check(|_, deliveries, _| deliveries.push(Delivery { phone: "+911".into(), state: "sent".into() })),
            "3 are listed",
        );
        found(
            check(|report, _, _| {
                report["totals"]["failed"] = json!(0);
                report["totals"]["planned"] = json!(1);
            }),
            "still open",
        );
        found(check(|_, _, ledger| ledger["recipients"] = json!({})), "knows nothing of");
        found(check(|_, _, ledger| ledger["recipients"]["912"]["accepted"] = json!(2)), "more than once");
        found(
            check(|_, _, ledger| ledger["recipients"]["913"] = json!({ "accepted": 1, "attempts": [] })),
            "not in the audience",
        );
    }
}
