//! The owner looks after its tenure: the lease, the ledger's version, what people changed meanwhile.

use std::time::Instant;

use dawncast_core::{UnixMs, retry::ReceiptPath};
use dawncast_store::{
    Store, StoreError,
    page::{Refusal, Renewal},
};
use tracing::debug;

use super::owner::PageOwner;
use crate::{
    EngineError,
    points::{Point, reach},
};

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
        reach(Point::RenewBefore);
        let answer = self.ask().await;
        reach(Point::RenewAfter);
        Some(Renewed { sent, answer })
    }

    async fn ask(&self) -> Result<(Renewal, bool, ReceiptPath), EngineError> {
        let (store, lease) = (&self.shared.ctx.store, self.shared.ctx.settings.lease);
        let has_lapsed = self.renewed.elapsed() >= lease;
        let (renewal, held, path) = tokio::try_join!(
            store.renew(&self.owner),
            store.renew_lease(&self.job.leased, lease),
            receipt_path(store, self.now()),
        )?;
        // A server that has lost another's claim takes the page for ours still.
        let held = held && (!has_lapsed || !store.may_lose() || self.is_only_owner(&store.server().await?));
        Ok((renewal, held, path))
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
                debug!("page {} has another owner, or will", self.owner.page);
                self.lost = true;
            }
            Err(error) => {
                let what = format_args!("the lease of page {} cannot be renewed now", self.owner.page);
                self.shared.ctx.trouble(what, error);
                self.renew_at = sent + interval / 2;
            }
        }
    }
}
