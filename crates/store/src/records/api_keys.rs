//! API keys. The secret is shown once, when the key is made; what is stored is its SHA-256. A secret holds 200 random
//! bits, so a plain hash is enough: there is nothing to guess.

use dawncast_core::{UnixMs, ids::KeyId};
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;

use super::{Page, Secret, mint, random_base32, sha256_hex, shelf::Shelf};
use crate::{Store, StoreError};

/// What a key may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Scope {
    /// Create and control campaigns, audiences and assets.
    #[serde(rename = "campaigns:write")]
    CampaignsWrite,
    /// Read campaigns, runs, reports and deliveries.
    #[serde(rename = "campaigns:read")]
    CampaignsRead,
    /// Add and control numbers and pools.
    #[serde(rename = "numbers:write")]
    NumbersWrite,
    /// Everything, keys included.
    #[serde(rename = "admin")]
    Admin,
}

impl Scope {
    /// The name, as the API has it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::CampaignsWrite => "campaigns:write",
            Self::CampaignsRead => "campaigns:read",
            Self::NumbersWrite => "numbers:write",
            Self::Admin => "admin",
        }
    }
}

/// A key as it is stored and listed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiKey {
    /// Its public half.
    pub id: KeyId,
    /// What people call it.
    pub name: String,
    /// What it may do.
    pub scopes: Vec<Scope>,
    /// SHA-256 of the whole key, in hexadecimal.
    pub sha256: String,
    /// When it was made.
    pub created_at: UnixMs,
}

/// A key just made.
#[derive(Debug, Clone)]
pub struct NewKey {
    /// What is stored.
    pub key: ApiKey,
    /// The whole key, `key_….…`; nobody can read it again.
    pub secret: Secret,
}

impl Store {
    fn keys_shelf(&self) -> Shelf<'_> {
        Shelf::of(self, "keys")
    }

    /// Makes a key.
    pub async fn create_key(&self, name: &str, scopes: &[Scope], now: UnixMs) -> Result<NewKey, StoreError> {
        loop {
            let id: KeyId = format!("key_{}", mint()).parse().expect("minted ids are plain");
            if let Some(new) = self.create_key_under(&id, name, scopes, now).await? {
                return Ok(new);
            }
        }
    }

    /// Makes a key of this id; `None` when the id is taken.
    pub async fn create_key_under(
        &self,
        id: &KeyId,
        name: &str,
        scopes: &[Scope],
        now: UnixMs,
    ) -> Result<Option<NewKey>, StoreError> {
        let secret = format!("{id}.{}", random_base32(40));
        let key = ApiKey {
            id: id.clone(),
            name: name.to_owned(),
            scopes: scopes.to_vec(),
            sha256: sha256_hex(secret.as_bytes()),
            created_at: now,
        };
        let made = self.keys_shelf().insert(key.id.as_str(), now, &key).await?;
        Ok(made.then(|| NewKey { key, secret: Secret::new(secret) }))
    }

    /// The key whose secret this is; `None` when it is nobody's. Takes the same time however much of it is right.
    pub async fn verify_key(&self, secret: &str) -> Result<Option<ApiKey>, StoreError> {
        let Some(id) = secret.split_once('.').and_then(|(id, _)| id.parse::<KeyId>().ok()) else { return Ok(None) };
        let key: Option<ApiKey> = self.keys_shelf().get(id.as_str()).await?;
        Ok(key.filter(|key| key.sha256.as_bytes().ct_eq(sha256_hex(secret.as_bytes()).as_bytes()).into()))
    }

    /// A page of keys, newest first.
    pub async fn keys_page(&self, limit: usize, cursor: Option<&str>) -> Result<Page<ApiKey>, StoreError> {
        self.keys_shelf().page(limit, cursor).await
    }

    /// Makes a key worthless; false when there is no such key.
    pub async fn revoke_key(&self, id: &KeyId) -> Result<bool, StoreError> {
        match self.keys_shelf().get::<ApiKey>(id.as_str()).await? {
            Some(key) => self.keys_shelf().remove(id.as_str(), key.created_at).await,
            None => Ok(false),
        }
    }
}
