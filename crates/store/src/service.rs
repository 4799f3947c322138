//! Service windows: until when a user may be sent free-form messages by a number. Every message of the user's to that number
//! opens the window, or extends it.

use dawncast_core::{UnixMs, consent::SERVICE_WINDOW_MS, ids::NumberId};

use crate::{Store, StoreError};

/// Persons are asked for in parts of this many.
const BATCH: usize = 500;

impl Store {
    /// Users have written to a number: each person, and when. A message that comes late or twice shortens nothing.
    pub async fn note_inbound(
        &self,
        number: &NumberId,
        inbound: &[(u64, UnixMs)],
        now: UnixMs,
    ) -> Result<(), StoreError> {
        let key = self.keys.service_windows(number);
        for part in inbound.chunks(BATCH) {
            let mut add = redis::cmd("ZADD");
            add.arg(&key).arg("GT");
            part.iter().for_each(|(person, at)| {
                // A clock that runs ahead must not keep a window open for longer.
                add.arg((*at).min(now)).arg(person);
            });
            let mut pipe = redis::pipe();
            pipe.add_command(add).ignore();
            pipe.zrembyscore(&key, "-inf", now - SERVICE_WINDOW_MS).ignore();
            pipe.pexpire(&key, SERVICE_WINDOW_MS).ignore();
            let () = pipe.query_async(&mut self.hot.clone()).await?;
        }
        Ok(())
    }

    /// Until when each of `persons` may be sent free-form messages by the number; none where no window is known.
    pub async fn service_windows(&self, number: &NumberId, persons: &[u64]) -> Result<Vec<Option<UnixMs>>, StoreError> {
        let key = self.keys.service_windows(number);
        let mut windows = Vec::with_capacity(persons.len());
        for part in persons.chunks(BATCH) {
            let wrote: Vec<Option<i64>> =
                redis::cmd("ZMSCORE").arg(&key).arg(part).query_async(&mut self.hot.clone()).await?;
            windows.extend(wrote.into_iter().map(|at| at.map(|at| at + SERVICE_WINDOW_MS)));
        }
        Ok(windows)
    }

    /// Of `numbers`, the place of the one whose window each of `persons` has opened last, if it is open at `until` still.
    pub async fn open_windows(
        &self,
        numbers: &[(u8, NumberId)],
        persons: &[u64],
        until: UnixMs,
    ) -> Result<Vec<Option<u8>>, StoreError> {
        let mut best: Vec<Option<(UnixMs, u8)>> = vec![None; persons.len()];
        for (place, number) in numbers {
            let open = self.service_windows(number, persons).await?;
            for (best, ends) in best.iter_mut().zip(open) {
                *best = (*best).max(ends.filter(|ends| *ends > until).map(|ends| (ends, *place)));
            }
        }
        Ok(best.into_iter().map(|best| best.map(|(_, place)| place)).collect())
    }
}
