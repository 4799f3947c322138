//! Places on the wire. When they are scarce an owner queues, first come first served, and for several at once: taken one
//! by one, as answers free them, every message would cost a script of its own.

use std::{
    future::{pending, poll_fn},
    sync::Arc,
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::PollSemaphore;

/// Queued for at once, unless the wire is narrow.
const QUEUED: usize = 64;
/// Nobody queues for more than this part of the wire.
const PART: usize = 8;

/// The places of one owner.
pub(super) struct Places {
    wire: PollSemaphore,
    /// The most that is queued for at once.
    share: usize,
    queued: Option<u32>,
    held: Option<OwnedSemaphorePermit>,
}

impl Places {
    /// None yet, on a wire that is `width` places wide.
    pub(super) fn new(wire: Arc<Semaphore>, width: usize) -> Self {
        Self { wire: PollSemaphore::new(wire), share: (width / PART).clamp(1, QUEUED), queued: None, held: None }
    }

    /// Those that queueing has brought. Dropping them leaves them to others.
    pub(super) fn take_held(&mut self) -> Option<OwnedSemaphorePermit> {
        self.held.take()
    }

    /// Up to `wanted` places; none when too few are free, and then it queues.
    pub(super) fn take(&mut self, wanted: usize) -> Option<OwnedSemaphorePermit> {
        let least = wanted.min(self.share);
        let free = self.wire.available_permits().min(wanted);
        let taken = (free >= least).then(|| self.wire.clone_inner().try_acquire_many_owned(free as u32).ok()).flatten();
        if taken.is_none() {
            self.queued.get_or_insert(least as u32);
        }
        taken
    }

    pub(super) fn is_queued(&self) -> bool {
        self.queued.is_some()
    }

    /// Waits until queueing has brought places; for ever when nobody queues.
    pub(super) async fn arrive(&mut self) {
        let Some(queued) = self.queued else { return pending().await };
        self.held = poll_fn(|cx| self.wire.poll_acquire_many(cx, queued)).await;
        self.queued = None;
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    fn wire(width: usize) -> (Arc<Semaphore>, impl Fn() -> Places) {
        let wire = Arc::new(Semaphore::new(width));
        let free = Arc::clone(&wire);
        (wire, move || Places::new(Arc::clone(&free), width))
    }

    fn taken(permit: &Option<OwnedSemaphorePermit>) -> usize {
        permit.as_ref().map_or(0, OwnedSemaphorePermit::num_permits)
    }

    #[test]
    fn what_is_free_is_taken_at_once() {
        let (_, owner) = wire(512);
        let (first, second) = (owner().take(64), owner().take(500));
        assert_eq!((taken(&first), taken(&second)), (64, 448));
    }

    #[test]
    fn scarce_places_come_several_at_once_to_whoever_queued_first() {
        let (wire, owner) = wire(512);
        let mut all = owner().take(512);
        let (mut first, mut second) = (owner(), owner());
        assert!(first.take(64).is_none() && second.take(64).is_none() && first.is_queued());
        assert!(second.arrive().now_or_never().is_none() && first.arrive().now_or_never().is_none());
        drop(all.as_mut().and_then(|all| all.split(31)));
        assert!(first.arrive().now_or_never().is_none());
        drop(all);
        assert!(first.arrive().now_or_never().is_some() && second.arrive().now_or_never().is_some());
        assert_eq!((taken(&first.take_held()), taken(&second.take_held())), (64, 64));
        assert_eq!(wire.available_permits(), 512);
    }

    #[test]
    fn a_narrow_wire_is_shared_place_by_place() {
        let (_, owner) = wire(4);
        let all = owner().take(64);
        assert_eq!(taken(&all), 4);
        let mut other = owner();
        assert!(other.take(64).is_none());
        drop(all);
        assert!(other.arrive().now_or_never().is_some());
        assert_eq!(taken(&other.take_held()), 1);
    }
}
