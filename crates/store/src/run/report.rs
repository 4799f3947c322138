//! The report of a run: totals from the tallies; failures and lateness, which no tally keeps, from its pages.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use dawncast_core::{
    UnixMs,
    delivery::{DeliveryState, Standing},
    report::{Failure, LatenessMs, NumberLine, Report, ReportWindow, SlaInput, SlaVerdict, Totals, judge},
};

use super::{Run, RunTallies, deliveries};
use crate::{Store, StoreError};

/// What only the pages know.
#[derive(Default)]
struct Scan {
    lateness_us: Vec<i64>,
    failures: BTreeMap<u32, u64>,
}

fn moment(at: UnixMs) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(at).unwrap_or_default()
}

/// The totals of a run at `now`, from its tallies alone.
pub fn totals(run: &Run, tallies: &RunTallies, now: UnixMs) -> Totals {
    let frozen = run.frozen.as_ref();
    let mut totals = Totals {
        submitted: frozen.map_or(0, |frozen| frozen.submitted),
        dropped: frozen.map_or(0, |frozen| frozen.dropped.values().sum()),
        ..Totals::default()
    };
    // Until its pages are written, a frozen run's deliveries are planned to be planned.
    let unwritten = frozen.map_or(0, |frozen| frozen.deliveries()).saturating_sub(tallies.tallies.total() as u64);
    let counts = Standing::ALL.map(|standing| (standing, tallies.tallies.count(standing) as u64));
    let waiting = (Standing::Planned, if run.pages == 0 { unwritten } else { 0 });
    for (standing, count) in counts.into_iter().chain([waiting]) {
        *field(&mut totals, DeliveryState::of(standing, run.gate(now))) += count;
    }
    totals
}

fn field(totals: &mut Totals, state: DeliveryState) -> &mut u64 {
    match state {
        DeliveryState::Planned => &mut totals.planned,
        DeliveryState::Sending => &mut totals.sending,
        DeliveryState::Unconfirmed => &mut totals.unconfirmed,
        DeliveryState::Accepted => &mut totals.accepted,
        DeliveryState::Sent => &mut totals.sent,
        DeliveryState::Delivered => &mut totals.delivered,
        DeliveryState::Read => &mut totals.read,
        DeliveryState::Failed => &mut totals.failed,
        DeliveryState::Expired => &mut totals.expired,
        DeliveryState::Cancelled => &mut totals.cancelled,
    }
}

impl Store {
    /// The report of a run as it stands at `now`. `class_of` names the class of an error code.
    pub async fn report(
        &self,
        run: &Run,
        now: UnixMs,
        class_of: impl Fn(u32) -> &'static str,
    ) -> Result<Report, StoreError> {
        let tallies = self.run_tallies(&run.record.id).await?;
        let scan = self.scan(run, now).await?;
        let failures: Vec<Failure> = scan
            .failures
            .into_iter()
            .map(|(code, count)| Failure { code, class: class_of(code).to_owned(), count })
            .collect();
        let dropped = run.frozen.as_ref().map(|frozen| frozen.dropped.clone()).unwrap_or_default();
        let (record, totals) = (&run.record, totals(run, &tallies, now));
        let mut sla = judge(
            &SlaInput {
                objective: record.spec.sla.objective,
                counts: record.spec.sla.counts,
                submitted: totals.submitted,
                dropped_by_reason: &dropped,
                within_deadline: tallies.tallies.within as u64,
                failures: &failures,
                deadline_at: record.opening.deadline_at,
                cancelled: run.cancelled_at.is_some(),
                closed: run.closed_at.is_some(),
            },
            now,
        );
        if run.closed_at.is_some() && run.frozen.is_none() && run.cancelled_at.is_none() {
            // It never came as far as counting anyone: a promise broken, not one kept to nobody.
            sla.verdict = SlaVerdict::Fail;
        }
        Ok(Report {
            run: record.id.clone(),
            campaign: record.campaign.clone(),
            state: run.state.as_str().to_owned(),
            window: ReportWindow {
                opens_at: moment(record.opening.opens_at),
                closes_at: moment(record.opening.closes_at),
                deadline_at: moment(record.opening.deadline_at),
            },
            totals,
            sla,
            lateness_ms: LatenessMs::of(scan.lateness_us),
            attempts: tallies.tallies.attempts as u64,
            resends: tallies.tallies.resends as u64,
            known_duplicates: tallies.tallies.duplicates as u64,
            dropped_by_reason: dropped,
            failures,
            numbers: self.number_lines(run, &tallies, now).await?,
        })
    }

    async fn scan(&self, run: &Run, now: UnixMs) -> Result<Scan, StoreError> {
        let mut scan = Scan::default();
        for at in run.page_refs() {
            let Some(page) = self.page(&at).await? else { continue };
            for row in deliveries::rows(run, &page, now) {
                if let Some(begun) = row.record.first_begun {
                    scan.lateness_us.push((begun - row.recipient.due) * 1_000);
                }
                if row.state == DeliveryState::Failed {
                    *scan.failures.entry(row.record.code).or_default() += 1;
                }
            }
        }
        Ok(scan)
    }

    async fn number_lines(&self, run: &Run, tallies: &RunTallies, now: UnixMs) -> Result<Vec<NumberLine>, StoreError> {
        let (mut lines, readings) = (Vec::new(), self.readings().await?);
        for (place, sender) in run.frozen.iter().flat_map(|frozen| &frozen.senders).enumerate() {
            let tally = tallies.numbers.get(&place).copied().unwrap_or_default();
            let health = match self.number(&sender.number).await? {
                None => "removed",
                Some(number) => self.number_health(&number, readings.get(&sender.number), now).await?.as_str(),
            };
            lines.push(NumberLine {
                phone_number_id: sender.number.clone(),
                accepted: tally.accepted,
                throttled: tally.throttled,
                health: health.to_owned(),
            });
        }
        Ok(lines)
    }
}
