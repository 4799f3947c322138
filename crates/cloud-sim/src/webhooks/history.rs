//! What became of the latest messages, and of the webhooks that told of it (Meta: message history).

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::apps::{Audience, Route};
use super::plan::{Status, Step};
use crate::clock::micros;
use crate::message::Message;

/// Of how many messages it is known.
const MESSAGES: usize = 50_000;

const FIRST_ID: u64 = 600_000_000_000_001;

/// How far a webhook is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Delivery {
    /// It was not posted yet.
    Pending,
    /// It was posted, and not answered 200.
    Retrying,
    /// It was answered 200.
    Delivered,
    /// It was given up.
    Failed,
}

/// A webhook of an app.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Telling {
    /// The app's place.
    pub(crate) app: usize,
    pub(crate) route: Route,
    pub(crate) delivery: Delivery,
}

/// Something that happened to a message.
#[derive(Debug, Clone)]
pub(crate) struct Happening {
    pub(crate) status: Status,
    pub(crate) at_us: u64,
    /// To whom it is told; nobody, where no app hears of the number.
    pub(crate) tellings: Vec<Telling>,
}

/// What is known of one message.
#[derive(Debug, Clone)]
pub(crate) struct Record {
    pub(crate) id: u64,
    pub(crate) wamid: Arc<str>,
    pub(crate) number: usize,
    pub(crate) accepted_us: u64,
    pub(crate) happenings: Vec<Happening>,
}

/// The records of the latest messages.
#[derive(Default)]
pub(crate) struct History(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    records: HashMap<Arc<str>, Record>,
    /// The oldest first.
    order: VecDeque<Arc<str>>,
    /// How many were ever kept.
    count: u64,
}

impl History {
    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Steps lie ahead of a message, of which these will be told.
    pub(super) fn expect(&self, message: &Message, steps: &[Step], audience: &Audience) {
        let mut kept = self.lock();
        let happenings = &mut kept.record(message).happenings;
        for step in steps.iter().rev() {
            // A status that is told twice has happened once.
            if happenings.iter().all(|it| it.status != step.status) {
                let telling =
                    |(app, route): &(usize, Route)| Telling { app: *app, route: *route, delivery: Delivery::Pending };
                let at_us = message.went_out_us.saturating_add(micros(step.happened));
                let tellings = audience.iter().map(telling).collect();
                happenings.push(Happening { status: step.status, at_us, tellings });
            }
        }
    }

    /// How far the webhooks are by which an app is told of these statuses.
    pub(super) fn note(&self, told: &[(Arc<Message>, Status)], (app, route): (usize, Route), delivery: Delivery) {
        let mut kept = self.lock();
        for (message, status) in told {
            let record = kept.records.get_mut(message.wamid.as_str());
            let happenings = record.into_iter().flat_map(|record| &mut record.happenings);
            for happening in happenings.filter(|happening| happening.status == *status) {
                happening.note(Telling { app, route, delivery });
            }
        }
    }

    /// The records of a number, those of the latest messages first; of one message, if that is asked for.
    pub(crate) fn of(&self, number: usize, wamid: Option<&str>) -> Vec<Record> {
        let kept = self.lock();
        let found: Vec<_> = match wamid {
            Some(wamid) => kept.records.get(wamid).into_iter().collect(),
            None => kept.order.iter().rev().filter_map(|wamid| kept.records.get(wamid)).collect(),
        };
        found.into_iter().filter(|record| record.number == number).cloned().collect()
    }

    /// The record with this id.
    pub(crate) fn by_id(&self, id: u64) -> Option<Record> {
        let kept = self.lock();
        let first = FIRST_ID + kept.count - kept.order.len() as u64;
        let place = usize::try_from(id.checked_sub(first)?).ok()?;
        kept.records.get(kept.order.get(place)?).cloned()
    }
}

impl Happening {
    /// Who has been told stays so: a post that is repeated for others goes to all.
    fn note(&mut self, telling: Telling) {
        match self.tellings.iter_mut().find(|it| it.app == telling.app) {
            Some(it) if it.delivery == Delivery::Delivered => {}
            Some(it) => *it = telling,
            None => self.tellings.push(telling),
        }
    }
}

impl Kept {
    fn record(&mut self, message: &Message) -> &mut Record {
        if !self.records.contains_key(message.wamid.as_str()) {
            if self.order.len() >= MESSAGES
                && let Some(oldest) = self.order.pop_front()
            {
                self.records.remove(&oldest);
            }
            let (wamid, id) = (Arc::<str>::from(message.wamid.as_str()), FIRST_ID + self.count);
            self.count += 1;
            self.order.push_back(Arc::clone(&wamid));
            let (number, accepted_us) = (message.number, message.at_us);
            let record = Record { id, wamid: Arc::clone(&wamid), number, accepted_us, happenings: Vec::new() };
            self.records.insert(wamid, record);
        }
        self.records.get_mut(message.wamid.as_str()).expect("it was just put there")
    }
}
