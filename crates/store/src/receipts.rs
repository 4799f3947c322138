//! What is known of the way by which receipts come: when the last one came for each number, and since when a webhook
//! has been up. Unsure sends wait by it.

use std::collections::HashMap;

use dawncast_core::{UnixMs, ids::NumberId, retry::ReceiptPath};
use redis::AsyncCommands;

use crate::{
    Store, StoreError,
    script::{Script, script},
};

static BEAT: Script = script!("beat.lua", allow_oom);

/// A webhook that has not beaten for this long is down.
const DOWN_AFTER_MS: i64 = 3_000;
/// Less than any two beats are apart.
const ANY_BREAK_MS: i64 = -1;

impl Store {
    /// The webhook is up: beaten each second. After a break longer than three it counts as up since now, so that grace
    /// starts again.
    pub async fn beat_webhook(&self, now: UnixMs) -> Result<(), StoreError> {
        self.beat(now, DOWN_AFTER_MS).await
    }

    /// A webhook is up again, and knows that it was not, if only for a moment: what came in vain meanwhile comes again
    /// later and later, so grace starts again however short the break was.
    pub async fn restart_webhook(&self, now: UnixMs) -> Result<(), StoreError> {
        self.beat(now, ANY_BREAK_MS).await
    }

    async fn beat(&self, now: UnixMs, down_after_ms: i64) -> Result<(), StoreError> {
        let mut hot = self.hot.clone();
        Ok(BEAT.key(self.keys.receipt_path()).arg(now).arg(down_after_ms).invoke_async(&mut hot).await?)
    }

    /// A receipt for each of `numbers` has come in.
    pub async fn note_receipts(&self, numbers: &[NumberId], now: UnixMs) -> Result<(), StoreError> {
        if numbers.is_empty() {
            return Ok(());
        }
        let fields: Vec<(String, UnixMs)> = numbers.iter().map(|number| (format!("last:{number}"), now)).collect();
        Ok(self.hot.clone().hset_multiple(self.keys.receipt_path(), &fields).await?)
    }

    /// The way of receipts at `now`: every number of a deployment is behind its one webhook.
    pub async fn receipt_path(&self, now: UnixMs) -> Result<ReceiptPath, StoreError> {
        let fields: HashMap<String, i64> = self.hot.clone().hgetall(self.keys.receipt_path()).await?;
        let beat = fields.get("beat").copied().unwrap_or(now);
        let up_since = fields.get("up_since").copied().unwrap_or(now);
        let last_receipt = fields.iter().filter(|(name, _)| name.starts_with("last:")).map(|(_, at)| *at).max();
        let is_up = now - beat <= DOWN_AFTER_MS;
        let down_ms = fields.get("down_ms").copied().unwrap_or_default();
        Ok(match is_up {
            true => ReceiptPath { last_receipt, up_since, down_ms },
            false => ReceiptPath { last_receipt, up_since: now, down_ms: now - beat },
        })
    }
}
