//! What is concluded from counts, pool by pool.

use proptest::prelude::*;

use super::*;

const NOW: UnixMs = 1_795_393_770_000;
const RULES: fn() -> RateRules = RateRules::default;

fn counts(messages: u64, failed: u64) -> Counts {
    Counts { messages, failed, opted_out: 0 }
}

/// What is called for of the first number of a pool in which all serve everybody.
fn called_for(pool: &[Counts], held: Stage) -> Option<Stage> {
    let members: Vec<Member> = pool.iter().map(|counts| Member { counts: *counts, serves: true }).collect();
    let signs = Rates::of(&members, 0).signs(held, NOW, &RULES());
    signs.map(|sign| sign.stage).max()
}

#[test]
fn a_number_is_judged_against_the_others_of_its_pool() {
    let clean = counts(200, 0);
    let fit = |pool: &[Counts]| called_for(pool, Stage::Fit);
    assert_eq!(fit(&[counts(50, 6), clean]), Some(Stage::Cooldown));
    assert_eq!(fit(&[counts(50, 26), clean]), Some(Stage::Paused));
    assert_eq!(fit(&[counts(50, 5), clean]), None, "at the bound");
    assert_eq!(fit(&[counts(49, 49), clean]), None, "too few");
    assert_eq!(fit(&[counts(100, 90), counts(200, 90)]), None, "not over twice the others");
    assert_eq!(fit(&[counts(100, 91), counts(200, 90)]), Some(Stage::Paused));
    assert_eq!(fit(&[counts(100, 100), counts(200, 200)]), None, "an outage of Meta's");
    assert_eq!(fit(&[counts(100, 40), counts(200, 30)]), Some(Stage::Cooldown));
    assert_eq!(fit(&[counts(50, 70), clean]), Some(Stage::Paused), "failures that are ahead of their messages");
}

#[test]
fn who_cannot_be_compared_is_never_stopped() {
    let all_fail = counts(100, 100);
    assert_eq!(called_for(&[all_fail], Stage::Fit), None, "alone: nobody would send in its place");
    assert_eq!(called_for(&[all_fail, counts(49, 0)], Stage::Fit), Some(Stage::Cooldown), "the others sent too little");
    assert_eq!(called_for(&[all_fail, counts(50, 0)], Stage::Fit), Some(Stage::Paused));
}

#[test]
fn to_stay_takes_half_of_what_it_takes_to_come() {
    let clean = counts(100, 0);
    assert_eq!(called_for(&[counts(100, 5), clean], Stage::Cooldown), Some(Stage::Cooldown));
    assert_eq!(called_for(&[counts(100, 4), clean], Stage::Cooldown), None);
    assert_eq!(called_for(&[counts(100, 25), clean], Stage::Paused), Some(Stage::Paused));
    assert_eq!(called_for(&[counts(100, 24), clean], Stage::Paused), Some(Stage::Cooldown));
    assert_eq!(called_for(&[counts(100, 31), counts(100, 30)], Stage::Cooldown), Some(Stage::Cooldown));
    assert_eq!(called_for(&[counts(100, 30), counts(100, 30)], Stage::Cooldown), None, "it has become everybody's");
}

#[test]
fn the_last_that_serves_everybody_goes_on() {
    let member = |counts, serves| Member { counts, serves };
    let pool = [member(counts(100, 60), true), member(counts(900, 0), false)];
    assert_eq!(Rates::of(&pool, 0).signs(Stage::Fit, NOW, &RULES()).count(), 0);
    assert_eq!(Rates::of(&pool, 0).signs(Stage::Cooldown, NOW, &RULES()).count(), 1, "who is held already stays");
}

#[test]
fn recipients_who_want_no_more_count_wherever_others_stand() {
    let told = |opted_out| Member { counts: Counts { messages: 100, failed: 0, opted_out }, serves: true };
    let called = |own, held| {
        let sign = Rates::of(&[told(own), told(50)], 0).signs(held, NOW, &RULES()).next();
        sign.map(|sign| (sign.stage, sign.cause))
    };
    let less = Some((Stage::Cooldown, Cause::OptOuts));
    assert_eq!([5, 6, 100].map(|own| called(own, Stage::Fit)), [None, less, less]);
    assert_eq!([2, 3].map(|own| called(own, Stage::Cooldown)), [None, less]);
}

#[test]
fn the_window_is_made_of_whole_minutes() {
    let at = 29_923_229 * MINUTE_MS;
    assert_eq!(RULES().window(at), 29_923_220..=29_923_229);
    assert_eq!(RULES().window(at - 1), 29_923_219..=29_923_228);
    assert_eq!(RateRules { window_ms: 1, ..RULES() }.window(at), 29_923_229..=29_923_229);
}

proptest! {
    /// Whatever is counted: in one look failing stops neither the whole pool nor the last of it that serves everybody.
    #[test]
    fn failing_never_stops_a_whole_pool(
        pool in prop::collection::vec((0_u64..300, 0_u64..300, any::<bool>()), 2..6)
    ) {
        let member = |(messages, failed, serves)| Member { counts: counts(messages, failed), serves };
        let pool: Vec<Member> = pool.into_iter().map(member).collect();
        let is_struck = |place: &usize| Rates::of(&pool, *place).signs(Stage::Fit, NOW, &RULES()).next().is_some();
        let serving: Vec<usize> = (0..pool.len()).filter(|place| pool[*place].serves).collect();
        prop_assert!(serving.is_empty() || !serving.iter().all(is_struck), "{pool:?}");
    }
}
