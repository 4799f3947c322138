//! A shelf: records of one kind under their ids, listed newest first. Two keys in one slot: a hash of records and a
//! sorted set that orders them by `made-at:id`.

use dawncast_core::UnixMs;
use redis::AsyncCommands;
use serde::{Serialize, de::DeserializeOwned};

use super::{from_json, to_json};
use crate::{
    Store, StoreError,
    script::{Script, script},
};

static INSERT: Script = script!("insert.lua");
static REPLACE: Script = script!("replace.lua");

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Page<T> {
    /// The records.
    pub items: Vec<T>,
    /// Where the next page starts; `None` when this is the last.
    pub next_cursor: Option<String>,
}

impl<T> Page<T> {
    /// The same page of something else.
    pub fn map<U>(self, view: impl FnMut(T) -> U) -> Page<U> {
        Page { items: self.items.into_iter().map(view).collect(), next_cursor: self.next_cursor }
    }
}

/// The shelf of one kind of record.
pub(super) struct Shelf<'a> {
    store: &'a Store,
    records: String,
    order: String,
}

/// The place of a record in the order. Thirteen digits of milliseconds last until the year 2286.
pub(super) fn member(made_at: UnixMs, id: &str) -> String {
    format!("{made_at:013}.{id}")
}

impl<'a> Shelf<'a> {
    /// The shelf called `kind`.
    pub(super) fn of(store: &'a Store, kind: &str) -> Self {
        let (records, order) = store.keys().shelf(kind);
        Self { store, records, order }
    }

    /// Adds a record; false when another one has its id.
    pub(super) async fn insert<T: Serialize>(&self, id: &str, made_at: UnixMs, record: &T) -> Result<bool, StoreError> {
        let mut call = INSERT.key(&self.records);
        call.key(&self.order).arg(id).arg(to_json(record)).arg(member(made_at, id));
        Ok(call.invoke_async(&mut self.store.connection()).await?)
    }

    /// One record as it is stored.
    pub(super) async fn raw(&self, id: &str) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.store.connection().hget(&self.records, id).await?)
    }

    /// One record.
    pub(super) async fn get<T: DeserializeOwned>(&self, id: &str) -> Result<Option<T>, StoreError> {
        self.raw(id).await?.map(|json| from_json(&self.records, &json)).transpose()
    }

    /// Changes a record as `change` says, again if someone else changed it meanwhile. The record as it stands
    /// afterwards; `None` when there is none.
    pub(super) async fn change<T>(&self, id: &str, change: impl Fn(&mut T)) -> Result<Option<T>, StoreError>
    where
        T: Serialize + DeserializeOwned,
    {
        Ok(self.change_telling(id, change).await?.map(|(record, ())| record))
    }

    /// The same, and what `change` told when it changed the record for good.
    pub(super) async fn change_telling<T, R>(
        &self,
        id: &str,
        change: impl Fn(&mut T) -> R,
    ) -> Result<Option<(T, R)>, StoreError>
    where
        T: Serialize + DeserializeOwned,
    {
        loop {
            let Some(json) = self.raw(id).await? else { return Ok(None) };
            let mut record: T = from_json(&self.records, &json)?;
            let told = change(&mut record);
            let mut call = REPLACE.key(&self.records);
            call.arg(id).arg(json).arg(to_json(&record));
            if call.invoke_async(&mut self.store.connection()).await? {
                return Ok(Some((record, told)));
            }
        }
    }

    /// Takes a record away; false when it was not there.
    pub(super) async fn remove(&self, id: &str, made_at: UnixMs) -> Result<bool, StoreError> {
        let mut pipe = redis::pipe();
        pipe.atomic().hdel(&self.records, id).zrem(&self.order, member(made_at, id)).ignore();
        let (removed,): (bool,) = pipe.query_async(&mut self.store.connection()).await?;
        Ok(removed)
    }

    /// The records under `ids`, in that order; ids without a record are left out.
    pub(super) async fn many<T: DeserializeOwned>(&self, ids: &[&str]) -> Result<Vec<T>, StoreError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let found: Vec<Option<Vec<u8>>> = self.store.connection().hmget(&self.records, ids).await?;
        found.iter().flatten().map(|json| from_json(&self.records, json)).collect()
    }

    /// Every record, newest first. For kinds of which there are few.
    pub(super) async fn all<T: DeserializeOwned>(&self) -> Result<Vec<T>, StoreError> {
        let members: Vec<String> = self.store.connection().zrevrange(&self.order, 0, -1).await?;
        self.many(&ids(&members)).await
    }

    /// Up to `limit` records, newest first, from `cursor` on. A cursor that never was one starts somewhere or finds
    /// nothing; it does no harm.
    pub(super) async fn page<T: DeserializeOwned>(
        &self,
        limit: usize,
        cursor: Option<&str>,
    ) -> Result<Page<T>, StoreError> {
        let from = cursor.map_or_else(|| "+".to_owned(), |cursor| format!("({cursor}"));
        let mut members: Vec<String> = redis::cmd("ZRANGE")
            .arg(&self.order)
            .arg(from)
            .arg("-")
            .arg(&["BYLEX", "REV", "LIMIT", "0"])
            .arg(limit + 1)
            .query_async(&mut self.store.connection())
            .await?;
        let more = members.len() > limit;
        members.truncate(limit);
        let items = self.many(&ids(&members)).await?;
        Ok(Page { items, next_cursor: members.pop().filter(|_| more) })
    }
}

impl Store {
    /// Changes a field of a hash, which may not be there yet, again if someone else changed it meanwhile; not at all where
    /// `change` gives none. What it is then; `None` where it was not changed.
    pub(super) async fn change_field<T>(
        &self,
        key: &str,
        id: &str,
        change: impl Fn(Option<T>) -> Option<T>,
    ) -> Result<Option<T>, StoreError>
    where
        T: Serialize + DeserializeOwned,
    {
        loop {
            let json: Option<Vec<u8>> = self.connection().hget(key, id).await?;
            let before = json.as_deref().map(|json| from_json(key, json)).transpose()?;
            let Some(after) = change(before) else { return Ok(None) };
            let mut hot = self.connection();
            let changed: bool = match json {
                None => hot.hset_nx(key, id, to_json(&after)).await?,
                Some(json) => REPLACE.key(key).arg(id).arg(json).arg(to_json(&after)).invoke_async(&mut hot).await?,
            };
            if changed {
                return Ok(Some(after));
            }
        }
    }
}

fn ids(members: &[String]) -> Vec<&str> {
    members.iter().filter_map(|member| member.split_once('.')).map(|(_, id)| id).collect()
}
