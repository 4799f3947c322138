//! Rate credit: how much a number may send right now, shared by all workers. Apart from pages, in the number's slot.

use std::time::Duration;

use dawncast_core::{
    UnixMs,
    campaign::Priority,
    cap::{Caps, Sent, Span},
    health::Leave,
    ids::NumberId,
    pace::Throttle,
};
use redis::AsyncCommands;

use crate::{
    Store, StoreError,
    script::{Script, credit_script},
};

static GRANT: Script = credit_script!("grant.lua");
static SLOW: Script = credit_script!("slow.lua");

/// The pace that a worker asks for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rate {
    /// The number's messages per second.
    pub mps: u32,
    /// The share of it that is used.
    pub headroom: f64,
    /// Whose messages: credit is refused to bulk before normal before critical.
    pub priority: Priority,
}

/// What was granted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Granted {
    /// How many messages may be sent now.
    pub count: u32,
    /// When one more would be granted, microseconds since 1970.
    pub retry_at_us: i64,
    /// The number's speed in thousandths of its pace: below 1000 after throttles.
    pub factor_milli: u32,
    /// The number grants nothing to this priority: a person has paused it, or the monitor.
    pub paused: bool,
    /// Redis' time, microseconds since 1970.
    pub now_us: i64,
}

/// Which part of the burst is closed to a priority: core's `Pace::reserve_us`.
fn closed_part(priority: Priority) -> u8 {
    match priority {
        Priority::Bulk => 2,
        Priority::Normal => 4,
        Priority::Critical => 0,
    }
}

impl Store {
    /// Spends up to `wanted` messages' credit of a number. When the reply is lost, so is the credit: ask again. Nothing is
    /// granted while Redis' clock is not where this process expects it: it has stepped.
    pub async fn grant(&self, number: &NumberId, rate: Rate, wanted: u32) -> Result<Granted, StoreError> {
        let (count, retry_at_us, factor_milli, paused, now_us): (u32, i64, u32, u8, i64) = GRANT
            .key(self.keys.credit(number))
            .key(self.keys.sent(number, Span::Hour))
            .key(self.keys.sent(number, Span::Day))
            .arg(self.time.credit_argument())
            .arg(wanted)
            .arg(rate.mps)
            .arg(rate.headroom)
            .arg(closed_part(rate.priority))
            .arg(self.time.expected_argument())
            .invoke_async(&mut self.hot.clone())
            .await?;
        Ok(Granted { count, retry_at_us, factor_milli, paused: paused == 1, now_us })
    }

    /// The Cloud API found the number too fast: half its speed, and nothing for `hold`.
    pub async fn throttled(&self, number: &NumberId, hold: Duration) -> Result<u32, StoreError> {
        self.slow(number, true, hold).await
    }

    /// The number cannot send: nothing for `hold`, then it is tried again.
    pub async fn rest(&self, number: &NumberId, hold: Duration) -> Result<(), StoreError> {
        self.slow(number, false, hold).await.map(drop)
    }

    /// Its token is another: it may be asked for credit at once, unless Meta lets it send nothing with any token.
    pub async fn end_rest(&self, number: &NumberId, now: UnixMs) -> Result<(), StoreError> {
        let Some(known) = self.number(number).await? else { return Ok(()) };
        let reading = self.reading(number).await?;
        if self.number_health(&known, reading.as_ref(), now).await?.is_out() {
            return Ok(());
        }
        Ok(self.hot.clone().hdel(self.keys.credit(number), "until").await?)
    }

    /// Until when the number rests, by what was told of it.
    pub async fn rests_until(&self, number: &NumberId) -> Result<UnixMs, StoreError> {
        let until: Option<i64> = self.hot.clone().hget(self.keys.credit(number), "until").await?;
        Ok(until.unwrap_or_default() / 1_000)
    }

    async fn slow(&self, number: &NumberId, halve: bool, hold: Duration) -> Result<u32, StoreError> {
        Ok(SLOW
            .key(self.keys.credit(number))
            .arg(self.time.credit_argument())
            .arg(if halve { "1" } else { "0" })
            .arg(hold.as_micros() as u64)
            .invoke_async(&mut self.hot.clone())
            .await?)
    }

    /// The number's speed in thousandths of its pace, as its last throttle left it.
    pub async fn speed_milli(&self, number: &NumberId) -> Result<u32, StoreError> {
        let factor: Option<u32> = self.hot.clone().hget(self.keys.credit(number), "factor").await?;
        let since: Option<i64> = self.hot.clone().hget(self.keys.credit(number), "since").await?;
        let Some((factor_milli, since_us)) = factor.zip(since) else { return Ok(Throttle::default().factor_milli) };
        Ok(Throttle { factor_milli, since_us }.factor_at(self.time().await? * 1_000))
    }

    /// Lets a number grant as much as `leave` and `caps` say, and to whom; the whole pace to everybody leaves no mark.
    pub(crate) async fn set_leave(&self, number: &NumberId, leave: &Leave, caps: Caps) -> Result<(), StoreError> {
        let key = self.keys.credit(number);
        let is_less = *leave != Leave::ALL;
        // Nobody is as urgent as what comes after the most urgent.
        let rank = leave.serves.map_or(Priority::ALL.len(), |least| least as usize);
        let fields = [
            ("pace", is_less.then_some(leave.pace_milli)),
            ("serves", is_less.then_some(rank as u32)),
            ("per_hour", caps.per_hour),
            ("per_day", caps.per_day),
        ];
        let mut pipe = redis::pipe();
        pipe.atomic();
        for (field, value) in fields {
            match value {
                Some(value) => pipe.hset(&key, field, value).ignore(),
                None => pipe.hdel(&key, field).ignore(),
            };
        }
        Ok(pipe.query_async(&mut self.hot.clone()).await?)
    }

    /// What the number was granted of late, as far as it is counted: while it has a cap.
    pub async fn sent(&self, number: &NumberId, span: Span) -> Result<Sent, StoreError> {
        let packed: Vec<i64> = self.hot.clone().hvals(self.keys.sent(number, span)).await?;
        Ok(Sent::unpacked(span, packed))
    }

    /// Pauses or resumes the credit of a number. When this has returned, it grants nothing.
    pub(crate) async fn pause_credit(&self, number: &NumberId, paused: bool) -> Result<(), StoreError> {
        let (mut hot, key) = (self.hot.clone(), self.keys.credit(number));
        if paused { Ok(hot.hset(key, "paused", "1").await?) } else { Ok(hot.hdel(key, "paused").await?) }
    }
}
