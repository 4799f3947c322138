//! Admission: before an owner spends credit it asks whether the number is served at all, and whether a more urgent page
//! waits for the same credit.

use std::time::Instant;

use dawncast_core::{UnixMs, breaker::Admission, desk::Intent, ids::NumberId};

use super::{journal::Resting, lines::Urgency, owner::PageOwner};

impl PageOwner {
    /// Whether the number at `place` may be asked for credit for `intents` now. Of a number that is on trial they become
    /// one: the one that was tried least, so that a bad hour is shared out.
    pub(super) fn admit(&mut self, place: usize, intents: &mut Vec<Intent>, now: UnixMs) -> bool {
        let number = &self.sheet.senders[place].number;
        let wait_ms = match self.shared.lines.admit(number, &self.urgency(), Instant::now()) {
            Admission::Free => return true,
            Admission::Trial => {
                let least = intents.iter().min_by_key(|intent| intent.attempt).copied();
                *intents = least.into_iter().collect();
                return true;
            }
            Admission::Probe => {
                self.probe(number.clone());
                1
            }
            Admission::Wait(ms) => ms,
        };
        *self.rest_of_mut(place) = Resting::new(now + wait_ms, now);
        false
    }

    /// How urgent the page is among those that wait for the same credit.
    pub(super) fn urgency(&self) -> Urgency {
        let due = self.recipients.rows.first().map_or(UnixMs::MAX, |row| row.due);
        Urgency::new(self.job.leased.lane.priority, due, self.owner.page.page)
    }

    /// Asks whether the Cloud API is there, beside the owner's work.
    fn probe(&self, number: NumberId) {
        let (shared, client) = (self.shared.clone(), self.shared.ctx.client.clone());
        self.shared.owners.spawn(async move {
            tokio::select! {
                is_there = client.is_there() => shared.lines.probed(&number, is_there, Instant::now()),
                () = shared.stop.cancelled() => {}
            }
        });
    }
}
