//! The engine: drives the corridor from freeze to archive.
//!
//! Each step is load, decide, commit: this crate loads and commits, [`dawncast_core`] decides, [`dawncast_store`]
//! writes atomically. Chores (freeze, plan, preflight, open, judge, close) are jobs on `apalis-redis`, and only hints;
//! archive runs beside them; pages go through a lane backend of our own. HTTP routes are not here: the engine meets the server in Redis.

mod accounts;
mod answer;
mod arrived;
mod aside;
mod chores;
mod clock;
mod context;
mod dispatch;
mod doctor;
mod inbox;
mod log;
mod meters;
pub mod metrics;
mod monitor;
mod notify;
mod numbers;
pub mod points;
mod rates;
mod reached;
mod receipts;
mod replay;
mod submission;
mod templates;
mod vigil;

pub use answer::explain;
pub use chores::scheduler;
pub use clock::Clock;
pub use context::{Context, EngineError, Settings};
pub use dispatch::worker;
pub use doctor::Doctor;
pub use inbox::Inbox;
pub use metrics::describe_metrics;
pub use monitor::monitor;
pub use notify::{BadNotify, Notify};
pub use receipts::{Receipts, Unavailable, webhook_beat};
pub use submission::{submit, sync_templates};
pub use vigil::Vigil;
