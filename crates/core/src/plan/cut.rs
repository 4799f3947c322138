//! Plans of some candidates, and pages that are cut by more than numbers.

use std::collections::BTreeMap;

use super::{Entry, PAGE_SIZE, Page, Plan};

impl Plan {
    /// A plan whose entries name their candidates by places in `some`, as one that names them by their own.
    #[must_use]
    pub fn of_some(mut self, some: &[u32]) -> Self {
        let entries = self.pages.iter_mut().flat_map(|page| &mut page.entries);
        entries.for_each(|entry| entry.candidate = some[entry.candidate as usize]);
        self
    }

    /// The same plan in pages each of which holds candidates of one `key` alone.
    #[must_use]
    pub fn cut_by<K: Ord>(self, key: impl Fn(u32) -> K) -> Self {
        let mut timelines: BTreeMap<(usize, K), Vec<Entry>> = BTreeMap::new();
        for Page { number, entries } in self.pages {
            for entry in entries {
                timelines.entry((number, key(entry.candidate))).or_default().push(entry);
            }
        }
        let cut = |((number, _), mut timeline): ((usize, K), Vec<Entry>)| {
            // Pages of one number come in the order of their first entries; with keys they may overlap.
            timeline.sort_by_key(|entry| entry.due);
            timeline.chunks(PAGE_SIZE).map(|entries| Page { number, entries: entries.to_vec() }).collect::<Vec<_>>()
        };
        let mut pages: Vec<_> = timelines.into_iter().flat_map(cut).collect();
        pages.sort_by_key(|page| page.entries[0].due);
        Self { pages }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{
        plan,
        tests::{audience, morning, pool},
    };

    #[test]
    fn pages_hold_one_kind_alone_and_nobody_is_moved_in_time() {
        let morning = morning(audience(2_000, 3), pool(3, 80), 60_000, 7);
        let whole = plan(&morning.candidates, &morning.senders, &morning.terms(), 7).expect("fits");
        let all = |plan: &Plan| {
            let entries = plan.pages.iter().flat_map(|page| page.entries.iter().map(|entry| (page.number, *entry)));
            let mut entries: Vec<_> = entries.collect();
            entries.sort_by_key(|(_, entry)| entry.candidate);
            entries
        };
        let cut = whole.clone().cut_by(|candidate| candidate % 2);
        assert_eq!(all(&cut), all(&whole));
        for page in &cut.pages {
            let kind = page.entries[0].candidate % 2;
            assert!(page.entries.iter().all(|entry| entry.candidate % 2 == kind));
            assert!(page.entries.len() <= PAGE_SIZE && page.entries.is_sorted_by_key(|entry| entry.due));
        }
        assert!(cut.pages.is_sorted_by_key(|page| page.entries[0].due));
        assert_eq!(whole.clone().cut_by(|_| ()), whole, "one kind changes nothing");
    }
}
