//! A scenario: faults and events over time, from a file (`--scenario`). It runs on the simulator's clock from the start.

mod check;
mod file;
mod play;
mod step;

pub(crate) use file::Script;
pub(crate) use play::Scenario;
