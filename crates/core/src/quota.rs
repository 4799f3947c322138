//! The messaging limit of a business portfolio: how many users it may still open conversations with, and what of that is
//! promised already.
//!
//! Meta counts the unique users to whom a message that the business began was delivered outside a service window, in a
//! rolling 24 hours, over all numbers of a portfolio (Meta: messaging limits). So do we, in hours: an hour that has begun
//! within the 24 counts whole. What accepted runs have still to send is derived from the runs themselves, so that no
//! reservation is ever left behind.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use serde::Serialize;

use crate::{
    UnixMs,
    ids::{AudienceId, NumberId, RunId},
    plan::{Sender, counted, thousands},
};

/// The time in which a user counts once.
pub const DAY_MS: i64 = 24 * HOUR_MS;
const HOUR_MS: i64 = 60 * 60 * 1_000;

/// The hour in which a user who was reached at `at` counts: hours since 1970.
pub fn hour(at: UnixMs) -> i64 {
    at.div_euclid(HOUR_MS)
}

/// The hours that count for messages sent at `at`, the first and the last.
pub fn hours_that_count(at: UnixMs) -> (i64, i64) {
    (hour(at - DAY_MS), hour(at))
}

/// How many unique users a portfolio may reach in 24 hours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DailyLimit {
    /// So many.
    Users(u64),
    /// Any number.
    Unlimited,
}

impl DailyLimit {
    /// The limit of a tier as Meta names it (`TIER_250`, `TIER_2K`, `TIER_UNLIMITED`); `None` for one without a tier and
    /// for names of another make.
    pub fn of_tier(tier: &str) -> Option<Self> {
        let size = tier.strip_prefix("TIER_")?;
        if size == "UNLIMITED" {
            return Some(Self::Unlimited);
        }
        let (digits, unit) = size.strip_suffix('K').map_or((size, 1), |digits| (digits, 1_000));
        digits.parse::<u64>().ok()?.checked_mul(unit).map(Self::Users)
    }
}

/// A portfolio, as far as the numbers in question belong to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Portfolio {
    /// Meta's id of it, or of the account when Meta does not name the portfolio.
    pub id: String,
    /// Its limit; `None` while that is not known.
    pub limit: Option<DailyLimit>,
    /// The unique users that were reached in the hours that count.
    pub reached: u64,
    /// Its numbers.
    pub numbers: BTreeSet<NumberId>,
}

impl Portfolio {
    /// How many unique users it may still reach; `None` when that is not limited, or not known.
    pub fn remaining(&self) -> Option<u64> {
        match self.limit? {
            DailyLimit::Users(users) => Some(users.saturating_sub(self.reached)),
            DailyLimit::Unlimited => None,
        }
    }
}

/// What an accepted run means for quotas.
#[derive(Debug, Clone, PartialEq)]
pub struct Promise {
    /// The run.
    pub run: RunId,
    /// Whom it writes to: the same people are counted once.
    pub audience: AudienceId,
    /// When it opens.
    pub opens_at: UnixMs,
    /// How many recipients it may still reach; 0 once it is over.
    pub outstanding: u64,
    /// How many it has reached.
    pub reached: u64,
    /// The numbers that it goes out from, with their messages per second.
    pub numbers: Vec<(NumberId, u32)>,
}

/// What `count` of a run's recipients come to in a portfolio: its numbers' share by throughput, rounded up.
fn portion(count: u64, numbers: &[(NumberId, u32)], portfolio: &Portfolio) -> u64 {
    let mps = |own: bool| -> u64 {
        let counted = numbers.iter().filter(|(id, _)| !own || portfolio.numbers.contains(id));
        counted.map(|(_, mps)| u64::from(*mps)).sum()
    };
    (count * mps(true)).checked_div(mps(false)).map_or(0, |whole| {
        let exact = whole * mps(false) == count * mps(true);
        whole + u64::from(!exact)
    })
}

/// The run that asks for quota.
#[derive(Debug, Clone, Copy)]
pub struct Ask<'a> {
    /// Itself, once it exists: it does not compete with itself.
    pub run: Option<&'a RunId>,
    /// Whom it writes to.
    pub audience: &'a AudienceId,
    /// When it opens.
    pub opens_at: UnixMs,
}

/// A part of the limit that another run will use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Promised {
    /// That run.
    pub run: RunId,
    /// How many recipients.
    pub recipients: u64,
}

/// What is left of one portfolio's limit, and how that comes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Balance {
    /// The portfolio.
    pub portfolio: String,
    /// How many unique users it may reach in 24 hours.
    pub limit: u64,
    /// How many it has reached.
    pub reached: u64,
    /// How many of those are in the audience that asks, and so count no second time.
    pub reached_again: u64,
    /// What other accepted runs will use.
    pub promised: Vec<Promised>,
    /// How many recipients of the audience that asks it may reach.
    pub left: u64,
    /// Its numbers.
    #[serde(skip)]
    numbers: BTreeSet<NumberId>,
}

impl Balance {
    fn of(portfolio: &Portfolio, promises: &[Promise], ask: Ask<'_>) -> Option<Self> {
        let DailyLimit::Users(limit) = portfolio.limit? else { return None };
        let reached_again = reached_of(ask.audience, portfolio, promises, ask.opens_at).min(portfolio.reached);
        let promised = promised(portfolio, promises, ask);
        let spent = portfolio.reached + promised.iter().map(|it| it.recipients).sum::<u64>();
        // Whoever counts already may hear again, however little is left for others.
        let left = (limit.saturating_sub(spent) + reached_again).min(limit);
        Some(Self {
            portfolio: portfolio.id.clone(),
            limit,
            reached: portfolio.reached,
            reached_again,
            promised,
            left,
            numbers: portfolio.numbers.clone(),
        })
    }
}

impl fmt::Display for Balance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (limit, reached) = (counted(self.limit, "user"), thousands(self.reached));
        write!(f, "portfolio {} may reach {limit} in 24 hours and has reached {reached}", self.portfolio)?;
        if self.reached_again > 0 {
            write!(f, ", {} of them of this audience", thousands(self.reached_again))?;
        }
        for Promised { run, recipients } in &self.promised {
            write!(f, ", {} are promised to run {run}", thousands(*recipients))?;
        }
        Ok(())
    }
}

/// How many people of an audience count as reached for messages that go out at `at`: whoever the one of its runs has
/// reached that has reached the most.
fn reached_of(audience: &AudienceId, portfolio: &Portfolio, promises: &[Promise], at: UnixMs) -> u64 {
    let (first, last) = hours_that_count(at);
    let counts = |promise: &&Promise| (first..=last).contains(&hour(promise.opens_at));
    let same = promises.iter().filter(|promise| promise.audience == *audience).filter(counts);
    same.map(|promise| portion(promise.reached, &promise.numbers, portfolio)).max().unwrap_or_default()
}

/// What other runs will use within 24 hours before or after. Runs of one audience write to the same people: the largest
/// stands for all, without those who count as reached already.
fn promised(portfolio: &Portfolio, promises: &[Promise], ask: Ask<'_>) -> Vec<Promised> {
    let waits = |promise: &&Promise| promise.outstanding > 0 && (promise.opens_at - ask.opens_at).abs() < DAY_MS;
    let other = |promise: &&Promise| Some(&promise.run) != ask.run && promise.audience != *ask.audience;
    let mut known: BTreeMap<&AudienceId, Promised> = BTreeMap::new();
    for promise in promises.iter().filter(waits).filter(other) {
        let reached = reached_of(&promise.audience, portfolio, promises, ask.opens_at);
        let all = portion(promise.outstanding + promise.reached, &promise.numbers, portfolio);
        let recipients = all.saturating_sub(reached);
        if known.get(&promise.audience).map_or(0, |known| known.recipients) < recipients {
            known.insert(&promise.audience, Promised { run: promise.run.clone(), recipients });
        }
    }
    known.into_values().collect()
}

/// What the limits leave to a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Quota {
    /// The portfolios that have a limit.
    pub balances: Vec<Balance>,
}

impl Quota {
    /// What `portfolios` leave to the run that asks, beside what other runs were promised.
    pub fn of(portfolios: &[Portfolio], promises: &[Promise], ask: Ask<'_>) -> Self {
        let balance = |portfolio| Balance::of(portfolio, promises, ask);
        Self { balances: portfolios.iter().filter_map(balance).collect() }
    }

    /// What is lacking if `recipients` are to be reached from `senders`; none while a number without a limit is among
    /// them.
    pub fn shortfall(&self, recipients: u64, senders: &[Sender]) -> Option<Shortfall> {
        let bounded = senders.iter().all(|sender| self.of_number(&sender.id).is_some());
        let involved = |balance: &&Balance| senders.iter().any(|sender| balance.numbers.contains(&sender.id));
        let balances: Vec<Balance> = self.balances.iter().filter(involved).cloned().collect();
        let left = balances.iter().map(|balance| balance.left).sum();
        (bounded && !balances.is_empty() && left < recipients).then_some(Shortfall { recipients, left, balances })
    }

    fn of_number(&self, number: &NumberId) -> Option<&Balance> {
        self.balances.iter().find(|balance| balance.numbers.contains(number))
    }

    /// How many recipients of a run that is known lie beyond what the limits leave to it.
    pub fn beyond(&self, run: &Promise) -> u64 {
        let sender = |(id, mps): &(NumberId, u32)| Sender { id: id.clone(), mps: *mps, quota: None };
        let senders: Vec<Sender> = run.numbers.iter().map(sender).collect();
        self.shortfall(run.outstanding + run.reached, &senders).map_or(0, |short| short.recipients - short.left)
    }

    /// Splits what is left among the numbers that share it, by their throughput. A portfolio that could serve all
    /// `recipients` binds none of its numbers, so that recipients keep their homes.
    pub fn share(&self, recipients: u64, senders: &mut [Sender]) {
        for balance in self.balances.iter().filter(|balance| balance.left < recipients) {
            let own = |sender: &&mut Sender| balance.numbers.contains(&sender.id);
            let mps = |sender: &Sender| u128::from(sender.mps);
            let all: u128 = senders.iter().filter(|sender| balance.numbers.contains(&sender.id)).map(mps).sum();
            let mut before = 0;
            for sender in senders.iter_mut().filter(own) {
                let upto = |mps: u128| (u128::from(balance.left) * mps).checked_div(all).unwrap_or(0) as u64;
                let after = before + mps(sender);
                sender.quota = Some(upto(after) - upto(before));
                before = after;
            }
        }
    }
}

/// Limits that do not hold all recipients. Its text gives the arithmetic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shortfall {
    /// How many are to be reached.
    pub recipients: u64,
    /// How many may be.
    pub left: u64,
    /// Of which portfolios.
    pub balances: Vec<Balance>,
}

impl Shortfall {
    /// The share of the recipients that may be reached, 0 to 1.
    pub fn attainable(&self) -> f64 {
        self.left as f64 / self.recipients.max(1) as f64
    }
}

impl fmt::Display for Shortfall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let balances: Vec<_> = self.balances.iter().map(Balance::to_string).collect();
        let (recipients, left) = (counted(self.recipients, "recipient"), thousands(self.left));
        write!(f, "{recipients}, but Meta's messaging limit leaves {left}: {}", balances.join("; "))
    }
}

#[cfg(test)]
mod tests;
