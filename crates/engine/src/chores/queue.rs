//! The chore queue on `apalis-redis`: few, idempotent jobs. Never dependent on its recovery, which may take five
//! minutes: whatever is lost here, the tick hints at again.

use std::{convert::Infallible, pin::pin, sync::Arc, time::Duration};

use apalis::{
    layers::WorkerBuilderExt,
    prelude::{BackendExt, Monitor, ParallelizeExt, TaskSink, WorkerBuilder},
};
use apalis_core::backend::Vacuum;
use apalis_redis::{Config, RedisStorage};
use dawncast_store::Pulse;
use tokio_util::sync::CancellationToken;
use tracing::{info_span, warn};

use super::{Chore, Chores};
use crate::{Context, EngineError, clock::sleep_or_stop};

/// How often the queue is looked at.
const POLL: Duration = Duration::from_millis(100);
/// How long to wait before the queue's worker is set up again after Redis failed it.
const RESTART: Duration = Duration::from_millis(500);
const CONCURRENCY: usize = 4;
/// A worker that has not heard of Redis for so long does not look any more. A command is over within two seconds.
const SILENT: Duration = Duration::from_secs(3);
const LISTEN_EVERY: Duration = Duration::from_millis(500);
/// Done jobs are removed this often; apalis-redis keeps them otherwise.
const VACUUM_EVERY: Duration = Duration::from_secs(60);

type Queue = RedisStorage<Chore, Pulse>;

fn queue(ctx: &Context) -> Queue {
    queue_on(ctx, ctx.store.pulse())
}

fn queue_on(ctx: &Context, pulse: Pulse) -> Queue {
    let config = Config::default()
        .queue(ctx.store.keys().chores())
        .batch_size(CONCURRENCY)
        .emit_events(false)
        .persist_results(false)
        .heartbeat_interval(Duration::from_secs(5));
    RedisStorage::new(pulse).with_config(config)
}

/// The side of the queue that gives hints.
pub(super) struct Hints(Queue);

impl Hints {
    pub(super) fn new(ctx: &Context) -> Self {
        Self(queue(ctx))
    }

    pub(super) async fn give(&mut self, chore: &Chore) -> Result<(), EngineError> {
        let pushed = self.0.push(chore.clone()).await;
        pushed.map_err(|error| EngineError::Unfit(format!("the chore queue takes no job: {error}")))
    }
}

/// Works the queue until `stop`. Apalis ends a worker at the first error of its backend, so it is set up again, each
/// time under a name of its own: registration is refused while the old one looks alive.
///
/// And it is set up again when it has fallen silent, by the race *a look slower than the interval*: both timers that make
/// apalis look at Redis again, its interval and its heartbeat, fire while one slow look is under way; nobody arms them after
/// that, and the worker never looks again. Seen under chaos, with a Redis that was 400 ms away when a heartbeat was due.
pub(super) async fn work(chores: Arc<Chores>, stop: &CancellationToken) {
    tokio::join!(serve(Arc::clone(&chores), stop), vacuum(&chores, stop));
}

async fn serve(chores: Arc<Chores>, stop: &CancellationToken) {
    while !stop.is_cancelled() {
        let (ctx, hands) = (chores.ctx.clone(), Arc::clone(&chores));
        let pulse = ctx.store.pulse();
        let heard = pulse.clone();
        let monitor = Monitor::new().register(move |_| {
            let chores = Arc::clone(&hands);
            WorkerBuilder::new(format!("chores-{:016x}", rand::random::<u64>()))
                .backend(queue_on(&ctx, pulse.clone()).poll_with_interval(POLL))
                .concurrency(CONCURRENCY)
                .catch_panic()
                .parallelize(tokio::spawn)
                .build(move |chore: Chore| {
                    let chores = Arc::clone(&chores);
                    async move {
                        if let Err(error) = chores.carry_out(&chore).await {
                            tell(&chores.ctx, &chore, error);
                        }
                        Ok::<(), Infallible>(())
                    }
                })
        });
        // Not `run_with_signal`: it would wait for the signal even when its worker has ended.
        let control = monitor.context();
        let mut running = pin!(monitor.run());
        let ended = tokio::select! {
            ended = &mut running => ended,
            () = silence(&heard) => {
                warn!("the chore queue's worker has fallen silent and is set up again");
                continue;
            }
            () = stop.cancelled() => {
                // It fails only when it was told before.
                let _ = control.shutdown();
                running.await
            }
        };
        if let Err(error) = ended {
            chores.ctx.trouble(format_args!("the chore queue is set up again"), EngineError::Unfit(error.to_string()));
        }
        sleep_or_stop(RESTART, stop).await;
    }
}

/// A chore has failed; the tick brings it again.
fn tell(ctx: &Context, Chore { run, step }: &Chore, error: EngineError) {
    let step = step.as_str();
    let what = format_args!("{step} of run {run} failed and is tried again");
    info_span!("chore", run.id = %run, step).in_scope(|| ctx.trouble(what, error));
}

/// Resolves when the queue's worker looks no more.
async fn silence(pulse: &Pulse) {
    while pulse.silent_for() < SILENT {
        tokio::time::sleep(LISTEN_EVERY).await;
    }
}

async fn vacuum(chores: &Chores, stop: &CancellationToken) {
    while !sleep_or_stop(VACUUM_EVERY, stop).await {
        if let Err(error) = queue(&chores.ctx).vacuum().await {
            chores
                .ctx
                .trouble(format_args!("done chores cannot be removed now"), EngineError::Unfit(error.to_string()));
        }
    }
}
