//! The words and decisions of Dawncast.
//!
//! Pure: no IO, no async, no clock and no dice of its own. Whatever needs the time takes it as an
//! argument ([`UnixMs`]); whatever needs chance takes an `Rng` or a stored seed. That is what lets
//! every rule here be tested on millions of made-up mornings.

pub mod admission;
pub mod breaker;
pub mod callback;
pub mod campaign;
pub mod canary;
pub mod cap;
pub mod consent;
pub mod country;
pub mod delivery;
pub mod desk;
pub mod doctor;
pub mod edit;
pub mod fault;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
pub mod health;
pub mod home;
pub mod ids;
pub mod image;
pub mod numbering;
pub mod pace;
pub mod pair;
pub mod phone;
pub mod plan;
pub mod preview;
pub mod price;
pub mod quiet;
pub mod quota;
pub mod render;
pub mod report;
pub mod retry;
pub mod schedule;
pub mod selection;
pub mod suspect;
pub mod template;
pub mod trouble;
pub mod verdict;
pub mod window;

/// A moment: milliseconds since 1970-01-01T00:00:00Z.
pub type UnixMs = i64;
