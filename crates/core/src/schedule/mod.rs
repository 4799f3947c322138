//! When a campaign goes out: civil times in a zone, each turned into one instant.

pub mod calendar;
mod civil;
mod cron;
mod recurrence;
mod zones;

use chrono::{NaiveDate, NaiveDateTime};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

pub(crate) use self::civil::read_date;
use self::civil::{read_civil, read_zone};
pub use self::{
    civil::{instant, parse_zone, shown},
    cron::{BadCron, Cron},
    recurrence::Recurrence,
    zones::{Hearing, Zones, spanning},
};
use crate::{UnixMs, fault::Faults, fault::read::Node};

/// Farther than any two clocks are apart: 26 hours, with the date line between them.
const FARTHEST_MS: i64 = 27 * 3_600_000;

/// When a campaign goes out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Schedule {
    /// Once, at a civil time.
    At {
        /// What the clock on the wall shows.
        at: NaiveDateTime,
        /// Where the clock hangs.
        timezone: Tz,
        /// Each recipient's own clock is meant; whoever names no zone lives by `timezone`.
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        per_recipient: bool,
    },
    /// Again and again.
    Cron(Recurrence),
    /// Once, as soon as it is accepted.
    Now {
        /// The zone that the run is named in.
        timezone: Tz,
    },
}

/// One time that a campaign goes out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Occurrence {
    /// The civil time asked for, even where the clock skips it: it names the run.
    pub civil: NaiveDateTime,
    /// The zone of the civil time, an IANA name.
    pub zone: String,
    /// The moment itself.
    pub instant: UnixMs,
}

impl Occurrence {
    fn of(civil: NaiveDateTime, zone: Tz) -> Self {
        Self { civil, zone: zone.name().to_owned(), instant: instant(civil, zone) }
    }
}

impl Schedule {
    pub(crate) fn read(node: &Node<'_>) -> Option<Self> {
        node.object(|fields| match fields.kind("type", &["at", "cron", "now"])? {
            "at" => {
                let at = fields.required("at", read_civil);
                let timezone = fields.required("timezone", read_zone);
                let per_recipient = fields.or("per_recipient", false, Node::flag);
                Some(Self::At { at: at?, timezone: timezone?, per_recipient: per_recipient? })
            }
            "cron" => Recurrence::read(fields).map(Self::Cron),
            _ => Some(Self::Now { timezone: fields.or("timezone", Tz::UTC, read_zone)? }),
        })
    }

    /// The zone of its civil times.
    pub fn zone(&self) -> Tz {
        match self {
            Self::At { timezone, .. } | Self::Now { timezone } => *timezone,
            Self::Cron(recurrence) => recurrence.timezone,
        }
    }

    /// Leaves out `dates` of what comes again.
    pub(crate) fn skip(&mut self, dates: &[NaiveDate]) {
        if let Self::Cron(recurrence) = self {
            recurrence.skip_dates.extend(dates);
        }
    }

    /// What a cron expression says, in words; `None` for other schedules.
    pub fn in_words(&self) -> Option<String> {
        match self {
            Self::Cron(recurrence) => {
                let words = recurrence.cron.in_words();
                let clock = match recurrence.per_recipient {
                    true => format!("by each recipient's own clock, or else {} time", recurrence.timezone),
                    false => format!("{} time", recurrence.timezone),
                };
                Some(format!("{}, {clock}.", words.trim_end_matches('.')))
            }
            Self::At { .. } | Self::Now { .. } => None,
        }
    }

    /// When the campaign first goes out if it was accepted at `accepted_at`; `None` when it never does.
    ///
    /// A local time that the clock skips becomes the first instant after the gap; one that comes twice is taken
    /// the first time.
    pub fn first(&self, accepted_at: UnixMs) -> Option<Occurrence> {
        match self {
            Self::At { at, timezone, .. } => Some(Occurrence::of(*at, *timezone)),
            Self::Now { timezone } => {
                let (civil, zone) = (shown(accepted_at, *timezone), timezone.name().to_owned());
                Some(Occurrence { civil, zone, instant: accepted_at })
            }
            Self::Cron(recurrence) => recurrence.after(accepted_at).next(),
        }
    }

    /// The same for recipients who live in `zones`: of what comes again, the first time of which nobody has missed anything.
    pub fn first_in(&self, accepted_at: UnixMs, zones: &Zones) -> Option<Occurrence> {
        let Self::Cron(recurrence) = self else { return self.first(accepted_at) };
        let ahead = |occurrence: &Occurrence| self.earliest(occurrence, zones) > accepted_at;
        recurrence.after(accepted_at - FARTHEST_MS).find(ahead)
    }

    /// When it goes out again after `last`; `None` when it does not.
    pub fn next(&self, last: &Occurrence) -> Option<Occurrence> {
        match self {
            Self::Cron(recurrence) => recurrence.after(last.instant).next(),
            Self::At { .. } | Self::Now { .. } => None,
        }
    }

    /// Whether the schedule is still ahead at `now`.
    pub fn check(&self, now: UnixMs) -> Faults {
        match self {
            Self::At { at, timezone, .. } if instant(*at, *timezone) < now => {
                let remedy = "give a time to come, or use {\"type\": \"now\"}.";
                Faults::one("/schedule/at", format!("{at} in {timezone} has passed: {remedy}"))
            }
            Self::Cron(recurrence) => recurrence.check(now),
            Self::At { .. } | Self::Now { .. } => Faults::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::fault::read::document;

    fn civil(text: &str) -> NaiveDateTime {
        text.parse().expect("a civil time")
    }

    fn faults(schedule: Value) -> String {
        document(&schedule, Schedule::read).expect_err("a fault").to_string()
    }

    #[test]
    fn a_skipped_time_still_names_the_run() {
        let at = civil("2026-03-29T02:30:00");
        let schedule = Schedule::At { at, timezone: Tz::Europe__Berlin, per_recipient: false };
        let occurrence = schedule.first(0).expect("an occurrence");
        assert_eq!((occurrence.civil, occurrence.zone.as_str()), (at, "Europe/Berlin"));
    }

    #[test]
    fn now_is_when_it_was_accepted() {
        let accepted = civil("2026-11-23T00:30:00").and_utc().timestamp_millis();
        let occurrence = Schedule::Now { timezone: Tz::Asia__Kolkata }.first(accepted).expect("an occurrence");
        assert_eq!((occurrence.civil, occurrence.instant), (civil("2026-11-23T06:00:00"), accepted));
    }

    #[test]
    fn a_time_in_the_past_is_a_fault_from_the_next_millisecond_on() {
        let at = civil("2026-11-23T06:00:00");
        let schedule = Schedule::At { at, timezone: Tz::UTC, per_recipient: false };
        let instant = schedule.first(0).expect("an occurrence").instant;
        assert!(schedule.check(instant).is_empty());
        assert_eq!(schedule.check(instant + 1).iter().next().map(|fault| fault.pointer.as_str()), Some("/schedule/at"));
        assert!(Schedule::Now { timezone: Tz::UTC }.check(instant).is_empty());
    }

    #[test]
    fn a_schedule_reads_back_as_written() {
        for given in [
            json!({"type": "at", "at": "2026-11-23T06:00:00", "timezone": "Asia/Kolkata"}),
            json!({"type": "now", "timezone": "UTC"}),
            json!({"type": "cron", "cron": "0 6 * * 1-5", "timezone": "Asia/Kolkata", "starts": "2026-12-01", "ends": null,
                   "skip_dates": ["2026-12-25"]}),
        ] {
            let read = document(&given, Schedule::read).expect("a schedule");
            assert_eq!(serde_json::to_value(&read).expect("JSON"), given);
        }
        assert!(document(&json!({"type": "now"}), Schedule::read).is_ok());
    }

    #[test]
    fn an_unknown_zone_is_answered_with_a_near_one() {
        for (given, near) in
            [("Asia/Kolkatta", "Asia/Kolkata"), ("kolkata", "Asia/Kolkata"), ("new york", "America/New_York")]
        {
            let told = faults(json!({"type": "at", "at": "2026-11-23T06:00", "timezone": given}));
            assert!(told.starts_with(&format!("/timezone: `{given}` is not a time zone")), "{told}");
            assert!(told.ends_with(&format!("Did you mean `{near}`?")), "{told}");
        }
    }

    #[test]
    fn a_time_with_an_offset_or_an_odd_year_is_refused() {
        for at in ["2026-11-23T06:00:00+05:30", "2026-11-23", "2026-02-30T06:00:00", "+262142-01-01T00:00:00", "06:00"]
        {
            let told = faults(json!({"type": "at", "at": at, "timezone": "UTC"}));
            assert!(told.starts_with(&format!("/at: `{at}` is not a civil time")), "{told}");
        }
    }

    #[test]
    fn a_kind_of_schedule_that_is_not_known_is_the_only_fault() {
        let told = faults(json!({"type": "att", "at": "2026-11-23T06:00:00"}));
        assert_eq!(told, "/type: `att` is not one of `at`, `cron`, `now`. Did you mean `at`?");
    }
}
