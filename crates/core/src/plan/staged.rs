//! A plan in two stages: a canary first, then time in which nothing is due, then the rest.

use super::{Candidate, Plan, Sender, Shortage, Terms, slots};
use crate::{UnixMs, canary::Canary, home::mix, quiet::Stretch};

/// A plan, and which part of it goes first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Staged {
    /// All of it: the canary's pages come first.
    pub plan: Plan,
    /// The canary, if there is one.
    pub canary: Option<FirstStage>,
}

/// The part of a plan that goes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FirstStage {
    /// How many of the pages are its.
    pub pages: usize,
    /// When the time ends in which its messages are due.
    pub ends_at: UnixMs,
}

impl Staged {
    /// A plan without a canary.
    pub fn whole(plan: Plan) -> Self {
        Self { plan, canary: None }
    }
}

/// Plans `candidates` in two stages. `plan` plans some of them, over senders that have so much quota left, in the time of
/// the terms; `uses_quota` tells who takes of it.
///
/// Who is in the canary is drawn from `seed`, whatever the tiers: they stand for all. Of those, whoever may not hear in all
/// of the canary's time waits for the rest.
///
/// # Errors
/// [`Shortage`] if the candidates do not all fit beside the time in which nothing is due, or nobody may hear when the canary
/// goes out.
pub fn in_two(
    canary: &Canary,
    (candidates, senders): (&[Candidate], &[Sender]),
    terms: &Terms,
    seed: u64,
    uses_quota: impl Fn(u32) -> bool,
    plan: impl Fn(&[u32], &[Sender], &Terms) -> Result<Plan, Shortage>,
) -> Result<Staged, Shortage> {
    if candidates.is_empty() {
        return Ok(Staged::whole(Plan { pages: vec![] }));
    }
    let ends_at = terms.opens_at + canary.length_ms(terms.closes_at - terms.opens_at);
    let first = Terms { closes_at: ends_at, ..terms.clone() };
    let rest = Terms { opens_at: ends_at + canary.pause_ms(), ..terms.clone() };
    let (early, late) = draw(canary, candidates, &first, seed);
    if early.is_empty() {
        // Nobody is awake to be asked: there is no time for a canary.
        return Err(Shortage::of(candidates.len() as u64, senders, &Terms { closes_at: terms.opens_at, ..first }));
    }
    let early_plan = plan(&early, senders, &first)?.of_some(&early);
    let pages = early_plan.pages.len();
    let late_plan = plan(&late, &less(senders, &early_plan, uses_quota), &rest)?.of_some(&late);
    let plan = Plan { pages: early_plan.pages.into_iter().chain(late_plan.pages).collect() };
    Ok(Staged { plan, canary: Some(FirstStage { pages, ends_at }) })
}

/// Who goes first and who does not, both in their order.
fn draw(canary: &Canary, candidates: &[Candidate], first: &Terms, seed: u64) -> (Vec<u32>, Vec<u32>) {
    let awake = |candidate: &Candidate| {
        let covers = |stretch: &Stretch| stretch.from <= first.opens_at && stretch.until >= first.closes_at;
        first.hours.get(usize::from(candidate.hours)).is_none_or(|hours| hours.iter().any(covers))
    };
    let lot = |index: u32| mix(seed ^ mix(candidates[index as usize].phone));
    let mut drawn: Vec<u32> =
        (0..).zip(candidates).filter(|(_, candidate)| awake(candidate)).map(|(index, _)| index).collect();
    drawn.sort_unstable_by_key(|index| (lot(*index), *index));
    drawn.truncate(canary.size(candidates.len()));
    let mut goes_first = vec![false; candidates.len()];
    drawn.iter().for_each(|index| goes_first[*index as usize] = true);
    (0..candidates.len() as u32).partition(|index| goes_first[*index as usize])
}

/// What `senders` may still do once `plan` has gone out.
fn less(senders: &[Sender], plan: &Plan, uses_quota: impl Fn(u32) -> bool) -> Vec<Sender> {
    let mut left = senders.to_vec();
    for page in &plan.pages {
        let quota = &mut left[page.number].quota;
        let used = page.entries.iter().filter(|entry| uses_quota(entry.candidate)).count() as u64;
        *quota = quota.map(|quota| quota.saturating_sub(used));
    }
    left
}

impl Shortage {
    /// That `recipients` do not fit.
    fn of(recipients: u64, senders: &[Sender], terms: &Terms) -> Self {
        let window = slots::length(terms.opens_at, terms.closes_at);
        Self::Window(super::Forecast::of(recipients, &slots::all(senders, terms.headroom), window, None))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        plan::{
            Entry, plan,
            tests::{Morning, OPENS, audience, busiest_second, by_number, morning, mornings, pool},
        },
        window::Span,
    };

    fn canary(share: f64, watch: u32) -> Canary {
        Canary { share, max_failures: 0.02, watch: Span::seconds(watch) }
    }

    fn staged(morning: &Morning, canary: &Canary) -> Result<Staged, Shortage> {
        let all = (morning.candidates.as_slice(), morning.senders.as_slice());
        in_two(
            canary,
            all,
            &morning.terms(),
            morning.seed,
            |_| true,
            |some, senders, terms| {
                let some: Vec<_> = some.iter().map(|index| morning.candidates[*index as usize]).collect();
                plan(&some, senders, terms, morning.seed)
            },
        )
    }

    fn entries(pages: &[crate::plan::Page]) -> Vec<Entry> {
        pages.iter().flat_map(|page| page.entries.clone()).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]

        #[test]
        fn everybody_is_in_one_stage_and_nothing_is_due_while_the_canary_is_watched(
            mut morning in mornings(), share in 0.01..0.9_f64, watch in 1_u32..20,
        ) {
            let canary = canary(share, watch);
            morning.length_ms += canary.pause_ms();
            let Ok(staged) = staged(&morning, &canary) else { return Ok(()) };
            let count = morning.candidates.len();
            let mut planned: Vec<_> = entries(&staged.plan.pages).iter().map(|entry| entry.candidate).collect();
            planned.sort_unstable();
            prop_assert_eq!(planned, (0..count as u32).collect::<Vec<_>>());
            let Some(first) = staged.canary else { prop_assert_eq!(count, 0); return Ok(()) };
            let (early, late) = staged.plan.pages.split_at(first.pages);
            prop_assert_eq!(entries(early).len(), canary.size(count));
            prop_assert!(entries(early).iter().all(|entry| (OPENS..=first.ends_at).contains(&entry.due)));
            let goes_on = first.ends_at + canary.pause_ms();
            prop_assert!(entries(late).iter().all(|entry| (goes_on..=OPENS + morning.length_ms).contains(&entry.due)));
            for (timeline, sender) in by_number(&staged.plan, morning.senders.len()).iter().zip(&morning.senders) {
                let paced = (f64::from(sender.mps) * morning.headroom).max(1.0) + 1e-6;
                prop_assert!(busiest_second(timeline) as f64 <= paced);
                prop_assert!(timeline.len() as u64 <= sender.quota.unwrap_or(u64::MAX));
            }
            prop_assert_eq!(&staged, &self::staged(&morning, &canary)?);
        }
    }

    #[test]
    fn the_canary_stands_for_all_tiers_and_changes_with_the_seed() {
        let mut morning = morning(audience(1_000, 4), pool(3, 80), 300_000, 5);
        let early = |morning: &Morning| {
            let staged = staged(morning, &canary(0.1, 60)).expect("fits");
            let pages = staged.canary.expect("a canary").pages;
            entries(&staged.plan.pages[..pages])
        };
        let first = early(&morning);
        for tier in 0..4 {
            let count = first.iter().filter(|entry| morning.tier(entry) == tier).count();
            assert!((10..=40).contains(&count), "{count} of tier {tier}");
        }
        morning.seed += 1;
        let who = |entries: Vec<Entry>| {
            entries.iter().map(|entry| entry.candidate).collect::<std::collections::BTreeSet<_>>()
        };
        assert_ne!(who(first), who(early(&morning)));
    }

    #[test]
    fn who_sleeps_while_the_canary_goes_out_waits_and_where_all_do_there_is_none() {
        let mut morning = morning(audience(100, 1), pool(1, 80), 100_000, 5);
        let late = Stretch { from: OPENS + 50_000, until: OPENS + 100_000 };
        morning.hours = vec![vec![Stretch { from: OPENS, until: OPENS + 100_000 }], vec![late]];
        morning.candidates.iter_mut().take(90).for_each(|candidate| candidate.hours = 1);
        let planned = staged(&morning, &canary(0.2, 10)).expect("fits");
        let pages = planned.canary.expect("a canary").pages;
        let first = entries(&planned.plan.pages[..pages]);
        assert_eq!(first.len(), 10, "as many as are awake");
        assert!(first.iter().all(|entry| entry.candidate >= 90));
        morning.candidates.iter_mut().for_each(|candidate| candidate.hours = 1);
        assert!(staged(&morning, &canary(0.2, 10)).is_err());
    }

    #[test]
    fn the_watch_takes_its_time_from_the_window() {
        // 72/s for what is left of 20 s beside 10 s and 3 s.
        let fits = |count| staged(&morning(audience(count, 1), pool(1, 80), 20_000, 5), &canary(0.1, 10)).is_ok();
        assert!(fits(480) && !fits(510));
    }
}
