//! What an archived run looks like: a JSON object on each line, in plain words, so that whoever finds the file in ten years
//! can read it. `zcat` shows a run, its report, its deliveries, its dropped rows, the index of its parts, and an end, by whose
//! absence a file that was cut off is noticed.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use dawncast_core::{
    UnixMs,
    campaign::{Choice, Message},
    delivery::{Attempt, DeliveryState, Outcome, Record},
    ids::{DeliveryId, NumberId, PageRef},
    report::DropReason,
};
use serde::{Deserialize, Serialize};

use crate::{
    page::Recipient,
    run::{CanaryJudged, CanaryPages, Check, DeliveryRow, DroppedRow, Frozen, Run, RunRecord, Story},
};

/// The format that this version writes.
pub(super) const FORMAT: u32 = 1;

/// A moment in words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Moment(DateTime<Utc>);

impl From<UnixMs> for Moment {
    fn from(at: UnixMs) -> Self {
        Self(DateTime::from_timestamp_millis(at).unwrap_or_default())
    }
}

impl From<Moment> for UnixMs {
    fn from(Moment(at): Moment) -> Self {
        at.timestamp_millis()
    }
}

/// A line: what it is, then what it tells.
#[derive(Serialize)]
struct Line<'a, T> {
    r#type: &'a str,
    #[serde(flatten)]
    told: T,
}

/// Writes one line behind those that are there.
pub(super) fn put(lines: &mut Vec<u8>, kind: &str, told: impl Serialize) {
    serde_json::to_writer(&mut *lines, &Line { r#type: kind, told }).expect("lines are plain data");
    lines.push(b'\n');
}

/// What the run was.
#[derive(Serialize)]
pub(super) struct RunLine<'a> {
    format: u32,
    id: &'a str,
    campaign: &'a str,
    verdict: Option<&'a str>,
    opened_at: Option<Moment>,
    cancelled_at: Option<Moment>,
    closed_at: Option<Moment>,
    missed_at: Option<Moment>,
    doubt_until: Option<Moment>,
    canary: Option<CanaryPages>,
    canary_judged: Option<CanaryJudged>,
    remarks: &'a [String],
    checks: &'a [Check],
    pages: u32,
    record: &'a RunRecord,
    frozen: Option<&'a Frozen>,
}

impl<'a> From<&'a Run> for RunLine<'a> {
    fn from(run: &'a Run) -> Self {
        Self {
            format: FORMAT,
            id: run.record.id.as_str(),
            campaign: run.record.campaign.as_str(),
            verdict: run.verdict.as_deref(),
            opened_at: run.opened_at.map(Moment::from),
            cancelled_at: run.cancelled_at.map(Moment::from),
            closed_at: run.closed_at.map(Moment::from),
            missed_at: run.missed_at.map(Moment::from),
            doubt_until: run.doubt_until.map(Moment::from),
            canary: run.canary,
            canary_judged: run.canary_judged,
            remarks: &run.remarks,
            checks: &run.checks,
            pages: run.pages,
            record: &run.record,
            frozen: run.frozen.as_ref(),
        }
    }
}

/// One delivery with all of its attempts.
#[derive(Serialize, Deserialize)]
pub(super) struct DeliveryLine {
    id: String,
    phone: String,
    recipient_id: Option<String>,
    tier: Option<String>,
    state: String,
    due_at: Moment,
    /// It got what the campaign falls back to.
    fallback: bool,
    /// Which of the campaign's messages it got: 0 is its own, then what it falls back to, in order.
    #[serde(default)]
    message: u8,
    /// By when it must have come as far as the SLA asks.
    deadline_at: Moment,
    home_number: Option<NumberId>,
    /// The number of the latest attempt.
    phone_number_id: Option<NumberId>,
    /// When the first attempt was begun.
    begun_at: Option<Moment>,
    last_begun_at: Option<Moment>,
    sent_at: Option<Moment>,
    delivered_at: Option<Moment>,
    read_at: Option<Moment>,
    /// The latest attempt's error code.
    code: Option<u32>,
    /// Attempts that the retry policy did not count.
    throttled: u8,
    /// What the message used of the row.
    attributes: BTreeMap<String, Option<String>>,
    attempts: Vec<AttemptLine>,
}

/// One attempt.
#[derive(Serialize, Deserialize)]
struct AttemptLine {
    attempt: Attempt,
    outcome: Outcome,
    /// It reached what the SLA counts by the deadline.
    on_time: bool,
    phone_number_id: Option<NumberId>,
    begun_at: Option<Moment>,
    message_id: Option<String>,
    code: Option<u32>,
    /// When a receipt told of it after the next attempt had been begun.
    late_at: Option<Moment>,
}

fn given(text: &str) -> Option<String> {
    Some(text.to_owned()).filter(|text| !text.is_empty())
}

fn code(code: u32) -> Option<u32> {
    Some(code).filter(|code| *code != 0)
}

impl DeliveryLine {
    /// A delivery of a run that sends `message`, whose page has attributes of these names.
    pub(super) fn new(message: &Message, names: &[String], row: &DeliveryRow, story: Vec<Story>) -> Self {
        let record = &row.record;
        let attempt = |it: Story| AttemptLine {
            attempt: it.attempt,
            outcome: it.outcome,
            on_time: record.within & bit(it.attempt) != 0,
            phone_number_id: it.number,
            begun_at: it.begun_at.map(Moment::from),
            message_id: it.message_id,
            code: code(it.code),
            late_at: it.late_at.map(Moment::from),
        };
        Self {
            id: row.id.to_string(),
            phone: format!("+{}", row.recipient.phone),
            recipient_id: given(&row.recipient.id),
            tier: given(&row.recipient.tier),
            state: row.state.as_str().to_owned(),
            due_at: row.recipient.due.into(),
            fallback: message.falls_back(row.message),
            message: row.message.code(),
            deadline_at: row.deadline_at.into(),
            home_number: row.home.clone(),
            phone_number_id: row.number.clone(),
            begun_at: record.first_begun.map(Moment::from),
            last_begun_at: record.last_begun.map(Moment::from),
            sent_at: record.sent_at.map(Moment::from),
            delivered_at: record.delivered_at.map(Moment::from),
            read_at: record.read_at.map(Moment::from),
            code: code(record.code),
            throttled: record.throttled,
            attributes: names.iter().cloned().zip(row.recipient.values.iter().cloned()).collect(),
            attempts: story.into_iter().map(attempt).collect(),
        }
    }

    /// The delivery at `index` of `page`, whose attributes are told in the order of `names`. None when a phone is none.
    pub(super) fn read(
        self,
        run: &Run,
        page: &PageRef,
        index: u16,
        names: &[String],
    ) -> Option<(DeliveryRow, Vec<Story>)> {
        let (record, message, mut attributes) = (self.record(run), self.choice(), self.attributes);
        let recipient = Recipient {
            phone: self.phone.strip_prefix('+')?.parse().ok()?,
            due: self.due_at.into(),
            id: self.recipient_id.unwrap_or_default(),
            tier: self.tier.unwrap_or_default(),
            values: names.iter().map(|name| attributes.remove(name).flatten()).collect(),
        };
        let row = DeliveryRow {
            id: DeliveryId { page: page.clone(), index },
            recipient,
            state: DeliveryState::of(record.standing(&run.terms()), run.gate(UnixMs::MAX)),
            record,
            number: self.phone_number_id,
            home: self.home_number,
            message,
            deadline_at: self.deadline_at.into(),
        };
        Some((row, self.attempts.into_iter().map(Story::from).collect()))
    }

    /// Earlier versions told only whether it was the fallback: there was one.
    fn choice(&self) -> Choice {
        let told = Choice::from_code(self.message).filter(|told| told.is_fallback());
        told.unwrap_or(if self.fallback { Choice::FALLBACK } else { Choice::OWN })
    }

    /// What the ledger knew.
    fn record(&self, run: &Run) -> Record {
        let mut record = Record {
            throttled: self.throttled,
            code: self.code.unwrap_or_default(),
            first_begun: self.begun_at.map(UnixMs::from),
            last_begun: self.last_begun_at.map(UnixMs::from),
            sent_at: self.sent_at.map(UnixMs::from),
            delivered_at: self.delivered_at.map(UnixMs::from),
            read_at: self.read_at.map(UnixMs::from),
            ..Record::default()
        };
        for it in &self.attempts {
            record.outcomes.raise(it.attempt, it.outcome);
            record.within |= if it.on_time { bit(it.attempt) } else { 0 };
            record.ids |= if it.message_id.is_some() { bit(it.attempt) } else { 0 };
        }
        if let (Some(number), Some(frozen), false) = (&self.phone_number_id, &run.frozen, self.attempts.is_empty()) {
            record.number = frozen.place_of(number, self.choice());
        }
        record
    }
}

fn bit(attempt: Attempt) -> u8 {
    1 << (attempt - 1)
}

impl From<AttemptLine> for Story {
    fn from(it: AttemptLine) -> Self {
        Self {
            attempt: it.attempt,
            outcome: it.outcome,
            number: it.phone_number_id,
            begun_at: it.begun_at.map(UnixMs::from),
            message_id: it.message_id,
            code: it.code.unwrap_or_default(),
            late_at: it.late_at.map(UnixMs::from),
        }
    }
}

/// A row that freeze dropped.
#[derive(Serialize, Deserialize)]
pub(super) struct DroppedLine {
    phone: String,
    recipient_id: Option<String>,
    reason: DropReason,
    detail: Option<String>,
    audience_row: Option<u64>,
}

impl From<DroppedRow> for DroppedLine {
    fn from(DroppedRow { phone, id, reason, detail, row }: DroppedRow) -> Self {
        let (recipient_id, detail) = (given(&id), given(&detail));
        Self { phone: format!("+{phone}"), recipient_id, reason, detail, audience_row: row }
    }
}

impl DroppedLine {
    /// The row as it was; none when its phone is none.
    pub(super) fn read(self) -> Option<DroppedRow> {
        Some(DroppedRow {
            phone: self.phone.strip_prefix('+')?.parse().ok()?,
            id: self.recipient_id.unwrap_or_default(),
            reason: self.reason,
            detail: self.detail.unwrap_or_default(),
            row: self.audience_row,
        })
    }
}

/// Where the parts of the file are: each is a gzip member of its own, one behind the other. Lengths in bytes.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Index {
    /// The names of the attributes, in the order in which pages keep them.
    pub(super) attributes: Vec<String>,
    /// Run and report.
    pub(super) head: u64,
    /// The deliveries of each page.
    pub(super) pages: Vec<u64>,
    /// The dropped rows, in parts.
    pub(super) dropped: Vec<u64>,
}

impl Index {
    /// From where to where page `page` goes; none when there is no such page.
    pub(super) fn page(&self, page: usize) -> Option<std::ops::Range<u64>> {
        let from = self.head + self.pages.iter().take(page).sum::<u64>();
        Some(from..from + self.pages.get(page)?)
    }

    /// From where to where the dropped rows go.
    pub(super) fn dropped(&self) -> std::ops::Range<u64> {
        let from = self.head + self.pages.iter().sum::<u64>();
        from..from + self.dropped.iter().sum::<u64>()
    }
}

/// The last line.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct End {
    /// Deliveries that are told of.
    pub(super) deliveries: u64,
    /// Dropped rows that are told of.
    pub(super) dropped: u64,
}

/// A line of whatever kind, told again as it was read.
///
/// # Panics
/// When what was read is told in another way the second time.
#[cfg(any(test, fuzzing))]
pub(crate) fn read_any(line: &[u8]) {
    fn again<T: Serialize + serde::de::DeserializeOwned>(line: &[u8]) -> Option<T> {
        let told = serde_json::to_string(&serde_json::from_slice::<T>(line).ok()?).expect("lines are plain data");
        let read: T = serde_json::from_str(&told).expect("what was told is read");
        assert_eq!(serde_json::to_string(&read).expect("lines are plain data"), told);
        Some(read)
    }
    drop((again::<DeliveryLine>(line), again::<End>(line)));
    drop(again::<DroppedLine>(line).map(DroppedLine::read));
    if let Some(index) = again::<Index>(line) {
        let last = index.pages.len().saturating_sub(1);
        assert!(index.page(last).is_none_or(|range| range.end <= index.dropped().start));
    }
}
