//! Lease: takes due pages from every lane while there are places for them, the most urgent lane first.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use dawncast_core::{UnixMs, campaign::Priority};
use dawncast_store::lane::{Lane, Leased};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use super::Shared;
use crate::{
    EngineError,
    clock::sleep_or_stop,
    points::{Point, reach},
};

/// Lanes are looked at this often at least; pages are leased two seconds before they are due.
const LOOK_EVERY: Duration = Duration::from_millis(200);
const LOOK_AGAIN: Duration = Duration::from_millis(5);
/// Pools change rarely.
const POOLS_EVERY: Duration = Duration::from_secs(1);
/// Pages of a lane leased in one go.
const LEASE_BATCH: usize = 16;

/// A leased page on its way to its owner. Its place is free again when the job is dropped.
pub(crate) struct PageJob {
    pub(crate) leased: Leased,
    /// When the lease was asked for, by the monotonic clock: it counts from then.
    pub(crate) asked: Instant,
    _place: OwnedSemaphorePermit,
}

/// Leases pages until the worker stops.
pub(super) async fn lease_pages(shared: &Arc<Shared>, pages: mpsc::Sender<PageJob>) {
    let places = Arc::new(Semaphore::new(shared.ctx.settings.pages));
    let (mut lanes, mut read_at) = (Vec::new(), None::<Instant>);
    loop {
        if read_at.is_none_or(|at| at.elapsed() > POOLS_EVERY) {
            match self::lanes(shared).await {
                Ok(read) => (lanes, read_at) = (read, Some(Instant::now())),
                Err(error) => shared.ctx.trouble(format_args!("the pools cannot be read now"), error),
            }
        }
        let wait = match lease_round(shared, &lanes, &places, &pages).await {
            Ok(wait) => wait,
            Err(error) => {
                shared.ctx.trouble(format_args!("pages cannot be leased now"), error);
                LOOK_EVERY
            }
        };
        if sleep_or_stop(wait, &shared.stop).await {
            return;
        }
    }
}

/// Every lane, the critical ones of all pools first.
async fn lanes(shared: &Shared) -> Result<Vec<Lane>, EngineError> {
    let pools = shared.ctx.store.pools().await?;
    let of = |priority| pools.iter().map(move |pool| Lane { pool: pool.id.clone(), priority });
    Ok([Priority::Critical, Priority::Normal, Priority::Bulk].into_iter().flat_map(of).collect())
}

/// Leases what is due as far as there are places; answers when to look again.
async fn lease_round(
    shared: &Shared,
    lanes: &[Lane],
    places: &Arc<Semaphore>,
    pages: &mpsc::Sender<PageJob>,
) -> Result<Duration, EngineError> {
    let mut wait = LOOK_EVERY;
    if shared.clock.has_stepped_within(shared.ctx.settings.lease) {
        // By the new time every lease may have ended. Owners renew theirs, and what has none comes then.
        return Ok(wait);
    }
    if !shared.ctx.vigil.trusts() {
        return Ok(wait);
    }
    for lane in lanes {
        let free = room(lane.priority, shared.ctx.settings.pages, places.available_permits()).min(LEASE_BATCH);
        if shared.stop.is_cancelled() {
            return Ok(wait);
        }
        if free == 0 {
            continue;
        }
        let asked = Instant::now();
        let token = format!("{:016x}", rand::random::<u64>());
        reach(Point::LeaseBefore);
        let lease = shared.ctx.store.lease(lane, free, shared.ctx.settings.lease, &token).await?;
        if !lease.pages.is_empty() {
            reach(Point::LeaseAfter);
        }
        if lease.pages.len() == free {
            wait = LOOK_AGAIN;
        }
        wait = wait.min(until(lease.next_due, lease.now));
        for leased in lease.pages {
            let place = Arc::clone(places).acquire_owned().await.expect("nobody closes the places");
            if pages.send(PageJob { leased, asked, _place: place }).await.is_err() {
                return Ok(wait);
            }
        }
    }
    Ok(wait)
}

/// How many more pages of a lane may be owned, of `total` places of which `free` are. Half of them are closed to `bulk` and a
/// quarter to `normal`, as credit is: pages are kept for as long as they are being sent, and a backlog of less urgent ones
/// would keep the urgent ones out.
fn room(priority: Priority, total: usize, free: usize) -> usize {
    let closed = match priority {
        Priority::Critical => 0,
        Priority::Normal => total / 4,
        Priority::Bulk => total / 2,
    };
    free.saturating_sub(closed)
}

fn until(due: Option<UnixMs>, now: UnixMs) -> Duration {
    let ms = due.map_or(LOOK_EVERY.as_millis() as i64, |due| due - now);
    Duration::from_millis(ms.max(0) as u64).max(LOOK_AGAIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backlog_leaves_places_for_what_is_more_urgent() {
        let rooms = |free| [Priority::Critical, Priority::Normal, Priority::Bulk].map(|it| room(it, 64, free));
        assert_eq!(rooms(64), [64, 48, 32]);
        assert_eq!(rooms(32), [32, 16, 0]);
        assert_eq!(rooms(16), [16, 0, 0]);
        assert_eq!([Priority::Critical, Priority::Normal, Priority::Bulk].map(|it| room(it, 1, 1)), [1, 1, 1]);
    }
}
