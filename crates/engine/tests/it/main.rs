//! The engine against a real Redis, the simulator and signed webhooks.
#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

mod answers;
mod audit;
mod broadcast;
mod calendar;
mod clocks;
mod control;
mod crash;
mod disorder;
mod duplicates;
mod everysec;
mod failures;
mod first_light;
mod freeze;
mod late;
mod lost;
mod lost_writes;
mod media;
mod metrics;
mod notices;
mod notify;
mod numbers;
mod postbox;
mod process;
mod receipts;
mod receiver;
mod restore;
mod scheduler;
mod slow_meta;
mod strangers;
mod throttle;
mod trouble;
mod vigil;
mod windows;
mod world;
