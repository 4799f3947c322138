//! How many recipients a number may be home to: by what Meta's messaging limit leaves, and by what its caps leave. Pinned at
//! freeze, for every delivery counts and plan must come to the same whenever it is repeated.

use dawncast_core::{
    UnixMs,
    plan::{self, Terms},
    quota::Ask,
};
use dawncast_store::run::{Run, Sender};

use super::Chores;
use crate::EngineError;

impl Chores {
    /// The numbers that are home to recipients, each that Meta's messaging limit binds with what that leaves it; or, where
    /// it does not hold all recipients, in words what it lacks.
    pub(super) async fn homes_by_limit(
        &self,
        run: &Run,
        senders: &[Sender],
        opens_at: UnixMs,
        recipients: u64,
    ) -> Result<(Vec<plan::Sender>, Option<String>), EngineError> {
        let spec = &run.record.spec;
        let homes = senders.iter().filter(|sender| !sender.standby);
        let home = |sender: &Sender| plan::Sender { id: sender.number.clone(), mps: sender.planned_mps(), quota: None };
        let mut homes: Vec<plan::Sender> = homes.map(home).collect();
        if spec.message.templates().next().is_none() {
            // It goes out within service windows, which no limit counts.
            return Ok((homes, None));
        }
        let quotas = self.ctx.store.quotas(opens_at).await?;
        let quota = quotas.quota(Ask { run: Some(&run.record.id), audience: &spec.audience.id, opens_at });
        if let Some(shortfall) = quota.shortfall(recipients, &homes) {
            return Ok((homes, Some(shortfall.to_string())));
        }
        quota.share(recipients, &mut homes);
        Ok((homes, None))
    }

    /// The same numbers, home to no more than their caps leave them in the window. Where that does not hold all recipients,
    /// or not in time, the caps bind none, and it is said: who is at home with a number that has come to its cap is sent to
    /// by others.
    pub(super) async fn homes_by_caps(
        &self,
        run: &Run,
        homes: Vec<plan::Sender>,
        opens_at: UnixMs,
        recipients: u64,
    ) -> Result<(Vec<plan::Sender>, Option<String>), EngineError> {
        let (closes_at, mut capped, mut told) = (run.record.opening.closes_at.max(opens_at), Vec::new(), Vec::new());
        for home in &homes {
            let left = self.cap_left(home, opens_at, closes_at).await?;
            told.extend(left.map(|left| format!("{} {left}", home.id)));
            capped.push(home.clone().held_to(left));
        }
        let (headroom, jitter) = (self.ctx.settings.headroom, run.record.spec.jitter);
        let terms = Terms { opens_at, closes_at, headroom, jitter, hours: Vec::new() };
        if told.is_empty() || plan::shortages(recipients, &capped, &terms).is_empty() {
            return Ok((capped, None));
        }
        let lack = format!(
            "its {recipients} recipients do not fit what the caps of its numbers leave in its window ({}): what those do not \
             send is left to the others",
            told.join(", ")
        );
        Ok((homes, Some(lack)))
    }

    async fn cap_left(&self, home: &plan::Sender, at: UnixMs, until: UnixMs) -> Result<Option<u64>, EngineError> {
        let (store, playbook) = (&self.ctx.store, &self.ctx.settings.playbook);
        let Some(number) = store.number(&home.id).await? else { return Ok(None) };
        Ok(store.cap_left(&number, playbook, at, until).await?)
    }
}
