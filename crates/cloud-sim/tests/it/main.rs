//! The simulator seen from outside: over raw TCP, by a client and a webhook receiver that share none of its code.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

mod access;
mod apps;
mod bubbles;
mod calls;
mod client;
mod control;
mod faults;
mod flows;
mod free_form;
mod history;
mod interactive;
mod limits;
mod management;
mod marketing;
mod media;
mod numbers;
mod outgoing;
mod pacing;
mod page;
mod phone;
mod portfolio;
mod quality;
mod receiver;
mod scenario;
mod sending;
mod support;
mod template_end;
mod template_parts;
mod templates;
mod throughput;
mod users;
mod webhooks;
