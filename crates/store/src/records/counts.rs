//! What is counted of numbers by the minute, for the monitor: messages, failures, and who wants no more.

use std::{
    collections::{BTreeMap, HashMap},
    ops::RangeInclusive,
};

use dawncast_core::{health::Counts, ids::NumberId};
use redis::AsyncCommands;

use crate::{Store, StoreError};

/// How long after the last message what was counted is kept: longer than any window.
const KEPT_S: i64 = 24 * 3_600;

/// The minute of a field, since 1970, and what it counts there.
fn read(field: &str, count: u64) -> Option<(i64, Counts)> {
    let (minute, kind) = field.split_once(':')?;
    let none = Counts::default();
    let counts = match kind {
        "messages" => Counts { messages: count, ..none },
        "failed" => Counts { failed: count, ..none },
        "opted_out" => Counts { opted_out: count, ..none },
        _ => return None,
    };
    Some((minute.parse().ok()?, counts))
}

impl Store {
    /// Adds to what is counted of a number, by minutes since 1970. *A reply is lost and the client asks again*: what counts
    /// twice then is one second's, of messages and failures alike.
    pub async fn add_counts(&self, number: &NumberId, counted: &BTreeMap<i64, Counts>) -> Result<(), StoreError> {
        let key = self.keys().counts(number);
        let mut pipe = redis::pipe();
        for (minute, Counts { messages, failed, opted_out }) in counted {
            let kinds = [("messages", messages), ("failed", failed), ("opted_out", opted_out)];
            for (kind, count) in kinds.into_iter().filter(|(_, count)| **count > 0) {
                pipe.hincr(&key, format!("{minute}:{kind}"), *count).ignore();
            }
        }
        pipe.expire(&key, KEPT_S).ignore();
        Ok(pipe.query_async(&mut self.connection()).await?)
    }

    /// What was counted of a number in those minutes. What is older is forgotten.
    pub async fn counts(&self, number: &NumberId, minutes: RangeInclusive<i64>) -> Result<Counts, StoreError> {
        let key = self.keys().counts(number);
        let fields: HashMap<String, u64> = self.connection().hgetall(&key).await?;
        let (mut sum, mut old) = (Counts::default(), Vec::new());
        for (field, count) in &fields {
            match read(field, *count) {
                Some((minute, counts)) if minutes.contains(&minute) => sum = sum.plus(counts),
                // *A clock that was set back*: what lies ahead comes to count.
                Some((minute, _)) if minute > *minutes.end() => {}
                _ => old.push(field),
            }
        }
        if !old.is_empty() {
            let _: () = self.connection().hdel(&key, old).await?;
        }
        Ok(sum)
    }
}
