//! Pages: up to 256 deliveries of one run, the unit of storage, queueing and ownership. Three strings each: packed
//! recipients, written once; the fixed-width ledger; an append-only tail. See the tables in `docs/ARCHITECTURE.md`.

mod facts;
mod layout;
mod lost;
mod owner;
mod read;
mod recipients;
mod tail;
mod write;

pub use dawncast_core::delivery::page::{AttemptFact, Begun, Finish, Refusal, Renewal, Settlement, Transition};
pub use facts::Recorded;
pub use layout::{Header, Ledger};
pub use lost::{Marked, Recalled};
pub use owner::{Claim, ClaimedOn, Owner};
pub(crate) use read::Digest;
pub use read::StoredPage;
pub use recipients::{Recipient, Recipients};
#[cfg(any(test, fuzzing))]
pub(crate) use tail::read as read_tail;
pub use tail::{TailEntry, TailNote};
pub use write::{NewPage, Written};
