//! The report of a run: totals from the tallies; failures and lateness, which no tally keeps, from its pages.

use chrono::{DateTime, Utc};
use dawncast_core::{
    UnixMs,
    delivery::{DeliveryState, Standing},
    ids::RunId,
    report::{Explained, LatenessMs, NumberLine, Report, ReportWindow, SlaInput, SlaVerdict, Totals, judge},
};

use redis::AsyncCommands;

use super::{Run, RunTallies, scan::Scan};
use crate::{Store, StoreError};

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
        *totals.of_mut(DeliveryState::of(standing, run.gate(now))) += count;
    }
    totals
}

impl Store {
    /// The report of a run as it stands at `now`. `explain` tells what an error code says. Nothing changes an archived run
    /// any more: its report is the one that was kept then.
    pub async fn report(
        &self,
        run: &Run,
        now: UnixMs,
        explain: impl Fn(u32) -> Explained + Copy,
    ) -> Result<Report, StoreError> {
        if run.archived.is_some()
            && let Some(report) = self.kept_report(&run.record.id).await?
        {
            return Ok(report);
        }
        self.scanned_report(run, now, explain).await
    }

    /// The same from tallies and deliveries, wherever those are.
    pub(crate) async fn scanned_report(
        &self,
        run: &Run,
        now: UnixMs,
        explain: impl Fn(u32) -> Explained + Copy,
    ) -> Result<Report, StoreError> {
        let tallies = self.run_tallies(&run.record.id).await?;
        let mut scan = self.scan(run, now).await?;
        let failures = scan.all.failures(explain);
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
            by_message: scan.message_lines(&record.spec.message, explain),
            by_tier: scan.tier_lines(&record.spec.tiers, explain),
            by_country: scan.country_lines(explain),
            numbers: self.number_lines(run, &tallies, &scan, explain, now).await?,
            lateness_ms: LatenessMs::of(scan.lateness_us),
            attempts: tallies.tallies.attempts as u64,
            resends: tallies.tallies.resends as u64,
            known_duplicates: tallies.tallies.duplicates as u64,
            dropped_by_reason: dropped,
            failures,
        })
    }

    /// Keeps the report of a closed run: it is asked for long after its pages are gone, and for many runs at once.
    pub async fn keep_report(&self, report: &Report) -> Result<(), StoreError> {
        let text = serde_json::to_string(report).expect("a report is plain data");
        Ok(self.hot.clone().set(self.keys.report(&report.run), text).await?)
    }

    /// The report that was kept when the run was closed, or archived; none of a run that is under way, or was closed by an
    /// earlier version.
    pub async fn kept_report(&self, run: &RunId) -> Result<Option<Report>, StoreError> {
        let key = self.keys.report(run);
        let text: Option<String> = self.hot.clone().get(&key).await?;
        let corrupt = |why: serde_json::Error| StoreError::Corrupt { key: key.clone(), detail: why.to_string() };
        text.map(|text| serde_json::from_str(&text).map_err(corrupt)).transpose()
    }

    async fn scan(&self, run: &Run, now: UnixMs) -> Result<Scan, StoreError> {
        let mut scan = Scan::of(run);
        for page in 0..run.pages {
            let rows = self.deliveries(run, page, now).await?.unwrap_or_default();
            rows.iter().for_each(|row| scan.add(row));
        }
        Ok(scan)
    }

    async fn number_lines(
        &self,
        run: &Run,
        tallies: &RunTallies,
        scan: &Scan,
        explain: impl Fn(u32) -> Explained,
        now: UnixMs,
    ) -> Result<Vec<NumberLine>, StoreError> {
        let (mut lines, readings) = (Vec::new(), self.readings().await?);
        let senders = run.frozen.as_ref().map_or(&[][..], |frozen| &frozen.senders);
        for (place, sender) in senders.iter().enumerate() {
            let tally = tallies.of_number(place, senders.len());
            let health = match self.number(&sender.number).await? {
                None => "removed",
                Some(number) => self.number_health(&number, readings.get(&sender.number), now).await?.as_str(),
            };
            let seen = scan.numbers.get(&sender.number).cloned().unwrap_or_default();
            lines.push(NumberLine {
                phone_number_id: sender.number.clone(),
                accepted: tally.accepted,
                throttled: tally.throttled,
                health: health.to_owned(),
                home: seen.home,
                stand_in: seen.stand_in,
                part: seen.count.part(&explain),
            });
        }
        Ok(lines)
    }
}
