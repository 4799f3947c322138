//! What the monitor goes by, and what came of it: the answers that tell against a number, and how its condition changed.

use std::collections::HashMap;

use dawncast_core::{
    UnixMs,
    cap::Span,
    health::{Condition, Heard},
    ids::NumberId,
};
use redis::AsyncCommands;
use serde::{Deserialize, Serialize};

use super::{from_json, to_json};
use crate::{Store, StoreError};

/// So many changes of a number's condition are kept, the latest.
const KEPT: isize = 200;
/// How long an answer that tells against a number is kept.
const HEARD_FOR_S: i64 = 24 * 3_600;

/// A change of a number's condition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// When.
    pub at: UnixMs,
    /// What it was.
    pub from: String,
    /// What it is since.
    pub to: Condition,
    /// What has become of its warm-up, in words, where it is that which changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warmup: Option<String>,
}

impl Store {
    /// Notes that a message of the number was answered with a code that tells against it.
    pub async fn note_heard(&self, number: &NumberId, heard: Heard) -> Result<(), StoreError> {
        let key = self.keys().heard(number);
        let mut pipe = redis::pipe();
        pipe.hset(&key, heard.code, heard.at).ignore().expire(&key, HEARD_FOR_S).ignore();
        Ok(pipe.query_async(&mut self.connection()).await?)
    }

    /// Such answers of the last day, each code's latest.
    pub async fn heard(&self, number: &NumberId) -> Result<Vec<Heard>, StoreError> {
        let heard: HashMap<u32, UnixMs> = self.connection().hgetall(self.keys().heard(number)).await?;
        Ok(heard.into_iter().map(|(code, at)| Heard { code, at }).collect())
    }

    /// Forgets what was known of a number: one that is added again begins anew.
    pub(super) async fn forget_conditions(&self, number: &NumberId) -> Result<(), StoreError> {
        let keys = self.keys();
        let known = [keys.heard(number), keys.counts(number), keys.condition_history(number), keys.credit(number)];
        let sent = [keys.sent(number, Span::Hour), keys.sent(number, Span::Day)];
        Ok(self.connection().del([known.as_slice(), &sent].concat()).await?)
    }

    /// Keeps a change of a number's condition among the latest.
    pub async fn note_change(&self, number: &NumberId, change: &Change) -> Result<(), StoreError> {
        let key = self.keys().condition_history(number);
        let mut pipe = redis::pipe();
        pipe.lpush(&key, to_json(change)).ignore().ltrim(&key, 0, KEPT - 1).ignore();
        Ok(pipe.query_async(&mut self.connection()).await?)
    }

    /// How a number's condition changed, the latest first.
    pub async fn changes(&self, number: &NumberId) -> Result<Vec<Change>, StoreError> {
        let key = self.keys().condition_history(number);
        let changes: Vec<Vec<u8>> = self.connection().lrange(&key, 0, -1).await?;
        changes.iter().map(|json| from_json(&key, json)).collect()
    }
}
