//! Dawncast in Redis: keys, scripts, pages, lanes, credit, tallies. No policy: scripts move data, [`dawncast_core`]
//! decides. The rules that live in Lua as well, the fold, the rate credit and the pair limit, are held equal by twin tests.
//!
//! Hot-path scripts share one multiplexed connection that reconnects by itself; what blocks or administers takes a
//! connection of its own from the pool (measured: 580k against 68k commands a second). See `docs/adr/`.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test that panics has failed"))]

pub mod archive;
mod clock;
mod connect;
mod contacts;
pub mod credit;
mod error;
mod fit;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
mod keyring;
mod keys;
pub mod lane;
mod link;
pub mod page;
mod pairs;
pub mod private;
mod quotas;
mod receipts;
pub mod records;
mod replication;
pub mod restore;
pub mod run;
mod script;
mod server;
mod service;
mod state;

pub use clock::ProcessTime;
pub use connect::{Durability, Memory, Store, StoreConfig};
pub use contacts::Contact;
pub use error::StoreError;
pub use fit::Volatility;
pub use keyring::{BadKey, Keyring, Locked};
pub use keys::Keys;
pub use link::{Link, Pulse};
pub use pairs::PairAsked;
pub use quotas::{Quotas, Reached};
pub use server::{Server, ServerId};
