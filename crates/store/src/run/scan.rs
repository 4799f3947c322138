//! What only the pages of a run know: who failed of what and how late sending began, by message, tier, country and number.

use std::collections::{BTreeMap, HashMap};

use dawncast_core::{
    campaign::{Choice, Content, Message},
    country::Country,
    delivery::{DeliveryState, Terms},
    ids::NumberId,
    report::{Count, CountryLine, Explained, MessageLine, TierLine},
};

use super::{DeliveryRow, Run};

/// Stands for no country where its name would stand.
const NO_COUNTRY: &str = "??";

/// A scan under way: every delivery of a run is shown to it once.
pub(super) struct Scan {
    terms: Terms,
    /// How late each delivery that was begun was begun, microseconds.
    pub(super) lateness_us: Vec<i64>,
    /// All deliveries.
    pub(super) all: Count,
    /// By the number of the latest attempt; before the first, by home.
    pub(super) numbers: HashMap<NumberId, NumberCount>,
    messages: BTreeMap<Choice, Count>,
    /// Who has it on the phone, by message and country.
    delivered: BTreeMap<(Choice, Option<Country>), u64>,
    tiers: BTreeMap<String, Count>,
    countries: BTreeMap<Option<Country>, Count>,
}

/// What one number did.
#[derive(Clone, Default)]
pub(super) struct NumberCount {
    pub(super) home: u64,
    pub(super) stand_in: u64,
    pub(super) count: Count,
}

impl Scan {
    pub(super) fn of(run: &Run) -> Self {
        Self {
            terms: run.terms(),
            lateness_us: Vec::new(),
            all: Count::default(),
            numbers: HashMap::new(),
            messages: BTreeMap::new(),
            delivered: BTreeMap::new(),
            tiers: BTreeMap::new(),
            countries: BTreeMap::new(),
        }
    }

    pub(super) fn add(&mut self, row: &DeliveryRow) {
        if let Some(begun) = row.record.first_begun {
            self.lateness_us.push((begun - row.recipient.due) * 1_000);
        }
        let (state, within, code) = (row.state, row.record.is_within(&self.terms), row.record.code);
        self.all.add(state, within, code);
        self.messages.entry(row.message).or_default().add(state, within, code);
        let country = Country::of(row.recipient.phone);
        self.countries.entry(country).or_default().add(state, within, code);
        if matches!(state, DeliveryState::Delivered | DeliveryState::Read) {
            *self.delivered.entry((row.message, country)).or_default() += 1;
        }
        // Most rows are of a tier that is known already: nothing is cloned for them.
        match self.tiers.get_mut(&row.recipient.tier) {
            Some(count) => count.add(state, within, code),
            None => self.tiers.entry(row.recipient.tier.clone()).or_default().add(state, within, code),
        }
        if let Some(home) = &row.home {
            self.number(home).home += 1;
        }
        if let Some(number) = &row.number {
            let seen = self.number(number);
            seen.count.add(state, within, code);
            seen.stand_in += u64::from(row.number != row.home);
        }
    }

    fn number(&mut self, id: &NumberId) -> &mut NumberCount {
        if !self.numbers.contains_key(id) {
            self.numbers.insert(id.clone(), NumberCount::default());
        }
        self.numbers.get_mut(id).expect("it was put in")
    }

    /// A line per message of the campaign, in its order.
    pub(super) fn message_lines(&mut self, message: &Message, explain: impl Fn(u32) -> Explained) -> Vec<MessageLine> {
        let line = |(choice, content): (Choice, &Content)| MessageLine {
            message: content.name(),
            fallback: message.falls_back(choice),
            category: content.category(),
            delivered_by_country: delivered_of(&self.delivered, choice),
            part: self.messages.remove(&choice).unwrap_or_default().part(&explain),
        };
        message.all().map(line).collect()
    }

    /// A line per tier: those that the campaign lists in its order, then the others, those without a tier first.
    pub(super) fn tier_lines(&mut self, listed: &[String], explain: impl Fn(u32) -> Explained) -> Vec<TierLine> {
        let mut tiers = std::mem::take(&mut self.tiers);
        let first: Vec<_> = listed.iter().filter_map(|tier| tiers.remove_entry(tier)).collect();
        let line = |(tier, count): (String, Count)| TierLine {
            tier: Some(tier).filter(|tier| !tier.is_empty()),
            part: count.part(&explain),
        };
        first.into_iter().chain(tiers).map(line).collect()
    }

    /// A line per country, by calling code.
    pub(super) fn country_lines(&mut self, explain: impl Fn(u32) -> Explained) -> Vec<CountryLine> {
        let line = |(country, count): (Option<Country>, Count)| CountryLine {
            calling_code: country.map(|country| country.calling_code),
            country: country.map(|country| country.iso.to_owned()),
            part: count.part(&explain),
        };
        std::mem::take(&mut self.countries).into_iter().map(line).collect()
    }
}

/// How many have this message on the phone, by country.
fn delivered_of(delivered: &BTreeMap<(Choice, Option<Country>), u64>, choice: Choice) -> BTreeMap<String, u64> {
    let own = delivered.iter().filter(|((of, _), _)| *of == choice);
    own.map(|((_, country), count)| (country.map_or(NO_COUNTRY, |country| country.iso).to_owned(), *count)).collect()
}
