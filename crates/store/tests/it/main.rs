//! The store against a real Redis.

#![allow(clippy::unwrap_used, reason = "these are tests")]

mod archive;
mod contacts;
mod counts;
mod credit;
mod fit;
mod lane;
mod link;
mod live_s3;
mod live_sentinel;
mod memory;
mod page_begin;
mod page_claim;
mod page_facts;
mod page_finish;
mod page_lost;
mod page_lost_twin;
mod page_model;
mod page_places;
mod page_twin;
mod page_write;
mod pairs;
mod private;
mod quotas;
mod readiness;
mod records;
mod restore;
mod restore_repeat;
mod run_advance;
mod run_derive;
mod run_holds;
mod run_notices;
mod run_receipts;
mod run_repeat;
mod run_scene;
mod run_seeded;
mod scripts;
mod service;
