//! Media: each asset is uploaded to each number that may need it, stand-ins included, before the window opens. Meta's
//! media ids belong to a number and live 30 days.

use std::collections::{BTreeSet, HashMap};

use dawncast_core::ids::{AssetId, NumberId};
use dawncast_store::{
    Store,
    records::{Asset, MediaId, Number},
    run::Frozen,
};
use tracing::info;

use super::Chores;
use crate::{EngineError, templates::token};

/// Meta keeps an uploaded file for 30 days; one that would end during a run is uploaded again.
pub(crate) const USABLE_FOR_MS: i64 = 29 * 24 * 60 * 60 * 1_000;

/// The media ids of one number, by asset name and id.
pub(crate) async fn media_ids(
    store: &Store,
    assets: &[Asset],
    number: &NumberId,
) -> Result<HashMap<String, String>, EngineError> {
    let mut ids = HashMap::new();
    for asset in assets {
        if let Some(media) = store.media_id(&asset.id, number).await? {
            ids.insert(asset.name.clone(), media.media_id.clone());
            ids.insert(asset.id.to_string(), media.media_id);
        }
    }
    Ok(ids)
}

impl Chores {
    /// Uploads what the numbers of a run lack of `assets`.
    pub(super) async fn upload(&self, frozen: &Frozen, assets: &BTreeSet<String>) -> Result<(), EngineError> {
        for name in assets {
            let Some(asset) = self.ctx.store.asset(name).await? else { continue };
            for sender in &frozen.senders {
                let Some(number) = self.ctx.store.number(&sender.number).await? else { continue };
                if !self.has(&asset.id, &sender.number).await? {
                    self.upload_one(&asset, &number).await?;
                }
            }
        }
        Ok(())
    }

    async fn has(&self, asset: &AssetId, number: &NumberId) -> Result<bool, EngineError> {
        let known = self.ctx.store.media_id(asset, number).await?;
        Ok(known.is_some_and(|media| self.clock.now() - media.uploaded_at < USABLE_FOR_MS))
    }

    async fn upload_one(&self, asset: &Asset, number: &Number) -> Result<(), EngineError> {
        let bytes = self.ctx.store.asset_bytes(asset).await?;
        let (id, token) = (&number.phone_number_id, token(&self.ctx.store, number).await?);
        let media = self.ctx.client.upload_media(id.as_str(), &token, bytes, &asset.mime, &asset.name).await?;
        let media = MediaId { media_id: media.as_str().to_owned(), uploaded_at: self.clock.now() };
        self.ctx.store.put_media_id(&asset.id, id, &media).await?;
        info!(asset.id = %asset.id, number.id = %id, "asset {} is on number {id}", asset.name);
        Ok(())
    }
}
