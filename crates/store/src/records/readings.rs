//! Readings: what Meta said of each number when it was asked last. Beside the number's own record, which people write.

use std::{collections::HashMap, time::Duration};

use dawncast_core::{
    UnixMs,
    health::{Health, Reading, Signs, health},
    ids::NumberId,
};
use redis::AsyncCommands;

use super::{Number, NumberRole, from_json, to_json};
use crate::{Store, StoreError};

impl Store {
    /// Whether the caller is to ask Meta about the number now: true once in every `every`, whoever asks.
    pub async fn claim_reading(&self, number: &NumberId, every: Duration) -> Result<bool, StoreError> {
        let mut claim = redis::cmd("SET");
        claim.arg(self.keys().asked(number)).arg("").arg("NX").arg("PX").arg(every.as_millis() as u64);
        let claimed: Option<String> = claim.query_async(&mut self.connection()).await?;
        Ok(claimed.is_some())
    }

    /// Nobody asks Meta about the number for so long.
    pub async fn put_off_reading(&self, number: &NumberId, by: Duration) -> Result<(), StoreError> {
        let mut claim = redis::cmd("SET");
        claim.arg(self.keys().asked(number)).arg("").arg("PX").arg((by.as_millis() as u64).max(1));
        Ok(claim.query_async(&mut self.connection()).await?)
    }

    /// Has the next who looks ask Meta about the number at once.
    pub async fn outdate_reading(&self, number: &NumberId) -> Result<(), StoreError> {
        Ok(self.connection().del(self.keys().asked(number)).await?)
    }

    /// Keeps what Meta said of a number.
    pub async fn put_reading(&self, number: &NumberId, reading: &Reading) -> Result<(), StoreError> {
        Ok(self.connection().hset(self.keys().readings(), number.as_str(), to_json(reading)).await?)
    }

    /// What Meta said of a number last; `None` when it was never asked.
    pub async fn reading(&self, number: &NumberId) -> Result<Option<Reading>, StoreError> {
        let key = self.keys().readings();
        let json: Option<Vec<u8>> = self.connection().hget(&key, number.as_str()).await?;
        json.map(|json| from_json(&key, &json)).transpose()
    }

    pub(super) async fn forget_reading(&self, number: &NumberId) -> Result<(), StoreError> {
        Ok(self.connection().hdel(self.keys().readings(), number.as_str()).await?)
    }

    /// What Meta said of every number.
    pub async fn readings(&self) -> Result<HashMap<NumberId, Reading>, StoreError> {
        let key = self.keys().readings();
        let all: HashMap<String, Vec<u8>> = self.connection().hgetall(&key).await?;
        let known = all.iter().filter_map(|(id, json)| Some((id.parse().ok()?, json)));
        known.map(|(id, json)| Ok((id, from_json(&key, json)?))).collect()
    }

    /// The health of a number at `now`, by all that is stored of it.
    pub async fn number_health(
        &self,
        number: &Number,
        reading: Option<&Reading>,
        now: UnixMs,
    ) -> Result<Health, StoreError> {
        let signs = Signs {
            paused: number.paused,
            standby: number.role == NumberRole::Standby,
            stage: number.condition.stage,
            warming: number.warmup.is_some(),
            speed_milli: self.speed_milli(&number.phone_number_id).await?,
            reading,
        };
        Ok(health(signs, now))
    }
}
