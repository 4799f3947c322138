//! Planning some of the candidates of a run, or all, by the one of the two ways that they ask for.

use super::{Candidate, Plan, Sender, Shortage, Staged, Terms, in_two, plan, plan_mixed};
use crate::{campaign::Choice, canary::Canary};

/// Those who are planned.
#[derive(Debug, Clone, Copy)]
pub struct Candidates<'a> {
    /// All of them.
    pub all: &'a [Candidate],
    /// Where messages are free-form: for each of them the one number that may send to it, as an index into the senders, or
    /// none where any may. None where any may send to everybody.
    pub fixed: Option<&'a [Option<usize>]>,
    /// Which of the campaign's messages each of them gets, where that is not told by the numbers: no page holds two.
    pub messages: Option<&'a [Choice]>,
}

impl Candidates<'_> {
    /// A plan of some of them, or of all. Its entries name them by their places among these.
    ///
    /// # Errors
    /// [`Shortage`] if they do not all fit.
    pub fn plan(&self, some: Option<&[u32]>, senders: &[Sender], terms: &Terms, seed: u64) -> Result<Plan, Shortage> {
        let candidates = of(self.all, some);
        let planned = match self.fixed {
            Some(fixed) => plan_mixed(&candidates, &of(fixed, some), senders, terms, seed)?,
            None => plan(&candidates, senders, terms, seed)?,
        };
        let Some(messages) = self.messages else { return Ok(planned) };
        let messages = of(messages, some);
        Ok(planned.cut_by(|candidate| messages[candidate as usize]))
    }

    /// A plan of all of them in two stages, as [`in_two`].
    ///
    /// # Errors
    /// [`Shortage`] if they do not all fit beside the canary's watch.
    pub fn plan_in_two(
        &self,
        canary: &Canary,
        senders: &[Sender],
        terms: &Terms,
        seed: u64,
    ) -> Result<Staged, Shortage> {
        // Within service windows no limit counts.
        let uses_quota = |candidate: u32| self.fixed.is_none_or(|fixed| fixed[candidate as usize].is_none());
        in_two(canary, (self.all, senders), terms, seed, uses_quota, |some, senders, terms| {
            self.plan(Some(some), senders, terms, seed)
        })
    }
}

fn of<T: Copy>(all: &[T], some: Option<&[u32]>) -> Vec<T> {
    some.map_or_else(|| all.to_vec(), |some| some.iter().map(|place| all[*place as usize]).collect())
}
