//! Who of an audience gets the message: the same for freeze, which counts and explains, and for plan, which sends. A
//! pure function of the pinned audience, so that plan may come to it again after any crash.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use dawncast_core::{
    UnixMs,
    phone::Phone,
    plan::Candidate,
    quiet::{Clocks, Stretch},
    render::{Attributes, RenderError, Renderer},
    report::DropReason,
};
use dawncast_store::{
    page::Recipient,
    records::{AudienceVersion, Recipient as Row},
    run::{DroppedRow, Run},
};

use super::Chores;
use crate::EngineError;

/// A row's attributes as the renderer asks for them.
struct RowAttributes<'a>(&'a Row);

impl Attributes for RowAttributes<'_> {
    fn get(&self, name: &str) -> Option<&str> {
        let row = self.0;
        match name {
            "id" => row.id.as_deref(),
            "tier" => row.tier.as_deref(),
            _ => row.attributes.get(name).map(String::as_str),
        }
    }
}

/// The chosen and the dropped, in the audience's order.
pub(super) struct Selection {
    /// For the planner; places are those of `chosen`.
    pub(super) candidates: Vec<Candidate>,
    /// What their pages keep of them; due times are the plan's to set.
    pub(super) chosen: Vec<Recipient>,
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
}

/// Sorts rows into chosen and dropped.
struct Selector<'a> {
    renderer: &'a Renderer,
    /// The assets that were uploaded.
    assets: &'a BTreeSet<String>,
    tiers: &'a [String],
    /// Phones, each with the row that it stood in first.
    seen: HashMap<u64, u64>,
    /// Which row is looked at, from 1.
    row: u64,
    selection: Selection,
}

impl Selector<'_> {
    fn take(&mut self, row: &Row) {
        self.row += 1;
        if let Err((reason, detail)) = self.choose(row) {
            let id = row.id.clone().unwrap_or_default();
            self.selection.dropped.push(DroppedRow { phone: row.phone, id, reason, detail, row: Some(self.row) });
        }
    }

    fn choose(&mut self, row: &Row) -> Result<(), (DropReason, String)> {
        let phone = Phone::from_digits(row.phone).map_err(|why| (DropReason::InvalidPhone, why.to_string()))?;
        if let Some(first) = self.seen.get(&row.phone) {
            return Err((DropReason::Duplicate, format!("row {first} has the same phone")));
        }
        self.seen.insert(row.phone, self.row);
        let hours = self.selection.clocks.of(row.timezone.as_deref()).map_err(|why| (DropReason::Compliance, why))?;
        let attributes = RowAttributes(row);
        let needs = self.renderer.assets(&attributes).map_err(drop_reason)?;
        let known = |name: &str| self.assets.contains(name).then(String::new);
        let mut scratch = Vec::new();
        self.renderer.render(&attributes, &known, phone, "", &mut scratch).map_err(drop_reason)?;
        let needs: Vec<String> = needs.into_iter().map(|name| name.into_owned()).collect();
        self.selection.assets.extend(needs);
        let tier = row.tier.as_deref().unwrap_or_default();
        let place = self.tiers.iter().position(|listed| listed == tier).unwrap_or(self.tiers.len());
        self.selection.candidates.push(Candidate { phone: row.phone, tier: place as u8, hours });
        self.selection.chosen.push(self.keep(row));
        Ok(())
    }

    /// What its page keeps of a row: what the message uses, nothing else.
    fn keep(&self, row: &Row) -> Recipient {
        let values = self.renderer.attributes().iter().map(|name| RowAttributes(row).get(name).map(str::to_owned));
        Recipient {
            phone: row.phone,
            due: 0,
            id: row.id.clone().unwrap_or_default(),
            tier: row.tier.clone().unwrap_or_default(),
            values: values.collect(),
        }
    }
}

fn drop_reason(error: RenderError) -> (DropReason, String) {
    let reason = match &error {
        RenderError::MissingAsset(_) => DropReason::MissingAsset,
        RenderError::MissingAttribute(_) | RenderError::BadParameter { .. } => DropReason::MissingAttribute,
    };
    (reason, error.to_string())
}

/// The compiled message of a run.
pub(crate) fn renderer(run: &Run) -> Result<Renderer, EngineError> {
    let id = &run.record.id;
    Renderer::compile(&run.record.spec.message)
        .map_err(|faults| EngineError::Unfit(format!("the message of run {id} cannot be rendered: {faults}")))
}

/// In what time the run may reach its recipients: its window or, where it starts late, up to its deadline.
fn reach(run: &Run, opens_at: UnixMs) -> Stretch {
    let opening = run.record.opening;
    let until = if opens_at > opening.opens_at { opening.deadline_at } else { opening.closes_at };
    Stretch { from: opens_at, until }
}

impl Chores {
    /// The selection of `run` from a version of its audience, if nothing goes out before `opens_at`.
    pub(super) async fn select(
        &self,
        run: &Run,
        version: &AudienceVersion,
        opens_at: UnixMs,
    ) -> Result<Selection, EngineError> {
        let store = &self.ctx.store;
        let (spec, renderer) = (&run.record.spec, renderer(run)?);
        let mut names = BTreeSet::new();
        let mut cursor = None;
        loop {
            let page = store.assets_page(500, cursor.as_deref()).await?;
            names.extend(page.items.into_iter().flat_map(|asset| [asset.id.to_string(), asset.name]));
            cursor = page.next_cursor;
            if cursor.is_none() {
                break;
            }
        }
        let clocks = Clocks::new(&spec.window, spec.schedule.zone(), reach(run, opens_at));
        let selection =
            Selection { candidates: vec![], chosen: vec![], dropped: vec![], assets: BTreeSet::new(), clocks };
        let mut selector = Selector {
            renderer: &renderer,
            assets: &names,
            tiers: &spec.tiers,
            seen: HashMap::new(),
            row: 0,
            selection,
        };
        let mut rows = store.rows(&spec.audience.id, version);
        while let Some(chunk) = rows.next().await? {
            chunk.iter().for_each(|row| selector.take(row));
        }
        Ok(selector.selection)
    }
}
