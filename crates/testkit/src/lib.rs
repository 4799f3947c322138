//! What Dawncast's tests stand on: a Redis of their own, a network that fails and a clock that is wrong to order, and
//! waiting without sleeping.
//! For tests and measurements only; it panics where a program would return an error.

#![allow(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

mod proxy;
mod redis;
mod until;

pub use proxy::{Proxy, Upstream};
pub use redis::{CREDENTIALS_KEY, RedisSetup, Shim, TestRedis, TestSentinel, keyring};
pub use until::until;
