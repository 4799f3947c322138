//! Which version of a template goes out for campaigns that name it.

use std::collections::HashMap;

use dawncast_core::template::Rotation;
use redis::AsyncCommands;

use super::{from_json, shelf::REPLACE, to_json};
use crate::{Store, StoreError};

fn id(name: &str, language: &str) -> String {
    format!("{name}/{language}")
}

impl Store {
    /// How a template was rotated; one that never was goes out as itself.
    pub async fn rotation(&self, name: &str, language: &str) -> Result<Rotation, StoreError> {
        let key = self.keys().rotations();
        let json: Option<Vec<u8>> = self.connection().hget(&key, id(name, language)).await?;
        let rotation = json.map(|json| from_json(&key, &json)).transpose()?;
        Ok(rotation.unwrap_or_else(|| Rotation::of(name, language)))
    }

    /// Every template that was ever rotated.
    pub async fn rotations(&self) -> Result<Vec<Rotation>, StoreError> {
        let key = self.keys().rotations();
        let all: HashMap<String, Vec<u8>> = self.connection().hgetall(&key).await?;
        all.values().map(|json| from_json(&key, json)).collect()
    }

    /// Changes which version of a template goes out, again if someone else changed it meanwhile; not at all where `change` says
    /// so. How it stands then, and whether it was changed.
    pub async fn change_rotation(
        &self,
        name: &str,
        language: &str,
        change: impl Fn(&mut Rotation) -> bool,
    ) -> Result<(Rotation, bool), StoreError> {
        let (key, id) = (self.keys().rotations(), id(name, language));
        loop {
            let json: Option<Vec<u8>> = self.connection().hget(&key, &id).await?;
            let before = json.as_deref().map(|json| from_json(&key, json)).transpose()?;
            let mut rotation = before.unwrap_or_else(|| Rotation::of(name, language));
            if !change(&mut rotation) {
                return Ok((rotation, false));
            }
            let after = to_json(&rotation);
            let changed: bool = match json {
                None => self.connection().hset_nx(&key, &id, after).await?,
                Some(json) => {
                    REPLACE.key(&key).arg(&id).arg(json).arg(after).invoke_async(&mut self.connection()).await?
                }
            };
            if changed {
                return Ok((rotation, true));
            }
        }
    }
}
