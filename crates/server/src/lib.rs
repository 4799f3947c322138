//! The HTTP side of Dawncast: the REST API, the webhook, health. It reads and writes what is stored and decides
//! nothing; it meets the engine only in Redis.

mod assets;
mod audiences;
mod auth;
mod campaigns;
mod caps;
mod conditions;
mod credentials;
mod deliveries;
mod doctor;
mod etag;
mod events;
mod export;
mod extract;
mod form;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
mod health;
mod imports;
mod keys;
mod merge;
pub mod metrics;
mod numbers;
mod once;
mod openapi;
mod pools;
mod problem;
mod restore;
mod retry;
mod router;
mod runs;
mod serve;
mod state;
mod suppressions;
mod templates;
mod time;
mod waits;
mod webhook;

pub use health::health_router;
pub use openapi::openapi;
pub use router::api_router;
pub use serve::serve;
pub use state::{ApiState, TemplateDesk, Unexamined};
pub use webhook::{Unavailable, WebhookState, webhook_router};
