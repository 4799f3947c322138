//! Template definitions, as last read from each WhatsApp Business account.

use dawncast_core::{UnixMs, ids::WabaId, template::Definition};
use redis::AsyncCommands;
use serde::{Deserialize, Serialize};

use super::from_json;
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

    /// Stores what the account's templates were when Meta was asked at `at`. *A webhook, or a refusal, tells more meanwhile*: what
    /// it told is kept. What is stored then.
    pub async fn put_templates(
        &self,
        waba: &WabaId,
        definitions: &[Definition],
        at: UnixMs,
    ) -> Result<Vec<Definition>, StoreError> {
        let stored = self.change_templates(waba, |before| {
            let newer = |it: &Definition| it.noted_at.is_some_and(|noted| noted > at);
            let keep = |definition: &Definition| {
                let told = before.iter().flat_map(|synced| &synced.definitions).find(|it| is_same(it, definition));
                match told.filter(|told| newer(told)) {
                    Some(told) => {
                        Definition { status: told.status.clone(), noted_at: told.noted_at, ..definition.clone() }
                    }
                    None => definition.clone(),
                }
            };
            Some(Synced { at, definitions: definitions.iter().map(keep).collect() })
        });
        Ok(stored.await?.map(|synced| synced.definitions).unwrap_or_default())
    }

    /// Notes how a template stands by what was told at `at`; nothing when that is told of none that is known.
    pub async fn note_template(
        &self,
        waba: &WabaId,
        name: &str,
        language: &str,
        status: &str,
        at: UnixMs,
    ) -> Result<(), StoreError> {
        self.change_templates(waba, |before| {
            let mut synced = before?;
            let told = synced.definitions.iter_mut().find(|it| it.name == name && it.language == language)?;
            if told.noted_at.is_some_and(|noted| noted > at) || told.status == status {
                return None;
            }
            (told.status, told.noted_at) = (status.to_owned(), Some(at));
            Some(synced)
        })
        .await
        .map(drop)
    }

    /// Has the account's templates read again at once.
    pub async fn outdate_templates(&self, waba: &WabaId) -> Result<(), StoreError> {
        self.change_templates(waba, |before| before.map(|synced| Synced { at: 0, ..synced })).await.map(drop)
    }

    /// Changes what is kept of an account, again if someone else changed it meanwhile; not at all where `change` gives none. What
    /// is kept then.
    async fn change_templates(
        &self,
        waba: &WabaId,
        change: impl Fn(Option<Synced>) -> Option<Synced>,
    ) -> Result<Option<Synced>, StoreError> {
        self.change_field(&self.keys().templates(), waba.as_str(), change).await
    }
}

fn is_same(one: &Definition, other: &Definition) -> bool {
    one.name == other.name && one.language == other.language
}
