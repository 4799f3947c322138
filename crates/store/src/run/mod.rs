//! Runs: one occurrence of a campaign, its state, its holds, its tallies.

mod advance;
mod deliveries;
mod derive;
mod dropped;
mod edit;
mod holds;
mod notices;
mod promises;
mod read;
mod record;
mod relist;
mod report;
mod scan;
mod screened;

pub use advance::Advanced;
pub use deliveries::{DeliveryRow, Story};
pub(crate) use deliveries::{rows, story};
pub use dropped::DroppedRow;
pub use edit::Moved;
pub use holds::Hold;
pub use notices::{Notice, NoticeRef, Telling};
pub use read::{NumberTally, Run, RunTallies};
pub use record::{CanaryJudged, CanaryPages, Check, Frozen, Origin, RunRecord, RunState, Sender};
pub use report::totals;
