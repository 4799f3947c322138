//! A leased page is claimed, and what is in doubt about it settled, before anything of it may begin.

use dawncast_core::{delivery::DeliveryState, desk::Rules};
use dawncast_store::{
    ServerId,
    page::{Claim, Ledger, Owner, Recipients},
};

use super::{
    Shared,
    depart::HELD_MS,
    lane::PageJob,
    sheet::Sheet,
    suspects::{self, Doubt},
};
use crate::{
    EngineError,
    points::{Point, reach},
};

/// A page that may be worked on.
pub(super) struct Takeover {
    pub(super) owner: Owner,
    pub(super) ledger: Ledger,
    pub(super) recipients: Recipients,
    pub(super) rules: Rules,
    pub(super) server: ServerId,
    pub(super) suspicion: Doubt,
}

impl Takeover {
    /// Claims the page of `job`; none when nothing may be done in it now.
    pub(super) async fn claim(shared: &Shared, job: &PageJob, sheet: &Sheet) -> Result<Option<Self>, EngineError> {
        let store = &shared.ctx.store;
        reach(Point::ClaimBefore);
        let claim = store.claim(&job.leased.page, rand::random()).await?;
        let Claim::Claimed { owner, ledger, recipients, server, unconfirmed } = claim else {
            match claim {
                Claim::Held => store.release_lease(&job.leased, shared.clock.now() + HELD_MS).await?,
                _ => store.end_lease(&job.leased).await?,
            };
            return Ok(None);
        };
        reach(Point::ClaimAfter);
        for index in unconfirmed {
            let sender = sheet.senders.get(usize::from(ledger.records[usize::from(index)].number));
            sender.into_iter().for_each(|sender| sender.moves.count(DeliveryState::Unconfirmed, 1));
        }
        // The server may hold a restored snapshot that nobody has noticed yet.
        if !shared.ctx.vigil.verify(server.id).await {
            return Ok(None);
        }
        // A page may have to be done before the last of its run.
        let rules = Rules { terms: ledger.header.terms, ..sheet.rules };
        let (now, rules) = (shared.clock.now(), suspects::rules(rules, &server));
        let mut suspicion = Doubt::of(store, &ledger, &server, now).await?;
        let settled = suspicion.settle(store, &owner, ledger, &recipients, &rules).await?;
        Ok(settled.map(|ledger| Self { owner, ledger, recipients, rules, server: server.id, suspicion }))
    }
}
