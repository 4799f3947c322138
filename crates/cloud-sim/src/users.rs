//! WhatsApp users, as far as this account has met them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::dice::mix;
use crate::inbox::is_fresh;
use crate::limits::{Bucket, PAIR};
use crate::message::{Leg, Message};
use crate::wa_id::WaId;

/// Enough that senders on all cores hardly ever meet at one lock.
const SHARDS: usize = 64;

/// Meta's customer service window: free-form messages are allowed this long after the user's last message.
const SERVICE_WINDOW: Duration = Duration::from_secs(24 * 3600);

/// Meta's free entry point: how long everything is free after the answer to a user who came by an advertisement.
const ENTRY_POINT: Duration = Duration::from_secs(72 * 3600);

/// All users, each behind the lock of a shard.
pub(crate) struct Users {
    shards: Vec<Mutex<HashMap<WaId, User>>>,
}

/// What happened to one user.
#[derive(Default)]
pub(crate) struct User {
    /// Calls to send to this user, whatever came of them.
    pub(crate) tried: u32,
    /// Messages accepted, oldest first.
    pub(crate) accepted: Vec<Arc<Message>>,
    /// The user's phone is not shown to businesses that did not write to it.
    pub(crate) is_hidden: bool,
    /// The phone is off: what is sent waits.
    pub(crate) is_offline: bool,
    /// What waits for the phone, oldest first.
    pub(crate) waiting: Vec<Waiting>,
    contacts: Vec<Contact>,
}

/// A message that was sent to a phone that is off, the `nth` to its user.
pub(crate) struct Waiting {
    pub(crate) message: Arc<Message>,
    pub(crate) nth: u32,
}

/// One user and one number.
pub(crate) struct Contact {
    number: usize,
    pub(crate) pair: Bucket,
    pub(crate) blocked: bool,
    /// The user wants no marketing messages from the number.
    pub(crate) stopped_marketing: bool,
    wrote_us: Option<u64>,
    /// When the user came by an advertisement that the number has not answered yet.
    came_us: Option<u64>,
    /// When the number answered it: for a while everything is free.
    entry_us: Option<u64>,
}

impl Users {
    pub(crate) fn new() -> Self {
        Self { shards: (0..SHARDS).map(|_| Mutex::default()).collect() }
    }

    /// Runs `f` on one user alone.
    pub(crate) fn with<R>(&self, id: WaId, f: impl FnOnce(&mut User) -> R) -> R {
        f(self.shard(id).lock().unwrap_or_else(PoisonError::into_inner).entry(id).or_default())
    }

    /// Looks at one user, if this account has met it.
    pub(crate) fn look<R>(&self, id: WaId, f: impl FnOnce(&User) -> R) -> Option<R> {
        self.shard(id).lock().unwrap_or_else(PoisonError::into_inner).get(&id).map(f)
    }

    fn shard(&self, id: WaId) -> &Mutex<HashMap<WaId, User>> {
        &self.shards[mix(id.as_u64()) as usize % SHARDS]
    }

    /// Visits every user, holding one shard at a time.
    pub(crate) fn each(&self, mut visit: impl FnMut(WaId, &User)) {
        for shard in &self.shards {
            for (id, user) in shard.lock().unwrap_or_else(PoisonError::into_inner).iter() {
                visit(*id, user);
            }
        }
    }
}

impl User {
    /// When the user last wrote to any number.
    pub(crate) fn last_wrote_us(&self) -> Option<u64> {
        self.contacts.iter().filter_map(|contact| contact.wrote_us).max()
    }

    /// Whether the user's phone is shown: it is not hidden, or was written to in the last 30 days (Meta: business-scoped
    /// user ids).
    pub(crate) fn shows_phone(&self, now_us: u64) -> bool {
        let was_written_to = |sent: &Arc<Message>| !sent.by_user_id && is_fresh(sent.at_us, now_us);
        !self.is_hidden || self.accepted.iter().rev().any(was_written_to)
    }

    /// The way of a message that goes out now, if it does not fail.
    pub(crate) fn leg(&self, failure: Option<u32>) -> Leg {
        if self.is_offline && failure.is_none() { Leg::Sending } else { Leg::Whole }
    }

    /// Lets a message wait, if the phone is off.
    pub(crate) fn wait(&mut self, message: &Arc<Message>, nth: u32) {
        if message.leg == Leg::Sending && message.held_by.is_none() {
            self.waiting.push(Waiting { message: Arc::clone(message), nth });
        }
    }

    /// Puts a message in the place of the one with its id.
    pub(crate) fn replace(&mut self, message: Message) -> Arc<Message> {
        let message = Arc::new(message);
        if let Some(place) = self.accepted.iter_mut().find(|it| it.wamid == message.wamid) {
            *place = Arc::clone(&message);
        }
        message
    }

    pub(crate) fn contact(&mut self, number: usize, now_us: u64) -> &mut Contact {
        let place = self.contacts.iter().position(|contact| contact.number == number).unwrap_or_else(|| {
            let pair = Bucket::full(PAIR, now_us);
            self.contacts.push(Contact {
                number,
                pair,
                blocked: false,
                stopped_marketing: false,
                wrote_us: None,
                came_us: None,
                entry_us: None,
            });
            self.contacts.len() - 1
        });
        &mut self.contacts[place]
    }

    /// The user and a number, if they have met.
    pub(crate) fn met(&self, number: usize) -> Option<&Contact> {
        self.contacts.iter().find(|contact| contact.number == number)
    }
}

impl Contact {
    /// The user wrote to the number, which opens the service window or extends it.
    pub(crate) fn wrote(&mut self, now_us: u64) {
        self.wrote_us = Some(now_us);
    }

    /// The user came by an advertisement (Meta: click-to-WhatsApp ads).
    pub(crate) fn came(&mut self, now_us: u64) {
        self.came_us = Some(now_us);
    }

    /// Whether a message is free because the user came by an advertisement: the first answer within 24 hours opens 72.
    pub(crate) fn answers_entry(&mut self, now_us: u64) -> bool {
        let since = |at_us: u64| Duration::from_micros(now_us.saturating_sub(at_us));
        if self.came_us.take().is_some_and(|came_us| since(came_us) < SERVICE_WINDOW) {
            self.entry_us = Some(now_us);
        }
        self.entry_us.is_some_and(|entry_us| since(entry_us) < ENTRY_POINT)
    }

    pub(crate) fn window_open(&self, now_us: u64) -> bool {
        self.window_closes_us().is_some_and(|closes_us| now_us < closes_us)
    }

    /// When the service window closes or closed, if it was ever open.
    pub(crate) fn window_closes_us(&self) -> Option<u64> {
        self.wrote_us.map(|wrote_us| wrote_us + SERVICE_WINDOW.as_micros() as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_service_window_opens_when_the_user_writes_and_closes_after_a_day() {
        let mut user = User::default();
        let day_us = 24 * 3600 * 1_000_000;
        assert!(!user.contact(0, 5).window_open(5));
        user.contact(0, 5).wrote(5);
        assert!(user.contact(0, 5).window_open(5 + day_us - 1));
        assert!(!user.contact(0, 5).window_open(5 + day_us));
        assert!(!user.contact(1, 5).window_open(6), "the window belongs to the number written to");
    }
}
