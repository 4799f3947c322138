//! Quotas: whom each account has reached, hour by hour, and what that leaves of its portfolio's messaging limit.
//!
//! An hour is a HyperLogLog of at most 12 KB, whatever the number of users, and off by less than one in a hundred. Told
//! twice, a user counts once.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use dawncast_core::{
    UnixMs,
    health::Reading,
    ids::{NumberId, WabaId},
    quota::{Ask, DAY_MS, DailyLimit, Portfolio, Promise, Quota, hours_that_count},
};

use crate::{Store, StoreError, records::Number};

/// An hour is kept until no message can count it any more.
const KEPT_SECONDS: i64 = 26 * 60 * 60;
/// The first hour that counts may have begun this long before its day did.
const HOUR_MS: i64 = 60 * 60 * 1_000;

/// The users that an account has reached in one hour, hours since 1970.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Reached {
    /// The account.
    pub waba: WabaId,
    /// The hour.
    pub hour: i64,
}

/// Everything about portfolios at one moment.
#[derive(Debug, Clone)]
pub struct Quotas {
    /// Each portfolio with its numbers.
    pub portfolios: Vec<Portfolio>,
    /// What runs have promised from a day before the moment to two after it, and what they have reached.
    pub promises: Vec<Promise>,
}

impl Quotas {
    /// What is left to the run that asks.
    pub fn quota(&self, ask: Ask<'_>) -> Quota {
        Quota::of(&self.portfolios, &self.promises, ask)
    }
}

/// The portfolio of each account, as Meta names it for any of the account's numbers.
fn named_portfolios<'a>(all: &'a [Number], readings: &'a HashMap<NumberId, Reading>) -> HashMap<&'a WabaId, &'a str> {
    let named = |number: &'a Number| {
        let reading = readings.get(&number.phone_number_id)?;
        Some((&number.waba_id, reading.portfolio.as_deref()?))
    };
    all.iter().filter_map(named).collect()
}

/// The lowest limit that Meta gave for any of the numbers: what was read last may be about to be read of the others.
fn limit_of(numbers: &[&Number], readings: &HashMap<NumberId, Reading>) -> Option<DailyLimit> {
    let tier = |number: &&Number| readings.get(&number.phone_number_id)?.messaging_limit.clone();
    let limits = numbers.iter().filter_map(tier).filter_map(|tier| DailyLimit::of_tier(&tier));
    limits.min_by_key(|limit| match limit {
        DailyLimit::Users(users) => *users,
        DailyLimit::Unlimited => u64::MAX,
    })
}

impl Store {
    /// Notes that users were reached. `phones` are digits; told again they change nothing.
    pub async fn note_reached(&self, whom: &[(Reached, Vec<String>)]) -> Result<(), StoreError> {
        let mut pipe = redis::pipe();
        for (Reached { waba, hour }, phones) in whom {
            let key = self.keys.reached(waba, *hour);
            pipe.pfadd(&key, phones).ignore().expire(&key, KEPT_SECONDS).ignore();
        }
        Ok(pipe.query_async(&mut self.hot.clone()).await?)
    }

    /// How many unique users the accounts have reached in the hours that count at `at`.
    pub async fn reached(&self, wabas: &BTreeSet<WabaId>, at: UnixMs) -> Result<u64, StoreError> {
        let (first, last) = hours_that_count(at);
        let keys: Vec<String> =
            wabas.iter().flat_map(|waba| (first..=last).map(|hour| self.keys.reached(waba, hour))).collect();
        Ok(redis::cmd("PFCOUNT").arg(&keys).query_async(&mut self.hot.clone()).await?)
    }

    /// The portfolios of all numbers, for messages that go out at `at`.
    pub async fn portfolios(&self, at: UnixMs) -> Result<Vec<Portfolio>, StoreError> {
        self.portfolios_of(&self.numbers().await?, at).await
    }

    async fn portfolios_of(&self, all: &[Number], at: UnixMs) -> Result<Vec<Portfolio>, StoreError> {
        let readings = self.readings().await?;
        let named = named_portfolios(all, &readings);
        let mut by_portfolio: BTreeMap<&str, Vec<&Number>> = BTreeMap::new();
        for number in all {
            // Without a name the account stands for it, of which a portfolio may have several.
            let id = named.get(&number.waba_id).copied().unwrap_or(number.waba_id.as_str());
            by_portfolio.entry(id).or_default().push(number);
        }
        let mut portfolios = Vec::with_capacity(by_portfolio.len());
        for (id, numbers) in by_portfolio {
            let wabas = numbers.iter().map(|number| number.waba_id.clone()).collect();
            portfolios.push(Portfolio {
                id: id.to_owned(),
                limit: limit_of(&numbers, &readings),
                reached: self.reached(&wabas, at).await?,
                numbers: numbers.iter().map(|number| number.phone_number_id.clone()).collect(),
            });
        }
        Ok(portfolios)
    }

    /// All that quotas follow from, for messages that go out at `at`.
    pub async fn quotas(&self, at: UnixMs) -> Result<Quotas, StoreError> {
        let all = self.numbers().await?;
        let portfolios = self.portfolios_of(&all, at).await?;
        let promises = self.promises(at - DAY_MS - HOUR_MS..=at + 2 * DAY_MS, &all).await?;
        Ok(Quotas { portfolios, promises })
    }
}
