//! The end of an ownership: finished, given back, or lost.

use std::time::Instant;

use dawncast_core::{UnixMs, retry::ReceiptPath};
use dawncast_store::{
    lane::Put,
    page::{Finish, Refusal, Renewal},
};
use tracing::debug;

use super::owner::PageOwner;
use crate::{
    EngineError,
    points::{Point, reach},
};

/// A page whose next attempt is this far off goes back to its lane.
const FAR_MS: i64 = 10_000;
/// It is leased again this long before.
const AHEAD_MS: i64 = 2_000;
/// A held run's pages are looked at again after this.
pub(super) const HELD_MS: i64 = 1_000;

impl PageOwner {
    /// Ends the ownership if there is nothing more to do here. True when it is over.
    pub(super) async fn depart(&mut self) -> bool {
        if !self.wire.is_empty() || !self.told.is_empty() {
            return false;
        }
        if self.lost || (self.stopping && !self.doubt.is_empty()) {
            // The lease ends by itself; what is in doubt, the next owner takes for unsure.
            return self.leave().await;
        }
        let now = self.now();
        if self.stopping {
            return self.give_back(now).await;
        }
        if self.stale || !self.doubt.is_empty() || Instant::now() < self.pause_until {
            return false;
        }
        if self.desk.is_settled(self.gate()) {
            return self.finish().await;
        }
        if self.refusal == Some(Refusal::Held) {
            return self.give_back(now + HELD_MS).await;
        }
        // Nobody looks at a page that was given back: it has to be leased again as soon as a receipt could decide.
        let hopeful = ReceiptPath { last_receipt: Some(UnixMs::MAX), ..self.path };
        match self.desk.wake_at(now, &hopeful, self.gate()) {
            Some(wake) if wake > now + FAR_MS => self.give_back(wake - AHEAD_MS).await,
            _ => false,
        }
    }

    async fn give_back(&mut self, due: UnixMs) -> bool {
        reach(Point::GiveBackBefore);
        debug!("page {} goes back to its lane, due in {} ms", self.owner.page, due - self.now());
        if let Err(error) = self.shared.ctx.store.release_lease(&self.job.leased, due).await {
            // Then its lease ends by itself.
            self.shared.ctx.trouble(format_args!("page {} cannot be given back now", self.owner.page), error);
        }
        reach(Point::GiveBackAfter);
        true
    }

    /// Rule 5, finish is the ledger's word: the mark, then out of the lane, then a second look at the mark, because a receipt may
    /// have reopened the page in between and found it still in its lane.
    async fn finish(&mut self) -> bool {
        let left: Vec<u8> = self.desk.left(self.gate()).map(|index| index as u8).collect();
        let store = self.shared.ctx.store.clone();
        reach(Point::FinishBefore);
        match store.finish(&self.owner, &left).await {
            Ok(Finish::Finished) => {
                debug!("page {} is finished", self.owner.page);
                reach(Point::FinishMarked);
            }
            Ok(Finish::Lost(_)) => {
                self.lost = true;
                return self.leave().await;
            }
            Ok(Finish::Unsettled(_)) => {
                self.stale = true;
                self.pause();
                return false;
            }
            Err(error) => {
                self.shared.ctx.trouble(format_args!("page {} cannot be finished now", self.owner.page), error);
                self.pause();
                return false;
            }
        }
        let second_look = async {
            store.end_lease(&self.job.leased).await?;
            reach(Point::FinishOut);
            if let Renewal::Owned { finished: false, .. } = store.renew(&self.owner).await? {
                reach(Point::FinishReopened);
                let page = self.owner.page.clone();
                store.put_pages(&self.job.leased.lane, Put::Hurry, &[(page, self.now())]).await?;
            }
            Ok::<(), EngineError>(())
        };
        if let Err(error) = second_look.await {
            // Reconcile puts a reopened page back.
            let what = format_args!("page {} is finished, but its lane could not be told", self.owner.page);
            self.shared.ctx.trouble(what, error);
        }
        true
    }
}
