//! A run's report, for people.

use std::collections::BTreeMap;

use chrono_tz::Tz;
use dawncast_core::report::{
    CountryLine, DropReason, Failure as ReportFailure, LatenessMs, MessageLine, NumberLine, Part, Report, Sum,
    TierLine, Totals,
};
use serde::Deserialize;
use serde_json::Value;

use crate::{
    failure::Failure,
    output::{Table, cell, details, field, local, percent, thousands, time_cell},
};

/// Reads a report as the server gives it.
pub(crate) fn read(report: &Value) -> Result<Report, Failure> {
    serde_json::from_value(report.clone()).map_err(|why| Failure::new(format!("the report cannot be read: {why}")))
}

/// What came of a campaign's runs, each and all together, on the clocks of `zone`.
pub(crate) fn over_time(told: &Value, zone: Tz) -> Result<String, Failure> {
    let sum = Sum::deserialize(&told["sum"]);
    let sum = sum.map_err(|why| Failure::new(format!("the report cannot be read: {why}")))?;
    let verdicts = listed(sum.verdicts.iter().map(|(verdict, count)| format!("{count} {verdict}")));
    let head = details([
        ("Campaign", field(told, "/campaign")),
        ("From", Some(time_cell(told, "/from", zone))),
        ("To", Some(time_cell(told, "/to", zone))),
        ("Runs", Some(format!("{}: {}", sum.runs, verdicts.unwrap_or_else(|| "none".to_owned())))),
        ("Reached", Some(format!("{} by the deadline", reached_of(&sum)))),
        ("Totals", Some(totals(&sum.totals))),
        ("Lateness", sum.lateness_ms.map(|it| format!("at worst {}", lateness(&it)))),
        ("Attempts", Some(attempts(sum.attempts, sum.resends, sum.known_duplicates))),
        ("Dropped", dropped(&sum.dropped_by_reason)),
        ("Failures", failures(&sum.failures)),
    ]);
    let rooms = [
        Some(head),
        meanings(&sum.failures),
        Some(runs(told, zone)),
        Some(numbers(&sum.numbers)),
        parts(&sum.by_message, &sum.by_tier, &sum.by_country),
    ];
    Ok(rooms.into_iter().flatten().collect::<Vec<_>>().join("\n\n"))
}

fn reached_of(sum: &Sum) -> String {
    let sla = &sum.sla;
    format!("{} of {}, {}", thousands(sla.within_deadline), thousands(sla.eligible), percent(sla.attained))
}

/// A line per run.
fn runs(told: &Value, zone: Tz) -> String {
    let mut table = Table::new(&["RUN", "OPENED", "VERDICT", "ATTAINED", "SUBMITTED", "DELIVERED", "READ", "FAILED"]);
    for run in told["runs"].as_array().into_iter().flatten() {
        let attained = run.pointer("/sla/attained").and_then(Value::as_f64).map_or_else(String::new, percent);
        let totals = ["submitted", "delivered", "read", "failed"].map(|state| cell(run, &format!("/totals/{state}")));
        let [submitted, delivered, read, failed] = totals;
        let (id, opened) = (cell(run, "/run"), time_cell(run, "/window/opens_at", zone));
        table.row([id, opened, cell(run, "/sla/verdict"), attained, submitted, delivered, read, failed]);
    }
    table.render("There was no run.")
}

/// The report in words, its times on the clocks of `zone`.
pub(crate) fn text(report: &Value, zone: Tz) -> Result<String, Failure> {
    let report = read(report)?;
    let parts = parts(&report.by_message, &report.by_tier, &report.by_country);
    let rooms = [Some(summary(&report, zone)), meanings(&report.failures), Some(numbers(&report.numbers)), parts];
    Ok(rooms.into_iter().flatten().collect::<Vec<_>>().join("\n\n"))
}

fn summary(report: &Report, zone: Tz) -> String {
    let window = report.window;
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
        ("Lateness", report.lateness_ms.as_ref().map(lateness)),
        ("Attempts", Some(attempts(report.attempts, report.resends, report.known_duplicates))),
        ("Dropped", dropped(&report.dropped_by_reason)),
        ("Failures", failures(&report.failures)),
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
    let submitted = format!("{} submitted", thousands(totals.submitted));
    match (parts.is_empty(), totals.imbalance()) {
        (true, 0) => submitted,
        (_, 0) => format!("{submitted} = {}", parts.join(" + ")),
        _ => format!("{submitted} but {}", parts.join(" + ")),
    }
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

fn attempts(attempts: u64, resends: u64, duplicates: u64) -> String {
    let [attempts, resends, duplicates] = [attempts, resends, duplicates].map(thousands);
    format!("{attempts}, of these {resends} resends; {duplicates} known duplicates")
}

fn lateness(it: &LatenessMs) -> String {
    format!("p50 {:.1} ms, p95 {:.1} ms, p99 {:.1} ms, at most {:.1} ms", it.p50, it.p95, it.p99, it.max)
}

fn dropped(reasons: &BTreeMap<DropReason, u64>) -> Option<String> {
    listed(reasons.iter().map(|(reason, count)| format!("{reason} {}", thousands(*count))))
}

fn failures(failures: &[ReportFailure]) -> Option<String> {
    listed(failures.iter().map(|it| format!("{} ({}) {}", it.code, it.class, thousands(it.count))))
}

fn listed(items: impl Iterator<Item = String>) -> Option<String> {
    let items: Vec<_> = items.collect();
    (!items.is_empty()).then(|| items.join(", "))
}

/// What the codes mean and what to do.
fn meanings(failures: &[ReportFailure]) -> Option<String> {
    let told = failures.iter().filter_map(|it| Some(format!("{}: {}", it.code, it.meaning.as_ref()?)));
    let told: Vec<_> = told.collect();
    (!told.is_empty()).then(|| told.join("\n"))
}

fn numbers(lines: &[NumberLine]) -> String {
    let mut table = Table::new(&["NUMBER", "ACCEPTED", "THROTTLED", "HOME TO", "STOOD IN", "FAILED", "OF", "HEALTH"]);
    for line in lines {
        let [accepted, throttled] = [line.accepted, line.throttled].map(thousands);
        let [home, stand_in, failed] = [line.home, line.stand_in, line.part.totals.failed].map(thousands);
        let (number, of) = (line.phone_number_id.to_string(), codes(&line.part));
        table.row([number, accepted, throttled, home, stand_in, failed, of, line.health.clone()]);
    }
    table.render("No number has sent anything.")
}

/// What became of each message, where there were several, of each tier and country; nothing where nobody was planned.
fn parts(messages: &[MessageLine], tiers: &[TierLine], countries: &[CountryLine]) -> Option<String> {
    let none = tiers.is_empty() && countries.is_empty();
    let messages = messages.iter().filter(|_| messages.len() > 1).map(|line| {
        let name = if line.fallback { format!("{} (fallback)", line.message) } else { line.message.clone() };
        (name, &line.part)
    });
    let tiers = tiers.iter().map(|line| {
        let name = line.tier.as_ref().map_or_else(|| "no tier".to_owned(), |tier| format!("tier {tier}"));
        (name, &line.part)
    });
    let countries = countries.iter().map(|line| {
        let code = line.calling_code.map_or_else(|| "unknown".to_owned(), |code| format!("+{code}"));
        (format!("{} {code}", line.country.as_deref().unwrap_or("country")), &line.part)
    });
    let mut table = Table::new(&["PART", "PLANNED", "ON TIME", "DELIVERED", "READ", "FAILED", "OF"]);
    for (name, part) in messages.chain(tiers).chain(countries) {
        let totals = &part.totals;
        let counts = [totals.submitted, part.within_deadline, totals.delivered, totals.read, totals.failed];
        let [planned, on_time, delivered, read, failed] = counts.map(thousands);
        table.row([name, planned, on_time, delivered, read, failed, codes(part)]);
    }
    (!none).then(|| table.render(""))
}

/// The codes that deliveries failed with, and how often.
fn codes(part: &Part) -> String {
    listed(part.failures.iter().map(|it| format!("{} ({})", it.code, thousands(it.count)))).unwrap_or_default()
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
            "131026: The recipient has no WhatsApp: ask them.",
            "100000000000001       665          1      660         6       3  131026 (3)  active",
            "interactive                            300      300        300     0       0",
            "template daily_pack_v1 (fallback)    1,696    1,693      1,693     0       3  131026 (3)",
            "tier pro                               500      500        500     0       0",
            "IN +91                               1,996    1,993      1,993     0       3  131026 (3)",
        ] {
            assert!(text.contains(line), "{line} is not in\n{text}");
        }
    }

    #[test]
    fn a_run_that_is_not_frozen_yet_has_no_sum() {
        assert_eq!(totals(&Totals::default()), "0 submitted");
    }

    #[test]
    fn recipients_that_are_not_accounted_for_are_not_glossed_over() {
        let mut report = sample();
        report["totals"]["read"] = json!(789);
        assert!(text(&report, Tz::UTC).unwrap().contains("2,000 submitted but 789 read"));
    }
}
