//! Archive: the last step of a run. Long after its close, what it was is written where it costs no memory, and Redis has its
//! memory back.
//!
//! A loop of its own, not a job on the queue: an archive takes seconds, in which nobody's freeze may wait for a place.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use dawncast_core::{UnixMs, ids::RunId};
use dawncast_store::{
    StoreError,
    archive::{Marked, Written},
    run::{Run, RunState},
};
use metrics::counter;
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, debug, info, info_span};

use super::Chores;
use crate::{
    EngineError,
    answer::explain,
    clock::every,
    metrics::RUNS_ARCHIVED,
    points::{Point, reach},
};

const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Runs that are tried in one look, one after the other.
const AT_ONCE: usize = 16;
/// One that could not be archived is tried again after this.
const FAILED_AGAIN: Duration = Duration::from_secs(60);
/// So many of those that are due are looked through for some that may be tried.
const LISTED: isize = 256;
/// For how long a scheduler has a run to itself, and how often it says that it still does.
const HOLD_MS: u64 = 10_000;
const HOLD_AGAIN: Duration = Duration::from_secs(3);

/// Archives what is due until `stop`; a run that is being written then is left to whoever looks next.
pub(super) async fn run(chores: &Chores, stop: &CancellationToken) {
    let Some(after) = chores.ctx.settings.archive_after else { return };
    let archiving = async {
        while let Err(error) = chores.ctx.store.list_unarchived().await {
            chores.ctx.trouble(format_args!("closed runs cannot be listed for the archive and are tried again"), error);
            tokio::time::sleep(LOOK_EVERY).await;
        }
        let failed = Mutex::new(HashMap::new());
        every(LOOK_EVERY, stop, || async { chores.archive_due(after, &mut *failed.lock().await).await }).await;
    };
    tokio::select! {
        () = archiving => {}
        () = stop.cancelled() => {}
    }
}

/// Whether a closed run is to be archived at `now`.
fn is_due(run: &Run, now: UnixMs, after: Duration) -> bool {
    run.closed_at.is_some_and(|closed_at| now >= closed_at + after.as_millis() as i64)
}

impl Chores {
    /// `failed` are those that could not be archived, and when.
    async fn archive_due(&self, after: Duration, failed: &mut HashMap<RunId, Instant>) {
        if !self.ctx.vigil.trusts() {
            // What is known of runs may be of an earlier day.
            return;
        }
        let until = self.clock.now() - after.as_millis() as i64;
        let due = match self.ctx.store.archivable(until, LISTED).await {
            Ok(due) => due,
            Err(error) => return self.ctx.trouble(format_args!("the runs to archive cannot be read now"), error),
        };
        failed.retain(|_, at| at.elapsed() < FAILED_AGAIN);
        let due: Vec<RunId> = due.into_iter().filter(|id| !failed.contains_key(id)).take(AT_ONCE).collect();
        for id in due {
            let span = info_span!("chore", run.id = %id, step = "archive");
            let Err(error) = self.archive(&id, after).instrument(span).await else { continue };
            let is_down = matches!(&error, EngineError::Store(StoreError::Archive(why)) if why.is_down());
            self.ctx.trouble(format_args!("archive of a run failed and is tried again"), error);
            // One that cannot be archived holds up none that can, and waits a while itself.
            if is_down {
                return;
            }
            failed.insert(id, Instant::now());
        }
    }

    /// Archives a run, if it is due and nobody else is at it.
    async fn archive(&self, id: &RunId, after: Duration) -> Result<(), EngineError> {
        let (store, token) = (&self.ctx.store, rand::random());
        let waits = |run: &Run| run.freed_at.is_none() && run.state == RunState::Closed;
        let Some(run) = store.run(id).await?.filter(waits) else {
            // Whoever freed it died before it was off the list, or a close that was followed up has listed it once more.
            // After lost writes it may be open again: it is listed when it is closed.
            return Ok(store.forget_archivable(id).await?);
        };
        if !is_due(&run, self.clock.now(), after) || store.active_runs().await?.contains(id) {
            // What is left to do for it once it is closed reads its pages.
            return Ok(());
        }
        if !store.claim_archive(id, token, HOLD_MS).await? {
            return Ok(());
        }
        let archived = tokio::select! {
            archived = self.write_and_free(run, token) => archived,
            lost = self.hold_on(id, token) => lost,
        };
        store.release_archive(id).await?;
        archived
    }

    /// Keeps a claim. Resolves when it cannot be kept.
    async fn hold_on(&self, id: &RunId, token: u32) -> Result<(), EngineError> {
        loop {
            tokio::time::sleep(HOLD_AGAIN).await;
            if !self.ctx.store.claim_archive(id, token, HOLD_MS).await? {
                return Ok(());
            }
        }
    }

    /// Write, mark, free. *A receipt that comes meanwhile*: what it changed is not removed, and the run is archived anew from
    /// what is left in Redis and what is in the archive already.
    async fn write_and_free(&self, run: Run, token: u32) -> Result<(), EngineError> {
        let (store, id, now) = (&self.ctx.store, &run.record.id, self.clock.now());
        reach(Point::ArchiveBefore);
        let Some(written) = store.write_archive(&run, token, now, explain).await? else {
            debug!("run {id} changed while it was archived, and comes again");
            return Ok(());
        };
        reach(Point::ArchiveWritten);
        if store.mark_archived(&run, &written).await? == Marked::Refused {
            return Ok(store.remove_archived(&run, written.mark()).await?);
        }
        reach(Point::ArchiveMarked);
        if !store.free_pages(&run, &written).await? {
            debug!("run {id} changed after it was archived, and comes again");
            return Ok(());
        }
        reach(Point::ArchiveFreed);
        if store.free_run(&run, &written, now).await? {
            self.tell_archived(&run, &written);
        }
        // Last, when the run names another and is done with: that it stays costs room and nothing else.
        if let Some(replaced) = run.archived.as_ref().filter(|replaced| replaced.object != written.mark().object)
            && let Err(error) = store.remove_archived(&run, replaced).await
        {
            self.ctx.trouble(format_args!("what the archive held of run {id} before cannot be removed"), error);
        }
        Ok(())
    }

    fn tell_archived(&self, run: &Run, written: &Written) {
        counter!(RUNS_ARCHIVED).increment(1);
        let (id, at) = (&run.record.id, written.mark());
        info!("archive of run {id} is done: {} bytes in {}", at.bytes, at.url);
    }
}
