//! The report as outsiders read it, and the judge's rules.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::campaign::Counts;

const DEADLINE: i64 = 1_795_394_100_000;

/// The verdict on `within` of `submitted`, with drops and recipients' faults.
fn check(submitted: u64, drops: &[(DropReason, u64)], within: u64, recipient_faults: u64) -> Sla {
    let failures = [failure(131026, "recipient", recipient_faults), failure(131000, "transient", 1)];
    let dropped_by_reason = drops.iter().copied().collect();
    judge(&input(submitted, &dropped_by_reason, within, &failures), DEADLINE)
}

fn failure(code: u32, class: &str, count: u64) -> Failure {
    Failure { code, class: class.to_owned(), count, meaning: None }
}

fn input<'a>(
    submitted: u64,
    dropped_by_reason: &'a BTreeMap<DropReason, u64>,
    within_deadline: u64,
    failures: &'a [Failure],
) -> SlaInput<'a> {
    SlaInput {
        objective: 0.99,
        counts: Counts::Sent,
        submitted,
        dropped_by_reason,
        within_deadline,
        failures,
        deadline_at: DEADLINE,
        cancelled: false,
        closed: false,
    }
}

#[test]
fn attained_is_the_share_of_the_eligible() {
    let sla = check(2000, &[(DropReason::Duplicate, 4)], 1993, 3);
    assert_eq!((sla.eligible, sla.within_deadline, sla.verdict), (1996, 1993, SlaVerdict::Pass));
    assert!((sla.attained - 0.9985).abs() < 1e-4);
    assert_eq!(sla.excluding_recipient_faults, 1.0);
}

#[test]
fn the_objective_itself_passes_and_one_less_fails() {
    assert_eq!(check(100, &[], 99, 0).verdict, SlaVerdict::Pass);
    assert_eq!(check(100, &[], 98, 2).verdict, SlaVerdict::Fail);
}

#[test]
fn defects_stay_eligible_and_intended_drops_do_not() {
    for reason in DropReason::ALL {
        let eligible = check(100, &[(*reason, 10)], 90, 0).eligible;
        assert_eq!(eligible, if reason.is_defect() { 100 } else { 90 }, "{reason}");
    }
}

#[test]
fn an_empty_audience_attains_everything() {
    let sla = check(5, &[(DropReason::Suppressed, 5)], 0, 0);
    assert_eq!((sla.attained, sla.excluding_recipient_faults, sla.verdict), (1.0, 1.0, SlaVerdict::Pass));
}

#[test]
fn a_failure_after_it_counted_never_makes_more_than_everyone() {
    assert_eq!(check(100, &[], 100, 5).excluding_recipient_faults, 1.0);
}

#[test]
fn the_verdict_is_pending_before_the_deadline_and_provisional_until_close() {
    let none = BTreeMap::new();
    let open = input(100, &none, 100, &[]);
    let told = |input: SlaInput<'_>, now| {
        let sla = judge(&input, now);
        (sla.verdict, sla.provisional)
    };
    assert_eq!(told(open, DEADLINE - 1), (SlaVerdict::Pending, true));
    assert_eq!(told(open, DEADLINE), (SlaVerdict::Pass, true));
    assert_eq!(told(SlaInput { closed: true, ..open }, DEADLINE), (SlaVerdict::Pass, false));
    assert_eq!(told(SlaInput { closed: true, ..open }, DEADLINE - 1), (SlaVerdict::Pass, false));
    assert_eq!(told(SlaInput { cancelled: true, ..open }, DEADLINE - 1), (SlaVerdict::Cancelled, true));
    assert_eq!(told(SlaInput { cancelled: true, closed: true, ..open }, DEADLINE), (SlaVerdict::Cancelled, false));
}

#[test]
fn lateness_is_told_by_nearest_rank() {
    let lateness = LatenessMs::of((1..=200).rev().map(|ms| ms * 1000).collect());
    assert_eq!(lateness, Some(LatenessMs { p50: 100.0, p95: 190.0, p99: 198.0, max: 200.0 }));
    assert_eq!(LatenessMs::of(vec![1_234]), Some(LatenessMs { p50: 1.234, p95: 1.234, p99: 1.234, max: 1.234 }));
    assert_eq!(LatenessMs::of(vec![]), None);
}

/// The example of the public documentation.
fn documented() -> serde_json::Value {
    json!({
        "run": "cmp_x-20261123T060000-Asia_Kolkata", "campaign": "cmp_x", "state": "closed",
        "window": {
            "opens_at": "2026-11-23T00:29:30Z", "closes_at": "2026-11-23T00:34:30Z", "deadline_at": "2026-11-23T00:35:00Z"
        },
        "totals": {
            "submitted": 2000, "dropped": 4, "planned": 0, "sending": 0, "unconfirmed": 0, "accepted": 0, "sent": 3,
            "delivered": 1200, "read": 790, "failed": 3, "expired": 0, "cancelled": 0
        },
        "sla": {
            "objective": 0.99, "counts": "sent", "eligible": 1996, "within_deadline": 1993, "attained": 0.9985,
            "excluding_recipient_faults": 1.0, "verdict": "pass", "provisional": false
        },
        "lateness_ms": { "p50": 1.2, "p95": 4.0, "p99": 9.8, "max": 30.1 },
        "attempts": 2017, "resends": 2, "known_duplicates": 0,
        "dropped_by_reason": { "duplicate": 4 },
        "failures": [{ "code": 131026, "class": "recipient", "count": 3 }],
        "numbers": [{ "phone_number_id": "100000000000001", "accepted": 665, "throttled": 1, "health": "active" }]
    })
}

/// A part of which `delivered` have come through and one has failed.
fn part(delivered: u64) -> Part {
    let mut count = Count::default();
    (0..delivered).for_each(|_| count.add(DeliveryState::Delivered, true, 0));
    count.add(DeliveryState::Failed, false, 131_026);
    count.part(|_| Explained { class: "recipient", meaning: Some("no WhatsApp there") })
}

#[test]
fn a_report_reads_and_writes_as_documented() {
    let report: Report = serde_json::from_value(documented()).expect("a report of an earlier version");
    assert_eq!((report.totals.imbalance(), report.numbers[0].part.clone()), (0, Part::default()));
    let written = serde_json::to_value(&report).expect("JSON");
    let kept = |field: &str| {
        documented()[field].as_object().is_none_or(|object| object == written[field].as_object().expect("an object"))
    };
    assert!(documented().as_object().expect("an object").keys().all(|field| kept(field)), "{written}");
    assert_eq!(serde_json::from_value::<Report>(written).expect("a report"), report);
}

#[test]
fn a_part_tells_where_its_deliveries_stand_and_why_some_failed() {
    let line = TierLine { tier: Some("pro".to_owned()), part: part(2) };
    let written = serde_json::to_value(&line).expect("JSON");
    assert_eq!((&written["tier"], &written["totals"]["delivered"]), (&json!("pro"), &json!(2)));
    assert_eq!((&written["totals"]["submitted"], &written["within_deadline"]), (&json!(3), &json!(2)));
    assert_eq!(written["failures"], json!([{ "code": 131_026, "class": "recipient", "count": 1 }]));
    assert_eq!(serde_json::from_value::<TierLine>(written).expect("a line"), line);
}

#[test]
fn runs_add_up_line_by_line() {
    let mut one: Report = serde_json::from_value(documented()).expect("a report");
    one.by_tier = vec![TierLine { tier: Some("pro".to_owned()), part: part(2) }];
    let line = |fallback| MessageLine {
        message: "text".to_owned(),
        fallback,
        category: None,
        delivered_by_country: BTreeMap::from([("IN".to_owned(), 2)]),
        part: part(1),
    };
    one.by_message = vec![line(false), line(true)];
    let mut other = one.clone();
    other.sla.verdict = SlaVerdict::Fail;
    other.lateness_ms = Some(LatenessMs { p50: 9.0, p95: 1.0, p99: 1.0, max: 99.0 });
    other.by_tier.push(TierLine { tier: None, part: part(5) });
    let mut pending = one.clone();
    pending.sla.verdict = SlaVerdict::Pending;
    let sum = Sum::of([&one, &other, &pending]);
    assert_eq!((sum.runs, sum.totals.submitted, sum.totals.read, sum.totals.imbalance()), (3, 6_000, 2_370, 0));
    assert_eq!(sum.by_message[0].delivered_by_country["IN"], 6);
    assert_eq!((sum.sla.eligible, sum.sla.within_deadline), (2 * 1_996, 2 * 1_993), "no verdict, no share");
    assert_eq!(sum.lateness_ms, Some(LatenessMs { p50: 9.0, p95: 4.0, p99: 9.8, max: 99.0 }));
    assert_eq!((sum.failures.len(), sum.failures[0].count, sum.numbers[0].accepted), (1, 9, 3 * 665));
    let tiers: Vec<_> = sum.by_tier.iter().map(|line| line.part.totals.delivered).collect();
    assert_eq!((tiers, sum.by_tier[0].part.failures[0].count), (vec![6, 5], 3));
    let messages: Vec<_> = sum.by_message.iter().map(|line| (line.fallback, line.part.totals.delivered)).collect();
    assert_eq!(messages, [(false, 3), (true, 3)]);
    assert_eq!(sum.verdicts[&SlaVerdict::Fail], 1);
}

proptest! {
    #[test]
    fn the_balance_is_what_no_state_accounts_for(counts in prop::array::uniform11(0_u64..1_000_000), missing in -1000_i64..1000) {
        let [dropped, planned, sending, unconfirmed, accepted, sent, delivered, read, failed, expired, cancelled] = counts;
        let sum: u64 = counts.iter().sum();
        let submitted = (sum + 1000).saturating_add_signed(missing);
        let totals = Totals {
            submitted, dropped, planned, sending, unconfirmed, accepted, sent, delivered, read, failed, expired, cancelled,
        };
        prop_assert_eq!((totals.sum(), totals.imbalance()), (sum, 1000 + missing));
    }

    #[test]
    fn half_of_the_sends_are_no_later_than_the_median(lateness in prop::collection::vec(0_i64..10_000_000, 1..300)) {
        let told = LatenessMs::of(lateness.clone()).expect("some");
        let share_within = |ms: f64| lateness.iter().filter(|us| **us as f64 / 1000.0 <= ms).count() as f64 / lateness.len() as f64;
        prop_assert!(share_within(told.p50) >= 0.5 && share_within(told.p95) >= 0.95 && share_within(told.p99) >= 0.99);
        prop_assert!(told.p50 <= told.p95 && told.p95 <= told.p99 && told.p99 <= told.max);
    }
}
