//! Whether the promise held, in words, as a table and as JSON.

use std::{collections::BTreeMap, fmt, path::Path};

use serde::Serialize;
use serde_json::{Value, json};

use super::{
    Args,
    audit::{Audit, Finding},
    crew::Ending,
    follow::Watched,
    havoc::Dealt,
    plan::{Counts, Plan},
    recovery::{Recovery, Spread},
    write_json,
};
use crate::{
    failure::Failure,
    output::{details, percent, thousands},
    play::Stage,
};

/// How many findings of a kind are told; the file has all.
const TOLD: usize = 20;
/// The outcomes of an attempt that say a message got through to Meta.
const POSITIVE: [&str; 4] = ["accepted", "sent", "delivered", "read"];

/// Everything that was done and found.
#[derive(Debug)]
pub(super) struct Verdict {
    pub(super) plan: Plan,
    pub(super) dealt: Vec<Dealt>,
    pub(super) endings: Vec<Ending>,
    pub(super) watched: Watched,
    pub(super) audit: Audit,
    pub(super) recovery: Recovery,
    pub(super) report: Value,
    /// How many messages each delivery shows, of those that got more than one.
    pub(super) shown: BTreeMap<String, usize>,
}

/// What the deliveries that got more than one message show of it.
pub(super) async fn shown(stage: &Stage, audit: &Audit) -> Result<BTreeMap<String, usize>, Failure> {
    let mut shown = BTreeMap::new();
    for id in audit.surplus_of.keys().filter(|id| !id.is_empty()) {
        let story = stage.api.get(&["v1", "deliveries", id], &[]).await?;
        let outcomes =
            story["story"].as_array().into_iter().flatten().filter_map(|attempt| attempt["outcome"].as_str());
        shown.insert(id.clone(), outcomes.filter(|outcome| POSITIVE.contains(outcome)).count());
    }
    Ok(shown)
}

impl Verdict {
    /// Whether the promise held.
    pub(super) fn held(&self) -> bool {
        self.faults().is_empty()
    }

    /// Each way in which it did not, in words.
    fn faults(&self) -> Vec<String> {
        let audit = &self.audit;
        let many = |count: usize, what: &str| (count > 0).then(|| format!("{} {what}", thousands(count as u64)));
        let known = self.report["known_duplicates"].as_u64().unwrap_or_default();
        let counted = format!("{} surplus messages arrived, and the report counts {known}", audit.surplus);
        let dealt = self.counts() == self.plan.counts();
        [
            many(audit.lost.len(), "recipients are lost"),
            many(audit.unexplained.len(), "second messages are not explained by the policy"),
            many(audit.strangers.len(), "people were written to whom nobody named"),
            many(audit.unheard.len(), "recipients' receipts are not recorded"),
            many(self.hidden().len(), "deliveries do not show all messages that they got"),
            many(self.watched.imbalances.len(), "times the counts did not add up"),
            (known != audit.surplus).then_some(counted),
            (self.watched.scrapes == 0).then(|| "the gauge of conservation was never seen".to_owned()),
            (!self.watched.closed).then(|| "the run was not closed in time".to_owned()),
            (!dealt).then(|| "not every blow of the plan was dealt".to_owned()),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    /// The deliveries that do not show what the simulator took for them.
    fn hidden(&self) -> Vec<&str> {
        let hidden = self.audit.surplus_of.iter().filter(|(id, arrived)| self.shown.get(*id) != Some(arrived));
        hidden.map(|(id, _)| id.as_str()).collect()
    }

    fn counts(&self) -> Counts {
        Counts::of(self.dealt.iter().map(|dealt| dealt.blow))
    }

    /// Writes all of it.
    pub(super) fn write(&self, path: &Path, args: &Args) -> Result<(), Failure> {
        write_json(path, &self.json(args))
    }

    fn json(&self, args: &Args) -> Value {
        let (audit, report) = (&self.audit, &self.report);
        json!({
            "seed": args.seed,
            "minutes": args.minutes,
            "recipients": args.recipients,
            "workers": args.workers,
            "policy": self.plan.policy,
            "held": self.held(),
            "faults": self.faults(),
            "plan": self.counts(),
            "lost": audit.lost.len(),
            "doubles": audit.doubles,
            "known_duplicates": report["known_duplicates"],
            "unheard": audit.unheard.len(),
            "unconfirmed": audit.unconfirmed.len(),
            "unconfirmed_taken": audit.unconfirmed.iter().filter(|it| it.taken).count(),
            "states": audit.states,
            "messages": audit.messages,
            "recovery_ms": self.recovery,
            "sla": report["sla"],
            "lateness_ms": report["lateness_ms"],
            "conservation": self.watched,
            "endings": self.endings,
            "dealt": self.dealt,
            "findings": {
                "lost": audit.lost,
                "unexplained": audit.unexplained,
                "strangers": audit.strangers,
                "unheard": audit.unheard,
                "hidden": self.hidden(),
                "unconfirmed": audit.unconfirmed,
            },
        })
    }

    fn table(&self) -> String {
        let (audit, doubles) = (&self.audit, &self.audit.doubles);
        let taken = audit.unconfirmed.iter().filter(|it| it.taken).count();
        let sla = self.report["sla"]["attained"].as_f64().map(percent);
        let watched = &self.watched;
        details([
            ("blows", Some(words(&self.counts()))),
            ("ended by themselves", Some(self.endings.len().to_string())),
            ("states", Some(words(&audit.states))),
            ("lost", Some(thousands(audit.lost.len() as u64))),
            ("twice: resent while unsure", Some(thousands(doubles.resent_unsure))),
            ("twice: Meta said failed", Some(thousands(doubles.meta_failed))),
            ("twice: unexplained", Some(thousands(doubles.unexplained))),
            ("unconfirmed", Some(format!("{}, {taken} of them taken", audit.unconfirmed.len()))),
            ("receipts not recorded", Some(thousands(audit.unheard.len() as u64))),
            ("recovery", Some(spread(&self.recovery.undisturbed))),
            ("recovery, hit again", Some(spread(&self.recovery.disturbed))),
            ("SLA attained", sla),
            ("counts added up", Some(format!("in {} polls and {} scrapes", watched.polls, watched.scrapes))),
        ])
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}\n", self.table())?;
        let faults = self.faults();
        if faults.is_empty() {
            let (people, unconfirmed) = (self.audit.states.values().sum(), self.audit.unconfirmed.len());
            let (people, unconfirmed) = (thousands(people), thousands(unconfirmed as u64));
            return write!(
                f,
                "HELD: none of {people} recipients is lost, none got a second message that `{}` did not choose to risk, \
                 and {unconfirmed} unsure are named.",
                self.plan.policy
            );
        }
        write!(f, "BROKEN:")?;
        faults.iter().try_for_each(|fault| write!(f, "\n  {fault}"))?;
        self.watched.imbalances.iter().take(TOLD).try_for_each(|what| write!(f, "\n  {what}"))?;
        self.hidden().iter().take(TOLD).try_for_each(|id| write!(f, "\n  {id} hides a message"))?;
        let told = |findings: &[Finding]| findings.iter().take(TOLD).cloned().collect::<Vec<_>>();
        let Audit { lost, unexplained, strangers, unheard, .. } = &self.audit;
        let findings = [lost, unexplained, strangers, unheard].map(|findings| told(findings)).concat();
        findings.iter().try_for_each(|finding| write!(f, "\n  {finding}"))
    }
}

/// `2 redis_cuts, 3 worker_kills`: what is not zero.
fn words(counts: &impl Serialize) -> String {
    let counts = serde_json::to_value(counts).unwrap_or_default();
    let counts = counts.as_object().into_iter().flatten().filter(|(_, count)| **count != 0);
    counts.map(|(name, count)| format!("{count} {}", name.replace('_', " "))).collect::<Vec<_>>().join(", ")
}

fn spread(spread: &Spread) -> String {
    let Spread { samples, p50: Some(p50), p99: Some(p99), max: Some(max) } = *spread else {
        return "no page".to_owned();
    };
    format!("{samples} pages: p50 {p50} ms, p99 {p99} ms, longest {max} ms")
}

#[cfg(test)]
mod tests {
    use dawncast_core::campaign::Then;

    use super::*;
    use crate::chaos::plan::{Blow, Stroke};

    fn verdict() -> Verdict {
        let stroke = Stroke { at_ms: 0, lasts_ms: 5, blow: Blow::KillRedis };
        Verdict {
            plan: Plan { policy: Then::Resend, strokes: vec![stroke] },
            dealt: vec![Dealt { blow: Blow::KillRedis, from_ms: 0, until_ms: 5 }],
            endings: Vec::new(),
            watched: Watched { polls: 5, scrapes: 5, imbalances: Vec::new(), closed: true },
            audit: Audit { surplus: 1, surplus_of: [("run.0.1".to_owned(), 2)].into(), ..Audit::default() },
            recovery: Recovery::default(),
            report: json!({ "known_duplicates": 1, "sla": { "attained": 1.0 } }),
            shown: [("run.0.1".to_owned(), 2)].into(),
        }
    }

    fn finding() -> Finding {
        let (phone, what) = ("+91••••••3210".to_owned(), "is odd".to_owned());
        Finding { phone, delivery: None, what, messages: vec!["d1:x:run.0.1:1:1 taken".to_owned()] }
    }

    #[test]
    fn a_double_that_is_counted_and_shown_leaves_the_promise_unbroken() {
        assert!(verdict().held(), "{}", verdict());
        assert!(verdict().to_string().contains("HELD"));
    }

    #[test]
    fn every_way_to_break_the_promise_breaks_it() {
        let check = |part: &str, change: &dyn Fn(&mut Verdict)| {
            let mut verdict = verdict();
            change(&mut verdict);
            let faults = verdict.faults();
            assert!(faults.len() == 1 && faults[0].contains(part), "{part}: {faults:?}");
            assert!(!verdict.held() && verdict.to_string().contains("BROKEN"));
        };
        check("lost", &|verdict| verdict.audit.lost.push(finding()));
        check("not explained", &|verdict| verdict.audit.unexplained.push(finding()));
        check("nobody named", &|verdict| verdict.audit.strangers.push(finding()));
        check("do not show", &|verdict| _ = verdict.shown.insert("run.0.1".to_owned(), 1));
        check("do not show", &|verdict| verdict.shown.clear());
        check("not recorded", &|verdict| verdict.audit.unheard.push(finding()));
        check("add up", &|verdict| verdict.watched.imbalances.push("1 is 2".to_owned()));
        check("report counts 0", &|verdict| verdict.report["known_duplicates"] = json!(0));
        check("never seen", &|verdict| verdict.watched.scrapes = 0);
        check("not closed", &|verdict| verdict.watched.closed = false);
        check("not every blow", &|verdict| verdict.dealt.clear());
    }

    #[test]
    fn what_is_found_is_told_with_its_messages() {
        let mut verdict = verdict();
        verdict.audit.lost.push(finding());
        let text = verdict.to_string();
        assert!(text.contains("+91••••••3210 (no delivery): is odd\n    d1:x:run.0.1:1:1 taken"), "{text}");
    }
}
