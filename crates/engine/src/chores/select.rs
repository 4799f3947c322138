//! Who of an audience gets the message: the same for freeze, which counts and explains, and for plan, which sends. A
//! pure function of the pinned audience and of what freeze's screen found, so that plan may come to it again after any
//! crash.

use std::collections::{BTreeMap, BTreeSet};

use dawncast_core::{
    UnixMs,
    campaign::{Choice, Message},
    plan::Candidate,
    quiet::{Clocks, Stretch, Until},
    render::{Attributes, Renderers},
    report::DropReason,
    selection::{self, Selector},
};
use dawncast_store::{
    page::Recipient,
    records::{AudienceVersion, Recipient as Row},
    run::{DroppedRow, Run},
};

use super::{
    Chores,
    screen::{Looked, Refusal, Screen, choice},
};
use crate::EngineError;

/// The chosen and the dropped, in the audience's order.
pub(super) struct Selection {
    /// For the planner; places are those of `chosen`.
    pub(super) candidates: Vec<Candidate>,
    /// What their pages keep of them; due times are the plan's to set.
    pub(super) chosen: Vec<Recipient>,
    /// Which row of the audience each of them is, from 1, and the place of the one number that may send to it.
    rows: Vec<(u64, u8)>,
    /// Everyone else, each with a reason.
    pub(super) dropped: Vec<DroppedRow>,
    /// All assets that some chosen recipient needs.
    pub(super) assets: BTreeSet<String>,
    /// When each of the candidates may hear.
    pub(super) clocks: Clocks,
}

impl Selection {
    /// How many were dropped for which reason.
    pub(super) fn dropped_by_reason(&self) -> BTreeMap<DropReason, u64> {
        let mut counts = BTreeMap::new();
        self.dropped.iter().for_each(|row| *counts.entry(row.reason).or_default() += 1);
        counts
    }

    /// Of each of the chosen: which row it is, and the place of the one number that may send to it.
    pub(super) fn chosen_rows(&self) -> impl Iterator<Item = (u64, u8)> + '_ {
        self.rows.iter().copied()
    }

    /// The place of the one number that may send to this one of the chosen.
    pub(super) fn number_of(&self, candidate: u32) -> u8 {
        self.rows[candidate as usize].1
    }

    /// Which of the campaign's messages this one of the chosen gets.
    pub(super) fn choice_of(&self, message: &Message, candidate: u32) -> Choice {
        choice(message, self.number_of(candidate), self.chosen[candidate as usize].phone)
    }

    /// Drops, of those chosen from number `from` on, whom `may` does not let through.
    pub(super) fn drop_where(&mut self, from: usize, may: &[bool], reason: DropReason, detail: &str) {
        if may.iter().all(|may| *may) {
            return;
        }
        let chosen = self.chosen.split_off(from).into_iter();
        let (candidates, rows) = (self.candidates.split_off(from), self.rows.split_off(from));
        for (((recipient, candidate), row), may) in chosen.zip(candidates).zip(rows).zip(may) {
            if *may {
                self.candidates.push(candidate);
                self.chosen.push(recipient);
                self.rows.push(row);
            } else {
                let Recipient { phone, id, .. } = recipient;
                self.dropped.push(DroppedRow { phone, id, reason, detail: detail.to_owned(), row: Some(row.0) });
            }
        }
        self.dropped.sort_by_key(|row| row.row);
    }
}

/// Sorts rows into chosen and dropped.
struct Sorter<'a> {
    message: &'a Message,
    renderers: &'a Renderers,
    selector: Selector<'a>,
    /// Which row is looked at, from 1.
    row: u64,
    selection: Selection,
}

impl Sorter<'_> {
    /// `looked` is what the screen says of the row.
    fn take(&mut self, row: &Row, looked: Looked) {
        self.row += 1;
        if let Err((reason, detail)) = self.choose(row, looked) {
            let id = row.id.clone().unwrap_or_default();
            self.selection.dropped.push(DroppedRow { phone: row.phone, id, reason, detail, row: Some(self.row) });
        }
    }

    fn choose(&mut self, row: &Row, looked: Looked) -> Result<(), Refusal> {
        let phone = self.selector.admit(row.phone, self.row, row)?;
        let number = looked?;
        let hours = selection::hours(&mut self.selection.clocks, row.timezone.as_deref())?;
        let view = selection::Row { phone: row.phone, tier: row.tier.as_deref(), hours };
        let chosen = self.selector.choose(view, phone, choice(self.message, number, row.phone), row)?;
        self.selection.assets.extend(chosen.assets);
        self.selection.candidates.push(chosen.candidate);
        self.selection.chosen.push(self.keep(row));
        self.selection.rows.push((self.row, number));
        Ok(())
    }

    /// What its page keeps of a row: what the messages use, nothing else.
    fn keep(&self, row: &Row) -> Recipient {
        let values = self.renderers.attributes().iter().map(|name| row.get(name).map(str::to_owned));
        Recipient {
            phone: row.phone,
            due: 0,
            id: row.id.clone().unwrap_or_default(),
            tier: row.tier.clone().unwrap_or_default(),
            values: values.collect(),
        }
    }
}

/// The compiled messages of a run.
pub(crate) fn renderers(run: &Run) -> Result<Renderers, EngineError> {
    let id = &run.record.id;
    Renderers::compile(&run.record.spec.message)
        .map_err(|faults| EngineError::Unfit(format!("the message of run {id} cannot be rendered: {faults}")))
}

/// Whether a run starts late, or was forced: then it may use the time up to its deadline.
pub(super) fn overruns(run: &Run, opens_at: UnixMs) -> bool {
    opens_at > run.record.opening.opens_at || run.record.spec.force
}

fn admits(run: &Run, opens_at: UnixMs) -> Until {
    if overruns(run, opens_at) { Until::Deadline } else { Until::Closes }
}

/// In what time the run may reach its recipients: its window or, where it starts late, up to its deadline.
fn reach(run: &Run, opens_at: UnixMs) -> Stretch {
    let opening = run.record.opening;
    let until = if overruns(run, opens_at) { opening.deadline_at } else { opening.closes_at };
    Stretch { from: opens_at, until }
}

impl Chores {
    /// The selection of `run` from a version of its audience, of those whom `screen` lets through, if nothing goes out before
    /// `opens_at`.
    pub(super) async fn select(
        &self,
        run: &Run,
        version: &AudienceVersion,
        screen: &Screen,
        opens_at: UnixMs,
    ) -> Result<Selection, EngineError> {
        let store = &self.ctx.store;
        let (spec, renderers) = (&run.record.spec, renderers(run)?);
        let names = store.asset_names().await?;
        let clocks = Clocks::new(&spec.window, spec.schedule.zone(), reach(run, opens_at));
        let clocks = clocks.each_own(run.record.own_civil(), admits(run, opens_at));
        let selection = Selection {
            candidates: vec![],
            chosen: vec![],
            rows: vec![],
            dropped: vec![],
            assets: BTreeSet::new(),
            clocks,
        };
        let selector = Selector::new(&renderers, &spec.audience.segment, &names, &spec.tiers);
        let mut sorter = Sorter { message: &spec.message, renderers: &renderers, selector, row: 0, selection };
        let mut rows = store.rows(&spec.audience.id, version);
        while let Some(chunk) = rows.next().await? {
            let looked = self.look(screen, &chunk, sorter.row + 1).await?;
            let from = sorter.selection.chosen.len();
            chunk.iter().zip(looked).for_each(|(row, looked)| sorter.take(row, looked));
            self.cap(screen, run, &mut sorter.selection, from).await?;
        }
        Ok(sorter.selection)
    }
}
