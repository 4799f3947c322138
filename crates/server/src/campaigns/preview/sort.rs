//! The rows of an audience, sorted as its run would sort them, if service windows were then as they are now.

use dawncast_core::{
    campaign::Choice,
    ids::NumberId,
    phone::Phone,
    plan::Candidate,
    quiet::{Clocks, Stretch, Until},
    render::Renderers,
    report::DropReason,
    selection::{self, Row, Selector},
};
use dawncast_store::records::{AudienceVersion, Recipient};
use serde_json::Value;

use super::{Counts, Sheet, broken};
use crate::{problem::Problem, state::ApiState};

/// The rows of an audience, sorted.
#[derive(Default)]
pub(super) struct Sorted {
    pub(super) candidates: Vec<Candidate>,
    /// Of each of them: the one number that may send to it, where that is so.
    pub(super) fixed: Vec<Option<usize>>,
    /// Of each of them: which of the campaign's messages it gets.
    pub(super) choices: Vec<Choice>,
    pub(super) counts: Counts,
    /// How many get the campaign's own message, and how many what it falls back to.
    pub(super) messages: [u64; Choice::MOST],
    pub(super) samples: Vec<Probe>,
}

/// A row of which the requests are kept.
pub(super) struct Probe {
    pub(super) row: Recipient,
    /// The requests that it might get.
    pub(super) requests: Vec<(Choice, Value)>,
    /// Its place among the candidates and what it does get; none when it is dropped.
    pub(super) gets: Option<(u32, Choice)>,
}

/// A row that gets something.
struct Taken {
    candidate: Candidate,
    choice: Choice,
    number: Option<usize>,
}

struct Sorter<'a> {
    sheet: &'a Sheet,
    selector: Selector<'a>,
    clocks: Clocks,
    /// How many samples are wanted.
    wanted: usize,
    sorted: Sorted,
}

impl Sheet {
    /// The rows of `version`, with the requests of the first `wanted` of them; and when recipients may hear.
    pub(super) async fn sort(
        &self,
        state: &ApiState,
        version: &AudienceVersion,
        wanted: usize,
    ) -> Result<(Sorted, Clocks), Problem> {
        let spec = &self.spec;
        let (renderers, assets) = (Renderers::compile(&spec.message)?, state.store.asset_names().await?);
        let reach = Stretch { from: self.opening.opens_at, until: self.opening.closes_at };
        let civil = self.civil.filter(|_| spec.schedule.is_per_recipient());
        let clocks = Clocks::new(&spec.window, spec.schedule.zone(), reach).each_own(civil, Until::Closes);
        let selector = Selector::new(&renderers, &spec.audience.segment, &assets, &spec.tiers);
        let mut sorter = Sorter { sheet: self, selector, clocks, wanted, sorted: Sorted::default() };
        let mut rows = state.store.rows(&spec.audience.id, version);
        while let Some(chunk) = rows.next().await? {
            let numbers = self.open_windows(state, &chunk).await?;
            for (row, number) in chunk.into_iter().zip(numbers) {
                sorter.take(row, number)?;
            }
        }
        let Sorter { mut sorted, clocks, .. } = sorter;
        sorted.counts.planned = sorted.candidates.len() as u64;
        sorted.counts.dropped = sorted.counts.rows - sorted.counts.planned;
        Ok((sorted, clocks))
    }

    /// Of each row: the number that may send it a free-form message, as its place among the senders.
    async fn open_windows(&self, state: &ApiState, rows: &[Recipient]) -> Result<Vec<Option<usize>>, Problem> {
        if !self.spec.message.is_free_form() {
            return Ok(vec![None; rows.len()]);
        }
        let numbers: Vec<(u8, NumberId)> = (0..u8::MAX).zip(self.senders().into_iter().map(|it| it.id)).collect();
        let persons: Vec<u64> = rows.iter().map(|row| Phone::person_of(row.phone)).collect();
        let open = state.store.open_windows(&numbers, &persons, self.opening.deadline_at).await?;
        Ok(open.into_iter().map(|place| place.map(usize::from)).collect())
    }

    /// What a row gets that `number` may send a free-form message to.
    fn choice(&self, number: Option<usize>, phone: u64) -> Option<Choice> {
        let choice = self.spec.message.choice(number.is_some(), Phone::person_of(phone));
        self.spec.message.of(choice).map(|_| choice)
    }
}

impl Sorter<'_> {
    fn take(&mut self, row: Recipient, number: Option<usize>) -> Result<(), Problem> {
        self.sorted.counts.rows += 1;
        let mut requests = Vec::new();
        let taken = self.choose(&row, number, &mut requests);
        let gets = taken.as_ref().ok().map(|taken| (self.sorted.candidates.len() as u32, taken.choice));
        if !requests.is_empty() && self.sorted.samples.len() < self.wanted {
            let parsed = requests.into_iter().map(|(choice, json)| Ok((choice, serde_json::from_slice(&json)?)));
            let requests = parsed.collect::<Result<_, serde_json::Error>>().map_err(broken)?;
            self.sorted.samples.push(Probe { row, requests, gets });
        }
        match taken {
            Ok(Taken { candidate, choice, number }) => {
                self.sorted.candidates.push(candidate);
                self.sorted.fixed.push(number);
                self.sorted.choices.push(choice);
                self.sorted.messages[choice.place()] += 1;
            }
            Err(reason) => *self.sorted.counts.dropped_by_reason.entry(reason).or_default() += 1,
        }
        Ok(())
    }

    /// What a row gets, or why it is dropped; with the requests that it might get, as long as samples are wanted.
    fn choose(
        &mut self,
        row: &Recipient,
        number: Option<usize>,
        requests: &mut Vec<(Choice, Vec<u8>)>,
    ) -> Result<Taken, DropReason> {
        let reason = |(reason, _)| reason;
        let phone = self.selector.admit(row.phone, self.sorted.counts.rows, row).map_err(reason)?;
        let hours = selection::hours(&mut self.clocks, row.timezone.as_deref()).map_err(reason)?;
        let view = Row { phone: row.phone, tier: row.tier.as_deref(), hours };
        let (gets, is_sample) = (self.sheet.choice(number, row.phone), self.sorted.samples.len() < self.wanted);
        let mut taken = Err(DropReason::Compliance);
        for (choice, _) in self.sheet.spec.message.all().filter(|(choice, _)| is_sample || gets == Some(*choice)) {
            let chosen = self.selector.choose(view, phone, choice, row).map_err(reason);
            let chosen = chosen.map(|chosen| {
                requests.push((choice, chosen.request));
                Taken { candidate: chosen.candidate, choice, number }
            });
            if gets == Some(choice) {
                taken = chosen;
            }
        }
        taken
    }
}
