//! The command line, and the rules of the house.

#![allow(clippy::unwrap_used, reason = "these are tests")]

mod armed;
mod audiences;
mod canary;
mod chaos;
mod clocks;
mod control;
mod dashboards;
mod dawncast;
mod demo;
mod doctor;
mod edges;
mod fallback;
mod flow;
mod freeze;
mod kill;
mod kill_scene;
mod live_clients;
mod live_failover;
mod live_incident;
mod live_machine;
mod live_observe;
mod live_observe_panels;
mod live_observe_scene;
mod live_openapi;
mod live_page;
mod live_rules;
mod logs;
mod metrics;
mod points;
mod points_scene;
mod promises;
mod recurring;
mod restore;
mod runbooks;
mod secrets;
mod suppression;
mod usage;
