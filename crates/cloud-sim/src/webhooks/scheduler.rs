//! Everything still to be announced, in order of time, gathered into batches.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::mem;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use rand::SeedableRng;
use rand::rngs::SmallRng;
use rand::seq::SliceRandom;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio_util::sync::CancellationToken;

use super::courier::Courier;
use super::plan::Step;
use super::{Inbound, Sender, payload};
use crate::config::SimConfig;
use crate::message::Message;
use crate::odds::{Odds, fraction};
use crate::templates::Told;

/// What comes in to be announced.
pub(crate) enum Pending {
    Receipts {
        message: Arc<Message>,
        accepted: Instant,
        /// The last to be announced first.
        steps: Vec<Step>,
    },
    Inbound(Inbound),
    Account(Told),
}

/// What goes out in a batch.
pub(crate) enum Event {
    Status(Arc<Message>, Step),
    Inbound(Inbound),
    Account(Told),
}

/// The message with this place in the slab has its next receipt at this time.
type Due = Reverse<(Instant, usize)>;

struct Waiting {
    message: Arc<Message>,
    accepted: Instant,
    steps: Vec<Step>,
}

/// The one task that decides when what is announced.
pub(crate) struct Scheduler {
    odds: Odds,
    dice: SmallRng,
    max_batch: usize,
    linger: Duration,
    senders: Vec<Sender>,
    courier: Arc<Courier>,
    stop: CancellationToken,
    waiting: Vec<Option<Waiting>>,
    free: Vec<usize>,
    due: BinaryHeap<Due>,
    batch: Vec<Event>,
    batch_closes: Option<Instant>,
}

impl Scheduler {
    pub(crate) fn new(
        config: &SimConfig,
        odds: Odds,
        senders: Vec<Sender>,
        courier: Arc<Courier>,
        stop: CancellationToken,
    ) -> Self {
        Self {
            odds,
            dice: SmallRng::seed_from_u64(config.seed),
            max_batch: config.receipts.max_batch,
            linger: config.receipts.linger,
            senders,
            courier,
            stop,
            waiting: Vec::new(),
            free: Vec::new(),
            due: BinaryHeap::new(),
            batch: Vec::new(),
            batch_closes: None,
        }
    }

    pub(crate) async fn run(mut self, mut inbox: UnboundedReceiver<Pending>) {
        let mut arrived = Vec::new();
        loop {
            let wake = self.next_wake();
            tokio::select! {
                count = inbox.recv_many(&mut arrived, 1024) => if count == 0 { return },
                () = sleep_until(wake), if wake.is_some() => {}
            }
            let now = Instant::now();
            arrived.drain(..).for_each(|pending| self.take(pending, now));
            self.announce_due(now);
            if self.batch_closes.is_some_and(|closes| closes <= now) {
                self.post();
            }
        }
    }

    fn next_wake(&self) -> Option<Instant> {
        let due = self.due.peek().map(|Reverse((at, _))| *at);
        due.into_iter().chain(self.batch_closes).min()
    }

    fn take(&mut self, pending: Pending, now: Instant) {
        match pending {
            Pending::Inbound(inbound) => self.gather(Event::Inbound(inbound), now),
            Pending::Account(told) => self.gather(Event::Account(told), now),
            Pending::Receipts { message, accepted, steps } => {
                let place = self.free.pop().unwrap_or_else(|| {
                    self.waiting.push(None);
                    self.waiting.len() - 1
                });
                self.await_next(place, Waiting { message, accepted, steps });
            }
        }
    }

    fn await_next(&mut self, place: usize, waiting: Waiting) {
        match waiting.steps.last() {
            Some(next) => {
                self.due.push(Reverse((waiting.accepted + next.announced, place)));
                self.waiting[place] = Some(waiting);
            }
            None => self.free.push(place),
        }
    }

    fn announce_due(&mut self, now: Instant) {
        while let Some(Reverse((at, place))) = self.due.peek().copied()
            && at <= now
        {
            self.due.pop();
            let mut waiting = self.waiting[place].take().expect("a due message is waiting");
            let step = waiting.steps.pop().expect("a waiting message has a step");
            self.gather(Event::Status(Arc::clone(&waiting.message), step), now);
            self.await_next(place, waiting);
        }
    }

    fn gather(&mut self, event: Event, now: Instant) {
        self.batch.push(event);
        self.batch_closes.get_or_insert(now + self.linger);
        if self.batch.len() >= self.max_batch {
            self.post();
        }
    }

    fn post(&mut self) {
        self.batch_closes = None;
        let mut batch = mem::take(&mut self.batch);
        if fraction(&mut self.dice) < self.odds.reorder {
            batch.shuffle(&mut self.dice);
        }
        let body = Bytes::from(payload::encode(&self.senders, &batch));
        let posting = Arc::clone(&self.courier).deliver(body, batch.len());
        tokio::spawn(self.stop.clone().run_until_cancelled_owned(posting));
    }
}

async fn sleep_until(wake: Option<Instant>) {
    if let Some(at) = wake {
        tokio::time::sleep_until(at.into()).await;
    }
}
