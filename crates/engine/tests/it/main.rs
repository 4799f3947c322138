//! The engine against a real Redis, the simulator and signed webhooks.
#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

mod answers;
mod audit;
mod broadcast;
mod control;
mod crash;
mod failures;
mod first_light;
mod freeze;
mod late;
mod lost;
mod media;
mod numbers;
mod postbox;
mod process;
mod receipts;
mod scheduler;
mod throttle;
mod world;
