//! How many deliveries of a run stand where. Moved only by the record before and after a change; no caller ever
//! passes a delta, so that a script repeated after a lost reply cannot count twice.

use super::{Record, Standing, Terms};

/// The tallies of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tallies {
    standings: [i64; 9],
    /// Deliveries that reached what the SLA counts by the deadline.
    pub within: i64,
    /// Messages that reached a recipient beyond the first.
    pub duplicates: i64,
    /// Attempts begun.
    pub attempts: i64,
    /// Attempts begun because an earlier one stayed unconfirmed.
    pub resends: i64,
}

impl Tallies {
    /// How many deliveries stand at `standing`.
    pub fn count(&self, standing: Standing) -> i64 {
        self.standings[standing as usize - 1]
    }

    /// Sets a count: for the reader of stored tallies.
    pub fn set(&mut self, standing: Standing, count: i64) {
        self.standings[standing as usize - 1] = count;
    }

    /// All deliveries.
    pub fn total(&self) -> i64 {
        self.standings.iter().sum()
    }

    /// Counts a record in.
    pub fn add(&mut self, record: &Record, terms: &Terms) {
        self.weigh(record, terms, 1);
    }

    /// Moves a record from what it was to what it is.
    pub fn shift(&mut self, before: &Record, after: &Record, terms: &Terms) {
        let begun = after.outcomes.used() > before.outcomes.used();
        if begun && before.standing(terms) == Standing::Unconfirmed {
            self.resends += 1;
        }
        self.weigh(before, terms, -1);
        self.weigh(after, terms, 1);
    }

    /// The same without `resends`, the one figure that a record alone does not tell.
    pub fn without_resends(self) -> Self {
        Self { resends: 0, ..self }
    }

    fn weigh(&mut self, record: &Record, terms: &Terms, weight: i64) {
        self.standings[record.standing(terms) as usize - 1] += weight;
        self.within += weight * i64::from(record.is_within(terms));
        self.duplicates += weight * record.duplicates() as i64;
        self.attempts += weight * i64::from(record.outcomes.used());
    }
}
