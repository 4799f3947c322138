//! What accepted runs mean for quotas, derived from the runs as they stand.

use std::{
    collections::{HashMap, HashSet},
    ops::RangeInclusive,
};

use dawncast_core::{UnixMs, delivery::Standing, ids::NumberId, quota::Promise};
use redis::AsyncCommands;

use super::{Run, RunState, RunTallies};
use crate::{
    Store, StoreError,
    records::{Number, NumberRole},
};

/// How many of a run's recipients its messages have reached.
fn reached(tallies: &RunTallies) -> u64 {
    let reached = [Standing::Delivered, Standing::Read].map(|standing| tallies.tallies.count(standing));
    reached.into_iter().sum::<i64>().max(0) as u64
}

/// How many can be reached no more, though the run goes on.
fn failed(tallies: &RunTallies) -> u64 {
    tallies.tallies.count(Standing::Failed).max(0) as u64
}

/// The numbers that a run goes out from: those that freeze pinned, or those that it would pin now.
fn numbers(run: &Run, all: &[Number]) -> Vec<(NumberId, u32)> {
    match &run.frozen {
        Some(frozen) => frozen.senders.iter().filter(|it| !it.standby).map(|it| (it.number.clone(), it.mps)).collect(),
        None => {
            let own = |it: &&Number| it.pool == run.record.spec.pool && it.role == NumberRole::Active;
            all.iter().filter(own).map(|it| (it.phone_number_id.clone(), it.mps)).collect()
        }
    }
}

impl Store {
    /// The promises of all runs that open within `span` and write messages that begin a conversation.
    pub(crate) async fn promises(
        &self,
        span: RangeInclusive<UnixMs>,
        all: &[Number],
    ) -> Result<Vec<Promise>, StoreError> {
        let (from, to) = (*span.start(), *span.end());
        let ids: Vec<String> = self.hot.clone().zrangebyscore(self.keys.runs(), from, to).await?;
        let active: HashSet<_> = self.active_runs().await?.into_iter().collect();
        let (mut promises, mut rows) = (Vec::new(), HashMap::new());
        for id in ids.iter().filter_map(|id| id.parse().ok()) {
            let Some(run) = self.run(&id).await? else { continue };
            if run.record.spec.message.templates().next().is_none() {
                continue;
            }
            let tallies = self.run_tallies(&id).await?;
            let is_over = !active.contains(&id) || matches!(run.state, RunState::Cancelled | RunState::Closed);
            // Before freeze nobody knows whose service window will be open: all may have to be begun with.
            let (recipients, within_windows) = match &run.frozen {
                Some(frozen) => (frozen.conversations(), frozen.deliveries() - frozen.conversations()),
                None if is_over => (0, 0),
                None => (self.rows_now(&run, &mut rows).await?, 0),
            };
            // No tally tells which message it was: in doubt those within windows, so that too little is never kept back.
            let settled = (reached(&tallies) + failed(&tallies)).saturating_sub(within_windows);
            promises.push(Promise {
                numbers: numbers(&run, all),
                audience: run.record.spec.audience.id,
                opens_at: run.record.opening.opens_at,
                outstanding: if is_over { 0 } else { recipients.saturating_sub(settled) },
                reached: reached(&tallies).saturating_sub(within_windows),
                run: id,
            });
        }
        Ok(promises)
    }

    /// How many rows the run's audience has now, looked up once for each audience.
    async fn rows_now(&self, run: &Run, known: &mut HashMap<String, u64>) -> Result<u64, StoreError> {
        let audience = &run.record.spec.audience.id;
        if let Some(rows) = known.get(audience.as_str()) {
            return Ok(*rows);
        }
        let rows = self.audience_version(audience).await?.map_or(0, |version| version.rows);
        known.insert(audience.as_str().to_owned(), rows);
        Ok(rows)
    }
}
