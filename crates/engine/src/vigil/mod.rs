//! The vigil of a process: each second it compares the database with what it has seen of it, and so learns that Redis
//! was restored from an older copy, which does not know what went out since.
//!
//! What races with that is closed here: *a claim right after the snapshot came back*. Redis may be replaced between two
//! comparisons. So a page counts as claimed only once this process has compared the very server that answered the claim
//! ([`Vigil::verify`]), and so does a freeze; and nothing begins when the last comparison is over two seconds old
//! ([`Vigil::trusts`]), by which a process that was frozen looks before it acts. An owner that was at work meanwhile begins
//! only what it knows itself not to have sent.

mod notes;

use std::{
    path::Path,
    sync::{Arc, Weak},
    time::{Duration, Instant},
};

use dawncast_store::{
    ServerId, Store, StoreError,
    restore::{Compared, Comparison, Seen, Unready},
};
use metrics::gauge;
use tokio::sync::{Notify, watch};
use tracing::{error, info, warn};

use self::notes::Notes;
use crate::{log::Troubles, metrics::UNREADY};

const COMPARE_EVERY: Duration = Duration::from_secs(1);
/// While all is not well.
const COMPARE_AGAIN: Duration = Duration::from_millis(250);
/// A comparison that was asked for longer ago says nothing any more. Below the shortest lease: a process whose pages
/// another may have taken over compares first.
const FRESH_FOR: Duration = Duration::from_secs(2);
/// A server that nobody has compared yet is waited for so long.
const VERIFY_WITHIN: Duration = Duration::from_secs(2);

/// What the last comparison found.
#[derive(Debug, Clone, Copy)]
struct Finding {
    /// When it was asked for.
    asked: Instant,
    server: ServerId,
    unready: Option<Unready>,
}

impl Finding {
    /// Nothing could be compared yet.
    fn unready(why: Unready) -> Self {
        Self { asked: Instant::now(), server: ServerId::default(), unready: Some(why) }
    }

    fn is_good(&self) -> bool {
        self.unready.is_none() && self.asked.elapsed() < FRESH_FOR
    }
}

struct Shared {
    finding: watch::Sender<Finding>,
    /// Somebody cannot wait for the next comparison.
    hurry: Notify,
    /// What goes wrong in this process just now.
    troubles: Troubles,
}

/// See the module. Clones share one vigil, which ends with the last of them.
#[derive(Clone)]
pub struct Vigil(Arc<Shared>);

impl Vigil {
    /// Compares for the first time, then on and on. `folder` keeps what was seen over the process's end; without it, a
    /// snapshot that is restored while the process is down is not noticed by it.
    ///
    /// # Errors
    /// When Redis cannot be reached. One that takes no writes now is waited for.
    pub async fn start(store: &Store, folder: Option<&Path>) -> Result<Self, StoreError> {
        let mut watcher =
            Watcher { store: store.clone(), notes: Notes::of(folder), known: Seen::nothing(""), restored: None };
        let finding = match watcher.look().await {
            Err(why) if Unready::of(&why) != Unready::RedisUnreachable => Finding::unready(Unready::of(&why)),
            looked => looked?,
        };
        let vigil = Self(Arc::new(Shared {
            finding: watch::Sender::new(finding),
            hurry: Notify::new(),
            troubles: Troubles::default(),
        }));
        tokio::spawn(watcher.watch(Arc::downgrade(&vigil.0)));
        Ok(vigil)
    }

    /// The server that was compared last.
    pub(crate) fn server(&self) -> ServerId {
        self.0.finding.borrow().server
    }

    /// When `server` was last found to answer; none when another one was.
    pub(crate) fn seen(&self, server: ServerId) -> Option<Instant> {
        let finding = *self.0.finding.borrow();
        (finding.server == server).then_some(finding.asked)
    }

    /// Waits until another server than `known` is the one that was compared last.
    pub(crate) async fn left(&self, known: ServerId) {
        // The sender lives as long as this clone.
        let _ = self.0.finding.subscribe().wait_for(|finding| finding.server != known).await;
    }

    /// Where what goes wrong is told once, however often it is met.
    pub(crate) fn troubles(&self) -> &Troubles {
        &self.0.troubles
    }

    /// Whether the database was just found to be what it should be: only then may anything begin.
    pub fn trusts(&self) -> bool {
        self.0.finding.borrow().is_good()
    }

    /// Whether `server`, which has answered just now, holds the database that it should. Waits for a comparison where it
    /// was not compared yet; false when it holds a restored snapshot, or nothing could be learnt in time.
    pub async fn verify(&self, server: ServerId) -> bool {
        let mut findings = self.0.finding.subscribe();
        let known = |finding: &Finding| finding.server == server && finding.is_good();
        if known(&findings.borrow_and_update()) {
            return true;
        }
        self.0.hurry.notify_one();
        tokio::time::timeout(VERIFY_WITHIN, findings.wait_for(known)).await.is_ok_and(|found| found.is_ok())
    }
}

/// The task behind a vigil.
struct Watcher {
    store: Store,
    notes: Notes,
    known: Seen,
    /// Whether the runs are held as a restored snapshot's are; none when that was not seen to yet.
    restored: Option<bool>,
}

impl Watcher {
    async fn watch(mut self, vigil: Weak<Shared>) {
        loop {
            let Some(shared) = vigil.upgrade() else { return };
            let wait = if shared.finding.borrow().unready.is_none() { COMPARE_EVERY } else { COMPARE_AGAIN };
            // Bounded, so that the end of the vigil is seen.
            let _ = tokio::time::timeout(wait, shared.hurry.notified()).await;
            let before = *shared.finding.borrow();
            let finding = self.look().await.unwrap_or_else(|why| {
                let unready = Unready::of(&why);
                if before.unready != Some(unready) {
                    warn!("nothing begins now: {} ({why})", unready.in_words());
                }
                Finding { unready: Some(unready), ..before }
            });
            if before.unready.is_some() && finding.unready.is_none() {
                info!("Redis is as it should be again: what is due begins");
            }
            export(finding.unready);
            shared.troubles.tell_over();
            shared.finding.send_replace(finding);
        }
    }

    /// One comparison, and what follows from it.
    async fn look(&mut self) -> Result<Finding, StoreError> {
        let (asked, answer) = self.compare().await?;
        let restored = answer.compared == Compared::Restored;
        if !restored && self.known != answer.seen {
            self.known = answer.seen;
            // On disk before anything begins because of it.
            self.keep_note().await;
        }
        if self.restored != Some(restored) {
            if restored {
                error!("nothing begins: {}", Unready::Restored.in_words());
            }
            self.store.line_up_holds().await?;
            self.restored = Some(restored);
        }
        Ok(Finding { asked, server: answer.server, unready: restored.then_some(Unready::Restored) })
    }

    async fn compare(&mut self) -> Result<(Instant, Comparison), StoreError> {
        loop {
            let asked = Instant::now();
            let answer = self.store.compare(&self.known).await?;
            if answer.compared != Compared::Other {
                return Ok((asked, answer));
            }
            let database = answer.seen.database;
            let known = self.notes.read(&database);
            if known.is_none() && (self.notes.any() || !self.known.database.is_empty()) {
                warn!(
                    "database {database} was never seen here, others were: see that redis.url and redis.prefix are right"
                );
            }
            self.known = known.unwrap_or_else(|| Seen::nothing(database));
        }
    }

    async fn keep_note(&mut self) {
        let (mut notes, seen) = (std::mem::replace(&mut self.notes, Notes::of(None)), self.known.clone());
        let written = tokio::task::spawn_blocking(move || {
            notes.write(&seen);
            notes
        });
        self.notes = written.await.expect("writing a note does not panic");
    }
}

fn export(unready: Option<Unready>) {
    for reason in Unready::ALL {
        gauge!(UNREADY, "reason" => reason.as_str()).set(if unready == Some(reason) { 1.0 } else { 0.0 });
    }
}
