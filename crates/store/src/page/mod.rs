//! Pages: up to 256 deliveries of one run, the unit of storage, queueing and ownership. Three strings each: packed
//! recipients, written once; the fixed-width ledger; an append-only tail. See the tables in `docs/ARCHITECTURE.md`.

mod facts;
mod layout;
mod owner;
mod read;
mod recipients;
mod tail;
mod write;

pub use facts::{AttemptFact, Recorded, Settlement, Transition};
pub use layout::{Header, Ledger};
pub use owner::{Begun, Claim, Finish, Owner, Refusal, Renewal};
pub use read::StoredPage;
pub use recipients::{Recipient, Recipients};
pub use tail::{TailEntry, TailNote};
pub use write::{NewPage, Written};
