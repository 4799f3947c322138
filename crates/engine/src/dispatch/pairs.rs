//! The pair limit, heeded before Meta says so: looked at when a number is chosen, and taken up once it has granted credit.
//! What has no room waits in the desk, at the cost of no attempt, and the rest of its page goes on.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use dawncast_core::{
    UnixMs,
    desk::Intent,
    ids::NumberId,
    pair::{INTERVAL_MS, Known, counts},
    phone::Phone,
    verdict::Verdict,
};
use dawncast_store::PairAsked;
use tracing::debug;

use super::owner::PageOwner;

/// What a worker process has sent to users within the last seconds, by number and person.
#[derive(Default)]
pub(crate) struct Pairs(Mutex<HashMap<NumberId, Book>>);

#[derive(Default)]
struct Book {
    known: HashMap<u64, Known>,
    swept: UnixMs,
}

impl Book {
    /// Forgets whom nothing counts of any more: a message to a user is kept for its six seconds, and at most as long again.
    fn sweep(&mut self, now: UnixMs) {
        if self.swept.abs_diff(now) >= INTERVAL_MS.unsigned_abs() {
            self.known.retain(|_, known| !known.is_over(now));
            self.swept = now;
        }
    }
}

impl Pairs {
    fn lock(&self) -> MutexGuard<'_, HashMap<NumberId, Book>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// When each of the persons has room for one more message of `number`, by what this process knows; none: now.
    fn room_at(&self, number: &NumberId, persons: &[u64], now: UnixMs) -> Vec<Option<UnixMs>> {
        let books = self.lock();
        let Some(book) = books.get(number) else { return vec![None; persons.len()] };
        let room = |person: &u64| book.known.get(person).map(|known| known.room_at(now)).filter(|room| *room > now);
        persons.iter().map(room).collect()
    }

    /// One message is to go out to each of the persons. Whom the shared count has to be asked about, by their place.
    fn ask(&self, number: &NumberId, persons: &[u64], has_to_ask: bool, now: UnixMs) -> Vec<(usize, PairAsked)> {
        let mut books = self.lock();
        if !books.contains_key(number) {
            books.insert(number.clone(), Book::default());
        }
        let Some(book) = books.get_mut(number) else { return Vec::new() };
        book.sweep(now);
        let mut asked = Vec::new();
        for (place, person) in persons.iter().enumerate() {
            if let Some(untold) = book.known.entry(*person).or_default().ask(now, has_to_ask) {
                asked.push((place, PairAsked { person: *person, untold }));
            }
        }
        asked
    }

    /// Changes what is known of a person.
    fn with<T>(&self, number: &NumberId, person: u64, change: impl FnOnce(&mut Known) -> T) -> Option<T> {
        self.lock().get_mut(number).map(|book| change(book.known.entry(person).or_default()))
    }
}

/// The deliveries of a page that wait for room.
#[derive(Default)]
pub(super) struct Waiting {
    /// Which number has none: its place among the run's numbers.
    number: usize,
    /// Each with the moment until which it was put off.
    until: HashMap<u16, UnixMs>,
}

impl PageOwner {
    fn person(&self, index: u16) -> u64 {
        Phone::person_of(self.recipients.rows[usize::from(index)].phone)
    }

    fn persons(&self, intents: &[Intent]) -> Vec<u64> {
        intents.iter().map(|intent| self.person(intent.index)).collect()
    }

    /// Another number is another pair: those that wait for room at one wait no longer when it is another's turn.
    pub(super) fn follow_turn(&mut self, now: UnixMs) {
        let number = self.turn_of(now).map(|place| place % self.sheet.numbers);
        if self.waiting.until.is_empty() || number.is_none_or(|number| number == self.waiting.number) {
            return;
        }
        for (index, until) in std::mem::take(&mut self.waiting.until) {
            self.desk.resume(index, until, now);
        }
    }

    /// Puts off those of `intents` that have no room at the number at `place`, by what this process knows.
    pub(super) fn look_for_room(&mut self, place: usize, intents: &mut Vec<Intent>, now: UnixMs) {
        let (pairs, number) = (&self.shared.pairs, &self.sheet.senders[place].number);
        let room = pairs.room_at(number, &self.persons(intents), now);
        if room.iter().all(Option::is_none) {
            return;
        }
        let full: Vec<_> =
            intents.iter().zip(&room).filter_map(|(intent, room)| Some((intent.index, (*room)?))).collect();
        intents.retain(|intent| full.iter().all(|(index, _)| *index != intent.index));
        self.put_off(place, &full);
    }

    /// The deliveries wait, each until its moment.
    pub(super) fn put_off(&mut self, place: usize, full: &[(u16, UnixMs)]) {
        self.waiting.number = place % self.sheet.numbers;
        for (index, until) in full {
            debug!("delivery {index} of page {} waits: its recipient has no room by the pair limit", self.owner.page);
            self.sheet.senders[place].sends.put_off();
            let until = self.desk.put_off(*index, *until);
            self.waiting.until.insert(*index, until);
        }
    }

    /// Counts the intents against their pairs, and takes those out that have no room, each with when it has. A page that had
    /// an owner before may have waited for room where this process knows of none: it is asked about.
    pub(super) async fn take_room(&self, place: usize, intents: &mut Vec<Intent>) -> Vec<(u16, UnixMs)> {
        let (pairs, number, now) = (&self.shared.pairs, &self.sheet.senders[place].number, self.now());
        let asked = pairs.ask(number, &self.persons(intents), self.owner.epoch > 1, now);
        if asked.is_empty() {
            return Vec::new();
        }
        let questions: Vec<PairAsked> = asked.iter().map(|(_, asked)| *asked).collect();
        let answers = match self.shared.ctx.store.take_pairs(number, &questions, now).await {
            Ok(answers) => Some(answers),
            Err(error) => {
                let what = format_args!("the pair limit of number {number} is counted by this process alone now");
                self.shared.ctx.trouble(what, error);
                None
            }
        };
        let mut full = Vec::new();
        for (nth, (place, asked)) in asked.iter().enumerate() {
            let may = pairs.with(number, asked.person, |known| match &answers {
                Some(answers) => {
                    known.told(answers[nth].1);
                    (answers[nth].0, answers[nth].1.room_at(now))
                }
                None => (known.decide(asked.untold, now), known.room_at(now)),
            });
            if let Some((false, room_at)) = may {
                full.push((intents[*place].index, room_at));
            }
        }
        intents.retain(|intent| full.iter().all(|(index, _)| *index != intent.index));
        full
    }

    /// An attempt from the number at `place` that was counted has come to `verdict`.
    pub(super) fn count_no_more(&self, place: usize, index: u16, verdict: Verdict) {
        if !counts(verdict) {
            let number = &self.sheet.senders[place].number;
            self.shared.pairs.with(number, self.person(index), Known::take_back);
        }
    }
}
