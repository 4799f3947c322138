//! The client against a server that speaks raw TCP, so that every way a connection can end is a real one.
#![allow(clippy::unwrap_used, reason = "tests")]

mod account;
mod calls;
#[cfg(feature = "flows")]
mod flows;
mod management;
mod marketing;
mod media;
mod server;
mod templates;
mod transport;
