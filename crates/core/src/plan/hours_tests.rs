//! The promises of a plan whose recipients may not all hear at any time.

use proptest::prelude::*;

use super::{
    tests::{Morning, OPENS, audience, busiest_second, by_number, dues, morning, mornings, pool},
    *,
};

/// A stretch of the window, in milliseconds after its opening.
fn stretch(from: i64, until: i64) -> Stretch {
    Stretch { from: OPENS + from, until: OPENS + until }
}

prop_compose! {
    /// Mornings in which up to four groups have one or two stretches of the window each.
    fn narrow_mornings()(
        mut morning in mornings(),
        hours in prop::collection::vec(prop::collection::btree_set(0_i64..8_000, 2..5), 1..5),
        groups in any::<u64>(),
    ) -> Morning {
        let stretches = |edges: &std::collections::BTreeSet<i64>| {
            let edges: Vec<_> = edges.iter().copied().collect();
            edges.chunks_exact(2).map(|edges| stretch(edges[0], edges[1])).collect()
        };
        morning.hours = hours.iter().map(stretches).collect();
        for (candidate, n) in morning.candidates.iter_mut().zip(1_u64..) {
            candidate.hours = (groups.wrapping_mul(n) >> 7) as u16 % hours.len() as u16;
        }
        morning
    }
}

fn may_hear(morning: &Morning, entry: &Entry) -> bool {
    let hours = morning.candidates[entry.candidate as usize].hours;
    morning.hours[usize::from(hours)].iter().any(|stretch| (stretch.from..stretch.until).contains(&entry.due))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn nobody_hears_outside_of_their_hours_and_no_number_exceeds_its_pace(morning in narrow_mornings()) {
        let Ok(plan) = morning.plan() else { return Ok(()) };
        let entries: Vec<_> = plan.pages.iter().flat_map(|page| page.entries.clone()).collect();
        prop_assert_eq!(entries.len(), morning.candidates.len());
        prop_assert!(entries.iter().all(|entry| may_hear(&morning, entry)));
        prop_assert!(entries.iter().all(|entry| (OPENS..=OPENS + morning.length_ms).contains(&entry.due)));
        for (timeline, sender) in by_number(&plan, morning.senders.len()).iter().zip(&morning.senders) {
            let paced = (f64::from(sender.mps) * morning.headroom).max(1.0) + 1e-6;
            prop_assert!(busiest_second(timeline) as f64 <= paced, "{} in a second", busiest_second(timeline));
            prop_assert!(timeline.is_sorted_by_key(|entry| entry.due));
            prop_assert!(timeline.len() as u64 <= sender.quota.unwrap_or(u64::MAX));
        }
    }

    #[test]
    fn tiers_go_out_in_order_among_those_of_the_same_hours(morning in narrow_mornings()) {
        let Ok(plan) = morning.plan() else { return Ok(()) };
        let mut entries: Vec<_> = plan.pages.iter().flat_map(|page| page.entries.clone()).collect();
        let hours = |entry: &Entry| morning.candidates[entry.candidate as usize].hours;
        entries.sort_by_key(|entry| (hours(entry), entry.due, morning.tier(entry)));
        prop_assert!(entries.is_sorted_by_key(|entry| (hours(entry), morning.tier(entry))));
    }

    #[test]
    fn a_plan_by_hours_is_the_same_twice_and_refused_only_with_reason(morning in narrow_mornings()) {
        let plan = morning.plan();
        prop_assert_eq!(&plan, &morning.clone().plan());
        if let Err(shortage) = plan {
            let forecast = shortage.forecast();
            prop_assert!(forecast.recipients > forecast.capacity, "{shortage}");
        }
    }
}

#[test]
fn those_who_may_hear_early_make_way_for_those_who_may_hear_late() {
    // 72/s: each half of the 10 s holds 360 or so, and the second half is full of those who may hear in no other.
    let mut full = morning(audience(700, 1), pool(1, 80), 10_000, 5);
    full.hours = vec![vec![stretch(0, 10_000)], vec![stretch(5_000, 10_000)]];
    full.candidates.iter_mut().zip(0..).for_each(|(candidate, n)| candidate.hours = (n % 2) as u16);
    let plan = full.plan().expect("fits");
    let late = dues(&plan).iter().filter(|due| **due >= OPENS + 5_000).count();
    assert!((350..=360).contains(&late), "{late}");
}

#[test]
fn too_many_for_their_hours_are_refused_with_the_arithmetic() {
    let mut narrow = morning(audience(700, 1), pool(1, 80), 60_000, 5);
    narrow.hours = vec![vec![stretch(0, 60_000)], vec![stretch(55_000, 60_000)]];
    narrow.candidates.iter_mut().zip(0..).for_each(|(candidate, n)| candidate.hours = u16::from(n >= 300));
    let told = narrow.plan().expect_err("too many").to_string();
    assert_eq!(
        told,
        "400 recipients do not fit: quiet hours, blackout dates or their own clocks leave them 5.0 s, and 1 number sends \
         360 in that; widen it into hours that are open to them, or add numbers"
    );
}

#[test]
fn staggered_messages_keep_their_grid_over_a_quiet_stretch() {
    let mut staggered = morning(audience(100, 1), pool(2, 80), 10_000, 5);
    staggered.jitter = Jitter::Stagger { step: "50ms".parse().expect("a span") };
    staggered.hours = vec![vec![stretch(0, 2_010), stretch(6_010, 10_000)]];
    let expected: Vec<_> = (0..41).chain(121..180).map(|n| OPENS + n * 50).collect();
    assert_eq!(dues(&staggered.plan().expect("fits")), expected);
}

#[test]
fn a_front_loaded_window_goes_on_falling_after_a_quiet_stretch() {
    let mut falling = morning(audience(4_000, 1), pool(3, 80), 600_000, 5);
    falling.jitter = Jitter::FrontLoaded;
    falling.hours = vec![vec![stretch(0, 200_000), stretch(400_000, 600_000)]];
    let plan = falling.plan().expect("fits");
    let dues = dues(&plan);
    let between =
        |from: i64, until: i64| dues.iter().filter(|due| (OPENS + from..OPENS + until).contains(*due)).count();
    let quarters = [(0, 100_000), (100_000, 200_000), (400_000, 500_000), (500_000, 600_000)];
    let counts = quarters.map(|(from, until)| between(from, until));
    // 11, 9, 3 and 1 of 24.
    for (count, share) in counts.iter().zip([11, 9, 3, 1]) {
        assert!(count.abs_diff(4_000 * share / 24) < 100, "{counts:?}");
    }
}
