//! Idempotency keys: the same request, sent twice, creates once and is answered alike.
//!
//! A reservation mints the id of what is to be created. A request that dies after creating it leaves the reservation
//! to its repetition, which gets the same id and therefore finds what is there instead of creating a second one.

use dawncast_core::UnixMs;
use redis::AsyncCommands;

use super::{mint, sha256_hex};
use crate::{
    Store, StoreError,
    script::{Script, script},
};

static RESERVE: Script = script!("reserve.lua");
static RELEASE: Script = script!("release.lua", allow_oom);

/// How long an answer is remembered, in seconds: a day.
const KEEP_S: i64 = 24 * 3600;

/// How long a request may be in progress before a repetition may take over.
const IN_PROGRESS_MS: UnixMs = 30_000;

/// What an idempotency key says about a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reservation {
    /// Go on, and create under this random half of an id.
    Fresh {
        /// See [`mint`].
        minted: String,
    },
    /// The same request is in progress.
    Busy,
    /// The key was used for another body.
    Mismatch,
    /// The request was answered.
    Done {
        /// The HTTP status.
        status: u16,
        /// The body.
        body: String,
    },
}

impl Store {
    /// Takes `key` within `scope` for a request with this body.
    pub async fn reserve(&self, scope: &str, key: &str, body: &[u8], now: UnixMs) -> Result<Reservation, StoreError> {
        let stored = self.keys().idempotency(scope, key);
        let mut call = RESERVE.key(&stored);
        call.arg(sha256_hex(body)).arg(now).arg(IN_PROGRESS_MS).arg(KEEP_S).arg(mint());
        let answer: Vec<String> = call.invoke_async(&mut self.connection()).await?;
        let corrupt = |detail: String| StoreError::Corrupt { key: stored.clone(), detail };
        match answer.iter().map(String::as_str).collect::<Vec<_>>()[..] {
            ["fresh", minted] => Ok(Reservation::Fresh { minted: minted.to_owned() }),
            ["busy"] => Ok(Reservation::Busy),
            ["mismatch"] => Ok(Reservation::Mismatch),
            ["done", status, body] => {
                let status = status.parse().map_err(|_| corrupt(format!("`{status}` is no status")))?;
                Ok(Reservation::Done { status, body: body.to_owned() })
            }
            _ => Err(corrupt("an unknown answer".to_owned())),
        }
    }

    /// Remembers how the request was answered.
    pub async fn complete(&self, scope: &str, key: &str, status: u16, body: &str) -> Result<(), StoreError> {
        let stored = self.keys().idempotency(scope, key);
        let fields = [("status", status.to_string()), ("body", body.to_owned())];
        Ok(self.connection().hset_multiple(stored, &fields).await?)
    }

    /// Forgets a request that created nothing, so that it can be sent again.
    pub async fn release(&self, scope: &str, key: &str) -> Result<(), StoreError> {
        let call = RELEASE.key(self.keys().idempotency(scope, key));
        Ok(call.invoke_async(&mut self.connection()).await?)
    }
}
