//! What is to be done later, by the simulator's clock.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use crate::clock::Clock;

type Deed<W> = Box<dyn FnOnce(&W) + Send>;

/// What will be done in a world `W`, and when. Whoever reads or changes the world first lets it
/// [catch up](Agenda::catch_up), so that nothing is seen before what was due.
pub(crate) struct Agenda<W> {
    entries: Mutex<Entries<W>>,
    /// Held while something is done, so that nobody overtakes it.
    doing: Mutex<()>,
    /// When the next is due; `u64::MAX` when nothing is to be done.
    next: watch::Sender<u64>,
}

struct Entries<W> {
    /// The first due on top.
    heap: BinaryHeap<Entry<W>>,
    added: u64,
}

/// Due at a time, in the order in which they were added.
struct Entry<W> {
    due: (u64, u64),
    deed: Deed<W>,
}

impl<W> Default for Agenda<W> {
    fn default() -> Self {
        let entries = Mutex::new(Entries { heap: BinaryHeap::new(), added: 0 });
        Self { entries, doing: Mutex::default(), next: watch::Sender::new(u64::MAX) }
    }
}

impl<W> Agenda<W> {
    fn lock(&self) -> MutexGuard<'_, Entries<W>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has something done at this time. Never from within another deed's own `catch_up`: that would wait for itself.
    pub(crate) fn at(&self, at_us: u64, deed: impl FnOnce(&W) + Send + 'static) {
        let mut entries = self.lock();
        entries.added += 1;
        let due = (at_us, entries.added);
        entries.heap.push(Entry { due, deed: Box::new(deed) });
        self.next.send_if_modified(|next| std::mem::replace(next, at_us.min(*next)) > at_us);
    }

    /// Does what is due.
    pub(crate) fn catch_up(&self, world: &W, now_us: u64) {
        if now_us < *self.next.borrow() {
            return;
        }
        let _doing = self.doing.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some(deed) = self.take_due(now_us) {
            deed(world);
        }
    }

    /// Takes out what is due first. Only when nothing more is due does the time of the next move on.
    fn take_due(&self, now_us: u64) -> Option<Deed<W>> {
        let mut entries = self.lock();
        if entries.heap.peek().is_some_and(|entry| entry.due.0 <= now_us) {
            return entries.heap.pop().map(|entry| entry.deed);
        }
        let next = entries.heap.peek().map_or(u64::MAX, |entry| entry.due.0);
        self.next.send_replace(next);
        None
    }

    /// Does everything when its time has come, for ever.
    pub(crate) async fn keep(&self, world: &W, clock: &Clock) {
        let mut next = self.next.subscribe();
        loop {
            let due = *next.borrow_and_update();
            tokio::select! {
                () = clock.until(due) => self.catch_up(world, clock.now_us()),
                // The sender lives as long as `self`.
                _ = next.changed() => {}
            }
        }
    }
}

impl<W> PartialEq for Entry<W> {
    fn eq(&self, other: &Self) -> bool {
        self.due == other.due
    }
}

impl<W> Eq for Entry<W> {}

impl<W> PartialOrd for Entry<W> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<W> Ord for Entry<W> {
    fn cmp(&self, other: &Self) -> Ordering {
        other.due.cmp(&self.due)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type World = Mutex<Vec<u64>>;

    #[test]
    fn what_is_due_is_done_in_order_and_once() {
        let (agenda, world) = (Agenda::<World>::default(), World::default());
        for (at, what) in [(30, 3), (10, 1), (10, 2), (40, 4)] {
            agenda.at(at, move |world: &World| world.lock().unwrap().push(what));
        }
        agenda.catch_up(&world, 9);
        assert!(world.lock().unwrap().is_empty());
        agenda.catch_up(&world, 30);
        agenda.catch_up(&world, 30);
        assert_eq!(*world.lock().unwrap(), [1, 2, 3]);
        agenda.catch_up(&world, 40);
        assert_eq!(*world.lock().unwrap(), [1, 2, 3, 4]);
    }
}
