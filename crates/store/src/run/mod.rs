//! Runs: one occurrence of a campaign, its state, its holds, its tallies.

mod advance;
mod deliveries;
mod dropped;
mod holds;
mod read;
mod record;
mod report;

pub use advance::Advanced;
pub use deliveries::{DeliveryRow, Story};
pub use dropped::DroppedRow;
pub use holds::Hold;
pub use read::{NumberTally, Run, RunTallies};
pub use record::{Frozen, RunRecord, RunState, Sender};
pub use report::totals;
