//! What users wrote, as long as it can be marked as read or reacted to.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Meta: a message can be marked as read, or reacted to, for so long.
pub(crate) const AGE: Duration = Duration::from_secs(30 * 24 * 3600);

/// The messages that came in, by id.
#[derive(Default)]
pub(crate) struct Inbox(Mutex<HashMap<String, Received>>);

struct Received {
    /// The number's place.
    number: usize,
    at_us: u64,
}

impl Inbox {
    pub(crate) fn add(&self, wamid: String, number: usize, at_us: u64) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(wamid, Received { number, at_us });
    }

    /// Whether the message came to the number, and not too long ago.
    pub(crate) fn holds(&self, wamid: &str, number: usize, now_us: u64) -> bool {
        let received = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        received.get(wamid).is_some_and(|it| it.number == number && is_fresh(it.at_us, now_us))
    }
}

/// Whether a message of that time can still be reacted to.
pub(crate) fn is_fresh(at_us: u64, now_us: u64) -> bool {
    Duration::from_micros(now_us.saturating_sub(at_us)) <= AGE
}
