//! `[prices]`: what delivered messages cost.

use std::collections::BTreeMap;

use dawncast_core::{
    campaign::Category,
    price::{Prices as Priced, Rates},
};
use serde::Deserialize;

use super::BadConfig;

/// See `default.toml`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Prices {
    #[serde(default)]
    currency: String,
    #[serde(default)]
    utility: Rates,
    #[serde(default)]
    marketing: Rates,
    #[serde(default)]
    authentication: Rates,
}

impl Prices {
    pub(super) fn check(&self) -> Result<(), BadConfig> {
        self.prices().check().map_err(|reason| BadConfig::Value { key: "prices", reason })
    }

    /// In the words of the reports.
    pub(crate) fn prices(&self) -> Priced {
        let all = [
            (Category::Utility, &self.utility),
            (Category::Marketing, &self.marketing),
            (Category::Authentication, &self.authentication),
        ];
        // The environment spells its names in small letters.
        let spelt = |country: &String| if country.len() == 2 { country.to_uppercase() } else { country.clone() };
        let rates = |rates: &Rates| -> Rates { rates.iter().map(|(country, rate)| (spelt(country), *rate)).collect() };
        let known = all.into_iter().filter(|(_, rates)| !rates.is_empty());
        let rates: BTreeMap<_, _> = known.map(|(category, of)| (category, rates(of))).collect();
        Priced { currency: self.currency.to_uppercase(), rates }
    }
}
