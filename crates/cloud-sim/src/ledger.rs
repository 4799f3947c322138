//! The simulator's own record of what it accepted: the witness against which a sender's word is held.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use crate::users::Users;

/// What the simulator accepted and refused until now.
///
/// It has no `Debug`, because it is full of phone numbers.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct LedgerSnapshot {
    /// Every user for whom a message was accepted, by WhatsApp id (digits without `+`).
    pub recipients: BTreeMap<String, RecipientRecord>,
    /// Sums over all users.
    pub totals: LedgerTotals,
}

/// The messages accepted for one user.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct RecipientRecord {
    /// How many, those included whose response was then lost.
    pub accepted: u64,
    /// Each of them, oldest first.
    pub attempts: Vec<AttemptRecord>,
}

/// One accepted message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttemptRecord {
    /// The id of the number that sent it.
    pub number: String,
    /// The id that the response gave, or would have given.
    pub wamid: String,
    /// The sender's `biz_opaque_callback_data`.
    pub callback_data: Option<String>,
    /// When it was accepted, in Unix milliseconds of the simulator's clock.
    pub at_ms: u64,
    /// The code of the `failed` receipt that follows; `None` when the message arrives.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed: Option<u32>,
}

/// Sums over all users.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerTotals {
    /// Messages accepted.
    pub accepted: u64,
    /// Calls to send that were refused, by error code.
    pub rejected: BTreeMap<String, u64>,
}

/// Counts what passes; the messages themselves are kept with their users.
#[derive(Default)]
pub(crate) struct Totals {
    accepted: AtomicU64,
    rejected: Mutex<BTreeMap<u32, u64>>,
    under_way: AtomicUsize,
    most_under_way: AtomicUsize,
}

/// How many calls to send a number has made.
#[derive(Default)]
pub(crate) struct Tally {
    accepted: AtomicU64,
    refused: AtomicU64,
}

impl Tally {
    pub(crate) fn accepted(&self) {
        self.accepted.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn refused(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
    }

    /// Accepted ones and refused ones.
    pub(crate) fn counts(&self) -> (u64, u64) {
        (self.accepted.load(Ordering::Relaxed), self.refused.load(Ordering::Relaxed))
    }
}

/// A call to send that is under way, until it is dropped.
pub(crate) struct UnderWay<'a>(&'a AtomicUsize);

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Totals {
    /// A call to send has come in.
    pub(crate) fn enter(&self) -> UnderWay<'_> {
        let now = self.under_way.fetch_add(1, Ordering::Relaxed) + 1;
        self.most_under_way.fetch_max(now, Ordering::Relaxed);
        UnderWay(&self.under_way)
    }

    /// The most calls to send that were ever under way at once.
    pub(crate) fn most_under_way(&self) -> usize {
        self.most_under_way.load(Ordering::Relaxed)
    }

    pub(crate) fn accepted(&self) {
        self.accepted.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn rejected(&self, code: u32) {
        *self.rejected.lock().unwrap_or_else(PoisonError::into_inner).entry(code).or_default() += 1;
    }

    fn snapshot(&self) -> LedgerTotals {
        let rejected = self.rejected.lock().unwrap_or_else(PoisonError::into_inner);
        LedgerTotals {
            accepted: self.accepted.load(Ordering::Relaxed),
            rejected: rejected.iter().map(|(code, count)| (code.to_string(), *count)).collect(),
        }
    }
}

pub(crate) fn snapshot(users: &Users, totals: &Totals, number_id: impl Fn(usize) -> String) -> LedgerSnapshot {
    let mut recipients = BTreeMap::new();
    users.each(|id, user| {
        if user.accepted.is_empty() {
            return;
        }
        let attempts = user.accepted.iter().map(|message| AttemptRecord {
            number: number_id(message.number),
            wamid: message.wamid.clone(),
            callback_data: message.callback_data.clone(),
            at_ms: message.at_us / 1000,
            failed: message.failure,
        });
        let record = RecipientRecord { accepted: user.accepted.len() as u64, attempts: attempts.collect() };
        recipients.insert(id.digits(), record);
    });
    LedgerSnapshot { recipients, totals: totals.snapshot() }
}
