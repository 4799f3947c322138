//! Rule 9, when Redis loses acknowledged writes: an owner's image of its page against the ledger. An outcome never falls,
//! so a ledger that shows less has lost something; the owner tells it again and goes on from there, or leaves.

use dawncast_core::{delivery::Outcome, desk::Intent, verdict::Verdict};
use dawncast_store::{
    Server,
    lane::Put,
    page::{Ledger, Marked},
};
use tracing::warn;

use super::owner::PageOwner;
use crate::{
    EngineError,
    points::{Point, reach},
};

impl PageOwner {
    /// Looks at the ledger again: receipts, or a frozen former owner, have moved it, or it has lost what it knew.
    pub(super) async fn reload(&mut self) {
        reach(Point::ReloadBefore);
        let looked = self.look().await;
        reach(Point::ReloadAfter);
        match looked {
            Ok(Some(ledger)) => {
                let now = self.now();
                self.desk.observe(&ledger.records, now, &mut rand::rng());
                self.stale = self.withdraw(&ledger);
            }
            Ok(None) => self.lost = true,
            Err(error) => {
                self.shared.ctx.trouble(format_args!("page {} cannot be read now", self.owner.page), error);
                self.stale = true;
                self.pause();
            }
        }
    }

    /// Whether the server is another than the one that the owner has worked on.
    pub(super) fn has_moved(&self) -> bool {
        self.shared.ctx.vigil.server() != self.server
    }

    /// The ledger, with all that the owner knows and marked where it is in doubt; none when the owner has to go.
    async fn look(&mut self) -> Result<Option<Ledger>, EngineError> {
        let here = self.shared.ctx.vigil.server();
        let Some(mut ledger) = self.recall().await? else { return Ok(None) };
        if (ledger.header.epoch, ledger.header.nonce) != (self.owner.epoch, self.owner.nonce) {
            return Ok(None);
        }
        let store = &self.shared.ctx.store;
        if here != self.server && store.may_lose() {
            let server = store.server().await?;
            if !self.is_only_owner(&server) {
                return Ok(None);
            }
            match store.suspect(&self.owner, &[], self.now(), None).await? {
                Marked::Settled(marked) => ledger = marked,
                Marked::Lost(_) => return Ok(None),
            }
        }
        self.server = here;
        let rules = *self.desk.rules();
        Ok(self.suspicion.settle(store, &self.owner, ledger, &self.recipients, &rules).await?)
    }

    /// Whether nobody else can have had the page without this server's knowledge: the lease has not lapsed by the owner's
    /// own clock, or had not when this server started, by which time the one before it was gone.
    pub(super) fn is_only_owner(&self, server: &Server) -> bool {
        let lapsed = self.renewed.elapsed().saturating_sub(self.shared.ctx.settings.lease);
        let lapsed_at = self.now() - lapsed.as_millis() as i64;
        server.id == self.server || lapsed.is_zero() || server.started.is_some_and(|started| started <= lapsed_at)
    }

    /// Tells the ledger what it lacks of the owner's image, whoever owns the page now; answers the ledger, none when the
    /// page is gone.
    async fn recall(&self) -> Result<Option<Ledger>, EngineError> {
        let store = &self.shared.ctx.store;
        let Some(ledger) = store.ledger(&self.owner.page).await? else { return Ok(None) };
        let missing = self.desk.missing(&ledger.records);
        if missing.is_empty() {
            return Ok(Some(ledger));
        }
        warn!(
            "Redis has lost what it acknowledged: page {} is told again of {} begins and {} outcomes",
            self.owner.page,
            missing.marks.len(),
            missing.facts.len()
        );
        let Some(recalled) = store.recall(&self.owner, &missing).await? else { return Ok(None) };
        if recalled.settlement.reopened {
            let page = self.owner.page.clone();
            store.put_pages(&self.job.leased.lane, Put::Hurry, &[(page, self.now())]).await?;
        }
        Ok(Some(recalled.ledger))
    }

    /// The last thing that an owner does who begins, finishes and releases nothing any more. True when it may go.
    pub(super) async fn leave(&mut self) -> bool {
        match self.recall().await {
            Ok(_) => true,
            Err(error) => {
                let what =
                    format_args!("what is known of page {} cannot be told to its next owner now", self.owner.page);
                self.shared.ctx.trouble(what, error);
                self.pause();
                self.stopping
            }
        }
    }

    /// Takes back what is in doubt and, by the ledger, was begun: it never left. True when there was any. Only the ledger
    /// of this very ownership tells: once another has taken the page over, the same attempt may be the other's. *Redis loses
    /// what it was told of that*: the desk knows it as well, and tells it again.
    fn withdraw(&mut self, ledger: &Ledger) -> bool {
        let outcome = |intent: &Intent| ledger.records[usize::from(intent.index)].outcomes.get(intent.attempt);
        let mut doubt = std::mem::take(&mut self.doubt);
        doubt.retain(|intent| outcome(intent) == Outcome::Begun);
        for intent in &doubt {
            let (index, attempt, now) = (intent.index, intent.attempt, self.now());
            let fact = self.desk.answered(index, attempt, Verdict::Withdrawn, now, &mut rand::rng());
            self.tell(index, fact, None, self.home);
        }
        !doubt.is_empty()
    }
}
