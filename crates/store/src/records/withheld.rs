//! What Meta withholds from persons, over runs. In parts, so that no hash is too large; each forgets by itself.

use std::collections::BTreeMap;

use dawncast_core::{
    UnixMs,
    consent::{Scope, Told, Withheld},
    phone::Phone,
};
use futures::future::try_join_all;

use super::{from_json, to_json};
use crate::{
    Store, StoreError,
    script::{Script, script},
};

static WITHHELD: Script = script!("withheld.lua");

/// Persons are spread over so many parts.
const PARTS: u64 = 16;
/// Persons are changed in parts of this many.
const BATCH: usize = 500;
/// A part that nobody has changed for so long holds nothing any more, milliseconds.
const KEPT_MS: i64 = 60 * 24 * 60 * 60 * 1_000;

/// What happens to what is kept of a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WithheldChange {
    /// Something was told of a message, which happened then.
    Told(Told, UnixMs),
    /// A person lifts what holds for a scope, or all of it.
    Lift(Option<Scope>),
}

impl WithheldChange {
    fn apply(self, known: Option<Withheld>) -> Option<Withheld> {
        match self {
            Self::Told(told, at) => Withheld::after(known, told, at),
            Self::Lift(scope) => known.and_then(|known| known.lifted(scope)),
        }
    }
}

/// One person's record as it was read.
type Read = (u64, Option<String>);

impl Store {
    /// What is kept of each of `phones`, in their order.
    pub async fn withheld(&self, phones: &[Phone]) -> Result<Vec<Option<Withheld>>, StoreError> {
        let mut found = Vec::with_capacity(phones.len());
        for part in phones.chunks(BATCH) {
            let persons: Vec<u64> = part.iter().map(|phone| phone.person()).collect();
            let read: BTreeMap<u64, Option<String>> = self.withheld_records(&persons).await?.into_iter().collect();
            for person in persons {
                let json = read.get(&person).and_then(Option::as_ref);
                found.push(json.map(|json| self.withheld_read(person, json)).transpose()?);
            }
        }
        Ok(found)
    }

    fn withheld_read(&self, person: u64, json: &str) -> Result<Withheld, StoreError> {
        from_json(&self.keys().withheld(person % PARTS).0, json.as_bytes())
    }

    /// The parts are asked all at once.
    async fn withheld_records(&self, persons: &[u64]) -> Result<Vec<Read>, StoreError> {
        let mut parts: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
        persons.iter().for_each(|person| parts.entry(person % PARTS).or_default().push(*person));
        let ask = async |(part, persons): (u64, Vec<u64>)| {
            let mut read = redis::cmd("HMGET");
            read.arg(self.keys().withheld(part).0).arg(&persons);
            let records: Vec<Option<String>> = read.query_async(&mut self.connection()).await?;
            Ok::<_, StoreError>(persons.into_iter().zip(records).collect::<Vec<Read>>())
        };
        Ok(try_join_all(parts.into_iter().map(ask)).await?.into_iter().flatten().collect())
    }

    /// Changes what is kept, in the order given; whoever stands as it shall costs a look. Nothing is undone when a part
    /// fails: repeat the call. How many persons have changed.
    pub async fn change_withheld(&self, changes: &[(Phone, WithheldChange)], now: UnixMs) -> Result<u64, StoreError> {
        let mut changed = 0;
        for part in changes.chunks(BATCH) {
            let mut persons: BTreeMap<u64, Vec<WithheldChange>> = BTreeMap::new();
            part.iter().for_each(|(phone, change)| persons.entry(phone.person()).or_default().push(*change));
            loop {
                if let Some(count) = self.change_withheld_once(&persons, now).await? {
                    changed += count;
                    break;
                }
            }
        }
        Ok(changed)
    }

    /// None when somebody else has changed one of them meanwhile.
    async fn change_withheld_once(
        &self,
        persons: &BTreeMap<u64, Vec<WithheldChange>>,
        now: UnixMs,
    ) -> Result<Option<u64>, StoreError> {
        let ids: Vec<u64> = persons.keys().copied().collect();
        let (mut calls, mut count) = (BTreeMap::new(), 0);
        for (person, before) in self.withheld_records(&ids).await? {
            let known = before.as_ref().map(|json| self.withheld_read(person, json)).transpose()?;
            let after = persons[&person].iter().fold(known, |known, change| change.apply(known));
            if after == known {
                continue;
            }
            count += 1;
            let call = calls.entry(person % PARTS).or_insert_with(|| {
                let (records, order) = self.keys().withheld(person % PARTS);
                let mut call = WITHHELD.key(records);
                call.key(order).arg(now).arg(KEPT_MS);
                call
            });
            call.arg(person).arg(before.unwrap_or_default()).arg(after.as_ref().map(to_json).unwrap_or_default());
            call.arg(after.map_or(0, |after| after.forgotten_at()));
        }
        let written = try_join_all(calls.values().map(|call| self.invoke_durably::<u8>(call))).await?;
        Ok(written.iter().all(|written| *written == 1).then_some(count))
    }
}
