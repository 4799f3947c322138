//! The store against a real Redis.

#![allow(clippy::unwrap_used, reason = "these are tests")]

mod credit;
mod fit;
mod page_model;
mod page_twin;
mod private;
mod records;
mod run_scene;
mod run_seeded;
