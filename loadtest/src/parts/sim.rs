//! The simulator, and the witness of every measurement: it says what arrived and when, for both sides alike.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use chrono::Utc;
use dawncast_cloud_sim::{LedgerSnapshot, SimConfig, Simulator};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::process::answer;

/// How closely the end of the receipts is watched.
const WATCH: Duration = Duration::from_millis(1);

/// What the simulator says of itself.
#[derive(Serialize, Deserialize)]
pub(crate) struct Ready {
    /// Its base URL.
    pub(crate) url: String,
    /// The ids of its numbers.
    pub(crate) numbers: Vec<String>,
}

/// What it can be asked.
#[derive(Serialize, Deserialize)]
pub(crate) enum Ask {
    /// Send webhooks there. Answered with null.
    Webhook(String),
    /// How many statuses are still to be answered 200? Answered with a number.
    Pending,
    /// What has arrived? Answered with a [`Tally`].
    Tally,
}

/// What has arrived, in Unix milliseconds of the simulator's clock.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Tally {
    /// Messages accepted.
    pub(crate) accepted: u64,
    /// Recipients who got at least one.
    pub(crate) recipients: u64,
    /// Refusals by code.
    pub(crate) rejected: BTreeMap<String, u64>,
    /// When each message of a number was accepted, in order.
    pub(crate) numbers: BTreeMap<String, Vec<u64>>,
    /// When the last status was answered 200; 0 when there was none.
    pub(crate) receipts_until: u64,
}

impl Tally {
    fn of(ledger: &LedgerSnapshot) -> Self {
        let mut numbers: BTreeMap<String, Vec<u64>> = BTreeMap::new();
        for attempt in ledger.recipients.values().flat_map(|recipient| &recipient.attempts) {
            numbers.entry(attempt.number.clone()).or_default().push(attempt.at_ms);
        }
        numbers.values_mut().for_each(|moments| moments.sort_unstable());
        Self {
            accepted: ledger.totals.accepted,
            recipients: ledger.recipients.len() as u64,
            rejected: ledger.totals.rejected.clone(),
            numbers,
            receipts_until: 0,
        }
    }

    /// When the first and the last message was accepted.
    pub(crate) fn span(&self) -> Option<(u64, u64)> {
        let first = self.numbers.values().filter_map(|moments| moments.first()).min()?;
        let last = self.numbers.values().filter_map(|moments| moments.last()).max()?;
        Some((*first, *last))
    }

    /// How many messages a second were accepted while every number still had some to send.
    pub(crate) fn rate_of_all_numbers(&self) -> Option<f64> {
        let (first, _) = self.span()?;
        let last = *self.numbers.values().filter_map(|moments| moments.last()).min()?;
        let count = self.numbers.values().flatten().filter(|at| **at <= last).count();
        Some(count as f64 * 1_000.0 / (last - first).max(1) as f64)
    }
}

/// Runs it until its input ends.
pub(crate) async fn run(config: SimConfig) -> anyhow::Result<()> {
    let sim = Arc::new(Simulator::start(config).await?);
    let busy_until = Arc::new(AtomicU64::new(0));
    tokio::spawn(watch(Arc::clone(&sim), Arc::clone(&busy_until)));
    let ready = Ready { url: sim.base_url(), numbers: sim.numbers() };
    answer(&ready, async |ask| {
        Ok(match ask {
            Ask::Webhook(url) => json!(sim.set_webhook(Some(&url))?),
            Ask::Pending => json!(sim.pending_webhooks()),
            Ask::Tally => serde_json::to_value(Tally {
                receipts_until: busy_until.load(Ordering::Relaxed),
                ..Tally::of(&sim.ledger())
            })?,
        })
    })
    .await
}

async fn watch(sim: Arc<Simulator>, busy_until: Arc<AtomicU64>) {
    loop {
        if sim.pending_webhooks() > 0 {
            busy_until.store(Utc::now().timestamp_millis() as u64, Ordering::Relaxed);
        }
        tokio::time::sleep(WATCH).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(numbers: &[(&str, &[u64])]) -> Tally {
        let numbers = numbers.iter().map(|(id, moments)| ((*id).to_owned(), moments.to_vec())).collect();
        Tally { numbers, ..Tally::default() }
    }

    #[test]
    fn the_rate_of_all_numbers_ends_with_the_first_that_has_nothing_left() {
        let tally = tally(&[("1", &[1_000, 1_500, 2_000]), ("2", &[1_000, 1_500, 2_000, 2_500, 9_000])]);
        assert_eq!(tally.span(), Some((1_000, 9_000)));
        assert_eq!(tally.rate_of_all_numbers(), Some(6.0));
    }

    #[test]
    fn without_messages_there_is_no_rate() {
        assert_eq!(tally(&[]).rate_of_all_numbers(), None);
    }
}
