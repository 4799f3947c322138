//! The quality monitor: steps the condition and the warm-up of each number by what Meta says of it, how its messages are
//! answered and which share of them fails, lets its credit go by that, and says what changed. Any number of monitors may
//! run: of two that see the same, one changes it.

use std::time::Duration;

use dawncast_core::{
    UnixMs,
    health::{Condition, ConditionSigns, READING_GOOD_FOR_MS, Rates, Reading, Stage, WarmupTold},
    quota::{DailyLimit, Portfolio},
};
use dawncast_store::records::{Change, Number};
use futures::future::join_all;
use metrics::counter;
use tracing::{info, warn};

use super::rates;
use crate::{Context, EngineError, metrics::NUMBER_TRANSITIONS};

/// Too many recipients have blocked or reported the number, or its portfolio's limit is used up (Meta: error codes).
const SPAM_LIMIT: u32 = 131_048;

/// For how long the count of the users who were reached may be behind the refusals, and how often it is looked at.
const COUNT_BEHIND: Duration = Duration::from_secs(2);
const COUNT_AGAIN: Duration = Duration::from_millis(250);

/// One look at every number, at all at once: one whose signs have to be waited for keeps no other from being stopped.
pub(super) async fn look(ctx: &Context, now: UnixMs) -> Result<(), EngineError> {
    let (readings, numbers) = (ctx.store.readings().await?, ctx.store.numbers().await?);
    let mut rates = rates::of(ctx, &numbers, &readings, now).await?;
    let steps = numbers.into_iter().map(|number| {
        let reading = readings.get(&number.phone_number_id);
        let rates = rates.remove(&number.phone_number_id).unwrap_or_default();
        step(ctx, number, reading, rates, now)
    });
    join_all(steps).await.into_iter().collect()
}

async fn step(
    ctx: &Context,
    number: Number,
    reading: Option<&Reading>,
    rates: Rates,
    now: UnixMs,
) -> Result<(), EngineError> {
    let (store, playbook) = (&ctx.store, &ctx.settings.playbook);
    let mut heard = store.heard(&number.phone_number_id).await?;
    if heard.iter().any(|it| it.code == SPAM_LIMIT && it.at > number.condition.heard_until)
        && is_exhausted(ctx, &number, now).await?
    {
        // It is dealt with: it says nothing of the number, now or later.
        heard.iter_mut().filter(|it| it.code == SPAM_LIMIT).for_each(|it| it.code = 0);
    }
    // What Meta said long ago is no word on how it is rated now.
    let reading = reading.filter(|reading| now - reading.read_at <= READING_GOOD_FOR_MS);
    let signs = ConditionSigns { reading, heard: &heard, rates };
    let watched = |number: &Number| {
        let condition = number.condition.step(&signs, now, playbook);
        let warmup = number.warmup.and_then(|it| it.stepped(&condition, reading, now, &playbook.warmup));
        (condition, warmup)
    };
    if watched(&number) == (number.condition.clone(), number.warmup) {
        // Again: a Redis that has lost writes may grant what it should not.
        return Ok(store.apply_condition(&number, playbook).await?);
    }
    // *Two monitors, or a person, change it at once*: the second goes on from what the first has left.
    let Some((before, after)) = store.change_watched(&number.phone_number_id, watched).await? else { return Ok(()) };
    store.apply_condition(&after, playbook).await?;
    note_condition(ctx, &before, &after, now).await?;
    note_warmup(ctx, &before, &after, now).await
}

/// Says and keeps how the condition has changed, if it has.
async fn note_condition(ctx: &Context, before: &Number, after: &Number, now: UnixMs) -> Result<(), EngineError> {
    let (was, is) = (&before.condition, &after.condition);
    if (was.stage, was.cause) == (is.stage, is.cause) {
        return Ok(());
    }
    tell(after, was);
    let change = Change { at: now, from: was.stage.to_string(), to: is.clone(), warmup: None };
    Ok(ctx.store.note_change(&after.phone_number_id, &change).await?)
}

/// The same of its warm-up.
async fn note_warmup(ctx: &Context, before: &Number, after: &Number, now: UnixMs) -> Result<(), EngineError> {
    let step = |number: &Number| number.warmup.map(|warmup| warmup.step);
    if step(before) == step(after) {
        return Ok(());
    }
    let (id, stage) = (&after.phone_number_id, after.condition.stage.to_string());
    let told = WarmupTold(after.warmup, &ctx.settings.playbook.warmup).to_string();
    info!(number.id = %id, "the warm-up of number {id} is {told}");
    let change = Change { at: now, from: stage, to: after.condition.clone(), warmup: Some(told) };
    Ok(ctx.store.note_change(id, &change).await?)
}

/// Whether Meta's messaging limit leaves its portfolio nothing, or hardly anything: then 131048 says that, and nothing
/// against the number. Users are counted to a hundredth or so, and by their receipts. *A refusal overtakes the receipts of
/// those who used the limit up*: their count is waited for before a number is stopped.
async fn is_exhausted(ctx: &Context, number: &Number, now: UnixMs) -> Result<bool, EngineError> {
    let counted = tokio::time::Instant::now() + COUNT_BEHIND;
    loop {
        let portfolios = ctx.store.portfolios(now).await?;
        let own = portfolios.iter().find(|portfolio| portfolio.numbers.contains(&number.phone_number_id));
        let Some((limit, left)) = own.and_then(users_left) else { return Ok(false) };
        if left <= limit / 10 {
            return Ok(true);
        }
        if tokio::time::Instant::now() >= counted {
            return Ok(false);
        }
        tokio::time::sleep(COUNT_AGAIN).await;
    }
}

/// The users that a portfolio may reach in a day, and how many of them are left; `None` when any number may be reached.
fn users_left(portfolio: &Portfolio) -> Option<(u64, u64)> {
    match portfolio.limit? {
        DailyLimit::Users(limit) => Some((limit, portfolio.remaining()?)),
        DailyLimit::Unlimited => None,
    }
}

fn tell(number: &Number, before: &Condition) {
    let (id, after) = (&number.phone_number_id, &number.condition);
    if before.stage != after.stage {
        counter!(NUMBER_TRANSITIONS, "phone_number_id" => id.to_string(), "to" => after.stage.as_str()).increment(1);
    }
    match after.stage {
        Stage::Paused => warn!(number.id = %id, "number {id} is stopped, others stand in for it: {after}"),
        Stage::Cooldown => warn!(number.id = %id, "number {id} sends less, and for what is urgent alone: {after}"),
        Stage::Fit => info!(number.id = %id, "number {id} sends as ever: {after}"),
    }
}
