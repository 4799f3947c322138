use proptest::prelude::*;

use super::*;
use crate::delivery::Tallies;

const TERMS: Terms = Terms { max_attempts: 3, counts: Outcome::Sent, deadline: 1_000 };

fn begun(attempts: Attempt) -> Record {
    let mut record = Record::default();
    for n in 1..=attempts {
        record.begin(n, 0, i64::from(n));
    }
    record
}

fn fact(attempt: Attempt, outcome: Outcome, at: UnixMs) -> Fact {
    Fact { attempt, outcome, throttled: false, code: 0, at }
}

#[test]
fn a_receipt_before_the_answer_is_kept() {
    let mut record = begun(1);
    assert_eq!(record.apply(&fact(1, Outcome::Delivered, 20), &TERMS), Applied::Raised);
    assert_eq!(record.apply(&fact(1, Outcome::Accepted, 10), &TERMS), Applied::Stale);
    assert_eq!(record.standing(&TERMS), Standing::Delivered);
}

#[test]
fn on_time_is_what_the_status_timestamp_says_even_when_it_comes_late() {
    let mut record = begun(1);
    record.apply(&fact(1, Outcome::Delivered, 2_000), &TERMS);
    assert!(!record.is_within(&TERMS));
    record.apply(&fact(1, Outcome::Sent, 900), &TERMS);
    assert!(record.is_within(&TERMS), "sent in time, though its receipt came after that of delivered");
}

#[test]
fn what_failed_after_it_was_sent_does_not_count_as_on_time() {
    let mut record = begun(1);
    record.apply(&fact(1, Outcome::Sent, 10), &TERMS);
    record.apply(&fact(1, Outcome::Failed, 20), &TERMS);
    assert!(!record.is_within(&TERMS));
}

#[test]
fn two_attempts_that_got_through_are_one_known_duplicate() {
    let mut record = begun(2);
    record.apply(&fact(1, Outcome::Sent, 10), &TERMS);
    record.apply(&fact(2, Outcome::Delivered, 20), &TERMS);
    assert_eq!(record.duplicates(), 1);
}

#[test]
fn a_takeover_makes_unsure_what_was_begun_and_nothing_else() {
    let mut record = begun(2);
    record.apply(&fact(1, Outcome::FailedRetryable, 10), &TERMS);
    record.take_over();
    assert_eq!(record.outcomes.iter().collect::<Vec<_>>(), [Outcome::FailedRetryable, Outcome::Unsure]);
}

fn any_fact() -> impl Strategy<Value = Fact> {
    (1..=3u8, 2..=8u8, any::<bool>(), 0..2_000i64).prop_map(|(attempt, outcome, throttled, at)| {
        let outcome = Outcome::from_code(outcome).expect("a known code");
        // A number fails an attempt with one code, however often it says so.
        let failed = matches!(outcome, Outcome::Failed | Outcome::FailedRetryable);
        let code = if failed { 131_000 + u32::from(attempt) } else { 0 };
        Fact { attempt, outcome, throttled: throttled && attempt == 2, code, at }
    })
}

proptest! {
    #[test]
    fn facts_in_any_order_and_repetition_give_the_same_state(
        facts in proptest::collection::vec(any_fact(), 0..12),
        order in any::<prop::sample::Index>(),
        seed in any::<u64>(),
    ) {
        // One word on whether attempt 2 was throttled: a number does not change its mind.
        let throttled = facts.iter().any(|fact| fact.throttled);
        let facts: Vec<Fact> = facts.into_iter().map(|f| Fact { throttled: throttled && f.attempt == 2, ..f }).collect();
        let mut other = facts.clone();
        if !other.is_empty() {
            other.push(facts[order.index(facts.len())]);
        }
        let mut state = seed | 1;
        for i in (1..other.len()).rev() {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            other.swap(i, (state >> 33) as usize % (i + 1));
        }
        let (mut a, mut b) = (begun(3), begun(3));
        facts.iter().for_each(|fact| { a.apply(fact, &TERMS); });
        other.iter().for_each(|fact| { b.apply(fact, &TERMS); });
        prop_assert_eq!(a.outcomes, b.outcomes);
        prop_assert_eq!(a.is_within(&TERMS), b.is_within(&TERMS));
        prop_assert_eq!((a.sent_at, a.delivered_at, a.read_at), (b.sent_at, b.delivered_at, b.read_at));
    }

    #[test]
    fn outcomes_never_fall_delivered_is_never_lost_and_totals_always_sum(
        facts in proptest::collection::vec((0..4usize, any_fact()), 0..40),
    ) {
        let mut records = [begun(3); 4];
        let mut tallies = Tallies::default();
        for _ in &records {
            tallies.add(&Record::default(), &TERMS);
        }
        for record in &records {
            tallies.shift(&Record::default(), record, &TERMS);
        }
        for (which, fact) in facts {
            let before = records[which];
            records[which].apply(&fact, &TERMS);
            let after = records[which];
            for n in 1..=3 {
                prop_assert!(after.outcomes.get(n) >= before.outcomes.get(n));
            }
            if before.standing(&TERMS) >= Standing::Delivered {
                prop_assert!(after.standing(&TERMS) >= before.standing(&TERMS));
            }
            tallies.shift(&before, &after, &TERMS);
            prop_assert_eq!(tallies.total(), 4);
        }
        let mut counted = Tallies::default();
        records.iter().for_each(|record| counted.add(record, &TERMS));
        prop_assert_eq!(counted.without_resends(), tallies.without_resends());
    }
}
