use rand::{SeedableRng, rngs::SmallRng};

use super::*;

const RULES: Rules = Rules {
    terms: Terms { max_attempts: 3, counts: Outcome::Sent, deadline: 300_000 },
    retry: RetryPolicy { max_attempts: 3, base_ms: 1_000, cap_ms: 30_000 },
    unconfirmed: Then::Resend,
    grace_ms: 30_000,
    late: false,
};

const QUIET: ReceiptPath = ReceiptPath { last_receipt: None, up_since: 0, down_ms: 0 };

fn rng() -> SmallRng {
    SmallRng::seed_from_u64(7)
}

/// A desk of one delivery due at 1,000.
fn desk(rules: Rules) -> Desk {
    Desk::new(&[Record::default()], &[1_000], rules, 0)
}

/// Begins what is ready at `now` and answers it.
fn attempt(desk: &mut Desk, now: UnixMs, verdict: Verdict) {
    let intents = desk.ready(now, &QUIET, Gate::Open, 64);
    assert_eq!(intents.len(), 1, "one attempt is due at {now}");
    desk.begun(&intents[0], 0, now);
    desk.answered(0, intents[0].attempt, verdict, now, &mut rng());
}

#[test]
fn nothing_is_begun_before_its_time() {
    let mut desk = desk(RULES);
    assert_eq!(desk.ready(999, &QUIET, Gate::Open, 64), []);
    assert_eq!(desk.wake_at(999, &QUIET, Gate::Open), Some(1_000));
    assert_eq!(desk.ready(1_000, &QUIET, Gate::Open, 64).len(), 1);
}

#[test]
fn an_accepted_send_settles_the_page() {
    let mut desk = desk(RULES);
    attempt(&mut desk, 1_000, Verdict::Accepted);
    assert!(desk.is_settled(Gate::Open));
}

#[test]
fn a_transient_failure_goes_out_again_until_attempts_run_out() {
    let mut desk = desk(RULES);
    for now in [1_000, 40_000, 80_000] {
        assert!(!desk.is_settled(Gate::Open));
        attempt(&mut desk, now, Verdict::Transient(131_000));
    }
    assert!(desk.is_settled(Gate::Open), "three attempts are all that the policy allows");
}

#[test]
fn an_unsure_send_waits_for_its_receipt_then_goes_out_again() {
    let mut desk = desk(RULES);
    attempt(&mut desk, 1_000, Verdict::Unknown);
    let alive = ReceiptPath { last_receipt: Some(20_000), up_since: 0, down_ms: 0 };
    assert_eq!(desk.ready(30_999, &alive, Gate::Open, 64), []);
    let again = desk.ready(31_000, &alive, Gate::Open, 64);
    assert_eq!(again, [Intent { index: 0, attempt: 2, expected: Standing::Unconfirmed }]);
}

#[test]
fn what_failed_for_good_is_not_sent_again_though_an_earlier_attempt_is_unsure() {
    let mut desk = desk(RULES);
    attempt(&mut desk, 1_000, Verdict::Unknown);
    attempt(&mut desk, 91_000, Verdict::Rejected(131_026));
    assert_eq!(desk.ready(200_000, &QUIET, Gate::Open, 64), []);
    assert!(desk.is_settled(Gate::Open));
    assert_eq!(desk.left(Gate::Open).collect::<Vec<_>>(), [0], "whether attempt 1 got through is not known");
}

#[test]
fn a_receipt_settles_an_unsure_send() {
    let mut desk = desk(RULES);
    attempt(&mut desk, 1_000, Verdict::Unknown);
    let mut record = *desk.record(0);
    let sent = Fact { attempt: 1, outcome: Outcome::Sent, throttled: false, code: 0, at: 2_000 };
    record.apply(&sent, &RULES.terms);
    desk.observe(&[record], 3_000, &mut rng());
    assert!(desk.is_settled(Gate::Open));
}

#[test]
fn giving_up_leaves_it_unconfirmed() {
    let mut desk = desk(Rules { unconfirmed: Then::GiveUp, ..RULES });
    attempt(&mut desk, 1_000, Verdict::Unknown);
    assert_eq!(desk.ready(91_000, &QUIET, Gate::Open, 64), []);
    assert!(desk.is_settled(Gate::Open));
    assert_eq!(desk.left(Gate::Open).collect::<Vec<_>>(), [0]);
}

#[test]
fn a_receipt_that_fails_an_accepted_send_reopens_it() {
    let mut desk = desk(RULES);
    attempt(&mut desk, 1_000, Verdict::Accepted);
    let mut record = *desk.record(0);
    let failed = Fact { attempt: 1, outcome: Outcome::FailedRetryable, throttled: false, code: 131_000, at: 2_000 };
    record.apply(&failed, &RULES.terms);
    desk.observe(&[record], 3_000, &mut rng());
    assert!(!desk.is_settled(Gate::Open));
    assert_eq!(desk.ready(4_000, &QUIET, Gate::Open, 64).len(), 1);
}

#[test]
fn a_claimed_page_parks_what_its_last_owner_had_begun() {
    let mut record = Record::default();
    record.begin(1, 0, 1_000);
    record.take_over();
    let mut desk = Desk::new(&[record], &[1_000], RULES, 5_000);
    assert_eq!(desk.ready(5_000, &QUIET, Gate::Open, 64), []);
    assert_eq!(desk.wake_at(5_000, &QUIET, Gate::Open), Some(91_000));
}

#[test]
fn what_is_put_off_waits_at_the_cost_of_no_attempt_and_the_others_go_on() {
    let mut desk = Desk::new(&[Record::default(); 2], &[1_000, 1_000], RULES, 0);
    assert_eq!(desk.ready(1_000, &QUIET, Gate::Open, 64).len(), 2);
    assert_eq!(desk.put_off(0, 40_000), 40_000);
    let ready = desk.ready(1_000, &QUIET, Gate::Open, 64);
    assert_eq!(ready, [Intent { index: 1, attempt: 1, expected: Standing::Planned }]);
    desk.begun(&ready[0], 0, 1_000);
    assert_eq!(desk.wake_at(1_000, &QUIET, Gate::Open), Some(40_000));
    desk.resume(1, 40_000, 2_000);
    desk.resume(0, 39_999, 2_000);
    assert_eq!(desk.ready(2_000, &QUIET, Gate::Open, 64), []);
    desk.resume(0, 40_000, 2_000);
    assert_eq!(desk.ready(2_000, &QUIET, Gate::Open, 64)[0].attempt, 1);
    assert_eq!(desk.put_off(0, 900_000), 300_000, "no longer than the deadline");
}

#[test]
fn a_resend_that_is_put_off_is_left_unconfirmed_when_its_time_is_over() {
    let mut desk = desk(RULES);
    attempt(&mut desk, 1_000, Verdict::Unknown);
    assert_eq!(desk.ready(91_000, &QUIET, Gate::Open, 64).len(), 1);
    desk.put_off(0, 120_000);
    assert_eq!(desk.ready(119_999, &QUIET, Gate::Open, 64), []);
    let again = desk.ready(120_000, &QUIET, Gate::Open, 64);
    assert_eq!(again, [Intent { index: 0, attempt: 2, expected: Standing::Unconfirmed }]);
    assert!(desk.is_settled(Gate::Expired));
    assert_eq!(desk.left(Gate::Expired).collect::<Vec<_>>(), [0]);
}

#[test]
fn a_cancelled_run_leaves_an_unsure_send_to_its_receipt() {
    let mut desk = desk(RULES);
    attempt(&mut desk, 1_000, Verdict::Unknown);
    assert!(!desk.is_settled(Gate::Open));
    assert!(desk.is_settled(Gate::Cancelled));
    assert_eq!(desk.left(Gate::Cancelled).collect::<Vec<_>>(), [0]);
}

#[test]
fn a_cancelled_run_has_nothing_to_wait_for_but_answers() {
    let mut desk = desk(RULES);
    assert!(desk.is_settled(Gate::Cancelled));
    assert_eq!(desk.ready(1_000, &QUIET, Gate::Cancelled, 64), []);
    let intents = desk.ready(1_000, &QUIET, Gate::Open, 64);
    desk.begun(&intents[0], 0, 1_000);
    assert!(!desk.is_settled(Gate::Cancelled), "an answer is outstanding");
}
