//! Which version of a template goes out for campaigns that name it.

use std::collections::HashMap;

use dawncast_core::template::Rotation;
use redis::AsyncCommands;

use super::from_json;
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
        let changed = self.change_field(&key, &id, |before: Option<Rotation>| {
            let mut rotation = before.unwrap_or_else(|| Rotation::of(name, language));
            change(&mut rotation).then_some(rotation)
        });
        match changed.await? {
            Some(rotation) => Ok((rotation, true)),
            None => Ok((self.rotation(name, language).await?, false)),
        }
    }
}
