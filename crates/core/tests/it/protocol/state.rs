//! Everything that there is: Redis, two workers, Meta, and the receipt handler in between.

use std::hash::{DefaultHasher, Hash, Hasher};

use dawncast_core::{
    UnixMs,
    campaign::Then,
    delivery::{
        Attempt, Fact, Gate, Outcome, Terms,
        page::{Page, Refusal, Tenure},
    },
    desk::{Desk, Intent, Rules},
    retry::{ReceiptPath, RetryPolicy},
};

use super::Setting;

/// Deliveries of the page, and attempts of each that a state has room for: two and those that do not count.
pub(crate) const DELIVERIES: usize = 2;
pub(crate) const ATTEMPTS: usize = 5;
pub(crate) const WORKERS: usize = 2;

/// The page's place in its lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Lane {
    Out,
    Free,
    /// Under the token of this lease.
    Leased(u8),
}

/// What Redis holds, and may lose.
#[derive(Debug, Clone)]
pub(crate) struct Redis {
    pub(crate) page: Page,
    pub(crate) lane: Lane,
    pub(crate) server: u8,
    pub(crate) held: bool,
    pub(crate) cancelled: bool,
}

/// How far a worker is with the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Phase {
    Idle,
    Leased,
    Working,
    /// It has set the mark.
    Marked,
    /// The page has left its lane.
    Left,
}

/// A task that owns the page, or thinks so. What it keeps follows `engine::dispatch`.
#[derive(Debug, Clone)]
pub(crate) struct Worker {
    pub(crate) phase: Phase,
    /// Its lease's token and its nonce in one: both are random and new each time.
    pub(crate) mark: u8,
    pub(crate) tenure: Tenure,
    pub(crate) desk: Option<Desk>,
    pub(crate) version: u32,
    pub(crate) refusal: Option<Refusal>,
    pub(crate) frozen: bool,
    /// By its own clock its lease is over.
    pub(crate) late: bool,
    pub(crate) lost: bool,
    pub(crate) stale: bool,
    /// Granted, and not yet POSTed.
    pub(crate) granted: Option<(Intent, u8)>,
    pub(crate) doubt: Vec<Intent>,
    /// POSTed, without an answer yet.
    pub(crate) wire: Vec<(u16, Attempt)>,
    pub(crate) told: Vec<(u16, Fact)>,
    /// The server that it has worked on.
    pub(crate) server: u8,
    /// Until then attempts may have been begun that the ledger has lost.
    pub(crate) until: Option<UnixMs>,
}

impl Worker {
    pub(crate) const IDLE: Self = Self {
        phase: Phase::Idle,
        mark: 0,
        tenure: Tenure { epoch: 0, nonce: [0; 8] },
        desk: None,
        version: 0,
        refusal: None,
        frozen: false,
        late: false,
        lost: false,
        stale: false,
        granted: None,
        doubt: Vec::new(),
        wire: Vec::new(),
        told: Vec::new(),
        server: 0,
        until: None,
    };
}

/// Where a message is, in truth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(crate) enum Place {
    /// It was never POSTed.
    #[default]
    Nowhere,
    /// It may arrive now, late or never.
    Wire,
    Taken,
    Refused,
    RefusedForGood,
}

/// The message of an attempt, in truth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(crate) struct Message {
    pub(crate) place: Place,
    /// How Meta has told that it failed, if it has.
    pub(crate) failed: Option<Outcome>,
    /// It was POSTed again under the same number, after lost writes and at the policy's risk.
    pub(crate) again: bool,
    /// Somebody waited out its grace in vain: another may go out.
    pub(crate) waited_out: bool,
}

#[derive(Debug, Clone)]
pub(crate) struct State {
    pub(crate) redis: Redis,
    /// What Redis comes back with when it dies.
    pub(crate) kept: Option<Box<Redis>>,
    pub(crate) workers: [Worker; WORKERS],
    pub(crate) messages: [[Message; ATTEMPTS]; DELIVERIES],
    /// Somebody has reopened the page and is about to put it into its lane.
    pub(crate) owed: bool,
    pub(crate) expired: bool,
    /// How many there may still be.
    pub(crate) mishaps: u8,
}

/// Nothing takes time here but grace: whoever waits it out looks at its desk at this moment.
pub(crate) const PAST_GRACE: UnixMs = 1_000;
const GRACE_MS: i64 = 100;
/// No receipt ever shortens a wait: grace passes by itself, in full.
pub(crate) const PATH: ReceiptPath = ReceiptPath { last_receipt: None, up_since: 0, down_ms: 0 };

pub(crate) fn rules(then: Then, max_attempts: Attempt) -> Rules {
    Rules {
        terms: Terms { max_attempts, counts: Outcome::Sent, deadline: 0 },
        retry: RetryPolicy { max_attempts, base_ms: 0, cap_ms: 0 },
        unconfirmed: then,
        grace_ms: GRACE_MS,
        // The deadline is an event.
        late: true,
    }
}

impl State {
    pub(crate) fn new(setting: &Setting) -> Self {
        let page = Page::new(setting.deliveries as u16, setting.rules().terms, 0);
        Self {
            redis: Redis { page, lane: Lane::Free, server: 0, held: false, cancelled: false },
            kept: None,
            workers: [Worker::IDLE; WORKERS],
            messages: Default::default(),
            owed: false,
            expired: false,
            mishaps: setting.mishaps,
        }
    }

    /// Each server has its moment, and between two of them what may be lost is.
    pub(crate) fn now(&self) -> UnixMs {
        2 * UnixMs::from(self.redis.server)
    }

    /// Why the run lets nothing begin.
    pub(crate) fn gate(&self) -> Option<Refusal> {
        match &self.redis {
            redis if redis.cancelled => Some(Refusal::Cancelled),
            _ if self.expired => Some(Refusal::Expired),
            redis if redis.held => Some(Refusal::Held),
            _ => None,
        }
    }

    /// What the run says as far as a worker knows: the time it knows by itself.
    pub(crate) fn gate_of(&self, worker: usize) -> Gate {
        match self.workers[worker].refusal {
            Some(Refusal::Cancelled) => Gate::Cancelled,
            Some(Refusal::Expired | Refusal::Closed) => Gate::Expired,
            _ if self.expired => Gate::Expired,
            _ => Gate::Open,
        }
    }

    pub(crate) fn message(&mut self, index: u16, attempt: Attempt) -> &mut Message {
        &mut self.messages[usize::from(index)][usize::from(attempt) - 1]
    }

    /// A token that nobody bears. It means nothing but that it is new.
    pub(crate) fn new_mark(&self) -> u8 {
        let in_redis = |redis: &Redis, mark: u8| redis.lane == Lane::Leased(mark) || redis.page.tenure.nonce[0] == mark;
        let is_free = |mark: &u8| {
            !self.workers.iter().any(|worker| worker.mark == *mark)
                && !in_redis(&self.redis, *mark)
                && !self.kept.as_ref().is_some_and(|kept| in_redis(kept, *mark))
        };
        (1..).find(is_free).expect("there are few of them")
    }

    /// Equal for states that differ in nothing but names: who of the two workers is which, and how tokens and epochs are
    /// numbered.
    pub(crate) fn fingerprint(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        let mut workers = self.workers.each_ref().map(|worker| self.worker_print(worker));
        workers.sort_unstable();
        workers.hash(&mut hasher);
        self.redis_print(&self.redis, &mut hasher);
        if let Some(kept) = &self.kept {
            self.redis_print(kept, &mut hasher);
        }
        (self.messages, self.owed, self.expired, self.mishaps).hash(&mut hasher);
        hasher.finish()
    }

    fn redis_print(&self, redis: &Redis, hasher: &mut DefaultHasher) {
        let page = &redis.page;
        let place = match redis.lane {
            Lane::Out => 0,
            Lane::Free => 1,
            Lane::Leased(_) => 2,
        };
        (place, redis.held, redis.cancelled, page.finished, redis.server, page.server, page.doubt).hash(hasher);
        for record in &page.records {
            (record.outcomes, record.within, record.throttled, record.last_begun).hash(hasher);
        }
        page.tallies.resends.hash(hasher);
    }

    fn worker_print(&self, worker: &Worker) -> u64 {
        let mut hasher = DefaultHasher::new();
        worker.phase.hash(&mut hasher);
        if worker.phase == Phase::Idle {
            return hasher.finish();
        }
        let relation = |redis: &Redis| {
            let ahead = redis.page.version.wrapping_sub(worker.version);
            // Versions only rise, so that another is another; unless Redis goes back.
            let ahead = if self.kept.is_none() && redis.server == 0 { ahead.min(1) } else { ahead };
            (redis.page.tenure == worker.tenure, redis.lane == Lane::Leased(worker.mark), ahead)
        };
        relation(&self.redis).hash(&mut hasher);
        self.kept.as_ref().map(|kept| relation(kept)).hash(&mut hasher);
        (&worker.desk, worker.refusal, worker.frozen, worker.late).hash(&mut hasher);
        (worker.lost, worker.stale, worker.granted, &worker.doubt).hash(&mut hasher);
        (&worker.wire, worker.server, worker.until).hash(&mut hasher);
        for (index, fact) in &worker.told {
            (index, fact.attempt, fact.outcome, fact.throttled).hash(&mut hasher);
        }
        hasher.finish()
    }
}
