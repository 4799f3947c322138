//! What the recipients of a retry have consented to. Whoever was chosen by the first run has consented to what was to be sent to
//! it. That is all there is to ask where it gets the same again; where it may get what the campaign falls back to instead, because
//! its service window has closed since, the audience is asked as it is now.

use std::collections::{HashMap, HashSet};

use dawncast_core::{campaign::Choice, consent::Scope, delivery::Again};
use dawncast_store::run::Run;

use crate::{problem::Problem, state::ApiState};

/// See the module.
#[derive(Default)]
pub(super) struct Consents {
    /// What the rows of those say who may be sent to again.
    known: HashMap<u64, Option<String>>,
    /// Some row of the audience says something.
    told: bool,
}

impl Consents {
    /// Of those whom a retry of `run` sends to.
    pub(super) async fn read(state: &ApiState, run: &Run) -> Result<Self, Problem> {
        let spec = &run.record.spec;
        let mut consents = Self::default();
        if spec.message.of(Choice::FALLBACK).is_none() {
            return Ok(consents);
        }
        let wanted = retried(state, run).await?;
        let Some((_, mut rows)) = state.store.read_audience(&spec.audience.id).await? else { return Ok(consents) };
        while let Some(chunk) = rows.next().await? {
            consents.told |= chunk.iter().any(|row| row.consent.is_some());
            let theirs = chunk.into_iter().filter(|row| wanted.contains(&row.phone));
            consents.known.extend(theirs.map(|row| (row.phone, row.consent)));
        }
        Ok(consents)
    }

    /// What a recipient says who was to get a message of this kind. Who says nothing, where others do, or is in the audience no
    /// more, has consented to that kind alone.
    pub(super) fn of(&self, phone: u64, sent: Scope) -> Option<String> {
        match self.known.get(&phone) {
            Some(Some(told)) => Some(told.clone()),
            Some(None) if !self.told => None,
            _ => Some(sent.to_string()),
        }
    }
}

async fn retried(state: &ApiState, run: &Run) -> Result<HashSet<u64>, Problem> {
    let mut phones = HashSet::new();
    for page in 0..run.pages {
        let rows = state.store.deliveries(run, page, state.now()).await?.unwrap_or_default().into_iter();
        let again = rows.filter(|row| matches!(Again::of(row.state, &row.record), Again::Yes | Again::Withheld));
        phones.extend(again.map(|row| row.recipient.phone));
    }
    Ok(phones)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn consent_is_what_the_audience_says_and_silence_among_others_is_none_to_anything_new() {
        let known = HashMap::from([(1, Some("utility".to_owned())), (2, None)]);
        let of = |told, phone| Consents { known: known.clone(), told }.of(phone, Scope::Service);
        assert_eq!(of(true, 1).as_deref(), Some("utility"));
        assert_eq!(of(true, 2).as_deref(), Some("service"));
        assert_eq!((of(false, 2), of(false, 3).as_deref()), (None, Some("service")));
    }
}
