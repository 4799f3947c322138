//! Points where a test ends or freezes this very process: around each await after which others may know more than we do,
//! or we more than they. `FAILPOINTS="begin.after=2*off->1*return(KILL)"` ends the process at its third answered begin;
//! `return(STOP)` freezes it there until somebody sends SIGCONT. The grammar is that of the crate `fail`.
//!
//! Only the feature `points` puts them into a build, and only tests turn it on: elsewhere `reach` is an empty function.

macro_rules! table {
    ($($(#[doc = $meaning:literal])+ $point:ident = $name:literal,)+) => {
        /// A point. See the module.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Point { $($(#[doc = $meaning])+ $point,)+ }

        impl Point {
            /// Every point there is.
            pub const ALL: &[Self] = &[$(Self::$point,)+];

            /// What `FAILPOINTS` calls it: the step, and where in it.
            pub fn name(self) -> &'static str {
                match self { $(Self::$point => $name,)+ }
            }
        }
    };
}

table! {
    /// Dispatch: a lane is about to be asked for pages.
    LeaseBefore = "lease.before",
    /// Pages are leased, and nobody owns them yet.
    LeaseAfter = "lease.after",
    /// A leased page is about to be claimed.
    ClaimBefore = "claim.before",
    /// It is claimed, and its owner knows nothing else yet.
    ClaimAfter = "claim.after",
    /// Credit is about to be asked for.
    GrantBefore = "grant.before",
    /// Credit is spent.
    GrantAfter = "grant.after",
    /// Intents are about to be written.
    BeginBefore = "begin.before",
    /// They are written and granted, and nothing is POSTed yet.
    BeginAfter = "begin.after",
    /// A POST is about to be made, and may still be taken back.
    PostBefore = "post.before",
    /// It is answered, and nobody was told.
    PostAfter = "post.after",
    /// Verdicts are about to be written.
    CommitBefore = "commit.before",
    /// They are written, and the owner does not know it yet.
    CommitAfter = "commit.after",
    /// They reopened the page, which is not back in its lane yet.
    CommitReopened = "commit.reopened",
    /// A lease is about to be renewed.
    RenewBefore = "renew.before",
    /// It is renewed.
    RenewAfter = "renew.after",
    /// The ledger is about to be read again.
    ReloadBefore = "reload.before",
    /// It is read.
    ReloadAfter = "reload.after",
    /// A page is about to be finished.
    FinishBefore = "finish.before",
    /// It bears its mark, and is still in its lane.
    FinishMarked = "finish.marked",
    /// It is out of its lane, and its mark was not looked at again.
    FinishOut = "finish.out",
    /// The second look found it reopened, and it is not back in its lane yet.
    FinishReopened = "finish.reopened",
    /// A page is about to be given back.
    GiveBackBefore = "give_back.before",
    /// It is given back.
    GiveBackAfter = "give_back.after",
    /// Receipts: a webhook's facts are about to be written.
    ReceiptBefore = "receipt.before",
    /// They are written, and the webhook is not answered.
    ReceiptAfter = "receipt.after",
    /// They reopened a page, which is not back in its lane yet.
    ReceiptReopened = "receipt.reopened",
    /// Everything is written but the 200.
    ReceiptNoted = "receipt.noted",
    /// Chores: a run is about to be frozen.
    FreezeBefore = "freeze.before",
    /// It is frozen.
    FreezeAfter = "freeze.after",
    /// A run is planned in memory, and none of its pages is written.
    PlanBefore = "plan.before",
    /// Writing them was refused: another scheduler was faster.
    PlanRefused = "plan.refused",
    /// All of its pages are written, and the run does not know it.
    PlanWritten = "plan.written",
    /// The run knows.
    PlanAfter = "plan.after",
    /// A run is about to be let go.
    PreflightBefore = "preflight.before",
    /// It may go.
    PreflightAfter = "preflight.after",
    /// A run is about to be opened.
    OpenBefore = "open.before",
    /// It is open, and its pages are not in their lane.
    OpenAfter = "open.after",
    /// The verdict on a canary is about to be written.
    CanaryBefore = "canary.before",
    /// It is written, and the rest of the run is not in its lane.
    CanaryAfter = "canary.after",
    /// A run is about to be closed.
    CloseBefore = "close.before",
    /// It is closed, and its campaign does not know it.
    CloseAfter = "close.after",
    /// A closed run is about to be written into the archive.
    ArchiveBefore = "archive.before",
    /// It is there, whole, and the run does not know it.
    ArchiveWritten = "archive.written",
    /// The run knows, and its pages are in Redis.
    ArchiveMarked = "archive.marked",
    /// They are gone, and the run is still on the list.
    ArchiveFreed = "archive.freed",
}

/// The process has come to `point`.
#[cfg(not(feature = "points"))]
pub(crate) fn reach(_: Point) {}

/// The process has come to `point`: does what `FAILPOINTS` orders there.
#[cfg(feature = "points")]
pub(crate) fn reach(point: Point) {
    static ARMED: std::sync::Once = std::sync::Once::new();
    // For good: the orders stand as long as the process.
    ARMED.call_once(|| std::mem::forget(fail::FailScenario::setup()));
    fail::fail_point!(point.name(), |signal| strike(point, signal.as_deref()));
}

/// Sends this process a signal that it cannot refuse.
#[cfg(feature = "points")]
fn strike(point: Point, signal: Option<&str>) {
    use rustix::process::{Signal, getpid, kill_process};
    let signal = match signal {
        Some("KILL") => Signal::KILL,
        Some("STOP") => Signal::STOP,
        other => panic!("at {} only KILL or STOP can be returned, not {other:?}", point.name()),
    };
    tracing::warn!("{signal:?} at the point {}", point.name());
    kill_process(getpid(), signal).expect("a process may signal itself");
    // Another thread hears of it first: this one waits until it has as well.
    std::thread::sleep(std::time::Duration::from_millis(100));
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_two_points_have_one_name() {
        let names: HashSet<_> = Point::ALL.iter().map(|point| point.name()).collect();
        assert_eq!(names.len(), Point::ALL.len());
    }
}
