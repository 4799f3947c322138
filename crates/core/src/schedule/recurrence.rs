//! A schedule that comes again: a cron expression in a zone, from one day to another, without some days.

use std::collections::BTreeSet;

use chrono::{NaiveDate, NaiveDateTime, TimeDelta};
use chrono_tz::Tz;
use serde::{Serialize, Serializer};

use super::{
    Cron, Occurrence,
    civil::{read_date, read_zone, shown},
};
use crate::{
    UnixMs,
    fault::{
        Faults,
        read::{Fields, Node},
    },
};

/// Longer than any clock was ever put forward: a day, where the date line moved, and an hour to be sure of it.
const LONGEST_GAP: TimeDelta = TimeDelta::hours(25);

/// A schedule that comes again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Recurrence {
    /// The minutes, hours and days of the clock on the wall.
    #[serde(serialize_with = "as_text")]
    pub cron: Cron,
    /// Where the clock hangs.
    pub timezone: Tz,
    /// Each recipient's own clock is meant; whoever names no zone lives by `timezone`.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub per_recipient: bool,
    /// The first day.
    pub starts: Option<NaiveDate>,
    /// The last day.
    pub ends: Option<NaiveDate>,
    /// Days on which it does not go out.
    pub skip_dates: BTreeSet<NaiveDate>,
}

fn as_text<S: Serializer>(cron: &Cron, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(cron.as_str())
}

impl Recurrence {
    pub(super) fn read(fields: &mut Fields<'_, '_>) -> Option<Self> {
        let cron = fields.required("cron", |node| node.parse());
        let timezone = fields.required("timezone", read_zone);
        let per_recipient = fields.or("per_recipient", false, Node::flag);
        let starts = fields.maybe("starts", read_date);
        let ends = fields.maybe("ends", read_date);
        let skip_dates = fields.or("skip_dates", Vec::new(), |node| node.list(read_date));
        let (starts, ends) = (starts?, ends?);
        if let (Some(starts), Some(ends)) = (starts, ends)
            && ends < starts
        {
            return fields
                .fault_at("ends", format!("{ends} is before it starts on {starts}: make it that day or later."));
        }
        Some(Self {
            cron: cron?,
            timezone: timezone?,
            per_recipient: per_recipient?,
            starts,
            ends,
            skip_dates: skip_dates?.into_iter().collect(),
        })
    }

    /// Every occurrence after an instant, in order.
    ///
    /// Daylight saving: each civil time goes out once. Those that the clock skips go out at the first instant after the
    /// gap, all of one gap together, and with what goes out then anyway.
    pub fn after(&self, instant: UnixMs) -> impl Iterator<Item = Occurrence> + '_ {
        // From before any gap that may end right after `instant`: whoever asks when, a gap is named by its first time.
        let civil = self.civil_after(shown(instant, self.timezone) - LONGEST_GAP);
        let occurrences = civil.filter(|at| !self.skip_dates.contains(&at.date()));
        let mut last = UnixMs::MIN;
        let occurrences = occurrences.map(|at| Occurrence::of(at, self.timezone)).filter(move |occurrence| {
            let is_new = occurrence.instant > last;
            last = last.max(occurrence.instant);
            is_new
        });
        occurrences.skip_while(move |occurrence| occurrence.instant <= instant)
    }

    /// The civil times that the expression names, from after `at`, within its days; skip dates are among them.
    pub(super) fn civil_after(&self, at: NaiveDateTime) -> impl Iterator<Item = NaiveDateTime> + '_ {
        let midnight = |date: NaiveDate| date.and_hms_opt(0, 0, 0).expect("a day begins");
        let start = self.starts.map_or(at, |date| at.max(midnight(date) - TimeDelta::seconds(1)));
        let times = std::iter::successors(self.cron.next(start), |at| self.cron.next(*at));
        times.take_while(|at| self.ends.is_none_or(|ends| at.date() <= ends))
    }

    /// Whether it ever goes out after `now`.
    pub(super) fn check(&self, now: UnixMs) -> Faults {
        if self.after(now).next().is_some() {
            return Faults::new();
        }
        let days = self.ends.map(|ends| format!(" until it ends on {ends}")).unwrap_or_default();
        let remedy = "give days that come, and leave one of them that is not skipped.";
        Faults::one("/schedule/cron", format!("`{}` names no time to come{days}: {remedy}", self.cron.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, Offset, TimeZone};
    use chrono_tz::TZ_VARIANTS;
    use serde_json::{Value, json};

    use super::*;
    use crate::{
        fault::read::document,
        schedule::{Schedule, instant},
    };

    const HOUR_MS: i64 = 3_600_000;

    fn read(schedule: Value) -> Result<Recurrence, Faults> {
        let mut schedule = schedule;
        schedule["type"] = json!("cron");
        document(&schedule, Schedule::read).map(|schedule| match schedule {
            Schedule::Cron(recurrence) => recurrence,
            other => panic!("{other:?} is no recurrence"),
        })
    }

    /// What goes out next after `after`, in its own zone, and in UTC.
    fn check(schedule: Value, after: &str, expected: &[(&str, &str)]) {
        let recurrence = read(schedule).expect("a schedule");
        let after = instant(format!("{after}:00").parse().expect("a civil time"), recurrence.timezone);
        let utc = |instant| DateTime::from_timestamp_millis(instant).expect("a time").format("%dT%H:%M").to_string();
        let next: Vec<_> = recurrence.after(after).take(expected.len()).collect();
        let next: Vec<_> = next.iter().map(|o| (o.civil.format("%dT%H:%M").to_string(), utc(o.instant))).collect();
        let next: Vec<_> = next.iter().map(|(civil, utc)| (civil.as_str(), utc.as_str())).collect();
        assert_eq!(next, expected);
    }

    #[test]
    fn every_workday_at_six_in_india() {
        let schedule = json!({"cron": "0 6 * * 1-5", "timezone": "Asia/Kolkata"});
        let friday = ("27T06:00", "27T00:30");
        check(schedule.clone(), "2026-11-27T05:59", &[friday, ("30T06:00", "30T00:30"), ("01T06:00", "01T00:30")]);
        check(schedule, "2026-11-27T06:00", &[("30T06:00", "30T00:30")]);
    }

    #[test]
    fn days_that_are_skipped_or_outside_do_not_count() {
        let schedule = json!({"cron": "0 6 * * *", "timezone": "UTC", "starts": "2026-12-23", "ends": "2026-12-26",
                              "skip_dates": ["2026-12-25"]});
        check(
            schedule.clone(),
            "2026-11-27T05:59",
            &[("23T06:00", "23T06:00"), ("24T06:00", "24T06:00"), ("26T06:00", "26T06:00")],
        );
        let recurrence = read(schedule).expect("a schedule");
        assert_eq!(recurrence.after(0).count(), 3);
    }

    #[test]
    fn what_the_clock_skips_goes_out_once_at_the_end_of_the_gap() {
        let schedule = json!({"cron": "*/30 * * * *", "timezone": "Europe/Berlin"});
        check(
            schedule.clone(),
            "2026-03-29T01:00",
            &[("29T01:30", "29T00:30"), ("29T02:00", "29T01:00"), ("29T03:30", "29T01:30")],
        );
        // Whoever asks later, right before the end of the gap, hears of the same.
        check(schedule, "2026-03-29T01:59", &[("29T02:00", "29T01:00"), ("29T03:30", "29T01:30")]);
        check(
            json!({"cron": "30 2 * * *", "timezone": "Europe/Berlin"}),
            "2026-03-28T12:00",
            &[("29T02:30", "29T01:00"), ("30T02:30", "30T00:30")],
        );
    }

    #[test]
    fn what_comes_twice_goes_out_the_first_time() {
        let schedule = json!({"cron": "*/30 * * * *", "timezone": "Europe/Berlin"});
        check(
            schedule,
            "2026-10-25T01:59",
            &[("25T02:00", "25T00:00"), ("25T02:30", "25T00:30"), ("25T03:00", "25T02:00")],
        );
    }

    #[test]
    fn what_never_comes_is_a_fault() {
        let told = |schedule| {
            read(schedule)
                .expect("a schedule")
                .check(instant("2026-11-27T00:00:00".parse().expect("a time"), Tz::UTC))
                .to_string()
        };
        assert!(
            told(json!({"cron": "0 6 30 2 *", "timezone": "UTC"}))
                .starts_with("/schedule/cron: `0 6 30 2 *` names no time to come:")
        );
        assert!(
            told(json!({"cron": "0 6 * * *", "timezone": "UTC", "ends": "2026-11-26"}))
                .contains("until it ends on 2026-11-26")
        );
        assert_eq!(told(json!({"cron": "0 6 * * *", "timezone": "UTC"})), "");
    }

    #[test]
    fn every_fault_of_a_schedule_is_told_at_once() {
        let told =
            read(json!({"cron": "0 6 * *", "timezone": "Asia/Kolkatta", "starts": "1.12.2026", "skip_dates": ["x"]}));
        let told: Vec<_> = told.expect_err("faults").iter().map(|fault| fault.pointer.clone()).collect();
        assert_eq!(told, ["/cron", "/timezone", "/starts", "/skip_dates/0"]);
        let told = read(json!({"cron": "0 6 * * *", "timezone": "UTC", "starts": "2026-12-02", "ends": "2026-12-01"}));
        assert!(told.expect_err("a fault").to_string().starts_with("/ends: 2026-12-01 is before it starts"));
    }

    /// The instants right after which the clock in `zone` was put forward or back within twenty years.
    fn transitions(zone: Tz) -> impl Iterator<Item = UnixMs> {
        let start = DateTime::parse_from_rfc3339("2026-01-01T00:00:00Z").expect("a time").timestamp_millis();
        let offset = move |at: UnixMs| {
            let at = DateTime::from_timestamp_millis(at).expect("a time").naive_utc();
            zone.offset_from_utc_datetime(&at).fix().local_minus_utc()
        };
        let days = (0..20 * 366).map(move |day| start + day * 24 * HOUR_MS);
        days.filter(move |day| offset(*day) != offset(day + 24 * HOUR_MS)).map(move |day| {
            let minutes = (0..24 * 60).map(|minute| day + minute * 60_000);
            minutes.into_iter().find(|at| offset(*at) != offset(at + 60_000)).expect("it changes on that day") + 60_000
        })
    }

    #[test]
    fn around_every_transition_of_every_zone_in_twenty_years_each_time_goes_out_exactly_once() {
        let schedule = read(json!({"cron": "*/30 * * * *", "timezone": "UTC"})).expect("a schedule");
        let mut seen = 0;
        for zone in TZ_VARIANTS {
            let schedule = Recurrence { timezone: zone, ..schedule.clone() };
            for at in transitions(zone) {
                let (from, until) = (at - 2 * HOUR_MS, at + 2 * HOUR_MS);
                let got: Vec<_> = schedule.after(from).take_while(|occurrence| occurrence.instant <= until).collect();
                assert!(got.is_sorted_by(|a, b| a.instant < b.instant && a.civil < b.civil), "{zone} {at}");
                // Every half hour on the wall is served by one of them, and none by two.
                let wall = schedule.civil_after(shown(from, zone) - LONGEST_GAP).map(|civil| instant(civil, zone));
                let mut due: Vec<_> = wall.take_while(|at| *at <= until).filter(|at| *at > from).collect();
                due.dedup();
                assert_eq!(got.iter().map(|o| o.instant).collect::<Vec<_>>(), due, "{zone} {at}");
                // Whoever asks anew after each of them gets the same ones: a restart makes no second run.
                let again =
                    std::iter::successors(schedule.after(from).next(), |last| schedule.after(last.instant).next());
                assert!(again.take(3).eq(got.iter().take(3).cloned()), "{zone} {at}");
                seen += 1;
            }
        }
        assert!(seen > 4_000, "only {seen} transitions were tried");
    }
}
