//! The owner of a page: from claim to finish. Decides nothing by itself: the desk says what to begin, the ledger says
//! whether it may.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use dawncast_core::{
    UnixMs,
    campaign::Choice,
    delivery::{Fact, Gate},
    desk::{Desk, Intent},
    ids::NumberId,
    retry::ReceiptPath,
};
use dawncast_store::{
    ServerId,
    page::{AttemptFact, Owner, Recipients, Refusal},
};
use tokio::task::{JoinError, JoinSet};
use tracing::{Instrument, debug, info_span};

use super::{
    Shared,
    journal::{BATCH, Resting},
    lane::PageJob,
    lines::Heard,
    pairs::Waiting,
    places::Places,
    sheet::Sheet,
    silence::Silence,
    suspects::Doubt,
    takeover::Takeover,
    tenure::receipt_path,
    wire::Answer,
};
use crate::{EngineError, answer::Rest, log::meaning};

/// After Redis or the ledger refused, wait this long.
const AGAIN: Duration = Duration::from_millis(50);
/// Who waits for answers only, looks up as often.
const IDLE: Duration = Duration::from_secs(1);
/// While no number can send at all, it is looked again whether one can.
const NOBODY_MS: i64 = 1_000;
/// Answers are waited for so long, to be written together.
const LINGER: Duration = Duration::from_millis(10);

/// A fact on its way to the ledger, with the place of the number that it is about.
pub(super) struct Told {
    pub(super) fact: AttemptFact,
    pub(super) place: usize,
}

/// See the module.
pub(super) struct PageOwner {
    pub(super) shared: Arc<Shared>,
    pub(super) job: PageJob,
    pub(super) owner: Owner,
    pub(super) sheet: Arc<Sheet>,
    pub(super) recipients: Recipients,
    pub(super) home: usize,
    /// The page's own.
    pub(super) deadline: UnixMs,
    /// Which of the campaign's messages the page carries.
    pub(super) message: Choice,
    pub(super) desk: Desk,
    pub(super) wire: JoinSet<Answer>,
    pub(super) places: Places,
    /// Verdicts that are not in the ledger yet.
    pub(super) told: Vec<Told>,
    /// Begins that were not answered: in the journal or not.
    pub(super) doubt: Vec<Intent>,
    /// The server that the owner has worked on.
    pub(super) server: ServerId,
    pub(super) suspicion: Doubt,
    /// Whom not to write to.
    pub(super) silence: Silence,
    /// Whom to write to later.
    pub(super) waiting: Waiting,
    /// By the number.
    pub(super) rests: Vec<Resting>,
    /// When the last successful renewal was sent.
    pub(super) renewed: Instant,
    pub(super) renew_at: Instant,
    pub(super) version: u32,
    /// Why nothing begins; none when the run sends.
    pub(super) refusal: Option<Refusal>,
    pub(super) path: ReceiptPath,
    /// The ledger knows more than the desk.
    pub(super) stale: bool,
    /// Someone else has the page, or will: begin nothing, release nothing.
    pub(super) lost: bool,
    /// Nothing is tried before this moment.
    pub(super) pause_until: Instant,
    pub(super) stopping: bool,
}

/// Owns a leased page until nothing is left to do in it, or it goes back.
pub(super) async fn own(shared: Arc<Shared>, job: PageJob) {
    let page = job.leased.page.clone();
    let span = info_span!("page", run.id = %page.run, page.id = %page);
    async move {
        let ctx = shared.ctx.clone();
        match PageOwner::claim(shared, job).await {
            Ok(Some(owner)) => owner.work().await,
            Ok(None) => debug!("page {page} has nothing to do"),
            // Its lease ends by itself, and the page comes again.
            Err(error) => ctx.trouble(format_args!("page {page} cannot be claimed now"), error),
        }
    }
    .instrument(span)
    .await;
}

impl PageOwner {
    async fn claim(shared: Arc<Shared>, job: PageJob) -> Result<Option<Self>, EngineError> {
        let store = &shared.ctx.store;
        let Some(sheet) = shared.sheets.get(&job.leased.page.run).await? else {
            store.end_lease(&job.leased).await?;
            return Ok(None);
        };
        let Some(takeover) = Takeover::claim(&shared, &job, &sheet).await? else { return Ok(None) };
        let Takeover { owner, ledger, recipients, rules, server, suspicion } = takeover;
        debug!("page {} is owned in epoch {}", owner.page, owner.epoch);
        let now = shared.clock.now();
        let dues: Vec<UnixMs> = recipients.rows.iter().map(|row| row.due).collect();
        Ok(Some(Self {
            desk: Desk::new(&ledger.records, &dues, rules, now),
            path: receipt_path(store, now).await?,
            rests: vec![Resting::default(); sheet.numbers],
            home: usize::from(ledger.header.home),
            deadline: ledger.header.terms.deadline,
            message: ledger.header.message,
            version: ledger.header.version,
            wire: JoinSet::new(),
            places: Places::new(Arc::clone(&shared.wire), shared.ctx.settings.in_flight),
            told: Vec::new(),
            doubt: Vec::new(),
            server,
            suspicion,
            silence: Silence::default(),
            waiting: Waiting::default(),
            renewed: job.asked,
            renew_at: job.asked,
            refusal: None,
            stale: false,
            lost: false,
            pause_until: Instant::now(),
            stopping: false,
            owner,
            sheet,
            recipients,
            job,
            shared,
        }))
    }

    async fn work(mut self) {
        loop {
            self.turn().await;
            if self.depart().await {
                return;
            }
            self.gather().await;
        }
    }

    pub(super) fn now(&self) -> UnixMs {
        self.shared.clock.now()
    }

    /// What the run says to those who wait, as far as the owner knows.
    pub(super) fn gate(&self) -> Gate {
        let until = self.sheet.run.begin_until().map(|until| until.min(self.deadline));
        let expired = until.is_some_and(|until| self.now() >= until);
        match self.refusal {
            Some(Refusal::Cancelled) => Gate::Cancelled,
            Some(Refusal::Expired | Refusal::Closed) => Gate::Expired,
            _ if expired => Gate::Expired,
            _ => Gate::Open,
        }
    }

    /// Whether attempts may begin at all just now.
    pub(super) fn may_begin(&self) -> bool {
        let settling = self.lost || self.stopping || self.stale;
        !settling
            && self.refusal.is_none()
            && Instant::now() >= self.pause_until
            && Instant::now() < self.sends_until()
            && self.shared.ctx.vigil.trusts()
    }

    /// From then on, half the lease being over since its last renewal, what is granted would have to be withdrawn. Nothing
    /// is begun either: on a Redis that has lost another's claim the attempt may be the other's.
    pub(super) fn sends_until(&self) -> Instant {
        self.renewed + self.shared.ctx.settings.lease / 2
    }

    /// Nothing is tried for a moment: Redis, or the ledger, has refused.
    pub(super) fn pause(&mut self) {
        self.pause_for(AGAIN);
    }

    pub(super) fn pause_for(&mut self, wait: Duration) {
        self.pause_until = Instant::now() + wait;
    }

    /// Waits until something is to be done: answers, places on the wire, a time, a stop.
    async fn gather(&mut self) {
        let (alarm, vigil) = (tokio::time::sleep(self.wait()), self.shared.ctx.vigil.clone());
        let moved = vigil.left(self.server);
        tokio::pin!(alarm, moved);
        loop {
            tokio::select! {
                Some(answer) = self.wire.join_next() => self.take(answer),
                () = self.places.arrive() => return,
                () = &mut moved, if !self.stale && !self.lost => return,
                () = &mut alarm => return,
                () = self.shared.stop.cancelled(), if !self.stopping => {
                    self.stopping = true;
                    return;
                }
            }
            let first = self.told.len() <= 1;
            while let Some(answer) = self.wire.try_join_next() {
                self.take(answer);
            }
            if self.wire.is_empty() || self.told.len() >= BATCH || self.lost {
                return;
            }
            let linger = tokio::time::Instant::now() + LINGER;
            if first && linger < alarm.deadline() {
                alarm.as_mut().reset(linger);
            }
        }
    }

    fn wait(&self) -> Duration {
        let renewal = self.renew_at.saturating_duration_since(Instant::now());
        let pause = self.pause_until.saturating_duration_since(Instant::now());
        if self.lost {
            // What is on the wire comes by itself.
            return if self.wire.is_empty() || !self.told.is_empty() { pause } else { IDLE };
        }
        if !self.told.is_empty() || self.stale {
            return pause.min(renewal);
        }
        if !self.may_begin() {
            return if pause.is_zero() { renewal } else { pause.min(renewal) };
        }
        let now = self.now();
        let Some(wake) = self.desk.wake_at(now, &self.path, self.gate()) else { return renewal };
        // What is due already waits for credit, or for places on the wire, which come by themselves.
        let wake = match wake <= now {
            true if self.places.is_queued() => return renewal,
            true => self.credit_at(now),
            false => wake,
        };
        Duration::from_millis((wake - now).max(1) as u64).min(renewal)
    }

    /// When a number may be asked for credit again.
    fn credit_at(&self, now: UnixMs) -> UnixMs {
        self.turn_of(now).map_or(now + NOBODY_MS, |place| self.rest_of(place).until).max(now + 1)
    }

    fn take(&mut self, answer: Result<Answer, JoinError>) {
        let Ok(answer) = answer else {
            // A panic on the wire: nobody knows what was sent. The next owner takes it for unsure.
            self.lost = true;
            return;
        };
        let now = self.now();
        let number = &self.sheet.senders[answer.place].number;
        let heard = Heard {
            verdict: answer.verdict,
            throttled: answer.rest.is_some_and(|rest| rest.halve),
            sent: answer.started,
        };
        // Nobody rests for a stray throttle.
        let too_fast = self.shared.lines.heard(number, &heard, Instant::now());
        self.shared.rates.add(number, now, answer.counts);
        // *A new token is given while the old one is refused*: that says nothing of the new one.
        let is_current = self.sheet.senders[answer.place].token.as_ref() == Some(&answer.token);
        if let Some(rest) = answer.rest.filter(|rest| if rest.halve { too_fast } else { is_current }) {
            self.tell_rest(number, rest, answer.verdict.code());
            self.rest(answer.place, rest, now);
        }
        self.heed_code(&answer, now);
        self.count_no_more(answer.place, answer.index, answer.verdict);
        let fact = self.desk.answered(answer.index, answer.attempt, answer.verdict, now, &mut rand::rng());
        self.tell(answer.index, fact, answer.message_id, answer.place);
    }

    fn tell_rest(&self, number: &NumberId, rest: Rest, code: u32) {
        let why = match rest.halve {
            true => "is too fast: it is slowed, and rests",
            false => "cannot send: it rests, and is tried again",
        };
        let what = format_args!("number {number} {why}");
        let means = EngineError::Unfit(format!("code {code}: {}", meaning(code)));
        info_span!("number", number.id = %number).in_scope(|| self.shared.ctx.trouble(what, means));
    }

    /// The number rests, for this owner at once and for all as soon as Redis has heard of it.
    fn rest(&mut self, place: usize, rest: Rest, now: UnixMs) {
        let resting = Resting::new(now + rest.hold.as_millis() as i64, now);
        if resting.until > self.rest_of(place).until {
            *self.rest_of_mut(place) = resting;
        }
        let (ctx, number) = (self.shared.ctx.clone(), self.sheet.senders[place].number.clone());
        let write = async move {
            let told = match rest.halve {
                true => ctx.store.throttled(&number, rest.hold).await.map(drop),
                false => ctx.store.rest(&number, rest.hold).await,
            };
            if let Err(error) = told {
                ctx.trouble(format_args!("the rest of number {number} cannot be written"), error);
            }
        };
        self.shared.owners.spawn(write.in_current_span());
    }

    pub(super) fn tell(&mut self, index: u16, fact: Fact, message_id: Option<String>, place: usize) {
        let fact = AttemptFact { index: index as u8, fact, message_id };
        self.told.push(Told { fact, place });
    }

    /// One turn: what was learnt goes to the ledger, what is due begins, the lease is looked after; all at once.
    async fn turn(&mut self) {
        if self.has_moved() && !self.lost {
            self.reload().await;
        }
        let batch = self.next_batch();
        let (committed, begun, renewed) = tokio::join!(self.commit(), self.begin(batch), self.renew());
        self.apply_commit(committed);
        self.apply_begin(begun);
        self.apply_renewal(renewed);
        // What is in doubt and will not be asked again has to be looked up.
        self.stale |= !self.doubt.is_empty() && (self.stopping || self.refusal.is_some() || self.gate() != Gate::Open);
        if self.stale && self.told.is_empty() && !self.lost {
            self.reload().await;
        }
        self.refresh().await;
    }

    /// Tokens, pauses and media that people changed meanwhile.
    async fn refresh(&mut self) {
        if self.shared.sheets.is_fresh(&self.sheet) {
            return;
        }
        match self.shared.sheets.get(&self.owner.page.run).await {
            Ok(Some(sheet)) => self.follow(sheet),
            Ok(None) => self.lost = true,
            Err(error) => {
                let what = format_args!("the numbers of page {} cannot be read now", self.owner.page);
                self.shared.ctx.trouble(what, error);
            }
        }
    }

    /// A number whose token is another than before rests no more, here nor elsewhere: with the old one it may have been refused
    /// since the new one was given.
    fn follow(&mut self, sheet: Arc<Sheet>) {
        let (before, now) = (std::mem::replace(&mut self.sheet, sheet), self.now());
        for place in 0..self.sheet.numbers.min(before.numbers) {
            let sender = &self.sheet.senders[place];
            if sender.token.is_none() || sender.token == before.senders[place].token {
                continue;
            }
            let (ctx, number) = (self.shared.ctx.clone(), sender.number.clone());
            *self.rest_of_mut(place) = Resting::default();
            let write = async move {
                if let Err(error) = ctx.store.end_rest(&number, now).await {
                    ctx.trouble(format_args!("the rest of number {number} cannot be ended"), error);
                }
            };
            self.shared.owners.spawn(write.in_current_span());
        }
    }
}
