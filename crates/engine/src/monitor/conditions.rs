//! The quality monitor: steps the condition of each number by what Meta says of it and how its messages are answered, lets its
//! credit go by that, and says what changed. Any number of monitors may run: of two that see the same, one changes it.

use std::sync::{Mutex, PoisonError};

use dawncast_core::{
    UnixMs,
    health::{Condition, ConditionSigns, READING_GOOD_FOR_MS, Reading, Stage},
    quota::Portfolio,
};
use dawncast_store::records::{Change, Number};
use metrics::counter;
use tracing::{info, warn};

use crate::{Context, EngineError, metrics::NUMBER_TRANSITIONS};

/// Too many recipients have blocked or reported the number, or its portfolio's limit is used up (Meta: error codes).
const SPAM_LIMIT: u32 = 131_048;

/// One look at a number; the number as it is then.
pub(super) async fn step(
    ctx: &Context,
    number: Number,
    reading: Option<&Reading>,
    now: UnixMs,
) -> Result<Number, EngineError> {
    let (store, playbook) = (&ctx.store, &ctx.settings.playbook);
    let mut heard = store.heard(&number.phone_number_id).await?;
    if heard.iter().any(|it| it.code == SPAM_LIMIT && it.at > number.condition.heard_until)
        && is_exhausted(ctx, &number, now).await?
    {
        heard.retain(|it| it.code != SPAM_LIMIT);
    }
    // What Meta said long ago is no word on how it is rated now.
    let reading = reading.filter(|reading| now - reading.read_at <= READING_GOOD_FOR_MS);
    let signs = ConditionSigns { reading, heard: &heard };
    if number.condition.step(&signs, now, playbook) == number.condition {
        // Again: a Redis that has lost writes may grant what it should not.
        store.apply_condition(&number, playbook).await?;
        return Ok(number);
    }
    // *Two monitors, or a person, change it at once*: the second goes on from what the first has left.
    let before = Mutex::new(number.condition.clone());
    let stepped = store.change_number(&number.phone_number_id, |number| {
        let next = number.condition.step(&signs, now, playbook);
        *before.lock().unwrap_or_else(PoisonError::into_inner) = std::mem::replace(&mut number.condition, next);
    });
    let Some(stepped) = stepped.await? else { return Ok(number) };
    store.apply_condition(&stepped, playbook).await?;
    let before = before.into_inner().unwrap_or_else(PoisonError::into_inner);
    let after = &stepped.condition;
    if (before.stage, before.cause) != (after.stage, after.cause) {
        tell(&stepped, &before);
        let change = Change { at: now, from: before.stage.to_string(), to: after.clone() };
        store.note_change(&stepped.phone_number_id, &change).await?;
    }
    Ok(stepped)
}

/// Whether Meta's messaging limit leaves its portfolio nothing: then 131048 says that, and nothing against the number.
async fn is_exhausted(ctx: &Context, number: &Number, now: UnixMs) -> Result<bool, EngineError> {
    let portfolios = ctx.store.portfolios(now).await?;
    let own = portfolios.iter().find(|portfolio| portfolio.numbers.contains(&number.phone_number_id));
    Ok(own.and_then(Portfolio::remaining) == Some(0))
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
