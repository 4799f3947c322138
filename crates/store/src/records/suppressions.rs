//! The suppression list: whom not to write to. What is on it when a change has been answered, no attempt that begins
//! afterwards is POSTed against: the runs that are not closed are told in their own slots, where begin reads it.

use std::collections::HashMap;

use dawncast_core::{
    consent::{Change, Suppression},
    phone::Phone,
};

use super::{
    from_json,
    shelf::{Page, Shelf, member},
    to_json,
};
use crate::{
    Store, StoreError,
    script::{Script, script},
};

static SUPPRESS: Script = script!("suppress.lua");

/// Phones are read and changed in parts of this many.
const BATCH: usize = 500;

/// The kind of these records.
const KIND: &str = "suppressions";

/// One phone's entries as they were read, and as they shall be.
struct Turn {
    phone: Phone,
    before: Option<String>,
    after: Option<Suppression>,
    since: i64,
}

impl Turn {
    fn new(phone: Phone, before: Option<String>, known: Option<Suppression>) -> Self {
        Self { phone, before, since: known.as_ref().map_or(0, |known| known.since), after: known }
    }

    fn take(&mut self, change: Change) {
        self.after = Suppression::after(self.after.as_ref(), self.phone, change);
        if let (None, Some(after)) = (&self.before, &self.after) {
            self.since = after.since;
        }
        // Its place in the list is where it came onto it.
        if let Some(after) = &mut self.after {
            after.since = self.since;
        }
    }
}

impl Store {
    /// The entries of one phone; none when it is not on the list.
    pub async fn suppression(&self, phone: Phone) -> Result<Option<Suppression>, StoreError> {
        Shelf::of(self, KIND).get(&phone.person().to_string()).await
    }

    /// The entries of each of `phones`, in their order.
    pub async fn suppressions(&self, phones: &[Phone]) -> Result<Vec<Option<Suppression>>, StoreError> {
        let mut found = Vec::with_capacity(phones.len());
        for part in phones.chunks(BATCH) {
            let (key, records) = self.suppression_records(part).await?;
            for json in records {
                found.push(json.map(|json| from_json(&key, json.as_bytes())).transpose()?);
            }
        }
        Ok(found)
    }

    async fn suppression_records(&self, phones: &[Phone]) -> Result<(String, Vec<Option<String>>), StoreError> {
        let (key, _) = self.keys().shelf(KIND);
        if phones.is_empty() {
            return Ok((key, Vec::new()));
        }
        let ids: Vec<u64> = phones.iter().map(|phone| phone.person()).collect();
        let mut read = redis::cmd("HMGET");
        read.arg(&key).arg(ids);
        let records = read.query_async(&mut self.connection()).await?;
        Ok((key, records))
    }

    /// Up to `limit` phones of the list, those that came last first.
    pub async fn suppressions_page(&self, limit: usize, cursor: Option<&str>) -> Result<Page<Suppression>, StoreError> {
        Shelf::of(self, KIND).page(limit, cursor).await
    }

    /// Changes the list, in the order given. When this has returned, nothing that is begun is POSTed to whom it forbids.
    /// Nothing is undone when a part fails: repeat the call.
    pub async fn suppress(&self, changes: &[(Phone, Change)]) -> Result<(), StoreError> {
        for part in changes.chunks(BATCH) {
            while !self.suppress_part(part).await? {}
        }
        self.relist_runs().await
    }

    /// False when somebody else has changed one of them meanwhile.
    async fn suppress_part(&self, changes: &[(Phone, Change)]) -> Result<bool, StoreError> {
        let phones: Vec<Phone> = changes.iter().map(|(phone, _)| *phone).collect();
        let (key, records) = self.suppression_records(&phones).await?;
        let mut turns: HashMap<u64, Turn> = HashMap::new();
        for (phone, before) in phones.iter().zip(records) {
            let known = before.as_ref().map(|json| from_json(&key, json.as_bytes())).transpose()?;
            turns.entry(phone.person()).or_insert_with(|| Turn::new(*phone, before, known));
        }
        changes.iter().for_each(|(phone, change)| {
            turns.get_mut(&phone.person()).into_iter().for_each(|turn| turn.take(*change));
        });
        let (records, order) = self.keys().shelf(KIND);
        let mut call = SUPPRESS.key(records);
        call.key(order);
        for (person, turn) in turns {
            let after = turn.after.as_ref().map(to_json);
            call.arg(person).arg(turn.before.unwrap_or_default()).arg(after.unwrap_or_default());
            call.arg(member(turn.since, &person.to_string()));
        }
        Ok(self.invoke_durably::<u8>(&call).await? == 1)
    }
}
