//! What users wrote, as long as it can be marked as read or reacted to.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::wa_id::WaId;

/// Meta: a message can be marked as read, or reacted to, for so long.
pub(crate) const AGE: Duration = Duration::from_secs(30 * 24 * 3600);

/// The messages that came in, by id.
#[derive(Default)]
pub(crate) struct Inbox(Mutex<HashMap<String, Received>>);

struct Received {
    from: WaId,
    /// The number's place.
    number: usize,
    at_us: u64,
}

impl Inbox {
    pub(crate) fn add(&self, wamid: String, from: WaId, number: usize, at_us: u64) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(wamid, Received { from, number, at_us });
    }

    /// Who wrote the message, if it came to the number, and not too long ago.
    pub(crate) fn writer(&self, wamid: &str, number: usize, now_us: u64) -> Option<WaId> {
        let received = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = received.get(wamid).filter(|it| it.number == number && is_fresh(it.at_us, now_us));
        found.map(|it| it.from)
    }
}

/// Whether a message of that time can still be reacted to.
pub(crate) fn is_fresh(at_us: u64, now_us: u64) -> bool {
    Duration::from_micros(now_us.saturating_sub(at_us)) <= AGE
}
