//! The tick: each second, derives from the run records what is due and hints at it.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::Arc,
    time::{Duration, Instant},
};

use dawncast_core::UnixMs;
use dawncast_store::{
    lane::Put,
    run::{Run, RunState},
};
use tokio_util::sync::CancellationToken;
use tracing::info;

use super::{Chore, Chores, due, queue::Hints};
use crate::{EngineError, clock::sleep_or_stop};

const TICK: Duration = Duration::from_secs(1);
/// A hint is given again after this: the job may have died with its worker.
const HINT_AGAIN: Duration = Duration::from_secs(2);
/// Pages that fell out of their lane are looked for this often.
const RECONCILE_EVERY: u32 = 2;

pub(super) async fn tick(chores: Arc<Chores>, stop: &CancellationToken) {
    let mut hints = Hints::new(&chores.ctx);
    let mut given: HashMap<Chore, Instant> = HashMap::new();
    let mut count = 0;
    loop {
        if let Err(error) = once(&chores, &mut hints, &mut given, count).await {
            chores.ctx.trouble(format_args!("the tick failed and comes again"), error);
        }
        count += 1;
        if sleep_or_stop(TICK, stop).await {
            return;
        }
    }
}

async fn once(
    chores: &Chores,
    hints: &mut Hints,
    given: &mut HashMap<Chore, Instant>,
    count: u32,
) -> Result<(), EngineError> {
    derive_runs(chores).await?;
    given.retain(|_, at| at.elapsed() < HINT_AGAIN);
    for id in chores.ctx.store.active_runs().await? {
        let Some(run) = chores.ctx.store.run(&id).await? else { continue };
        if run.state == RunState::Closed {
            chores.retire(&run).await?;
        }
        follow_zones(chores, &run).await?;
        chores.see_missed(&run).await?;
        if run.state == RunState::Open && count.is_multiple_of(RECONCILE_EVERY) {
            reconcile(chores, &run).await?;
        }
        let Some(step) = due::due(&run, chores.clock.now(), &chores.ctx.settings) else { continue };
        let chore = Chore { run: id, step };
        if let Entry::Vacant(free) = given.entry(chore) {
            hints.give(free.key()).await?;
            free.insert(Instant::now());
        }
    }
    Ok(())
}

/// A run whose recipients live by their own clocks opens when the first of them does: whoever is imported before freeze may
/// live farther east.
async fn follow_zones(chores: &Chores, run: &Run) -> Result<(), EngineError> {
    if run.state != RunState::Scheduled || run.record.own_civil().is_none() || !chores.ctx.vigil.trusts() {
        return Ok(());
    }
    let zones = chores.ctx.store.zones_of(&run.record.spec).await?;
    chores.ctx.store.follow_zones(run, &zones, chores.clock.now()).await?;
    Ok(())
}

/// Each campaign gets its next run as soon as the one before was due, and one that was not created, because a process died
/// in between. Those that came while nobody looked are created late: they catch up within their deadline, or are missed.
async fn derive_runs(chores: &Chores) -> Result<(), EngineError> {
    if !chores.ctx.vigil.trusts() {
        // In a restored snapshot, what was due since has its doubts written first.
        return Ok(());
    }
    for campaign in chores.ctx.store.open_campaigns().await? {
        for run in chores.ctx.store.derive_runs(campaign, chores.clock.now()).await? {
            info!(run.id = %run.id, campaign.id = %run.campaign, "run {} is scheduled", run.id);
        }
    }
    Ok(())
}

/// Reconcile: puts back every page without its finished mark that its lane does not hold, such as one whose receipt
/// handler died between reopening it and putting it back.
pub(super) async fn reconcile(chores: &Chores, run: &Run) -> Result<(), EngineError> {
    let refs: Vec<_> = run.pages_in_play().collect();
    let headers = chores.ctx.store.headers(&refs).await?;
    let unfinished = headers.into_iter().filter(|(_, header)| !header.finished);
    let pages: Vec<(_, UnixMs)> = unfinished.map(|(page, header)| (page, header.first_due - LEASE_AHEAD_MS)).collect();
    let put = chores.ctx.store.put_pages(&run.lane(), Put::Keep, &pages).await?;
    if put > 0 && run.opened_at.is_some() {
        info!(run.id = %run.record.id, "{put} pages of run {} are in their lane", run.record.id);
    }
    Ok(())
}

/// A page is leased this long before its first delivery is due, so that claiming and unpacking it delays nobody.
const LEASE_AHEAD_MS: i64 = 2_000;
