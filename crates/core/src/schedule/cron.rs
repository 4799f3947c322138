//! Five-field cron expressions as POSIX has them, on the `cron` crate, which counts otherwise: it wants seconds, calls
//! Sunday 1, and asks that day of month *and* day of week fit where POSIX is content with either.

use std::str::FromStr;

use chrono::{NaiveDateTime, TimeZone, Utc};

/// The fields in their order.
const FIELDS: [Field; 5] = [
    Field { name: "minute", from: 0, to: 59, words: &[] },
    Field { name: "hour", from: 0, to: 23, words: &[] },
    Field { name: "day of month", from: 1, to: 31, words: &[] },
    Field { name: "month", from: 1, to: 12, words: &MONTHS },
    // 7 is Sunday once more.
    Field { name: "day of week", from: 0, to: 7, words: &DAYS },
];

const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const DAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

/// What one of the five fields may hold.
struct Field {
    name: &'static str,
    from: u8,
    to: u8,
    words: &'static [&'static str],
}

/// Why a text is not a cron expression.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadCron {
    /// Not five fields.
    #[error(
        "`{0}` has {1} fields; write five: minute, hour, day of month, month, day of week, such as `0 6 * * 1-5` for \
         06:00 from Monday to Friday"
    )]
    Count(String, usize),
    /// A field that cannot be read.
    #[error(
        "`{part}` is no {name}: write {from} to {to}, a range `a-b`, a step `*/n`, a list `a,b` or `*`{}",
        words.first().map(|word| format!(", or names such as `{word}`")).unwrap_or_default()
    )]
    Field {
        /// What stands there.
        part: String,
        /// The field.
        name: &'static str,
        /// Its least value.
        from: u8,
        /// Its greatest value.
        to: u8,
        /// Names that it takes beside numbers.
        words: &'static [&'static str],
    },
}

/// A five-field cron expression.
#[derive(Debug, Clone)]
pub struct Cron {
    text: String,
    /// One, or two where either day field suffices.
    schedules: Vec<cron::Schedule>,
}

impl PartialEq for Cron {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Cron {}

impl Cron {
    /// As it was written, single spaces between the fields.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// What it says, in words: `At 06:00, on Monday.`
    pub fn in_words(&self) -> String {
        let known: Result<croner::Cron, _> = self.text.parse();
        known.map_or_else(|_| self.text.clone(), |cron| cron.describe())
    }

    /// The first civil time after `after` that it names; `None` when none is left in this century.
    pub fn next(&self, after: NaiveDateTime) -> Option<NaiveDateTime> {
        // Civil times are walked as if no clock were ever put forward or back: what the zone makes of each comes later.
        let after = Utc.from_utc_datetime(&after);
        self.schedules.iter().filter_map(|schedule| schedule.after(&after).next()).min().map(|at| at.naive_utc())
    }
}

impl FromStr for Cron {
    type Err = BadCron;
    fn from_str(text: &str) -> Result<Self, BadCron> {
        let parts: Vec<&str> = text.split_ascii_whitespace().collect();
        let fields: [&str; 5] =
            parts.as_slice().try_into().map_err(|_| BadCron::Count(text.to_owned(), parts.len()))?;
        let mut values = fields.iter().zip(&FIELDS).map(|(part, field)| field.read(part));
        let [minute, hour, day, month, weekday] = std::array::from_fn(|_| values.next().expect("five of each"));
        let (minute, hour, day, month) = (listed(minute?, 0), listed(hour?, 0), day?, listed(month?, 0));
        // POSIX: Sunday is 0, or 7; the crate: Sunday is 1.
        let weekday = weekday?.into_iter().map(|day| day % 7).collect();
        let translated = |day: &str, weekday: &str| {
            let text = format!("0 {minute} {hour} {day} {month} {weekday}");
            cron::Schedule::from_str(&text).expect("lists of values within their bounds are read")
        };
        let (days, weekdays) = (listed(day, 0), listed(weekday, 1));
        let schedules = match (fields[2], fields[4]) {
            ("*", "*") => vec![translated("*", "*")],
            ("*", _) => vec![translated("*", &weekdays)],
            (_, "*") => vec![translated(&days, "*")],
            _ => vec![translated(&days, "*"), translated("*", &weekdays)],
        };
        Ok(Self { text: parts.join(" "), schedules })
    }
}

fn listed(values: Vec<u8>, shift: u8) -> String {
    values.iter().map(|value| (value + shift).to_string()).collect::<Vec<_>>().join(",")
}

impl Field {
    /// Every value that `text` names.
    fn read(&self, text: &str) -> Result<Vec<u8>, BadCron> {
        let bad = |part: &str| BadCron::Field {
            part: part.to_owned(),
            name: self.name,
            from: self.from,
            to: self.to,
            words: self.words,
        };
        let mut values = Vec::new();
        for item in text.split(',') {
            values.extend(self.item(item).ok_or_else(|| bad(item))?);
        }
        values.sort_unstable();
        values.dedup();
        Ok(values)
    }

    /// `a`, `a-b`, `*`, or one of the latter two with a step.
    fn item(&self, item: &str) -> Option<impl Iterator<Item = u8> + use<>> {
        let (range, step) = match item.split_once('/') {
            Some((range, step)) => (range, Some(number(step).filter(|step| *step > 0)?)),
            None => (item, None),
        };
        let (from, to) = match range.split_once('-') {
            _ if range == "*" => (self.from, if self.words.len() == 7 { 6 } else { self.to }),
            Some((from, to)) => (self.value(from)?, self.value(to)?),
            None if step.is_some() => return None,
            None => self.value(range).map(|value| (value, value))?,
        };
        (from <= to).then(|| (from..=to).step_by(usize::from(step.unwrap_or(1))))
    }

    fn value(&self, text: &str) -> Option<u8> {
        let named = self.words.iter().position(|word| word.eq_ignore_ascii_case(text));
        let value =
            named.map(|place| place as u8 + if self.words.len() == 12 { 1 } else { 0 }).or_else(|| number(text));
        value.filter(|value| (self.from..=self.to).contains(value))
    }
}

/// Digits alone: `parse` would take a sign, too.
fn number(text: &str) -> Option<u8> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use chrono::{Datelike, NaiveDate, TimeDelta, Timelike};
    use proptest::prelude::*;

    use super::*;

    fn civil(text: &str) -> NaiveDateTime {
        text.parse().expect("a civil time")
    }

    fn days(cron: &str) -> Vec<String> {
        let cron: Cron = cron.parse().expect("a cron expression");
        // 2026-11-22 is a Sunday.
        let first = cron.next(civil("2026-11-22T00:00:00"));
        let all = std::iter::successors(first, |at| cron.next(*at));
        all.take_while(|at| *at < civil("2026-11-29T00:01:00")).map(|at| at.format("%a").to_string()).collect()
    }

    fn refused(cron: &str) -> String {
        cron.parse::<Cron>().expect_err("a fault").to_string()
    }

    #[test]
    fn weekdays_are_counted_as_posix_has_them() {
        assert_eq!(days("0 6 * * 1-5"), ["Mon", "Tue", "Wed", "Thu", "Fri"]);
        assert_eq!(days("0 6 * * 0"), ["Sun"]);
        assert_eq!(days("0 6 * * 7"), ["Sun"]);
        assert_eq!(days("0 6 * * 5-7"), ["Sun", "Fri", "Sat"]);
        assert_eq!(days("0 6 * * sat,MON"), ["Mon", "Sat"]);
        assert_eq!(days("0 6 * * */2"), ["Sun", "Tue", "Thu", "Sat"]);
    }

    #[test]
    fn where_both_days_are_given_either_will_do() {
        // The 24th is a Tuesday.
        assert_eq!(days("0 6 24 * 5"), ["Tue", "Fri"]);
        assert_eq!(days("0 6 24 * *"), ["Tue"]);
    }

    #[test]
    fn what_is_no_cron_expression_is_refused_with_its_part() {
        assert!(refused("0 6 * *").starts_with("`0 6 * *` has 4 fields; write five"));
        assert!(refused("0 0 6 * * 1").contains("has 6 fields"));
        assert!(refused("60 6 * * *").starts_with("`60` is no minute: write 0 to 59"));
        assert!(refused("0 6 * * fry").starts_with("`fry` is no day of week: write 0 to 7"));
        assert!(refused("0 6 0 * *").starts_with("`0` is no day of month"));
        for bad in ["5-1 6 * * *", "1/2 6 * * *", "*/0 6 * * *", "+1 6 * * *", ", 6 * * *", "0 6 L * *", "0 6 * * 1#2"]
        {
            assert!(bad.parse::<Cron>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_day_that_never_comes_has_no_next() {
        assert_eq!("0 6 30 2 *".parse::<Cron>().expect("a cron expression").next(civil("2026-01-01T00:00:00")), None);
    }

    #[test]
    fn it_is_said_in_words() {
        let words = |cron: &str| cron.parse::<Cron>().expect("a cron expression").in_words();
        assert_eq!(words("0  6 * * 1-5"), "At 06:00, on Monday, Tuesday, Wednesday, Thursday, and Friday.");
        assert_eq!(words("30 18 1,15 * *"), "At 18:30, on day 1 and 15.");
    }

    fn field(from: u8, to: u8) -> impl Strategy<Value = String> {
        let range = move || (from..=to, from..=to).prop_map(|(a, b)| (a.min(b), a.max(b)));
        prop_oneof![
            3 => Just("*".to_owned()),
            2 => (from..=to).prop_map(|value| value.to_string()),
            1 => range().prop_map(|(a, b)| format!("{a}-{b}")),
            1 => (range(), 1..9_u8).prop_map(|((a, b), step)| format!("{a}-{b}/{step}")),
            1 => prop::collection::vec((from..=to).prop_map(|value| value.to_string()), 1..4)
                .prop_map(|values| values.join(",")),
        ]
    }

    proptest! {
        /// The next time is what `croner`, which shares nothing with the `cron` crate, says too.
        #[test]
        fn another_reader_of_cron_finds_the_same(
            (minute, hour, day, month, weekday) in (field(0, 59), field(0, 23), field(1, 31), field(1, 12), field(0, 7)),
            start in 0..20 * 366 * 1440_i64,
        ) {
            let text = format!("{minute} {hour} {day} {month} {weekday}");
            let (ours, theirs): (Cron, croner::Cron) = (text.parse().expect("ours"), text.parse().expect("theirs"));
            let after = civil("2026-01-01T00:00:00") + TimeDelta::minutes(start);
            let found = theirs.find_next_occurrence(&Utc.from_utc_datetime(&after), false).ok();
            prop_assert_eq!(ours.next(after), found.map(|at| at.naive_utc()), "{}", text);
        }

        #[test]
        fn no_text_makes_reading_panic(text in "\\PC{0,30}|[-*/,0-9a-z ]{0,30}") {
            if let Ok(cron) = text.parse::<Cron>() {
                let at = NaiveDate::from_ymd_opt(2026, 1, 1).and_then(|day| day.and_hms_opt(0, 0, 0)).expect("a time");
                if let Some(next) = cron.next(at) {
                    prop_assert!(next > at && next.second() == 0 && next.year() >= 2026);
                }
                prop_assert!(!cron.in_words().is_empty());
            }
        }
    }
}
