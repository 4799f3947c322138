//! The engine's word held against the simulator's record.

use std::collections::HashMap;

use dawncast_core::{
    callback::Callback,
    delivery::{Outcome, Outcomes},
    ids::{DeliveryId, RunId},
    report::Report,
};
use dawncast_testkit::until;

use crate::world::{PATIENCE, World};

fn surplus(outcomes: &Outcomes) -> u64 {
    (outcomes.iter().filter(|outcome| outcome.is_positive()).count() as u64).saturating_sub(1)
}

impl World {
    /// Once every receipt is in: each recipient is accounted for, the ledger knows of every message that was accepted,
    /// and every surplus message is a known one.
    pub(crate) async fn audit(&self, id: &RunId) -> Report {
        let quiet = async || (self.sim.pending_webhooks() == 0).then_some(());
        until("every receipt is in", PATIENCE, quiet).await;
        let report = self.report(id).await;
        assert_eq!(report.totals.imbalance(), 0, "{:?}", report.totals);
        let rows = self.rows(id).await.into_iter().map(|row| (row.id, row.record.outcomes));
        let known: HashMap<DeliveryId, Outcomes> = rows.collect();
        for attempt in self.sim.ledger().recipients.into_values().flat_map(|recipient| recipient.attempts) {
            let callback: Callback = attempt.callback_data.unwrap().parse().unwrap();
            let Some(outcomes) = known.get(&callback.delivery) else { continue };
            let outcome = outcomes.get(callback.attempt);
            assert!(outcome > Outcome::Unsure, "{callback} was accepted and is {outcome:?}");
        }
        assert_eq!(known.values().map(surplus).sum::<u64>(), report.known_duplicates);
        report
    }

    /// Exactly `count` recipients have had exactly one message accepted for them.
    pub(crate) fn everyone_once(&self, count: usize) {
        let ledger = self.sim.ledger();
        let twice: Vec<&String> =
            ledger.recipients.iter().filter(|(_, known)| known.accepted != 1).map(|(phone, _)| phone).collect();
        assert!(twice.is_empty(), "more than one message for {twice:?}");
        assert_eq!(ledger.recipients.len(), count, "recipients with a message");
    }
}
