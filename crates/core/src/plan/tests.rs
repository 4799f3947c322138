//! The promises of a plan, checked from its pages alone.

use proptest::prelude::*;

use super::*;

pub(super) const OPENS: UnixMs = 1_795_393_770_000;

/// Everything that a plan is made from.
#[derive(Debug, Clone)]
pub(super) struct Morning {
    pub(super) candidates: Vec<Candidate>,
    pub(super) senders: Vec<Sender>,
    pub(super) length_ms: i64,
    pub(super) headroom: f64,
    pub(super) jitter: Jitter,
    pub(super) hours: Vec<Vec<Stretch>>,
    pub(super) seed: u64,
}

impl Morning {
    pub(super) fn terms(&self) -> Terms {
        let Self { length_ms, headroom, jitter, .. } = *self;
        Terms { opens_at: OPENS, closes_at: OPENS + length_ms, headroom, jitter, hours: self.hours.clone() }
    }

    pub(super) fn plan(&self) -> Result<Plan, Shortage> {
        plan(&self.candidates, &self.senders, &self.terms(), self.seed)
    }

    fn capacity(&self) -> u64 {
        forecast(0, &self.senders, &self.terms()).capacity
    }

    /// Makes a step long enough for the numbers; how many of `count` recipients then fit.
    fn allow_step(&mut self, count: u64) -> u64 {
        let Jitter::Stagger { step } = self.jitter else { return count };
        let slots = slots::all(&self.senders, self.headroom);
        let count = slots.iter().map(|s| s.quota).max().unwrap_or(0).min(count);
        let Some(shortest) = stagger::shortest_step(&slots, count) else { return 0 };
        let step = step.ms().max(shortest.div_ceil(MS) as i64);
        self.jitter = stagger_of(step);
        count.min(stagger::fitting(self.length_ms as Ns, step as Ns))
    }

    pub(super) fn tier(&self, entry: &Entry) -> u8 {
        self.candidates[entry.candidate as usize].tier
    }
}

fn sender(number: usize, mps: u32, quota: Option<u64>) -> Sender {
    Sender { id: (100_000_000_000_001 + number as u64).to_string().parse().expect("digits"), mps, quota }
}

/// `count` consecutive phones, tier by tier in turn.
pub(super) fn audience(count: u64, tiers: u64) -> Vec<Candidate> {
    (0..count).map(|i| Candidate { phone: 919_800_000_000 + i, tier: (i % tiers) as u8, hours: 0 }).collect()
}

pub(super) fn pool(numbers: usize, mps: u32) -> Vec<Sender> {
    (0..numbers).map(|number| sender(number, mps, None)).collect()
}

/// An ordinary one.
pub(super) fn morning(candidates: Vec<Candidate>, senders: Vec<Sender>, length_ms: i64, seed: u64) -> Morning {
    Morning { candidates, senders, length_ms, headroom: 0.9, jitter: Jitter::Uniform, hours: vec![], seed }
}

/// A step in milliseconds.
fn stagger_of(step: i64) -> Jitter {
    Jitter::Stagger { step: format!("{step}ms").parse().expect("a span") }
}

/// `count` recipients a step apart, which has to be at least what `senders` can follow.
fn staggered(count: u64, tiers: u64, senders: Vec<Sender>, step: i64) -> Morning {
    let length_ms = step * count as i64;
    Morning { jitter: stagger_of(step), ..morning(audience(count, tiers), senders, length_ms, 7) }
}

prop_compose! {
    /// Pools, windows and audiences of all kinds; `fill` of the capacity is taken, one time in three all. A step is the
    /// shortest that the numbers can follow, or longer.
    pub(super) fn mornings()(
        speeds in prop::collection::vec((prop_oneof![0_u32..3, 1_u32..60, Just(80)], prop::option::weighted(0.3, 0_u64..200)), 1..6),
        length_ms in 0_i64..8_000,
        headroom in prop_oneof![Just(0.9), 0.05..1.0],
        fill in prop_oneof![Just(1.0), 0.0..1.0, 0.9..1.0],
        borders in prop::collection::vec(0.0..1.0, 0..4),
        (seed, phones) in any::<(u64, u32)>(),
        jitter in prop_oneof![Just(Jitter::Uniform), Just(Jitter::FrontLoaded), (1_i64..40).prop_map(stagger_of)],
    ) -> Morning {
        let senders: Vec<_> = speeds.into_iter().enumerate().map(|(n, (mps, quota))| sender(n, mps, quota)).collect();
        let mut morning = Morning { candidates: vec![], senders, length_ms, headroom, jitter, hours: vec![], seed };
        let count = morning.allow_step((morning.capacity() as f64 * fill) as u64);
        morning.candidates = (0..count).map(|i| {
            let place = i as f64 / count as f64;
            let tier = borders.iter().filter(|border| **border < place).count();
            Candidate { phone: u64::from(phones) + i, tier: tier as u8 * 3, hours: 0 }
        }).collect();
        morning
    }
}

/// The entries of each number, as the pages give them.
pub(super) fn by_number(plan: &Plan, numbers: usize) -> Vec<Vec<Entry>> {
    let mut timelines = vec![vec![]; numbers];
    plan.pages.iter().for_each(|page| timelines[page.number].extend(page.entries.iter().copied()));
    timelines
}

/// The most entries in any half-open second.
pub(super) fn busiest_second(timeline: &[Entry]) -> usize {
    let in_second = |from: &Entry| timeline.iter().filter(|e| (from.due..from.due + 1000).contains(&e.due)).count();
    timeline.iter().map(in_second).max().unwrap_or(0)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn each_candidate_goes_out_once_and_in_the_window(morning in mornings()) {
        let plan = morning.plan().expect("no more candidates than capacity");
        let mut seen: Vec<_> = plan.pages.iter().flat_map(|page| &page.entries).map(|entry| entry.candidate).collect();
        seen.sort_unstable();
        prop_assert!(seen.iter().copied().eq(0..morning.candidates.len() as u32));
        for entry in plan.pages.iter().flat_map(|page| &page.entries) {
            prop_assert!((OPENS..=OPENS + morning.length_ms).contains(&entry.due), "{entry:?}");
        }
    }

    #[test]
    fn no_number_exceeds_its_paced_rate_or_its_quota(morning in mornings()) {
        let plan = morning.plan().expect("fits");
        for (timeline, sender) in by_number(&plan, morning.senders.len()).iter().zip(&morning.senders) {
            let paced = (f64::from(sender.mps) * morning.headroom).max(1.0) + 1e-6;
            prop_assert!(busiest_second(timeline) as f64 <= paced, "{} in a second at {paced}/s", busiest_second(timeline));
            prop_assert!(timeline.len() as u64 <= sender.quota.unwrap_or(u64::MAX));
        }
    }

    #[test]
    fn tiers_go_out_in_order_over_all_numbers(morning in mornings()) {
        let plan = morning.plan().expect("fits");
        for timeline in by_number(&plan, morning.senders.len()) {
            prop_assert!(timeline.is_sorted_by_key(|entry| morning.tier(entry)));
        }
        let mut entries: Vec<_> = plan.pages.iter().flat_map(|page| &page.entries).collect();
        entries.sort_by_key(|entry| (entry.due, morning.tier(entry)));
        prop_assert!(entries.is_sorted_by_key(|entry| morning.tier(entry)), "a later tier is due before an earlier one");
    }

    #[test]
    fn pages_are_small_and_in_order(morning in mornings()) {
        let plan = morning.plan().expect("fits");
        prop_assert!(plan.pages.iter().all(|page| (1..=PAGE_SIZE).contains(&page.entries.len())));
        prop_assert!(plan.pages.is_sorted_by_key(|page| (page.entries[0].due, page.number)));
        for timeline in by_number(&plan, morning.senders.len()) {
            prop_assert!(timeline.is_sorted_by_key(|entry| entry.due));
        }
    }

    #[test]
    fn planning_twice_gives_the_same_pages(morning in mornings()) {
        prop_assert_eq!(morning.plan(), morning.clone().plan());
    }

    #[test]
    fn one_candidate_too_many_is_refused(mut morning in mornings()) {
        let capacity = morning.capacity();
        morning.candidates = audience(capacity + 1, 3);
        let shortage = morning.plan().expect_err("one too many");
        let forecast = shortage.forecast();
        prop_assert_eq!((forecast.recipients, forecast.capacity), (capacity + 1, capacity));
    }
}

#[test]
fn plans_are_the_same_in_every_release() {
    let morning = morning(audience(6, 2), pool(2, 80), 5_000, 42);
    let plan = morning.plan().expect("fits");
    let found: Vec<_> = by_number(&plan, 2)
        .iter()
        .map(|t| t.iter().map(|e| (e.candidate, e.due - OPENS)).collect::<Vec<_>>())
        .collect();
    assert_eq!(found, [vec![(0, 2300), (4, 2451), (1, 2933), (3, 4575)], vec![(2, 1015), (5, 3274)]]);
}

#[test]
fn recipients_keep_their_homes_while_there_is_room() {
    let morning = morning(audience(3_000, 2), pool(3, 80), 60_000, 7);
    let homes: Vec<_> = morning.senders.iter().map(|s| Home::new(&s.id, s.mps)).collect();
    for page in morning.plan().expect("fits").pages {
        for entry in page.entries {
            let phone = morning.candidates[entry.candidate as usize].phone;
            assert_eq!(home::best(phone, &homes, |_| true), Some(page.number));
        }
    }
}

#[test]
fn a_full_number_spills_to_the_next_choice_of_the_recipient() {
    let mut morning = morning(audience(1_000, 1), pool(3, 80), 60_000, 7);
    morning.senders[1].quota = Some(50);
    let homes: Vec<_> = morning.senders.iter().map(|s| Home::new(&s.id, s.mps)).collect();
    let timelines = by_number(&morning.plan().expect("fits"), 3);
    assert_eq!(timelines[1].len(), 50);
    for (number, entry) in timelines.iter().enumerate().flat_map(|(n, t)| t.iter().map(move |entry| (n, entry))) {
        let ranked = home::rank(morning.candidates[entry.candidate as usize].phone, &homes);
        let expected = if ranked[0] == 1 && number != 1 { ranked[1] } else { ranked[0] };
        assert_eq!(number, expected);
    }
}

#[test]
fn slack_is_used_to_spread_the_tiers_over_the_whole_window() {
    let morning = morning(audience(1_000, 2), pool(3, 80), 60_000, 7);
    let plan = morning.plan().expect("fits");
    let last =
        |tier| plan.pages.iter().flat_map(|p| &p.entries).filter(|e| morning.tier(e) == tier).map(|e| e.due).max();
    let (first_half, whole) = (last(0).expect("tier 0") - OPENS, last(1).expect("tier 1") - OPENS);
    assert!((29_000..=31_000).contains(&first_half) && (59_000..=60_000).contains(&whole), "{first_half} {whole}");
}

/// Chi-squared of the due times over `bins` equal parts of the window, per degree of freedom.
fn unevenness(morning: &Morning, bins: i64) -> f64 {
    let mut counts = vec![0.0; bins as usize];
    for entry in morning.plan().expect("fits").pages.iter().flat_map(|page| &page.entries) {
        counts[((entry.due - OPENS) * bins / morning.length_ms) as usize] += 1.0;
    }
    let fair = morning.candidates.len() as f64 / bins as f64;
    counts.iter().map(|count: &f64| (count - fair).powi(2) / fair).sum::<f64>() / (bins - 1) as f64
}

#[test]
fn jitter_is_uniform_over_the_window_however_full() {
    for (recipients, seed) in [(500, 1), (4_000, 2), (10_000, 3), (12_000, 4)] {
        let morning = morning(audience(recipients, 1), pool(3, 80), 60_000, seed);
        // 1 is expected of independent draws and 2.2 is exceeded once in a thousand times.
        let unevenness = unevenness(&morning, 20);
        assert!(unevenness < 2.2, "{recipients} recipients: {unevenness}");
    }
}

#[test]
fn another_seed_gives_other_times() {
    let mut morning = morning(audience(500, 1), pool(3, 80), 60_000, 1);
    let first = morning.plan();
    morning.seed = 2;
    assert_ne!(first, morning.plan());
}

#[test]
fn tiers_of_one_home_each_go_out_in_order_even_when_every_slot_is_taken() {
    let senders = pool(2, 10);
    let homes: Vec<_> = senders.iter().map(|s| Home::new(&s.id, s.mps)).collect();
    let living_at = |number: usize, tier: u8| {
        let at_home = audience(1_000, 1).into_iter().filter(|c| home::best(c.phone, &homes, |_| true) == Some(number));
        at_home.take(45).map(|c| Candidate { tier, ..c }).collect::<Vec<_>>()
    };
    let candidates = [living_at(0, 0), living_at(1, 1)].concat();
    let morning = morning(candidates, senders, 5_000, 3);
    let plan = morning.plan().expect("fits");
    let due =
        |tier| plan.pages.iter().flat_map(|p| &p.entries).filter(|e| morning.tier(e) == tier).map(|e| e.due).collect();
    let (first, second): (Vec<_>, Vec<_>) = (due(0), due(1));
    assert!(first.iter().max() <= second.iter().min());
    assert_eq!((first.len(), second.len()), (45, 45));
}

/// All due times of a plan, in order.
pub(super) fn dues(plan: &Plan) -> Vec<UnixMs> {
    let mut dues: Vec<_> = plan.pages.iter().flat_map(|page| &page.entries).map(|entry| entry.due).collect();
    dues.sort_unstable();
    dues
}

#[test]
fn staggered_messages_are_one_step_apart_over_all_numbers_from_the_opening_on() {
    for (senders, step) in
        [(pool(1, 80), 14), (pool(3, 80), 5), (pool(3, 80), 40), (vec![sender(0, 80, None), sender(1, 5, None)], 14)]
    {
        let plan = staggered(400, 3, senders, step).plan().expect("fits");
        assert_eq!(dues(&plan), (0..400).map(|n| OPENS + n * step).collect::<Vec<_>>());
    }
}

#[test]
fn a_step_that_leaves_time_lets_every_recipient_hear_from_home() {
    let morning = staggered(1_000, 2, pool(3, 80), 14);
    let homes: Vec<_> = morning.senders.iter().map(|s| Home::new(&s.id, s.mps)).collect();
    for page in morning.plan().expect("fits").pages {
        for entry in page.entries {
            let phone = morning.candidates[entry.candidate as usize].phone;
            assert_eq!(home::best(phone, &homes, |_| true), Some(page.number));
        }
    }
}

#[test]
fn a_step_as_short_as_can_be_keeps_most_recipients_at_home() {
    let morning = staggered(1_000, 2, pool(3, 80), 5);
    let homes: Vec<_> = morning.senders.iter().map(|s| Home::new(&s.id, s.mps)).collect();
    let pages = morning.plan().expect("fits").pages;
    let at_home = |page: &Page| {
        let phone = |entry: &&Entry| morning.candidates[entry.candidate as usize].phone;
        page.entries.iter().filter(|entry| home::best(phone(entry), &homes, |_| true) == Some(page.number)).count()
    };
    let share = pages.iter().map(at_home).sum::<usize>();
    assert!(share > 900, "only {share} of 1,000 are at home");
}

/// How many are due in each tenth of the window.
fn tenths(morning: &Morning) -> [i64; 10] {
    let mut tenths = [0; 10];
    let plan = morning.plan().expect("fits");
    dues(&plan).iter().for_each(|due| tenths[((due - OPENS) * 10 / morning.length_ms) as usize] += 1);
    tenths
}

#[test]
fn a_front_loaded_window_falls_along_one_line_through_all_tiers() {
    for tiers in [1, 2, 5] {
        let even = morning(audience(5_000, tiers), pool(3, 80), 600_000, 9);
        let tenths = tenths(&Morning { jitter: Jitter::FrontLoaded, ..even });
        // 950 in the first tenth, 850 in the next, 50 in the last, and what chance and pace leave of that.
        let off = |(tenth, count): (i64, &i64)| (count - (950 - 100 * tenth)).abs();
        assert!((0..).zip(&tenths).map(off).all(|off| off < 120), "{tiers} tiers: {tenths:?}");
    }
}

#[test]
fn a_front_loaded_window_that_is_nearly_full_is_as_dense_as_the_pace_allows_and_then_falls() {
    let even = morning(audience(10_000, 1), pool(3, 80), 60_000, 9);
    let tenths = tenths(&Morning { jitter: Jitter::FrontLoaded, ..even });
    // 216/s for 6 s are 1,296.
    assert!(tenths.iter().all(|count| *count <= 1_296), "{tenths:?}");
    assert!(tenths.windows(2).all(|pair| pair[0] + 60 > pair[1]) && 2 * tenths[0] > 3 * tenths[9], "{tenths:?}");
}
