//! Plans of runs whose recipients live by their own clocks: one run, many windows, and a deadline for each.

use dawncast_core::{
    UnixMs,
    campaign::Message,
    delivery::Terms,
    plan::{Entry, Page, Plan, Shortage, Staged},
};
use dawncast_store::run::Run;

use super::select::Selection;

/// Plans everybody with `plan`, which is told whom to plan if not all; each page then holds those of one deadline. Whose
/// deadline was over before the run could begin has a place in the plan, and expires there.
pub(super) fn plan(
    message: &Message,
    selection: &Selection,
    plan: impl FnOnce(Option<&[u32]>) -> Result<Plan, Shortage>,
) -> Result<Staged, Shortage> {
    let clocks = &selection.clocks;
    if !clocks.are_own() {
        return plan(None).map(Staged::whole);
    }
    let clock = |candidate: u32| selection.candidates[candidate as usize].hours;
    let all = 0..selection.candidates.len() as u32;
    let (late, live): (Vec<u32>, Vec<u32>) = all.partition(|candidate| clocks.is_too_late(clock(*candidate)));
    let planned = plan(Some(&live))?.of_some(&live);
    let expired = late.into_iter().map(|candidate| {
        let due = clocks.deadline(clock(candidate)).unwrap_or_default();
        Page { number: 0, entries: vec![Entry { candidate, due }] }
    });
    let pages = planned.pages.into_iter().chain(expired).collect();
    // Nor does a page hold two messages.
    let kind = |candidate: u32| (clocks.deadline(clock(candidate)), selection.choice_of(message, candidate));
    Ok(Staged::whole(Plan { pages }.cut_by(kind)))
}

/// What the ledger of a page knows: the deadline of those in it, where they have one of their own.
pub(super) fn terms(run: &Run, selection: &Selection, page: &Page) -> Terms {
    let first = page.entries.first().map(|entry| selection.candidates[entry.candidate as usize].hours);
    let own: Option<UnixMs> = first.and_then(|clock| selection.clocks.deadline(clock));
    let terms = run.terms();
    Terms { deadline: own.unwrap_or(terms.deadline), ..terms }
}
