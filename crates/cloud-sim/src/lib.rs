#![doc = include_str!("../README.md")]
#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test that panics has failed"))]

mod access;
mod belongings;
mod calls;
mod catalogue;
mod clock;
mod cloud;
mod config;
mod control;
mod dice;
mod duration_text;
mod error;
mod faults;
mod flows;
mod graph;
mod hex;
mod inbox;
mod insights;
mod ledger;
mod limits;
mod listener;
mod media;
mod message;
mod odds;
mod parts;
mod review;
mod simulator;
mod standing;
mod templates;
mod uploads;
mod users;
mod wa_id;
mod wamid;
mod webhooks;

pub use access::TokenOrder;
pub use cloud::{APP_ID, PORTFOLIO_ID, WABA_ID};
pub use config::{Receipts, SimConfig, Span};
pub use error::SimError;
pub use faults::{Fault, FaultMatch, FaultOrder, FaultRule};
pub use ledger::{AttemptRecord, LedgerSnapshot, LedgerTotals, RecipientRecord};
pub use odds::FaultProfile;
pub use review::Verdict;
pub use simulator::Simulator;
pub use standing::NumberOrder;
pub use templates::TemplateOrder;
pub use wa_id::{BadPhone, WaId};
