//! The quality monitor: steps the condition of each number by what Meta says of it and how its messages are answered, lets its
//! credit go by that, and says what changed. Any number of monitors may run: of two that see the same, one changes it.

use std::time::Duration;

use dawncast_core::{
    UnixMs,
    health::{Condition, ConditionSigns, READING_GOOD_FOR_MS, Reading, Stage},
    quota::{DailyLimit, Portfolio},
};
use dawncast_store::records::{Change, Number};
use futures::future::join_all;
use metrics::counter;
use tracing::{info, warn};

use crate::{Context, EngineError, metrics::NUMBER_TRANSITIONS};

/// Too many recipients have blocked or reported the number, or its portfolio's limit is used up (Meta: error codes).
const SPAM_LIMIT: u32 = 131_048;

/// For how long the count of the users who were reached may be behind the refusals, and how often it is looked at.
const COUNT_BEHIND: Duration = Duration::from_secs(2);
const COUNT_AGAIN: Duration = Duration::from_millis(250);

/// One look at every number, at all at once: one whose signs have to be waited for keeps no other from being stopped.
pub(super) async fn look(ctx: &Context, now: UnixMs) -> Result<(), EngineError> {
    let readings = ctx.store.readings().await?;
    let steps = ctx.store.numbers().await?.into_iter().map(|number| {
        let reading = readings.get(&number.phone_number_id);
        step(ctx, number, reading, now)
    });
    join_all(steps).await.into_iter().collect()
}

async fn step(ctx: &Context, number: Number, reading: Option<&Reading>, now: UnixMs) -> Result<(), EngineError> {
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
    let signs = ConditionSigns { reading, heard: &heard };
    if number.condition.step(&signs, now, playbook) == number.condition {
        // Again: a Redis that has lost writes may grant what it should not.
        return settle(ctx, number).await;
    }
    // *Two monitors, or a person, change it at once*: the second goes on from what the first has left.
    let step = |condition: &Condition| condition.step(&signs, now, playbook);
    let Some((before, stepped)) = store.change_condition(&number.phone_number_id, step).await? else { return Ok(()) };
    settle(ctx, stepped.clone()).await?;
    let after = &stepped.condition;
    if (before.stage, before.cause) != (after.stage, after.cause) {
        tell(&stepped, &before);
        let change = Change { at: now, from: before.stage.to_string(), to: after.clone() };
        store.note_change(&stepped.phone_number_id, &change).await?;
    }
    Ok(())
}

/// Lets a number's credit go by its condition. *A person who pins it meanwhile*: what was read before is not the last word.
async fn settle(ctx: &Context, mut number: Number) -> Result<(), EngineError> {
    loop {
        ctx.store.apply_condition(&number, &ctx.settings.playbook).await?;
        match ctx.store.number(&number.phone_number_id).await? {
            Some(now) if now.condition != number.condition => number = now,
            _ => return Ok(()),
        }
    }
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
