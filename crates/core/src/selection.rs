//! Who of an audience gets the message, row by row: a rule for the engine, which sends, and for the preview, which only
//! counts.

use std::{
    borrow::Cow,
    collections::{BTreeSet, HashMap},
};

use crate::{
    campaign::{Choice, Segment},
    phone::Phone,
    plan::Candidate,
    quiet::Clocks,
    render::{Attributes, RenderError, Renderers},
    report::DropReason,
};

/// Why a row is dropped, and what it says of it.
pub type Refusal = (DropReason, String);

/// What is looked at of a row, beside its attributes.
#[derive(Debug, Clone, Copy)]
pub struct Row<'a> {
    /// The digits of its phone.
    pub phone: u64,
    /// Its tier.
    pub tier: Option<&'a str>,
    /// When it may hear, as [`hours`] says.
    pub hours: u16,
}

/// A row that gets the message.
#[derive(Debug)]
pub struct Chosen {
    /// For the planner.
    pub candidate: Candidate,
    /// The assets that its message needs.
    pub assets: Vec<String>,
    /// The request that would be sent to it, with the names of assets for media ids, and no callback data.
    pub request: Vec<u8>,
}

/// Sorts the rows of an audience, in their order.
#[derive(Debug)]
pub struct Selector<'a> {
    renderers: &'a Renderers,
    segment: &'a Segment,
    /// The assets that were uploaded.
    assets: &'a BTreeSet<String>,
    tiers: &'a [String],
    /// Phones, each with the row that it stood in first.
    seen: HashMap<u64, u64>,
}

impl<'a> Selector<'a> {
    /// For a campaign to `segment` that orders `tiers`, with `assets` uploaded under these names and ids.
    pub fn new(
        renderers: &'a Renderers,
        segment: &'a Segment,
        assets: &'a BTreeSet<String>,
        tiers: &'a [String],
    ) -> Self {
        Self { renderers, segment, assets, tiers, seen: HashMap::new() }
    }

    /// Whether the row `number` is in the segment, and its `phone` is one and stands in none of the rows before.
    ///
    /// # Errors
    /// The row is dropped.
    pub fn admit<A: Attributes + ?Sized>(&mut self, phone: u64, number: u64, of: &A) -> Result<Phone, Refusal> {
        // First of all: who is outside stands in nobody's way.
        if let Some(column) = self.segment.misfit(|column| of.get(column)) {
            return Err((DropReason::Filtered, format!("its `{column}` is outside the campaign's segment")));
        }
        let known = Phone::from_digits(phone).map_err(|why| (DropReason::InvalidPhone, why.to_string()))?;
        match self.seen.get(&phone) {
            Some(first) => Err((DropReason::Duplicate, format!("row {first} has the same phone"))),
            None => {
                self.seen.insert(phone, number);
                Ok(known)
            }
        }
    }

    /// Whether an admitted row has what its message needs.
    ///
    /// # Errors
    /// The row is dropped.
    pub fn choose<A: Attributes + ?Sized>(
        &self,
        row: Row<'_>,
        phone: Phone,
        choice: Choice,
        of: &A,
    ) -> Result<Chosen, Refusal> {
        let renderer = self.renderers.of(choice).expect("only messages that the campaign has are chosen");
        let assets = renderer.assets(of).map_err(refusal)?.into_iter().map(Cow::into_owned).collect();
        let known = |name: &str| self.assets.contains(name).then(|| name.to_owned());
        let mut request = Vec::new();
        renderer.render(of, &known, phone, "", &mut request).map_err(refusal)?;
        let tier = row.tier.unwrap_or_default();
        let place = self.tiers.iter().position(|listed| listed == tier).unwrap_or(self.tiers.len());
        Ok(Chosen { candidate: Candidate { phone: row.phone, tier: place as u8, hours: row.hours }, assets, request })
    }
}

/// When a row that names `timezone` may hear.
///
/// # Errors
/// The row is dropped.
pub fn hours(clocks: &mut Clocks, timezone: Option<&str>) -> Result<u16, Refusal> {
    clocks.of(timezone).map_err(|why| (DropReason::Compliance, why))
}

fn refusal(error: RenderError) -> Refusal {
    let reason = match &error {
        RenderError::MissingAsset(_) => DropReason::MissingAsset,
        RenderError::MissingAttribute(_) | RenderError::BadParameter { .. } => DropReason::MissingAttribute,
    };
    (reason, error.to_string())
}
