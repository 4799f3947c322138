//! Assets: media files, uploaded once and put on every number that needs them. The bytes are stored in pieces, so
//! that no single command holds the connection up.

use std::{collections::BTreeSet, ops::Range};

use dawncast_core::{
    UnixMs,
    ids::{AssetId, NumberId},
};
use redis::AsyncCommands;
use serde::{Deserialize, Serialize};

use super::{
    Page, from_json, sha256_hex,
    shelf::{Shelf, member},
    to_json,
};
use crate::{
    Store, StoreError,
    script::{Script, script},
};

static ADD: Script = script!("add_asset.lua");

/// Bytes moved by one command.
const PIECE: usize = 256 * 1024;

/// An upload that dies leaves its bytes for this long, in seconds.
const UNFINISHED_S: i64 = 3600;

/// An uploaded media file, without its bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asset {
    /// Its id.
    pub id: AssetId,
    /// The name that campaigns may use for it; no two assets share one.
    pub name: String,
    /// Its media type, such as `image/png`.
    pub mime: String,
    /// Its size in bytes.
    pub size: u64,
    /// SHA-256 of the bytes, in hexadecimal.
    pub sha256: String,
    /// When it was uploaded.
    pub created_at: UnixMs,
}

/// A media file to store.
#[derive(Debug, Clone, Copy)]
pub struct NewAsset<'a> {
    /// The id it gets, if it is new.
    pub id: &'a AssetId,
    /// Its name.
    pub name: &'a str,
    /// Its media type.
    pub mime: &'a str,
    /// Its bytes.
    pub bytes: &'a [u8],
}

/// What came of an upload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UploadedAsset {
    /// Stored.
    New(Asset),
    /// The same bytes were there under this name.
    Same(Asset),
    /// Other bytes are there under this name, and stay.
    NameTaken(Asset),
}

impl Asset {
    /// What an upload of bytes with this hash is, when this asset has the name already.
    fn beside(self, sha256: &str) -> UploadedAsset {
        if self.sha256 == sha256 { UploadedAsset::Same(self) } else { UploadedAsset::NameTaken(self) }
    }
}

/// What Meta calls an asset on one number. It is valid for 30 days (Meta: media upload).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MediaId {
    /// Meta's id.
    pub media_id: String,
    /// When it was uploaded there.
    pub uploaded_at: UnixMs,
}

impl Store {
    fn assets_shelf(&self) -> Shelf<'_> {
        Shelf::of(self, "assets")
    }

    /// Stores a media file, unless its name is taken.
    pub async fn add_asset(&self, new: NewAsset<'_>, now: UnixMs) -> Result<UploadedAsset, StoreError> {
        let sha256 = sha256_hex(new.bytes);
        if let Some(there) = self.asset_named(new.name).await? {
            return Ok(there.beside(&sha256));
        }
        self.put_bytes(new.id, new.bytes).await?;
        let (name, mime, size) = (new.name.to_owned(), new.mime.to_owned(), new.bytes.len() as u64);
        let asset = Asset { id: new.id.clone(), name, mime, size, sha256, created_at: now };
        let holder = self.claim_name(&asset).await?;
        if holder == asset.id.as_str() {
            return Ok(UploadedAsset::New(asset));
        }
        let _: () = self.connection().unlink(self.keys().asset_bytes(new.id)).await?;
        let there: Option<Asset> = self.assets_shelf().get(&holder).await?;
        let gone = || StoreError::Corrupt { key: self.keys().asset_names(), detail: format!("no asset is `{holder}`") };
        Ok(there.ok_or_else(gone)?.beside(&asset.sha256))
    }

    /// Puts the record under its name; the id of whoever has the name now.
    async fn claim_name(&self, asset: &Asset) -> Result<String, StoreError> {
        let (records, order) = self.keys().shelf("assets");
        let mut call = ADD.key(self.keys().asset_names());
        call.key(records).key(order);
        call.arg(&asset.name)
            .arg(asset.id.as_str())
            .arg(to_json(asset))
            .arg(member(asset.created_at, asset.id.as_str()));
        Ok(call.invoke_async(&mut self.connection()).await?)
    }

    async fn put_bytes(&self, id: &AssetId, bytes: &[u8]) -> Result<(), StoreError> {
        let (mut hot, key) = (self.connection(), self.keys().asset_bytes(id));
        for (index, piece) in bytes.chunks(PIECE).enumerate() {
            let mut pipe = redis::pipe();
            pipe.setrange(&key, (index * PIECE) as isize, piece).ignore().expire(&key, UNFINISHED_S).ignore();
            let _: () = pipe.query_async(&mut hot).await?;
        }
        Ok(hot.persist(&key).await?)
    }

    /// The asset with this id or, failing that, this name.
    pub async fn asset(&self, id_or_name: &str) -> Result<Option<Asset>, StoreError> {
        match self.assets_shelf().get(id_or_name).await? {
            Some(asset) => Ok(Some(asset)),
            None => self.asset_named(id_or_name).await,
        }
    }

    async fn asset_named(&self, name: &str) -> Result<Option<Asset>, StoreError> {
        let id: Option<String> = self.connection().hget(self.keys().asset_names(), name).await?;
        match id {
            Some(id) => self.assets_shelf().get(&id).await,
            None => Ok(None),
        }
    }

    /// The bytes of an asset.
    pub async fn asset_bytes(&self, asset: &Asset) -> Result<Vec<u8>, StoreError> {
        let (mut hot, key) = (self.connection(), self.keys().asset_bytes(&asset.id));
        let size = asset.size as usize;
        let mut bytes = Vec::with_capacity(size);
        while bytes.len() < size {
            let Range { start, end } = bytes.len()..(bytes.len() + PIECE).min(size);
            let piece: Vec<u8> = hot.getrange(&key, start as isize, end as isize - 1).await?;
            if piece.len() != end - start {
                let detail = format!("{} of {size} bytes are there", start + piece.len());
                return Err(StoreError::Corrupt { key, detail });
            }
            bytes.extend(piece);
        }
        Ok(bytes)
    }

    /// A page of assets, newest first.
    pub async fn assets_page(&self, limit: usize, cursor: Option<&str>) -> Result<Page<Asset>, StoreError> {
        self.assets_shelf().page(limit, cursor).await
    }

    /// The names and ids of all assets.
    pub async fn asset_names(&self) -> Result<BTreeSet<String>, StoreError> {
        let (mut names, mut cursor) = (BTreeSet::new(), None);
        loop {
            let page = self.assets_page(500, cursor.as_deref()).await?;
            names.extend(page.items.into_iter().flat_map(|asset| [asset.id.to_string(), asset.name]));
            cursor = page.next_cursor;
            if cursor.is_none() {
                return Ok(names);
            }
        }
    }

    /// What Meta calls the asset on this number; `None` when it was never uploaded there. Whether it is still valid
    /// is for the caller to say.
    pub async fn media_id(&self, asset: &AssetId, number: &NumberId) -> Result<Option<MediaId>, StoreError> {
        let key = self.keys().number_media(number);
        let json: Option<Vec<u8>> = self.connection().hget(&key, asset.as_str()).await?;
        json.map(|json| from_json(&key, &json)).transpose()
    }

    /// Remembers what Meta calls the asset on this number.
    pub async fn put_media_id(&self, asset: &AssetId, number: &NumberId, media: &MediaId) -> Result<(), StoreError> {
        Ok(self.connection().hset(self.keys().number_media(number), asset.as_str(), to_json(media)).await?)
    }
}
