//! A page as core would keep it: what the scripts are compared with.

use dawncast_core::{
    UnixMs,
    delivery::{Applied, MAX_ATTEMPTS, Outcome, Record, Standing, Terms},
    desk::Intent,
};
use dawncast_store::{
    page::{AttemptFact, Begun, Finish, Header, Ledger, Owner, Refusal, Settlement, Transition},
    run::RunTallies,
};

use crate::run_scene::OPENS;

#[derive(Debug)]
pub(crate) struct Model {
    pub(crate) ledger: Ledger,
    pub(crate) tallies: RunTallies,
    /// From when on nothing may begin.
    until: Option<UnixMs>,
}

/// Times as the ledger can keep them.
fn kept(record: Record) -> Record {
    let keep = |at: Option<UnixMs>| at.map(|at| at.clamp(OPENS, OPENS + i64::from(u32::MAX) - 1));
    Record {
        first_begun: keep(record.first_begun),
        last_begun: keep(record.last_begun),
        sent_at: keep(record.sent_at),
        delivered_at: keep(record.delivered_at),
        read_at: keep(record.read_at),
        ..record
    }
}

impl Model {
    pub(crate) fn new(header: Header, until: Option<UnixMs>) -> Self {
        let records = vec![Record::default(); usize::from(header.count)];
        let mut tallies = RunTallies::default();
        records.iter().for_each(|record| tallies.tallies.add(record, &header.terms));
        Self { ledger: Ledger { header, records }, tallies, until }
    }

    fn terms(&self) -> Terms {
        self.ledger.header.terms
    }

    pub(crate) fn gate(&self, now: UnixMs) -> Option<Refusal> {
        match self.until {
            Some(until) if now >= until => Some(Refusal::Expired),
            _ if now < OPENS => Some(Refusal::Early),
            _ => None,
        }
    }

    pub(crate) fn owns(&self, owner: &Owner) -> bool {
        (owner.epoch, owner.nonce) == (self.ledger.header.epoch, self.ledger.header.nonce)
    }

    /// Changes a record and moves the tallies along; true when anything is other than it was.
    fn change(&mut self, index: usize, change: impl FnOnce(&mut Record)) -> bool {
        let (before, terms) = (self.ledger.records[index], self.terms());
        let mut after = before;
        change(&mut after);
        self.ledger.records[index] = kept(after);
        self.tallies.tallies.shift(&before, &self.ledger.records[index], &terms);
        self.ledger.records[index] != before
    }

    /// None when the page is finished.
    pub(crate) fn claim(&mut self, nonce: [u8; 8]) -> Option<Ledger> {
        if self.ledger.header.finished {
            return None;
        }
        if self.ledger.header.nonce != nonce {
            self.ledger.header.nonce = nonce;
            self.ledger.header.epoch += 1;
            self.ledger.header.version += 1;
            (0..self.ledger.records.len()).for_each(|index| {
                self.change(index, Record::take_over);
            });
        }
        Some(self.ledger.clone())
    }

    pub(crate) fn begin(&mut self, owner: &Owner, intents: &[(Intent, u8)], now: UnixMs) -> Begun {
        if !self.owns(owner) {
            return Begun::Refused(Refusal::Outranked);
        }
        let finished = self.ledger.header.finished.then_some(Refusal::Finished);
        if let Some(refusal) = finished.or(self.gate(now)) {
            return Begun::Refused(refusal);
        }
        let granted = intents.iter().map(|(intent, number)| self.grant(intent, *number, now)).collect();
        Begun::Granted { at: now, granted }
    }

    fn grant(&mut self, intent: &Intent, number: u8, now: UnixMs) -> bool {
        let Some(record) = self.ledger.records.get(usize::from(intent.index)) else { return false };
        let (used, n) = (record.outcomes.used(), intent.attempt);
        let repeated = used == n && n > 0 && record.outcomes.get(n) == Outcome::Begun;
        let expected = record.standing(&self.terms()) == intent.expected && used + 1 == n && n <= MAX_ATTEMPTS;
        if expected && !repeated {
            self.change(usize::from(intent.index), |record| record.begin(n, number, now));
        }
        expected || repeated
    }

    /// The facts of one commit (by an owner) or one receipt.
    pub(crate) fn facts(&mut self, owner: Option<&Owner>, facts: &[AttemptFact], now: UnixMs) -> Settlement {
        let (mut news, mut waits) = (false, false);
        let mut transitions = Vec::new();
        for fact in facts {
            let (transition, changed) = self.fact(fact);
            news |= changed;
            waits |= transition.before != transition.after && transition.after <= Standing::Unconfirmed;
            transitions.push(transition);
        }
        let may_begin = matches!(self.gate(now), None | Some(Refusal::Early));
        let reopened = waits && self.ledger.header.finished && may_begin;
        if reopened {
            self.ledger.header.finished = false;
        }
        if news && (reopened || owner.is_none_or(|owner| !self.owns(owner))) {
            self.ledger.header.version += 1;
        }
        Settlement { transitions, reopened }
    }

    fn fact(&mut self, AttemptFact { index, fact, message_id }: &AttemptFact) -> (Transition, bool) {
        let terms = self.terms();
        let Some(record) = self.ledger.records.get(usize::from(*index)).copied() else {
            let failed = Standing::Failed;
            return (Transition { applied: Applied::Stale, before: failed, after: failed }, false);
        };
        let (known, mut applied) = (record.outcomes.get(fact.attempt), Applied::Stale);
        let changed = self.change(usize::from(*index), |record| {
            applied = record.apply(fact, &terms);
            record.ids |= message_id.as_ref().map_or(0, |_| 1 << (fact.attempt - 1));
        });
        let after = self.ledger.records[usize::from(*index)];
        if applied == Applied::Raised && fact.attempt == after.outcomes.used() {
            let number = self.tallies.numbers.entry(usize::from(after.number)).or_default();
            number.accepted += u64::from(fact.outcome.is_positive() && known < Outcome::Accepted);
            let refused = fact.throttled && fact.outcome == Outcome::FailedRetryable && fact.code != 0;
            number.throttled += u64::from(refused);
        }
        (Transition { applied, before: record.standing(&terms), after: after.standing(&terms) }, changed)
    }

    pub(crate) fn finish(&mut self, owner: &Owner, left: &[u8], now: UnixMs) -> Finish {
        if !self.owns(owner) {
            return Finish::Lost(Refusal::Outranked);
        }
        let may_begin = matches!(self.gate(now), None | Some(Refusal::Early));
        let is_unsettled = |index: &u8| match self.ledger.records[usize::from(*index)].standing(&self.terms()) {
            Standing::Planned | Standing::Retrying => may_begin,
            Standing::Sending => true,
            Standing::Unconfirmed => !left.contains(index),
            _ => false,
        };
        let unsettled: Vec<u8> = (0..self.ledger.header.count as u8).filter(is_unsettled).collect();
        if !unsettled.is_empty() {
            return Finish::Unsettled(unsettled);
        }
        self.ledger.header.finished = true;
        Finish::Finished
    }
}
