//! Begin and commit: the two writes of an owner. Rule 1, begin before POST: nothing is POSTed whose intent is not written; no verdict is let go of
//! before it is.

use std::time::{Duration, Instant};

use bytes::Bytes;
use dawncast_core::{
    UnixMs,
    callback::Callback,
    campaign::Choice,
    delivery::{DeliveryState, Gate},
    desk::Intent,
    ids::DeliveryId,
    phone::Phone,
    render::{Attributes, Renderer},
    verdict::Verdict,
};
use dawncast_store::{
    StoreError,
    credit::{Granted, Rate},
    lane::Put,
    page::{AttemptFact, Begun, Recipient, Recipients, Recorded, Refusal},
};
use tokio::sync::OwnedSemaphorePermit;
use tracing::{debug, warn};

use super::{
    owner::PageOwner,
    silence::Look,
    wire::{self, Posting},
};
use crate::{
    EngineError, log,
    points::{Point, reach},
};

/// Attempts begun in one go: a script's cost per record hardly falls beyond this.
pub(super) const BATCH: usize = 64;
/// A begin that was answered later than this is taken back: its place in time is gone.
const BEGIN_GOOD_FOR: Duration = Duration::from_secs(1);

/// A number that rests for longer than this is stood in for.
const STAND_IN_AFTER_MS: i64 = 2_000;
/// A paused number is asked again after this.
const PAUSED_MS: i64 = 3_000;
/// One that is at its cap may rest for hours: it is asked again after this, as its cap may be lifted.
const CAPPED_MS: i64 = 10_000;
/// A clock that is a little ahead of Redis' finds the window not open yet.
const EARLY: Duration = Duration::from_millis(2);

/// Attempts to be begun on one number.
pub(super) struct Batch {
    intents: Vec<Intent>,
    place: usize,
    /// A place on the wire for each.
    places: OwnedSemaphorePermit,
    /// Those that turned out to have no room by the pair limit, with when they have.
    full: Vec<(u16, UnixMs)>,
}

/// Until when a number is not asked for credit.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Resting {
    pub(super) until: UnixMs,
    /// It is stood in for to the end of its rest: otherwise its recipients would wait out the last part of it.
    long: bool,
}

impl Resting {
    pub(super) fn new(until: UnixMs, now: UnixMs) -> Self {
        Self { until, long: until - now >= STAND_IN_AFTER_MS }
    }

    fn is_away(self, now: UnixMs) -> bool {
        self.long && self.until > now
    }
}

/// What came of a batch.
pub(super) enum Beginning {
    /// Nothing was to be begun.
    Idle,
    /// The number granted no credit.
    NoCredit { place: usize, granted: Granted },
    /// Nobody of them has room by the pair limit.
    NoRoom(Box<Batch>),
    /// The ledger was asked.
    Asked {
        batch: Box<Batch>,
        bodies: Vec<Result<Bytes, String>>,
        asked: Instant,
        answer: Result<Begun, StoreError>,
        look: Look,
    },
    /// Not even that.
    Failed(StoreError),
}

/// How a begin was answered.
struct Taken {
    /// When it was asked for.
    asked: Instant,
    /// When it took place, by the clock that the ledger goes by.
    at: UnixMs,
    /// Whether it is known whom not to write to.
    knows_whom: bool,
}

struct PageAttributes<'a> {
    recipients: &'a Recipients,
    row: &'a Recipient,
}

impl Attributes for PageAttributes<'_> {
    fn get(&self, name: &str) -> Option<&str> {
        self.recipients.value(self.row, name)
    }
}

impl PageOwner {
    /// What is due, admitted and has a place on the wire, and the number to send it: the home number, or a stand-in when
    /// that one is paused, resting, gone, or lacks the template.
    pub(super) fn next_batch(&mut self) -> Option<Batch> {
        let held = self.places.take_held();
        if !self.may_begin() {
            return None;
        }
        let (now, gate) = (self.now(), self.gate());
        self.follow_turn(now);
        let limit = held.as_ref().map_or(BATCH, OwnedSemaphorePermit::num_permits);
        let mut intents = self.desk.ready(now, &self.path, gate, limit);
        let place = self.turn_of(now).filter(|place| self.rest_of(*place).until <= now && !intents.is_empty())?;
        self.look_for_room(place, &mut intents, now);
        if intents.is_empty() || !self.admit(place, &mut intents, now) {
            return None;
        }
        let places = held.or_else(|| self.places.take(intents.len()))?;
        intents.truncate(places.num_permits());
        Some(Batch { intents, place, places, full: Vec::new() })
    }

    /// Whose turn it is: the first of home and stand-ins that has the template and is not away for long. A number that is
    /// only out of credit for a moment is waited for, so that recipients keep hearing from the same one.
    pub(super) fn turn_of(&self, now: UnixMs) -> Option<usize> {
        // Free-form messages go only where the user has written to: nobody stands in.
        let is_fixed = self.message == Choice::OWN && self.sheet.run.frozen.as_ref().is_some_and(|frozen| frozen.fixed);
        let (all, numbers) = (self.sheet.senders.len(), self.sheet.numbers);
        let tried = if is_fixed { all.min(1) } else { all };
        let fit = |place: &usize| self.sheet.senders[*place].may_send(self.message);
        // Every number with the page's own message first, then every number with what it falls back to.
        let turn = |step: usize| step / numbers * numbers + (self.home + step) % numbers;
        let order = || (0..tried).map(turn).filter(fit);
        order()
            .find(|place| !self.rest_of(*place).is_away(now))
            .or_else(|| order().min_by_key(|it| self.rest_of(*it).until))
    }

    /// How the number at a place rests, whatever message it would send.
    pub(super) fn rest_of(&self, place: usize) -> Resting {
        self.rests[place % self.sheet.numbers]
    }

    pub(super) fn rest_of_mut(&mut self, place: usize) -> &mut Resting {
        let number = place % self.sheet.numbers;
        &mut self.rests[number]
    }

    /// Spends credit, renders, writes the intents into the journal.
    pub(super) async fn begin(&self, batch: Option<Batch>) -> Beginning {
        let Some(mut batch) = batch else { return Beginning::Idle };
        let (store, sender) = (&self.shared.ctx.store, &self.sheet.senders[batch.place]);
        let rate = Rate {
            mps: sender.mps,
            headroom: self.shared.ctx.settings.headroom,
            priority: self.sheet.run.record.spec.priority,
        };
        reach(Point::GrantBefore);
        let granted = match store.grant(&sender.number, rate, batch.intents.len() as u32).await {
            Ok(granted) if granted.count == 0 => return Beginning::NoCredit { place: batch.place, granted },
            Ok(granted) => granted,
            Err(error) => return Beginning::Failed(error),
        };
        reach(Point::GrantAfter);
        batch.intents.truncate(granted.count as usize);
        batch.full = self.take_room(batch.place, &mut batch.intents).await;
        if batch.intents.is_empty() {
            return Beginning::NoRoom(batch.into());
        }
        let bodies = batch.intents.iter().map(|intent| self.body(intent, batch.place)).collect();
        let intents: Vec<(Intent, u8)> = batch.intents.iter().map(|intent| (*intent, batch.place as u8)).collect();
        let asked = Instant::now();
        reach(Point::BeginBefore);
        let answer = store.begin(&self.owner, &intents).await;
        reach(Point::BeginAfter);
        let look = self.listen(&answer).await;
        Beginning::Asked { batch: batch.into(), bodies, asked, answer, look }
    }

    fn body(&self, intent: &Intent, place: usize) -> Result<Bytes, String> {
        let row = &self.recipients.rows[usize::from(intent.index)];
        let callback = Callback {
            deployment: self.shared.ctx.deployment.clone(),
            delivery: DeliveryId { page: self.owner.page.clone(), index: intent.index },
            attempt: intent.attempt,
            epoch: self.owner.epoch,
        };
        let media = |name: &str| self.sheet.senders[place].media.get(name).cloned();
        let to = Phone::from_digits(row.phone).map_err(|why| why.to_string())?;
        let attributes = PageAttributes { recipients: &self.recipients, row };
        let mut body = Vec::with_capacity(768);
        let message = self.sheet.senders[place].message(self.message);
        let renderer = self.sheet.renderers.of(message).ok_or("the campaign has no such message")?;
        let rendered = renderer.render(&attributes, &media, to, &callback.to_string(), &mut body);
        rendered.map(|()| Bytes::from(body)).map_err(|why| why.to_string())
    }

    pub(super) fn apply_begin(&mut self, beginning: Beginning) {
        match beginning {
            Beginning::Idle => {}
            Beginning::NoCredit { place, granted } => self.wait_for_credit(place, granted),
            Beginning::Failed(error) => {
                self.shared.ctx.trouble(format_args!("credit for page {} cannot be had now", self.owner.page), error);
                self.pause();
            }
            Beginning::NoRoom(batch) => self.put_off(batch.place, &batch.full),
            Beginning::Asked { batch, bodies, asked, answer, look } => {
                self.put_off(batch.place, &batch.full);
                match answer {
                    Ok(Begun::Granted { at, granted, .. }) => {
                        let knows_whom = self.heed(look);
                        self.send(*batch, bodies, Taken { asked, at, knows_whom }, &granted);
                    }
                    Ok(Begun::Refused(refusal)) => {
                        self.never_left(&batch);
                        self.refused(refusal);
                    }
                    Err(error) => {
                        // Unanswered: perhaps in the journal. Asked again, it is granted again.
                        let what = format_args!("begin of page {} was not answered and is repeated", self.owner.page);
                        self.shared.ctx.trouble(what, error);
                        self.never_left(&batch);
                        self.doubt.retain(|doubted| !batch.intents.contains(doubted));
                        self.doubt.extend(batch.intents);
                        self.pause();
                    }
                }
            }
        }
    }

    /// What was counted against pairs and is not begun counts no more: it is counted anew.
    fn never_left(&self, batch: &Batch) {
        batch.intents.iter().for_each(|it| self.count_no_more(batch.place, it.index, Verdict::Withdrawn));
    }

    fn wait_for_credit(&mut self, place: usize, granted: Granted) {
        // Rounded up: to ask a microsecond early would be refused again.
        let retry_at = granted.retry_at_us.div_euclid(1_000) + 1;
        let ahead = granted.now_us / 1_000 - self.now();
        let now = self.now();
        let until = if granted.paused { now + PAUSED_MS } else { (retry_at - ahead).min(now + CAPPED_MS) };
        *self.rest_of_mut(place) = Resting::new(until, now);
        // A number that is away is stood in for: nobody waits his turn there.
        if !self.rest_of(place).is_away(now) {
            let number = &self.sheet.senders[place].number;
            let again = Instant::now() + Duration::from_millis((until - now).max(0) as u64);
            self.shared.lines.wait(number, &self.owner.page, self.urgency(), again);
        }
    }

    fn refused(&mut self, refusal: Refusal) {
        debug!("page {} may begin nothing: {refusal:?}", self.owner.page);
        match refusal {
            Refusal::Outranked | Refusal::Foreign | Refusal::Finished => self.lost = true,
            Refusal::Early => self.pause_for(EARLY),
            other => self.refusal = Some(other),
        }
    }

    /// What was granted goes out, if it still may: under half the lease has passed since the last renewal was sent, the
    /// begin is young, and the deadline is ahead. A worker that was frozen in between takes it back.
    fn send(&mut self, mut batch: Batch, bodies: Vec<Result<Bytes, String>>, taken: Taken, granted: &[bool]) {
        let Taken { asked, at, knows_whom } = taken;
        let answered = batch.intents.iter().zip(granted).filter(|(_, granted)| **granted);
        let answered: Vec<Intent> = answered.map(|(intent, _)| *intent).collect();
        // *What was not answered is asked for again on another number*: the ledger keeps it for the first, and refuses. It stays
        // in doubt, and is taken back when it is looked up.
        self.doubt.retain(|doubted| !answered.contains(doubted));
        let until = self.sends_until().min(asked + BEGIN_GOOD_FOR);
        let in_time = Instant::now() < until && self.gate() == Gate::Open && knows_whom;
        let place = batch.place;
        for ((intent, body), granted) in batch.intents.iter().zip(bodies).zip(granted) {
            let Some(permit) = batch.places.split(1).filter(|_| *granted) else {
                self.count_no_more(place, intent.index, Verdict::Withdrawn);
                self.stale = true;
                self.pause();
                continue;
            };
            self.desk.begun(intent, place as u8, at);
            self.sheet.senders[place].moves.count(DeliveryState::Sending, 1);
            match body {
                _ if let Some(silence) = self.silence.of(intent.index).filter(|_| knows_whom) => {
                    self.settle_unsent(intent, silence, place)
                }
                Ok(body) if in_time => self.post(intent, place, body, permit, until),
                Ok(_) => self.settle_unsent(intent, Verdict::Withdrawn, place),
                Err(why) => {
                    let what = format_args!("a message of run {} cannot be rendered", self.owner.page.run);
                    self.shared.ctx.trouble(what, EngineError::Unfit(why));
                    self.settle_unsent(intent, Verdict::Rejected(0), place);
                }
            }
        }
    }

    fn settle_unsent(&mut self, intent: &Intent, verdict: Verdict, place: usize) {
        let now = self.now();
        self.sheet.senders[place].sends.count(verdict);
        self.count_no_more(place, intent.index, verdict);
        let fact = self.desk.answered(intent.index, intent.attempt, verdict, now, &mut rand::rng());
        self.tell(intent.index, fact, None, place);
    }

    fn post(&mut self, intent: &Intent, place: usize, body: Bytes, permit: OwnedSemaphorePermit, until: Instant) {
        let sender = &self.sheet.senders[place];
        let Some(token) = sender.token.clone() else { return };
        if intent.attempt == 1 {
            let late_ms = (self.now() - self.recipients.rows[usize::from(intent.index)].due).max(0);
            self.sheet.lateness.record(late_ms as f64 / 1_000.0);
        }
        let (number, sends) = (sender.number.clone(), sender.sends.clone());
        let (index, attempt) = (intent.index, intent.attempt);
        let renderer = self.sheet.renderers.of(sender.message(self.message));
        let by_marketing_messages = renderer.is_some_and(Renderer::by_marketing_messages);
        let posting =
            Posting { index, attempt, place, number, sends, token, body, by_marketing_messages, permit, until };
        self.wire.spawn(wire::post(self.shared.ctx.client.clone(), posting));
    }

    /// Writes the verdicts; also when someone else owns the page by now.
    pub(super) async fn commit(&self) -> Option<Result<Recorded, StoreError>> {
        if self.told.is_empty() || Instant::now() < self.pause_until {
            return None;
        }
        let facts: Vec<AttemptFact> = self.told.iter().map(|told| told.fact.clone()).collect();
        reach(Point::CommitBefore);
        let recorded = self.shared.ctx.store.commit(&self.owner, &facts).await;
        reach(Point::CommitAfter);
        if let Ok(Recorded::Settled(settlement)) = &recorded
            && settlement.reopened
        {
            reach(Point::CommitReopened);
            let (page, lane) = (self.owner.page.clone(), &self.job.leased.lane);
            if let Err(error) = self.shared.ctx.store.put_pages(lane, Put::Hurry, &[(page, self.now())]).await {
                // Reconcile puts it back.
                let what = format_args!("page {} is reopened, but its lane could not be told", self.owner.page);
                self.shared.ctx.trouble(what, error);
            }
        }
        Some(recorded)
    }

    pub(super) fn apply_commit(&mut self, recorded: Option<Result<Recorded, StoreError>>) {
        match recorded {
            None => {}
            Some(Ok(Recorded::Settled(settlement))) => {
                for (told, transition) in self.told.iter().zip(&settlement.transitions) {
                    let sender = &self.sheet.senders[told.place];
                    let number = sender.number.as_str();
                    log::Recorded { page: &self.owner.page, told: &told.fact, number }.tell_failure(transition);
                    if transition.before != transition.after {
                        sender.moves.count(DeliveryState::of(transition.after, Gate::Open), 1);
                    }
                }
                self.told.clear();
            }
            Some(Ok(Recorded::Foreign)) => {
                warn!("page {} is gone, its verdicts with it", self.owner.page);
                self.told.clear();
                self.lost = true;
            }
            Some(Err(error)) => {
                let what = format_args!("verdicts of page {} are kept until Redis takes them", self.owner.page);
                self.shared.ctx.trouble(what, error);
                self.pause();
            }
        }
    }
}
