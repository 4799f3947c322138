//! Template definitions, as last read from each WhatsApp Business account.

use dawncast_core::{UnixMs, ids::WabaId, template::Definition};
use redis::AsyncCommands;
use serde::{Deserialize, Serialize};

use super::{from_json, to_json};
use crate::{Store, StoreError};

#[derive(Serialize, Deserialize)]
struct Synced {
    at: UnixMs,
    definitions: Vec<Definition>,
}

impl Store {
    /// What the account's templates were when last read; `None` when they never were.
    pub async fn templates(&self, waba: &WabaId) -> Result<Option<Vec<Definition>>, StoreError> {
        Ok(self.synced(waba).await?.map(|synced| synced.definitions))
    }

    /// When the account's templates were last read.
    pub async fn templates_read_at(&self, waba: &WabaId) -> Result<Option<UnixMs>, StoreError> {
        Ok(self.synced(waba).await?.map(|synced| synced.at))
    }

    async fn synced(&self, waba: &WabaId) -> Result<Option<Synced>, StoreError> {
        let key = self.keys().templates();
        let json: Option<Vec<u8>> = self.connection().hget(&key, waba.as_str()).await?;
        json.map(|json| from_json(&key, &json)).transpose()
    }

    /// Stores what the account's templates were at `at`.
    pub async fn put_templates(&self, waba: &WabaId, definitions: &[Definition], at: UnixMs) -> Result<(), StoreError> {
        let synced = Synced { at, definitions: definitions.to_vec() };
        Ok(self.connection().hset(self.keys().templates(), waba.as_str(), to_json(&synced)).await?)
    }
}
