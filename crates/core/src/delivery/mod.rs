//! What is known of one delivery, and what follows from it.
//!
//! A [`Record`] holds one [`Outcome`] per attempt, and an outcome only rises. What the delivery *is*, its
//! [`Standing`], follows from its attempts by the pure [`fold`], never from a field of its own: with a single state a
//! late `failed` of attempt 1 would reopen a delivery that attempt 2 has served. [`DeliveryState`] adds what the run
//! says: whether it still sends.

mod again;
mod fold;
mod outcome;
pub mod page;
mod record;
mod tally;

pub use again::Again;
pub use fold::{DeliveryState, Gate, Standing, fold};
pub use outcome::{Attempt, MAX_ATTEMPTS, Outcome, Outcomes};
pub use record::{Applied, Fact, Record, Terms};
pub use tally::Tallies;
