//! The calendar: what a schedule comes to, for people. The next occurrences, those that are left out among them, each
//! with what is odd about its clock.

use chrono::{NaiveDateTime, Offset, TimeDelta, TimeZone};
use chrono_tz::Tz;

use super::{Occurrence, Recurrence, Schedule, shown};
use crate::UnixMs;

/// One line of a calendar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// When it goes out, or would.
    pub occurrence: Occurrence,
    /// Why it does not go out; `None` when it does.
    pub skipped: Option<&'static str>,
    /// What is odd about its clock, in words.
    pub remark: Option<String>,
}

impl Schedule {
    /// The next `limit` lines after `after`, of a campaign that was accepted at `accepted_at`.
    pub fn calendar(&self, accepted_at: UnixMs, after: UnixMs, limit: usize) -> Vec<Entry> {
        match self {
            Self::Cron(recurrence) => recurrence.calendar(after, limit),
            Self::At { .. } | Self::Now { .. } => {
                let once = self.first(accepted_at).filter(|occurrence| occurrence.instant > after);
                once.map(|occurrence| entry(occurrence, self.zone(), None)).into_iter().take(limit).collect()
            }
        }
    }
}

impl Recurrence {
    fn calendar(&self, after: UnixMs, limit: usize) -> Vec<Entry> {
        let mut going = self.after(after).peekable();
        let mut previous = None;
        let mut entries = Vec::new();
        for civil in self.civil_after(shown(after, self.timezone)) {
            if entries.len() == limit {
                break;
            }
            let occurrence = Occurrence::of(civil, self.timezone);
            let skipped = self.skip_dates.contains(&civil.date()).then_some("its date is among `skip_dates`");
            let skipped = match going.next_if(|next| next.civil == civil) {
                None => skipped.or(Some("it goes out together with the one before, at the end of the gap")),
                Some(_) => None,
            };
            let line = entry(occurrence, self.timezone, previous);
            previous = Some(line.occurrence.instant);
            entries.push(Entry { skipped, ..line });
        }
        entries
    }
}

fn entry(occurrence: Occurrence, zone: Tz, previous: Option<UnixMs>) -> Entry {
    let remark = remark(&occurrence, zone, previous);
    Entry { occurrence, skipped: None, remark }
}

/// What is odd about the clock in `zone` at an occurrence, or since the one before.
fn remark(occurrence: &Occurrence, zone: Tz, previous: Option<UnixMs>) -> Option<String> {
    let civil = occurrence.civil;
    if zone.from_local_datetime(&civil).earliest().is_none() {
        let instead = shown(occurrence.instant, zone).format("%H:%M");
        return Some(format!("the clocks skip {}: it goes out at {instead}", civil.format("%H:%M")));
    }
    if zone.from_local_datetime(&civil).single().is_none() {
        return Some(format!("the clocks show {} twice: it goes out the first time", civil.format("%H:%M")));
    }
    let change = offset(occurrence.instant, zone) - offset(previous?, zone);
    let (hours, minutes) = (change.num_minutes().abs() / 60, change.num_minutes().abs() % 60);
    let way = if change > TimeDelta::zero() { "forward" } else { "back" };
    (!change.is_zero()).then(|| format!("the clocks were put {way} by {hours} h {minutes:02} min since the one before"))
}

fn offset(instant: UnixMs, zone: Tz) -> TimeDelta {
    let utc: NaiveDateTime = shown(instant, Tz::UTC);
    TimeDelta::seconds(i64::from(zone.offset_from_utc_datetime(&utc).fix().local_minus_utc()))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::{fault::read::document, schedule::instant};

    /// Each line as `civil remark`, or `(civil) why it is skipped`.
    fn check(schedule: Value, after: &str, expected: &[&str]) {
        let schedule = document(&schedule, Schedule::read).expect("a schedule");
        let after = instant(after.parse().expect("a time"), schedule.zone());
        let lines = schedule.calendar(0, after, expected.len());
        let line = |entry: &Entry| {
            let civil = entry.occurrence.civil.format("%m-%dT%H:%M");
            let remark = entry.remark.as_ref().map(|remark| format!(" {remark}")).unwrap_or_default();
            entry.skipped.map_or(format!("{civil}{remark}"), |why| format!("({civil}) {why}"))
        };
        assert_eq!(lines.iter().map(line).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn skipped_days_are_shown_with_their_reason() {
        let schedule =
            json!({"type": "cron", "cron": "0 6 * * *", "timezone": "Asia/Kolkata", "skip_dates": ["2026-12-25"]});
        let expected = ["12-24T06:00", "(12-25T06:00) its date is among `skip_dates`", "12-26T06:00"];
        check(schedule, "2026-12-23T06:00:00", &expected);
    }

    #[test]
    fn what_is_odd_about_the_clock_is_said() {
        let daily = |cron: &str| json!({"type": "cron", "cron": cron, "timezone": "Europe/Berlin"});
        check(
            daily("30 2 * * *"),
            "2026-03-28T00:00:00",
            &["03-28T02:30", "03-29T02:30 the clocks skip 02:30: it goes out at 03:00", "03-30T02:30"],
        );
        check(
            daily("30 2 * * *"),
            "2026-10-25T00:00:00",
            &[
                "10-25T02:30 the clocks show 02:30 twice: it goes out the first time",
                "10-26T02:30 the clocks were put back by 1 h 00 min since the one before",
            ],
        );
        check(
            daily("0 6 * * *"),
            "2026-03-28T00:00:00",
            &["03-28T06:00", "03-29T06:00 the clocks were put forward by 1 h 00 min since the one before"],
        );
        let together = "(03-29T03:00) it goes out together with the one before, at the end of the gap";
        check(
            daily("0 2,3 * * *"),
            "2026-03-29T00:00:00",
            &["03-29T02:00 the clocks skip 02:00: it goes out at 03:00", together],
        );
    }

    #[test]
    fn what_goes_out_once_has_one_line() {
        let at = json!({"type": "at", "at": "2026-11-23T06:00:00", "timezone": "Asia/Kolkata"});
        check(at, "2026-11-22T06:00:00", &["11-23T06:00"]);
    }
}
