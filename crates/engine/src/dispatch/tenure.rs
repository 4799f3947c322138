//! The owner looks after its tenure: the lease, the ledger's version, what people changed meanwhile.

use std::time::Instant;

use dawncast_core::{UnixMs, delivery::Outcome, desk::Intent, retry::ReceiptPath, verdict::Verdict};
use dawncast_store::{
    Store, StoreError,
    page::{Ledger, Refusal, Renewal},
};
use tracing::{debug, warn};

use super::owner::PageOwner;
use crate::EngineError;

/// A lease is renewed so many times within its life.
const RENEWALS: u32 = 4;

/// What a renewal found: the page, whether the lease is still held, and the way of receipts.
pub(super) struct Renewed {
    /// When it was sent: the lease counts from then.
    sent: Instant,
    answer: Result<(Renewal, bool, ReceiptPath), EngineError>,
}

/// The way of receipts. While no webhook is up it is as silent as one that brings none, and in the end the policy
/// decides: if grace started again with every look, it never would.
pub(super) async fn receipt_path(store: &Store, now: UnixMs) -> Result<ReceiptPath, StoreError> {
    let path = store.receipt_path(now).await?;
    Ok(if path.up_since < now { path } else { ReceiptPath::default() })
}

impl PageOwner {
    pub(super) async fn renew(&self) -> Option<Renewed> {
        let sent = Instant::now();
        if sent < self.renew_at || self.lost {
            return None;
        }
        let store = &self.shared.ctx.store;
        let renewed = tokio::try_join!(
            store.renew(&self.owner),
            store.renew_lease(&self.job.leased, self.shared.ctx.settings.lease),
            receipt_path(store, self.now()),
        );
        Some(Renewed { sent, answer: renewed.map_err(EngineError::from) })
    }

    pub(super) fn apply_renewal(&mut self, renewed: Option<Renewed>) {
        let Some(Renewed { sent, answer }) = renewed else { return };
        let interval = self.shared.ctx.settings.lease / RENEWALS;
        match answer {
            Ok((Renewal::Owned { version, gate, .. }, true, path)) => {
                self.stale |= version != self.version;
                // Early is for begin to say, to the millisecond.
                let refusal = gate.filter(|refusal| *refusal != Refusal::Early);
                (self.version, self.refusal, self.path) = (version, refusal, path);
                (self.renewed, self.renew_at) = (sent, sent + interval);
            }
            Ok(_) => {
                debug!("page {} has another owner", self.owner.page);
                self.lost = true;
            }
            Err(error) => {
                warn!("the lease of page {} cannot be renewed now: {error}", self.owner.page);
                self.renew_at = sent + interval / 2;
            }
        }
    }

    /// Takes back what is in doubt and, by the ledger, was begun: it never left. True when there was any. Only the ledger
    /// of this very ownership tells: once another has taken the page over, the same attempt may be the other's.
    fn withdraw(&mut self, ledger: &Ledger) -> bool {
        let outcome = |intent: &Intent| ledger.records[usize::from(intent.index)].outcomes.get(intent.attempt);
        let mut doubt = std::mem::take(&mut self.doubt);
        doubt.retain(|intent| outcome(intent) == Outcome::Begun);
        for intent in &doubt {
            let fact = Verdict::Withdrawn.fact(intent.attempt, self.now());
            self.tell(intent.index, fact, None, self.home);
        }
        !doubt.is_empty()
    }

    /// Looks at the ledger again: receipts, or a frozen former owner, have moved it.
    pub(super) async fn reload(&mut self) {
        let ledger = self.shared.ctx.store.ledger(&self.owner.page).await;
        match ledger {
            Ok(Some(ledger)) if (ledger.header.epoch, ledger.header.nonce) == (self.owner.epoch, self.owner.nonce) => {
                let now = self.now();
                self.desk.observe(&ledger.records, now, &mut rand::rng());
                self.stale = self.withdraw(&ledger);
            }
            Ok(_) => self.lost = true,
            Err(error) => {
                warn!("page {} cannot be read now: {error}", self.owner.page);
                self.pause();
            }
        }
    }
}
