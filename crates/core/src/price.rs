//! What messages cost: what Meta charges for each delivered one, by its category and the recipient's country (Meta: pricing,
//! since 2025-07-01). Rates change and are a business's own, so that people set them; none is known here.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::campaign::Category;

/// Stands for all countries that are not named.
const OTHER: &str = "other";

/// Rates by country: ISO 3166 codes, or `other`.
pub type Rates = BTreeMap<String, f64>;

/// What a business pays for each delivered message.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Prices {
    /// In what, such as `INR`: ISO 4217.
    pub currency: String,
    /// Rates by category; one without rates has no known cost.
    pub rates: BTreeMap<Category, Rates>,
}

/// What some messages cost, by the rates.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Cost {
    /// In what.
    pub currency: String,
    /// How much.
    pub amount: f64,
    /// How many delivered messages there is no rate for: they are not in the amount.
    pub unpriced: u64,
}

impl Prices {
    /// What messages of a category cost of which so many were delivered, by country; none where nothing is known of rates.
    pub fn cost(&self, category: Category, delivered: &BTreeMap<String, u64>) -> Option<Cost> {
        let rates = self.rates.get(&category)?;
        let mut cost = Cost { currency: self.currency.clone(), amount: 0.0, unpriced: 0 };
        for (country, count) in delivered {
            match rates.get(country).or_else(|| rates.get(OTHER)) {
                Some(rate) => cost.amount += rate * *count as f64,
                None => cost.unpriced += count,
            }
        }
        Some(cost)
    }

    /// Why these prices cannot be, if so.
    ///
    /// # Errors
    /// What is wrong with one of them, and what to do.
    pub fn check(&self) -> Result<(), String> {
        let is_code = |text: &str, length| text.len() == length && text.bytes().all(|byte| byte.is_ascii_uppercase());
        if !self.rates.is_empty() && !is_code(&self.currency, 3) {
            return Err(format!("has the currency `{}`: give three letters, such as INR", self.currency));
        }
        for (country, rate) in self.rates.values().flatten() {
            if country != OTHER && !is_code(country, 2) {
                return Err(format!("names the country `{country}`: give two letters, such as IN, or `{OTHER}`"));
            }
            if !(rate.is_finite() && *rate >= 0.0) {
                return Err(format!("gives {country} the rate {rate}: give what one delivered message costs"));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prices(currency: &str, rates: &[(&str, f64)]) -> Prices {
        let rates = rates.iter().map(|(country, rate)| ((*country).to_owned(), *rate)).collect();
        Prices { currency: currency.to_owned(), rates: BTreeMap::from([(Category::Utility, rates)]) }
    }

    fn delivered(counts: &[(&str, u64)]) -> BTreeMap<String, u64> {
        counts.iter().map(|(country, count)| ((*country).to_owned(), *count)).collect()
    }

    #[test]
    fn each_delivered_message_costs_what_its_country_does() {
        let prices = prices("INR", &[("IN", 0.125), ("other", 2.0)]);
        let cost = prices.cost(Category::Utility, &delivered(&[("IN", 1_000), ("DE", 3)])).expect("rates are known");
        assert_eq!((cost.currency.as_str(), cost.amount, cost.unpriced), ("INR", 131.0, 0));
        assert_eq!(prices.cost(Category::Marketing, &delivered(&[("IN", 1)])), None);
    }

    #[test]
    fn what_has_no_rate_is_told() {
        let cost = prices("INR", &[("IN", 0.5)]).cost(Category::Utility, &delivered(&[("IN", 2), ("DE", 3)]));
        assert_eq!(cost.map(|it| (it.amount, it.unpriced)), Some((1.0, 3)));
    }

    #[test]
    fn faults_of_prices_are_told_with_their_remedy() {
        assert_eq!(prices("INR", &[("IN", 0.5), ("other", 0.0)]).check(), Ok(()));
        assert_eq!(Prices::default().check(), Ok(()));
        for (currency, country, rate, word) in
            [("rupees", "IN", 1.0, "currency"), ("INR", "India", 1.0, "country"), ("INR", "IN", -1.0, "rate")]
        {
            let why = prices(currency, &[(country, rate)]).check().expect_err("a fault");
            assert!(why.contains(word), "{why}");
        }
    }
}
