//! Dispatch: lease, begin, send, commit. A worker leases due pages; each has one owner, a task that holds its deliveries
//! in memory and writes everything that matters to the ledger before it acts on it.

mod admit;
mod backend;
mod codes;
mod depart;
mod image;
mod journal;
mod lane;
mod lines;
mod owner;
mod pairs;
mod places;
mod sheet;
mod silence;
mod suspects;
mod takeover;
mod tenure;
mod wire;

use std::{convert::Infallible, sync::Arc};

use apalis::{
    layers::WorkerBuilderExt,
    prelude::{Monitor, ParallelizeExt, WorkerBuilder},
};
use tokio::sync::{Semaphore, mpsc};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::warn;

pub(crate) use self::codes::STOPPED_MARKETING;
use self::{backend::LaneBackend, lane::PageJob, lines::Lines, pairs::Pairs, sheet::Sheets};
use crate::{Clock, Context, EngineError, meters::Meters, rates::Rates};

/// Leased pages on their way to owners.
type Queue = tokio::sync::Mutex<mpsc::Receiver<PageJob>>;

/// What the owners of a process share.
pub(crate) struct Shared {
    pub(crate) ctx: Context,
    pub(crate) clock: Clock,
    pub(crate) sheets: Sheets,
    pub(crate) lines: Lines,
    pub(crate) rates: Rates,
    /// Counts what is sent to each user.
    pub(crate) pairs: Pairs,
    /// One permit per POST on the wire.
    pub(crate) wire: Arc<Semaphore>,
    /// Tells owners to begin nothing more and give their pages back.
    pub(crate) stop: CancellationToken,
    /// The owners at work: apalis forgets handlers that it has spawned.
    pub(crate) owners: TaskTracker,
}

/// Runs a worker until `stop`: leases pages, sends their messages. When it returns, what was on the wire is recorded and
/// every page given back. Any number of workers may run.
///
/// # Errors
/// When Redis cannot be reached at the start.
pub async fn worker(ctx: Context, stop: CancellationToken) -> Result<(), EngineError> {
    let clock = Clock::start(&ctx.store).await?;
    let ctx = clock.rule(ctx);
    let meters = Meters::default();
    let shared = Arc::new(Shared {
        sheets: Sheets::new(ctx.clone(), meters.clone()),
        lines: Lines::new(),
        rates: Rates::new(ctx.clone()),
        pairs: Pairs::default(),
        wire: Arc::new(Semaphore::new(ctx.settings.in_flight)),
        stop: stop.clone(),
        owners: TaskTracker::new(),
        clock: clock.clone(),
        ctx,
    });
    let (pages, queue) = mpsc::channel(shared.ctx.settings.pages);
    let queue = Arc::new(tokio::sync::Mutex::new(queue));
    let working = own_pages(&shared, Arc::clone(&queue));
    let store = &shared.ctx.store;
    let follow = shared.sheets.follow_credentials(&stop);
    let keep = async { tokio::join!(clock.keep(store, &stop), meters.register(store, &stop), follow) };
    tokio::join!(keep, lane::lease_pages(&shared, pages), working);
    give_back(&shared, &queue).await;
    shared.owners.close();
    shared.owners.wait().await;
    Ok(())
}

/// Pages that were leased and found no owner any more go back at once.
async fn give_back(shared: &Shared, queue: &Queue) {
    let mut queue = queue.lock().await;
    queue.close();
    while let Some(job) = queue.recv().await {
        if let Err(error) = shared.ctx.store.release_lease(&job.leased, shared.clock.now()).await {
            let what = format_args!("page {} cannot be given back, its lease ends by itself", job.leased.page);
            shared.ctx.trouble(what, error);
        }
    }
}

/// The apalis worker over our lane. It ends only when told to: the backend's stream yields no errors.
async fn own_pages(shared: &Arc<Shared>, queue: Arc<Queue>) {
    let stop = shared.stop.clone();
    let shared = Arc::clone(shared);
    let pages = shared.ctx.settings.pages;
    let monitor = Monitor::new().register(move |_| {
        let shared = Arc::clone(&shared);
        // The name is new at each start: registration is refused while an old one looks alive.
        WorkerBuilder::new(format!("pages-{:016x}", rand::random::<u64>()))
            .backend(LaneBackend::new(Arc::clone(&queue)))
            .concurrency(pages)
            .catch_panic()
            .parallelize(tokio::spawn)
            .build(move |job: PageJob| {
                let shared = Arc::clone(&shared);
                async move {
                    let owned = shared.owners.track_future(owner::own(Arc::clone(&shared), job));
                    owned.await;
                    Ok::<(), Infallible>(())
                }
            })
    });
    let signal = async move {
        stop.cancelled().await;
        Ok(())
    };
    if let Err(error) = monitor.run_with_signal(signal).await {
        warn!("the worker's runtime ended: {error}");
    }
}
