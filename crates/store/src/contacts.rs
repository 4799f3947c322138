//! Who was written to by which run: what frequency caps count. A run counts whom it plans, and gives back, when it is
//! closed, whom it did not write to. Everything goes by itself when it counts no more.

use std::collections::HashSet;

use dawncast_core::{
    UnixMs,
    consent::{Cap, Scope},
    ids::RunId,
};
use redis::AsyncCommands;

use crate::{
    Store, StoreError,
    script::{Script, script},
};

static CONTACT: Script = script!("contact.lua");

/// Persons are counted in parts of this many.
const BATCH: usize = 500;

/// A run that writes to people under a frequency cap.
#[derive(Debug, Clone, Copy)]
pub struct Contact<'a> {
    /// What it sends.
    pub scope: Scope,
    /// The run.
    pub run: &'a RunId,
    /// Its nominal instant.
    pub at: UnixMs,
    /// The cap.
    pub cap: Cap,
}

impl Store {
    /// Counts `persons` for the run, as far as the cap allows: true for each who may be written to. In one step for each
    /// five hundred, so that two runs that are frozen at once do not both count on the last message of one person.
    pub async fn count_contacts(
        &self,
        contact: &Contact<'_>,
        persons: &[u64],
        now: UnixMs,
    ) -> Result<Vec<bool>, StoreError> {
        let Contact { scope, run, at, cap } = *contact;
        let others = self.keys.contacted_by(scope);
        let kept_ms = (at - now).max(0) + 2 * cap.within.ms();
        let mut may = Vec::with_capacity(persons.len());
        for part in persons.chunks(BATCH) {
            let mut call = CONTACT.key(self.keys.contacts(scope));
            call.key(format!("{others}{run}")).arg(run.as_str()).arg(at).arg(cap.counts_from(at)).arg(cap.messages);
            call.arg(kept_ms).arg(&others).arg(part);
            let answer: String = call.invoke_async(&mut self.hot.clone()).await?;
            may.extend(answer.bytes().map(|byte| byte == b'1'));
        }
        Ok(may)
    }

    /// Gives back whoever was counted for the run and is not among `reached`. How many.
    pub async fn release_contacts(&self, scope: Scope, run: &RunId, reached: &HashSet<u64>) -> Result<u64, StoreError> {
        let key = format!("{}{run}", self.keys.contacted_by(scope));
        let counted: Vec<u64> = self.admin().await?.smembers(&key).await?;
        let left: Vec<u64> = counted.into_iter().filter(|person| !reached.contains(person)).collect();
        for part in left.chunks(BATCH) {
            let () = self.hot.clone().srem(&key, part).await?;
        }
        Ok(left.len() as u64)
    }

    /// Whether anybody is counted for the run.
    pub async fn has_contacts(&self, scope: Scope, run: &RunId) -> Result<bool, StoreError> {
        Ok(self.hot.clone().exists(format!("{}{run}", self.keys.contacted_by(scope))).await?)
    }
}
