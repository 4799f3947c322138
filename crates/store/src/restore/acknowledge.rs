//! What a restored snapshot leaves in doubt, and a person's word to go on.

use dawncast_core::{UnixMs, delivery::Standing};

use super::Restored;
use crate::{
    Store, StoreError,
    run::{Run, RunState},
    script::{Script, script},
};

static DOUBT: Script = script!("doubt.lua", allow_oom);
static LIFT: Script = script!("lift.lua");

/// Said of a run that a restored snapshot knew before it was frozen.
const CANCELLED: &str = "cancelled when a restored snapshot was acknowledged: the snapshot is from before this run was \
                         frozen, and the run may have gone out since. Submit the campaign anew if it did not";

/// A run of which more may have gone out than a restored snapshot knows.
#[derive(Debug, Clone, PartialEq)]
pub struct InDoubt {
    /// The run, as the snapshot knows it.
    pub run: Run,
    /// How many deliveries look unsent and were due by then; none when the snapshot is from before its plan.
    pub deliveries: Option<u64>,
}

impl InDoubt {
    /// Whether acknowledging cancels it: the snapshot is from before its freeze, so nobody can tell what went out.
    pub fn will_be_cancelled(&self) -> bool {
        self.run.state == RunState::Scheduled
    }
}

/// Whether anything of the run could have been due until `until`.
fn is_in_doubt(run: &Run, until: UnixMs) -> bool {
    let opens_at = run.frozen.as_ref().map_or(run.record.opening.opens_at, |frozen| frozen.opens_at);
    run.state < RunState::Cancelled && opens_at <= until
}

impl Store {
    /// The runs that are in doubt because of `restored`.
    pub async fn runs_in_doubt(&self, restored: &Restored) -> Result<Vec<InDoubt>, StoreError> {
        let mut found = Vec::new();
        for run in self.doubted(restored.doubt_until()).await? {
            let deliveries = self.count_unsent(&run, restored.doubt_until()).await?;
            found.push(InDoubt { run, deliveries });
        }
        Ok(found)
    }

    async fn doubted(&self, until: UnixMs) -> Result<Vec<Run>, StoreError> {
        let mut runs = Vec::new();
        for id in self.active_runs().await? {
            runs.extend(self.run(&id).await?.filter(|run| is_in_doubt(run, until)));
        }
        runs.sort_by_key(|run| run.record.opening.opens_at);
        Ok(runs)
    }

    async fn count_unsent(&self, run: &Run, until: UnixMs) -> Result<Option<u64>, StoreError> {
        if run.state < RunState::Planned {
            return Ok(None);
        }
        let (terms, mut count) = (run.terms(), 0);
        for page in run.page_refs() {
            let Some(page) = self.page(&page).await? else { continue };
            let pairs = page.recipients.rows.iter().zip(&page.ledger.records);
            let waits = |standing| matches!(standing, Standing::Planned | Standing::Retrying);
            count += pairs.filter(|(row, record)| row.due <= until && waits(record.standing(&terms))).count() as u64;
        }
        Ok(Some(count))
    }

    /// A person's word to go on after a restore; answers what was in doubt, none when nothing waited for it. First every
    /// run in doubt learns what may have gone out, then the mark is lifted, then the holds: whatever dies in between,
    /// nothing goes out that is in doubt, and saying it again goes on from there.
    pub async fn acknowledge_restore(&self, now: UnixMs) -> Result<Option<Restored>, StoreError> {
        let mut acknowledged = None;
        while let Some(restored) = self.restored().await? {
            let until = restored.doubt_until();
            self.derive_doubted_runs(until).await?;
            for run in self.doubted(until).await? {
                self.doubt_run(&run, until, now).await?;
            }
            acknowledged = Some(restored);
            if self.lift(&restored).await? {
                break;
            }
        }
        self.line_up_holds().await?;
        Ok(acknowledged)
    }

    /// Brings the holds of every run in line with what stands for all: a process that died between a switch and the runs'
    /// own holds is made good for.
    pub async fn line_up_holds(&self) -> Result<(), StoreError> {
        self.hold_runs(None).await
    }

    /// A snapshot may lie between a campaign and its run, or days before a run that has gone out since: these would
    /// otherwise come to be after the doubts were written, and send again.
    async fn derive_doubted_runs(&self, until: UnixMs) -> Result<(), StoreError> {
        for campaign in self.open_campaigns().await? {
            let id = campaign.id.clone();
            let mut campaign = Some(campaign);
            while let Some(left) = campaign {
                let done = self.derive_runs(left, until).await?.is_empty();
                campaign = if done { None } else { self.campaign(&id).await? };
            }
        }
        Ok(())
    }

    async fn doubt_run(&self, run: &Run, until: UnixMs, now: UnixMs) -> Result<(), StoreError> {
        let mut call = DOUBT.key(self.keys.run(&run.record.id));
        call.arg(until).arg(now).arg(serde_json::json!([CANCELLED]).to_string());
        Ok(call.invoke_async(&mut self.hot.clone()).await?)
    }

    /// False when a process has meanwhile told of a later beat than the doubts were written for.
    async fn lift(&self, restored: &Restored) -> Result<bool, StoreError> {
        let mut call = LIFT.key(self.keys.database());
        call.key(self.keys.restore()).key(self.keys.breaks());
        call.arg(self.now_argument()).arg(restored.highest_beat).arg(restored.doubt_until());
        Ok(call.invoke_async::<i64>(&mut self.hot.clone()).await? == 1)
    }
}
