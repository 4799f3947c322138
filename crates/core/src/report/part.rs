//! What became of a part of a run: the deliveries of one message, of one tier, of one country, or from one number.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Explained, Failure, Totals};
use crate::{campaign::Category, delivery::DeliveryState};

/// A part of a run's deliveries. Rows that were dropped are in no part. Where an earlier version wrote the report, all
/// is 0.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Part {
    /// Where they stand.
    pub totals: Totals,
    /// How many came as far as counts by the deadline.
    pub within_deadline: u64,
    /// Why some of them failed, by code; what a code means stands once, in the report's own list.
    pub failures: Vec<Failure>,
}

/// The deliveries of one tier.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TierLine {
    /// Its name; none of recipients without one.
    pub tier: Option<String>,
    /// What became of them.
    #[serde(flatten)]
    pub part: Part,
}

/// The deliveries of one message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageLine {
    /// What people call it.
    pub message: String,
    /// It went out in the place of one that could not, or where no service window was open.
    pub fallback: bool,
    /// Meta's category of it; none of a free-form message, and in a report of an earlier version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<Category>,
    /// How many were delivered, by country: Meta charges for these. `??` is no country. Empty in a report of an earlier
    /// version.
    #[serde(default)]
    pub delivered_by_country: BTreeMap<String, u64>,
    /// What became of them.
    #[serde(flatten)]
    pub part: Part,
}

impl MessageLine {
    /// Adds how many were delivered to `counts`, by country.
    pub fn count_delivered(&self, counts: &mut BTreeMap<String, u64>) {
        let delivered = self.delivered_by_country.iter();
        delivered.for_each(|(country, count)| *counts.entry(country.clone()).or_default() += count);
    }
}

/// The deliveries to one country.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CountryLine {
    /// The calling code that their phones begin with; none where no country has such a code.
    pub calling_code: Option<u16>,
    /// Its ISO 3166 code; of several that share the calling code, the largest's.
    pub country: Option<String>,
    /// What became of them.
    #[serde(flatten)]
    pub part: Part,
}

/// A part that is being counted.
#[derive(Debug, Clone, Default)]
pub struct Count {
    totals: Totals,
    within_deadline: u64,
    failures: BTreeMap<u32, u64>,
}

impl Count {
    /// Counts one delivery: its state, whether it was on time, and its latest error code.
    pub fn add(&mut self, state: DeliveryState, within: bool, code: u32) {
        self.totals.submitted += 1;
        *self.totals.of_mut(state) += 1;
        self.within_deadline += u64::from(within);
        if state == DeliveryState::Failed {
            *self.failures.entry(code).or_default() += 1;
        }
    }

    /// Why deliveries failed, in full.
    pub fn failures(&self, explain: impl Fn(u32) -> Explained) -> Vec<Failure> {
        self.failures.iter().map(|(&code, &count)| Failure::of(code, explain(code), count)).collect()
    }

    /// The part that was counted.
    pub fn part(self, explain: impl Fn(u32) -> Explained) -> Part {
        let failures = self.failures(explain).into_iter().map(|failure| Failure { meaning: None, ..failure });
        Part { totals: self.totals, within_deadline: self.within_deadline, failures: failures.collect() }
    }
}
