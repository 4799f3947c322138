//! Receipt: from status webhooks to the ledger, before the 200 is answered. Meta's own retry is the inbound queue: what
//! cannot be written now is not acknowledged.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use dawncast_cloud_api::webhook::{ReceivedStatus, Status};
use dawncast_core::{
    UnixMs,
    callback::Callback,
    delivery::{Applied, DeliveryState, Gate},
    ids::{NumberId, PageRef, RunId},
};
use dawncast_store::{
    lane::{Lane, Put},
    page::{AttemptFact, Recorded, Settlement},
};
use futures::{StreamExt, stream::FuturesUnordered};
use tokio::sync::{Mutex, mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};

use crate::{
    Clock, Context, EngineError, answer,
    arrived::Arrivals,
    aside::Aside,
    clock::every,
    log,
    meters::{Did, Meters, Moves, ReceiptMeters, Tells, count_error},
    points::{Point, reach},
    rates::Rates,
    reached::Reach,
    replay::Recent,
};

/// Receipts of so many webhook calls are written together at most.
const CALLS_PER_BATCH: usize = 256;
/// Receipts that could not be written again are tried again after this.
const REPLAY_AGAIN: Duration = Duration::from_millis(250);
/// What is kept of runs is forgotten when there are more of them.
const RUNS_KEPT: usize = 256;

/// The receipts could not be written now: answer 503, Meta will come again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("receipts cannot be written now")]
pub struct Unavailable;

/// A receipt that names one of our attempts.
#[derive(Debug, Clone)]
struct Receipt {
    page: PageRef,
    fact: AttemptFact,
    tells: Tells,
    number: Option<NumberId>,
}

struct Call {
    receipts: Vec<Receipt>,
    done: oneshot::Sender<Result<(), Unavailable>>,
}

impl Call {
    fn pages(&self) -> HashSet<PageRef> {
        self.receipts.iter().map(|receipt| receipt.page.clone()).collect()
    }
}

/// What receipts have to know of a run: where its pages go, and since when to count.
#[derive(Debug, Clone)]
struct RunFacts {
    lane: Lane,
    instant: UnixMs,
}

/// Takes status webhooks. Clones share one writer.
#[derive(Clone)]
pub struct Receipts {
    deployment: String,
    calls: mpsc::Sender<Call>,
    reached: Aside<Reach>,
    arrived: Aside<Arrivals>,
    meters: ReceiptMeters,
}

impl From<&Status> for Tells {
    fn from(status: &Status) -> Self {
        match status {
            Status::Sent => Self::Sent,
            Status::Delivered => Self::Delivered,
            Status::Read | Status::Played => Self::Read,
            _ => Self::Failed,
        }
    }
}

impl Receipts {
    /// Starts the writer. It ends with the last clone.
    pub fn new(ctx: Context, clock: Clock) -> Self {
        let (calls, queue) = mpsc::channel(4 * CALLS_PER_BATCH);
        let ctx = clock.rule(ctx);
        let recent = Recent::on(ctx.vigil.server());
        let meters = ReceiptMeters::new();
        let writer = Writer {
            ctx: ctx.clone(),
            clock: clock.clone(),
            runs: Arc::default(),
            recent,
            meters: meters.clone(),
            rates: Rates::new(ctx.clone()),
            numbers: Meters::default(),
        };
        tokio::spawn(writer.write(queue));
        let reached = Aside::new(ctx.clone(), clock.clone());
        let arrived = Aside::new(ctx.clone(), clock);
        Self { deployment: ctx.deployment, calls, reached, arrived, meters }
    }

    /// Records what a webhook call told. When this has returned, it is in the ledger, or it is none of ours.
    ///
    /// # Errors
    /// When a part could not be written; the whole call must then come again, which is harmless.
    pub async fn apply(&self, statuses: Vec<ReceivedStatus>) -> Result<(), Unavailable> {
        self.reached.note(&statuses).await;
        self.arrived.note(&statuses).await;
        let receipts: Vec<Receipt> = statuses.iter().filter_map(|status| self.own(status)).collect();
        if receipts.is_empty() {
            return Ok(());
        }
        let (done, written) = oneshot::channel();
        self.calls.send(Call { receipts, done }).await.map_err(|_| Unavailable)?;
        written.await.map_err(|_| Unavailable)?
    }

    /// The receipt, if it is for an attempt of this deployment. A status of another system's message is normal.
    fn own(&self, received: &ReceivedStatus) -> Option<Receipt> {
        let update = &received.status;
        let tells = Tells::from(&update.status);
        let callback = update.biz_opaque_callback_data.as_deref().and_then(|text| text.parse::<Callback>().ok());
        let own = callback.filter(|callback| callback.deployment == self.deployment);
        let fact = own.as_ref().and_then(|callback| answer::status_fact(callback.attempt, update));
        let index = own.as_ref().and_then(|callback| u8::try_from(callback.delivery.index).ok());
        let (Some(callback), Some(fact), Some(index)) = (own, fact, index) else {
            self.meters.count(tells, Did::Foreign);
            return None;
        };
        let fact = AttemptFact { index, fact, message_id: Some(update.id.clone()) };
        let number = received.phone_number_id.as_deref().and_then(|id| id.parse().ok());
        Some(Receipt { page: callback.delivery.page, fact, tells, number })
    }
}

/// Whether receipts are written for the first time. What is told again was counted then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Telling {
    First,
    Again,
}

impl Telling {
    fn who_repeats(self) -> &'static str {
        match self {
            Self::First => "Meta will repeat them",
            Self::Again => "they are tried again soon",
        }
    }
}

/// Writes the receipts of many calls together: while one batch is written, the next one gathers.
struct Writer {
    ctx: Context,
    clock: Clock,
    runs: Arc<Mutex<HashMap<RunId, RunFacts>>>,
    /// What was acknowledged of late, where Redis may lose it.
    recent: Recent<Receipt>,
    meters: ReceiptMeters,
    rates: Rates,
    numbers: Meters,
}

impl Writer {
    async fn write(mut self, mut queue: mpsc::Receiver<Call>) {
        let (vigil, may_lose) = (self.ctx.vigil.clone(), self.ctx.store.may_lose());
        let (mut calls, mut again_at) = (Vec::new(), Instant::now());
        loop {
            let server = self.recent.server();
            let moved = async {
                tokio::time::sleep_until(again_at.into()).await;
                vigil.left(server).await;
            };
            tokio::select! {
                taken = queue.recv_many(&mut calls, CALLS_PER_BATCH) => match taken {
                    0 => return,
                    _ => self.write_calls(&mut calls).await,
                },
                () = moved, if may_lose => {
                    self.replay().await;
                    again_at = Instant::now() + REPLAY_AGAIN;
                }
            }
        }
    }

    async fn write_calls(&mut self, calls: &mut Vec<Call>) {
        let mut pages: HashMap<PageRef, Vec<Receipt>> = HashMap::new();
        let mut waiting = Vec::new();
        for call in calls.drain(..) {
            waiting.push((call.pages(), call.done));
            call.receipts.into_iter().for_each(|receipt| pages.entry(receipt.page.clone()).or_default().push(receipt));
        }
        let failed = self.write_pages(&pages, Telling::First).await;
        let noted = self.note_path(&pages).await;
        reach(Point::ReceiptNoted);
        pages.retain(|page, _| !failed.contains(page));
        self.keep(pages.into_values().flatten());
        for (touched, done) in waiting {
            let whole = noted && touched.is_disjoint(&failed);
            // A caller that has gone away has answered nothing, so Meta will come again.
            let _ = done.send(if whole { Ok(()) } else { Err(Unavailable) });
        }
    }

    /// Keeps what is about to be acknowledged: Meta will not come again with it.
    fn keep(&mut self, receipts: impl Iterator<Item = Receipt>) {
        if !self.ctx.store.may_lose() {
            return;
        }
        self.recent.keep(receipts, Instant::now());
        if let Some(seen) = self.ctx.vigil.seen(self.recent.server()) {
            self.recent.settle(seen);
        }
    }

    /// Another server answers, which may not know what was acknowledged of late: it is written again.
    async fn replay(&mut self) {
        let server = self.ctx.vigil.server();
        let mut pages: HashMap<PageRef, Vec<Receipt>> = HashMap::new();
        for receipt in self.recent.items() {
            pages.entry(receipt.page.clone()).or_default().push(receipt.clone());
        }
        let count = self.recent.items().count();
        if self.write_pages(&pages, Telling::Again).await.is_empty() {
            info!("another Redis server answers: {count} receipts of the last seconds are written again");
            self.recent.moved(server, Instant::now());
        }
    }

    /// Writes all pages at once; answers those that could not be written.
    async fn write_pages(&self, pages: &HashMap<PageRef, Vec<Receipt>>, telling: Telling) -> HashSet<PageRef> {
        let mut writes = FuturesUnordered::new();
        for (page, receipts) in pages {
            writes.push(self.write_page(page, receipts, telling));
        }
        let mut failed = HashSet::new();
        while let Some((page, result)) = writes.next().await {
            if let Err(error) = result {
                let what = format_args!("receipts of page {page} are not written, {}", telling.who_repeats());
                self.ctx.trouble(what, error);
                failed.insert(page.clone());
            }
        }
        failed
    }

    async fn write_page<'a>(
        &self,
        page: &'a PageRef,
        receipts: &[Receipt],
        telling: Telling,
    ) -> (&'a PageRef, Result<(), EngineError>) {
        (page, self.write_facts(page, receipts, telling).await)
    }

    /// Unsure sends wait by the time of the last receipt: told after the facts, lest one waits on a receipt not yet
    /// written.
    async fn note_path(&self, pages: &HashMap<PageRef, Vec<Receipt>>) -> bool {
        let receipts = pages.values().flatten();
        let numbers: BTreeSet<NumberId> = receipts.filter_map(|receipt| receipt.number.clone()).collect();
        let numbers: Vec<NumberId> = numbers.into_iter().collect();
        numbers.is_empty() || self.ctx.store.note_receipts(&numbers, self.clock.now()).await.is_ok()
    }

    async fn write_facts(&self, page: &PageRef, receipts: &[Receipt], telling: Telling) -> Result<(), EngineError> {
        let facts: Vec<AttemptFact> = receipts.iter().map(|receipt| receipt.fact.clone()).collect();
        reach(Point::ReceiptBefore);
        let recorded = self.ctx.store.receipt(page, &facts).await?;
        reach(Point::ReceiptAfter);
        match recorded {
            Recorded::Foreign if telling == Telling::Again => {}
            Recorded::Foreign => receipts.iter().for_each(|receipt| self.meters.count(receipt.tells, Did::Foreign)),
            Recorded::Settled(settlement) => {
                let Some(run) = self.run_facts(&page.run).await? else {
                    // They are written, and nothing of it will ever be sent again.
                    warn!(run.id = %page.run, page.id = %page, "page {page} has outlived its run");
                    return Ok(());
                };
                if settlement.reopened {
                    debug!(run.id = %page.run, page.id = %page, "a receipt reopened page {page}");
                    reach(Point::ReceiptReopened);
                    let now = self.clock.now();
                    self.ctx.store.put_pages(&run.lane, Put::Hurry, &[(page.clone(), now)]).await?;
                }
                if telling == Telling::First {
                    self.observe(receipts, &settlement, &run);
                }
            }
        }
        Ok(())
    }

    /// None when the run is gone.
    async fn run_facts(&self, id: &RunId) -> Result<Option<RunFacts>, EngineError> {
        if let Some(facts) = self.runs.lock().await.get(id) {
            return Ok(Some(facts.clone()));
        }
        let Some(run) = self.ctx.store.run(id).await? else { return Ok(None) };
        let facts = RunFacts { lane: run.lane(), instant: run.record.instant };
        let mut runs = self.runs.lock().await;
        if runs.len() >= RUNS_KEPT {
            runs.clear();
        }
        runs.insert(id.clone(), facts.clone());
        Ok(Some(facts))
    }

    fn observe(&self, receipts: &[Receipt], settlement: &Settlement, run: &RunFacts) {
        for (receipt, transition) in receipts.iter().zip(&settlement.transitions) {
            let (number, fact) = (receipt.number.as_ref().map_or("", NumberId::as_str), &receipt.fact.fact);
            self.meters.count(receipt.tells, transition.applied.into());
            if transition.applied == Applied::Raised {
                self.meters.happened(receipt.tells, fact.at.saturating_sub(run.instant));
                if receipt.tells == Tells::Failed {
                    count_error(number, Some(fact.code.into()), answer::class_of(fact.code));
                    self.rate(receipt);
                }
            }
            log::Recorded { page: &receipt.page, told: &receipt.fact, number }.tell_failure(transition);
            if transition.before != transition.after {
                self.moves(receipt, run).count(DeliveryState::of(transition.after, Gate::Open), 1);
            }
        }
    }

    /// Counts a failure for its number, in the minute in which it has failed.
    fn rate(&self, receipt: &Receipt) {
        let fact = &receipt.fact.fact;
        if let Some(number) = &receipt.number {
            self.rates.add(number, fact.at.min(self.clock.now()), answer::failure_counts(fact.code));
        }
    }

    fn moves(&self, receipt: &Receipt, run: &RunFacts) -> Moves {
        match &receipt.number {
            Some(number) => self.numbers.moves(&run.lane.pool, number),
            None => Moves::of(&run.lane.pool, ""),
        }
    }
}

/// Tells each second that a webhook is up, and keeps the clock of its [`Receipts`] right, until `stop`. Before its first
/// beat, and while Redis took none, receipts came in vain.
///
/// # Errors
/// None today: what goes wrong is logged and tried again.
pub async fn webhook_beat(ctx: Context, clock: Clock, stop: CancellationToken) -> Result<(), EngineError> {
    let was_down = AtomicBool::new(true);
    let beat = || async {
        let beaten = match was_down.load(Ordering::Relaxed) {
            true => ctx.store.restart_webhook(clock.now()).await,
            false => ctx.store.beat_webhook(clock.now()).await,
        };
        was_down.store(beaten.is_err(), Ordering::Relaxed);
        if let Err(error) = beaten {
            ctx.trouble(format_args!("the webhook's beat cannot be written"), error);
        }
    };
    let meters = Meters::default();
    tokio::join!(
        clock.keep(&ctx.store, &stop),
        meters.register(&ctx.store, &stop),
        every(Duration::from_secs(1), &stop, beat)
    );
    Ok(())
}
