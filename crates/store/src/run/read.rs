//! Runs for readers: chores, the API, the monitor.

use std::{collections::HashMap, ops::Range};

use dawncast_core::{
    UnixMs,
    delivery::{Gate, Outcome, Standing, Tallies, Terms},
    ids::{CampaignId, PageRef, RunId},
    window::Late,
};
use redis::AsyncCommands;

use super::{CanaryJudged, CanaryPages, Check, Frozen, Hold, Moved, RunRecord, RunState};
use crate::{Store, StoreError, archive::Archived, lane::Lane};

/// Entries of the index of runs that are read at once.
const INDEX_BATCH: usize = 500;

/// A run as it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// What was pinned when it was created.
    pub record: RunRecord,
    /// Where it is.
    pub state: RunState,
    /// How often it was edited.
    pub edits: u32,
    /// Where its campaign went when it was edited, away from this run.
    pub moved: Option<Moved>,
    /// Why nothing begins though it is open.
    pub holds: Vec<Hold>,
    /// What freeze pinned.
    pub frozen: Option<Frozen>,
    /// How many pages plan wrote.
    pub pages: u32,
    /// Which of them go first, if any do.
    pub canary: Option<CanaryPages>,
    /// What came of these.
    pub canary_judged: Option<CanaryJudged>,
    /// What preflight found worth saying.
    pub remarks: Vec<String>,
    /// Why the run does not go on: what a person has to mend.
    pub waits_for: Option<String>,
    /// A person has acknowledged a restored snapshot while this run was not over: whatever was due until then may have
    /// gone out since the snapshot was taken.
    pub doubt_until: Option<UnixMs>,
    /// When it was found that its deadline had passed and nothing was sent.
    pub missed_at: Option<UnixMs>,
    /// What was found before it was frozen, the latest last.
    pub checks: Vec<Check>,
    /// When a person last asked for a check.
    pub check_asked: Option<UnixMs>,
    /// When its pages were put into their lane.
    pub opened_at: Option<UnixMs>,
    /// When it was cancelled.
    pub cancelled_at: Option<UnixMs>,
    /// When it was closed.
    pub closed_at: Option<UnixMs>,
    /// The verdict: provisional after the deadline, final once closed.
    pub verdict: Option<String>,
    /// Where it was archived.
    pub archived: Option<Archived>,
    /// When nothing was left of it in Redis but what a list needs.
    pub freed_at: Option<UnixMs>,
}

impl Run {
    /// What the run says to deliveries that wait, as long as any may begin.
    pub fn gate(&self, now: UnixMs) -> Gate {
        self.gate_until(self.begin_until(), now)
    }

    /// What it says to those of a page with this deadline.
    pub fn gate_of(&self, page_deadline: UnixMs, now: UnixMs) -> Gate {
        self.gate_until(self.begin_until().map(|until| until.min(page_deadline)), now)
    }

    fn gate_until(&self, until: Option<UnixMs>, now: UnixMs) -> Gate {
        let over = self.state == RunState::Closed || until.is_some_and(|until| now >= until);
        match self.cancelled_at {
            Some(_) => Gate::Cancelled,
            None if over => Gate::Expired,
            None => Gate::Open,
        }
    }

    /// From when on nothing may begin: the deadline, unless the campaign sends late.
    pub fn begin_until(&self) -> Option<UnixMs> {
        (self.record.spec.window.late == Late::Expire).then_some(self.record.opening.deadline_at)
    }

    /// What its ledgers know of the campaign; one with a deadline of its own knows that instead.
    pub fn terms(&self) -> Terms {
        let spec = &self.record.spec;
        Terms {
            max_attempts: spec.retry.max_attempts,
            counts: counts(spec.sla.counts),
            deadline: self.record.opening.deadline_at,
        }
    }

    /// The lane of its pages.
    pub fn lane(&self) -> Lane {
        Lane { pool: self.record.spec.pool.clone(), priority: self.record.spec.priority }
    }

    /// Its pages.
    pub fn page_refs(&self) -> impl Iterator<Item = PageRef> + '_ {
        self.pages_to(self.pages)
    }

    /// Those that may be in its lane: the canary's alone, until it is judged.
    pub fn pages_in_play(&self) -> impl Iterator<Item = PageRef> + '_ {
        self.pages_to(self.watched_canary().map_or(self.pages, |canary| canary.pages))
    }

    fn pages_to(&self, end: u32) -> impl Iterator<Item = PageRef> + '_ {
        (0..end).map(|page| PageRef { run: self.record.id.clone(), page })
    }

    /// Its canary, while that is not judged.
    pub fn watched_canary(&self) -> Option<CanaryPages> {
        self.canary.filter(|_| self.canary_judged.is_none())
    }
}

fn counts(counts: dawncast_core::campaign::Counts) -> Outcome {
    use dawncast_core::campaign::Counts;
    match counts {
        Counts::Accepted => Outcome::Accepted,
        Counts::Sent => Outcome::Sent,
        Counts::Delivered => Outcome::Delivered,
        Counts::Read => Outcome::Read,
    }
}

/// What the tallies know of one number of the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct NumberTally {
    /// Messages it had accepted.
    pub accepted: u64,
    /// Attempts that a rate limit turned away.
    pub throttled: u64,
}

/// The tallies of a run.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RunTallies {
    /// How many deliveries stand where.
    pub tallies: Tallies,
    /// By the numbers' places in the run's table.
    pub numbers: HashMap<usize, NumberTally>,
}

impl RunTallies {
    /// What a number of so many did, over all messages that it sent: see [`Frozen::sender_at`].
    pub fn of_number(&self, place: usize, count: usize) -> NumberTally {
        let own = self.numbers.iter().filter(|(at, _)| **at % count.max(1) == place);
        own.fold(NumberTally::default(), |sum, (_, tally)| NumberTally {
            accepted: sum.accepted + tally.accepted,
            throttled: sum.throttled + tally.throttled,
        })
    }
}

fn read_tallies(fields: &HashMap<String, i64>) -> RunTallies {
    let count = |name: &str| fields.get(name).copied().unwrap_or_default();
    let mut read = RunTallies::default();
    for standing in Standing::ALL {
        read.tallies.set(standing, count(standing.as_str()));
    }
    read.tallies.within = count("within");
    read.tallies.duplicates = count("duplicates");
    read.tallies.attempts = count("attempts");
    read.tallies.resends = count("resends");
    for (name, value) in fields {
        let Some((kind, place)) = name.split_once(':') else { continue };
        let Ok(place) = place.parse() else { continue };
        let number: &mut NumberTally = read.numbers.entry(place).or_default();
        match kind {
            "accepted" => number.accepted = *value as u64,
            "throttled" => number.throttled = *value as u64,
            _ => {}
        }
    }
    read
}

/// The fields of a run's hash.
struct Fields<'a> {
    key: &'a str,
    map: HashMap<String, String>,
}

impl Fields<'_> {
    fn corrupt(&self, field: &str) -> StoreError {
        StoreError::Corrupt { key: self.key.to_owned(), detail: format!("its field `{field}` cannot be read") }
    }

    fn json<T: serde::de::DeserializeOwned>(&self, field: &str) -> Result<Option<T>, StoreError> {
        let Some(text) = self.map.get(field) else { return Ok(None) };
        serde_json::from_str(text).map(Some).map_err(|_| self.corrupt(field))
    }

    fn text(&self, field: &str) -> Option<String> {
        self.map.get(field).filter(|text| !text.is_empty()).cloned()
    }

    fn run(&self) -> Result<Run, StoreError> {
        let state = self.map.get("state").and_then(|word| RunState::from_word(word));
        Ok(Run {
            record: self.json("record")?.ok_or_else(|| self.corrupt("record"))?,
            state: state.ok_or_else(|| self.corrupt("state"))?,
            edits: self.json("edits")?.unwrap_or_default(),
            moved: self.json("moved")?,
            holds: Hold::ALL.into_iter().filter(|hold| self.map.contains_key(hold.field())).collect(),
            frozen: self.json("frozen")?,
            pages: self.json("pages")?.unwrap_or_default(),
            canary: self.json("canary")?,
            canary_judged: self.json("canary_judged")?,
            remarks: self.json("remarks")?.unwrap_or_default(),
            waits_for: self.text("waits_for"),
            doubt_until: self.json("doubt_until")?,
            missed_at: self.json("missed_at")?,
            checks: self.json("checks")?.unwrap_or_default(),
            check_asked: self.json("check_asked")?,
            opened_at: self.json("opened_at")?,
            cancelled_at: self.json("cancelled_at")?,
            closed_at: self.json("closed_at")?,
            verdict: self.text("verdict"),
            archived: self.json("archived")?,
            freed_at: self.json("freed_at")?,
        })
    }
}

impl Store {
    /// A run; none when it is unknown.
    pub async fn run(&self, id: &RunId) -> Result<Option<Run>, StoreError> {
        let key = self.keys.run(id);
        let map: HashMap<String, String> = self.hot.clone().hgetall(&key).await?;
        if map.is_empty() {
            return Ok(None);
        }
        Fields { key: &key, map }.run().map(Some)
    }

    /// The tallies of a run.
    pub async fn run_tallies(&self, id: &RunId) -> Result<RunTallies, StoreError> {
        let fields: HashMap<String, i64> = self.hot.clone().hgetall(self.keys.tally(id)).await?;
        Ok(read_tallies(&fields))
    }

    /// The runs that are not closed.
    pub async fn active_runs(&self) -> Result<Vec<RunId>, StoreError> {
        let ids: Vec<String> = self.hot.clone().smembers(self.keys.active_runs()).await?;
        Ok(ids.iter().filter_map(|id| id.parse().ok()).collect())
    }

    /// Up to `limit` runs, the latest to open first, from `start` on: when a run opens, and its id.
    pub async fn runs_from(
        &self,
        start: Option<&(UnixMs, RunId)>,
        limit: usize,
    ) -> Result<Vec<(UnixMs, RunId)>, StoreError> {
        let (mut found, mut offset) = (Vec::new(), 0);
        let latest = start.map_or_else(|| "+inf".to_owned(), |(opens_at, _)| opens_at.to_string());
        while found.len() < limit {
            let some = self.runs_by(&self.keys.runs(), &latest, "-inf", offset..offset + INDEX_BATCH).await?;
            offset += INDEX_BATCH;
            if some.is_empty() {
                break;
            }
            // Redis has those that open at one moment by their ids, the last first.
            let from_start = |(opens_at, id): &(UnixMs, RunId)| {
                start.is_none_or(|(at, first)| opens_at != at || id.as_str() <= first.as_str())
            };
            found.extend(some.into_iter().filter(from_start));
        }
        found.truncate(limit);
        Ok(found)
    }

    /// Up to `limit` runs of a campaign whose window opens within `period`, the latest first.
    pub async fn runs_within(
        &self,
        campaign: &CampaignId,
        period: Range<UnixMs>,
        limit: usize,
    ) -> Result<Vec<RunId>, StoreError> {
        let (key, latest) = (self.keys.campaign_runs(campaign), format!("({}", period.end));
        let runs = self.runs_by(&key, &latest, &period.start.to_string(), 0..limit).await?;
        Ok(runs.into_iter().map(|(_, id)| id).collect())
    }

    /// The runs of an index that open between these moments, the latest first, and of those the ones at these places.
    async fn runs_by(
        &self,
        index: &str,
        latest: &str,
        earliest: &str,
        places: Range<usize>,
    ) -> Result<Vec<(UnixMs, RunId)>, StoreError> {
        let mut read = redis::cmd("ZRANGE");
        read.arg(index).arg(latest).arg(earliest).arg("BYSCORE").arg("REV");
        read.arg("LIMIT").arg(places.start).arg(places.len()).arg("WITHSCORES");
        let some: Vec<(String, f64)> = read.query_async(&mut self.hot.clone()).await?;
        let run = |(id, at): (String, f64)| Some((at as UnixMs, id.parse().ok()?));
        Ok(some.into_iter().filter_map(run).collect())
    }

    /// Up to `limit` runs, the latest to open first, after `cursor` as the last call gave it.
    pub async fn runs_page(&self, limit: usize, cursor: Option<&str>) -> Result<crate::records::Page<Run>, StoreError> {
        self.runs_of(&self.keys.runs(), limit, cursor).await
    }

    /// The same of the runs that are listed under `key`.
    pub(super) async fn runs_of(
        &self,
        key: &str,
        limit: usize,
        cursor: Option<&str>,
    ) -> Result<crate::records::Page<Run>, StoreError> {
        let start: isize = cursor.and_then(|cursor| cursor.parse().ok()).unwrap_or_default();
        let stop = start + limit as isize;
        let ids: Vec<String> = self.hot.clone().zrevrange(key, start, stop).await?;
        let mut items = Vec::new();
        for id in ids.iter().take(limit).filter_map(|id| id.parse().ok()) {
            items.extend(self.run(&id).await?);
        }
        let next_cursor = (ids.len() > limit).then(|| stop.to_string());
        Ok(crate::records::Page { items, next_cursor })
    }
}
