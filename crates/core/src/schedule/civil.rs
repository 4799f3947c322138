//! Civil times: what the clock on a wall shows, and the one instant that it means.

use chrono::{DateTime, NaiveDate, NaiveDateTime, TimeZone};
use chrono_tz::{GapInfo, TZ_VARIANTS, Tz};

use crate::{
    UnixMs,
    fault::{did_you_mean, nearest, read::Node},
};

/// How civil times are written; seconds may be left out.
const CIVIL: [&str; 2] = ["%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M"];

/// The first instant at which the clock in `zone` shows `civil` or, if it skips it, a later time.
pub fn instant(civil: NaiveDateTime, zone: Tz) -> UnixMs {
    zone.from_local_datetime(&civil)
        .earliest()
        .or_else(|| GapInfo::new(&civil, &zone)?.end)
        .expect("a clock that skips a time goes on after it")
        .timestamp_millis()
}

pub(super) fn read_civil(node: &Node<'_>) -> Option<NaiveDateTime> {
    let text = node.text()?;
    let civil = CIVIL.iter().find_map(|form| NaiveDateTime::parse_from_str(text, form).ok());
    // Without this, years of any length would be taken.
    civil.filter(|_| text.len() <= "2026-11-23T06:00:00".len()).or_else(|| {
        node.fault(format!(
            "`{text}` is not a civil time: write it like `2026-11-23T06:00:00`, without an offset; the zone goes into `timezone`."
        ))
    })
}

pub(super) fn read_zone(node: &Node<'_>) -> Option<Tz> {
    parse_zone(node.text()?).map_err(|why| node.fault::<Tz>(why)).ok()
}

/// The zone of a name.
///
/// # Errors
/// That it is none, and which one was perhaps meant.
pub fn parse_zone(text: &str) -> Result<Tz, String> {
    text.parse().map_err(|_| {
        let near = did_you_mean(near_zone(text));
        format!("`{text}` is not a time zone: write an IANA name such as `Asia/Kolkata`.{near}")
    })
}

/// The zone most like `text`, which may also name the city alone.
fn near_zone(text: &str) -> Option<&'static str> {
    let given = text.trim().replace(' ', "_");
    let names = || TZ_VARIANTS.iter().map(|zone| zone.name());
    let city = |name: &&'static str| name.rsplit('/').next().is_some_and(|city| city.eq_ignore_ascii_case(&given));
    names().find(city).or_else(|| nearest(&given, names()))
}

/// What the clock in `zone` shows at `instant`.
pub fn shown(instant: UnixMs, zone: Tz) -> NaiveDateTime {
    DateTime::from_timestamp_millis(instant)
        .expect("a clock shows a time that a calendar knows")
        .with_timezone(&zone)
        .naive_local()
}

pub(crate) fn read_date(node: &Node<'_>) -> Option<NaiveDate> {
    let text = node.text()?;
    let date = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok().filter(|_| text.len() == "2026-11-23".len());
    date.or_else(|| node.fault(format!("`{text}` is not a date: write it like `2026-11-23`.")))
}

#[cfg(test)]
mod tests {
    use chrono::{Days, NaiveDate, Offset, TimeDelta};
    use proptest::prelude::*;

    use super::*;

    fn civil(text: &str) -> NaiveDateTime {
        text.parse().expect("a civil time")
    }

    /// The instant, read back as UTC.
    fn utc(at: &str, zone: Tz) -> String {
        DateTime::from_timestamp_millis(instant(civil(at), zone)).expect("a time").format("%FT%TZ").to_string()
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

    /// What the clock in `zone` shows at `instant`, by UTC offsets alone.
    fn seen(instant: UnixMs, zone: Tz) -> NaiveDateTime {
        let utc = DateTime::from_timestamp_millis(instant).expect("a time").naive_utc();
        utc + TimeDelta::seconds(i64::from(zone.offset_from_utc_datetime(&utc).fix().local_minus_utc()))
    }

    /// The rule itself, found by walking the clock: the first minute that shows `at` or, failing that, later.
    fn walked(at: NaiveDateTime, zone: Tz) -> UnixMs {
        let start = (at - TimeDelta::hours(27)).and_utc().timestamp_millis();
        let mut minutes = (0..54 * 60).map(|minute| start + minute * 60_000);
        let exact = minutes.clone().find(|instant| seen(*instant, zone) == at);
        exact.or_else(|| minutes.find(|instant| seen(*instant, zone) > at)).expect("the clock gets there")
    }

    #[test]
    fn every_gap_of_every_zone_in_twenty_years_is_bridged_as_a_walk_along_the_clock_would() {
        let mut gaps = 0;
        for zone in TZ_VARIANTS {
            let mut day = NaiveDate::from_ymd_opt(2026, 1, 1).expect("a date").and_hms_opt(0, 0, 0).expect("a time");
            for _ in 0..20 * 365 {
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
        assert!(gaps > 2_000, "only {gaps} gaps were tried");
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
