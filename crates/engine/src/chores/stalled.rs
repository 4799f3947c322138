//! A run that is open while Meta lets none of its templates go out from any of its numbers: it waits, and says why. It goes on
//! by itself when one is approved again.

use std::collections::BTreeSet;

use dawncast_core::{
    delivery::{Gate, Standing},
    template::unsendable,
};
use dawncast_store::run::Run;
use tracing::info;

use super::Chores;
use crate::EngineError;

/// What such a run waits for begins so.
const STALLED: &str = "no template can be sent";

impl Chores {
    /// Looks whether an open run is stalled, and says so, or that it is not any more.
    pub(super) async fn see_stalled(&self, run: &Run) -> Result<(), EngineError> {
        let was = run.waits_for.as_ref().is_some_and(|why| why.starts_with(STALLED));
        if !run.holds.is_empty() || (run.waits_for.is_some() && !was) {
            // Held for another reason: nothing would go out whatever Meta says.
            return Ok(());
        }
        match self.stalled(run).await? {
            Some(why) => {
                self.hold(run, &format!("{STALLED}: {why}")).await?;
            }
            None if was => {
                info!("run {} goes on: a template can be sent again", run.record.id);
                self.ctx.store.note_run(&run.record.id, "waits_for", "").await?;
            }
            None => {}
        }
        Ok(())
    }

    /// Why nothing that waits can go out, if so: by the templates of every account of its numbers.
    async fn stalled(&self, run: &Run) -> Result<Option<String>, EngineError> {
        let message = &run.record.spec.message;
        if message.is_free_form() || run.gate(self.clock.now()) != Gate::Open {
            return Ok(None);
        }
        let tallies = self.ctx.store.run_tallies(&run.record.id).await?.tallies;
        if tallies.count(Standing::Planned) + tallies.count(Standing::Retrying) <= 0 {
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
}
