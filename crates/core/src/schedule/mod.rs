//! When a campaign goes out: a civil time in a zone, turned into one instant.

use chrono::{DateTime, NaiveDateTime, TimeZone};
use chrono_tz::{GapInfo, TZ_VARIANTS, Tz};
use serde::{Deserialize, Serialize};

use crate::{
    UnixMs,
    fault::{Faults, did_you_mean, nearest, read::Node},
};

/// How civil times are written; seconds may be left out.
const CIVIL: [&str; 2] = ["%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M"];

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
    },
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

impl Schedule {
    pub(crate) fn read(node: &Node<'_>) -> Option<Self> {
        node.object(|fields| match fields.kind("type", &["at", "now"])? {
            "at" => {
                let at = fields.required("at", read_civil);
                let timezone = fields.required("timezone", read_zone);
                Some(Self::At { at: at?, timezone: timezone? })
            }
            _ => Some(Self::Now { timezone: fields.or("timezone", Tz::UTC, read_zone)? }),
        })
    }

    /// When the campaign goes out if it was accepted at `accepted_at`.
    ///
    /// A local time that the clock skips becomes the first instant after the gap; one that comes twice is taken
    /// the first time.
    pub fn occurrence(&self, accepted_at: UnixMs) -> Occurrence {
        match self {
            Self::At { at, timezone } => {
                Occurrence { civil: *at, zone: timezone.name().to_owned(), instant: instant(*at, *timezone) }
            }
            Self::Now { timezone } => Occurrence {
                civil: DateTime::from_timestamp_millis(accepted_at)
                    .expect("a clock shows a time that a calendar knows")
                    .with_timezone(timezone)
                    .naive_local(),
                zone: timezone.name().to_owned(),
                instant: accepted_at,
            },
        }
    }

    /// Whether the schedule is still ahead at `now`.
    pub fn check(&self, now: UnixMs) -> Faults {
        let mut faults = Faults::new();
        if let Self::At { at, timezone } = self
            && instant(*at, *timezone) < now
        {
            let detail = format!("{at} in {timezone} has passed: give a time to come, or use {{\"type\": \"now\"}}.");
            faults.add("/schedule/at", detail);
        }
        faults
    }
}

/// The first instant at which the clock in `zone` shows `civil` or, if it skips it, a later time.
fn instant(civil: NaiveDateTime, zone: Tz) -> UnixMs {
    zone.from_local_datetime(&civil)
        .earliest()
        .or_else(|| GapInfo::new(&civil, &zone)?.end)
        .expect("a clock that skips a time goes on after it")
        .timestamp_millis()
}

fn read_civil(node: &Node<'_>) -> Option<NaiveDateTime> {
    let text = node.text()?;
    let civil = CIVIL.iter().find_map(|form| NaiveDateTime::parse_from_str(text, form).ok());
    // Without this, years of any length would be taken.
    civil.filter(|_| text.len() <= "2026-11-23T06:00:00".len()).or_else(|| {
        node.fault(format!(
            "`{text}` is not a civil time: write it like `2026-11-23T06:00:00`, without an offset; the zone goes into `timezone`."
        ))
    })
}

fn read_zone(node: &Node<'_>) -> Option<Tz> {
    let text = node.text()?;
    text.parse().ok().or_else(|| {
        let near = did_you_mean(near_zone(text));
        node.fault(format!("`{text}` is not a time zone: write an IANA name such as `Asia/Kolkata`.{near}"))
    })
}

/// The zone most like `text`, which may also name the city alone.
fn near_zone(text: &str) -> Option<&'static str> {
    let given = text.trim().replace(' ', "_");
    let names = || TZ_VARIANTS.iter().map(|zone| zone.name());
    let city = |name: &&'static str| name.rsplit('/').next().is_some_and(|city| city.eq_ignore_ascii_case(&given));
    names().find(city).or_else(|| nearest(&given, names()))
}

#[cfg(test)]
mod tests {
    use chrono::{Days, NaiveDate, Offset, TimeDelta};
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;
    use crate::fault::read::document;

    fn civil(text: &str) -> NaiveDateTime {
        text.parse().expect("a civil time")
    }

    /// The instant, read back as UTC.
    fn utc(at: &str, zone: Tz) -> String {
        let instant = Schedule::At { at: civil(at), timezone: zone }.occurrence(0).instant;
        DateTime::from_timestamp_millis(instant).expect("a time").format("%FT%TZ").to_string()
    }

    fn faults(schedule: Value) -> String {
        document(&schedule, Schedule::read).expect_err("a fault").to_string()
    }

    #[test]
    fn a_plain_morning_is_where_it_should_be() {
        assert_eq!(utc("2026-11-23T06:00:00", Tz::Asia__Kolkata), "2026-11-23T00:30:00Z");
    }

    #[test]
    fn a_time_that_the_clock_skips_goes_out_right_after_the_gap() {
        assert_eq!(utc("2026-03-29T02:30:00", Tz::Europe__Berlin), "2026-03-29T01:00:00Z");
        assert_eq!(utc("2011-12-30T12:00:00", Tz::Pacific__Apia), "2011-12-30T10:00:00Z");
    }

    #[test]
    fn a_time_that_comes_twice_goes_out_the_first_time() {
        assert_eq!(utc("2026-10-25T02:30:00", Tz::Europe__Berlin), "2026-10-25T00:30:00Z");
    }

    #[test]
    fn a_skipped_time_still_names_the_run() {
        let at = civil("2026-03-29T02:30:00");
        let occurrence = Schedule::At { at, timezone: Tz::Europe__Berlin }.occurrence(0);
        assert_eq!((occurrence.civil, occurrence.zone.as_str()), (at, "Europe/Berlin"));
    }

    #[test]
    fn now_is_when_it_was_accepted() {
        let accepted = civil("2026-11-23T00:30:00").and_utc().timestamp_millis();
        let occurrence = Schedule::Now { timezone: Tz::Asia__Kolkata }.occurrence(accepted);
        assert_eq!((occurrence.civil, occurrence.instant), (civil("2026-11-23T06:00:00"), accepted));
    }

    #[test]
    fn a_time_in_the_past_is_a_fault_from_the_next_millisecond_on() {
        let schedule = Schedule::At { at: civil("2026-11-23T06:00:00"), timezone: Tz::UTC };
        let instant = schedule.occurrence(0).instant;
        assert!(schedule.check(instant).is_empty());
        assert_eq!(schedule.check(instant + 1).iter().next().map(|fault| fault.pointer.as_str()), Some("/schedule/at"));
        assert!(Schedule::Now { timezone: Tz::UTC }.check(instant).is_empty());
    }

    #[test]
    fn a_schedule_reads_back_as_written() {
        for given in [
            json!({"type": "at", "at": "2026-11-23T06:00:00", "timezone": "Asia/Kolkata"}),
            json!({"type": "now", "timezone": "UTC"}),
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
        assert_eq!(told, "/type: `att` is not one of `at`, `now`. Did you mean `at`?");
    }

    /// What the clock in `zone` shows at `instant`, by UTC offsets alone.
    fn shown(instant: UnixMs, zone: Tz) -> NaiveDateTime {
        let utc = DateTime::from_timestamp_millis(instant).expect("a time").naive_utc();
        utc + TimeDelta::seconds(i64::from(zone.offset_from_utc_datetime(&utc).fix().local_minus_utc()))
    }

    /// The rule itself, found by walking the clock: the first minute that shows `at` or, failing that, later.
    fn walked(at: NaiveDateTime, zone: Tz) -> UnixMs {
        let start = (at - TimeDelta::hours(27)).and_utc().timestamp_millis();
        let mut minutes = (0..54 * 60).map(|minute| start + minute * 60_000);
        let exact = minutes.clone().find(|instant| shown(*instant, zone) == at);
        exact.or_else(|| minutes.find(|instant| shown(*instant, zone) > at)).expect("the clock gets there")
    }

    #[test]
    fn every_gap_of_every_zone_in_the_next_years_is_bridged_as_a_walk_along_the_clock_would() {
        let mut gaps = 0;
        for zone in TZ_VARIANTS {
            let mut day = NaiveDate::from_ymd_opt(2026, 1, 1).expect("a date").and_hms_opt(0, 0, 0).expect("a time");
            for _ in 0..2 * 365 {
                day = day + Days::new(1);
                let offset = |at: NaiveDateTime| zone.offset_from_utc_datetime(&at).fix().local_minus_utc();
                if offset(day) > offset(day - Days::new(1)) {
                    let skipped = (0..72 * 4)
                        .map(|quarter| day - Days::new(2) + TimeDelta::minutes(15 * quarter + 1))
                        .find(|at| zone.from_local_datetime(at).earliest().is_none());
                    let at = skipped.expect("a clock put forward skips a time");
                    assert_eq!(instant(at, zone), walked(at, zone), "{at} {zone}");
                    gaps += 1;
                }
            }
        }
        assert!(gaps > 200, "only {gaps} gaps were tried");
    }

    proptest! {
        #[test]
        fn every_civil_time_in_every_zone_has_its_one_instant(
            zone in prop::sample::select(&TZ_VARIANTS[..]),
            minute in 0..35 * 366 * 1440_i64,
        ) {
            // Since 2000, when the last zone gave up offsets that are no whole minutes.
            let at = civil("2000-01-01T00:00:00") + TimeDelta::minutes(minute);
            prop_assert_eq!(instant(at, zone), walked(at, zone));
        }
    }
}
