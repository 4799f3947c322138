//! The owner looks after its tenure: the lease, the ledger's version, what people changed meanwhile.

use std::time::Instant;

use dawncast_core::retry::ReceiptPath;
use dawncast_store::page::{Refusal, Renewal};
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
            store.receipt_path(self.now()),
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

    /// Looks at the ledger again: receipts, or a frozen former owner, have moved it.
    pub(super) async fn reload(&mut self) {
        let ledger = self.shared.ctx.store.ledger(&self.owner.page).await;
        match ledger {
            Ok(Some(ledger)) => {
                let now = self.now();
                self.desk.observe(&ledger.records, now, &mut rand::rng());
                self.stale = false;
            }
            Ok(None) => self.lost = true,
            Err(error) => {
                warn!("page {} cannot be read now: {error}", self.owner.page);
                self.pause();
            }
        }
    }
}
