//! Numbers: what Meta says of each, read again and again, and kept where submit, plan and the report look it up.

use std::time::Duration;

use dawncast_cloud_api::{CallError, HealthEntity, NumberInfo, Usage};
use dawncast_core::{UnixMs, health::Reading};
use dawncast_store::records::Number;
use metrics::gauge;
use tracing::{info, warn};

use crate::{Context, EngineError, answer::Rest, metrics as names, templates::token};

/// What Meta said, in the words that are kept. The portfolio is the one that its health check names.
fn reading(info: &NumberInfo, read_at: UnixMs) -> Reading {
    let entities = info.health.iter().flat_map(|health| &health.entities);
    let portfolio = entities.filter(|entity| entity.entity_type == HealthEntity::BUSINESS).find_map(|it| it.id.clone());
    Reading {
        read_at,
        status: info.status.as_ref().map(|status| status.as_str().to_owned()),
        quality: info.quality_rating.as_ref().map(|quality| quality.as_str().to_owned()),
        throughput: info.throughput.as_ref().map(|throughput| throughput.level.as_str().to_owned()),
        messaging_limit: info.messaging_limit.as_ref().map(|limit| limit.as_str().to_owned()),
        can_send: info.health.as_ref().map(|health| health.can_send_message.as_str().to_owned()),
        portfolio,
    }
}

/// From this share of Meta's limits on calls on, in percent, numbers are read less often: what is left is for people, who
/// have templates to submit.
const SPARING: u32 = 80;
/// How many times less.
const SPARSELY: u32 = 5;

/// Asks Meta about every number that was not asked about lately, by any monitor. One that does not answer is asked again
/// after the same time, or when Meta takes calls again, if it says when.
pub(crate) async fn read_stale(ctx: &Context, now: UnixMs) -> Result<(), EngineError> {
    for number in ctx.store.numbers().await? {
        let id = &number.phone_number_id;
        if ctx.store.claim_reading(id, reading_every(ctx)).await?
            && let Err(error) = read(ctx, &number, now).await
        {
            if let Some(after) = calls_taken_after(&error) {
                ctx.store.put_off_reading(id, after).await?;
            }
            ctx.trouble(format_args!("number {id} cannot be read now"), error);
        }
    }
    tell_usage(&ctx.client.usage());
    Ok(())
}

fn reading_every(ctx: &Context) -> Duration {
    let times = if ctx.client.usage().percent() < SPARING { 1 } else { SPARSELY };
    times * ctx.settings.numbers_every
}

/// How long Meta takes no calls, by its own words.
fn calls_taken_after(error: &EngineError) -> Option<Duration> {
    match error {
        EngineError::CloudApi(CallError::Api(refusal)) => refusal.retry_after,
        _ => None,
    }
}

/// How much of Meta's limits on calls is used, of each account and of the app.
fn tell_usage(usage: &Usage) {
    let accounts = usage.accounts.iter().map(|(id, kinds)| {
        let most = kinds.iter().map(|kind| kind.usage.percent()).max();
        (id.as_str(), most.unwrap_or_default())
    });
    for (account, percent) in accounts.chain(usage.app.map(|app| ("app", app.percent()))) {
        gauge!(names::CALL_USAGE, "account" => account.to_owned()).set(f64::from(percent) / 100.0);
    }
}

async fn read(ctx: &Context, number: &Number, now: UnixMs) -> Result<(), EngineError> {
    let id = &number.phone_number_id;
    let token = token(&ctx.store, number).await?;
    let info = ctx.client.number(id.as_str(), &token).await?;
    let (before, after) = (ctx.store.reading(id).await?, reading(&info, now));
    ctx.store.put_reading(id, &after).await?;
    tell_change(ctx, number, before.as_ref(), &after, now).await
}

/// Says it when Meta takes a number out, and when it lets it in again.
async fn tell_change(
    ctx: &Context,
    number: &Number,
    before: Option<&Reading>,
    after: &Reading,
    now: UnixMs,
) -> Result<(), EngineError> {
    let id = &number.phone_number_id;
    let was = ctx.store.number_health(number, before, now).await?;
    let is = ctx.store.number_health(number, Some(after), now).await?;
    let status = after.status.as_deref().unwrap_or("not given");
    if is.is_out() && !was.is_out() {
        warn!(number.id = %id, "number {id} is {is}: its status at Meta is {status}; it sends nothing, others stand in");
    } else if was.is_out() && !is.is_out() {
        info!(number.id = %id, "number {id} is {is} again: its status at Meta is {status}");
    }
    Ok(())
}

/// A number that Meta lets send nothing is granted no credit, in any process: it rests, again and again, for as long as
/// Meta says so.
pub(crate) async fn rest(ctx: &Context, number: &Number) -> Result<(), EngineError> {
    Ok(ctx.store.rest(&number.phone_number_id, Rest::UNFIT.hold).await?)
}
