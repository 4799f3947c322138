//! The delivery protocol: what the ledger of a page answers to those who work on it, step by step. Each step is what one
//! script of the store does in one go; the scripts are the twins of these functions, held equal by a test on random
//! histories. That these steps together lose nobody and serve nobody twice is explored exhaustively by the tests of this
//! crate.

use super::{Applied, Fact, MAX_ATTEMPTS, Outcome, Record, Standing, Tallies, Terms};
use crate::{UnixMs, desk::Intent, image::Missing};

/// The random mark of an owner: tells a repeated claim from another's.
pub type Nonce = [u8; 8];

/// Which Redis server: another one, after a restart or a failover, may know less than the one before it.
pub type Server = [u8; 8];

/// The last moment that a page's times can tell, in milliseconds after its base.
const LAST_MS: i64 = u32::MAX as i64 - 1;

/// Who owns a page: what fences it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Tenure {
    /// The fencing token: how often the page was claimed.
    pub epoch: u32,
    /// The owner's mark; zero before the first.
    pub nonce: Nonce,
}

/// Why an owner may not go on, or nothing may begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// Another owner has the page.
    Outranked,
    /// The page is gone.
    Foreign,
    /// The page bears the finished mark.
    Finished,
    /// The run is paused, its pool is, or everything is stopped.
    Held,
    /// The run, or its window, is not open yet.
    Early,
    /// The deadline has passed.
    Expired,
    /// The run was cancelled.
    Cancelled,
    /// The run is closed, or gone.
    Closed,
}

impl Refusal {
    /// The refusal that scripts answer with `word`.
    pub fn from_word(word: &str) -> Option<Self> {
        Some(match word {
            "outranked" => Self::Outranked,
            "foreign" => Self::Foreign,
            "finished" => Self::Finished,
            "held" => Self::Held,
            "early" => Self::Early,
            "expired" => Self::Expired,
            "cancelled" => Self::Cancelled,
            "closed" => Self::Closed,
            _ => return None,
        })
    }
}

/// True when attempts of a run with this gate begin now, or will: the gate is open, held or early.
fn may_begin(gate: Option<Refusal>) -> bool {
    matches!(gate, None | Some(Refusal::Held | Refusal::Early))
}

/// The answer to begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Begun {
    /// The intents with true are in the journal and may be POSTed; the ledger knows better of the others.
    Granted {
        /// When, by Redis' clock.
        at: UnixMs,
        /// One per intent.
        granted: Vec<bool>,
        /// Which state of the suppression list was told to the run last: another than before means that the owner has to
        /// look at the list before it POSTs.
        list: u64,
    },
    /// None may.
    Refused(Refusal),
}

/// The answer to renew.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Renewal {
    /// Still the owner.
    Owned {
        /// Redis' time.
        now: UnixMs,
        /// The page's version: another than before means that the ledger has moved.
        version: u32,
        /// The page bears the finished mark.
        finished: bool,
        /// Why the run lets nothing begin now; none when it does.
        gate: Option<Refusal>,
    },
    /// No longer.
    Lost(Refusal),
}

/// The answer to finish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finish {
    /// The mark is set.
    Finished,
    /// These deliveries are not settled.
    Unsettled(Vec<u8>),
    /// Another owner has the page, or it is gone.
    Lost(Refusal),
}

/// A fact about one attempt of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttemptFact {
    /// Which delivery of the page.
    pub index: u8,
    /// What is known.
    pub fact: Fact,
    /// WhatsApp's id for the message, where it is known.
    pub message_id: Option<String>,
}

/// What a fact did to its delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Transition {
    /// Whether it was news.
    pub applied: Applied,
    /// What the delivery was.
    pub before: Standing,
    /// What it is.
    pub after: Standing,
}

impl Transition {
    /// A fact about no attempt of the page.
    const NONE: Self = Self { applied: Applied::Stale, before: Standing::Failed, after: Standing::Failed };
}

/// What became of the facts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settlement {
    /// A transition per fact, in order.
    pub transitions: Vec<Transition>,
    /// The page had been finished and no longer is: put it back into its lane.
    pub reopened: bool,
}

/// A page's ledger, as far as the protocol needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The finished mark: nothing in it is left to do.
    pub finished: bool,
    /// The present owner.
    pub tenure: Tenure,
    /// Rises with every change that its owner did not make.
    pub version: u32,
    /// What the ledger knows of the campaign.
    pub terms: Terms,
    /// No time of the page is before this moment, or more than 49 days after it.
    pub base: UnixMs,
    /// The place of the home number in the run's table.
    pub home: u16,
    /// The server on which its owners have worked.
    pub server: Server,
    /// Until then attempts may have been begun that this ledger has lost.
    pub doubt: Option<UnixMs>,
    /// A record per delivery.
    pub records: Vec<Record>,
    /// What the page adds to the tallies of its run.
    pub tallies: Tallies,
}

impl Page {
    /// A page of `count` deliveries that nobody has claimed yet.
    pub fn new(count: u16, terms: Terms, base: UnixMs) -> Self {
        let records = vec![Record::default(); usize::from(count)];
        let mut tallies = Tallies::default();
        records.iter().for_each(|record| tallies.add(record, &terms));
        let (tenure, server) = (Tenure::default(), Server::default());
        Self { finished: false, tenure, version: 0, terms, base, home: 0, server, doubt: None, records, tallies }
    }

    /// Takes the page over (rule 3, takeover): the next epoch under the new owner's nonce, and what was begun is unsure,
    /// since whoever began it can no longer be asked. A repeat by the same owner changes nothing. None when the page is
    /// finished.
    pub fn claim(&mut self, nonce: Nonce) -> Option<Tenure> {
        if self.finished {
            return None;
        }
        if self.tenure.nonce != nonce {
            self.tenure = Tenure { epoch: self.tenure.epoch + 1, nonce };
            self.version += 1;
            (0..self.records.len()).for_each(|index| {
                self.change(index, Record::take_over);
            });
        }
        Some(self.tenure)
    }

    /// Writes intents, each with the place of the number that will send it, into the journal (rule 1, begin before
    /// POST): only what this grants may be POSTed. `gate` is why the run lets nothing begin at `now`.
    pub fn begin(&mut self, owner: Tenure, intents: &[(Intent, u8)], gate: Option<Refusal>, now: UnixMs) -> Begun {
        if owner != self.tenure {
            return Begun::Refused(Refusal::Outranked);
        }
        if let Some(refusal) = self.finished.then_some(Refusal::Finished).or(gate) {
            return Begun::Refused(refusal);
        }
        let granted = intents.iter().map(|(intent, number)| self.grant(intent, *number, now)).collect();
        Begun::Granted { at: now, granted, list: 0 }
    }

    /// An intent that is begun already was begun by this owner, and its reply lost: claim leaves nothing begun. *It is asked
    /// for again on another number*: refused, or the ledger would name a number that has not sent it.
    fn grant(&mut self, intent: &Intent, number: u8, now: UnixMs) -> bool {
        let Some(record) = self.records.get(usize::from(intent.index)) else { return false };
        let (used, n) = (record.outcomes.used(), intent.attempt);
        let repeated = used == n && n > 0 && record.outcomes.get(n) == Outcome::Begun && record.number == number;
        let expected = record.standing(&self.terms) == intent.expected && used + 1 == n && n <= MAX_ATTEMPTS;
        if expected && !repeated {
            self.change(usize::from(intent.index), |record| record.begin(n, number, now));
        }
        expected || repeated
    }

    /// Looks after the page for its owner; changes nothing.
    pub fn renew(&self, owner: Tenure, gate: Option<Refusal>, now: UnixMs) -> Renewal {
        if owner != self.tenure {
            return Renewal::Lost(Refusal::Outranked);
        }
        Renewal::Owned { now, version: self.version, finished: self.finished, gate }
    }

    /// Records verdicts of `owner`'s attempts. Not fenced (rule 2, a verdict is a fact): what was answered is so, whoever
    /// owns the page now. When someone else does, the version rises.
    pub fn commit(&mut self, owner: Tenure, facts: &[AttemptFact], gate: Option<Refusal>) -> Settlement {
        let own = owner == self.tenure;
        self.record(facts, gate, !own)
    }

    /// Records what status webhooks told of the page's attempts, in any order and repetition.
    pub fn receipt(&mut self, facts: &[AttemptFact], gate: Option<Refusal>) -> Settlement {
        self.record(facts, gate, true)
    }

    /// Takes the mark of a finished page back when one of its deliveries waits again (rule 5, finish is the ledger's
    /// word): without this a page that was finished between two receipts would never be looked at again.
    fn record(&mut self, facts: &[AttemptFact], gate: Option<Refusal>, by_another: bool) -> Settlement {
        let (mut news, mut waits) = (false, false);
        let mut transitions = Vec::with_capacity(facts.len());
        for fact in facts {
            let (transition, changed) = self.apply(fact);
            news |= changed;
            waits |= transition.before != transition.after && transition.after <= Standing::Unconfirmed;
            transitions.push(transition);
        }
        let reopened = waits && self.finished && may_begin(gate);
        self.finished &= !reopened;
        self.version += u32::from(news && (by_another || reopened));
        Settlement { transitions, reopened }
    }

    fn apply(&mut self, AttemptFact { index, fact, message_id }: &AttemptFact) -> (Transition, bool) {
        let (index, terms) = (usize::from(*index), self.terms);
        let known = (1..=MAX_ATTEMPTS).contains(&fact.attempt);
        let Some(before) = self.records.get(index).filter(|_| known).map(|record| record.standing(&terms)) else {
            return (Transition::NONE, false);
        };
        let mut applied = Applied::Stale;
        let changed = self.change(index, |record| {
            applied = record.apply(fact, &terms);
            record.ids |= message_id.as_ref().map_or(0, |_| 1 << (fact.attempt - 1));
        });
        (Transition { applied, before, after: self.records[index].standing(&terms) }, changed)
    }

    /// Sets the finished mark, unless the ledger knows of something unsettled. `left` are the unconfirmed deliveries
    /// that the policy leaves so.
    pub fn finish(&mut self, owner: Tenure, left: &[u8], gate: Option<Refusal>) -> Finish {
        if owner != self.tenure {
            return Finish::Lost(Refusal::Outranked);
        }
        let is_unsettled = |(index, record): (usize, &Record)| {
            let unsettled = match record.standing(&self.terms) {
                Standing::Planned | Standing::Retrying => may_begin(gate),
                Standing::Sending => true,
                Standing::Unconfirmed => !left.contains(&(index as u8)),
                _ => false,
            };
            unsettled.then_some(index as u8)
        };
        let unsettled: Vec<u8> = self.records.iter().enumerate().filter_map(is_unsettled).collect();
        if !unsettled.is_empty() {
            return Finish::Unsettled(unsettled);
        }
        self.finished = true;
        Finish::Finished
    }

    /// Marks attempts that may have gone out though the ledger does not know of them (rule 9, when Redis loses
    /// acknowledged writes): unsure, as begun at `at`. Then its owners have worked on `server`, and `doubt`, if given, is
    /// until when there is any. A repeat finds the attempts there.
    ///
    /// # Errors
    /// When another owner has the page.
    pub fn suspect(
        &mut self,
        owner: Tenure,
        intents: &[Intent],
        at: UnixMs,
        server: Server,
        doubt: Option<UnixMs>,
    ) -> Result<(), Refusal> {
        if owner != self.tenure {
            return Err(Refusal::Outranked);
        }
        let (terms, home) = (self.terms, self.home as u8);
        for Intent { index, attempt, expected } in intents {
            self.change(usize::from(*index), |record| {
                if record.standing(&terms) == *expected && record.outcomes.used() + 1 == *attempt {
                    record.start(*attempt, Outcome::Unsure, home, at);
                }
            });
        }
        self.server = server;
        self.doubt = self.doubt.max(doubt);
        Ok(())
    }

    /// An owner, or who was one, tells again what the ledger no longer knows (rule 9). Not fenced, as commit is not; what
    /// somebody else has begun is unsure, as after a takeover.
    pub fn recall(&mut self, owner: Tenure, missing: &Missing, gate: Option<Refusal>) -> Settlement {
        let own = owner == self.tenure;
        let outcome = if own { Outcome::Begun } else { Outcome::Unsure };
        let mut marked = false;
        for mark in &missing.marks {
            marked |= self.change(usize::from(mark.index), |record| {
                if mark.attempt > record.outcomes.used() {
                    record.start(mark.attempt, outcome, mark.number, mark.at);
                }
            });
        }
        let reopened = marked && self.finished && may_begin(gate);
        self.finished &= !reopened;
        let version = self.version;
        let settlement = self.record(&missing.facts, gate, !own);
        let reopened = reopened || settlement.reopened;
        self.version = self.version.max(version + u32::from(marked && (!own || reopened)));
        Settlement { reopened, ..settlement }
    }

    /// Changes a record and moves the tallies along, the only way in which they move; true when anything of it is other
    /// than it was.
    fn change(&mut self, index: usize, change: impl FnOnce(&mut Record)) -> bool {
        let before = self.records[index];
        let mut after = before;
        change(&mut after);
        let kept = self.kept(after);
        self.records[index] = kept;
        self.tallies.shift(&before, &kept, &self.terms);
        kept != before
    }

    /// Times as the ledger can keep them.
    fn kept(&self, record: Record) -> Record {
        let keep = |at: Option<UnixMs>| at.map(|at| at.clamp(self.base, self.base + LAST_MS));
        Record {
            first_begun: keep(record.first_begun),
            last_begun: keep(record.last_begun),
            sent_at: keep(record.sent_at),
            delivered_at: keep(record.delivered_at),
            read_at: keep(record.read_at),
            ..record
        }
    }
}
