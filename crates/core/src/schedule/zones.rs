//! The zones in which the recipients of an audience live, and when each of them hears: a run whose recipients live by their
//! own clocks has a window for each time at which these show what the schedule says.

use std::collections::BTreeMap;

use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use super::{Occurrence, Schedule, instant};
use crate::{UnixMs, window::Opening};

/// How many rows name which zone; those that name none, or nothing that is one, under the empty name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Zones(BTreeMap<String, u64>);

impl Zones {
    /// One more row, which names `timezone`.
    pub fn note(&mut self, timezone: Option<&str>) {
        // Only names of zones are kept: there are some hundreds of those, and no end of others.
        let name = timezone.filter(|name| name.parse::<Tz>().is_ok()).unwrap_or_default();
        match self.0.get_mut(name) {
            Some(count) => *count += 1,
            None => drop(self.0.insert(name.to_owned(), 1)),
        }
    }

    /// Each zone with its rows. Whoever names none lives by `home`, and so does an audience of which nothing is known.
    fn by_zone(&self, home: Tz) -> BTreeMap<&'static str, (Tz, u64)> {
        let mut zones = BTreeMap::new();
        for (name, count) in &self.0 {
            let zone: Tz = name.parse().unwrap_or(home);
            zones.entry(zone.name()).or_insert((zone, 0)).1 += count;
        }
        if zones.is_empty() {
            zones.insert(home.name(), (home, 0));
        }
        zones
    }
}

/// Those who hear at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hearing {
    /// The moment.
    pub instant: UnixMs,
    /// The zones whose clocks show the schedule's time then.
    pub zones: Vec<Tz>,
    /// How many rows live in them; 0 where nothing is known of the audience.
    pub rows: u64,
}

impl Schedule {
    /// Whether each recipient's own clock is meant.
    pub fn is_per_recipient(&self) -> bool {
        match self {
            Self::At { per_recipient, .. } => *per_recipient,
            Self::Cron(recurrence) => recurrence.per_recipient,
            Self::Now { .. } => false,
        }
    }

    /// When who hears of an occurrence, in the order of time: all at once, unless each recipient's own clock is meant.
    pub fn hearings(&self, occurrence: &Occurrence, zones: &Zones) -> Vec<Hearing> {
        let by_zone = zones.by_zone(self.zone());
        if !self.is_per_recipient() {
            let rows = by_zone.values().map(|(_, rows)| rows).sum();
            return vec![Hearing { instant: occurrence.instant, zones: vec![self.zone()], rows }];
        }
        let mut hearings: BTreeMap<UnixMs, Hearing> = BTreeMap::new();
        for (zone, rows) in by_zone.into_values() {
            let instant = instant(occurrence.civil, zone);
            let hearing = hearings.entry(instant).or_insert(Hearing { instant, zones: vec![], rows: 0 });
            hearing.zones.push(zone);
            hearing.rows += rows;
        }
        hearings.into_values().collect()
    }

    /// When the first recipient hears of an occurrence.
    pub fn earliest(&self, occurrence: &Occurrence, zones: &Zones) -> UnixMs {
        self.hearings(occurrence, zones).first().map_or(occurrence.instant, |first| first.instant)
    }
}

/// The time from the first of some windows to the last.
pub fn spanning(windows: impl IntoIterator<Item = Opening>) -> Option<Opening> {
    windows.into_iter().reduce(|all, one| Opening {
        opens_at: all.opens_at.min(one.opens_at),
        closes_at: all.closes_at.max(one.closes_at),
        deadline_at: all.deadline_at.max(one.deadline_at),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zones(rows: &[(Option<&str>, u64)]) -> Zones {
        let mut zones = Zones::default();
        for (name, count) in rows {
            (0..*count).for_each(|_| zones.note(*name));
        }
        zones
    }

    fn six(per_recipient: bool) -> (Schedule, Occurrence) {
        let at = "2026-11-23T06:00:00".parse().expect("a time");
        let schedule = Schedule::At { at, timezone: Tz::Asia__Kolkata, per_recipient };
        let occurrence = schedule.first(0).expect("an occurrence");
        (schedule, occurrence)
    }

    /// Hours after 06:00 in India, and rows.
    fn heard(schedule: &Schedule, occurrence: &Occurrence, zones: &Zones) -> Vec<(f64, u64)> {
        let hours = |instant: UnixMs| (instant - occurrence.instant) as f64 / 3_600_000.0;
        schedule.hearings(occurrence, zones).iter().map(|it| (hours(it.instant), it.rows)).collect()
    }

    #[test]
    fn everybody_hears_at_six_by_their_own_clock() {
        let (schedule, occurrence) = six(true);
        let rows = [(Some("Asia/Tokyo"), 2), (None, 3), (Some("Europe/Berlin"), 4), (Some("Europe/Paris"), 1)];
        let zones = zones(&rows);
        assert_eq!(heard(&schedule, &occurrence, &zones), [(-3.5, 2), (0.0, 3), (4.5, 5)]);
        assert_eq!(schedule.earliest(&occurrence, &zones), occurrence.instant - 12_600_000);
    }

    #[test]
    fn all_hear_at_once_where_the_schedule_has_one_clock() {
        let (schedule, occurrence) = six(false);
        let zones = zones(&[(Some("Asia/Tokyo"), 2), (None, 3)]);
        assert_eq!(heard(&schedule, &occurrence, &zones), [(0.0, 5)]);
    }

    #[test]
    fn what_is_no_zone_and_who_is_not_known_live_by_the_schedules_clock() {
        let (schedule, occurrence) = six(true);
        assert_eq!(heard(&schedule, &occurrence, &zones(&[(Some("Mars"), 2), (None, 1)])), [(0.0, 3)]);
        assert_eq!(heard(&schedule, &occurrence, &Zones::default()), [(0.0, 0)]);
    }

    #[test]
    fn clocks_that_are_put_forward_go_by_the_rule_of_skipped_times() {
        let at = "2026-03-29T02:30:00".parse().expect("a time");
        let schedule = Schedule::At { at, timezone: Tz::UTC, per_recipient: true };
        let occurrence = schedule.first(0).expect("an occurrence");
        let zones = zones(&[(Some("Europe/Berlin"), 1), (Some("Africa/Lagos"), 1)]);
        // Berlin skips 02:30 and goes on at 03:00, which is 01:00 UTC; Lagos has 02:30 at 01:30 UTC.
        assert_eq!(heard(&schedule, &occurrence, &zones), [(-1.5, 1), (-1.0, 1)]);
    }
}
