//! What was acknowledged of late, to be written again when another server answers that may not know of it (rule 9, when
//! Redis loses acknowledged writes). Times are the caller's.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use dawncast_store::ServerId;

/// A server that is gone has lost nothing that it acknowledged longer before it last answered: it forces its file to disk
/// each second.
const KEPT_FOR: Duration = Duration::from_secs(10);
/// No more are kept, some 50 MB of receipts: beyond 20,000 a second they are kept for less than ten seconds.
const KEPT: usize = 200_000;

/// See the module.
#[derive(Debug)]
pub(crate) struct Recent<T> {
    server: ServerId,
    kept: VecDeque<(Instant, T)>,
}

impl<T> Recent<T> {
    /// Nothing yet, on `server`.
    pub(crate) fn on(server: ServerId) -> Self {
        Self { server, kept: VecDeque::new() }
    }

    /// The server that has all of it.
    pub(crate) fn server(&self) -> ServerId {
        self.server
    }

    /// Keeps what was acknowledged at `now`.
    pub(crate) fn keep(&mut self, items: impl IntoIterator<Item = T>, now: Instant) {
        self.kept.extend(items.into_iter().map(|item| (now, item)));
        let surplus = self.kept.len().saturating_sub(KEPT);
        self.kept.drain(..surplus);
    }

    /// The server still answered at `seen`: what it had long by then, it keeps.
    pub(crate) fn settle(&mut self, seen: Instant) {
        let settled = self.kept.iter().take_while(|(at, _)| *at + KEPT_FOR < seen).count();
        self.kept.drain(..settled);
    }

    /// All of it, in the order in which it was kept.
    pub(crate) fn items(&self) -> impl Iterator<Item = &T> {
        self.kept.iter().map(|(_, item)| item)
    }

    /// `server` has all of it since `now`, and may lose it as the one before.
    pub(crate) fn moved(&mut self, server: ServerId, now: Instant) {
        self.server = server;
        self.kept.iter_mut().for_each(|(at, _)| *at = now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: ServerId = ServerId([1; 8]);
    const THERE: ServerId = ServerId([2; 8]);

    #[test]
    fn what_the_server_had_ten_seconds_before_it_last_answered_is_let_go() {
        let (mut recent, start) = (Recent::on(HERE), Instant::now());
        for second in 0..30 {
            recent.keep([second], start + Duration::from_secs(second));
        }
        recent.settle(start + Duration::from_secs(29));
        assert_eq!(recent.items().copied().collect::<Vec<_>>(), (19..30).collect::<Vec<_>>());
        recent.settle(start);
        assert_eq!(recent.items().count(), 11, "while nobody answers, nothing is let go");
    }

    #[test]
    fn what_was_written_again_can_be_lost_again() {
        let (mut recent, start) = (Recent::on(HERE), Instant::now());
        recent.keep([1, 2], start);
        recent.moved(THERE, start + Duration::from_secs(60));
        recent.settle(start + Duration::from_secs(65));
        assert_eq!((recent.server(), recent.items().count()), (THERE, 2));
    }

    #[test]
    fn memory_is_bounded() {
        let (mut recent, now) = (Recent::on(HERE), Instant::now());
        recent.keep(0..KEPT + 5, now);
        assert_eq!((recent.items().next(), recent.items().count()), (Some(&5), KEPT));
    }
}
