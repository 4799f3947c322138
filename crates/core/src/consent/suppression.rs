//! The suppression list: who wants no messages of a kind, and who said so. What one source has set, only that source or a
//! person lifts.

use std::fmt;

use chrono::{DateTime, SecondsFormat};
use serde::{Deserialize, Serialize};

use super::Scope;
use crate::{UnixMs, fault::word, phone::Phone};

word! {
    /// Who put an entry on the list.
    pub enum Source {
        /// A person, one by one.
        Api = "api",
        /// A person, from a file.
        Import = "import",
        /// The user, by a message such as STOP.
        Reply = "reply",
        /// The user, in WhatsApp's own settings (Meta: webhook field `user_preferences`).
        UserPreferences = "user_preferences",
        /// The user, in WhatsApp's own settings, as a refused message told (Meta: error 131050).
        Code131050 = "131050",
    }
}

/// One reason for silence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Of which messages.
    pub scope: Scope,
    /// Who said so.
    pub source: Source,
    /// Since when.
    pub since: UnixMs,
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let since = DateTime::from_timestamp_millis(self.since).unwrap_or_default();
        write!(f, "{} by {} since {}", self.scope, self.source, since.to_rfc3339_opts(SecondsFormat::Secs, true))
    }
}

/// What happens to the entries of one phone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// An entry is put on the list. One of its scope and source that is there already stands since the later moment.
    Add(Entry),
    /// Entries go, unless they are younger than what lifts them: users' messages may come twice and out of order, and in
    /// doubt there is silence.
    Lift {
        /// Which source's; none for everybody's.
        source: Option<Source>,
        /// Which scope's; none for every one.
        scope: Option<Scope>,
        /// No younger than this.
        until: UnixMs,
    },
}

/// The entries of one phone; never without one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Suppression {
    /// The phone as it was first given.
    pub phone: Phone,
    /// Since when it is on the list.
    pub since: UnixMs,
    /// Why.
    pub entries: Vec<Entry>,
}

impl Suppression {
    /// A phone that comes onto the list.
    pub fn new(phone: Phone, entry: Entry) -> Self {
        Self { phone, since: entry.since, entries: vec![entry] }
    }

    /// The entry that forbids a message of `scope`.
    pub fn entry(&self, scope: Scope) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.scope.covers(scope))
    }

    /// The entries of `phone` after `change`; none when nothing is left. `known` are those before.
    pub fn after(known: Option<&Self>, phone: Phone, change: Change) -> Option<Self> {
        match (known, change) {
            (None, Change::Add(entry)) => Some(Self::new(phone, entry)),
            (None, Change::Lift { .. }) => None,
            (Some(known), Change::Add(entry)) => Some(known.with(entry)),
            (Some(known), Change::Lift { source, scope, until }) => known.without(source, scope, until),
        }
    }

    fn with(&self, entry: Entry) -> Self {
        let mut changed = self.clone();
        let same = |known: &&mut Entry| (known.scope, known.source) == (entry.scope, entry.source);
        match changed.entries.iter_mut().find(same) {
            Some(known) => known.since = known.since.max(entry.since),
            None => changed.entries.push(entry),
        }
        changed
    }

    fn without(&self, source: Option<Source>, scope: Option<Scope>, until: UnixMs) -> Option<Self> {
        let mut changed = self.clone();
        let goes = |entry: &Entry| {
            source.is_none_or(|source| source == entry.source)
                && scope.is_none_or(|scope| scope == entry.scope)
                && entry.since <= until
        };
        changed.entries.retain(|entry| !goes(entry));
        (!changed.entries.is_empty()).then_some(changed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ASHA: &str = "+919876543210";

    fn entry(scope: Scope, source: Source, since: UnixMs) -> Entry {
        Entry { scope, source, since }
    }

    fn after(changes: &[Change]) -> Option<Suppression> {
        let phone = ASHA.parse().expect("a phone");
        changes.iter().fold(None, |known, change| Suppression::after(known.as_ref(), phone, *change))
    }

    #[test]
    fn an_entry_stands_since_it_was_made_last() {
        let known = after(&[
            Change::Add(entry(Scope::Marketing, Source::Reply, 1)),
            Change::Add(entry(Scope::Marketing, Source::Reply, 9)),
            Change::Add(entry(Scope::All, Source::Api, 5)),
        ]);
        let known = known.expect("on the list");
        assert_eq!(known.since, 1);
        assert_eq!(known.entries, [entry(Scope::Marketing, Source::Reply, 9), entry(Scope::All, Source::Api, 5)]);
    }

    #[test]
    fn a_source_lifts_what_it_has_set_and_a_person_anything() {
        let both =
            [Change::Add(entry(Scope::All, Source::Api, 1)), Change::Add(entry(Scope::Marketing, Source::Reply, 2))];
        let lifted = |source, scope| after(&[&both[..], &[Change::Lift { source, scope, until: 9 }]].concat());
        let left = |known: Option<Suppression>| known.map(|known| known.entries);
        assert_eq!(left(lifted(Some(Source::Reply), None)), Some(vec![entry(Scope::All, Source::Api, 1)]));
        assert_eq!(left(lifted(None, Some(Scope::All))), Some(vec![entry(Scope::Marketing, Source::Reply, 2)]));
        assert_eq!(lifted(None, None), None);
        assert_eq!(left(lifted(Some(Source::Import), None)).map(|left| left.len()), Some(2));
    }

    #[test]
    fn what_lifts_is_no_match_for_what_came_later() {
        let stop = |since| Change::Add(entry(Scope::Marketing, Source::Reply, since));
        let start = |until| Change::Lift { source: Some(Source::Reply), scope: None, until };
        assert_eq!(after(&[stop(1), start(2)]), None);
        assert!(after(&[stop(1), start(2), stop(3), start(2)]).is_some(), "told twice");
        assert!(after(&[stop(1), stop(3), start(2)]).is_some(), "told out of order");
    }

    #[test]
    fn all_covers_every_scope_and_a_scope_itself_alone() {
        let of = |scope| after(&[Change::Add(entry(scope, Source::Api, 1))]).expect("on the list");
        assert!(of(Scope::All).entry(Scope::Authentication).is_some());
        assert!(of(Scope::Marketing).entry(Scope::Marketing).is_some());
        assert!(of(Scope::Marketing).entry(Scope::Utility).is_none());
    }
}
