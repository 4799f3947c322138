//! The command line, and the rules of the house.

#![allow(clippy::unwrap_used, reason = "these are tests")]

mod dawncast;
mod demo;
mod edges;
mod flow;
mod kill;
mod kill_scene;
mod usage;
