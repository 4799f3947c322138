//! Submission: a template goes to Meta for review, in every account whose numbers are to send it: created where it is not there,
//! edited where it is. What becomes of it is told by webhook, and read by the monitor.

use dawncast_cloud_api::{CallError, Token};
use dawncast_core::{
    UnixMs,
    ids::WabaId,
    template::{Definition, Draft, Submitted},
};
use dawncast_store::records::Number;
use serde_json::{Value, json};
use tracing::info;

use crate::{Context, EngineError, templates};

/// Submits `draft` to every account that has numbers, or to `only` one. What each account said; repeated, it edits what is there.
///
/// # Errors
/// When Redis cannot be reached. What Meta refuses is in the answer.
pub async fn submit(
    ctx: &Context,
    draft: &Draft,
    only: Option<&WabaId>,
    now: UnixMs,
) -> Result<Vec<Submitted>, EngineError> {
    let mut submitted = Vec::new();
    for (waba, number) in templates::accounts(ctx).await? {
        if only.is_some_and(|only| *only != waba) {
            continue;
        }
        let told = submit_to(ctx, draft, &number, now).await?;
        let what = told.error.as_deref().or(told.status.as_deref()).unwrap_or_default();
        info!("template {} ({}) is submitted to account {waba}: {what}", draft.name, draft.language);
        submitted.push(told);
    }
    Ok(submitted)
}

async fn submit_to(ctx: &Context, draft: &Draft, number: &Number, now: UnixMs) -> Result<Submitted, EngineError> {
    let waba = &number.waba_id;
    let answer = |status: Option<String>, error: Option<String>| Submitted { waba_id: waba.clone(), status, error };
    let token = match templates::usable_token(&ctx.store, number).await? {
        Ok(token) => token,
        Err(why) => return Ok(answer(None, Some(why))),
    };
    let known = match templates::sync_account(ctx, number, now).await {
        Ok(known) => known,
        Err(EngineError::CloudApi(error)) => return Ok(answer(None, Some(error.to_string()))),
        Err(error) => return Err(error),
    };
    let there = known.iter().find(|it| it.name == draft.name && it.language == draft.language);
    let done = match (sampled(ctx, draft, &token).await?, there) {
        (Ok(document), Some(there)) => edit(ctx, draft, &document, there, &token).await,
        (Ok(document), None) => create(ctx, &document, waba, &token).await,
        (Err(error), _) => Err(error),
    };
    if done.is_ok()
        && let Err(error) = templates::sync_account(ctx, number, now).await
    {
        // It is there all the same, and read within the minute.
        ctx.trouble(format_args!("the templates of account {waba} cannot be read now"), error);
    }
    Ok(match done {
        Ok(status) => answer(Some(status), None),
        Err(error) => answer(None, Some(error.to_string())),
    })
}

/// What is submitted: with an asset of ours as the sample of its header, uploaded to the token's app.
async fn sampled(ctx: &Context, draft: &Draft, token: &Token) -> Result<Result<Value, CallError>, EngineError> {
    let Some((name, _)) = draft.asset() else { return Ok(Ok(draft.document.clone())) };
    let Some(asset) = ctx.store.asset(name).await? else {
        return Ok(Err(CallError::Invalid(format!("there is no asset `{name}`"))));
    };
    let bytes = ctx.store.asset_bytes(&asset).await?;
    let upload = async {
        let told = ctx.client.debug_token(token).await?;
        let app = told.app_id.ok_or_else(|| CallError::Malformed("debug_token names no app".to_owned()))?;
        ctx.client.upload_to_app(&app, token, bytes, &asset.mime, &asset.name).await
    };
    Ok(upload.await.map(|handle| draft.document_with(handle.as_str())))
}

async fn create(ctx: &Context, document: &Value, waba: &WabaId, token: &Token) -> Result<String, CallError> {
    let created = ctx.client.create_template(waba.as_str(), token, document).await?;
    Ok(created.status.as_str().to_owned())
}

/// Only an approved template's category is fixed, and must not be told again.
async fn edit(
    ctx: &Context,
    draft: &Draft,
    document: &Value,
    there: &Definition,
    token: &Token,
) -> Result<String, CallError> {
    let mut changes = json!({ "components": document["components"] });
    if !there.is_approved() {
        changes["category"] = json!(draft.category.as_str());
    }
    ctx.client.edit_template(there.id.as_deref().unwrap_or_default(), token, &changes).await?;
    Ok("PENDING".to_owned())
}

/// Reads every account's templates now.
///
/// # Errors
/// When Redis cannot be reached, or an account cannot be read: the others are all the same.
pub async fn sync_templates(ctx: &Context, now: UnixMs) -> Result<(), EngineError> {
    let mut failed = None;
    for number in templates::accounts(ctx).await?.values() {
        if let Err(error) = templates::sync_account(ctx, number, now).await {
            failed = Some(error);
        }
    }
    failed.map_or(Ok(()), Err)
}
