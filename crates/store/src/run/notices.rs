//! Notices: what people are told of a run, each once. A notice is a field of the run's own hash, written in the step that
//! makes it true and never written over. Once told it stays behind empty, so that nobody hears twice.
//!
//! A list, in a slot of its own, says which notices are to be told, and when. A notice is listed before it is written: an
//! entry too many is harmless, one too few is a word that nobody hears.

use std::fmt;

use dawncast_core::{UnixMs, ids::RunId};
use redis::AsyncCommands;

use super::{Check, RunState};
use crate::{
    Store, StoreError,
    script::{Script, script},
};

static LIST: Script = script!("list_notice.lua", allow_oom);
static CLAIM: Script = script!("claim_notices.lua", allow_oom);

/// Something to tell people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// Its name within the run, such as `closed`: letters, digits and `-`. What has the same name is told once.
    pub name: String,
    /// What is told.
    pub body: String,
}

impl Notice {
    pub(super) fn field(&self) -> String {
        format!("notice:{}", self.name)
    }
}

/// Which notice of which run: `run.name`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoticeRef {
    /// The run.
    pub run: RunId,
    /// The notice's name within it.
    pub name: String,
}

impl NoticeRef {
    fn read(text: &str) -> Option<Self> {
        let (run, name) = text.rsplit_once('.')?;
        Some(Self { run: run.parse().ok()?, name: name.to_owned() })
    }
}

impl fmt::Display for NoticeRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.run, self.name)
    }
}

/// How far a listed notice has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Telling {
    /// It is not written, and may still be: its step is under way.
    Expected,
    /// It waits to be told.
    Waiting(String),
    /// It was told, or never will be.
    Over,
}

impl Store {
    /// Writes what a run waits for, and the notice of that with it.
    pub async fn note_wait(
        &self,
        run: &RunId,
        why: &str,
        notice: Option<&Notice>,
        now: UnixMs,
    ) -> Result<(), StoreError> {
        self.note(run, ("waits_for", why), notice, now).await
    }

    /// Writes a field of a run, and the notice of it in the same step.
    async fn note(
        &self,
        run: &RunId,
        (field, text): (&str, &str),
        notice: Option<&Notice>,
        now: UnixMs,
    ) -> Result<(), StoreError> {
        self.list_notice(run, notice, now).await?;
        let key = self.keys.run(run);
        let mut pipe = redis::pipe();
        pipe.atomic().hset(&key, field, text).ignore();
        if let Some(notice) = notice {
            pipe.hset_nx(&key, notice.field(), &notice.body).ignore();
        }
        Ok(pipe.query_async(&mut self.hot.clone()).await?)
    }

    /// Writes what a run's checks found, and the notice of that with it.
    pub async fn note_checks(
        &self,
        run: &RunId,
        checks: &[Check],
        notice: Option<&Notice>,
        now: UnixMs,
    ) -> Result<(), StoreError> {
        let checks = serde_json::to_string(checks).expect("checks are plain data");
        self.note(run, ("checks", &checks), notice, now).await
    }

    /// Writes that nothing of a run was sent in time, and the notice of that with it. False when it was known.
    pub async fn note_missed(&self, run: &RunId, notice: Option<&Notice>, now: UnixMs) -> Result<bool, StoreError> {
        self.list_notice(run, notice, now).await?;
        let key = self.keys.run(run);
        let mut pipe = redis::pipe();
        pipe.atomic().hset_nx(&key, "missed_at", now);
        if let Some(notice) = notice {
            pipe.hset_nx(&key, notice.field(), &notice.body).ignore();
        }
        let (is_news,): (bool,) = pipe.query_async(&mut self.hot.clone()).await?;
        Ok(is_news)
    }

    pub(super) async fn list_notice(
        &self,
        run: &RunId,
        notice: Option<&Notice>,
        now: UnixMs,
    ) -> Result<(), StoreError> {
        let Some(notice) = notice else { return Ok(()) };
        let at = NoticeRef { run: run.clone(), name: notice.name.clone() };
        let mut call = LIST.key(self.keys.notices());
        let _: i64 = call.arg(now).arg(at.to_string()).invoke_async(&mut self.hot.clone()).await?;
        Ok(())
    }

    /// Takes up to `limit` notices that are due at `now`; nobody else gets them until `until`.
    pub async fn claim_notices(&self, now: UnixMs, until: UnixMs, limit: usize) -> Result<Vec<NoticeRef>, StoreError> {
        let mut call = CLAIM.key(self.keys.notices());
        let due: Vec<String> = call.arg(now).arg(until).arg(limit).invoke_async(&mut self.hot.clone()).await?;
        Ok(due.iter().filter_map(|text| NoticeRef::read(text)).collect())
    }

    /// How far a listed notice has come. What a closed run does not hold it never will: every notice of a run is written
    /// before it is closed, or with that.
    pub async fn telling(&self, at: &NoticeRef) -> Result<Telling, StoreError> {
        let field = format!("notice:{}", at.name);
        let key = self.keys.run(&at.run);
        let (body, state): (Option<String>, Option<String>) =
            self.hot.clone().hmget(key, &[field.as_str(), "state"]).await?;
        let is_over = state.is_none_or(|state| state == RunState::Closed.as_str());
        Ok(match body {
            Some(body) if !body.is_empty() => Telling::Waiting(body),
            None if !is_over => Telling::Expected,
            _ => Telling::Over,
        })
    }

    /// A notice is told from `when` on, and not before.
    pub async fn postpone_notice(&self, at: &NoticeRef, when: UnixMs) -> Result<(), StoreError> {
        Ok(self.hot.clone().zadd(self.keys.notices(), at.to_string(), when).await?)
    }

    /// A notice has been told, or is given up: its body goes, its name stays.
    pub async fn end_notice(&self, at: &NoticeRef) -> Result<(), StoreError> {
        let _: () = self.hot.clone().hset(self.keys.run(&at.run), format!("notice:{}", at.name), "").await?;
        self.unlist_notice(at).await
    }

    /// Takes a notice off the list.
    pub async fn unlist_notice(&self, at: &NoticeRef) -> Result<(), StoreError> {
        Ok(self.hot.clone().zrem(self.keys.notices(), at.to_string()).await?)
    }
}
