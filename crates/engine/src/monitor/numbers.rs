//! The gauges of numbers: health, speed, and what is left of the messaging limit. A number that Meta lets send nothing is
//! put to rest here, since this is who sees it each second.

use dawncast_core::{
    UnixMs,
    health::{Health, Reading, Stage},
    quota::{Ask, DAY_MS, DailyLimit, Portfolio, Promise, Quota},
};
use dawncast_store::records::Number;
use metrics::{counter, gauge};

use crate::{Context, EngineError, metrics as names, numbers};

/// Exports every number, and rests those that may send nothing.
pub(super) async fn look(ctx: &Context, now: UnixMs) -> Result<(), EngineError> {
    let readings = ctx.store.readings().await?;
    for number in ctx.store.numbers().await? {
        let reading = readings.get(&number.phone_number_id);
        if export(ctx, &number, reading, now).await?.is_out() {
            numbers::rest(ctx, &number).await?;
        }
    }
    Ok(())
}

async fn export(ctx: &Context, number: &Number, reading: Option<&Reading>, now: UnixMs) -> Result<Health, EngineError> {
    let id = number.phone_number_id.to_string();
    let health = ctx.store.number_health(number, reading, now).await?;
    for known in Health::ALL {
        let labels = [("phone_number_id", id.clone()), ("state", known.as_str().to_owned())];
        gauge!(names::NUMBER_HEALTH, &labels).set(f64::from(u8::from(*known == health)));
    }
    for stage in Stage::ALL {
        counter!(names::NUMBER_TRANSITIONS, "phone_number_id" => id.clone(), "to" => stage.as_str()).increment(0);
    }
    let labels = [("pool", number.pool.to_string()), ("phone_number_id", id.clone())];
    gauge!(names::NUMBER_MPS, &labels).set(f64::from(number.mps));
    let speed = ctx.store.speed_milli(&number.phone_number_id).await?;
    let leave = number.condition.leave(&ctx.settings.playbook);
    let is_off = number.paused || health.is_out() || leave.serves.is_none();
    let ratio = if is_off { 0.0 } else { f64::from(speed) / 1_000.0 * f64::from(leave.pace_milli) / 1_000.0 };
    gauge!(names::NUMBER_CREDIT, "phone_number_id" => id).set(ratio);
    Ok(health)
}

/// Exports, for every number, what its portfolio may still reach, and for every run that opens within a day how many of its
/// recipients lie beyond that.
pub(super) async fn export_quotas(ctx: &Context, now: UnixMs) -> Result<(), EngineError> {
    let quotas = ctx.store.quotas(now).await?;
    quotas.portfolios.iter().for_each(export_portfolio);
    let is_limited = quotas.portfolios.iter().any(|portfolio| portfolio.remaining().is_some());
    let is_due = |promise: &&Promise| promise.outstanding > 0 && promise.opens_at < now + DAY_MS;
    for promise in quotas.promises.iter().filter(is_due) {
        let beyond = if is_limited { beyond(ctx, promise, &quotas.promises, now).await? } else { 0 };
        gauge!(names::RUN_OVER_QUOTA, "run" => promise.run.to_string()).set(beyond as f64);
    }
    Ok(())
}

async fn beyond(ctx: &Context, run: &Promise, all: &[Promise], now: UnixMs) -> Result<u64, EngineError> {
    let portfolios = ctx.store.portfolios(run.opens_at.max(now)).await?;
    let ask = Ask { run: Some(&run.run), audience: &run.audience, opens_at: run.opens_at };
    Ok(Quota::of(&portfolios, all, ask).beyond(run))
}

fn export_portfolio(portfolio: &Portfolio) {
    let left = match (portfolio.limit, portfolio.remaining()) {
        (Some(DailyLimit::Unlimited), _) => f64::INFINITY,
        (_, Some(users)) => users as f64,
        (_, None) => return,
    };
    for number in &portfolio.numbers {
        gauge!(names::NUMBER_DAILY_REMAINING, "phone_number_id" => number.to_string()).set(left);
    }
}
