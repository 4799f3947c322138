//! A run that is open while nothing of it can go out, because Meta lets none of its templates be sent, or because none of its
//! numbers may or can send: it waits, and says why. It goes on by itself when that is over.

use std::collections::BTreeSet;

use dawncast_core::{
    delivery::{Gate, Standing},
    doctor::{Needed, Outcome},
    ids::NumberId,
    template::unsendable,
};
use dawncast_store::{records::Number, run::Run};
use tracing::info;

use super::{Chores, examine::kept_back};
use crate::{EngineError, doctor::Judged};

/// What such a run waits for begins with one of these.
const NO_TEMPLATE: &str = "no template can be sent";
const NO_NUMBER: &str = "no number can send";

impl Chores {
    /// Looks whether an open run is stalled, and says so, or that it is not any more.
    pub(super) async fn see_stalled(&self, run: &Run) -> Result<(), EngineError> {
        let begins = |why: &str| why.starts_with(NO_TEMPLATE) || why.starts_with(NO_NUMBER);
        let was = run.waits_for.as_deref().is_some_and(begins);
        if run.gate(self.clock.now()) != Gate::Open {
            // Its time is over: what it waited for in vain stays to be read.
            return Ok(());
        }
        if !run.holds.is_empty() || (run.waits_for.is_some() && !was) {
            // Held for another reason: nothing would go out whatever Meta says.
            return Ok(());
        }
        match self.stalled(run).await? {
            Some(why) => {
                self.hold(run, &why).await?;
            }
            None if was => {
                info!("run {} goes on: something can be sent again", run.record.id);
                self.ctx.store.note_run(&run.record.id, "waits_for", "").await?;
            }
            None => {}
        }
        Ok(())
    }

    /// Why nothing that waits can go out, if so.
    async fn stalled(&self, run: &Run) -> Result<Option<String>, EngineError> {
        let tallies = self.ctx.store.run_tallies(&run.record.id).await?.tallies;
        if tallies.count(Standing::Planned) + tallies.count(Standing::Retrying) <= 0 {
            return Ok(None);
        }
        match self.lacks_number(run).await? {
            Some(why) => Ok(Some(format!("{NO_NUMBER}: {why}"))),
            None => Ok(self.lacks_template(run).await?.map(|why| format!("{NO_TEMPLATE}: {why}"))),
        }
    }

    /// By the templates of every account of its numbers.
    async fn lacks_template(&self, run: &Run) -> Result<Option<String>, EngineError> {
        let message = &run.record.spec.message;
        if message.is_free_form() {
            return Ok(None);
        }
        let senders = run.frozen.iter().flat_map(|frozen| &frozen.senders);
        let (accounts, mut reasons) = (senders.map(|sender| &sender.waba).collect::<BTreeSet<_>>(), Vec::new());
        for waba in &accounts {
            let known = self.ctx.store.templates(waba).await?;
            // An account that was never read is given the benefit of the doubt, as senders give it.
            let Some(why) = known.and_then(|known| unsendable(&known, message)) else { return Ok(None) };
            reasons.push(if accounts.len() > 1 { format!("account {waba}: {why}") } else { why });
        }
        Ok((!reasons.is_empty()).then(|| reasons.join("; ")))
    }

    /// By the numbers, standbys too.
    async fn lacks_number(&self, run: &Run) -> Result<Option<String>, EngineError> {
        let mut reasons = Vec::new();
        for sender in run.frozen.iter().flat_map(|frozen| &frozen.senders) {
            let Some(why) = self.cannot_send(run, &sender.number).await? else { return Ok(None) };
            reasons.push(format!("number {}: {why}", sender.number));
        }
        Ok((!reasons.is_empty()).then(|| reasons.join("; ")))
    }

    async fn cannot_send(&self, run: &Run, id: &NumberId) -> Result<Option<String>, EngineError> {
        let (store, now) = (&self.ctx.store, self.clock.now());
        let Some(number) = store.number(id).await? else { return Ok(Some("it was removed".to_owned())) };
        if number.paused {
            return Ok(Some(format!("it is paused; `dawncast number resume {id}` lets it send")));
        }
        if !number.serves(run.record.spec.priority, &self.ctx.settings.playbook) {
            return Ok(Some(kept_back(&number)));
        }
        let reading = store.reading(id).await?;
        if store.number_health(&number, reading.as_ref(), now).await?.is_out() {
            let status = reading.and_then(|reading| reading.status).unwrap_or_default();
            return Ok(Some(format!("Meta lets it send nothing, its status is {status}")));
        }
        self.lacks_token(run, &number).await
    }

    /// Why the number's token lets it send nothing. Meta is asked only about one that was refused a moment ago, and, that
    /// nobody is told twice, about one that the run waits for already.
    async fn lacks_token(&self, run: &Run, number: &Number) -> Result<Option<String>, EngineError> {
        let now = self.clock.now();
        if self.ctx.store.rests_until(&number.phone_number_id).await? > now {
            self.asked.doubt_token(&self.ctx, number).await?;
        } else if run.waits_for.is_none() {
            return Ok(None);
        }
        match self.asked.judge_token(&self.ctx, number, Needed::Ahead(None), now).await? {
            // Perhaps it can send.
            Judged::Silent(_) => Ok(None),
            Judged::Found(found) => {
                let failed = found.iter().filter(|finding| finding.outcome == Outcome::Fail);
                let why: Vec<String> = failed.map(|finding| finding.in_words()).collect();
                Ok((!why.is_empty()).then(|| why.join("; ")))
            }
        }
    }
}
