//! Deliveries one by one: who got what, and the whole story of one.

use dawncast_core::{
    UnixMs,
    campaign::Choice,
    delivery::{Attempt, DeliveryState, Outcome, Record},
    ids::{DeliveryId, NumberId, PageRef},
    phone::Phone,
};

use super::Run;
use crate::{
    Store, StoreError,
    page::{Recipient, StoredPage, TailNote},
};

/// A delivery in a list.
#[derive(Debug, Clone, PartialEq)]
pub struct DeliveryRow {
    /// Its id.
    pub id: DeliveryId,
    /// Its recipient and planned time.
    pub recipient: Recipient,
    /// What it is.
    pub state: DeliveryState,
    /// All that the ledger knows.
    pub record: Record,
    /// The number of its latest attempt; its home number before the first.
    pub number: Option<NumberId>,
    /// Its home number.
    pub home: Option<NumberId>,
    /// By when it must have come as far as the SLA asks.
    pub deadline_at: UnixMs,
    /// Which of the campaign's messages it gets.
    pub message: Choice,
}

impl DeliveryRow {
    /// The recipient's phone.
    pub fn phone(&self) -> Option<Phone> {
        self.recipient.phone.to_string().parse().ok()
    }
}

/// One attempt of a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Story {
    /// Which attempt.
    pub attempt: Attempt,
    /// What is known of it.
    pub outcome: Outcome,
    /// The number that sent it.
    pub number: Option<NumberId>,
    /// When it was begun.
    pub begun_at: Option<UnixMs>,
    /// WhatsApp's id of its message.
    pub message_id: Option<String>,
    /// Its error code, 0 when it has none.
    pub code: u32,
    /// When a receipt after the next attempt's begin told of it.
    pub late_at: Option<UnixMs>,
}

fn number_at(run: &Run, place: u8) -> Option<NumberId> {
    Some(run.frozen.as_ref()?.sender_at(usize::from(place))?.0.number.clone())
}

/// Which of the campaign's messages went out from a place, if another than its page's.
fn message_at(run: &Run, place: u8) -> Option<Choice> {
    run.frozen.as_ref()?.sender_at(usize::from(place))?.1
}

/// The deliveries of a page of `run` as they stand at `now`.
pub(crate) fn rows<'a>(run: &'a Run, page: &'a StoredPage, now: UnixMs) -> impl Iterator<Item = DeliveryRow> + 'a {
    let terms = page.ledger.header.terms;
    let gate = run.gate_of(terms.deadline, now);
    page.recipients.rows.iter().zip(&page.ledger.records).enumerate().map(move |(index, (recipient, record))| {
        let home = page.ledger.header.home as u8;
        let place = if record.outcomes.used() == 0 { home } else { record.number };
        DeliveryRow {
            id: DeliveryId { page: page.page.clone(), index: index as u16 },
            recipient: recipient.clone(),
            state: DeliveryState::of(record.standing(&terms), gate),
            record: *record,
            number: number_at(run, place),
            home: number_at(run, home),
            deadline_at: terms.deadline,
            message: message_at(run, place).unwrap_or(page.ledger.header.message),
        }
    })
}

/// Every attempt of the delivery at `index`, first to last.
pub(crate) fn story(run: &Run, page: &StoredPage, index: usize) -> Vec<Story> {
    let record = &page.ledger.records[index];
    let used = record.outcomes.used();
    let mut story: Vec<Story> = (1..=used).map(|attempt| latest(run, record, attempt)).collect();
    for entry in page.tail.iter().filter(|entry| usize::from(entry.index) == index) {
        let Some(told) = story.get_mut(usize::from(entry.attempt).wrapping_sub(1)) else { continue };
        match &entry.note {
            TailNote::MessageId(id) => told.message_id = Some(id.clone()),
            TailNote::Superseded { number, code, begun_at } => {
                (told.number, told.code, told.begun_at) = (number_at(run, *number), *code, Some(*begun_at));
            }
            TailNote::LateFact { code, at, .. } => {
                told.late_at = Some(*at);
                if *code != 0 {
                    told.code = *code;
                }
            }
        }
    }
    story
}

/// What the record alone tells of an attempt: all of the latest, the outcome of the others.
fn latest(run: &Run, record: &Record, attempt: Attempt) -> Story {
    let is_latest = attempt == record.outcomes.used();
    Story {
        attempt,
        outcome: record.outcomes.get(attempt),
        number: if is_latest { number_at(run, record.number) } else { None },
        begun_at: if is_latest { record.last_begun } else { None },
        message_id: None,
        code: if is_latest { record.code } else { 0 },
        late_at: None,
    }
}

impl Store {
    /// The deliveries of page `page` of a run; none behind its last page.
    pub async fn deliveries(&self, run: &Run, page: u32, now: UnixMs) -> Result<Option<Vec<DeliveryRow>>, StoreError> {
        if page >= run.pages {
            return Ok(None);
        }
        let at = PageRef { run: run.record.id.clone(), page };
        if let Some(page) = self.page(&at).await? {
            return Ok(Some(rows(run, &page, now).collect()));
        }
        let archived = self.archived_page(run, page).await?;
        Ok(archived.map(|deliveries| deliveries.into_iter().map(|(row, _)| row).collect()))
    }

    /// One delivery with every attempt; none when there is no such delivery.
    pub async fn delivery(
        &self,
        id: &DeliveryId,
        now: UnixMs,
    ) -> Result<Option<(DeliveryRow, Vec<Story>)>, StoreError> {
        let Some(run) = self.run(&id.page.run).await? else { return Ok(None) };
        if id.page.page >= run.pages {
            return Ok(None);
        }
        let place = usize::from(id.index);
        let Some(page) = self.page(&id.page).await? else {
            let archived = self.archived_page(&run, id.page.page).await?;
            return Ok(archived.and_then(|deliveries| deliveries.into_iter().nth(place)));
        };
        let row = rows(&run, &page, now).nth(place);
        Ok(row.map(|row| (row, story(&run, &page, place))))
    }
}
