//! Everything still to be announced, in order of time, gathered into batches.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::mem;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use rand::SeedableRng;
use rand::rngs::SmallRng;
use rand::seq::SliceRandom;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio_util::sync::CancellationToken;

use super::apps::Audience;
use super::courier::Courier;
use super::plan::Step;
use super::{Inbound, Sender, payload};
use crate::clock::{Clock, micros};
use crate::config::SimConfig;
use crate::message::Message;
use crate::odds::{Odds, fraction};
use crate::rules::InForce;
use crate::templates::Told;

/// What comes in to be announced.
pub(crate) enum Pending {
    Receipts {
        message: Arc<Message>,
        /// The last to be announced first.
        steps: Vec<Step>,
    },
    Inbound(Inbound),
    Account(Told),
    Stop(Stop),
}

/// Nothing is posted until a time of the simulator's clock; then all that was gathered is.
#[derive(Clone, Copy)]
pub(crate) struct Stop {
    pub(crate) until_us: u64,
    /// Whether it comes in any order then.
    pub(crate) shuffled: bool,
}

/// What goes out in a batch.
pub(crate) enum Event {
    Status(Arc<Message>, Step),
    Inbound(Inbound),
    Account(Told),
}

/// The message with this place in the slab has its next receipt at this time of the simulator's clock.
type Due = Reverse<(u64, usize)>;

struct Waiting {
    message: Arc<Message>,
    steps: Vec<Step>,
}

/// What bodies are made of, and who carries them.
pub(crate) struct Post {
    pub(crate) senders: Vec<Sender>,
    pub(crate) rules: Arc<InForce>,
    pub(crate) courier: Arc<Courier>,
}

/// The one task that decides when what is announced.
pub(crate) struct Scheduler {
    odds: Odds,
    dice: SmallRng,
    max_batch: usize,
    linger: Duration,
    post: Post,
    clock: Clock,
    stop: CancellationToken,
    stopped: Option<Stop>,
    waiting: Vec<Option<Waiting>>,
    free: Vec<usize>,
    due: BinaryHeap<Due>,
    batch: Vec<Event>,
    batch_closes: Option<u64>,
}

impl Scheduler {
    pub(crate) fn new(config: &SimConfig, odds: Odds, post: Post, clock: Clock, stop: CancellationToken) -> Self {
        Self {
            odds,
            dice: SmallRng::seed_from_u64(config.seed),
            max_batch: config.receipts.max_batch,
            linger: config.receipts.linger,
            post,
            clock,
            stop,
            stopped: None,
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
                () = self.clock.until(wake) => {}
            }
            let now = self.clock.now_us();
            arrived.drain(..).for_each(|pending| self.take(pending, now));
            self.announce_due(now);
            self.post_what_is_ready(now);
        }
    }

    fn next_wake(&self) -> u64 {
        let due = self.due.peek().map(|Reverse((at, _))| *at);
        let ready = self.stopped.map_or(self.batch_closes, |stop| Some(stop.until_us));
        due.into_iter().chain(ready).min().unwrap_or(u64::MAX)
    }

    fn take(&mut self, pending: Pending, now: u64) {
        match pending {
            Pending::Stop(stop) => self.stopped = Some(stop),
            Pending::Inbound(inbound) => self.gather(Event::Inbound(inbound), now),
            Pending::Account(told) => self.gather(Event::Account(told), now),
            Pending::Receipts { message, steps } => {
                let place = self.free.pop().unwrap_or_else(|| {
                    self.waiting.push(None);
                    self.waiting.len() - 1
                });
                self.await_next(place, Waiting { message, steps });
            }
        }
    }

    fn await_next(&mut self, place: usize, waiting: Waiting) {
        match waiting.steps.last() {
            Some(next) => {
                self.due.push(Reverse((waiting.message.went_out_us + micros(next.announced), place)));
                self.waiting[place] = Some(waiting);
            }
            None => self.free.push(place),
        }
    }

    fn announce_due(&mut self, now: u64) {
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

    fn gather(&mut self, event: Event, now: u64) {
        self.batch.push(event);
        self.batch_closes.get_or_insert(now + micros(self.linger));
        if self.batch.len() >= self.max_batch && self.stopped.is_none() {
            self.post();
        }
    }

    fn post_what_is_ready(&mut self, now: u64) {
        match self.stopped {
            Some(stop) if stop.until_us > now => {}
            Some(stop) => {
                self.stopped = None;
                if stop.shuffled {
                    self.batch.shuffle(&mut self.dice);
                }
                self.post();
            }
            None if self.batch_closes.is_some_and(|closes| closes <= now) => self.post(),
            None => {}
        }
    }

    /// Posts all that is gathered, in batches.
    fn post(&mut self) {
        self.batch_closes = None;
        let mut events = mem::take(&mut self.batch).into_iter();
        loop {
            let mut batch: Vec<_> = events.by_ref().take(self.max_batch).collect();
            if batch.is_empty() {
                return;
            }
            if fraction(&mut self.dice) < self.odds.reorder {
                batch.shuffle(&mut self.dice);
            }
            self.post_batch(batch);
        }
    }

    /// Posts one batch: one body for each set of addresses.
    fn post_batch(&self, batch: Vec<Event>) {
        let mut bodies: Vec<(Audience, Vec<Event>)> = Vec::new();
        for event in batch {
            let audience = self.audience(&event);
            match bodies.iter_mut().find(|(of, _)| *of == audience) {
                Some((_, events)) => events.push(event),
                None => bodies.push((audience, vec![event])),
            }
        }
        let rules = self.post.rules.get();
        for (audience, events) in bodies {
            let body = Bytes::from(payload::encode(&self.post.senders, &rules, &events));
            let told = events.iter().filter_map(|event| match event {
                Event::Status(message, step) => Some((Arc::clone(message), step.status)),
                Event::Inbound(_) | Event::Account(_) => None,
            });
            let posting = Arc::clone(&self.post.courier).deliver(body, audience, told.collect(), events.len());
            tokio::spawn(self.stop.clone().run_until_cancelled_owned(posting));
        }
    }

    /// Who hears of an event now. Nobody, if all were taken off meanwhile.
    fn audience(&self, event: &Event) -> Audience {
        let (waba, number) = match event {
            Event::Status(message, _) => (self.post.senders[message.number].waba, Some(message.number)),
            Event::Inbound(inbound) => {
                (self.post.senders[inbound.number].waba, inbound.is_message().then_some(inbound.number))
            }
            Event::Account(told) => (told.waba, None),
        };
        self.post.courier.apps().audience(waba, number)
    }
}
