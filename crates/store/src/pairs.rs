//! The pair limit as all processes count it, in the number's slot: only pairs that a process has written to within the last
//! seconds are ever told here. Who is told of a message twice counts it twice: room lost, never a burst.

use dawncast_core::{
    UnixMs,
    ids::NumberId,
    pair::{BURST_MS, FULL_MS, INTERVAL_MS, Pair},
};

use crate::{
    Store, StoreError,
    script::{Script, script},
};

static PAIRS: Script = script!("pairs.lua");

/// A process asks whether a user has room for one more message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PairAsked {
    /// The user, as [`Phone::person`](dawncast_core::phone::Phone::person) names them.
    pub person: u64,
    /// How many messages the process has sent that it has not told of.
    pub untold: u32,
}

impl Store {
    /// Counts one message more of `number` to each of those asked for, as far as there is room: true for each that may go
    /// out, with what the pair has come to.
    pub async fn take_pairs(
        &self,
        number: &NumberId,
        asked: &[PairAsked],
        now: UnixMs,
    ) -> Result<Vec<(bool, Pair)>, StoreError> {
        let mut call = PAIRS.key(self.keys.pairs(number));
        call.arg(now).arg(INTERVAL_MS).arg(BURST_MS).arg(FULL_MS);
        for asked in asked {
            call.arg(asked.person).arg(asked.untold);
        }
        let answer: Vec<(u8, UnixMs)> = call.invoke_async(&mut self.hot.clone()).await?;
        Ok(answer.into_iter().map(|(may, tat)| (may == 1, Pair { tat })).collect())
    }
}
