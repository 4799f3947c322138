//! The desk of a page's owner: its deliveries, what is on the wire, and what is to be done next. Pure: the owner
//! brings time, answers and receipts; the desk says which attempts to begin and when to look again. Kill the owner
//! anywhere and the next one sets up the same desk from the ledger.

use rand::Rng;

use crate::{
    UnixMs,
    campaign::Then,
    delivery::{Attempt, Fact, Gate, Outcome, Record, Standing, Terms},
    image::Missing,
    retry::{Patience, ReceiptPath, RetryPolicy, next_attempt_at, patience, spared_until},
    verdict::Verdict,
};

/// The campaign's rules for a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Rules {
    /// What the ledger knows of the campaign.
    pub terms: Terms,
    /// When to try again.
    pub retry: RetryPolicy,
    /// What to do with a send that stays unconfirmed.
    pub unconfirmed: Then,
    /// How long to wait for its receipt.
    pub grace_ms: i64,
    /// The campaign also sends after its deadline.
    pub late: bool,
}

impl Rules {
    fn begin_limit(&self) -> Option<UnixMs> {
        (!self.late).then_some(self.terms.deadline)
    }
}

/// An attempt that the desk wants to begin, and the standing it believes to find in the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Intent {
    /// Which delivery of the page.
    pub index: u16,
    /// Which attempt.
    pub attempt: Attempt,
    /// [`Standing::Planned`], `Retrying`, or `Unconfirmed` past grace. Begin is refused when the ledger knows better.
    pub expected: Standing,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Phase {
    /// To be begun at this moment.
    Waiting(UnixMs),
    /// Begun by us; its answer is outstanding.
    InFlight,
    /// Unsure since this moment.
    Parked(UnixMs),
    /// Nothing to do unless a receipt says otherwise.
    Settled,
    /// Unsure, and the policy has decided to leave it so.
    Left,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Entry {
    record: Record,
    phase: Phase,
}

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Desk {
    entries: Vec<Entry>,
    rules: Rules,
}

impl Desk {
    /// Sets up the desk from the page as claimed: nothing in it is begun any more.
    pub fn new(records: &[Record], dues: &[UnixMs], rules: Rules, now: UnixMs) -> Self {
        let entries = records.iter().zip(dues).map(|(record, due)| {
            let phase = match record.standing(&rules.terms) {
                Standing::Planned => Phase::Waiting(*due),
                Standing::Retrying => Phase::Waiting(now),
                Standing::Sending | Standing::Unconfirmed => Phase::Parked(record.last_begun.unwrap_or(now)),
                _ => Phase::Settled,
            };
            Entry { record: *record, phase }
        });
        Self { entries: entries.collect(), rules }
    }

    /// Up to `limit` attempts that should be begun now, most urgent first. Decides about parked ones on the way.
    pub fn ready(&mut self, now: UnixMs, path: &ReceiptPath, gate: Gate, limit: usize) -> Vec<Intent> {
        let mut intents = Vec::new();
        for (index, entry) in self.entries.iter_mut().enumerate() {
            if intents.len() == limit {
                break;
            }
            if entry.is_ready(now, path, gate, &self.rules) {
                let attempt = entry.record.outcomes.used() + 1;
                let expected = entry.record.standing(&self.rules.terms);
                intents.push(Intent { index: index as u16, attempt, expected });
            }
        }
        intents
    }

    /// What is ready waits until `until`, and no longer than it may be begun at all. No attempt is spent. Answers the moment.
    pub fn put_off(&mut self, index: u16, until: UnixMs) -> UnixMs {
        let until = self.rules.begin_limit().map_or(until, |limit| until.min(limit));
        self.entries[usize::from(index)].phase = Phase::Waiting(until);
        until
    }

    /// What was put off until `until` may be begun at `now`, unless something else has become of it.
    pub fn resume(&mut self, index: u16, until: UnixMs, now: UnixMs) {
        let phase = &mut self.entries[usize::from(index)].phase;
        if *phase == Phase::Waiting(until) {
            *phase = Phase::Waiting(now);
        }
    }

    /// The ledger granted an intent: its POST goes out now.
    pub fn begun(&mut self, intent: &Intent, number: u8, now: UnixMs) {
        let entry = &mut self.entries[usize::from(intent.index)];
        entry.record.begin(intent.attempt, number, now);
        entry.phase = Phase::InFlight;
    }

    /// The answer to an attempt: the fact to record. An attempt withdrawn before its POST is answered
    /// [`Verdict::Withdrawn`], since it never left.
    pub fn answered(
        &mut self,
        index: u16,
        attempt: Attempt,
        verdict: Verdict,
        now: UnixMs,
        rng: &mut impl Rng,
    ) -> Fact {
        let fact = verdict.fact(attempt, now);
        let rules = self.rules;
        let entry = &mut self.entries[usize::from(index)];
        entry.record.apply(&fact, &rules.terms);
        let retry_at = next_attempt_at(verdict, attempt, now, &rules.retry, rng);
        let retry_at = retry_at.max(spared_until(verdict, attempt, now, rules.begin_limit()));
        entry.settle(retry_at, now, &rules);
        fact
    }

    /// What the ledger says now of every delivery: receipts may have moved some.
    pub fn observe(&mut self, records: &[Record], now: UnixMs, rng: &mut impl Rng) {
        let rules = self.rules;
        for (entry, record) in self.entries.iter_mut().zip(records) {
            let moved = record.outcomes != entry.record.outcomes;
            entry.record = *record;
            let in_flight = entry.phase == Phase::InFlight && latest(record) == Outcome::Begun;
            if moved && !in_flight {
                let verdict = Verdict::Transient(record.code);
                let retry_at = next_attempt_at(verdict, record.outcomes.used().max(1), now, &rules.retry, rng);
                entry.settle(retry_at, now, &rules);
            }
        }
    }

    /// When to look again if nothing happens before; none when nothing is left to wait for but answers.
    pub fn wake_at(&self, now: UnixMs, path: &ReceiptPath, gate: Gate) -> Option<UnixMs> {
        let wake = |entry: &Entry| match entry.phase {
            Phase::Waiting(at) if gate == Gate::Open => Some(at),
            Phase::Parked(since) if gate == Gate::Open => {
                match patience(since, now, self.rules.grace_ms, path, self.rules.begin_limit()) {
                    Patience::Wait(at) => Some(at),
                    Patience::Decide | Patience::Leave => Some(now),
                }
            }
            _ => None,
        };
        self.entries.iter().filter_map(wake).min()
    }

    /// True when an answer is outstanding.
    pub fn is_in_flight(&self) -> bool {
        self.entries.iter().any(|entry| entry.phase == Phase::InFlight)
    }

    /// True when nothing is left to do: the page may be finished. Where nothing may be begun any more, nobody waits; what
    /// is unsure, its receipt will tell without an owner.
    pub fn is_settled(&self, gate: Gate) -> bool {
        self.entries.iter().all(|entry| match entry.phase {
            Phase::Settled | Phase::Left => true,
            Phase::Waiting(_) | Phase::Parked(_) => gate != Gate::Open,
            Phase::InFlight => false,
        })
    }

    /// The unconfirmed deliveries that are left so: finish accepts these.
    pub fn left(&self, gate: Gate) -> impl Iterator<Item = u16> + '_ {
        let is_left = move |entry: &Entry| match entry.phase {
            Phase::Left => true,
            Phase::Parked(_) => gate != Gate::Open,
            // A resend that was put off.
            Phase::Waiting(_) => {
                gate != Gate::Open && entry.record.standing(&self.rules.terms) == Standing::Unconfirmed
            }
            _ => false,
        };
        self.entries.iter().enumerate().filter(move |(_, entry)| is_left(entry)).map(|(index, _)| index as u16)
    }

    /// The rules that it goes by.
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// What the ledger lacks of what the desk knows: nothing, unless Redis has lost writes that it acknowledged.
    pub fn missing(&self, ledger: &[Record]) -> Missing {
        let mut missing = Missing::default();
        for (index, (entry, record)) in self.entries.iter().zip(ledger).enumerate() {
            if entry.record.outcomes != record.outcomes {
                missing.note(index as u16, &entry.record, record, &self.rules.terms);
            }
        }
        missing
    }

    /// The ledger's word on one delivery, as far as the owner knows it.
    pub fn record(&self, index: u16) -> &Record {
        &self.entries[usize::from(index)].record
    }
}

fn latest(record: &Record) -> Outcome {
    match record.outcomes.used() {
        0 => Outcome::None,
        n => record.outcomes.get(n),
    }
}

impl Entry {
    fn is_ready(&mut self, now: UnixMs, path: &ReceiptPath, gate: Gate, rules: &Rules) -> bool {
        match self.phase {
            Phase::Waiting(at) => gate == Gate::Open && at <= now,
            Phase::Parked(since) => match patience(since, now, rules.grace_ms, path, rules.begin_limit()) {
                Patience::Wait(_) => false,
                Patience::Decide if self.may_resend(gate, rules) => true,
                Patience::Decide | Patience::Leave => {
                    self.phase = Phase::Left;
                    false
                }
            },
            Phase::InFlight | Phase::Settled | Phase::Left => false,
        }
    }

    /// Whether an unsure send may go out again.
    fn may_resend(&self, gate: Gate, rules: &Rules) -> bool {
        gate == Gate::Open && rules.may_resend(&self.record)
    }

    /// Sets the phase that follows from the record, its next attempt waiting until `retry_at`.
    fn settle(&mut self, retry_at: UnixMs, now: UnixMs, rules: &Rules) {
        self.phase = match self.record.standing(&rules.terms) {
            Standing::Planned | Standing::Retrying => Phase::Waiting(retry_at),
            Standing::Sending => Phase::InFlight,
            Standing::Unconfirmed => match self.phase {
                phase @ (Phase::Parked(_) | Phase::Left) => phase,
                _ => Phase::Parked(self.record.last_begun.unwrap_or(now)),
            },
            _ => Phase::Settled,
        };
    }
}

#[cfg(test)]
#[path = "desk_tests.rs"]
mod tests;
