//! The engine against a real Redis, the simulator and signed webhooks.
#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

mod first_light;
mod world;
