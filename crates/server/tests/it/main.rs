//! The HTTP side over real sockets and a real Redis.

#![allow(clippy::unwrap_used, reason = "these are tests")]

mod archive;
mod assets;
mod auth;
mod calendar;
mod campaign_faults;
mod campaigns;
mod contract;
mod control;
mod credentials;
mod doctor;
mod edit;
mod events;
mod export;
mod free_form;
mod history;
mod idempotency;
mod imports;
mod kinds;
mod numbers;
mod openapi;
mod own_clocks;
mod preview;
mod problems;
mod quota;
mod restore;
mod rig;
mod runs;
mod story;
mod suppressions;
mod templates;
mod webhook;
mod windows;
