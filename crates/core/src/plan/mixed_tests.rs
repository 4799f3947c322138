//! The promises of a plan of both kinds, checked from its pages alone.

use proptest::prelude::*;

use super::{
    tests::{Morning, OPENS, audience, busiest_second, by_number, morning, mornings, pool},
    *,
};

/// A plan of `morning` in which `fixed` says who has one number alone.
fn mixed(morning: &Morning, fixed: &[Option<usize>]) -> Result<Plan, Shortage> {
    let Morning { length_ms, headroom, jitter, seed, .. } = *morning;
    let hours = morning.hours.clone();
    let terms = Terms { opens_at: OPENS, closes_at: OPENS + length_ms, headroom, jitter, hours };
    plan_mixed(&morning.candidates, fixed, &morning.senders, &terms, seed)
}

/// Of any morning, who is fixed by chance; `draws` is looked at again and again.
fn fixed_of(morning: &Morning, draws: &[Option<u8>]) -> Vec<Option<usize>> {
    let number = |draw: &Option<u8>| draw.map(|draw| usize::from(draw) % morning.senders.len());
    draws.iter().cycle().map(number).take(morning.candidates.len()).collect()
}

prop_compose! {
    fn draws()(draws in prop::collection::vec(prop::option::weighted(0.5, any::<u8>()), 1..40)) -> Vec<Option<u8>> { draws }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn whoever_is_planned_is_due_once_in_the_window_and_from_the_number_that_may(morning in mornings(), draws in draws()) {
        let fixed = fixed_of(&morning, &draws);
        let Ok(plan) = mixed(&morning, &fixed) else { return Ok(()) };
        let mut seen = vec![0; morning.candidates.len()];
        for (page, entry) in plan.pages.iter().flat_map(|page| page.entries.iter().map(move |entry| (page, entry))) {
            seen[entry.candidate as usize] += 1;
            prop_assert!((OPENS..=OPENS + morning.length_ms).contains(&entry.due), "{entry:?}");
            prop_assert!(fixed[entry.candidate as usize].is_none_or(|number| number == page.number));
        }
        prop_assert!(seen.iter().all(|count| *count == 1), "{seen:?}");
    }

    #[test]
    fn a_number_keeps_its_rate_over_both_kinds_and_its_quota_over_one(morning in mornings(), draws in draws()) {
        let fixed = fixed_of(&morning, &draws);
        let Ok(plan) = mixed(&morning, &fixed) else { return Ok(()) };
        for (mut timeline, sender) in by_number(&plan, morning.senders.len()).into_iter().zip(&morning.senders) {
            timeline.sort_by_key(|entry| entry.due);
            let paced = (f64::from(sender.mps) * morning.headroom).max(1.0) + 1e-6;
            prop_assert!(busiest_second(&timeline) as f64 <= paced, "{} in a second at {paced}/s", busiest_second(&timeline));
            prop_assert!(timeline.is_sorted_by_key(|entry| morning.tier(entry)));
            let free = timeline.iter().filter(|entry| fixed[entry.candidate as usize].is_none()).count();
            prop_assert!(free as u64 <= sender.quota.unwrap_or(u64::MAX));
        }
    }

    #[test]
    fn pages_hold_one_kind_in_order_and_the_same_whenever_they_are_planned(morning in mornings(), draws in draws()) {
        let fixed = fixed_of(&morning, &draws);
        let planned = mixed(&morning, &fixed);
        prop_assert_eq!(&planned, &mixed(&morning, &fixed));
        let Ok(plan) = planned else { return Ok(()) };
        for page in &plan.pages {
            let kind = |entry: &Entry| fixed[entry.candidate as usize].is_some();
            prop_assert!(page.entries.iter().all(|entry| kind(entry) == kind(&page.entries[0])));
            prop_assert!((1..=PAGE_SIZE).contains(&page.entries.len()));
            prop_assert!(page.entries.is_sorted_by_key(|entry| entry.due));
        }
        prop_assert!(plan.pages.is_sorted_by_key(|page| page.entries[0].due));
    }

    #[test]
    fn a_shortage_never_tells_of_more_room_than_is_wanted(morning in mornings(), draws in draws()) {
        if let Err(shortage) = mixed(&morning, &fixed_of(&morning, &draws)) {
            let forecast = shortage.forecast();
            prop_assert!(forecast.capacity <= forecast.recipients, "{shortage}");
            prop_assert!(!shortage.to_string().is_empty());
        }
    }
}

#[test]
fn who_has_no_number_fills_what_the_fixed_ones_leave() {
    // Each number holds 360 in five seconds; 300 are fixed to the first.
    let morning = morning(audience(720, 1), pool(2, 80), 5_000, 3);
    let fixed: Vec<_> = (0..720).map(|n| (n < 300).then_some(0)).collect();
    let plan = mixed(&morning, &fixed).expect("fits to the last place");
    assert_eq!(by_number(&plan, 2).iter().map(Vec::len).collect::<Vec<_>>(), [360, 360]);
}

#[test]
fn whom_no_number_has_room_for_is_told_with_a_window_that_is_longer() {
    let morning = morning(audience(721, 1), pool(2, 80), 5_000, 3);
    let fixed: Vec<_> = (0..721).map(|n| (n < 300).then_some(0)).collect();
    let shortage = mixed(&morning, &fixed).expect_err("one too many");
    assert_eq!((shortage.forecast().recipients, shortage.forecast().capacity), (421, 420));
    assert!(shortage.seconds_needed().is_some_and(|needed| needed > 5.0), "{shortage}");
}
