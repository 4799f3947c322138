use chrono::DateTime;
use chrono_tz::TZ_VARIANTS;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::fault::read::document;

const KOLKATA: Tz = Tz::Asia__Kolkata;
const DAY: UnixMs = 24 * 3_600_000;

/// A window with `quiet_hours` and `blackout` as written.
fn window(rest: Value) -> Window {
    document(&rest, Window::read).expect("a window")
}

fn quiet(from: &str, to: &str) -> Window {
    window(json!({"quiet_hours": {"from": from, "to": to}}))
}

fn utc(text: &str) -> UnixMs {
    text.parse::<DateTime<chrono::Utc>>().expect("a time").timestamp_millis()
}

/// The open hours in `zone`, as its clock shows them.
fn open(window: &Window, zone: Tz, from: &str, until: &str) -> Vec<String> {
    let shown = |moment| {
        DateTime::from_timestamp_millis(moment).expect("a time").with_timezone(&zone).format("%d %H:%M").to_string()
    };
    let hours = window.open_hours(KOLKATA, zone, utc(from), utc(until));
    hours.iter().map(|stretch| format!("{} to {}", shown(stretch.from), shown(stretch.until))).collect()
}

#[test]
fn a_night_is_quiet_by_the_recipients_own_clock() {
    let night = quiet("21:00", "08:00");
    let (from, until) = ("2026-11-23T00:00:00Z", "2026-11-24T00:00:00Z");
    assert_eq!(open(&night, KOLKATA, from, until), ["23 08:00 to 23 21:00"]);
    assert_eq!(open(&night, Tz::Europe__London, from, until), ["23 08:00 to 23 21:00"]);
    assert_eq!(open(&night, Tz::America__New_York, from, until), ["22 19:00 to 22 21:00", "23 08:00 to 23 19:00"]);
}

#[test]
fn hours_within_a_day_are_quiet_too() {
    let lunch = quiet("12:00", "14:00");
    let hours = open(&lunch, Tz::UTC, "2026-11-23T10:00:00Z", "2026-11-23T15:00:00Z");
    assert_eq!(hours, ["23 10:00 to 23 12:00", "23 14:00 to 23 15:00"]);
}

#[test]
fn quiet_hours_end_on_the_minute() {
    let night = quiet("21:00", "08:00");
    assert_eq!(open(&night, Tz::UTC, "2026-11-23T07:00:00Z", "2026-11-23T08:00:00Z"), [""; 0]);
    assert_eq!(open(&night, Tz::UTC, "2026-11-23T08:00:00Z", "2026-11-23T08:05:00Z"), ["23 08:00 to 23 08:05"]);
    assert_eq!(open(&night, Tz::UTC, "2026-11-23T20:55:00Z", "2026-11-23T21:05:00Z"), ["23 20:55 to 23 21:00"]);
}

#[test]
fn blackout_dates_are_those_of_the_schedules_calendar() {
    let christmas = window(json!({"blackout": ["2026-12-25"]}));
    let hours = open(&christmas, Tz::UTC, "2026-12-24T12:00:00Z", "2026-12-25T20:00:00Z");
    // Christmas in Kolkata.
    assert_eq!(hours, ["24 12:00 to 24 18:30", "25 18:30 to 25 20:00"]);
    assert!(christmas.is_blacked_out("2026-12-25".parse().expect("a date")));
    assert!(!christmas.is_blacked_out("2026-12-26".parse().expect("a date")));
}

#[test]
fn a_window_reads_back_as_written() {
    let given = json!({"opens": "-30s", "closes": "+4m30s", "deadline": "+5m", "late": "expire",
        "quiet_hours": {"from": "21:00", "to": "08:30"}, "blackout": ["2026-12-25", "2027-01-01"]});
    assert_eq!(serde_json::to_value(window(given.clone())).expect("JSON"), given);
}

#[test]
fn what_is_no_hour_or_date_is_refused() {
    let told = |rest: Value| document(&rest, Window::read).expect_err("a fault").to_string();
    for hour in ["9:00", "21:00:00", "24:00", "9pm", "21.00"] {
        let told = told(json!({"quiet_hours": {"from": hour, "to": "08:00"}}));
        assert_eq!(told, format!("/quiet_hours/from: `{hour}` is not an hour of the day: write it like `21:00`."));
    }
    for date in ["2026-2-3", "25.12.2026", "2026-02-30", "2026-12-25T00:00"] {
        let told = told(json!({"blackout": ["2026-12-25", date]}));
        assert_eq!(told, format!("/blackout/1: `{date}` is not a date: write it like `2026-11-23`."));
    }
    let told = told(json!({"quiet_hours": {"from": "08:00", "to": "08:00"}, "blackout": "2026-12-25"}));
    assert!(
        told.starts_with("/quiet_hours/to: is when they begin") && told.contains("/blackout: is a string"),
        "{told}"
    );
}

fn reach(from: &str, until: &str) -> Stretch {
    Stretch { from: utc(from), until: utc(until) }
}

#[test]
fn a_recipient_whose_whole_window_is_quiet_is_refused_with_zone_and_hours() {
    let night = quiet("21:00", "08:00");
    let mut clocks = Clocks::new(&night, KOLKATA, reach("2026-11-23T00:30:00Z", "2026-11-23T00:35:00Z"));
    let refused = "the whole window is quiet in Asia/Kolkata, from 21:00 to 08:00";
    assert_eq!(clocks.of(None), Err(refused.to_owned()));
    assert_eq!(clocks.of(Some("Asia/Kolkata")), Err(refused.to_owned()));
    assert_eq!((clocks.of(Some("Asia/Tokyo")), clocks.of(Some("Australia/Sydney"))), (Ok(0), Ok(1)));
    assert_eq!(clocks.of(Some("Asia/Tokyo")), Ok(0));
    assert_eq!(clocks.hours(0, 1, Until::Closes).len(), 2);
}

#[test]
fn a_zone_that_is_none_matters_where_there_are_quiet_hours() {
    let at = reach("2026-11-23T06:30:00Z", "2026-11-23T06:35:00Z");
    let told = Clocks::new(&quiet("21:00", "08:00"), KOLKATA, at).of(Some("Mars"));
    assert!(told.expect_err("no zone").contains("`Mars` is not a time zone"));
    assert_eq!(Clocks::new(&Window::default(), KOLKATA, at).of(Some("Mars")), Ok(0));
}

proptest! {
    /// Minute by minute, against what the clock shows.
    #[test]
    fn nobody_is_disturbed_by_the_clock_on_the_wall(
        zone in prop::sample::select(&TZ_VARIANTS[..]),
        (from, to) in (0..48_u32, 0..48_u32),
        day in 0..800_i64,
        length in 1..72_i64,
    ) {
        prop_assume!(from != to);
        let hour = |half: u32| NaiveTime::from_hms_opt(half / 2, 30 * (half % 2), 0).expect("an hour");
        let quiet = QuietHours { from: hour(from), to: hour(to) };
        let window = Window { quiet_hours: Some(quiet), ..Window::default() };
        let begin = utc("2026-01-01T00:00:00Z") + day * DAY;
        let until = begin + length * 3_600_000;
        let open = window.open_hours(zone, zone, begin, until);
        prop_assert!(open.windows(2).all(|pair| pair[0].until < pair[1].from));
        let mut needlessly = 0;
        for moment in (begin..until).step_by(60_000) {
            let shown = DateTime::from_timestamp_millis(moment).expect("a time").with_timezone(&zone).time();
            let is_quiet = match from < to {
                true => (quiet.from..quiet.to).contains(&shown),
                false => shown >= quiet.from || shown < quiet.to,
            };
            let is_open = open.iter().any(|stretch| (stretch.from..stretch.until).contains(&moment));
            prop_assert!(!(is_quiet && is_open), "{zone} at {shown}, {moment}");
            needlessly += i64::from(!is_quiet && !is_open);
        }
        // Only an hour that a clock shows twice is left out without need.
        prop_assert!(needlessly <= 120, "{needlessly} minutes in {zone}");
    }
}

/// Those who hear at six by their own clocks, of a run that can reach people from `from` on.
fn own_clocks(window: &Window, from: &str) -> Clocks {
    let six = "2026-11-23T06:00:00".parse().expect("a time");
    Clocks::new(window, KOLKATA, reach(from, "2026-11-24T12:00:00Z")).each_own(Some(six), Until::Deadline)
}

#[test]
fn each_own_clock_has_a_window_and_a_deadline() {
    let mut clocks = own_clocks(&Window::default(), "2026-11-22T00:00:00Z");
    assert_eq!([None, Some("Asia/Tokyo"), Some("Asia/Kolkata")].map(|zone| clocks.of(zone)), [Ok(0), Ok(1), Ok(0)]);
    let told = clocks.of(Some("Mars")).expect_err("no zone");
    assert!(told.starts_with("what time it is there cannot be told: `Mars` is not a time zone"), "{told}");
    let (from, to) = (utc("2026-11-22T00:00:00Z"), utc("2026-11-24T12:00:00Z"));
    let tokyo = |until| clocks.hours(from, to, until)[1].clone();
    let six = utc("2026-11-22T21:00:00Z");
    assert_eq!(tokyo(Until::Closes), [Stretch { from: six - 30_000, until: six + 270_000 }]);
    assert_eq!(tokyo(Until::Deadline), tokyo(Until::Closes), "it has not opened yet");
    assert_eq!(tokyo(Until::Ever), [Stretch { from: six - 30_000, until: to }]);
    assert_eq!([0, 1].map(|clock| clocks.deadline(clock)), [utc("2026-11-23T00:35:00Z"), six + 300_000].map(Some));
}

#[test]
fn whose_time_was_over_before_the_run_began_is_too_late_unless_it_sends_late() {
    let from = "2026-11-22T21:05:00Z";
    let mut clocks = own_clocks(&Window::default(), from);
    assert_eq!((clocks.of(Some("Asia/Tokyo")), clocks.of(None)), (Ok(0), Ok(1)));
    assert_eq!((clocks.is_too_late(0), clocks.is_too_late(1)), (true, false));
    let late = window(json!({"late": "send"}));
    let mut clocks = own_clocks(&late, from);
    assert_eq!((clocks.of(Some("Asia/Tokyo")), clocks.is_too_late(0)), (Ok(0), false));
    let to = utc("2026-11-23T12:00:00Z");
    assert_eq!(clocks.hours(utc(from), to, Until::Deadline)[0], [Stretch { from: utc(from), until: to }]);
}

#[test]
fn a_window_that_had_opened_before_the_run_began_may_be_used_up_to_its_deadline() {
    let from = "2026-11-22T21:01:00Z";
    let mut clocks = own_clocks(&Window::default(), from);
    assert_eq!((clocks.of(Some("Asia/Tokyo")), clocks.of(None)), (Ok(0), Ok(1)));
    let hours = clocks.hours(utc(from), utc("2026-11-23T12:00:00Z"), Until::Deadline);
    assert_eq!(hours[0], [Stretch { from: utc(from), until: utc("2026-11-22T21:05:00Z") }]);
    assert_eq!(hours[1][0].until, utc("2026-11-23T00:34:30Z"), "the other closes as ever");
}

#[test]
fn quiet_hours_and_dates_are_those_of_the_own_clock() {
    let mut clocks = own_clocks(&quiet("21:00", "08:00"), "2026-11-22T00:00:00Z");
    assert!(clocks.of(Some("Asia/Tokyo")).is_err_and(|why| why.contains("quiet in Asia/Tokyo")));
    // 22:00 of the 22nd in UTC is the 23rd in Tokyo.
    let mut clocks = own_clocks(&window(json!({"blackout": ["2026-11-22"]})), "2026-11-22T00:00:00Z");
    assert_eq!(clocks.of(Some("Asia/Tokyo")), Ok(0));
    let mut clocks = own_clocks(&window(json!({"blackout": ["2026-11-23"]})), "2026-11-22T00:00:00Z");
    assert!(clocks.of(Some("Asia/Tokyo")).is_err());
}
