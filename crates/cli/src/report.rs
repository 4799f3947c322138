//! A run's report, for people.

use chrono_tz::Tz;
use dawncast_core::report::{Report, Totals};
use serde_json::Value;

use crate::{
    failure::Failure,
    output::{Table, details, local, percent, thousands},
};

/// Reads a report as the server gives it.
pub(crate) fn read(report: &Value) -> Result<Report, Failure> {
    serde_json::from_value(report.clone()).map_err(|why| Failure::new(format!("the report cannot be read: {why}")))
}

/// The report in words, its times on the clocks of `zone`.
pub(crate) fn text(report: &Value, zone: Tz) -> Result<String, Failure> {
    let report = read(report)?;
    let numbers = numbers(&report);
    Ok(format!("{}\n\n{numbers}", summary(&report, zone)))
}

fn summary(report: &Report, zone: Tz) -> String {
    let window = report.window;
    let lateness = report.lateness_ms.map(|it| {
        format!("p50 {:.1} ms, p95 {:.1} ms, p99 {:.1} ms, at most {:.1} ms", it.p50, it.p95, it.p99, it.max)
    });
    details([
        ("Run", Some(format!("{}, {}", report.run, report.state))),
        (
            "Window",
            Some(format!("{} to {}", local(window.opens_at, zone), window.closes_at.with_timezone(&zone).time())),
        ),
        ("Deadline", Some(local(window.deadline_at, zone))),
        ("Verdict", Some(verdict(report))),
        ("Reached", Some(reached(report))),
        ("Totals", Some(totals(&report.totals))),
        ("Lateness", lateness),
        ("Attempts", Some(attempts(report))),
        (
            "Dropped",
            listed(report.dropped_by_reason.iter().map(|(reason, count)| format!("{reason} {}", thousands(*count)))),
        ),
        (
            "Failures",
            listed(report.failures.iter().map(|it| format!("{} ({}) {}", it.code, it.class, thousands(it.count)))),
        ),
    ])
}

fn verdict(report: &Report) -> String {
    let provisional = if report.sla.provisional { ", provisional" } else { "" };
    format!("{}{provisional}", report.sla.verdict.to_string().to_uppercase())
}

fn reached(report: &Report) -> String {
    let sla = &report.sla;
    format!(
        "{} of {} {} by the deadline: {}, promised {}; {} of those whom a message could reach",
        thousands(sla.within_deadline),
        thousands(sla.eligible),
        sla.counts,
        percent(sla.attained),
        percent(sla.objective),
        percent(sla.excluding_recipient_faults),
    )
}

/// Totals as the sum that they are.
pub(crate) fn totals(totals: &Totals) -> String {
    let parts = states(totals).into_iter().filter(|(_, count)| *count > 0);
    let parts: Vec<_> = parts.map(|(state, count)| format!("{} {state}", thousands(count))).collect();
    let sum = if totals.imbalance() == 0 { "=" } else { "but" };
    format!("{} submitted {sum} {}", thousands(totals.submitted), parts.join(" + "))
}

/// The disjoint states, the furthest first.
pub(crate) fn states(totals: &Totals) -> [(&'static str, u64); 11] {
    [
        ("read", totals.read),
        ("delivered", totals.delivered),
        ("sent", totals.sent),
        ("accepted", totals.accepted),
        ("sending", totals.sending),
        ("planned", totals.planned),
        ("unconfirmed", totals.unconfirmed),
        ("failed", totals.failed),
        ("expired", totals.expired),
        ("cancelled", totals.cancelled),
        ("dropped", totals.dropped),
    ]
}

fn attempts(report: &Report) -> String {
    let [attempts, resends, duplicates] = [report.attempts, report.resends, report.known_duplicates].map(thousands);
    format!("{attempts}, of these {resends} resends; {duplicates} known duplicates")
}

fn listed(items: impl Iterator<Item = String>) -> Option<String> {
    let items: Vec<_> = items.collect();
    (!items.is_empty()).then(|| items.join(", "))
}

fn numbers(report: &Report) -> String {
    let mut table = Table::new(&["NUMBER", "ACCEPTED", "THROTTLED", "HEALTH"]);
    for line in &report.numbers {
        let counts = [thousands(line.accepted), thousands(line.throttled)];
        let [accepted, throttled] = counts;
        table.row([line.phone_number_id.to_string(), accepted, throttled, line.health.clone()]);
    }
    table.render("No number has sent anything.")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::samples::report as sample;

    #[test]
    fn a_report_reads_as_a_summary_on_the_campaigns_clocks() {
        let text = text(&sample(), Tz::Asia__Kolkata).unwrap();
        for line in [
            "Window    2026-11-23 06:00:00 IST to 06:00:20",
            "Verdict   PASS",
            "Reached   1,993 of 1,996 sent by the deadline: 99.85 %, promised 99 %; 100 % of those whom a message could reach",
            "Totals    2,000 submitted = 790 read + 1,200 delivered + 3 sent + 3 failed + 4 dropped",
            "Failures  131026 (recipient) 3",
            "100000000000001       665          1  active",
        ] {
            assert!(text.contains(line), "{line} is not in\n{text}");
        }
    }

    #[test]
    fn recipients_that_are_not_accounted_for_are_not_glossed_over() {
        let mut report = sample();
        report["totals"]["read"] = json!(789);
        assert!(text(&report, Tz::UTC).unwrap().contains("2,000 submitted but 789 read"));
    }
}
