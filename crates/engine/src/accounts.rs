//! What Meta tells of accounts by webhook. How a template stands is taken at its word; of all else the word is only that something
//! changed, and Meta is asked how it stands at once, for its webhooks come late, twice and out of order.

use dawncast_cloud_api::webhook::{
    AccountEvent, AccountUpdate, TemplateCategoryUpdate, TemplateKey, TemplateStatusUpdate,
};
use dawncast_core::{UnixMs, ids::WabaId};
use tracing::{info, warn};

use crate::{Context, EngineError, templates::accounts};

/// Takes what a webhook call told of accounts. When this has returned, it is stored.
pub(crate) async fn heed(ctx: &Context, updates: &[AccountUpdate], now: UnixMs) -> Result<(), EngineError> {
    if updates.is_empty() {
        return Ok(());
    }
    let accounts = accounts(ctx).await?;
    for update in updates {
        // Another system's account, or one that is gone.
        let Ok(waba) = update.waba_id.parse::<WabaId>() else { continue };
        if accounts.contains_key(&waba) {
            apply(ctx, &waba, &update.event, now).await?;
        }
    }
    Ok(())
}

async fn apply(ctx: &Context, waba: &WabaId, event: &AccountEvent, now: UnixMs) -> Result<(), EngineError> {
    match event {
        AccountEvent::TemplateStatus(TemplateStatusUpdate { template, status, reason, other_info, .. }) => {
            let TemplateKey { name, language, .. } = template;
            let title = other_info.as_ref().and_then(|info| info.title.as_ref());
            let why: Vec<&str> = [reason.as_ref(), title].into_iter().flatten().map(String::as_str).collect();
            let why = if why.is_empty() { String::new() } else { format!(" ({})", why.join(", ")) };
            info!("Meta tells that template {name} ({language}) of account {waba} is {status}{why}");
            ctx.store.note_template(waba, name, language, status.as_str(), now).await?;
            // What it tells beside, such as why it was rejected, is in the list.
            ctx.store.outdate_templates(waba).await?;
        }
        AccountEvent::TemplateQuality(told) => {
            info!("Meta tells that template {} of account {waba} is rated {}", told.template.name, told.score);
            ctx.store.outdate_templates(waba).await?;
        }
        AccountEvent::TemplateCategory(TemplateCategoryUpdate { template, category, .. }) => {
            warn!(
                "Meta tells that template {} of account {waba} is {category} now: campaigns have to say so",
                template.name
            );
            ctx.store.outdate_templates(waba).await?;
        }
        AccountEvent::Number(told) => {
            info!("Meta tells {} of a number of account {waba}", told.event);
            read_numbers(ctx, waba).await?;
        }
        AccountEvent::Account(told) => {
            let restrictions: Vec<&str> = told.restrictions.iter().map(|it| it.kind.as_str()).collect();
            warn!("Meta tells {} of account {waba} ({})", told.event, restrictions.join(", "));
            read_numbers(ctx, waba).await?;
        }
        AccountEvent::Capability(_) => read_numbers(ctx, waba).await?,
        told => info!("Meta tells of account {waba}: {told:?}"),
    }
    Ok(())
}

/// Has Meta asked at once how the account's numbers stand.
async fn read_numbers(ctx: &Context, waba: &WabaId) -> Result<(), EngineError> {
    for number in ctx.store.numbers().await?.iter().filter(|number| number.waba_id == *waba) {
        ctx.store.outdate_reading(&number.phone_number_id).await?;
    }
    Ok(())
}
