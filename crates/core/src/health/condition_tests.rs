//! A number's condition, sign by sign.

use proptest::prelude::*;

use super::*;
use crate::health::{Counts, Member, playbook::HOUR_MS};

const START: UnixMs = 1_795_393_770_000;

/// A number whose watch is kept at any moment that a test names, in minutes.
struct Watch {
    condition: Condition,
    quality: &'static str,
    heard: Vec<Heard>,
    rates: Rates,
    playbook: Playbook,
}

impl Watch {
    fn new() -> Self {
        let (condition, rates, playbook) = (Condition::default(), Rates::default(), Playbook::default());
        Self { condition, quality: "GREEN", heard: vec![], rates, playbook }
    }

    fn at(&mut self, minutes: i64) -> Stage {
        let now = START + minutes * MINUTE_MS;
        let reading = Reading { read_at: now, quality: Some(self.quality.to_owned()), ..Reading::default() };
        let signs = Signs { reading: Some(&reading), heard: &self.heard, rates: self.rates };
        self.condition = self.condition.step(&signs, now, &self.playbook);
        self.condition.stage
    }

    fn rated(&mut self, quality: &'static str, minutes: i64) -> Stage {
        self.quality = quality;
        self.at(minutes)
    }

    fn hears(&mut self, code: u32, minutes: i64) -> Stage {
        self.heard.retain(|heard| heard.code != code);
        self.heard.push(Heard { code, at: START + minutes * MINUTE_MS });
        self.at(minutes)
    }
}

const HOURS: i64 = 60;

#[test]
fn a_number_that_is_rated_low_stops_at_once_and_comes_back_in_two_steps() {
    let mut watch = Watch::new();
    assert_eq!(watch.at(0), Stage::Fit);
    assert_eq!(watch.rated("RED", 1), Stage::Paused);
    assert_eq!(watch.condition.leave(&watch.playbook), Leave { serves: None, pace_milli: 0 });
    assert_eq!(watch.rated("GREEN", 2), Stage::Paused, "not before its time is over");
    assert_eq!(watch.at(4 * HOURS), Stage::Paused);
    assert_eq!(watch.at(4 * HOURS + 1), Stage::Cooldown);
    let leave = watch.condition.leave(&watch.playbook);
    assert_eq!(leave, Leave { serves: Some(Priority::Critical), pace_milli: 500 });
    assert_eq!(watch.at(52 * HOURS), Stage::Cooldown);
    assert_eq!(watch.at(52 * HOURS + 1), Stage::Fit);
    assert_eq!(watch.condition.cause, Cause::Nothing);
}

#[test]
fn a_rating_that_stays_low_keeps_it_paused_however_long() {
    let mut watch = Watch::new();
    watch.rated("RED", 0);
    assert_eq!(watch.at(100 * HOURS), Stage::Paused);
    assert_eq!(watch.condition.offences, 1, "it is one offence");
    assert_eq!(watch.rated("YELLOW", 100 * HOURS + 1), Stage::Cooldown);
    assert_eq!(watch.condition.cause, Cause::Recovering);
}

#[test]
fn a_medium_rating_means_less_until_two_days_after_it() {
    let mut watch = Watch::new();
    assert_eq!(watch.rated("YELLOW", 0), Stage::Cooldown);
    assert_eq!(watch.at(30 * HOURS), Stage::Cooldown);
    assert_eq!(watch.rated("GREEN", 77 * HOURS), Stage::Cooldown);
    assert_eq!(watch.at(78 * HOURS), Stage::Fit);
}

#[test]
fn each_offence_is_answered_with_a_longer_pause_until_it_is_forgotten() {
    let mut watch = Watch::new();
    let mut minutes = 0;
    let pause = |watch: &mut Watch, minutes: i64| {
        assert_eq!(watch.hears(131_048, minutes), Stage::Paused);
        (watch.condition.until.expect("a pause ends") - START - minutes * MINUTE_MS) / HOUR_MS
    };
    for hours in [4, 12, 24, 24] {
        assert_eq!(pause(&mut watch, minutes), hours);
        minutes += hours * HOURS + 1;
        assert_eq!(watch.at(minutes), Stage::Cooldown);
    }
    assert_eq!(pause(&mut watch, minutes + 8 * 24 * HOURS), 4, "a week later");
}

#[test]
fn the_same_answer_is_one_offence_and_one_that_was_dealt_with_none() {
    let mut watch = Watch::new();
    watch.hears(131_048, 0);
    watch.hears(131_048, 1);
    watch.hears(131_048, 2);
    assert_eq!(watch.condition.offences, 1);
    assert_eq!(watch.at(4 * HOURS + 3), Stage::Cooldown, "it is still remembered, and was dealt with");
}

#[test]
fn what_comes_of_one_bad_hour_is_one_offence() {
    let mut watch = Watch::new();
    watch.hears(131_048, 0);
    watch.rated("RED", 1);
    watch.hears(131_048, 2);
    watch.hears(368, 3);
    assert_eq!((watch.condition.offences, watch.condition.cause), (1, Cause::SpamLimit));
}

#[test]
fn papers_out_of_order_do_not_make_an_offence_forgotten() {
    let mut watch = Watch::new();
    watch.hears(131_048, 0);
    watch.hears(131_031, 1);
    assert_eq!(watch.at(4 * HOURS + 1), Stage::Cooldown);
    let mut watch = Watch::new();
    watch.hears(131_031, 0);
    watch.hears(131_048, 1);
    assert_eq!((watch.condition.cause, watch.condition.offences), (Cause::SpamLimit, 1));
    assert_eq!(watch.at(4 * HOURS + 1), Stage::Cooldown);
}

#[test]
fn nobody_is_let_go_while_it_is_not_known_how_it_is_rated() {
    let mut watch = Watch::new();
    watch.rated("RED", 0);
    let blind = Signs::default();
    let later = watch.condition.step(&blind, START + 9 * HOUR_MS, &watch.playbook);
    assert_eq!(later.stage, Stage::Paused);
    assert_eq!(watch.rated("GREEN", 9 * HOURS), Stage::Cooldown);
}

#[test]
fn an_answer_that_comes_too_late_or_from_the_future_is_no_trap() {
    let mut watch = Watch::new();
    watch.heard = vec![Heard { code: 131_048, at: START - 5 * HOUR_MS }];
    assert_eq!(watch.at(0), Stage::Fit, "its pause would be over");
    watch.heard = vec![Heard { code: 131_026, at: START + 9 * HOUR_MS }];
    watch.at(1);
    assert_eq!(watch.hears(131_048, 2), Stage::Paused, "it was not taken for dealt with");
}

#[test]
fn a_refused_account_is_tried_again_soon_and_needs_no_cooldown() {
    for code in [131_031, 133_010, 131_045, 33] {
        let mut watch = Watch::new();
        assert_eq!(watch.hears(code, 0), Stage::Paused, "{code}");
        assert_eq!((watch.at(14), watch.at(15)), (Stage::Paused, Stage::Fit), "{code}");
        assert_eq!(watch.condition.offences, 0);
    }
}

#[test]
fn other_answers_tell_nothing_against_a_number() {
    for code in [0, 1, 190, 130_429, 131_026, 131_049, 131_056, 132_001] {
        assert_eq!(Watch::new().hears(code, 0), Stage::Fit, "{code}");
    }
}

/// A pool of the number and one other, of whose hundred messages each so many have failed.
fn failing(own: u64, other: u64) -> Rates {
    let member = |failed| Member { counts: Counts { messages: 100, failed, opted_out: 0 }, serves: true };
    Rates::of(&[member(own), member(other)], 0)
}

#[test]
fn a_number_that_fails_is_used_less_until_its_time_is_over_and_half_of_the_bound_is_undercut() {
    let mut watch = Watch::new();
    watch.rates = failing(10, 0);
    assert_eq!(watch.at(0), Stage::Fit, "at the bound is not above it");
    watch.rates = failing(11, 0);
    assert_eq!((watch.at(1), watch.condition.cause), (Stage::Cooldown, Cause::Failing));
    let told = "11.0 % of its 100 messages of the last 10 minutes failed, and 0.0 % of the 100 of others in its pool";
    assert_eq!(watch.condition.evidence, told);
    watch.rates = failing(5, 0);
    assert_eq!((watch.at(2), watch.at(61), watch.at(90)), (Stage::Cooldown, Stage::Cooldown, Stage::Cooldown));
    watch.rates = failing(4, 0);
    assert_eq!(watch.at(91), Stage::Fit);
    watch.rates = failing(9, 0);
    assert_eq!((watch.at(92), watch.condition.offences), (Stage::Fit, 0));
}

#[test]
fn a_number_that_fails_by_half_is_stopped_and_comes_back_in_two_steps() {
    let mut watch = Watch::new();
    watch.rates = failing(51, 20);
    assert_eq!((watch.at(0), watch.condition.cause), (Stage::Paused, Cause::Failing));
    watch.rates = Rates::default();
    assert_eq!((watch.at(59), watch.at(60)), (Stage::Paused, Stage::Cooldown));
    assert_eq!((watch.at(119), watch.at(120)), (Stage::Cooldown, Stage::Fit));
}

#[test]
fn how_meta_rates_a_number_weighs_more_than_what_was_reckoned() {
    let mut watch = Watch::new();
    watch.rates = failing(60, 0);
    assert_eq!((watch.rated("RED", 0), watch.condition.cause), (Stage::Paused, Cause::QualityRed));
    let mut watch = Watch::new();
    watch.rates = failing(20, 0);
    watch.at(0);
    assert_eq!((watch.rated("YELLOW", 1), watch.condition.cause), (Stage::Cooldown, Cause::QualityYellow));
    watch.rates = Rates::default();
    assert_eq!((watch.rated("GREEN", 47 * HOURS), watch.at(48 * HOURS + 1)), (Stage::Cooldown, Stage::Fit));
    let mut watch = Watch::new();
    watch.rates = failing(60, 0);
    watch.at(0);
    watch.rated("RED", 1);
    assert_eq!((watch.condition.cause, watch.condition.offences), (Cause::QualityRed, 1));
}

#[test]
fn a_person_is_heard_above_all_signs_and_for_as_long_as_was_said() {
    let mut watch = Watch::new();
    watch.rated("RED", 0);
    let ten_minutes = Pin { stage: Stage::Fit, until: Some(START + 10 * MINUTE_MS) };
    watch.condition = watch.condition.pinned_by(ten_minutes, START);
    assert_eq!((watch.condition.stage, watch.condition.cause), (Stage::Fit, Cause::Person));
    assert_eq!(watch.at(1), Stage::Fit);
    assert_eq!(watch.hears(131_048, 5), Stage::Fit);
    assert_eq!(watch.at(10), Stage::Paused, "what Meta says counts again");
    let mut watch = Watch::new();
    watch.condition = watch.condition.pinned_by(Pin { stage: Stage::Paused, until: None }, START);
    assert_eq!((watch.at(1), watch.at(1_000 * HOURS)), (Stage::Paused, Stage::Paused));
    watch.condition = watch.condition.unpinned(START + 60_000 * MINUTE_MS);
    assert_eq!(watch.at(1_000 * HOURS + 1), Stage::Cooldown, "with care");
}

#[test]
fn whoever_does_not_want_the_monitor_has_none() {
    let mut watch = Watch::new();
    watch.playbook.on = false;
    assert_eq!((watch.rated("RED", 0), watch.hears(131_048, 1)), (Stage::Fit, Stage::Fit));
    let mut watch = Watch::new();
    watch.rated("RED", 0);
    watch.playbook.on = false;
    assert_eq!(watch.at(1), Stage::Fit, "those who are kept back are let go");
}

proptest! {
    /// Whatever is seen in whatever order: a number that is rated low, or was told to stop a moment ago, sends nothing; and no
    /// step down comes before its time.
    #[test]
    fn a_number_that_offends_sends_nothing_and_nothing_flaps(
        steps in prop::collection::vec((1_i64..2_000, 0_usize..3, prop::option::weighted(0.2, 0_usize..6)), 1..60),
    ) {
        let mut watch = Watch::new();
        let mut minutes = 0;
        for (passed, quality, code) in steps {
            minutes += passed;
            let (before, now) = (watch.condition.clone(), START + minutes * MINUTE_MS);
            watch.quality = ["GREEN", "YELLOW", "RED"][quality];
            match code {
                Some(place) => watch.hears(TELLING_CODES[place].0, minutes),
                None => watch.at(minutes),
            };
            let after = &watch.condition;
            let offends = watch.quality == "RED" || code.is_some();
            prop_assert!(!offends || after.leave(&watch.playbook).serves.is_none(), "{before} then {after}");
            prop_assert!(watch.quality != "YELLOW" || after.stage >= Stage::Cooldown);
            if after.stage < before.stage {
                prop_assert!(before.until.is_none_or(|until| now >= until), "too soon: {before} then {after}");
                prop_assert!(!(before.cause.is_offence() && after.stage == Stage::Fit), "without a cooldown");
            }
            let again = after.step(&Signs { heard: &watch.heard, ..Signs::default() }, now, &watch.playbook);
            prop_assert!(again.stage <= after.stage, "a repeat makes nothing worse");
        }
    }
}
