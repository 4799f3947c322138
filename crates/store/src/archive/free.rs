//! Marking an archived run, and giving its memory back.

use dawncast_core::{UnixMs, ids::PageRef};
use serde::{Deserialize, Serialize};

use super::{ArchiveError, Written};
use crate::{
    Store, StoreError,
    run::Run,
    script::{Script, script},
};

static MARK: Script = script!("mark.lua", allow_oom);
static FREE: Script = script!("free.lua", allow_oom);
static FREED: Script = script!("freed.lua", allow_oom);

/// Pages that are freed in one step: each is hashed, some 20 KB.
const PAGES: usize = 32;

/// Where a run was archived.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Archived {
    /// When.
    pub at: UnixMs,
    /// Where people find it.
    pub url: String,
    /// The object, inside of the archive.
    pub object: String,
    /// How long it is.
    pub bytes: u64,
    /// Where its index begins: index and end are the rest.
    pub index: u64,
}

impl Archived {
    fn text(&self) -> String {
        serde_json::to_string(self).expect("a mark is plain data")
    }
}

/// What became of marking a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Marked {
    /// It says so.
    Done,
    /// Another scheduler has marked it since it was read.
    Refused,
}

impl Store {
    /// Marks a run as archived, and keeps the report that stands in the archive, if nobody has marked it since it was read.
    pub async fn mark_archived(&self, run: &Run, written: &Written) -> Result<Marked, StoreError> {
        let id = &run.record.id;
        let report = serde_json::to_string(&written.report).expect("a report is plain data");
        let before = run.archived.as_ref().map(Archived::text).unwrap_or_default();
        let code: i64 = MARK
            .key(self.keys.run(id))
            .key(self.keys.report(id))
            .arg(before)
            .arg(written.mark.text())
            .arg(report)
            .invoke_async(&mut self.hot.clone())
            .await?;
        Ok(if code == 1 { Marked::Done } else { Marked::Refused })
    }

    /// Removes the pages of a run from Redis that are what the archive has of them. False when one is not: a receipt came
    /// between writing and freeing, and the run has to be archived anew.
    pub async fn free_pages(&self, run: &Run, written: &Written) -> Result<bool, StoreError> {
        let pages: Vec<_> = run.page_refs().zip(&written.digests).collect();
        let mut kept = 0;
        for batch in pages.chunks(PAGES) {
            let mut call = FREE.key(self.keys.run(&run.record.id));
            call.arg(written.mark.text());
            for (page, digest) in batch {
                for key in self.page_keys(page) {
                    call.key(key);
                }
                call.arg(digest.as_deref().unwrap_or_default());
            }
            kept += call.invoke_async::<i64>(&mut self.hot.clone()).await?;
        }
        Ok(kept == 0)
    }

    fn page_keys(&self, page: &PageRef) -> [String; 3] {
        [self.keys.ledger(page), self.keys.recipients(page), self.keys.tail(page)]
    }

    /// Removes the dropped rows too, and notes that all of the run's memory is given back. False when the run was archived
    /// anew meanwhile.
    pub async fn free_run(&self, run: &Run, written: &Written, now: UnixMs) -> Result<bool, StoreError> {
        let id = &run.record.id;
        let mut call = FREED.key(self.keys.run(id));
        call.key(self.keys.dropped(id)).arg(written.mark.text()).arg(now);
        let freed = call.invoke_async::<i64>(&mut self.hot.clone()).await? == 1;
        if freed {
            self.forget_archivable(id).await?;
        }
        Ok(freed)
    }

    /// Removes an object that is of no use: the run names another.
    pub async fn remove_archived(&self, run: &Run, object: &Archived) -> Result<(), StoreError> {
        let removed: Result<(), ArchiveError> = self.archive_of(run)?.remove(&object.object).await;
        Ok(removed?)
    }
}

impl Written {
    /// Where it is.
    pub fn mark(&self) -> &Archived {
        &self.mark
    }
}
