//! Rule 9, when Redis loses acknowledged writes: a new owner knows only what the ledger says. Before it begins anything it
//! marks what may have gone out though the ledger does not know, and that is then waited for like any unsure send.

use dawncast_core::{
    UnixMs,
    campaign::Then,
    desk::Rules,
    suspect::{doubt_until, marked_at, suspects},
};
use dawncast_store::{
    Store, StoreError,
    page::{ClaimedOn, Ledger, Marked, Owner, Recipients},
};
use tracing::warn;

/// A page's doubt, as its owner carries it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Doubt {
    /// Until then attempts may have been begun that the ledger does not know of; none when it knows them all.
    pub(super) until: Option<UnixMs>,
    /// The ledger may be behind what the owners on another server knew: said once, then the page lives on this one.
    moved: bool,
}

impl Doubt {
    /// The doubt about a page that was claimed just now.
    pub(super) async fn of(
        store: &Store,
        ledger: &Ledger,
        server: &ClaimedOn,
        now: UnixMs,
    ) -> Result<Self, StoreError> {
        let lost = match server.moved {
            true => {
                let answering = store.server().await?;
                Some(doubt_until(now, answering.started.filter(|_| answering.id == server.id)))
            }
            false => None,
        };
        let until = [lost, ledger.header.doubt, server.doubt_until].into_iter().flatten().max();
        Ok(Self { until, moved: server.moved })
    }

    /// Marks the suspects, and answers the ledger as it is then; none when the page has another owner.
    pub(super) async fn settle(
        &mut self,
        store: &Store,
        owner: &Owner,
        ledger: Ledger,
        recipients: &Recipients,
        rules: &Rules,
    ) -> Result<Option<Ledger>, StoreError> {
        let Some(until) = self.until else { return Ok(Some(ledger)) };
        let dues: Vec<UnixMs> = recipients.rows.iter().map(|row| row.due).collect();
        let named = suspects(&ledger.records, &dues, rules, until);
        if named.is_empty() && !self.moved {
            return Ok(Some(ledger));
        }
        if !named.is_empty() {
            warn!(
                "Redis may have lost what it acknowledged: {} deliveries of page {} may have gone out and wait for receipts",
                named.len(),
                owner.page
            );
        }
        match store.suspect(owner, &named, marked_at(until), Some(until)).await? {
            Marked::Settled(ledger) => {
                self.moved = false;
                Ok(Some(ledger))
            }
            Marked::Lost(_) => Ok(None),
        }
    }
}

/// The campaign's rules, as far as they may be followed: what a restored snapshot does not know is never sent blindly.
pub(super) fn rules(rules: Rules, server: &ClaimedOn) -> Rules {
    match server.doubt_until {
        Some(_) => Rules { unconfirmed: Then::GiveUp, ..rules },
        None => rules,
    }
}
