//! A page as core keeps it, beside what the store keeps of one and core does not: what the scripts are compared with.

use dawncast_core::{
    UnixMs,
    delivery::{
        Applied, Outcome, Record,
        page::{AttemptFact, Begun, Finish, Page, Refusal, Settlement, Tenure},
    },
    desk::Intent,
};
use dawncast_store::{
    page::{Header, Ledger, Owner},
    run::RunTallies,
};

use crate::run_scene::OPENS;

#[derive(Debug)]
pub(crate) struct Model {
    header: Header,
    pub(crate) page: Page,
    numbers: RunTallies,
    /// From when on nothing may begin.
    until: Option<UnixMs>,
}

pub(crate) fn tenure(owner: &Owner) -> Tenure {
    Tenure { epoch: owner.epoch, nonce: owner.nonce }
}

/// A stored page as core keeps it.
pub(crate) fn page_of(ledger: &Ledger) -> Page {
    let Header { finished, epoch, nonce, version, terms, base, home, server, doubt, .. } = ledger.header;
    let mut page = Page::new(0, terms, base);
    ledger.records.iter().for_each(|record| page.tallies.add(record, &terms));
    let tenure = Tenure { epoch, nonce };
    Page { finished, tenure, version, home, server: server.0, doubt, records: ledger.records.clone(), ..page }
}

impl Model {
    pub(crate) fn new(header: Header, until: Option<UnixMs>) -> Self {
        let page = page_of(&Ledger { header, records: vec![Record::default(); usize::from(header.count)] });
        Self { header, page, numbers: RunTallies::default(), until }
    }

    fn gate(&self, now: UnixMs) -> Option<Refusal> {
        // A page may have to be done before the last of its run.
        match self.until.map(|until| until.min(self.page.terms.deadline)) {
            Some(until) if now >= until => Some(Refusal::Expired),
            _ if now < OPENS => Some(Refusal::Early),
            _ => None,
        }
    }

    /// The ledger as it should be stored.
    pub(crate) fn ledger(&self) -> Ledger {
        let Page { finished, tenure: Tenure { epoch, nonce }, version, doubt, .. } = self.page;
        let header = Header { finished, epoch, nonce, version, doubt, ..self.header };
        Ledger { header, records: self.page.records.clone() }
    }

    /// The tallies as they should be stored: of a number, only those that ever moved.
    pub(crate) fn tallies(&self) -> RunTallies {
        let mut tallies = RunTallies { tallies: self.page.tallies, ..self.numbers.clone() };
        tallies.numbers.retain(|_, number| *number != Default::default());
        tallies
    }

    pub(crate) fn owns(&self, owner: &Owner) -> bool {
        tenure(owner) == self.page.tenure
    }

    /// The ledger that the new owner sees; none when the page is finished.
    pub(crate) fn claim(&mut self, nonce: [u8; 8]) -> Option<Ledger> {
        self.page.claim(nonce).map(|_| self.ledger())
    }

    pub(crate) fn begin(&mut self, owner: &Owner, intents: &[(Intent, u8)], now: UnixMs) -> Begun {
        self.page.begin(tenure(owner), intents, self.gate(now), now)
    }

    /// The facts of one commit (by an owner) or one receipt.
    pub(crate) fn facts(&mut self, owner: Option<&Owner>, facts: &[AttemptFact], now: UnixMs) -> Settlement {
        self.count(facts);
        match owner {
            Some(owner) => self.page.commit(tenure(owner), facts, self.gate(now)),
            None => self.page.receipt(facts, self.gate(now)),
        }
    }

    /// What the facts add to the tallies of the numbers that sent: told only of the latest attempt.
    fn count(&mut self, facts: &[AttemptFact]) {
        let mut page = self.page.clone();
        for fact in facts {
            let Some(before) = page.records.get(usize::from(fact.index)).copied() else { continue };
            let settlement = page.receipt(std::slice::from_ref(fact), None);
            let (after, fact) = (page.records[usize::from(fact.index)], fact.fact);
            if settlement.transitions[0].applied != Applied::Raised || fact.attempt != after.outcomes.used() {
                continue;
            }
            let number = self.numbers.numbers.entry(usize::from(after.number)).or_default();
            let positive = fact.outcome.is_positive() && before.outcomes.get(fact.attempt) < Outcome::Accepted;
            number.accepted += u64::from(positive);
            let refused = fact.throttled && fact.outcome == Outcome::FailedRetryable && fact.code != 0;
            number.throttled += u64::from(refused);
        }
    }

    pub(crate) fn finish(&mut self, owner: &Owner, left: &[u8], now: UnixMs) -> Finish {
        self.page.finish(tenure(owner), left, self.gate(now))
    }
}
