//! The store against a real Redis.

#![allow(clippy::unwrap_used, reason = "these are tests")]

mod fit;
mod private;
mod records;
